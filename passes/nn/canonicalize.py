"""Bring operations into one form of the many that mean the same, and remove those that do nothing.

The canonical direction: constants stand on the right of commutative operations, static forms replace dynamic ones,
`reshape` replaces squeeze, unsqueeze and transposes that move unit dimensions only, neighbouring operations of a kind
are merged. Results stay bit for bit the same, but for merged clamps and pads of NaN.
"""

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ...dialects import nn
from ...dialects.mlir import ir
from ...dialects.ods import MEMBERS
from ...dialects.tensors import dtype_of, is_static, shape_of
from ..pipeline import register_pass
from ..rewriter import NO_MATCH, Match, Pattern, Rewriter, has_one_use, pattern, producer, rewrite_module, users
from . import round_trips


def uniform_value(value: ir.Value) -> float | None:
    """The number that all elements of a constant are, else None."""
    array = nn.constant_value(value)
    if array is None or array.size == 0:
        return None
    first = array.reshape(-1)[0]
    return float(first) if array.size == 1 or bool(np.all(array == first)) else None


@pattern(nn.Reshape)
def reshape_to_same(op: nn.Reshape, rewriter: Rewriter) -> Match:
    """reshape(x) == x when the shape stays."""
    return rewriter.replace(op, op.input) if op.input.type == op.output.type and is_static(op.output) else NO_MATCH


@pattern(nn.Reshape)
def reshape_of_reshape(op: nn.Reshape, rewriter: Rewriter) -> Match:
    """reshape(reshape(x)) == reshape(x)"""
    inner = producer(op.input, nn.Reshape)
    if inner is None:
        return NO_MATCH
    return rewriter.replace(op, nn.Reshape(inner.input, shape=op.shape).output)


@pattern(nn.Reshape)
def reshape_of_pad(op: nn.Reshape, rewriter: Rewriter) -> Match:
    """reshape(pad(x)) == pad(reshape(x)) when dimensions of extent 1 come and go: the pad gets to what can absorb it"""
    pad = producer(op.input, nn.Pad)
    before, after = shape_of(op.input), shape_of(op.output)
    if pad is None or not has_one_use(op.input) or None in before or None in after:
        return NO_MATCH
    axes = [axis for axis, dim in enumerate(before) if dim != 1]
    places = [axis for axis, dim in enumerate(after) if dim != 1]
    source, rank = shape_of(pad.input), len(before)
    kept = all(pad.padding[i] == pad.padding[rank + i] == 0 for i in range(rank) if i not in axes)
    if not kept or [before[axis] for axis in axes] != [after[axis] for axis in places]:
        return NO_MATCH
    shape, padding = list(after), [0] * (2 * len(after))
    for axis, place in zip(axes, places, strict=True):
        shape[place] = source[axis]
        padding[place], padding[len(after) + place] = pad.padding[axis], pad.padding[rank + axis]
    return rewriter.replace(op, pad.rebuild(nn.Reshape(pad.input, shape=shape).output, padding=padding).output)


@pattern(nn.Squeeze)
def squeeze_to_reshape(op: nn.Squeeze, rewriter: Rewriter) -> Match:
    """squeeze is a reshape, when the shape is known."""
    return _as_reshape(op, rewriter)


@pattern(nn.Unsqueeze)
def unsqueeze_to_reshape(op: nn.Unsqueeze, rewriter: Rewriter) -> Match:
    """unsqueeze is a reshape, when the shape is known."""
    return _as_reshape(op, rewriter)


def _as_reshape(op: nn.Squeeze | nn.Unsqueeze | nn.Transpose | nn.Reduce, rewriter: Rewriter) -> Match:
    shape = shape_of(op.output)
    if None in shape:
        return NO_MATCH
    return rewriter.replace(op, nn.Reshape(op.input, shape=shape).output)


@pattern(nn.Transpose)
def transpose_identity(op: nn.Transpose, rewriter: Rewriter) -> Match:
    """transpose(x, identity) == x"""
    return rewriter.replace(op, op.input) if op.permutation == tuple(range(len(op.permutation))) else NO_MATCH


@pattern(nn.Transpose, benefit=2)
def transpose_of_transpose(op: nn.Transpose, rewriter: Rewriter) -> Match:
    """transpose(transpose(x, p), q) == transpose(x, p[q])"""
    inner = producer(op.input, nn.Transpose)
    if inner is None:
        return NO_MATCH
    permutation = tuple(inner.permutation[axis] for axis in op.permutation)
    return rewriter.replace(op, nn.Transpose(inner.input, permutation=permutation).output)


