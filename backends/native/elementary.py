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


def _times_power_of_two(a: Arithmetic, x: str, n: str) -> str:
    """x * 2^n, for n between -252 and 254: in two steps, because f32 has not all of these powers."""
    whole = Arithmetic(a.scalars, "i32")
    half = whole.apply("arith.shrsi", n, whole.number(1))
    return a.mul(a.mul(x, _power_of_two(a, half)), _power_of_two(a, whole.sub(n, half)))


def _to_whole(a: Arithmetic, n: str) -> str:
    """A whole number of f32 as i32; NaN gives any."""
    whole = Arithmetic(a.scalars, "i32")
    limited = a.select(a.is_nan(n), a.number(0), n)
    return a.cast("arith.fptosi", limited, whole)


def scaled_exp(a: Arithmetic, x: str, shift: int = 0) -> str:
    """e^x * 2^shift in f32, which overflows only where the product does."""
    n, r = _whole_and_rest(a, a.at_most(a.at_least(x, a.number(-105.0)), a.number(89.0 - shift * math.log(2))))
    whole = Arithmetic(a.scalars, "i32")
    exponent = whole.add(_to_whole(a, n), whole.number(shift)) if shift else _to_whole(a, n)
    return _times_power_of_two(a, a.add(_expm1_near(a, r), a.number(1.0)), exponent)


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
    """1 / (1 + e^-x); 0 where that is too small to have all digits."""
    one = a.number(1.0)
    # Below -80 nothing is left of e^-x beside 1, and numbers that lack digits would make it slow.
    return a.div(one, a.add(one, exp(a, a.at_least(a.neg(x), a.number(-80.0)))))


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


SINH = (0.000203774063, 0.00833021104, 0.166667178)
"""(sinh(x) - x) / x^3 in x^2, for |x| <= 1."""


@in_f64_by("math.sinh")
def sinh(a: Arithmetic, x: str) -> str:
    """(e^x - e^-x) / 2"""
    square, half = a.mul(x, x), scaled_exp(a, a.abs(x), -1)
    near = a.fma(a.mul(square, x), a.polynomial(square, SINH), x)
    far = a.copy_sign(a.sub(half, a.div(a.number(0.25), half)), x)
    return a.select(a.compare("lt", a.abs(x), a.number(1.0)), near, far)


@in_f64_by("math.cosh")
def cosh(a: Arithmetic, x: str) -> str:
    """(e^x + e^-x) / 2"""
    half = scaled_exp(a, a.abs(x), -1)
    return a.add(half, a.div(a.number(0.25), half))


HALF_PI = parts(math.pi / 2, 3)
SIN = (-0.000195166547, 0.00833217334, -0.166666552)
"""(sin(r) - r) / r^3 in r^2, for |r| <= pi / 4."""
COS = (2.44377279e-05, -0.00138873619, 0.0416666456)
"""(cos(r) - 1 + r^2 / 2) / r^4 in r^2, for |r| <= pi / 4."""
FAR_ANGLE = 65536.0
"""Beyond this, multiples of pi / 2 are not taken off exactly, and libm is called."""


def _quadrant(a: Arithmetic, x: str) -> tuple[str, str, str]:
    """sin(r), cos(r) and n in i32, for x = n * pi / 2 + r with |r| <= pi / 4."""
    n = a.apply("math.roundeven", a.mul(x, a.number(2 / math.pi)))
    r = _less_multiple(a, x, n, HALF_PI)
    square = a.mul(r, r)
    sine = a.fma(a.mul(square, r), a.polynomial(square, SIN), r)
    cosine = a.fma(square, a.number(-0.5), a.mul(a.mul(square, square), a.polynomial(square, COS)))
    return sine, a.add(cosine, a.number(1.0)), _to_whole(a, n)


def _bit(a: Arithmetic, n: str, bit: int) -> str:
    """Whether a bit of i32 numbers is set."""
    whole = Arithmetic(a.scalars, "i32")
    return whole.compare("ne", whole.apply("arith.andi", n, whole.number(1 << bit)), whole.number(0))


