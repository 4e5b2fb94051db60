"""Express operations that few machines have through those that most have.

On exit none of the operations with a pattern is left. Results differ by float rounding only.
"""

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ...dialects import nn
from ...dialects.mlir import ir
from ...dialects.nn.extents import divided, extent_of, reshape, scaled
from ...dialects.tensors import dtype_of, is_static, shape_of, static_shape
from ..pipeline import register_pass
from ..rewriter import NO_MATCH, Match, Pattern, Rewriter, pattern, rewrite_module
from . import elementwise, integers, whole_numbers
from .batches import batch_to_space, gather_in_batches, space_to_batch
from .dynamic_rounding import round_dynamically
from .einsum import einsum
from .move_quantized import average_of_integers
from .quantization import by_arithmetic
from .resampling import resize_by_axes
from .scalars import plus, scalar, times
from .scatter import combined, scatter_elements


@pattern(nn.Reduce)
def reduce(op: nn.Reduce, rewriter: Rewriter) -> Match:
    """The kinds of reduction that are functions around a sum."""
    before: dict[str, type[nn.ElementwiseOp]] = {"l1": nn.Abs, "l2": nn.Square, "sum_square": nn.Square}
    after: dict[str, type[nn.ElementwiseOp]] = {"l2": nn.Sqrt, "log_sum": nn.Log}
    if op.kind not in {*before, *after}:
        return NO_MATCH
    value = before[op.kind](op.input).output if op.kind in before else op.input
    total = nn.Reduce(value, kind="sum", axes=op.axes, keepdims=op.keepdims).output
    return rewriter.replace(op, after[op.kind](total).output if op.kind in after else total)


@pattern(nn.Reduce)
def log_sum_exp(op: nn.Reduce, rewriter: Rewriter) -> Match:
    """max + log(sum(e^(x - max)))"""
    if op.kind != "log_sum_exp":
        return NO_MATCH
    top = nn.Reduce(op.input, kind="max", axes=op.axes, keepdims=True).output
    powers = nn.Exp(nn.Sub(op.input, top).output).output
    total = nn.Log(nn.Reduce(powers, kind="sum", axes=op.axes, keepdims=True).output).output
    result = nn.Add(total, top).output
    return rewriter.replace(op, result if op.keepdims else nn.Squeeze(result, axes=op.axes).output)


@pattern(nn.LpNorm)
def lp_norm(op: nn.LpNorm, rewriter: Rewriter) -> Match:
    """x / norm, where vectors of zeros are divided by 1"""
    norm = nn.Reduce(op.input, kind=f"l{op.p}", axes=(op.axis,), keepdims=True).output
    zero = nn.Equal(norm, scalar(0, norm)).output
    return rewriter.replace(op, nn.Div(op.input, nn.Where(zero, scalar(1, norm), norm).output).output)


@pattern(nn.RmsNorm)
def rms_norm(op: nn.RmsNorm, rewriter: Rewriter) -> Match:
    """x / sqrt(mean(x^2) + epsilon) * scale"""
    rank = len(shape_of(op.input))
    axes = tuple(range(op.axis % rank, rank))
    power = nn.Reduce(nn.Square(op.input).output, kind="mean", axes=axes, keepdims=True).output
    root = nn.Sqrt(nn.Add(power, scalar(op.epsilon, power)).output).output
    return rewriter.replace(op, nn.Mul(nn.Div(op.input, root).output, op.scale).output)


@pattern(nn.GroupNorm)
def group_norm(op: nn.GroupNorm, rewriter: Rewriter) -> Match:
    """Instance normalisation of groups, then scale and bias per channel."""
    rank = len(shape_of(op.input))
    grouped = reshape(op.input, [extent_of(op.input, 0), op.num_groups, -1])
    ones = nn.Constant(value=np.ones(op.num_groups, dtype_of(op.input))).output
    zeros = nn.Constant(value=np.zeros(op.num_groups, dtype_of(op.input))).output
    standard = nn.InstanceNorm(grouped, ones, zeros, epsilon=op.epsilon).output
    standard = reshape(standard, [extent_of(op.input, axis) for axis in range(rank)])
    column = (-1,) + (1,) * (rank - 2)
    scaled = nn.Mul(standard, nn.Reshape(op.scale, shape=column).output).output
    return rewriter.replace(op, nn.Add(scaled, nn.Reshape(op.bias, shape=column).output).output)


@pattern(nn.Lrn)
def lrn(op: nn.Lrn, rewriter: Rewriter) -> Match:
    """x / (bias + alpha / size * sum of the squares of `size` channels around)^beta"""
    rank, channels = len(shape_of(op.input)), shape_of(op.input)[1]
    if channels is None:
        return NO_MATCH
    before = (op.size - 1) // 2
    begins, ends = [0] * rank, [0] * rank
    begins[1], ends[1] = before, op.size - 1 - before
    squares = nn.Pad(nn.Square(op.input).output, padding=(*begins, *ends), mode="constant", value=0.0).output
    shifted = (
        nn.Slice(squares, starts=(i,), ends=(i + channels,), axes=(1,), steps=(1,)).output for i in range(op.size)
    )
    total = next(shifted)
    for one in shifted:
        total = nn.Add(total, one).output
    power = nn.Pow(plus(times(total, op.alpha / op.size), op.bias), scalar(op.beta, op.input)).output
    return rewriter.replace(op, nn.Div(op.input, power).output)


