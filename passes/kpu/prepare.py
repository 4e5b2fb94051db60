"""Bring a network into forms that the KPU has, while it is still `nn` and not yet calibrated.

On entry: float `nn` after the common pipeline. On exit matrix products with constant matrices are 1x1 convolutions,
and what a mean over a map is multiplied with comes before the mean: both are linear, and the KPU then has a map
to work on. Whatever needs the range of a new value belongs here, since ranges are measured afterwards.
"""

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ...dialects import nn
from ...dialects.mlir import ir
from ...dialects.tensors import is_static, shape_of, static_shape
from ...runtime.cycles import CALL, DEQUANTIZE, MOVE, MULTIPLY_ADD, QUANTIZE
from ...runtime.kpu.cost import download, upload
from ...runtime.kpu.layout import Layout
from ...runtime.kpu.registers import CHANNELS
from ..nn.canonicalize import reshape_of_reshape, reshape_to_same
from ..pipeline import register_pass
from ..rewriter import NO_MATCH, Match, Pattern, Rewriter, has_one_use, pattern, producer, rewrite_module, sole_user
from .activation import POINTWISE
from .rounding import EARLY
from .rules import COLUMNS, LEAST
from .transposed import transposed_convolution

SPATIAL = (2, 3)


def convolution(value: ir.Value, weight: np.ndarray, bias: np.ndarray | None) -> ir.Value:
    """A 1x1 convolution of a map with a matrix O x C."""
    matrix = nn.Constant(value=weight[:, :, None, None].astype(np.float32)).output
    offset = None if bias is None else nn.Constant(value=bias.astype(np.float32)).output
    return nn.Conv(value, matrix, offset, strides=(1, 1), dilations=(1, 1), padding=(0, 0, 0, 0), groups=1).output


@pattern(nn.Matmul)
def matmul_of_rows(op: nn.Matmul, rewriter: Rewriter) -> Match:
    """x W + b == a 1x1 convolution of a map: of one pixel for a single row x, else of a pixel a row"""
    matrix = nn.constant_value(op.rhs)
    if matrix is None or matrix.ndim != 2 or matrix.dtype != np.float32 or not is_static(op.lhs):
        return NO_MATCH
    shape = static_shape(op.lhs)
    pixels = map_of_rows(math.prod(shape[:-1]), *matrix.shape) if len(shape) > 1 else None
    if pixels is None:
        return NO_MATCH
    bias, result = None, op
    add = sole_user(op.output, nn.Add)
    if add is not None and add.output.type == op.output.type:
        other = add.rhs if add.lhs == op.output else add.lhs
        bias = nn.constant_value(other)
        if bias is not None and bias.size not in (1, matrix.shape[1]):
            bias = None
    if bias is not None:
        assert add is not None
        result, bias = add, np.broadcast_to(bias.reshape(-1), matrix.shape[1])
    count = math.prod(pixels)
    value = op.lhs
    if count > 1:
        rows = nn.Reshape(value, shape=(1, count, matrix.shape[0])).output
        value = nn.Transpose(rows, permutation=(0, 2, 1)).output
    made = convolution(nn.Reshape(value, shape=(1, matrix.shape[0], *pixels)).output, matrix.T, bias)
    if count > 1:
        columns = nn.Reshape(made, shape=(1, matrix.shape[1], count)).output
        made = nn.Transpose(columns, permutation=(0, 2, 1)).output
    return rewriter.replace(result, nn.Reshape(made, shape=static_shape(op.output)).output)


