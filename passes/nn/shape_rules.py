"""How the shapes of an operation's results follow from those of its operands, where these are not known.

One rule for each kind of operation, by the arithmetic of its `infer`. `Known` tells a rule what it may look at.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from ...dialects import nn
from ...dialects.mlir import describe, ir
from ...dialects.nn.linalg import split_equation
from ...dialects.sizes import Extent, broadcast, integers, larger, less, product, rounded_up, smaller
from ...dialects.tensors import shape_of
from ...errors import UnsupportedError

Extents = tuple[Extent, ...]
Numbers = np.ndarray[Any, np.dtype[np.object_]]
"""Elements of a tensor of integers, each an `Extent`."""


class Known(Protocol):
    """What is known of values before an operation."""

    def shape(self, value: ir.Value) -> Extents:
        """The shape of a value. Raises `UnsupportedError` K0605 when it cannot be told."""

    def ints(self, value: ir.Value) -> Extents:
        """The elements of a vector, or a scalar, of integers. Raises `UnsupportedError` K0605."""

    def numbers(self, value: ir.Value) -> Numbers:
        """The elements of a tensor of integers. Raises `UnsupportedError` K0605."""


Rule = Callable[[Any, Known], Sequence[Extents]]
"""The shapes of an operation's results."""


def undecided(where: str, value: ir.Value, op: Any) -> UnsupportedError:
    if op is None or type(op) in (nn.NonZero, nn.Nms):
        cause = f"shapes depend on the values of {value.type}, not on the shapes of the network's inputs alone"
    else:
        cause = f"the shape or value that '{op.operation.name}' gives cannot be told from the shapes of its operands"
    return UnsupportedError("K0605", where=where, cause=cause, remedy="fix the input shapes with --shape or --dim")


def _like_first(op: Any, known: Known) -> Sequence[Extents]:
    return [known.shape(op.operation.operands[0])]


def broadcast_shapes(*shapes: Extents) -> Extents:
    """What numpy's broadcasting gives."""
    rank = max(len(shape) for shape in shapes)
    result: Extents = (1,) * rank
    for shape in shapes:
        full = (1,) * (rank - len(shape)) + shape
        result = tuple(broadcast(first, second) for first, second in zip(result, full, strict=True))
    return result


def _broadcast(op: Any, known: Known) -> Sequence[Extents]:
    return [broadcast_shapes(*(known.shape(value) for value in op.operation.operands))]


def window_extent(
    size: Extent, kernel: int, stride: int, dilation: int, before: int, after: int, ceil_mode: bool = False
) -> Extent:
    """How many windows fit along one dimension: `nn.window_extent` for sizes that are not known."""
    start = size + (before + after - dilation * (kernel - 1) - 1)
    if not ceil_mode:
        return start // stride + 1
    extent = rounded_up(start, stride) + 1
    return extent - 1 + less((extent - 1) * stride, size + before)


def _windows(op: Any, sizes: Extents, kernel: Sequence[int]) -> Extents:
    rank, ceil_mode = len(sizes), getattr(op, "ceil_mode", False)
    return tuple(
        window_extent(size, kernel[i], op.strides[i], op.dilations[i], op.padding[i], op.padding[rank + i], ceil_mode)
        for i, size in enumerate(sizes)
    )


def _conv(op: nn.Conv, known: Known) -> Sequence[Extents]:
    batch, _, *sizes = known.shape(op.input)
    kernel = [dim or 0 for dim in op.kernel]
    return [(batch, shape_of(op.weight)[0] or 0, *_windows(op, tuple(sizes), kernel))]


def _conv_transpose(op: nn.ConvTranspose, known: Known) -> Sequence[Extents]:
    batch, _, *sizes = known.shape(op.input)
    _, per_group, *kernel = [dim or 0 for dim in shape_of(op.weight)]
    rank = len(sizes)
    extents = [
        (size - 1) * op.strides[i]
        + (op.output_padding[i] + op.dilations[i] * (kernel[i] - 1) + 1 - op.padding[i] - op.padding[rank + i])
        for i, size in enumerate(sizes)
    ]
    return [(batch, per_group * op.groups, *extents)]


def _pool(op: nn.PoolOp, known: Known) -> Sequence[Extents]:
    batch, channels, *sizes = known.shape(op.input)
    return [(batch, channels, *_windows(op, tuple(sizes), op.kernel))] * len(op.operation.results)