@pattern(nn.LpPool)
def lp_pool(op: nn.LpPool, rewriter: Rewriter) -> Match:
    """(mean of |x|^p * size of the window)^(1 / p), where padding counts as zeros"""
    if op.ceil_mode or len(op.kernel) == 1:
        return NO_MATCH
    power = (nn.Square if op.p == 2 else nn.Abs)(op.input).output
    mean = nn.AvgPool(
        power if op.p in (1, 2) else nn.Pow(power, scalar(op.p, power)).output,
        kernel=op.kernel,
        strides=op.strides,
        dilations=op.dilations,
        padding=op.padding,
        ceil_mode=False,
        count_include_pad=True,
    ).output
    total = times(mean, math.prod(op.kernel))
    if op.p > 2:
        return rewriter.replace(op, nn.Pow(total, scalar(1 / op.p, total)).output)
    return rewriter.replace(op, total if op.p == 1 else nn.Sqrt(total).output)


@pattern(nn.OneHot)
def one_hot(op: nn.OneHot, rewriter: Rewriter) -> Match:
    """Indices as integers."""
    if dtype_of(op.indices) == np.int64:
        return NO_MATCH
    whole = nn.Cast(op.indices, to=ir.IntegerType.get_signless(64), saturate=True).output
    return rewriter.replace(op, nn.OneHot(whole, op.values, depth=op.depth, axis=op.axis).output)


@pattern(nn.DepthToSpace)
def depth_to_space(op: nn.DepthToSpace, rewriter: Rewriter) -> Match:
    """A reshape to blocks, a transpose, a reshape."""
    n, c, h, w = (extent_of(op.input, axis) for axis in range(4))
    b = op.block
    left = divided(c, b**2)
    blocks, order = ((n, b, b, left, h, w), (0, 3, 4, 1, 5, 2))
    if op.mode == "CRD":
        blocks, order = (n, left, b, b, h, w), (0, 1, 4, 2, 5, 3)
    moved = nn.Transpose(reshape(op.input, blocks), permutation=order).output
    return rewriter.replace(op, reshape(moved, (n, left, scaled(h, b), scaled(w, b))))


@pattern(nn.SpaceToDepth)
def space_to_depth(op: nn.SpaceToDepth, rewriter: Rewriter) -> Match:
    """A reshape to blocks, a transpose, a reshape."""
    n, c, h, w = (extent_of(op.input, axis) for axis in range(4))
    b = op.block
    rows, columns = divided(h, b), divided(w, b)
    order = (0, 3, 5, 1, 2, 4) if op.mode == "DCR" else (0, 1, 3, 5, 2, 4)
    moved = nn.Transpose(reshape(op.input, (n, c, rows, b, columns, b)), permutation=order).output
    return rewriter.replace(op, reshape(moved, (n, scaled(c, b * b), rows, columns)))


def _insert(values: tuple[int, ...], new: int) -> tuple[int, ...]:
    """Spatial attributes of one dimension as those of a row: (new, value), for begins and ends alike."""
    return (new, values[0]) if len(values) == 1 else (new, values[0], new, values[1])


@pattern(nn.Conv)
def conv1d(op: nn.Conv, rewriter: Rewriter) -> Match:
    """A convolution of rows of one pixel's height."""
    if len(shape_of(op.input)) != 3:
        return NO_MATCH
    image = nn.Unsqueeze(op.input, axes=(2,)).output
    weight = nn.Unsqueeze(op.weight, axes=(2,)).output
    result = nn.Conv(
        image,
        weight,
        op.bias,
        strides=_insert(op.strides, 1),
        dilations=_insert(op.dilations, 1),
        padding=_insert(op.padding, 0),
        groups=op.groups,
        clamp=op.clamp,
    ).output
    return rewriter.replace(op, nn.Squeeze(result, axes=(2,)).output)


@pattern(nn.ConvTranspose)
def conv_transpose1d(op: nn.ConvTranspose, rewriter: Rewriter) -> Match:
    """A transposed convolution of rows of one pixel's height."""
    if len(shape_of(op.input)) != 3:
        return NO_MATCH
    result = nn.ConvTranspose(
        nn.Unsqueeze(op.input, axes=(2,)).output,
        nn.Unsqueeze(op.weight, axes=(2,)).output,
        op.bias,
        strides=_insert(op.strides, 1),
        dilations=_insert(op.dilations, 1),
        padding=_insert(op.padding, 0),
        output_padding=_insert(op.output_padding, 0),
        groups=op.groups,
        clamp=op.clamp,
    ).output
    return rewriter.replace(op, nn.Squeeze(result, axes=(2,)).output)


