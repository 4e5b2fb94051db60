"""Find the functions that exporters spell out, and give them their names.

On entry: canonical form (constants on the right, `maximum(x, 0)` as a clamp). On exit hard-sigmoid, hard-swish, SiLU,
GELU, mish, leaky ReLU, layer normalisation and focus slices are single operations. Results differ by float rounding
only.
"""

import math
from dataclasses import dataclass
from typing import Any, ClassVar

from ...dialects import nn
from ...dialects.mlir import ir
from ...dialects.tensors import shape_of
from ..pipeline import register_pass
from ..rewriter import NO_MATCH, Match, Pattern, Rewriter, pattern, producer, rewrite_module
from .canonicalize import uniform_value

TOLERANCE = 1e-5
"""Constants of formulas are compared with this relative tolerance: exporters round them to float32 or float16."""


def near(value: ir.Value, number: float) -> bool:
    """Whether a value is this number, everywhere."""
    found = uniform_value(value)
    return found is not None and math.isclose(found, number, rel_tol=TOLERANCE)


def times(op: nn.BinaryOp | None, number: float) -> ir.Value | None:
    """x of `x * number` or `x / (1 / number)`."""
    if isinstance(op, nn.Mul) and near(op.rhs, number):
        return op.lhs
    if isinstance(op, nn.Div) and near(op.rhs, 1 / number):
        return op.lhs
    return None


def scaled_operand(value: ir.Value, number: float) -> ir.Value | None:
    """`times` of the operation that defines a value."""
    return times(producer(value, nn.Mul) or producer(value, nn.Div), number)


def clamped_shift(value: ir.Value) -> ir.Value | None:
    """x of clamp(x + 3, 0, 6)"""
    clamp = producer(value, nn.Clamp)
    if clamp is None or (clamp.min, clamp.max) != (0.0, 6.0):
        return None
    add = producer(clamp.input, nn.Add)
    return add.lhs if add is not None and near(add.rhs, 3.0) else None


@pattern(nn.BinaryOp)
def hard_sigmoid(op: nn.BinaryOp, rewriter: Rewriter) -> Match:
    """clamp(x + 3, 0, 6) / 6 == hard_sigmoid(x, 1/6, 1/2)"""
    inner = times(op, 1 / 6)
    x = None if inner is None else clamped_shift(inner)
    if x is None or x.type != op.output.type:
        return NO_MATCH
    return rewriter.replace(op, nn.HardSigmoid(x, alpha=1 / 6, beta=0.5).output)


def factors(op: nn.Mul) -> tuple[tuple[ir.Value, ir.Value], tuple[ir.Value, ir.Value]]:
    """Both orders of a product's operands."""
    return (op.lhs, op.rhs), (op.rhs, op.lhs)


@pattern(nn.Mul)
def hard_swish(op: nn.Mul, rewriter: Rewriter) -> Match:
    """x * hard_sigmoid(x, 1/6, 1/2) == hard_swish(x)"""
    for x, other in factors(op):
        gate = producer(other, nn.HardSigmoid)
        if gate is None or gate.input != x or x.type != op.output.type:
            continue
        if math.isclose(gate.alpha, 1 / 6, rel_tol=TOLERANCE) and gate.beta == 0.5:
            return rewriter.replace(op, nn.HardSwish(x).output)
    return NO_MATCH


@pattern(nn.BinaryOp)
def hard_swish_divided_last(op: nn.BinaryOp, rewriter: Rewriter) -> Match:
    """(x * clamp(x + 3, 0, 6)) / 6 == hard_swish(x)"""
    inner = times(op, 1 / 6)
    product = None if inner is None else producer(inner, nn.Mul)
    if product is None or product.output.type != op.output.type:
        return NO_MATCH
    for x, other in factors(product):
        if clamped_shift(other) == x:
            return rewriter.replace(op, nn.HardSwish(x).output)
    return NO_MATCH


@pattern(nn.Mul)
def silu(op: nn.Mul, rewriter: Rewriter) -> Match:
    """x * sigmoid(x) == silu(x)"""
    for x, other in factors(op):
        gate = producer(other, nn.Sigmoid)
        if gate is not None and gate.input == x:
            return rewriter.replace(op, nn.Silu(x, alpha=1.0).output)
    return NO_MATCH


@pattern(nn.Mul)
def mish(op: nn.Mul, rewriter: Rewriter) -> Match:
    """x * tanh(softplus(x)) == mish(x)"""
    for x, other in factors(op):
        tanh = producer(other, nn.Tanh)
        softplus = None if tanh is None else producer(tanh.input, nn.Softplus)
        if softplus is not None and softplus.input == x:
            return rewriter.replace(op, nn.Mish(x).output)
    return NO_MATCH


@pattern(nn.Maximum)
def leaky_relu(op: nn.Maximum, rewriter: Rewriter) -> Match:
    """maximum(x, x * a) == leaky_relu(x, a) for 0 <= a <= 1"""
    for x, other in ((op.lhs, op.rhs), (op.rhs, op.lhs)):
        product = producer(other, nn.Mul)
        slope = None if product is None else uniform_value(product.rhs)
        if product is not None and product.lhs == x and slope is not None and 0 <= slope <= 1:
            return rewriter.replace(op, nn.LeakyRelu(x, alpha=slope).output)
    return NO_MATCH


def is_erf_gate(value: ir.Value, x: ir.Value) -> bool:
    """Whether a value is 1 + erf(x / sqrt(2))."""
    add = producer(value, nn.Add)
    erf = None if add is None or not near(add.rhs, 1.0) else producer(add.lhs, nn.Erf)
    scaled = None if erf is None else scaled_operand(erf.input, math.sqrt(0.5))
    return scaled is not None and scaled == x