@pattern(nn.Transpose)
def transpose_of_unit_dims(op: nn.Transpose, rewriter: Rewriter) -> Match:
    """A transpose that keeps the order of all dimensions but those of extent 1 is a reshape."""
    shape = shape_of(op.input)
    moved = [axis for axis in op.permutation if shape[axis] != 1]
    return _as_reshape(op, rewriter) if moved == sorted(moved) else NO_MATCH


@pattern(nn.Slice)
def slice_of_everything(op: nn.Slice, rewriter: Rewriter) -> Match:
    """slice(x) == x when it takes all elements in order."""
    same = op.input.type == op.output.type and is_static(op.output) and all(step == 1 for step in op.steps)
    return rewriter.replace(op, op.input) if same else NO_MATCH


@pattern(nn.Slice)
def slice_of_slice(op: nn.Slice, rewriter: Rewriter) -> Match:
    """slice(slice(x, a), b) == slice(x, a and b) along different axes"""
    inner = producer(op.input, nn.Slice)
    rank = len(shape_of(op.input))
    if inner is None or {axis % rank for axis in op.axes} & {axis % rank for axis in inner.axes}:
        return NO_MATCH
    merged = {name: getattr(inner, name) + getattr(op, name) for name in ("starts", "ends", "axes", "steps")}
    return rewriter.replace(op, nn.Slice(inner.input, **merged).output)


@pattern(nn.Slice)
def slice_of_gather(op: nn.Slice, rewriter: Rewriter) -> Match:
    """slice(gather(x, i)) == gather(slice(x), slice(i)): it takes only what is wanted, if only slices want it"""
    gather, rank = producer(op.input, nn.Gather), len(shape_of(op.input))
    indices = None if gather is None else nn.constant_value(gather.indices)
    if gather is None or indices is None or indices.ndim != 1 or gather.batch_dims or min(op.steps) < 1:
        return NO_MATCH
    if not all(isinstance(user, nn.Slice) for user in users(op.input)):
        return NO_MATCH
    value, own = gather.input, nn.Constant(value=indices).output
    for axis, start, end, step in zip(op.axes, op.starts, op.ends, op.steps, strict=True):
        if axis % rank == gather.axis % rank:
            own = nn.Constant(value=indices[start:end:step]).output
        else:
            value = nn.Slice(value, starts=(start,), ends=(end,), axes=(axis % rank,), steps=(step,)).output
    return rewriter.replace(op, gather.rebuild(value, own).output)


@pattern(nn.Concat)
def concat_of_one(op: nn.Concat, rewriter: Rewriter) -> Match:
    """concat(x) == x"""
    return rewriter.replace(op, op.inputs[0]) if len(op.inputs) == 1 else NO_MATCH


@pattern(nn.Concat)
def concat_of_concat(op: nn.Concat, rewriter: Rewriter) -> Match:
    """concat(concat(a, b), c) == concat(a, b, c) along the same axis, when the inner one has no other use."""
    rank = len(shape_of(op.output))
    values: list[ir.Value] = []
    for value in op.inputs:
        inner = producer(value, nn.Concat)
        same = inner is not None and inner.axis % rank == op.axis % rank and has_one_use(value)
        values += inner.inputs if inner is not None and same else [value]
    if len(values) == len(op.inputs) or len(values) > MEMBERS:
        return NO_MATCH
    return rewriter.replace(op, nn.Concat(values, axis=op.axis).output)


@pattern(nn.Split)
def split_into_one(op: nn.Split, rewriter: Rewriter) -> Match:
    """split(x) into one part == x"""
    return rewriter.replace(op, op.input) if len(op.sizes) == 1 else NO_MATCH


@pattern(nn.Expand)
def expand_to_same(op: nn.Expand, rewriter: Rewriter) -> Match:
    """expand(x) == x when the shape stays."""
    return rewriter.replace(op, op.input) if op.input.type == op.output.type and is_static(op.output) else NO_MATCH


@pattern(nn.BinaryOp)
def expand_into_binary(op: nn.BinaryOp, rewriter: Rewriter) -> Match:
    """f(expand(x), y) == f(x, y) when y alone broadcasts the result to its shape."""
    for position, value in enumerate((op.lhs, op.rhs)):
        inner, other = producer(value, nn.Expand), (op.rhs, op.lhs)[position]
        if inner is None or not is_static(op.output):
            continue
        if nn.broadcast(shape_of(inner.input), shape_of(other)) == shape_of(op.output):
            operands = (inner.input, other) if position == 0 else (other, inner.input)
            return rewriter.replace(op, op.rebuild(*operands).output)
    return NO_MATCH