@pattern(nn.PoolOp)
def pool1d(op: nn.PoolOp, rewriter: Rewriter) -> Match:
    """A pooling of rows of one pixel's height."""
    if len(shape_of(op.input)) != 3 or isinstance(op, nn.MaxPoolWithIndices):
        return NO_MATCH
    extra: dict[str, Any] = {"count_include_pad": op.count_include_pad} if isinstance(op, nn.AvgPool) else {}
    if isinstance(op, nn.LpPool):
        extra = {"p": op.p}
    result = type(op)(
        nn.Unsqueeze(op.input, axes=(2,)).output,
        kernel=_insert(op.kernel, 1),
        strides=_insert(op.strides, 1),
        dilations=_insert(op.dilations, 1),
        padding=_insert(op.padding, 0),
        ceil_mode=op.ceil_mode,
        **extra,
    ).output
    return rewriter.replace(op, nn.Squeeze(result, axes=(2,)).output)


@pattern(nn.Reduce)
def reduce_of_booleans(op: nn.Reduce, rewriter: Rewriter) -> Match:
    """The largest or smallest of the numbers 0 and 1, which of none is an infinity."""
    if dtype_of(op.input) != np.bool_:
        return NO_MATCH
    result = op.rebuild(nn.Cast(op.input, to=ir.F32Type.get(), saturate=True).output).output
    return rewriter.replace(op, nn.Greater(result, nn.Constant(value=np.float32(0.5)).output).output)


@pattern(nn.Pad)
def wrapped_pad(op: nn.Pad, rewriter: Rewriter) -> Match:
    """What is at the other end, joined to it."""
    rank = len(shape_of(op.input))
    if op.mode != "wrap" or not is_static(op.input):
        return NO_MATCH
    amounts = list(zip(op.padding[:rank], op.padding[rank:], static_shape(op.input), strict=True))
    if any(not 0 <= amount <= size for before, behind, size in amounts for amount in (before, behind)):
        return NO_MATCH
    value = op.input
    for axis, (before, behind, size) in enumerate(amounts):
        cuts = [(size - before, size), (0, size), (0, behind)]
        parts = [
            nn.Slice(value, starts=(start,), ends=(end,), axes=(axis,), steps=(1,)).output
            for start, end in cuts
            if start < end
        ]
        value = parts[0] if len(parts) == 1 else nn.concat(parts, axis)
    return rewriter.replace(op, value)


@pattern(nn.PoolOp)
def pool3d(op: nn.PoolOp, rewriter: Rewriter) -> Match:
    """Pooling of each slice, then of each column through the slices: what counts is what counts in both."""
    if len(shape_of(op.input)) != 5 or not is_static(op.input) or not isinstance(op, nn.MaxPool | nn.AvgPool):
        return NO_MATCH
    n, c, depth, height, width = static_shape(op.input)
    rows, columns = static_shape(op.output)[3:]
    before, behind = op.padding[:3], op.padding[3:]
    slices = op.rebuild(
        nn.Reshape(op.input, shape=(n, c * depth, height, width)).output,
        kernel=op.kernel[1:],
        strides=op.strides[1:],
        dilations=op.dilations[1:],
        padding=(*before[1:], *behind[1:]),
    ).output
    result = op.rebuild(
        nn.Reshape(slices, shape=(n, c, depth, rows * columns)).output,
        kernel=(op.kernel[0], 1),
        strides=(op.strides[0], 1),
        dilations=(op.dilations[0], 1),
        padding=(before[0], 0, behind[0], 0),
    ).output
    return rewriter.replace(op, nn.Reshape(result, shape=static_shape(op.output)).output)


PATTERNS: tuple[Pattern[Any], ...] = (
    *elementwise.PATTERNS,
    reduce,
    log_sum_exp,
    lp_norm,
    rms_norm,
    group_norm,
    lrn,
    lp_pool,
    one_hot,
    einsum,
    depth_to_space,
    space_to_depth,
    space_to_batch,
    batch_to_space,
    gather_in_batches,
    average_of_integers,
    conv1d,
    conv_transpose1d,
    pool1d,
    whole_numbers.max_pool,
    whole_numbers.convolution,
    pool3d,
    resize_by_axes,
    scatter_elements,
    reduce_of_booleans,
    wrapped_pad,
    round_dynamically,
    integers.floor_mod_of_floats,
    *by_arithmetic(native=("int8", "uint8", "int16")),
)


SCALARS: tuple[Pattern[Any], ...] = (*integers.PATTERNS, combined)
"""What machines do not need that compute one element at a time, too."""


@register_pass
@dataclass(frozen=True)
class Decompose:
    """Express rare operations through common ones: activations, reductions, norms, einsum, 1-D convolutions,
    windows over integers, space/depth/batch, gathering in batches, quantisation along an axis, to 32 bits or with
    halves rounded outwards.

    scalars: whether the machine computes single integers, so that bits, remainders and sums of scattered elements stay.
    """

    name: ClassVar[str] = "nn-decompose"
    scalars: bool = False

    def apply(self, module: ir.Module) -> None:
        rewrite_module(module, PATTERNS if self.scalars else PATTERNS + SCALARS)