def _matmul(op: nn.Matmul, known: Known) -> Sequence[Extents]:
    left, right = known.shape(op.lhs), known.shape(op.rhs)
    batch = broadcast_shapes(left[:-2], right[:-2])
    return [(*batch, *(left[-2:-1] if len(left) > 1 else ()), *(right[-1:] if len(right) > 1 else ()))]


def _einsum(op: nn.Einsum, known: Known) -> Sequence[Extents]:
    terms, output = split_equation(op.equation, [len(known.shape(value)) for value in op.inputs])
    sizes: dict[str, Extent] = {}
    for term, value in zip(terms, op.inputs, strict=True):
        for label, extent in zip(term, known.shape(value), strict=True):
            sizes[label] = broadcast(sizes.get(label, 1), extent)
    return [tuple(sizes[label] for label in output)]


def _transpose(op: nn.Transpose, known: Known) -> Sequence[Extents]:
    shape = known.shape(op.input)
    return [tuple(shape[axis] for axis in op.permutation)]


def reshaped(source: Extents, target: Sequence[Extent], allow_zero: bool = True) -> Extents:
    """The target with dimensions that it keeps (0, unless `allow_zero`) and what is left for -1."""
    kept = [source[i] if dim == 0 and not allow_zero else dim for i, dim in enumerate(target)]
    known = [dim for dim in kept if dim != -1]
    return tuple(left_over(source, known) if dim == -1 else dim for dim in kept)


def left_over(source: Sequence[Extent], known: Sequence[Extent]) -> Extent:
    """All elements of `source`, divided by `known`; sizes that both have are left out."""
    above, below = list(source), []
    for dim in known:
        if not isinstance(dim, int) and dim in above:
            above.remove(dim)
        else:
            below.append(dim)
    return product(above) // (product(below) or 1)


def _reshape(op: nn.Reshape, known: Known) -> Sequence[Extents]:
    return [reshaped(known.shape(op.input), op.shape)]


def _dynamic_reshape(op: nn.DynamicReshape, known: Known) -> Sequence[Extents]:
    return [reshaped(known.shape(op.input), known.ints(op.shape), op.allow_zero)]


def _squeeze(op: nn.Squeeze, known: Known) -> Sequence[Extents]:
    shape = known.shape(op.input)
    dropped = {axis % len(shape) for axis in op.axes}
    return [tuple(extent for axis, extent in enumerate(shape) if axis not in dropped)]


def _unsqueeze(op: nn.Unsqueeze, known: Known) -> Sequence[Extents]:
    shape = known.shape(op.input)
    rank = len(shape) + len(op.axes)
    added, extents = {axis % rank for axis in op.axes}, iter(shape)
    return [tuple(1 if axis in added else next(extents) for axis in range(rank))]


def _concat(op: nn.Concat, known: Known) -> Sequence[Extents]:
    joined = [list(known.shape(value)) for value in op.inputs]
    axis, result = op.axis % len(joined[0]), joined[0]
    for other in joined[1:]:
        result[axis] = result[axis] + other[axis]
    return [tuple(result)]


def _split(op: nn.Split, known: Known) -> Sequence[Extents]:
    shape = known.shape(op.input)
    axis = op.axis % len(shape)
    return [(*shape[:axis], size, *shape[axis + 1 :]) for size in op.sizes]


def slice_extent(size: Extent, start: Extent, end: Extent, step: int) -> Extent:
    """How many elements `[start:end:step]` takes: `nn.slice_extent` for sizes that are not known."""
    first, last = (bound + less(bound, 0) * size for bound in (start, end))
    if step > 0:
        first, last = (smaller(larger(bound, 0), size) for bound in (first, last))
        return rounded_up(larger(last - first, 0), step)
    first = smaller(larger(first, 0), size - 1)
    last = smaller(larger(last, -1), size - 1)
    return rounded_up(larger(first - last, 0), -step)


def _slice(op: nn.Slice, known: Known) -> Sequence[Extents]:
    return [_sliced(known.shape(op.input), op.starts, op.ends, op.axes, op.steps)]


def _dynamic_slice(op: nn.DynamicSlice, known: Known) -> Sequence[Extents]:
    starts, ends = known.ints(op.starts), known.ints(op.ends)
    axes = tuple(range(len(starts))) if op.axes is None else integers(known.ints(op.axes))
    steps = (1,) * len(starts) if op.steps is None else integers(known.ints(op.steps))
    if axes is None or steps is None:
        raise undecided(describe(op.location), op.output, op)
    return [_sliced(known.shape(op.input), starts, ends, axes, steps)]