@pattern(nn.Tile)
def tile_once(op: nn.Tile, rewriter: Rewriter) -> Match:
    """tile(x) == x when nothing is repeated."""
    return rewriter.replace(op, op.input) if all(count == 1 for count in op.repeats) else NO_MATCH


@pattern(nn.Pad)
def pad_nothing(op: nn.Pad, rewriter: Rewriter) -> Match:
    """pad(x) == x when nothing is added or cropped."""
    return rewriter.replace(op, op.input) if not any(op.padding) else NO_MATCH


@pattern(nn.Pad)
def pad_of_pad(op: nn.Pad, rewriter: Rewriter) -> Match:
    """pad(pad(x)) == pad(x) for constant padding with one value that crops nothing."""
    inner = producer(op.input, nn.Pad)
    if inner is None or (op.mode, inner.mode) != ("constant", "constant") or op.value != inner.value:
        return NO_MATCH
    if min(op.padding) < 0 or min(inner.padding) < 0:
        return NO_MATCH
    total = tuple(a + b for a, b in zip(op.padding, inner.padding, strict=True))
    return rewriter.replace(op, nn.Pad(inner.input, padding=total, mode="constant", value=op.value).output)


@pattern(nn.Cast)
def cast_to_same(op: nn.Cast, rewriter: Rewriter) -> Match:
    """cast(x) == x when the type stays."""
    return rewriter.replace(op, op.input) if op.input.type == op.output.type else NO_MATCH


@pattern(nn.StorageCast)
def storage_cast_and_back(op: nn.StorageCast, rewriter: Rewriter) -> Match:
    """storage_cast(storage_cast(x)) == x when the type is x's again"""
    inner = producer(op.input, nn.StorageCast)
    back = inner is not None and inner.input.type == op.output.type
    return rewriter.replace(op, inner.input) if inner is not None and back else NO_MATCH


@pattern(nn.Clamp)
def clamp_nothing(op: nn.Clamp, rewriter: Rewriter) -> Match:
    """clamp(x, -inf, inf) == x"""
    return rewriter.replace(op, op.input) if (op.min, op.max) == (-math.inf, math.inf) else NO_MATCH


@pattern(nn.Clamp)
def clamp_of_clamp(op: nn.Clamp, rewriter: Rewriter) -> Match:
    """clamp(clamp(x, a, b), c, d) == clamp(x, clamp(a, c, d), clamp(b, c, d))"""
    inner = producer(op.input, nn.Clamp)
    if inner is None:
        return NO_MATCH
    low, high = (min(max(bound, op.min), op.max) for bound in (inner.min, inner.max))
    return rewriter.replace(op, nn.Clamp(inner.input, min=low, max=high).output)


@pattern(nn.Clamp)
def clamp_of_relu(op: nn.Clamp, rewriter: Rewriter) -> Match:
    """clamp(relu(x), a, b) == clamp(x, max(a, 0), max(b, 0))"""
    inner = producer(op.input, nn.Relu)
    if inner is None or op.max < 0:
        return NO_MATCH
    return rewriter.replace(op, nn.Clamp(inner.input, min=max(op.min, 0.0), max=op.max).output)


@pattern(nn.Relu)
def relu_of_positive(op: nn.Relu, rewriter: Rewriter) -> Match:
    """relu(x) == x when x cannot be negative."""
    owner = op.input.owner.opview if isinstance(op.input, ir.OpResult) else None
    positive = isinstance(owner, nn.Relu | nn.Sigmoid | nn.HardSigmoid | nn.Softmax | nn.Exp)
    positive = positive or (isinstance(owner, nn.Clamp) and owner.min >= 0)
    return rewriter.replace(op, op.input) if positive else NO_MATCH


@pattern(nn.Relu)
def relu_of_clamp(op: nn.Relu, rewriter: Rewriter) -> Match:
    """relu(clamp(x, a, b)) == clamp(x, max(a, 0), max(b, 0))"""
    inner = producer(op.input, nn.Clamp)
    if inner is None:
        return NO_MATCH
    return rewriter.replace(op, nn.Clamp(inner.input, min=max(inner.min, 0.0), max=max(inner.max, 0.0)).output)


