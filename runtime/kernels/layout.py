"""Rearranging tensors; every dtype."""

import builtins
from collections.abc import Sequence

import numpy as np

from .arrays import Array

_PAD_MODES = {"constant": "constant", "reflect": "reflect", "symmetric": "symmetric", "edge": "edge", "wrap": "wrap"}


def reshape(input: Array, *, shape: tuple[int, ...]) -> Array:
    """The same elements under another shape, one dimension of which may be -1."""
    return input.reshape(shape)


def dynamic_reshape(input: Array, shape: Array, *, allow_zero: bool) -> Array:
    """Reshape to a computed shape: 0 keeps a dimension unless `allow_zero`."""
    dims = [input.shape[i] if dim == 0 and not allow_zero else int(dim) for i, dim in enumerate(shape)]
    return input.reshape(dims)


def squeeze(input: Array, *, axes: tuple[int, ...]) -> Array:
    """Drop dimensions of extent 1."""
    return np.squeeze(input, axis=axes)


def unsqueeze(input: Array, *, axes: tuple[int, ...]) -> Array:
    """Insert dimensions of extent 1."""
    return np.expand_dims(input, axis=axes)


def transpose(input: Array, *, permutation: tuple[int, ...]) -> Array:
    """Permute the dimensions."""
    return np.transpose(input, permutation)


def slice(
    input: Array, *, starts: Sequence[int], ends: Sequence[int], axes: Sequence[int], steps: Sequence[int]
) -> Array:
    """ONNX's slices: bounds count from the end when negative and are clamped.

    Unlike numpy's, a walk back that starts before the first element starts at it.
    """
    index = [builtins.slice(None)] * input.ndim
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        size = input.shape[axis]
        first = max(start, -size) if step < 0 else start
        index[axis] = builtins.slice(first, None if step < 0 and end < -size else end, step)
    return input[tuple(index)]


def dynamic_slice(input: Array, starts: Array, ends: Array, axes: Array | None, steps: Array | None) -> Array:
    """`slice` with computed bounds."""
    return slice(
        input,
        starts=starts.tolist(),
        ends=ends.tolist(),
        axes=list(range(len(starts))) if axes is None else axes.tolist(),
        steps=[1] * len(starts) if steps is None else steps.tolist(),
    )


def concat(*inputs: Array, axis: int) -> Array:
    """Join along an axis."""
    return np.concatenate(inputs, axis=axis)


def split(input: Array, *, axis: int, sizes: tuple[int, ...]) -> tuple[Array, ...]:
    """Cut into parts of the given sizes."""
    return tuple(np.split(input, np.cumsum(sizes)[:-1], axis=axis))


def expand(input: Array, *, shape: tuple[int, ...]) -> Array:
    """Broadcast with a shape, both ways."""
    return np.broadcast_to(input, np.broadcast_shapes(input.shape, shape))


def dynamic_expand(input: Array, shape: Array) -> Array:
    """`expand` to a computed shape."""
    return expand(input, shape=tuple(shape.tolist()))


def tile(input: Array, *, repeats: tuple[int, ...]) -> Array:
    """Repeat along every dimension."""
    return np.tile(input, repeats)


def dynamic_tile(input: Array, repeats: Array) -> Array:
    """`tile` with computed repeats."""
    return np.tile(input, repeats.tolist())


def pad(input: Array, *, padding: tuple[int, ...], mode: str, value: float) -> Array:
    """Add elements around the tensor (all begins, then all ends); negative amounts crop."""
    rank = input.ndim
    pairs = list(zip(padding[:rank], padding[rank:], strict=True))
    cropped = input[
        tuple(builtins.slice(max(-b, 0), n - max(-e, 0)) for (b, e), n in zip(pairs, input.shape, strict=True))
    ]
    widths = [(max(before, 0), max(after, 0)) for before, after in pairs]
    if mode == "constant":
        sizes = list(zip(widths, cropped.shape, strict=True))
        padded = np.full([before + size + after for (before, after), size in sizes], input.dtype.type(value))
        padded[tuple(builtins.slice(before, before + size) for (before, _), size in sizes)] = cropped
        return padded
    return np.asarray(np.pad(cropped, widths, mode=_PAD_MODES[mode]))  # type: ignore[call-overload]  # one of its modes