def _sliced(
    shape: Extents, starts: Sequence[Extent], ends: Sequence[Extent], axes: Sequence[int], steps: Sequence[int]
) -> Extents:
    result = list(shape)
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        result[axis] = slice_extent(result[axis], start, end, step)
    return tuple(result)


def _expand(op: nn.Expand, known: Known) -> Sequence[Extents]:
    return [broadcast_shapes(known.shape(op.input), op.shape)]


def _dynamic_expand(op: nn.DynamicExpand, known: Known) -> Sequence[Extents]:
    return [broadcast_shapes(known.shape(op.input), known.ints(op.shape))]


def _tile(op: nn.Tile, known: Known) -> Sequence[Extents]:
    return [_tiled(known.shape(op.input), op.repeats)]


def _dynamic_tile(op: nn.DynamicTile, known: Known) -> Sequence[Extents]:
    return [_tiled(known.shape(op.input), known.ints(op.repeats))]


def _tiled(shape: Extents, repeats: Sequence[Extent]) -> Extents:
    return tuple(extent * repeat for extent, repeat in zip(shape, repeats, strict=True))


def _pad(op: nn.Pad, known: Known) -> Sequence[Extents]:
    shape = known.shape(op.input)
    return [_padded(shape, op.padding, range(len(shape)))]


def _dynamic_pad(op: nn.DynamicPad, known: Known) -> Sequence[Extents]:
    shape = known.shape(op.input)
    axes = tuple(range(len(shape))) if op.axes is None else integers(known.ints(op.axes))
    if axes is None:
        raise undecided(describe(op.location), op.output, op)
    return [_padded(shape, known.ints(op.pads), axes)]


def _padded(shape: Extents, padding: Sequence[Extent], axes: Sequence[int]) -> Extents:
    result = list(shape)
    for i, axis in enumerate(axes):
        result[axis] = result[axis] + padding[i] + padding[len(axes) + i]
    return tuple(result)