@pattern(nn.BinaryOp)
def constant_to_the_right(op: nn.BinaryOp, rewriter: Rewriter) -> Match:
    """c + x == x + c"""
    commutative = isinstance(op, nn.Add | nn.Mul | nn.Maximum | nn.Minimum)
    if not commutative or producer(op.lhs, nn.Constant) is None or producer(op.rhs, nn.Constant) is not None:
        return NO_MATCH
    return rewriter.replace(op, op.rebuild(op.rhs, op.lhs).output)


@pattern(nn.BinaryOp)
def neutral_element(op: nn.BinaryOp, rewriter: Rewriter) -> Match:
    """x + 0, x - 0, x * 1, x / 1, x ^ 1 == x"""
    neutral = {"nn.add": 0.0, "nn.sub": 0.0, "nn.mul": 1.0, "nn.div": 1.0, "nn.pow": 1.0}.get(op.OPERATION_NAME)
    if neutral is None or op.lhs.type != op.output.type or uniform_value(op.rhs) != neutral:
        return NO_MATCH
    return rewriter.replace(op, op.lhs)


@pattern(nn.Mul)
def product_with_zero(op: nn.Mul, rewriter: Rewriter) -> Match:
    """x * 0 == 0, on integers: floats may be infinite or NaN"""
    integers = dtype_of(op.output).kind in "iu"
    if not integers or op.rhs.type != op.output.type or not is_static(op.output) or uniform_value(op.rhs) != 0.0:
        return NO_MATCH
    return rewriter.replace(op, op.rhs)


@pattern(nn.Pow)
def pow_two(op: nn.Pow, rewriter: Rewriter) -> Match:
    """x ^ 2 == square(x)"""
    if uniform_value(op.rhs) != 2.0 or op.lhs.type != op.output.type:
        return NO_MATCH
    return rewriter.replace(op, nn.Square(op.lhs).output)


@pattern(nn.Maximum)
def maximum_to_clamp(op: nn.Maximum, rewriter: Rewriter) -> Match:
    """maximum(x, c) == clamp(x, c, inf), on floats"""
    return _bound(op, rewriter, lambda c: (c, math.inf))


@pattern(nn.Minimum)
def minimum_to_clamp(op: nn.Minimum, rewriter: Rewriter) -> Match:
    """minimum(x, c) == clamp(x, -inf, c), on floats"""
    return _bound(op, rewriter, lambda c: (-math.inf, c))


def _bound(op: nn.Maximum | nn.Minimum, rewriter: Rewriter, bounds: Any) -> Match:
    number = uniform_value(op.rhs)
    if number is None or math.isnan(number) or op.lhs.type != op.output.type or dtype_of(op.lhs).kind != "f":
        return NO_MATCH
    low, high = bounds(number)
    return rewriter.replace(op, nn.Clamp(op.lhs, min=low, max=high).output)


@pattern(nn.Neg)
def neg_of_neg(op: nn.Neg, rewriter: Rewriter) -> Match:
    """-(-x) == x"""
    inner = producer(op.input, nn.Neg)
    return NO_MATCH if inner is None else rewriter.replace(op, inner.input)


@pattern(nn.LogicalNot)
def not_of_not(op: nn.LogicalNot, rewriter: Rewriter) -> Match:
    """not not x == x"""
    inner = producer(op.input, nn.LogicalNot)
    return NO_MATCH if inner is None else rewriter.replace(op, inner.input)


@pattern(nn.Reduce)
def reduce_of_unit_dims(op: nn.Reduce, rewriter: Rewriter) -> Match:
    """The sum, mean, maximum, minimum or product of single elements is a reshape."""
    shape = shape_of(op.input)
    if op.kind not in ("sum", "mean", "max", "min", "prod") or any(shape[axis] != 1 for axis in op.axes):
        return NO_MATCH
    return _as_reshape(op, rewriter)


@pattern(nn.PoolOp)
def pool_of_single_pixels(op: nn.PoolOp, rewriter: Rewriter) -> Match:
    """Maximum or mean over windows of one pixel == x"""
    trivial = set(op.kernel) == {1} and set(op.strides) == {1} and not any(op.padding)
    return rewriter.replace(op, op.input) if trivial and isinstance(op, nn.MaxPool | nn.AvgPool) else NO_MATCH


@pattern(nn.Resize)
def resize_to_same(op: nn.Resize, rewriter: Rewriter) -> Match:
    """resize(x) == x when size and scale stay."""
    same = op.input.type == op.output.type and set(op.scales) == {1.0} and op.coordinate != "tf_crop_and_resize"
    return rewriter.replace(op, op.input) if same else NO_MATCH


