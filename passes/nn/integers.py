"""Arithmetic of integers that few machines have, through what most have. Results are the same to the bit."""

from typing import Any

import numpy as np

from ...dialects import nn
from ...dialects.mlir import ir
from ...dialects.tensors import Array, dtype_of, element_type, shape_of
from ..rewriter import NO_MATCH, Match, Pattern, Rewriter, pattern
from .scalars import scalar


@pattern(nn.Mod)
def floor_mod_of_floats(op: nn.Mod, rewriter: Rewriter) -> Match:
    """The remainder with the divisor's sign: that with the dividend's, and the divisor if need be."""
    if op.fmod or dtype_of(op.lhs).kind != "f":
        return NO_MATCH
    rest = nn.Mod(op.lhs, op.rhs, fmod=True).output
    signs = nn.Mul(nn.Sign(rest).output, nn.Sign(op.rhs).output).output
    real = nn.Cast(signs, to=ir.F32Type.get(), saturate=True).output
    differ = nn.Less(real, scalar(0, real)).output
    return rewriter.replace(op, nn.Where(differ, nn.Add(rest, op.rhs).output, rest).output)


@pattern(nn.Mod)
def floor_mod(op: nn.Mod, rewriter: Rewriter) -> Match:
    """The remainder with the divisor's sign: that with the dividend's, and the divisor if need be."""
    if op.fmod or dtype_of(op.lhs).kind == "f":
        return NO_MATCH
    rest = nn.Mod(op.lhs, op.rhs, fmod=True).output
    if dtype_of(op.lhs).kind == "i":
        zero = scalar(0, op.lhs)
        signs = nn.LogicalXor(*(nn.Less(one, zero).output for one in (rest, op.rhs))).output
        differ = nn.LogicalAnd(signs, nn.NotEqual(rest, zero).output).output
        rest = nn.Where(differ, nn.Add(rest, op.rhs).output, rest).output
    return rewriter.replace(op, rest)


@pattern(nn.FloorDiv)
def floor_div(op: nn.FloorDiv, rewriter: Rewriter) -> Match:
    """The quotient is rounded towards zero, so that one less may be right"""
    dtype = dtype_of(op.lhs)
    if dtype.kind == "f":
        return NO_MATCH
    quotient = nn.Div(op.lhs, op.rhs).output
    if dtype.kind == "u":
        return rewriter.replace(op, quotient)
    rest = nn.Sub(op.lhs, nn.Mul(quotient, op.rhs).output).output
    zero = scalar(0, op.lhs)
    signs = (nn.Less(one, zero).output for one in (rest, op.rhs))
    inexact = nn.NotEqual(rest, zero).output
    above = nn.LogicalAnd(nn.LogicalXor(*signs).output, inexact).output
    less = nn.Add(quotient, scalar(-1, quotient)).output
    return rewriter.replace(op, nn.Where(above, less, quotient).output)


@pattern(nn.BitwiseNot)
def bitwise_not(op: nn.BitwiseNot, rewriter: Rewriter) -> Match:
    """-1 - x, or for unsigned numbers the largest number - x"""
    dtype = dtype_of(op.input)
    ones = -1 if dtype.kind == "i" else np.iinfo(dtype).max
    return rewriter.replace(op, nn.Sub(scalar(ones, op.input), op.input).output)


def _power(shift: ir.Value, exponents: Array, like: ir.Value) -> ir.Value:
    """2 to the power that a table has for each shift, 0 for too many bits; the last one is for all larger shifts, and
    for negative ones, which as bits are very large."""
    bits = dtype_of(like).itemsize * 8
    table = np.asarray([(1 << int(one)) % (1 << bits) for one in exponents], f"u{bits // 8}").view(dtype_of(like))
    last = nn.Constant(value=np.int64(len(exponents) - 1)).output
    place = nn.Minimum(nn.Cast(shift, to=ir.IntegerType.get_signless(64), saturate=True).output, last).output
    if dtype_of(shift).kind == "i":
        place = nn.Where(nn.Less(place, nn.Constant(value=np.int64(0)).output).output, last, place).output
    return nn.Gather(nn.Constant(value=table).output, place, axis=0, batch_dims=0).output


@pattern(nn.ShiftLeft)
def shift_left(op: nn.ShiftLeft, rewriter: Rewriter) -> Match:
    """x * 2^shift"""
    bits = dtype_of(op.lhs).itemsize * 8
    return rewriter.replace(op, nn.Mul(op.lhs, _power(op.rhs, np.arange(bits + 1), op.lhs)).output)


@pattern(nn.ShiftRight)
def shift_right(op: nn.ShiftRight, rewriter: Rewriter) -> Match:
    """x / 2^shift, rounded down; in two steps, because the largest powers are not numbers of this type."""
    bits = dtype_of(op.lhs).itemsize * 8
    shifts = np.arange(bits + 1)
    first = np.minimum(shifts, bits - 2)
    result = nn.FloorDiv(op.lhs, _power(op.rhs, first, op.lhs)).output
    return rewriter.replace(op, nn.FloorDiv(result, _power(op.rhs, shifts - first, op.lhs)).output)


def _unsigned(value: ir.Value) -> ir.Value:
    return _cast(value, element_type(f"u{dtype_of(value).itemsize}"))


def _common_bits(x: ir.Value, y: ir.Value) -> ir.Value:
    """x & y: all bits side by side, those of both added up."""
    dtype = dtype_of(x)
    powers = nn.Constant(value=dtype.type(1) << np.arange(dtype.itemsize * 8, dtype=dtype)).output
    two = nn.Constant(value=dtype.type(2)).output

    def apart(value: ir.Value) -> ir.Value:
        column = nn.Unsqueeze(value, axes=(len(shape_of(value)),)).output
        return nn.Mod(nn.Div(column, powers).output, two, fmod=True).output

    both = nn.Mul(nn.Mul(apart(x), apart(y)).output, powers).output
    return nn.Reduce(both, kind="sum", axes=(-1,), keepdims=False).output


@pattern(nn.BitwiseAnd)
def bitwise_and(op: nn.BitwiseAnd, rewriter: Rewriter) -> Match:
    """The bits that both have."""
    result = _common_bits(_unsigned(op.lhs), _unsigned(op.rhs))
    return rewriter.replace(op, _cast(result, op.output.type.element_type))


@pattern(nn.BitwiseOr)
def bitwise_or(op: nn.BitwiseOr, rewriter: Rewriter) -> Match:
    """x + y - (x & y)"""
    x, y = _unsigned(op.lhs), _unsigned(op.rhs)
    result = nn.Sub(nn.Add(x, y).output, _common_bits(x, y)).output
    return rewriter.replace(op, _cast(result, op.output.type.element_type))


@pattern(nn.BitwiseXor)
def bitwise_xor(op: nn.BitwiseXor, rewriter: Rewriter) -> Match:
    """x + y - 2 (x & y)"""
    x, y = _unsigned(op.lhs), _unsigned(op.rhs)
    common = _common_bits(x, y)
    twice = nn.Add(common, common).output
    result = nn.Sub(nn.Add(x, y).output, twice).output
    return rewriter.replace(op, _cast(result, op.output.type.element_type))


def _cast(value: ir.Value, kind: ir.Type) -> ir.Value:
    return value if value.type.element_type == kind else nn.Cast(value, to=kind, saturate=True).output


PATTERNS: tuple[Pattern[Any], ...] = (
    floor_mod,
    floor_div,
    bitwise_not,
    bitwise_and,
    bitwise_or,
    bitwise_xor,
    shift_left,
    shift_right,
)
"""What machines do not need that compute single integers."""
