"""The arithmetic of sliding windows, shared by convolutions and pooling."""

from collections.abc import Sequence

from ..ods import require
from ..tensors import Dim, Shape
from .base import require_length


def window_extent(
    size: Dim, kernel: int, stride: int, dilation: int, before: int, after: int, ceil_mode: bool = False
) -> Dim:
    """How many windows fit along one dimension.

    With `ceil_mode` a last window may hang over the end, if it starts inside the image or its leading padding.
    """
    if size is None:
        return None
    span = dilation * (kernel - 1) + 1
    room = size + before + after - span
    require(room >= 0, f"window of {span} does not fit into {size} with padding {before} and {after}")
    extent = (-(-room // stride) if ceil_mode else room // stride) + 1
    if ceil_mode and (extent - 1) * stride >= size + before:
        extent -= 1
    return extent


def window_extents(
    sizes: Sequence[Dim],
    kernel: Sequence[int],
    strides: tuple[int, ...],
    dilations: tuple[int, ...],
    padding: tuple[int, ...],
    ceil_mode: bool = False,
) -> Shape:
    """`window_extent` of every spatial dimension."""
    rank = len(sizes)
    for values, length, name in (
        (strides, rank, "strides"),
        (dilations, rank, "dilations"),
        (padding, 2 * rank, "padding"),
    ):
        require_length(values, length, name)
    require(all(stride > 0 for stride in strides), f"strides {strides} must be positive")
    require(all(dilation > 0 for dilation in dilations), f"dilations {dilations} must be positive")
    require(all(amount >= 0 for amount in padding), f"padding {padding} must not be negative")
    return tuple(
        window_extent(size, kernel[i], strides[i], dilations[i], padding[i], padding[rank + i], ceil_mode)
        for i, size in enumerate(sizes)
    )
