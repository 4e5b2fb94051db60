"""How conversions between real numbers and their quantised storage are written.

Every one computes what the kernel of its name in `runtime.kernels` does. Scales and zero points are read from memory,
so that operations which differ in nothing else share their code.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...dialects import nn
from ...dialects.mlir import ir
from ...dialects.tensors import dtype_of, static_shape
from .arithmetic import Arithmetic
from .evaluation import Scalars, expression
from .kernel import Array
from .rounding import rounded_away, rounded_to_integer

EASY = (2.0**-100, 2.0**100)
"""Scales between these have a reciprocal, and products with it that neither overflow nor lose what matters."""


@expression(nn.StorageCast)
def storage_cast(scalars: Scalars, op: nn.StorageCast, operands: Sequence[str]) -> str:
    """The same bits."""
    return operands[0]


@expression(nn.Dequantize)
def dequantize(scalars: Scalars, op: nn.Dequantize, operands: Sequence[str]) -> str:
    """(q - zero point) * scale, as f32."""
    stored = Arithmetic.of(scalars, dtype_of(op.input))
    whole, real = Arithmetic(scalars, "i32"), Arithmetic(scalars, "f32")
    scale, zero_point = (
        _parameter(scalars, op.input, name, _array(op.input, name)) for name in ("scale", "zero_point")
    )
    difference = whole.sub(stored.convert(operands[0], whole), zero_point)
    return real.mul(whole.convert(difference, real), scale)


@expression(nn.Quantize)
def quantize(scalars: Scalars, op: nn.Quantize, operands: Sequence[str]) -> str:
    """saturate(round(x / scale) + zero point), halves as `ties` says; NaN becomes the zero point."""
    given, stored = (Arithmetic.of(scalars, dtype_of(value)) for value in (op.input, op.output))
    scale = _array(op.output, "scale")
    if stored.bits <= 16 and given.element != "f64" and EASY[0] < scale.min() and scale.max() < EASY[1]:
        return _quantize_by_products(scalars, op, given.convert(operands[0], Arithmetic(scalars, "f32")))
    return _quantize_by_division(scalars, op, operands[0])


def _quantize_by_products(scalars: Scalars, op: nn.Quantize, number: str) -> str:
    """The quotient of a number and a scale is its product with the reciprocal, and with what that leaves over."""
    real, whole = Arithmetic(scalars, "f32"), Arithmetic(scalars, "i32")
    zero_points, scales = (_array(op.output, name) for name in ("zero_point", "scale"))
    info = np.iinfo(dtype_of(op.output))
    # What is beyond these needs not be exact, and is finite behind them.
    low, high = ((limit - zero_points).astype(np.float32) * scales for limit in (info.min - 1, info.max + 1))
    number = real.select(real.is_nan(number), real.number(0.0), number)
    number = real.at_least(number, _parameter(scalars, op.output, "low", low))
    number = real.at_most(number, _parameter(scalars, op.output, "high", high))
    scale = _parameter(scalars, op.output, "scale", scales)
    reciprocal = _parameter(scalars, op.output, "reciprocal", np.float32(1) / scales)
    quotient = real.mul(number, reciprocal)
    rest = real.fma(real.neg(quotient), scale, number)
    quotient = real.fma(rest, reciprocal, quotient)
    zero_point = _parameter(scalars, op.output, "zero_point", zero_points)
    if op.ties == "outwards":
        shifted = rounded_away(scalars, real.add(quotient, whole.convert(zero_point, real)))
    else:
        shifted = whole.add(rounded_to_integer(scalars, quotient, op.ties == "away"), zero_point)
    bounded = whole.minimum(whole.maximum(shifted, whole.number(info.min)), whole.number(info.max))
    return whole.convert(bounded, Arithmetic.of(scalars, dtype_of(op.output)))


def _quantize_by_division(scalars: Scalars, op: nn.Quantize, number: str) -> str:
    given, stored = (Arithmetic.of(scalars, dtype_of(value)) for value in (op.input, op.output))
    divided = Arithmetic(scalars, "f64" if given.element == "f64" else "f32")
    scale = Arithmetic(scalars, "f32").convert(
        _parameter(scalars, op.output, "scale", _array(op.output, "scale")), divided
    )
    zero_point = _parameter(scalars, op.output, "zero_point", _array(op.output, "zero_point"))
    quotient = divided.div(given.convert(number, divided), scale)
    real = Arithmetic(scalars, "f64") if stored.bits > 16 else divided
    quotient = divided.convert(quotient, real)
    quotient = real.select(real.is_nan(quotient), real.number(0.0), quotient)
    whole = Arithmetic(scalars, "i32" if stored.bits <= 16 else "i64")
    zero_point = Arithmetic(scalars, "i32").convert(zero_point, whole)
    if op.ties == "outwards":
        quotient = real.add(quotient, whole.convert(zero_point, real))
    steps = _rounded(real, quotient, op.ties in ("away", "outwards"))
    least, most = np.iinfo(dtype_of(op.output)).min, np.iinfo(dtype_of(op.output)).max
    # Beyond this, the zero point, which is stored in the same type, makes no difference.
    limited = real.at_most(real.at_least(steps, real.number(float(least - most))), real.number(float(most - least)))
    shifted = real.cast("arith.fptosi", limited, whole)
    if op.ties != "outwards":
        shifted = whole.add(shifted, zero_point)
    bounded = whole.minimum(whole.maximum(shifted, whole.number(least)), whole.number(most))
    return whole.convert(bounded, stored)


def _rounded(real: Arithmetic, quotient: str, away: bool) -> str:
    """The nearest whole number, halves to even or away from zero."""
    if not away:
        return real.apply("math.roundeven", quotient)
    cut = real.apply("math.trunc", quotient)
    rest = real.abs(real.sub(quotient, cut))
    step = real.copy_sign(real.number(1.0), quotient)
    return real.select(real.compare("ge", rest, real.number(0.5)), real.add(cut, step), cut)


def _array(value: ir.Value, name: str) -> Array:
    """The scales or zero points of a quantised value, in the shape of its channels."""
    parameters = nn.quantization_parameters(value.type)
    assert parameters is not None
    array: Array = np.asarray(getattr(parameters, name), np.float32 if name == "scale" else np.int32)
    return array.reshape([-1 if axis == parameters.axis else 1 for axis in range(len(static_shape(value)))])


def _parameter(scalars: Scalars, value: ir.Value, name: str, array: Array) -> str:
    """A number that belongs to a quantised value, or those of its channels."""
    assert scalars.parameter is not None
    return scalars.parameter(name, array)
