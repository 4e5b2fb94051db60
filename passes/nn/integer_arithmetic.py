"""How the integers of a network are computed with by operations on others: to the bit, or as floats."""

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from ...dialects import nn
from ...dialects.mlir import ir
from ...dialects.tensors import Array, element_type, shape_of
from ...runtime.kernels import fixed_point
from .scalars import plus, scalar
from .whole_numbers import exact_parts

BYTE = 255
"""The largest difference of a byte and a zero point."""


def constant(array: Array, dtype: type[np.generic]) -> ir.Value:
    """A constant, of at least one dimension."""
    return nn.Constant(value=np.ascontiguousarray(array, dtype)).output


def cast(value: ir.Value, dtype: type[np.generic]) -> ir.Value:
    """Other elements, unless they are of that type already."""
    kind = element_type(dtype)
    return value if value.type.element_type == kind else nn.Cast(value, to=kind, saturate=True).output


def _real(stored: ir.Value, zero_point: int = 0) -> ir.Value:
    """Bytes less a zero point, as f32."""
    type_ = nn.quantized_tensor_type(shape_of(stored), (1.0,), (zero_point,), -1, np.int8)
    return nn.Dequantize(nn.StorageCast(stored, results=[type_]).output).output


def limited(value: ir.Value, low: int = fixed_point.LOWEST, high: int = fixed_point.HIGHEST) -> ir.Value:
    """The nearest of some integers."""
    return nn.Clamp(value, min=float(low), max=float(high)).output


@dataclass(frozen=True)
class Norm:
    """What `fixed_point.normalised` takes, of several normalisations side by side: groups x size."""

    weight: Array
    bias: Array
    factor: Array
    guard: Array


class Arithmetic(Protocol):
    """Integers of a network as elements of type `number`, and as `place` where they are places in tables.

    `fixed_point` says what `multiplied` and `divided` compute.
    """

    number: type[np.generic]
    place: type[np.generic]

    def sums(self, stored: ir.Value, zero_point: int, weight: Array) -> ir.Value:
        """The sums of products of bytes, less a zero point, with the rows of a weight of bytes."""

    def multiplied(self, value: ir.Value, factor: Array) -> ir.Value:
        """Numbers times factors, rounded."""

    def divided(self, value: ir.Value, shift: int) -> ir.Value:
        """Numbers / 2^shift, rounded."""

    def normalised(self, value: ir.Value, norm: Norm) -> ir.Value:
        """Layer normalisation of numbers of 16 bits: batch x groups * size."""

    def as_bytes(self, value: ir.Value) -> ir.Value:
        """Numbers from -128 to 127 in i8."""