def dynamic_pad(input: Array, pads: Array, value: Array | None, axes: Array | None, *, mode: str) -> Array:
    """`pad` by computed amounts, of all dimensions or of `axes`."""
    positions = range(input.ndim) if axes is None else axes.tolist()
    padding = [0] * (2 * input.ndim)
    for i, axis in enumerate(positions):
        padding[axis % input.ndim] = int(pads[i])
        padding[input.ndim + axis % input.ndim] = int(pads[len(positions) + i])
    fill_value = 0.0 if value is None else value.reshape(-1)[0]
    return pad(input, padding=tuple(padding), mode=mode, value=fill_value)


def trilu(input: Array, *, k: int, upper: bool) -> Array:
    """The upper or lower triangle of each matrix."""
    rank = max(input.shape[-2:]) + abs(k)
    return np.triu(input, k) if upper else np.tril(input, min(k, rank))


def depth_to_space(input: Array, *, block: int, mode: str) -> Array:
    """Blocks of channels become squares of pixels."""
    n, c, h, w = input.shape
    if mode == "DCR":
        parts = input.reshape(n, block, block, c // block**2, h, w).transpose(0, 3, 4, 1, 5, 2)
    else:
        parts = input.reshape(n, c // block**2, block, block, h, w).transpose(0, 1, 4, 2, 5, 3)
    return parts.reshape(n, c // block**2, h * block, w * block)


def space_to_depth(input: Array, *, block: int, mode: str) -> Array:
    """Squares of pixels become blocks of channels: pixel position first (DCR), or channel first (CRD)."""
    n, c, h, w = input.shape
    order = (0, 3, 5, 1, 2, 4) if mode == "DCR" else (0, 1, 3, 5, 2, 4)
    parts = input.reshape(n, c, h // block, block, w // block, block).transpose(order)
    return parts.reshape(n, c * block**2, h // block, w // block)


def space_to_batch(input: Array, *, block: tuple[int, ...], padding: tuple[int, ...]) -> Array:
    """Pad the spatial dimensions with zeros, then move their blocks into the batch."""
    rank = len(block)
    x = np.pad(input, [(0, 0), (0, 0), *zip(padding[:rank], padding[rank:], strict=True)])
    n, c, *sizes = x.shape
    outer = [size // b for size, b in zip(sizes, block, strict=True)]
    x = x.reshape(n, c, *[extent for pair in zip(outer, block, strict=True) for extent in pair])
    order = [3 + 2 * i for i in range(rank)] + [0, 1] + [2 + 2 * i for i in range(rank)]
    return x.transpose(order).reshape(n * int(np.prod(block)), c, *outer)


def batch_to_space(input: Array, *, block: tuple[int, ...], crops: tuple[int, ...]) -> Array:
    """Batch blocks become pixels, then `crops` are cut off."""
    rank = len(block)
    n, c, *sizes = input.shape
    x = input.reshape(*block, n // int(np.prod(block)), c, *sizes)
    order = [rank, rank + 1] + [axis for i in range(rank) for axis in (rank + 2 + i, i)]
    full = [size * b for size, b in zip(sizes, block, strict=True)]
    x = x.transpose(order).reshape(-1, c, *full)
    cut = [builtins.slice(crops[i], full[i] - crops[rank + i]) for i in range(rank)]
    return x[(builtins.slice(None), builtins.slice(None), *cut)]


def reverse_sequence(input: Array, lengths: Array, *, batch_axis: int, time_axis: int) -> Array:
    """Reverse the beginning of each batch entry."""
    x = np.moveaxis(input, (batch_axis, time_axis), (0, 1)).copy()
    for i, length in enumerate(lengths.tolist()):
        x[i, :length] = x[i, :length][::-1]
    return np.moveaxis(x, (0, 1), (batch_axis, time_axis))
