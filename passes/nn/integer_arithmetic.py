"""How the integers of a network are computed with by operations on others: to the bit, or as floats."""

from typing import Protocol

import numpy as np

from ...dialects import nn
from ...dialects.mlir import ir
from ...dialects.tensors import Array, element_type, shape_of
from ...runtime.kernels import fixed_point
from .decompose import plus, scalar
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
        product = nn.Mul(value, constant(scaled << np.maximum(exponents, 0), np.int64)).output
        above = 1 << 62  # so that what is divided is positive, and rounded down
        high = plus(nn.Div(plus(product, above + (1 << 30)), scalar(1 << 31, product)).output, -(above >> 31))
        shifts = np.maximum(-exponents, 0)
        most = int(shifts.max())
        if (shifts < most).any():
            high = nn.Mul(high, constant(1 << (most - shifts), np.int64)).output
        return self.divided(high, most)

    def divided(self, value: ir.Value, shift: int) -> ir.Value:
        """Halves away from zero."""
        if shift == 0:
            return value
        half = 1 << shift >> 1
        below = nn.Less(value, scalar(0, value)).output
        away = nn.Where(below, scalar(-half, value), scalar(half, value)).output
        return nn.Div(nn.Add(value, away).output, scalar(1 << shift, value)).output

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

    def as_bytes(self, value: ir.Value) -> ir.Value:
        """Quantised in steps of 1."""
        type_ = nn.quantized_tensor_type(shape_of(value), (1.0,), (0,), -1, np.int8)
        return nn.StorageCast(nn.Quantize(value, ties=None, results=[type_]).output).output
