"""The tensor functions of version 7 that compute with shapes; all give int64."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..machine import Array
from .operands7 import Object, arrays, axis_of, begins_ends, flag, int64, ints


def _conv2d_shape(
    given: Object, weights: Object, padding: Object, stride: Object, dilation: Object, groups: Object
) -> Array:
    batch, _, *sizes = ints(given)
    outputs, _, *kernel = ints(weights)
    pads, strides, dilations = begins_ends(padding), ints(stride), ints(dilation)
    extents = [
        (size + pads[i] + pads[2 + i] - dilations[i] * (kernel[i] - 1) - 1) // strides[i] + 1
        for i, size in enumerate(sizes)
    ]
    return int64((batch, outputs, *extents))


def _conv2d_transpose_shape(
    given: Object, weights: Object, stride: Object, dilation: Object, padding: Object, output_padding: Object,
    groups: Object,
) -> Array:  # fmt: skip
    batch, _, *sizes = ints(given)
    per_group, _, *kernel = ints(weights)
    pads, strides, dilations, extra = begins_ends(padding), ints(stride), ints(dilation), ints(output_padding)
    extents = [
        (size - 1) * strides[i] + extra[i] + dilations[i] * (kernel[i] - 1) + 1 - pads[i] - pads[2 + i]
        for i, size in enumerate(sizes)
    ]
    return int64((batch, per_group * ints(groups)[0], *extents))


def _get_paddings(
    given: Object, weights: Object, strides: Object, dilations: Object, same: Object, lower: Object
) -> Array:
    """[[before, after], ...] so that a convolution gives ceil(size / stride) positions."""
    sizes, kernel, steps, spread = ints(given)[2:], ints(weights)[2:], ints(strides), ints(dilations)
    if not flag(same):
        return np.zeros((2, 2), np.int64)
    pairs = []
    for i, size in enumerate(sizes):
        total = max((-(-size // steps[i]) - 1) * steps[i] + (kernel[i] - 1) * spread[i] + 1 - size, 0)
        less, more = total // 2, total - total // 2
        pairs.append((more, less) if flag(lower) else (less, more))
    return np.asarray(pairs, np.int64)


def _mat_mul_shape(lhs: Object, rhs: Object) -> Array:
    left, right = ints(lhs), ints(rhs)
    return int64((*np.broadcast_shapes(left[:-2], right[:-2]), left[-2], right[-1]))


def _reshape_shape(given: Object, shape: Object) -> Array:
    known = ints(given)
    dims = [known[i] if dim == 0 else dim for i, dim in enumerate(ints(shape))]
    if dims.count(-1) == 1:
        rest = int(np.prod([dim for dim in dims if dim != -1], dtype=np.int64))
        dims[dims.index(-1)] = int(np.prod(known, dtype=np.int64)) // rest
    return int64(dims)


def _squeeze_shape(given: Object, dim: Object) -> Array:
    dims = ints(given)
    dropped = {axis_of(axis, len(dims)) for axis in ints(dim)}
    return int64(size for axis, size in enumerate(dims) if axis not in dropped)


def _unsqueeze_shape(given: Object, dim: Object) -> Array:
    dims, axes = list(ints(given)), ints(dim)
    for axis in sorted(axis_of(one, len(dims) + len(axes)) for one in axes):
        dims.insert(axis, 1)
    return int64(dims)


def _transpose_shape(given: Object, perm: Object) -> Array:
    dims = ints(given)
    return int64(dims[axis] for axis in ints(perm))


FUNCTIONS: dict[str, Callable[..., Object]] = {
    "broadcast_shape": lambda inputs: int64(np.broadcast_shapes(*(ints(one) for one in arrays(inputs)))),
    "conv2d_shape": _conv2d_shape,
    "conv2d_transpose_shape": _conv2d_transpose_shape,
    "get_paddings": _get_paddings,
    "mat_mul_shape": _mat_mul_shape,
    "reshape_shape": _reshape_shape,
    "squeeze_shape": _squeeze_shape,
    "transpose_shape": _transpose_shape,
    "unsqueeze_shape": _unsqueeze_shape,
}
