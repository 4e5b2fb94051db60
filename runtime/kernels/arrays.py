"""What the kernels share: the array type, and computing narrow floats in float32."""

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, TypeVar

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]
Kernel = TypeVar("Kernel", bound=Callable[..., Any])

NARROW = np.dtype(np.float16)


def widen(array: Array) -> Array:
    """The array in float32 when its own float type is narrower."""
    return array.astype(np.float32) if array.dtype == NARROW else array


def in_float32(kernel: Kernel) -> Kernel:
    """A kernel that computes float16 operands in float32 and rounds its result once.

    The result takes the dtype of the first operand.
    """

    @wraps(kernel)
    def wrapped(first: Array, *operands: Array | None, **attributes: Any) -> Any:
        if np.asarray(first).dtype != NARROW:
            return kernel(first, *operands, **attributes)
        result = kernel(
            widen(first), *(operand if operand is None else widen(operand) for operand in operands), **attributes
        )
        if isinstance(result, tuple):
            return tuple(part.astype(first.dtype) if part.dtype == np.float32 else part for part in result)
        return result.astype(first.dtype) if result.dtype == np.float32 else result

    return wrapped  # type: ignore[return-value]  # same signature


def padded(array: Array, widths: Sequence[tuple[int, int]], value: Any = 0) -> Array:
    """The array, contiguous, with `value` around it: as many elements before and after it along each axis as `widths`
    has. For small arrays ten times faster than `np.pad`. Raises ValueError when one of `widths` is negative."""
    if min(map(min, widths), default=0) < 0:
        raise ValueError(f"padding {widths} must not be negative")
    if max(map(max, widths), default=0) == 0:
        return np.asarray(array, order="C")
    result = np.full(
        [before + n + after for n, (before, after) in zip(array.shape, widths, strict=True)], value, array.dtype
    )
    result[tuple(slice(before, before + n) for n, (before, _) in zip(array.shape, widths, strict=True))] = array
    return result


def axes_except(rank: int, kept: tuple[int, ...]) -> tuple[int, ...]:
    """All axes of a tensor but `kept`."""
    return tuple(axis for axis in range(rank) if axis not in kept)


def along_channels(parameter: Array, rank: int) -> Array:
    """A vector of one value a channel, shaped to broadcast against N x C x ..."""
    return parameter.reshape((1, -1) + (1,) * (rank - 2))
