"""Express everything through the few operations that a minimal stack machine (kmodel version 5) has.

On entry: decomposed (`nn-decompose`). On exit: convolutions, windows, products, sums and extremes, elementwise
arithmetic and functions, and what moves elements. Results differ by float rounding only.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ...dialects import nn
from ...dialects.mlir import ir
from ...dialects.tensors import dtype_of, is_static, shape_of, static_shape
from ...runtime.kernels.resampling import nearest_indices, source_positions
from ..pipeline import register_pass
from ..rewriter import NO_MATCH, Match, Pattern, Rewriter, pattern, rewrite_module
from . import basic_indexing as indexing
from .basic_indexing import as_numbers
from .quantization import by_arithmetic
from .scalars import plus, scalar, times


def _positive(x: ir.Value) -> ir.Value:
    return nn.Maximum(x, scalar(0, x)).output


def _negative(x: ir.Value) -> ir.Value:
    return nn.Minimum(x, scalar(0, x)).output


@pattern(nn.Relu)
def relu(op: nn.Relu, rewriter: Rewriter) -> Match:
    """max(x, 0)"""
    return rewriter.replace(op, _positive(op.input))


@pattern(nn.LeakyRelu)
def leaky_relu(op: nn.LeakyRelu, rewriter: Rewriter) -> Match:
    """max(x, 0) + alpha * min(x, 0)"""
    return rewriter.replace(op, nn.Add(_positive(op.input), times(_negative(op.input), op.alpha)).output)


@pattern(nn.Prelu)
def prelu(op: nn.Prelu, rewriter: Rewriter) -> Match:
    """max(x, 0) + slope * min(x, 0)"""
    below = nn.Mul(_negative(op.input), op.slope).output
    return rewriter.replace(op, nn.Add(_positive(op.input), below).output)


def _exponential(x: ir.Value, scale: float, divisor: float) -> ir.Value:
    """scale * (e^(min(x, 0) / divisor) - 1)"""
    inner = _negative(x) if divisor == 1 else nn.Div(_negative(x), scalar(divisor, x)).output
    return times(plus(nn.Exp(inner).output, -1.0), scale)


@pattern(nn.Elu)
def elu(op: nn.Elu, rewriter: Rewriter) -> Match:
    """max(x, 0) + alpha * (e^min(x, 0) - 1)"""
    return rewriter.replace(op, nn.Add(_positive(op.input), _exponential(op.input, op.alpha, 1)).output)


@pattern(nn.Celu)
def celu(op: nn.Celu, rewriter: Rewriter) -> Match:
    """max(x, 0) + alpha * (e^(min(x, 0) / alpha) - 1)"""
    return rewriter.replace(op, nn.Add(_positive(op.input), _exponential(op.input, op.alpha, op.alpha)).output)


@pattern(nn.Selu)
def selu(op: nn.Selu, rewriter: Rewriter) -> Match:
    """gamma * (max(x, 0) + alpha * (e^min(x, 0) - 1))"""
    below = _exponential(op.input, op.gamma * op.alpha, 1)
    return rewriter.replace(op, nn.Add(times(_positive(op.input), op.gamma), below).output)


@pattern(nn.HardSigmoid)
def hard_sigmoid(op: nn.HardSigmoid, rewriter: Rewriter) -> Match:
    """clamp(alpha * x + beta, 0, 1)"""
    return rewriter.replace(op, nn.Clamp(plus(times(op.input, op.alpha), op.beta), min=0.0, max=1.0).output)


@pattern(nn.HardSwish)
def hard_swish(op: nn.HardSwish, rewriter: Rewriter) -> Match:
    """x * clamp(x / 6 + 1 / 2, 0, 1)"""
    gate = nn.Clamp(plus(times(op.input, 1 / 6), 0.5), min=0.0, max=1.0).output
    return rewriter.replace(op, nn.Mul(op.input, gate).output)


@pattern(nn.Softplus)
def softplus(op: nn.Softplus, rewriter: Rewriter) -> Match:
    """max(x, 0) + log(1 + e^-|x|)"""
    power = nn.Exp(nn.Neg(nn.Abs(op.input).output).output).output
    return rewriter.replace(op, nn.Add(_positive(op.input), nn.Log(plus(power, 1.0)).output).output)


@pattern(nn.Softsign)
def softsign(op: nn.Softsign, rewriter: Rewriter) -> Match:
    """x / (1 + |x|)"""
    return rewriter.replace(op, nn.Div(op.input, plus(nn.Abs(op.input).output, 1.0)).output)


@pattern(nn.Sinh)
def sinh(op: nn.Sinh, rewriter: Rewriter) -> Match:
    """(e^x - e^-x) / 2"""
    up, down = nn.Exp(op.input).output, nn.Exp(nn.Neg(op.input).output).output
    return rewriter.replace(op, times(nn.Sub(up, down).output, 0.5))


@pattern(nn.Cosh)
def cosh(op: nn.Cosh, rewriter: Rewriter) -> Match:
    """(e^x + e^-x) / 2"""
    up, down = nn.Exp(op.input).output, nn.Exp(nn.Neg(op.input).output).output
    return rewriter.replace(op, times(nn.Add(up, down).output, 0.5))


@pattern(nn.Asinh)
def asinh(op: nn.Asinh, rewriter: Rewriter) -> Match:
    """sign(x) * log(|x| + sqrt(x^2 + 1))"""
    root = nn.Sqrt(plus(nn.Square(op.input).output, 1.0)).output
    size = nn.Log(nn.Add(nn.Abs(op.input).output, root).output).output
    return rewriter.replace(op, nn.Mul(nn.Sign(op.input).output, size).output)


@pattern(nn.Acosh)
def acosh(op: nn.Acosh, rewriter: Rewriter) -> Match:
    """log(x + sqrt(x^2 - 1))"""
    root = nn.Sqrt(plus(nn.Square(op.input).output, -1.0)).output
    return rewriter.replace(op, nn.Log(nn.Add(op.input, root).output).output)


@pattern(nn.LogSoftmax)
def log_softmax(op: nn.LogSoftmax, rewriter: Rewriter) -> Match:
    """x - max - log(sum(e^(x - max)))"""
    top = nn.Reduce(op.input, kind="max", axes=(op.axis,), keepdims=True).output
    centred = nn.Sub(op.input, top).output
    total = nn.Reduce(nn.Exp(centred).output, kind="sum", axes=(op.axis,), keepdims=True).output
    return rewriter.replace(op, nn.Sub(centred, nn.Log(total).output).output)


def _standard(x: ir.Value, axes: tuple[int, ...], epsilon: float) -> ir.Value:
    """(x - mean) / sqrt(variance + epsilon) over some axes."""
    centred = nn.Sub(x, nn.Reduce(x, kind="mean", axes=axes, keepdims=True).output).output
    power = nn.Reduce(nn.Square(centred).output, kind="mean", axes=axes, keepdims=True).output
    return nn.Div(centred, nn.Sqrt(plus(power, epsilon)).output).output


def _channels(parameter: ir.Value, rank: int) -> ir.Value:
    return nn.Reshape(parameter, shape=(-1,) + (1,) * (rank - 2)).output


@pattern(nn.LayerNorm)
def layer_norm(op: nn.LayerNorm, rewriter: Rewriter) -> Match:
    """(x - mean) / sqrt(variance + epsilon) * scale + bias, over the axes from `axis` on"""
    rank = len(shape_of(op.input))
    scaled = nn.Mul(_standard(op.input, tuple(range(op.axis % rank, rank)), op.epsilon), op.scale).output
    return rewriter.replace(op, scaled if op.bias is None else nn.Add(scaled, op.bias).output)


@pattern(nn.InstanceNorm)
def instance_norm(op: nn.InstanceNorm, rewriter: Rewriter) -> Match:
    """(x - mean) / sqrt(variance + epsilon) * scale + bias, for each sample and channel"""
    rank = len(shape_of(op.input))
    scaled = nn.Mul(_standard(op.input, tuple(range(2, rank)), op.epsilon), _channels(op.scale, rank)).output
    return rewriter.replace(op, nn.Add(scaled, _channels(op.bias, rank)).output)


@pattern(nn.BatchNorm)
def batch_norm(op: nn.BatchNorm, rewriter: Rewriter) -> Match:
    """x * factor + (bias - mean * factor), factor = scale / sqrt(variance + epsilon)"""
    rank = len(shape_of(op.input))
    factor = nn.Div(op.scale, nn.Sqrt(plus(op.variance, op.epsilon)).output).output
    term = nn.Sub(op.bias, nn.Mul(op.mean, factor).output).output
    scaled = nn.Mul(op.input, _channels(factor, rank)).output
    return rewriter.replace(op, nn.Add(scaled, _channels(term, rank)).output)


def _as_truth(value: ir.Value) -> ir.Value:
    return nn.NotEqual(value, scalar(0, value)).output


@pattern(nn.LogicalAnd)
def logical_and(op: nn.LogicalAnd, rewriter: Rewriter) -> Match:
    """The smaller of two truths."""
    smaller = nn.Minimum(as_numbers(op.lhs), as_numbers(op.rhs)).output
    return rewriter.replace(op, _as_truth(smaller))


@pattern(nn.LogicalOr)
def logical_or(op: nn.LogicalOr, rewriter: Rewriter) -> Match:
    """The larger of two truths."""
    larger = nn.Maximum(as_numbers(op.lhs), as_numbers(op.rhs)).output
    return rewriter.replace(op, _as_truth(larger))


@pattern(nn.LogicalXor)
def logical_xor(op: nn.LogicalXor, rewriter: Rewriter) -> Match:
    """x != y"""
    return rewriter.replace(op, nn.NotEqual(op.lhs, op.rhs).output)


@pattern(nn.LogicalNot)
def logical_not(op: nn.LogicalNot, rewriter: Rewriter) -> Match:
    """x == false"""
    return rewriter.replace(op, nn.Equal(op.input, scalar(0, op.input)).output)


@pattern(nn.Cast)
def cast_to_bool(op: nn.Cast, rewriter: Rewriter) -> Match:
    """x != 0"""
    if dtype_of(op.output) != np.bool_ or dtype_of(op.input).name in ("bool", "float16", "float64"):
        return NO_MATCH
    return rewriter.replace(op, _as_truth(op.input))


@pattern(nn.Bitcast)
def bitcast_to_bool(op: nn.Bitcast, rewriter: Rewriter) -> Match:
    """x != 0"""
    if dtype_of(op.output) != np.bool_ or dtype_of(op.input) == np.bool_:
        return NO_MATCH
    return rewriter.replace(op, _as_truth(op.input))


@pattern(nn.Tile)
def tile(op: nn.Tile, rewriter: Rewriter) -> Match:
    """A concatenation with itself, axis by axis."""
    value = op.input
    for axis, count in enumerate(op.repeats):
        if count < 1:
            return NO_MATCH
        value = value if count == 1 else nn.concat([value] * count, axis)
    return rewriter.replace(op, value)


@pattern(nn.AvgPool)
def average_with_padding(op: nn.AvgPool, rewriter: Rewriter) -> Match:
    """Zeros around the image, then an average without padding; a last window that begins behind the image is none."""
    if not (op.count_include_pad and any(op.padding)) or (op.ceil_mode and not is_static(op.input)):
        return NO_MATCH
    rank = len(op.kernel)
    padding = (0, 0, *op.padding[:rank], 0, 0, *op.padding[rank:])
    padded = nn.Pad(op.input, padding=padding, mode="constant", value=0.0).output
    result = nn.AvgPool(
        padded,
        kernel=op.kernel,
        strides=op.strides,
        dilations=op.dilations,
        padding=(0,) * (2 * rank),
        ceil_mode=op.ceil_mode,
        count_include_pad=False,
    ).output
    if shape_of(result) != shape_of(op.output):
        sizes, axes = static_shape(op.output)[2:], tuple(range(2, 2 + rank))
        result = nn.Slice(result, starts=(0,) * rank, ends=sizes, axes=axes, steps=(1,) * rank).output
    return rewriter.replace(op, result)


@pattern(nn.ConvTranspose)
def conv_transpose(op: nn.ConvTranspose, rewriter: Rewriter) -> Match:
    """A convolution of the image with zeros between its pixels, with the kernel turned around."""
    if not is_static(op.input) or len(shape_of(op.input)) != 4:
        return NO_MATCH
    return rewriter.replace(op, as_convolution(op))


def as_convolution(op: nn.ConvTranspose) -> ir.Value:
    """What a transposed convolution, over any number of dimensions, is as a convolution."""
    image, kernel = op.input, static_shape(op.weight)[2:]
    for axis, stride in enumerate(op.strides, 2):
        image = _spread(image, axis, stride)
    begins, ends = op.padding[: len(kernel)], op.padding[len(kernel) :]
    reach = [d * (k - 1) for k, d in zip(kernel, op.dilations, strict=True)]
    first = [reach[i] - begins[i] for i in range(len(kernel))]
    last = [reach[i] - ends[i] + op.output_padding[i] - (op.strides[i] - 1) for i in range(len(kernel))]
    image = _cropped(image, first, last)
    return nn.Conv(
        image,
        _turned(op.weight, op.groups),
        op.bias,
        strides=(1,) * len(kernel),
        dilations=op.dilations,
        padding=tuple(max(size, 0) for size in (*first, *last)),
        groups=op.groups,
        clamp=op.clamp,
    ).output


def _spread(image: ir.Value, axis: int, stride: int) -> ir.Value:
    """`stride - 1` zeros behind each element of an axis."""
    if stride == 1:
        return image
    shape = static_shape(image)
    outer, size, inner = int(np.prod(shape[:axis])), shape[axis], int(np.prod(shape[axis + 1 :]))
    apart = nn.Reshape(image, shape=(outer, size, 1, inner)).output
    padded = nn.Pad(apart, padding=(0, 0, 0, 0, 0, 0, stride - 1, 0), mode="constant", value=0.0).output
    return nn.Reshape(padded, shape=(*shape[:axis], size * stride, *shape[axis + 1 :])).output


def _cropped(image: ir.Value, first: list[int], last: list[int]) -> ir.Value:
    """The image without the rows and columns that a negative padding takes away."""
    if min(*first, *last) >= 0:
        return image
    sizes = static_shape(image)[2:]
    starts = tuple(max(-size, 0) for size in first)
    ends = tuple(size - max(-crop, 0) for size, crop in zip(sizes, last, strict=True))
    axes = tuple(range(2, 2 + len(sizes)))
    return nn.Slice(image, starts=starts, ends=ends, axes=axes, steps=(1,) * len(sizes)).output


def _turned(weight: ir.Value, groups: int) -> ir.Value:
    """Weights of a transposed convolution as those of a convolution."""
    inputs, per_group, *kernel = static_shape(weight)
    grouped = nn.Reshape(weight, shape=(groups, inputs // groups, per_group, int(np.prod(kernel)))).output
    swapped = nn.Transpose(grouped, permutation=(0, 2, 1, 3)).output
    shaped = nn.Reshape(swapped, shape=(groups * per_group, inputs // groups, *kernel)).output
    count, axes = len(kernel), tuple(range(2, 2 + len(kernel)))
    return nn.Slice(shaped, starts=(-1,) * count, ends=(-(2**31),) * count, axes=axes, steps=(-1,) * count).output


@pattern(nn.Resize)
def resize_nearest(op: nn.Resize, rewriter: Rewriter) -> Match:
    """Rows, columns, ... picked by constant indices."""
    if op.mode != "nearest" or op.coordinate == "tf_crop_and_resize" or not is_static(op.input):
        return NO_MATCH
    value = op.input
    for axis, (size, extent) in enumerate(zip(op.sizes, static_shape(op.input), strict=True)):
        if size == extent and op.scales[axis] == 1.0:
            continue
        places = source_positions(size, extent, op.scales[axis], op.coordinate, (0.0, 1.0))
        indices = nearest_indices(places, extent, op.nearest_mode).astype(np.int32)
        value = nn.Gather(value, nn.Constant(value=indices).output, axis=axis, batch_dims=0).output
    return rewriter.replace(op, value)


PATTERNS: tuple[Pattern[Any], ...] = (
    relu,
    leaky_relu,
    prelu,
    elu,
    celu,
    selu,
    hard_sigmoid,
    hard_swish,
    softplus,
    softsign,
    sinh,
    cosh,
    asinh,
    acosh,
    log_softmax,
    layer_norm,
    instance_norm,
    batch_norm,
    logical_and,
    logical_or,
    logical_xor,
    logical_not,
    cast_to_bool,
    bitcast_to_bool,
    tile,
    *indexing.PATTERNS,
    average_with_padding,
    conv_transpose,
    resize_nearest,
    *by_arithmetic(native=("int8", "uint8")),
)


@register_pass
@dataclass(frozen=True)
class DecomposeBasic:
    """Express activations, norms, logic, transposed convolutions and nearest resizing through the most basic ops."""

    name: ClassVar[str] = "nn-decompose-basic"

    def apply(self, module: ir.Module) -> None:
        rewrite_module(module, PATTERNS)


@pattern(nn.Sigmoid)
def sigmoid(op: nn.Sigmoid, rewriter: Rewriter) -> Match:
    """1 / (1 + e^-x)"""
    power = nn.Exp(nn.Neg(op.input).output).output
    return rewriter.replace(op, nn.Div(scalar(1, op.input), plus(power, 1.0)).output)


@pattern(nn.Softmax)
def softmax(op: nn.Softmax, rewriter: Rewriter) -> Match:
    """e^(x - max) / sum(e^(x - max))"""
    top = nn.Reduce(op.input, kind="max", axes=(op.axis,), keepdims=True).output
    powers = nn.Exp(nn.Sub(op.input, top).output).output
    total = nn.Reduce(powers, kind="sum", axes=(op.axis,), keepdims=True).output
    return rewriter.replace(op, nn.Div(powers, total).output)


@register_pass
@dataclass(frozen=True)
class DecomposeSoftmax:
    """Express sigmoid and softmax through e^x, for machines that have neither."""

    name: ClassVar[str] = "nn-decompose-softmax"

    def apply(self, module: ir.Module) -> None:
        rewrite_module(module, (sigmoid, softmax))