def _depth_to_space(op: nn.DepthToSpace, known: Known) -> Sequence[Extents]:
    n, c, h, w = known.shape(op.input)
    return [(n, c // op.block**2, h * op.block, w * op.block)]


def _dynamic_resize(op: nn.DynamicResize, known: Known) -> Sequence[Extents]:
    shape = known.shape(op.input)
    if op.scales is None:
        return [known.ints(op.sizes)]
    ratios = [scale.as_integer_ratio() for scale in op.scales]
    if any(above >= 2**30 for above, _ in ratios):  # a size times this is a number of 64 bits
        raise undecided(describe(op.location), op.output, op)
    return [tuple(extent * above // below for extent, (above, below) in zip(shape, ratios, strict=True))]


def _dynamic_topk(op: nn.DynamicTopk, known: Known) -> Sequence[Extents]:
    shape = list(known.shape(op.input))
    (shape[op.axis],) = known.ints(op.k)
    return [tuple(shape)] * 2


def _space_to_depth(op: nn.SpaceToDepth, known: Known) -> Sequence[Extents]:
    n, c, h, w = known.shape(op.input)
    return [(n, c * op.block**2, h // op.block, w // op.block)]


def _space_to_batch(op: nn.SpaceToBatch, known: Known) -> Sequence[Extents]:
    batch, channels, *sizes = known.shape(op.input)
    padded = _padded(tuple(sizes), op.padding, range(len(sizes)))
    extents = [size // block for size, block in zip(padded, op.block, strict=True)]
    return [(batch * product(op.block), channels, *extents)]


def _batch_to_space(op: nn.BatchToSpace, known: Known) -> Sequence[Extents]:
    batch, channels, *sizes = known.shape(op.input)
    extents = [size * block for size, block in zip(sizes, op.block, strict=True)]
    cropped = _padded(tuple(extents), [-crop for crop in op.crops], range(len(sizes)))
    return [(batch // product(op.block), channels, *cropped)]


def _gather(op: nn.Gather, known: Known) -> Sequence[Extents]:
    shape, indices = known.shape(op.input), known.shape(op.indices)
    axis = op.axis % len(shape)
    return [(*shape[:axis], *indices[op.batch_dims :], *shape[axis + 1 :])]


def _gather_elements(op: nn.GatherElements, known: Known) -> Sequence[Extents]:
    return [known.shape(op.indices)]


def _gather_nd(op: nn.GatherNd, known: Known) -> Sequence[Extents]:
    shape, indices = known.shape(op.input), known.shape(op.indices)
    depth = shape_of(op.indices)[-1] or 0
    return [(*indices[:-1], *shape[op.batch_dims + depth :])]


def _reduce(op: nn.Reduce | nn.ArgReduce, known: Known) -> Sequence[Extents]:
    shape = known.shape(op.input)
    axes = {axis % len(shape) for axis in (op.axes if isinstance(op, nn.Reduce) else (op.axis,))}
    kept = enumerate(shape)
    return [tuple(1 if axis in axes else extent for axis, extent in kept if op.keepdims or axis not in axes)]


def _topk(op: nn.Topk, known: Known) -> Sequence[Extents]:
    shape = list(known.shape(op.input))
    shape[op.axis] = op.k
    return [tuple(shape)] * 2


def _one_hot(op: nn.OneHot, known: Known) -> Sequence[Extents]:
    shape = known.shape(op.indices)
    axis = op.axis % (len(shape) + 1)
    return [(*shape[:axis], op.depth, *shape[axis:])]


def _recurrent(op: nn.RecurrentOp, known: Known) -> Sequence[Extents]:
    first, second, _ = known.shape(op.x)
    states = len(op.operation.results) - 1
    directions, hidden = op.directions, op.hidden_size
    if op.layout == 0:
        return [(first, directions, second, hidden), *[(directions, second, hidden)] * states]
    return [(first, second, directions, hidden), *[(first, directions, hidden)] * states]


def _fill(op: nn.Fill, known: Known) -> Sequence[Extents]:
    return [known.ints(op.shape)]


def _range(op: nn.Range, known: Known) -> Sequence[Extents]:
    (start,), (limit,), (delta,) = (known.ints(value) for value in (op.start, op.limit, op.delta))
    if not isinstance(delta, int) or delta == 0:
        raise undecided(describe(op.location), op.output, op)
    span = limit - start if delta > 0 else start - limit
    return [(rounded_up(larger(span, 0), abs(delta)),)]


SHAPES: Mapping[type, Rule] = {
    **dict.fromkeys(
        (
            nn.BatchNorm, nn.Bitcast, nn.Cast, nn.Dequantize, nn.ElementwiseOp, nn.GroupNorm, nn.InstanceNorm,
            nn.LayerNorm, nn.PredicateOp, nn.Prelu, nn.Quantize, nn.ReverseSequence, nn.RmsNorm, nn.ScatterElements,
            nn.ScatterNd, nn.StorageCast,
        ),
        _like_first,
    ),
    nn.ArgReduce: _reduce,
    nn.BatchToSpace: _batch_to_space,
    nn.BinaryOp: _broadcast,
    nn.Concat: _concat,
    nn.Conv: _conv,
    nn.ConvTranspose: _conv_transpose,
    nn.DepthToSpace: _depth_to_space,
    nn.DynamicExpand: _dynamic_expand,
    nn.DynamicPad: _dynamic_pad,
    nn.DynamicReshape: _dynamic_reshape,
    nn.DynamicResize: _dynamic_resize,
    nn.DynamicSlice: _dynamic_slice,
    nn.DynamicTile: _dynamic_tile,
    nn.DynamicTopk: _dynamic_topk,
    nn.Einsum: _einsum,
    nn.Expand: _expand,
    nn.Fill: _fill,
    nn.Gather: _gather,
    nn.GatherElements: _gather_elements,
    nn.GatherNd: _gather_nd,
    nn.Matmul: _matmul,
    nn.OneHot: _one_hot,
    nn.Pad: _pad,
    nn.PoolOp: _pool,
    nn.Range: _range,
    nn.RecurrentOp: _recurrent,
    nn.Reduce: _reduce,
    nn.Reshape: _reshape,
    nn.Slice: _slice,
    nn.SpaceToBatch: _space_to_batch,
    nn.SpaceToDepth: _space_to_depth,
    nn.Split: _split,
    nn.Squeeze: _squeeze,
    nn.Tile: _tile,
    nn.Topk: _topk,
    nn.Transpose: _transpose,
    nn.Unsqueeze: _unsqueeze,
    nn.Where: _broadcast,
}  # fmt: skip
"""Operations that are not here have results whose shapes their operands' shapes do not decide."""