class Whole:
    """Integers as i64, to the bit.

    Sums of products are computed in f32, which most machines do fastest, in parts so small that f32 holds them.
    """

    number: type[np.generic] = np.int64
    place: type[np.generic] = np.int64

    def sums(self, stored: ir.Value, zero_point: int, weight: Array) -> ir.Value:
        """Of each part, and of these."""
        total, axis = None, len(shape_of(stored)) - 1
        parts = exact_parts(np.abs(weight.astype(np.int64)), BYTE)
        for begin, end in parts:
            part = stored
            if len(parts) > 1:
                part = nn.Slice(stored, starts=(begin,), ends=(end,), axes=(axis,), steps=(1,)).output
            matrix = _real(constant(weight[:, begin:end].T, np.int8))
            product = cast(nn.Matmul(_real(part, zero_point), matrix).output, np.int64)
            total = product if total is None else nn.Add(total, product).output
        assert total is not None, "a weight has columns"
        return total

    def multiplied(self, value: ir.Value, factor: Array) -> ir.Value:
        """By 31 bits of the factor, then by a power of two."""
        scaled, exponents = fixed_point.multiplier(factor)
        high = _high(value, constant(scaled << np.maximum(exponents, 0), np.int64))
        shifts = np.maximum(-exponents, 0)
        most = int(shifts.max())
        if (shifts < most).any():
            high = nn.Mul(high, constant(1 << (most - shifts), np.int64)).output
        return self.divided(high, most)

    def divided(self, value: ir.Value, shift: int) -> ir.Value:
        """Halves away from zero."""
        if shift == 0:
            return value
        return _rounded_quotient(value, scalar(1 << shift, value), *(scalar(s << shift >> 1, value) for s in (1, -1)))

    def normalised(self, value: ir.Value, norm: Norm) -> ir.Value:
        """By 31 bits of the inverse root of the variance."""
        groups, size = norm.weight.shape
        batch = shape_of(value)[0]
        x = nn.Reshape(value, shape=(batch, groups, size)).output
        total, squares = (_reduced(one, "sum") for one in (x, nn.Mul(x, x).output))
        mean = nn.Div(_times(total, 1024), scalar(size, x)).output
        spread = nn.Sub(_times(squares, (1 << 20) // size), nn.Mul(mean, mean).output).output
        variance = nn.Div(spread, scalar(1 << 20, x)).output
        none = nn.Less(variance, scalar(1, x)).output
        variance = nn.Where(none, constant(norm.guard[:, :1], np.int64), variance).output
        root, power = inverse_root(variance)
        half = nn.Div(power, scalar(2, x)).output
        high = _high(nn.Sub(_times(x, 1024), mean).output, root)
        steps = _rounded_quotient(high, power, half, _times(half, -1))
        weighed = nn.Mul(steps, constant(norm.weight, np.int64)).output
        result = self.divided(nn.Add(weighed, constant(norm.bias, np.int64)).output, 10)
        result = limited(self.multiplied(result, norm.factor))
        return nn.Reshape(result, shape=(batch, groups * size)).output

    def as_bytes(self, value: ir.Value) -> ir.Value:
        """Converted."""
        return cast(value, np.int8)


class Single:
    """Integers as f32: what has more than 24 bits is rounded, and halves go up."""

    number: type[np.generic] = np.float32
    place: type[np.generic] = np.int32

    def sums(self, stored: ir.Value, zero_point: int, weight: Array) -> ir.Value:
        """As they are."""
        return nn.Matmul(_real(stored, zero_point), constant(weight.T, np.float32)).output

    def multiplied(self, value: ir.Value, factor: Array) -> ir.Value:
        """At once."""
        return nn.Floor(plus(nn.Mul(value, constant(factor, np.float32)).output, 0.5)).output

    def divided(self, value: ir.Value, shift: int) -> ir.Value:
        """By a product."""
        return self.multiplied(value, np.asarray(2.0**-shift))

    def normalised(self, value: ir.Value, norm: Norm) -> ir.Value:
        """By real numbers between the same roundings."""
        groups, size = norm.weight.shape
        batch = shape_of(value)[0]
        x = nn.Reshape(value, shape=(batch, groups, size)).output
        centred = nn.Sub(x, _reduced(x, "mean")).output
        variance = nn.Floor(_reduced(nn.Mul(centred, centred).output, "mean")).output
        none = nn.Less(variance, scalar(1, x)).output
        variance = nn.Where(none, constant(norm.guard[:, :1], np.float32), variance).output
        steps = self.divided(nn.Div(centred, nn.Sqrt(variance).output).output, -10)
        weighed = nn.Mul(steps, constant(norm.weight, np.float32)).output
        result = self.divided(nn.Add(weighed, constant(norm.bias, np.float32)).output, 10)
        result = limited(self.multiplied(result, norm.factor))
        return nn.Reshape(result, shape=(batch, groups * size)).output

    def as_bytes(self, value: ir.Value) -> ir.Value:
        """Quantised in steps of 1."""
        type_ = nn.quantized_tensor_type(shape_of(value), (1.0,), (0,), -1, np.int8)
        return nn.StorageCast(nn.Quantize(value, ties=None, results=[type_]).output).output


def _times(value: ir.Value, factor: int) -> ir.Value:
    return nn.Mul(value, scalar(factor, value)).output


def _reduced(value: ir.Value, kind: str) -> ir.Value:
    """The sums or means over the last axis."""
    return nn.Reduce(value, kind=kind, axes=(len(shape_of(value)) - 1,), keepdims=True).output


def _high(value: ir.Value, factor: ir.Value) -> ir.Value:
    """i64 of 32 bits times others, / 2^31, halves up."""
    product = nn.Mul(value, factor).output
    above = 1 << 62  # so that what is divided is positive, and rounded down
    return plus(nn.Div(plus(product, above + (1 << 30)), scalar(1 << 31, product)).output, -(above >> 31))


def _rounded_quotient(value: ir.Value, divisor: ir.Value, half: ir.Value, less_half: ir.Value) -> ir.Value:
    """The nearest integer to a quotient, halves away from zero, by half of the divisor, and that less than zero."""
    below = nn.Less(value, scalar(0, value)).output
    return nn.Div(nn.Add(value, nn.Where(below, less_half, half).output).output, divisor).output


def inverse_root(value: ir.Value) -> tuple[ir.Value, ir.Value]:
    """`fixed_point.inverse_root` of i64 whose last dimension is 1; and the power of two that is meant by the shift."""
    limits = constant(np.left_shift(1, np.arange(29, -1, -2)), np.int64)
    count = _reduced(cast(nn.Less(value, limits).output, np.int64), "sum")  # 1 more than bits are shifted in pairs

    def by_count(exponents: Array) -> ir.Value:
        table = constant(np.left_shift(1, np.maximum(exponents, 0)), np.int64)
        return nn.Gather(table, count, axis=0, batch_dims=0).output

    counts = np.arange(16)
    scaled = nn.Div(nn.Mul(value, by_count(2 * counts - 2)).output, by_count(2 - 2 * counts)).output
    given = nn.Div(scaled, scalar(2, value)).output
    half = nn.Div(plus(given, 1), scalar(2, value)).output
    result = scalar(1 << 28, value)
    for _ in range(5):
        cube = _times(_high(_high(result, result), result), 1 << 6)
        result = _times(nn.Sub(_high(scalar(3 << 27, value), result), _high(half, cube)).output, 1 << 3)
    result = _high(result, scalar(round(math.sqrt(0.5) * 2**31), value))
    root, power = nn.Mul(result, by_count(counts - 12)).output, by_count(12 - counts)
    small = nn.Less(value, scalar(2, value)).output
    root = nn.Where(small, scalar((1 << 31) - 1, value), root).output
    return root, nn.Where(small, scalar(1, value), power).output