@pattern(nn.DynamicReshape)
def static_reshape(op: nn.DynamicReshape, rewriter: Rewriter) -> Match:
    """A reshape to a constant shape."""
    shape = shape_of(op.output)
    if nn.constant_ints(op.shape) is None or shape.count(None) > 1:
        return NO_MATCH
    return rewriter.replace(op, nn.Reshape(op.input, shape=[-1 if dim is None else dim for dim in shape]).output)


@pattern(nn.DynamicExpand)
def static_expand(op: nn.DynamicExpand, rewriter: Rewriter) -> Match:
    """An expansion to a constant shape."""
    shape = nn.constant_ints(op.shape)
    return NO_MATCH if shape is None else rewriter.replace(op, nn.Expand(op.input, shape=shape).output)


@pattern(nn.DynamicTile)
def static_tile(op: nn.DynamicTile, rewriter: Rewriter) -> Match:
    """A tiling with constant repeats."""
    repeats = nn.constant_ints(op.repeats)
    return NO_MATCH if repeats is None else rewriter.replace(op, nn.Tile(op.input, repeats=repeats).output)


@pattern(nn.DynamicSlice)
def static_slice(op: nn.DynamicSlice, rewriter: Rewriter) -> Match:
    """A slice with constant bounds."""
    starts, ends = nn.constant_ints(op.starts), nn.constant_ints(op.ends)
    if starts is None or ends is None:
        return NO_MATCH
    axes = tuple(range(len(starts))) if op.axes is None else nn.constant_ints(op.axes)
    steps = (1,) * len(starts) if op.steps is None else nn.constant_ints(op.steps)
    if axes is None or steps is None:
        return NO_MATCH
    starts = nn.slice_starts(shape_of(op.input), starts, axes, steps)
    return rewriter.replace(op, nn.Slice(op.input, starts=starts, ends=ends, axes=axes, steps=steps).output)


@pattern(nn.DynamicPad)
def static_pad(op: nn.DynamicPad, rewriter: Rewriter) -> Match:
    """A pad by constant amounts with a constant value."""
    rank = len(shape_of(op.input))
    pads = nn.constant_ints(op.pads)
    axes = tuple(range(rank)) if op.axes is None else nn.constant_ints(op.axes)
    value = 0.0 if op.value is None else uniform_value(op.value)
    if pads is None or axes is None or value is None:
        return NO_MATCH
    padding = [0] * (2 * rank)
    for i, axis in enumerate(axes):
        padding[axis % rank], padding[rank + axis % rank] = pads[i], pads[len(axes) + i]
    return rewriter.replace(op, nn.Pad(op.input, padding=padding, mode=op.mode, value=value).output)


@pattern(nn.DynamicTopk)
def static_topk(op: nn.DynamicTopk, rewriter: Rewriter) -> Match:
    """The first k elements, k being constant."""
    k = nn.constant_ints(op.k)
    if k is None:
        return NO_MATCH
    top = nn.Topk(op.input, k=k[0], axis=op.axis, largest=op.largest, sorted=op.sorted)
    return rewriter.replace(op, top.output, top.indices)


@pattern(nn.DynamicResize)
def static_resize(op: nn.DynamicResize, rewriter: Rewriter) -> Match:
    """A resize from a known shape to known sizes."""
    shape, sizes = shape_of(op.input), nn.constant_ints(op.sizes) if op.scales is None else shape_of(op.output)
    if sizes is None or None in shape or None in sizes or 0 in shape:
        return NO_MATCH
    scales = op.scales or [(size or 0) / (dim or 1) for size, dim in zip(sizes, shape, strict=True)]
    names = ("mode", "coordinate", "nearest_mode", "cubic_coeff_a", "exclude_outside", "antialias")
    how = {name: getattr(op, name) for name in names}
    result = nn.Resize(op.input, sizes=sizes, scales=scales, extrapolation_value=0.0, **how).output
    return rewriter.replace(op, result)


PATTERNS: tuple[Pattern[Any], ...] = (
    *(p for p in list(globals().values()) if isinstance(p, Pattern)),
    round_trips.round_trip,
    round_trips.quantize_of_dequantize,
)


@register_pass
@dataclass(frozen=True)
class Canonicalize:
    """Merge, simplify and remove operations without changing what is computed."""

    name: ClassVar[str] = "nn-canonicalize"

    def apply(self, module: ir.Module) -> None:
        rewrite_module(module, PATTERNS)
