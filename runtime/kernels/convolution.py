"""Convolutions over N spatial dimensions: windows as a strided view, then one matrix product a group (BLAS)."""

import numpy as np

from .arrays import Array, in_float32, padded

COLUMN_LIMIT = 1 << 26
"""Elements of the unrolled windows that are held at a time."""


@in_float32
def conv(
    input: Array,
    weight: Array,
    bias: Array | None,
    *,
    strides: tuple[int, ...],
    dilations: tuple[int, ...],
    padding: tuple[int, ...],
    groups: int,
    clamp: tuple[float, ...] | None = None,
) -> Array:
    """Input N x C x spatial, weight O x C/groups x kernel, bias O. Integers accumulate in their own dtype."""
    rank = input.ndim - 2
    x = padded(input, [(0, 0), (0, 0), *zip(padding[:rank], padding[rank:], strict=True)])
    windows = sliding_windows(x, weight.shape[2:], strides, dilations)
    if groups == input.shape[1] and weight.shape[0] == groups:
        result = _depthwise(windows, weight, rank)
    else:
        result = _grouped(windows, weight, groups, rank)
    return finish(result, bias, clamp)


def finish(result: Array, bias: Array | None, clamp: tuple[float, ...] | None) -> Array:
    """Add the bias and limit the result."""
    if bias is not None:
        result = result + bias.reshape(1, -1, *(1,) * (result.ndim - 2))
    if clamp is not None:
        result = np.minimum(np.maximum(result, result.dtype.type(clamp[0])), result.dtype.type(clamp[1]))
    return result


def sliding_windows(x: Array, kernel: tuple[int, ...], strides: tuple[int, ...], dilations: tuple[int, ...]) -> Array:
    """A view N x C x positions x kernel of a padded image."""
    spans = [d * (k - 1) + 1 for k, d in zip(kernel, dilations, strict=True)]
    extents = [(size - span) // s + 1 for size, span, s in zip(x.shape[2:], spans, strides, strict=True)]
    steps = x.strides[2:]
    shape = (*x.shape[:2], *extents, *kernel)
    moves = [step * s for step, s in zip(steps, strides, strict=True)]
    taps = [step * d for step, d in zip(steps, dilations, strict=True)]
    return np.lib.stride_tricks.as_strided(x, shape, (*x.strides[:2], *moves, *taps), writeable=False)


def _depthwise(windows: Array, weight: Array, rank: int) -> Array:
    result = np.zeros(windows.shape[: 2 + rank], windows.dtype)
    for tap in np.ndindex(*weight.shape[2:]):
        factor = weight[(slice(None), 0, *tap)].reshape(1, -1, *(1,) * rank)
        result += windows[(..., *tap)] * factor
    return result


def _grouped(windows: Array, weight: Array, groups: int, rank: int) -> Array:
    batch, channels, *extents = windows.shape[: 2 + rank]
    outputs, per_group = weight.shape[:2]
    kernel = weight.shape[2:]
    matrices = weight.reshape(groups, outputs // groups, -1)
    result = np.empty((batch, outputs, *extents), windows.dtype)
    columns_per_row = channels // groups * int(np.prod(kernel)) * int(np.prod(extents[1:], dtype=np.int64))
    rows = max(1, COLUMN_LIMIT // max(columns_per_row, 1))
    order = (0, *range(1 + rank, 1 + 2 * rank), *range(1, 1 + rank))
    for n in range(batch):
        for group in range(groups):
            image = windows[n, group * per_group : (group + 1) * per_group]
            for first in range(0, extents[0], rows):
                part = image[:, first : first + rows]
                columns = part.transpose(order).reshape(matrices.shape[2], -1)
                product = matrices[group] @ columns
                outs = slice(group * matrices.shape[1], (group + 1) * matrices.shape[1])
                result[n, outs, first : first + rows] = product.reshape(-1, *part.shape[1 : 1 + rank])
    return result


@in_float32
def conv_transpose(
    input: Array,
    weight: Array,
    bias: Array | None,
    *,
    strides: tuple[int, ...],
    dilations: tuple[int, ...],
    padding: tuple[int, ...],
    output_padding: tuple[int, ...],
    groups: int,
    clamp: tuple[float, ...] | None = None,
) -> Array:
    """Input N x C x spatial, weight C x O/groups x kernel: every input element adds a scaled kernel to the result."""
    rank = input.ndim - 2
    kernel, per_group = weight.shape[2:], weight.shape[1]
    sizes = input.shape[2:]
    full = [(n - 1) * s + d * (k - 1) + 1 for n, s, d, k in zip(sizes, strides, dilations, kernel, strict=True)]
    room = [max(f, f + o - padding[rank + i]) for i, (f, o) in enumerate(zip(full, output_padding, strict=True))]
    result = np.zeros((input.shape[0], per_group * groups, *room), input.dtype)
    x = input.reshape(input.shape[0], groups, -1, int(np.prod(sizes)))
    w = weight.reshape(groups, -1, per_group, *kernel)
    for tap in np.ndindex(*kernel):
        matrix = w[(..., *tap)]
        part = np.matmul(matrix.transpose(0, 2, 1)[None], x).reshape(input.shape[0], -1, *sizes)
        place = [
            slice(t * d, t * d + (n - 1) * s + 1, s) for t, d, n, s in zip(tap, dilations, sizes, strides, strict=True)
        ]
        result[(slice(None), slice(None), *place)] += part
    ends = [f + o - padding[rank + i] for i, (f, o) in enumerate(zip(full, output_padding, strict=True))]
    cut = [slice(padding[i], end) for i, end in enumerate(ends)]
    return finish(result[(slice(None), slice(None), *cut)], bias, clamp)
