"""Functions of single elements, through others that most machines have."""

import math
from typing import Any

import numpy as np

from ...dialects import nn
from ...dialects.mlir import ir
from ...dialects.tensors import dtype_of
from ..rewriter import NO_MATCH, Match, Pattern, Rewriter, pattern
from .scalars import plus, scalar, times


@pattern(nn.Reciprocal)
def reciprocal(op: nn.Reciprocal, rewriter: Rewriter) -> Match:
    """1 / x"""
    return rewriter.replace(op, nn.Div(scalar(1, op.input), op.input).output)


@pattern(nn.Rsqrt)
def rsqrt(op: nn.Rsqrt, rewriter: Rewriter) -> Match:
    """1 / sqrt(x): machines that have a reciprocal square root compute it to a few digits only."""
    return rewriter.replace(op, nn.Div(scalar(1, op.input), nn.Sqrt(op.input).output).output)


@pattern(nn.Silu)
def silu(op: nn.Silu, rewriter: Rewriter) -> Match:
    """x * sigmoid(alpha * x)"""
    inner = op.input if op.alpha == 1.0 else nn.Mul(op.input, scalar(op.alpha, op.input)).output
    return rewriter.replace(op, nn.Mul(op.input, nn.Sigmoid(inner).output).output)


@pattern(nn.Mish)
def mish(op: nn.Mish, rewriter: Rewriter) -> Match:
    """x * tanh(softplus(x))"""
    return rewriter.replace(op, nn.Mul(op.input, nn.Tanh(nn.Softplus(op.input).output).output).output)


@pattern(nn.Gelu)
def gelu(op: nn.Gelu, rewriter: Rewriter) -> Match:
    """x * 0.5 * (1 + erf(x / sqrt(2))), or 1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3))"""
    x = op.input
    if op.approximate == "tanh":
        cube = nn.Mul(nn.Mul(x, x).output, x).output
        sum_ = nn.Add(x, nn.Mul(cube, scalar(0.044715, x)).output).output
        inner = nn.Tanh(nn.Mul(sum_, scalar(math.sqrt(2 / math.pi), x)).output).output
    else:
        inner = nn.Erf(nn.Mul(x, scalar(math.sqrt(0.5), x)).output).output
    half = nn.Mul(x, scalar(0.5, x)).output
    return rewriter.replace(op, nn.Mul(half, nn.Add(inner, scalar(1, x)).output).output)


@pattern(nn.ThresholdedRelu)
def thresholded_relu(op: nn.ThresholdedRelu, rewriter: Rewriter) -> Match:
    """where(x > alpha, x, 0)"""
    above = nn.Greater(op.input, scalar(op.alpha, op.input)).output
    return rewriter.replace(op, nn.Where(above, op.input, scalar(0, op.input)).output)


@pattern(nn.Shrink)
def shrink(op: nn.Shrink, rewriter: Rewriter) -> Match:
    """where(x < -lambd, x + bias, where(x > lambd, x - bias, 0))"""
    x = op.input
    high = nn.Where(
        nn.Greater(x, scalar(op.lambd, x)).output, nn.Sub(x, scalar(op.bias, x)).output, scalar(0, x)
    ).output
    low = nn.Less(x, scalar(-op.lambd, x)).output
    return rewriter.replace(op, nn.Where(low, nn.Add(x, scalar(op.bias, x)).output, high).output)


@pattern(nn.Tan)
def tan(op: nn.Tan, rewriter: Rewriter) -> Match:
    """sin(x) / cos(x)"""
    return rewriter.replace(op, nn.Div(nn.Sin(op.input).output, nn.Cos(op.input).output).output)


@pattern(nn.Atan)
def atan(op: nn.Atan, rewriter: Rewriter) -> Match:
    """asin(x / sqrt(1 + x^2))"""
    root = nn.Sqrt(plus(nn.Square(op.input).output, 1.0)).output
    return rewriter.replace(op, nn.Asin(nn.Div(op.input, root).output).output)


@pattern(nn.Atanh)
def atanh(op: nn.Atanh, rewriter: Rewriter) -> Match:
    """log((1 + x) / (1 - x)) / 2"""
    one = scalar(1, op.input)
    ratio = nn.Div(plus(op.input, 1.0), nn.Sub(one, op.input).output).output
    return rewriter.replace(op, times(nn.Log(ratio).output, 0.5))


