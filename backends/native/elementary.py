"""Elementary functions of floats: in f32 by polynomials, for any number of lanes and without calls; in f64 by libm's.

Errors in f32, over all arguments, are a few units in the last place; test_elementary.py measures and bounds them. The
polynomials are minimax fits of relative error (Lawson's algorithm), to 2^-25 or better, of what the comments state.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import wraps

import numpy as np

from .arithmetic import Arithmetic

Function = Callable[[Arithmetic, str], str]
"""Writes the value of a function of one float."""
INFINITY, NAN = float("inf"), float("nan")


def in_f64_by(operation: str) -> Callable[[Function], Function]:
    """What writes a function in f32, and in f64 leaves it to an operation of the `math` dialect."""

    def wrap(write: Function) -> Function:
        @wraps(write)
        def written(a: Arithmetic, x: str) -> str:
            return write(a, x) if a.element == "f32" else a.apply(operation, x)

        return written

    return wrap


def parts(value: float, count: int) -> list[float]:
    """A number as a sum of `count` f32 numbers, the larger ones first."""
    result = []
    for _ in range(count):
        result.append(float(np.float32(value)))
        value -= result[-1]
    return result


def _less_multiple(a: Arithmetic, x: str, n: str, of: list[float]) -> str:
    """x - n * of, whose parts are taken one by one so that what cancels is exact."""
    for part in of:
        x = a.fma(n, a.number(-part), x)
    return x


LN2 = parts(math.log(2), 2)
EXPM1 = (0.00138825143, 0.00836654752, 0.0416672006, 0.166665435, 0.49999997)
"""(e^r - 1 - r) / r^2 for |r| <= ln(2) / 2."""


def _whole_and_rest(a: Arithmetic, x: str) -> tuple[str, str]:
    """n and r such that e^x = 2^n * e^r with |r| <= ln(2) / 2."""
    n = a.apply("math.roundeven", a.mul(x, a.number(1 / math.log(2))))
    return n, _less_multiple(a, x, n, LN2)


def _expm1_near(a: Arithmetic, r: str) -> str:
    """e^r - 1 for |r| <= ln(2) / 2."""
    return a.fma(a.mul(r, r), a.polynomial(r, EXPM1), r)


def _power_of_two(a: Arithmetic, n: str) -> str:
    """2^n as f32, of whole numbers n in i32 between -126 and 127."""
    whole = Arithmetic(a.scalars, "i32")
    bits = whole.apply("arith.shli", whole.add(n, whole.number(127)), whole.number(23))
    return whole.cast("arith.bitcast", bits, a)


def _to_whole(a: Arithmetic, n: str) -> str:
    """A whole number of f32 as i32; NaN gives any."""
    whole = Arithmetic(a.scalars, "i32")
    limited = a.select(a.is_nan(n), a.number(0), n)
    return a.cast("arith.fptosi", limited, whole)


def scaled_exp(a: Arithmetic, x: str, shift: int = 0) -> str:
    """e^x * 2^shift in f32, which overflows only where the product does; x is limited to what decides."""
    whole = Arithmetic(a.scalars, "i32")
    n, r = _whole_and_rest(a, a.at_most(a.at_least(x, a.number(-105.0)), a.number(89.0 + shift * -math.log(2))))
    exponent = whole.add(_to_whole(a, n), whole.number(shift)) if shift else _to_whole(a, n)
    half = whole.apply("arith.shrsi", exponent, whole.number(1))
    result = a.add(_expm1_near(a, r), a.number(1.0))
    return a.mul(a.mul(result, _power_of_two(a, half)), _power_of_two(a, whole.sub(exponent, half)))


@in_f64_by("math.exp")
def exp(a: Arithmetic, x: str) -> str:
    """e^x"""
    return scaled_exp(a, x)


def expm1(a: Arithmetic, x: str) -> str:
    """e^x - 1"""
    return _expm1(a, x) if a.element == "f32" else _expm1_by_log(a, x)


def _expm1_by_log(a: Arithmetic, x: str) -> str:
    """e^x - 1 of f64: what e^x is off by is seen in its logarithm (W. Kahan)."""
    power, one = exp(a, x), a.number(1.0)
    less = a.sub(power, one)
    near = a.div(a.mul(less, x), log(a, power))
    lost = a.compare("eq", power, one)
    far = a.compare("gt", a.abs(x), a.number(1.0))
    return a.select(lost, x, a.select(far, less, near))


def _expm1(a: Arithmetic, x: str) -> str:
    n, r = _whole_and_rest(a, a.at_most(a.at_least(x, a.number(-26.0)), a.number(89.0)))
    whole = Arithmetic(a.scalars, "i32")
    # Half of it, because 2^128 is not a number of f32.
    power = _power_of_two(a, whole.sub(_to_whole(a, n), whole.number(1)))
    half = a.fma(power, _expm1_near(a, r), a.sub(power, a.number(0.5)))
    return a.select(a.compare("eq", x, a.number(0.0)), x, a.add(half, half))


LOG1P = (-0.0763442963, 0.127615497, -0.131601945, 0.142017618, -0.166233569, 0.200012267, -0.250008225, 0.333333313)
"""(ln(1 + f) - f + f^2 / 2) / f^3 for 1 + f between sqrt(1/2) and sqrt(2)."""
ROOT_HALF_BITS = 0x3F3504F3
LEAST_NORMAL = 2.0**-126


@in_f64_by("math.log")
def log(a: Arithmetic, x: str) -> str:
    """The natural logarithm."""
    whole = Arithmetic(a.scalars, "i32")
    small = a.compare("lt", x, a.number(LEAST_NORMAL))
    normal = a.select(small, a.mul(x, a.number(2.0**24)), x)
    bits = whole.sub(a.cast("arith.bitcast", normal, whole), whole.number(ROOT_HALF_BITS))
    exponent = whole.convert(whole.apply("arith.shrsi", bits, whole.number(23)), a)
    exponent = a.sub(exponent, a.select(small, a.number(24.0), a.number(0.0)))
    mantissa = whole.apply("arith.andi", bits, whole.number((1 << 23) - 1))
    mantissa = whole.cast("arith.bitcast", whole.add(mantissa, whole.number(ROOT_HALF_BITS)), a)
    f = a.sub(mantissa, a.number(1.0))
    square = a.mul(f, f)
    low = a.fma(a.mul(square, f), a.polynomial(f, LOG1P), a.mul(exponent, a.number(LN2[1])))
    low = a.fma(square, a.number(-0.5), low)
    result = a.fma(exponent, a.number(LN2[0]), a.add(f, low))
    result = a.select(a.compare("lt", x, a.number(INFINITY)), result, x)  # infinity and NaN are their own
    result = a.select(a.compare("eq", x, a.number(0.0)), a.number(-INFINITY), result)
    return a.select(a.compare("lt", x, a.number(0.0)), a.number(NAN), result)


def log1p(a: Arithmetic, x: str) -> str:
    """ln(1 + x)"""
    one = a.number(1.0)
    total = a.add(x, one)
    logarithm = log(a, total)
    lost = a.div(a.sub(x, a.sub(total, one)), total)  # what adding 1 rounded off, as a part of the sum
    infinite = a.compare("eq", a.abs(logarithm), a.number(INFINITY))
    result = a.select(infinite, logarithm, a.add(logarithm, lost))
    return a.select(a.compare("eq", x, a.number(0.0)), x, result)


@in_f64_by("math.tanh")
def tanh(a: Arithmetic, x: str) -> str:
    """The hyperbolic tangent."""
    decay = expm1(a, a.mul(a.abs(x), a.number(-2.0)))
    return a.copy_sign(a.div(decay, a.add(decay, a.number(2.0))), x)


def sigmoid(a: Arithmetic, x: str) -> str:
    """1 / (1 + e^-x)"""
    one = a.number(1.0)
    return a.div(one, a.add(one, exp(a, a.neg(x))))


def softplus(a: Arithmetic, x: str) -> str:
    """ln(1 + e^x), without overflow."""
    return a.add(a.maximum(x, a.number(0.0)), log1p(a, exp(a, a.neg(a.abs(x)))))


ERF = (
    (2.04197522e-06, 0.000284808135, 0.00377958757, 0.0527902208, 0.190783322, 1.12837911),
    (3.80040947e-05, 0.00116520748, 0.0149973938, 0.114257313, 0.502410054, 1.0),
)
"""Numerator and denominator of erf(x) / x in x^2, for |x| <= 3.93."""
ERF_ONE = 3.92
"""From here on, erf rounds to 1."""


@in_f64_by("math.erf")
def erf(a: Arithmetic, x: str) -> str:
    """2 / sqrt(pi) * the integral of e^(-t^2) from 0 to x."""
    square = a.mul(x, x)
    numerator, denominator = (a.polynomial(square, coefficients) for coefficients in ERF)
    far = a.compare("gt", a.abs(x), a.number(ERF_ONE))
    return a.select(far, a.copy_sign(a.number(1.0), x), a.div(a.mul(x, numerator), denominator))