def _angular(operation: str) -> Callable[[Function], Function]:
    """A function of angles, which is given to libm in f64, and if one of the lanes is far from 0."""

    def wrap(write: Function) -> Function:
        @wraps(write)
        def written(a: Arithmetic, x: str) -> str:
            if a.element != "f32":
                return a.apply(operation, x)
            # What is infinite stays near: it becomes NaN either way.
            magnitude = a.abs(x)
            bit = Arithmetic(a.scalars, "i1", False)
            far = bit.apply(
                "arith.andi",
                a.compare("gt", magnitude, a.number(FAR_ANGLE)),
                a.compare("lt", magnitude, a.number(INFINITY)),
            )
            text = a.scalars.text
            if a.scalars.lanes > 1:
                far = text.let(f"vector.reduction <or>, {far} : {bit.type} into i1")
            return text.choose(far, a.type, lambda: a.apply(operation, x), lambda: write(a, x))

        return written

    return wrap


@_angular("math.sin")
def sin(a: Arithmetic, x: str) -> str:
    """sin(x)"""
    sine, cosine, n = _quadrant(a, x)
    result = a.select(_bit(a, n, 0), cosine, sine)
    return a.select(_bit(a, n, 1), a.neg(result), result)


@_angular("math.cos")
def cos(a: Arithmetic, x: str) -> str:
    """cos(x)"""
    sine, cosine, n = _quadrant(a, x)
    result = a.select(_bit(a, n, 0), a.neg(sine), cosine)
    return a.select(_bit(a, n, 1), a.neg(result), result)


@_angular("math.tan")
def tan(a: Arithmetic, x: str) -> str:
    """tan(x)"""
    sine, cosine, n = _quadrant(a, x)
    odd = _bit(a, n, 0)
    return a.div(a.select(odd, a.neg(cosine), sine), a.select(odd, sine, cosine))


ATAN = (0.00297454325, -0.016580997, 0.0435532406, -0.07580553, 0.106789291, -0.142142057, 0.199941367, -0.333331674)
"""(atan(x) - x) / x^3 in x^2, for |x| <= 1."""


@in_f64_by("math.atan")
def atan(a: Arithmetic, x: str) -> str:
    """arctan(x)"""
    magnitude = a.abs(x)
    far = a.compare("gt", magnitude, a.number(1.0))
    y = a.select(far, a.div(a.number(1.0), magnitude), magnitude)
    square = a.mul(y, y)
    angle = a.fma(a.mul(square, y), a.polynomial(square, ATAN), y)
    return a.copy_sign(a.select(far, a.sub(a.number(math.pi / 2), angle), angle), x)


ASIN = (0.0422185473, 0.0241476111, 0.045477096, 0.0749524161, 0.166667536)
"""(asin(x) - x) / x^3 in x^2, for |x| <= 1/2."""


def _asin_parts(a: Arithmetic, x: str) -> tuple[str, str]:
    """Whether |x| > 1/2, and arcsin(|x|) where it is not, else arcsin(sqrt((1 - |x|) / 2))."""
    magnitude, half = a.abs(x), a.number(0.5)
    far = a.compare("gt", magnitude, half)
    square = a.select(far, a.mul(a.sub(a.number(1.0), magnitude), half), a.mul(x, x))
    y = a.select(far, a.apply("math.sqrt", square), magnitude)
    return far, a.fma(a.mul(square, y), a.polynomial(square, ASIN), y)


@in_f64_by("math.asin")
def asin(a: Arithmetic, x: str) -> str:
    """arcsin(x)"""
    far, angle = _asin_parts(a, x)
    return a.copy_sign(a.select(far, a.fma(angle, a.number(-2.0), a.number(math.pi / 2)), angle), x)


@in_f64_by("math.acos")
def acos(a: Arithmetic, x: str) -> str:
    """arccos(x)"""
    far, angle = _asin_parts(a, x)
    negative = a.compare("lt", x, a.number(0.0))
    twice = a.add(angle, angle)
    steep = a.select(negative, a.sub(a.number(math.pi), twice), twice)
    return a.select(far, steep, a.sub(a.number(math.pi / 2), a.copy_sign(angle, x)))


HUGE = 2.0**60
"""What can still be squared in f32."""


@in_f64_by("math.asinh")
def asinh(a: Arithmetic, x: str) -> str:
    """The inverse hyperbolic sine."""
    magnitude, one = a.abs(x), a.number(1.0)
    square = a.mul(magnitude, magnitude)
    root = a.apply("math.sqrt", a.add(square, one))
    near = log1p(a, a.add(magnitude, a.div(square, a.add(root, one))))
    far = a.add(log(a, magnitude), a.number(math.log(2)))
    return a.copy_sign(a.select(a.compare("lt", magnitude, a.number(HUGE)), near, far), x)