def map_of_rows(count: int, inputs: int, outputs: int) -> tuple[int, int] | None:
    """Rows and columns of the map that holds `count` rows of a matrix, a pixel each; None where the host is faster."""
    if count == 1:
        return 1, 1
    sizes = [(count // columns, columns) for columns in range(LEAST, COLUMNS + 1) if count % columns == 0]
    fitting = [size for size in sizes if size[0] >= LEAST]
    way = (count * inputs) * QUANTIZE + upload((count, inputs)) + download((count, outputs))
    way += (count * outputs) * DEQUANTIZE + 1 * CALL + (count * (inputs + outputs)) * MOVE
    if not fitting or way.cycles > ((count * inputs * outputs) * MULTIPLY_ADD).cycles:
        return None
    return min(fitting, key=lambda size: Layout((1, max(inputs, outputs), *size)).bytes)


@pattern(nn.Conv, benefit=2)
def many_inputs_of_pixel(op: nn.Conv, rewriter: Rewriter) -> Match:
    """a convolution of one pixel with more input channels than a layer has is one of 3x3 pixels with a ninth of them"""
    weight, shape = nn.constant_value(op.weight), shape_of(op.input)
    if weight is None or op.groups != 1 or weight.ndim != 4 or shape != (1, weight.shape[1], 1, 1) or any(op.padding):
        return NO_MATCH
    outputs, inputs = weight.shape[:2]
    channels = -(-inputs // 9)
    if inputs <= CHANNELS or channels > CHANNELS:
        return NO_MATCH
    added = 9 * channels - inputs
    value = op.input
    if added:
        value = nn.Pad(value, padding=(0, 0, 0, 0, 0, added, 0, 0), mode="constant", value=0.0).output
    kernel = np.pad(weight, ((0, 0), (0, added), (0, 0), (0, 0))).reshape(outputs, channels, 3, 3)
    pixels = nn.Reshape(value, shape=(1, channels, 3, 3)).output
    return rewriter.replace(op, op.rebuild(pixels, nn.Constant(value=kernel).output, op.bias).output)


@pattern(nn.Conv)
def many_inputs(op: nn.Conv, rewriter: Rewriter) -> Match:
    """a convolution of more input channels than a layer has is a sum of several, each of some of the channels"""
    weight = nn.constant_value(op.weight)
    if weight is None or op.groups != 1 or weight.shape[1] <= CHANNELS or weight.ndim != 4:
        return NO_MATCH
    total = None
    for first, end in blocks_of(weight.shape[1], CHANNELS):
        kernel = nn.Constant(value=np.ascontiguousarray(weight[:, first:end])).output
        bias = op.bias if total is None else None
        made = op.rebuild(channels_between(op.input, first, end), kernel, bias, clamp=None).output
        total = made if total is None else nn.Add(total, made).output
    assert total is not None
    if op.clamp is not None:
        low, high = op.clamp
        total = nn.Relu(total).output if (low, high) == (0, math.inf) else nn.Clamp(total, min=low, max=high).output
    return rewriter.replace(op, total)


@pattern(nn.Conv)
def many_groups(op: nn.Conv, rewriter: Rewriter) -> Match:
    """a grouped convolution of more input channels than a layer has is several, one behind the other"""
    weight, bias = nn.constant_value(op.weight), None if op.bias is None else nn.constant_value(op.bias)
    if weight is None or weight.ndim != 4 or (bias is None) != (op.bias is None):
        return NO_MATCH
    made, taken = weight.shape[0] // op.groups, weight.shape[1]
    if op.groups == 1 or op.groups * taken <= CHANNELS:
        return NO_MATCH
    parts = []
    for first, end in blocks_of(op.groups, max(CHANNELS // taken, 1)):
        outputs, value = slice(first * made, end * made), channels_between(op.input, first * taken, end * taken)
        kernel = nn.Constant(value=weight[outputs]).output
        offset = None if bias is None else nn.Constant(value=bias[outputs]).output
        parts.append(op.rebuild(value, kernel, offset, groups=end - first).output)
    return rewriter.replace(op, nn.concat(parts, 1))


def blocks_of(count: int, most: int) -> list[tuple[int, int]]:
    """The first and the end of as few blocks as there can be with `most` members, of about the same size."""
    parts = -(-count // most)
    size = min(-(-count // parts // 4) * 4, most)
    return [(first, min(first + size, count)) for first in range(0, count, size)]


def channels_between(value: ir.Value, first: int, end: int) -> ir.Value:
    """Some channels of a map."""
    return nn.Slice(value, starts=(first,), ends=(end,), axes=(1,), steps=(1,)).output


@pattern(nn.Conv)
def convolution_of_mean(op: nn.Conv, rewriter: Rewriter) -> Match:
    """conv1x1(mean(x)) == mean(conv1x1(x)), when that makes the map that leaves the KPU smaller"""
    weight, mean = nn.constant_value(op.weight), whole_mean(op.input)
    if weight is None or mean is None or weight.shape[2:] != (1, 1) or op.groups != 1 or op.clamp is not None:
        return NO_MATCH
    if any(op.padding) or not has_one_use(op.input) or not weight.shape[0] <= weight.shape[1] <= CHANNELS:
        return NO_MATCH
    moved = op.rebuild(mean, op.weight, op.bias, strides=(1, 1)).output
    return rewriter.replace(op, nn.Reduce(moved, kind="mean", axes=SPATIAL, keepdims=True).output)


@pattern(nn.ElementwiseOp)
def elementwise_of_reshape(op: nn.ElementwiseOp, rewriter: Rewriter) -> Match:
    """f(reshape(conv(x))) == reshape(f(conv(x))), so that the convolution can end with f"""
    reshape = producer(op.input, nn.Reshape)
    if reshape is None or not isinstance(op, POINTWISE) or not has_one_use(op.input):
        return NO_MATCH
    if producer(reshape.input, nn.Conv) is None or not has_one_use(reshape.input):
        return NO_MATCH
    return rewriter.replace(op, reshape.rebuild(op.rebuild(reshape.input).output).output)


@pattern(nn.Add)
def sum_with_scaled(op: nn.Add, rewriter: Rewriter) -> Match:
    """x + x * s == x * (s + 1) for one number s a channel: one pass over the map, instead of two"""
    for value, other in ((op.lhs, op.rhs), (op.rhs, op.lhs)):
        scaled = producer(other, nn.Mul)
        if scaled is None or not has_one_use(other) or value not in (scaled.lhs, scaled.rhs):
            continue
        scale = scaled.rhs if value == scaled.lhs else scaled.lhs
        shape = shape_of(scale)
        if len(shape) != 4 or shape[2:] != (1, 1) or shape_of(value) != shape_of(op.output):
            continue
        one = nn.Constant(value=np.ones(1, np.float32)).output
        return rewriter.replace(op, nn.Mul(value, nn.Add(scale, one).output).output)
    return NO_MATCH


def whole_mean(value: ir.Value) -> ir.Value | None:
    """The map of which a value is the mean over height and width, as 1 x C x 1 x 1."""
    flat = producer(value, nn.Reshape)
    reduce = producer(value if flat is None else flat.input, nn.Reduce)
    if reduce is not None:
        over = tuple(sorted(axis % len(shape_of(reduce.input)) for axis in reduce.axes))
        found = reduce.kind == "mean" and over == SPATIAL and len(shape_of(reduce.input)) == 4
        same = shape_of(value) == (*shape_of(reduce.input)[:2], 1, 1)
        return reduce.input if found and same else None
    pool = producer(value, nn.AvgPool)
    if pool is None or len(shape_of(pool.input)) != 4 or any(pool.padding):
        return None
    return pool.input if pool.kernel == shape_of(pool.input)[2:] else None


@pattern(nn.Reshape)
def reshape_of_pad(op: nn.Reshape, rewriter: Rewriter) -> Match:
    """reshape(pad(x)) == pad(reshape(x)) when the reshape only moves dimensions of extent 1, which are not padded"""
    pad = producer(op.input, nn.Pad)
    if pad is None or pad.mode != "constant" or not is_static(pad.input):
        return NO_MATCH
    shape, result = static_shape(pad.output), static_shape(op.output)
    axes = [axis for axis, dim in enumerate(shape) if dim != 1]
    places = [place for place, dim in enumerate(result) if dim != 1]
    rank = len(shape)
    pads = [(pad.padding[axis], pad.padding[rank + axis]) for axis in range(rank)]
    if [shape[axis] for axis in axes] != [result[place] for place in places]:
        return NO_MATCH
    if any(pads[axis] != (0, 0) for axis in range(rank) if axis not in axes):
        return NO_MATCH
    inner, moved = [1] * len(result), [(0, 0)] * len(result)
    for axis, place in zip(axes, places, strict=True):
        inner[place], moved[place] = static_shape(pad.input)[axis], pads[axis]
    straight = nn.Reshape(pad.input, shape=tuple(inner)).output
    padding = (*(before for before, _ in moved), *(behind for _, behind in moved))
    return rewriter.replace(op, pad.rebuild(straight, padding=padding).output)


PATTERNS: tuple[Pattern[Any], ...] = (
    transposed_convolution,
    matmul_of_rows,
    many_inputs_of_pixel,
    many_inputs,
    many_groups,
    convolution_of_mean,
    *EARLY,
    reshape_of_pad,
    elementwise_of_reshape,
    sum_with_scaled,
    reshape_of_reshape,
    reshape_to_same,
)


@register_pass
@dataclass(frozen=True)
class Prepare:
    """Turn matrix products into convolutions, move those before means over whole maps, and moves behind rounding."""

    name: ClassVar[str] = "kpu-prepare"

    def apply(self, module: ir.Module) -> None:
        rewrite_module(module, PATTERNS)