@pattern(nn.Mul)
def gelu(op: nn.Mul, rewriter: Rewriter) -> Match:
    """x * (1 + erf(x / sqrt(2))) * 0.5 == gelu(x), with the factor 0.5 in any place"""
    if near(op.rhs, 0.5):
        product = producer(op.lhs, nn.Mul)
        for x, other in () if product is None else factors(product):
            if is_erf_gate(other, x):
                return rewriter.replace(op, nn.Gelu(x, approximate="none").output)
    for first, second in factors(op):
        x, half_gate = scaled_operand(first, 0.5), scaled_operand(second, 0.5)
        if x is not None and is_erf_gate(second, x):
            return rewriter.replace(op, nn.Gelu(x, approximate="none").output)
        if half_gate is not None and is_erf_gate(half_gate, first):
            return rewriter.replace(op, nn.Gelu(first, approximate="none").output)
    return NO_MATCH


def mean_of(value: ir.Value) -> tuple[ir.Value, int] | None:
    """x and the first axis of a mean of x over its last dimensions, which stay as 1."""
    reduce = producer(value, nn.Reduce)
    if reduce is None or reduce.kind != "mean" or not reduce.keepdims:
        return None
    rank = len(shape_of(reduce.input))
    axes = sorted(axis % rank for axis in reduce.axes)
    return (reduce.input, axes[0]) if axes == list(range(axes[0], rank)) else None


@pattern(nn.Add, benefit=2)
def layer_norm(op: nn.Add, rewriter: Rewriter) -> Match:
    """(x - mean(x)) / sqrt(mean((x - mean(x))^2) + epsilon) * scale + bias, over the last dimensions"""
    product = producer(op.lhs, nn.Mul)
    bias, scale = nn.constant_value(op.rhs), None if product is None else nn.constant_value(product.rhs)
    quotient = None if product is None else producer(product.lhs, nn.Div)
    if product is None or quotient is None or bias is None or scale is None:
        return NO_MATCH
    centred, root = producer(quotient.lhs, nn.Sub), producer(quotient.rhs, nn.Sqrt)
    variance = None if root is None else producer(root.input, nn.Add)
    epsilon = None if variance is None else uniform_value(variance.rhs)
    if centred is None or variance is None or epsilon is None:
        return NO_MATCH
    mean, power = mean_of(centred.rhs), mean_of(variance.lhs)
    square = None if power is None else producer(power[0], nn.Square)
    if mean is None or power is None or square is None or mean[0] != centred.lhs or mean[1] != power[1]:
        return NO_MATCH
    rank = len(shape_of(op.output))
    if (
        square.input != quotient.lhs
        or max(bias.ndim, scale.ndim) > rank - mean[1]
        or op.output.type != centred.lhs.type
    ):
        return NO_MATCH
    return rewriter.replace(op, nn.LayerNorm(mean[0], product.rhs, op.rhs, axis=mean[1], epsilon=epsilon).output)


@pattern(nn.Concat)
def focus(op: nn.Concat, rewriter: Rewriter) -> Match:
    """The channels of every second pixel, of each of the four phases, one after the other: a space-to-depth.

    Its blocks come row by row; where the slices come column by column, the blocks change places afterwards.
    """
    slices = [producer(value, nn.Slice) for value in op.inputs]
    if len(slices) != 4 or len(shape_of(op.output)) != 4 or op.axis % 4 != 1:
        return NO_MATCH
    phases = [None if item is None else phase(item) for item in slices]
    sources = {item.input for item in slices if item is not None}
    rows, columns = [(0, 0), (0, 1), (1, 0), (1, 1)], [(0, 0), (1, 0), (0, 1), (1, 1)]
    if len(sources) != 1 or phases not in (rows, columns):
        return NO_MATCH
    source = sources.pop()
    n, c, h, w = shape_of(source)
    if None in (n, c, h, w) or (h or 0) % 2 or (w or 0) % 2:
        return NO_MATCH
    result = nn.SpaceToDepth(source, block=2, mode="DCR").output
    if phases == columns:
        blocks = nn.Reshape(result, shape=(n, 2, 2, c, (h or 0) // 2, (w or 0) // 2)).output
        swapped = nn.Transpose(blocks, permutation=(0, 2, 1, 3, 4, 5)).output
        result = nn.Reshape(swapped, shape=shape_of(op.output)).output
    return rewriter.replace(op, result)


def phase(op: nn.Slice) -> tuple[int, int] | None:
    """(row, column) of a slice that takes every second pixel from there on; None for any other slice."""
    shape = shape_of(op.input)
    start = [0, 0]
    ends = [shape[2], shape[3]] if len(shape) == 4 else [None, None]
    seen = {2: False, 3: False}
    for axis, first, end, step in zip(op.axes, op.starts, op.ends, op.steps, strict=True):
        axis %= len(shape)
        limit = ends[axis - 2] if axis in seen else None
        if limit is None or step != 2 or first not in (0, 1) or end < limit - 1 + first:
            return None
        seen[axis], start[axis - 2] = True, first
    return (start[0], start[1]) if all(seen.values()) else None


PATTERNS: tuple[Pattern[Any], ...] = (
    hard_sigmoid,
    hard_swish,
    hard_swish_divided_last,
    silu,
    mish,
    leaky_relu,
    gelu,
    layer_norm,
    focus,
)


@register_pass
@dataclass(frozen=True)
class Recognize:
    """Find spelt-out activations, layer normalisation and focus slices, and make them single operations."""

    name: ClassVar[str] = "nn-recognize"

    def apply(self, module: ir.Module) -> None:
        rewrite_module(module, PATTERNS)