@in_f64_by("math.acosh")
def acosh(a: Arithmetic, x: str) -> str:
    """The inverse hyperbolic cosine."""
    above = a.sub(x, a.number(1.0))
    root = a.apply("math.sqrt", a.fma(above, above, a.add(above, above)))
    near = log1p(a, a.add(above, root))
    far = a.add(log(a, x), a.number(math.log(2)))
    result = a.select(a.compare("lt", x, a.number(HUGE)), near, far)
    return a.select(a.compare("lt", x, a.number(1.0)), a.number(NAN), result)


@in_f64_by("math.atanh")
def atanh(a: Arithmetic, x: str) -> str:
    """The inverse hyperbolic tangent."""
    magnitude = a.abs(x)
    quotient = a.div(a.add(magnitude, magnitude), a.sub(a.number(1.0), magnitude))
    return a.copy_sign(a.mul(log1p(a, quotient), a.number(0.5)), x)


LOG2 = (
    0.2828901237876658,
    0.31990651967461703,
    0.41220922910636937,
    0.5770779426195856,
    0.9617966941126342,
    2.8853900817778486,
)
"""log2((1 + s) / (1 - s)) / s in s^2, for (1 + s) / (1 - s) between sqrt(1/2) and sqrt(2)."""
EXP2 = (0.000154760448, 0.00134004164, 0.00961800478, 0.0555032752, 0.240226507, 0.693147182)
"""(2^r - 1) / r for |r| <= 1/2."""
MOST_EXPONENT = 160.0
"""Powers of two beyond this are 0 or infinite in f32."""


def _log2(double: Arithmetic, x: str) -> str:
    """The binary logarithm of f64 numbers that f32 holds, none negative, to 2^-43."""
    whole = Arithmetic(double.scalars, "i64")
    offset = int(np.float64(math.sqrt(0.5)).view(np.int64))
    bits = whole.sub(double.cast("arith.bitcast", x, whole), whole.number(offset))
    exponent = whole.convert(whole.apply("arith.shrsi", bits, whole.number(52)), double)
    mantissa = whole.add(whole.apply("arith.andi", bits, whole.number((1 << 52) - 1)), whole.number(offset))
    m, one = whole.cast("arith.bitcast", mantissa, double), double.number(1.0)
    s = double.div(double.sub(m, one), double.add(m, one))
    result = double.fma(s, double.polynomial(double.mul(s, s), LOG2), exponent)
    result = double.select(double.compare("lt", x, double.number(INFINITY)), result, x)
    return double.select(double.compare("eq", x, double.number(0.0)), double.number(-INFINITY), result)


def pow(a: Arithmetic, x: str, y: str) -> str:
    """x^y as C defines it: |x|^y as 2^(y * log2|x|), whose exponent is computed in f64."""
    if a.element == "f64":
        return a.apply("math.powf", x, y)
    one, zero = a.number(1.0), a.number(0.0)
    power = _positive_power(a, x, y)
    cut = a.apply("math.trunc", y)
    whole = a.compare("eq", cut, y)
    halved = a.mul(y, a.number(0.5))
    odd = a.compare("ne", a.apply("math.trunc", halved), halved)
    bit = Arithmetic(a.scalars, "i1", False)
    odd = bit.apply("arith.andi", whole, odd)
    signed = a.select(odd, a.copy_sign(power, x), power)
    below = bit.apply("arith.andi", a.compare("lt", x, zero), a.compare("gt", x, a.number(-INFINITY)))
    undefined = bit.apply("arith.andi", below, bit.apply("arith.xori", whole, a.scalars.constant("true", "i1")))
    result = a.select(undefined, a.number(NAN), signed)
    opposite = bit.apply(
        "arith.andi", a.compare("eq", x, a.number(-1.0)), a.compare("eq", a.abs(y), a.number(INFINITY))
    )
    certain = bit.apply("arith.ori", a.compare("eq", x, one), a.compare("eq", y, zero))
    return a.select(bit.apply("arith.ori", certain, opposite), one, result)


def _positive_power(a: Arithmetic, x: str, y: str) -> str:
    """|x|^y in f32."""
    double = Arithmetic(a.scalars, "f64")
    exponent = double.mul(a.convert(y, double), _log2(double, a.convert(a.abs(x), double)))
    most = double.number(MOST_EXPONENT)
    exponent = double.at_most(double.at_least(exponent, double.number(-MOST_EXPONENT)), most)
    n = double.apply("math.roundeven", exponent)
    r = double.convert(double.sub(exponent, n), a)
    result = a.fma(r, a.polynomial(r, EXP2), a.number(1.0))
    return _times_power_of_two(a, result, _to_whole(a, double.convert(n, a)))