@pattern(nn.FloorDiv)
def floor_div_of_floats(op: nn.FloorDiv, rewriter: Rewriter) -> Match:
    """floor(x / y)"""
    if dtype_of(op.lhs).kind != "f":
        return NO_MATCH
    return rewriter.replace(op, nn.Floor(nn.Div(op.lhs, op.rhs).output).output)


@pattern(nn.Clamp)
def clamp_of_integers(op: nn.Clamp, rewriter: Rewriter) -> Match:
    """min(max(x, low), high)"""
    if dtype_of(op.input).kind not in "iu":
        return NO_MATCH
    info, value = np.iinfo(dtype_of(op.input)), op.input
    if op.min > info.min:
        value = nn.Maximum(value, scalar(math.ceil(op.min), value)).output
    if op.max < info.max:
        value = nn.Minimum(value, scalar(math.floor(op.max), value)).output
    return rewriter.replace(op, value)


@pattern(nn.SquaredDifference)
def squared_difference(op: nn.SquaredDifference, rewriter: Rewriter) -> Match:
    """(x - y)^2"""
    difference = nn.Sub(op.lhs, op.rhs).output
    return rewriter.replace(op, nn.Mul(difference, difference).output)


@pattern(nn.Atan2)
def atan2(op: nn.Atan2, rewriter: Rewriter) -> Match:
    """The arctangent of y / x, or of x / y where the point is steeper, turned into its quadrant"""
    y, x = op.lhs, op.rhs
    zero, half_turn = scalar(0, x), scalar(math.pi, x)
    steep = nn.Greater(nn.Abs(y).output, nn.Abs(x).output).output
    divisor = nn.Where(nn.Equal(x, zero).output, scalar(1, x), x).output
    ratio = nn.Div(nn.Where(steep, x, y).output, nn.Where(steep, y, divisor).output).output
    angle = nn.Atan(ratio).output
    turn = nn.Where(nn.Less(y, zero).output, nn.Neg(half_turn).output, half_turn).output
    behind = nn.Where(nn.Less(x, zero).output, turn, zero).output
    result = nn.Where(steep, nn.Sub(times(turn, 0.5), angle).output, nn.Add(angle, behind).output).output
    return rewriter.replace(op, result)


@pattern(nn.IsNan)
def is_nan(op: nn.IsNan, rewriter: Rewriter) -> Match:
    """x != x"""
    return rewriter.replace(op, nn.NotEqual(op.input, op.input).output)


@pattern(nn.IsInf)
def is_inf(op: nn.IsInf, rewriter: Rewriter) -> Match:
    """|x| == infinity, or x == +-infinity"""
    if op.detect_negative and op.detect_positive:
        return rewriter.replace(op, nn.Equal(nn.Abs(op.input).output, scalar(math.inf, op.input)).output)
    if not (op.detect_negative or op.detect_positive):
        return NO_MATCH
    bound = math.inf if op.detect_positive else -math.inf
    return rewriter.replace(op, nn.Equal(op.input, scalar(bound, op.input)).output)


@pattern(nn.CompareOp)
def comparison_of_halves(op: nn.CompareOp, rewriter: Rewriter) -> Match:
    """The same numbers in float32."""
    if dtype_of(op.lhs) != np.float16:
        return NO_MATCH
    wide = (nn.Cast(one, to=ir.F32Type.get(), saturate=True).output for one in (op.lhs, op.rhs))
    return rewriter.replace(op, op.rebuild(*wide).output)


@pattern(nn.Celu)
def celu_of_halves(op: nn.Celu, rewriter: Rewriter) -> Match:
    """The same in float32, rounded."""
    if dtype_of(op.input) != np.float16:
        return NO_MATCH
    result = op.rebuild(nn.Cast(op.input, to=ir.F32Type.get(), saturate=True).output).output
    return rewriter.replace(op, nn.Cast(result, to=op.output.type.element_type, saturate=True).output)


PATTERNS: tuple[Pattern[Any], ...] = (
    reciprocal,
    rsqrt,
    silu,
    mish,
    gelu,
    thresholded_relu,
    shrink,
    tan,
    atan,
    atanh,
    floor_div_of_floats,
    clamp_of_integers,
    squared_difference,
    atan2,
    is_nan,
    is_inf,
    comparison_of_halves,
    celu_of_halves,
)
