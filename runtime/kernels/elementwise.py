"""Functions of each element of one tensor. Results have the operand's dtype, predicates are boolean."""

import numpy as np

from .arrays import Array, in_float32


@in_float32
def abs(input: Array) -> Array:
    """|x|"""
    return np.abs(input)


@in_float32
def acos(input: Array) -> Array:
    """arccos(x)"""
    return np.arccos(input)


@in_float32
def acosh(input: Array) -> Array:
    """The inverse hyperbolic cosine."""
    return np.arccosh(input)


@in_float32
def asin(input: Array) -> Array:
    """arcsin(x)"""
    return np.arcsin(input)


@in_float32
def asinh(input: Array) -> Array:
    """The inverse hyperbolic sine."""
    return np.arcsinh(input)


@in_float32
def atan(input: Array) -> Array:
    """arctan(x)"""
    return np.arctan(input)


@in_float32
def atanh(input: Array) -> Array:
    """The inverse hyperbolic tangent."""
    return np.arctanh(input)


@in_float32
def ceil(input: Array) -> Array:
    """The smallest integer >= x."""
    return np.ceil(input)


@in_float32
def cos(input: Array) -> Array:
    """cos(x)"""
    return np.cos(input)


@in_float32
def cosh(input: Array) -> Array:
    """(e^x + e^-x) / 2"""
    return np.cosh(input)


@in_float32
def exp(input: Array) -> Array:
    """e^x"""
    return np.exp(input)


@in_float32
def floor(input: Array) -> Array:
    """The largest integer <= x."""
    return np.floor(input)


@in_float32
def log(input: Array) -> Array:
    """The natural logarithm."""
    return np.log(input)


@in_float32
def neg(input: Array) -> Array:
    """-x"""
    return np.negative(input)


@in_float32
def reciprocal(input: Array) -> Array:
    """1 / x"""
    return np.divide(np.ones((), input.dtype), input)


@in_float32
def round(input: Array) -> Array:
    """The nearest integer, halves to the even one."""
    return np.rint(input)


@in_float32
def rsqrt(input: Array) -> Array:
    """1 / sqrt(x)"""
    return np.divide(np.ones((), input.dtype), np.sqrt(input))


@in_float32
def sign(input: Array) -> Array:
    """-1, 0 or 1."""
    return np.sign(input)


@in_float32
def sin(input: Array) -> Array:
    """sin(x)"""
    return np.sin(input)


@in_float32
def sinh(input: Array) -> Array:
    """(e^x - e^-x) / 2"""
    return np.sinh(input)


@in_float32
def sqrt(input: Array) -> Array:
    """The square root."""
    return np.sqrt(input)


@in_float32
def square(input: Array) -> Array:
    """x * x"""
    return np.square(input)


@in_float32
def tan(input: Array) -> Array:
    """tan(x)"""
    return np.tan(input)


@in_float32
def tanh(input: Array) -> Array:
    """The hyperbolic tangent."""
    return np.tanh(input)


def is_nan(input: Array) -> Array:
    """Whether x is not a number."""
    return np.isnan(input)


def is_inf(input: Array, *, detect_negative: bool, detect_positive: bool) -> Array:
    """Whether x is infinite, of a sign that counts."""
    return (np.isposinf(input) & detect_positive) | (np.isneginf(input) & detect_negative)


def logical_not(input: Array) -> Array:
    """not x"""
    return np.logical_not(input)


def bitwise_not(input: Array) -> Array:
    """The bits inverted."""
    return np.invert(input)


# Coefficients of W. J. Cody, Rational Chebyshev approximation for the error function, Math. Comp. 23 (1969).
_SMALL = (
    (
        1.85777706184603153e-1,
        3.16112374387056560e00,
        1.13864154151050156e02,
        3.77485237685302021e02,
        3.20937758913846947e03,
    ),
    (1.0, 2.36012909523441209e01, 2.44024637934444173e02, 1.28261652607737228e03, 2.84423683343917062e03),
)
_MIDDLE = (
    (
        2.15311535474403846e-8,
        5.64188496988670089e-1,
        8.88314979438837594e00,
        6.61191906371416295e01,
        2.98635138197400131e02,
        8.81952221241769090e02,
        1.71204761263407058e03,
        2.05107837782607147e03,
        1.23033935479799725e03,
    ),
    (
        1.0,
        1.57449261107098347e01,
        1.17693950891312499e02,
        5.37181101862009858e02,
        1.62138957456669019e03,
        3.29079923573345963e03,
        4.36261909014324716e03,
        3.43936767414372164e03,
        1.23033935480374942e03,
    ),
)
_LARGE = (
    (
        1.63153871373020978e-2,
        3.05326634961232344e-1,
        3.60344899949804439e-1,
        1.25781726111229246e-1,
        1.60837851487422766e-2,
        6.58749161529837803e-4,
    ),
    (
        1.0,
        2.56852019228982242e00,
        1.87295284992346725e00,
        5.27905102951428412e-1,
        6.05183413124413191e-2,
        2.33520497626869185e-3,
    ),
)


def erf(input: Array) -> Array:
    """2 / sqrt(pi) * integral of e^(-t^2) from 0 to x, to the last digits of float64 (W. J. Cody, 1969)."""
    x = np.asarray(input, np.float64)
    magnitude = np.minimum(np.abs(x), 26.0)
    square_of = magnitude * magnitude
    near = magnitude * np.polyval(_SMALL[0], square_of) / np.polyval(_SMALL[1], square_of)
    tail = np.exp(-square_of)
    middle = 1.0 - tail * np.polyval(_MIDDLE[0], magnitude) / np.polyval(_MIDDLE[1], magnitude)
    inverse = 1.0 / np.maximum(square_of, 1e-30)
    series = inverse * np.polyval(_LARGE[0], inverse) / np.polyval(_LARGE[1], inverse)
    far = 1.0 - tail * (1.0 / np.sqrt(np.pi) - series) / np.maximum(magnitude, 1e-30)
    result = np.where(magnitude <= 0.46875, near, np.where(magnitude <= 4.0, middle, far))
    return np.asarray(np.copysign(np.where(np.isnan(x), x, result), x)).astype(input.dtype)
