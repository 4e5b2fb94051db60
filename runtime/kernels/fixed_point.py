"""Arithmetic of fixed-point numbers, to the bit as LiteRT computes it.

A fixed-point number of 16 bits with n of them before the point is an integer q that stands for q / 2^(15 - n). All
arrays here are of i64. Sources: gemmlowp/fixedpoint/fixedpoint.h, MultiplyByQuantizedMultiplier with two roundings in
tensorflow/lite/kernels/internal/common.cc.
"""

import math

import numpy as np

from .arrays import Array

POINT = 15
"""Bits behind the point of numbers from -1 to 1."""
LOWEST, HIGHEST = -(1 << POINT), (1 << POINT) - 1


def multiplier(factor: Array) -> tuple[Array, Array]:
    """Factors as m * 2^(e - 31): m, of 31 bits, and e; 0 for those that are too small."""
    fraction, exponent = np.frexp(np.asarray(factor, np.float64))
    scaled = np.floor(fraction * 2**31 + 0.5).astype(np.int64)
    carry = scaled >> 31
    scaled, exponent = scaled >> carry, exponent + carry
    small = exponent < -31
    return np.where(small, 0, scaled), np.where(small, 0, exponent)


def multiplied(x: Array, factor: Array) -> Array:
    """Integers of 32 bits times factors, rounded twice."""
    scaled, exponent = multiplier(factor)
    high = (x * (scaled << np.maximum(exponent, 0)) + (1 << 30)) >> 31
    return divided(high, np.maximum(-exponent, 0))


def divided(x: Array, shift: Array | int) -> Array:
    """x / 2^shift, halves away from zero."""
    whole: Array = np.left_shift(np.int64(1), shift)
    half = whole >> 1
    return np.where(x < 0, -((half - x) >> shift), (half + x) >> shift)


def limited(x: Array) -> Array:
    """The nearest number of 16 bits."""
    return np.clip(x, LOWEST, HIGHEST)


def sigmoid(x: Array, bits: int) -> Array:
    """1 / (1 + e^-x) of numbers with so many bits before the point; the result has none."""
    result = limited(_reciprocal(_exponential(-np.abs(x), bits)) << 1)
    return np.where(x == 0, 1 << 14, np.where(x > 0, result, HIGHEST - result))


def tanh(x: Array, bits: int) -> Array:
    """The hyperbolic tangent of numbers with so many bits before the point; the result has none."""
    result = limited((_reciprocal(_exponential(-np.abs(x), bits + 1)) - (1 << 13)) << 2)
    return np.where(x == 0, 0, np.sign(x) * result)


def _constant(number: float, bits: int = 0) -> int:
    return round(number * 2 ** (POINT - bits))


def _product(x: Array, y: Array | int) -> Array:
    """x * y, halves up; the bits before the point add up."""
    product: Array = x * y
    return np.minimum((product + (1 << 14)) >> 15, HIGHEST)


def _exponential(x: Array, bits: int) -> Array:
    """e^x of numbers up to 0: that of what is left of x beyond quarters, times that of each power of two in these."""
    point = POINT - bits
    quarter = 1 << point - 2
    rest = (x & (quarter - 1)) - quarter
    result, quarters = _near_zero(rest << bits), rest - x
    for power in range(-2, min(bits, 5)):
        multiple = _product(result, _constant(math.exp(-(2.0**power))))
        result = np.where(quarters >> point + power & 1, multiple, result)
    if bits > 5:
        result = np.where(x < -(32 << point), 0, result)
    return np.where(x == 0, HIGHEST, result)


def _near_zero(x: Array) -> Array:
    """e^x of numbers from -1/4 to 0: the Taylor series around -1/8."""
    start = _constant(math.exp(-1 / 8))
    x = x + _constant(1 / 8)
    square = _product(x, x)
    higher = divided(_product(square, square), 2) + _product(square, x)
    terms = x + divided(_product(higher, _constant(1 / 3)) + square, 1)
    return np.minimum(start + _product(terms, start), HIGHEST)


def _reciprocal(x: Array) -> Array:
    """2 / (1 + x) of numbers from 0 to 1, by Newton's method; the result has 2 bits before the point."""
    half = (x + HIGHEST + 1) >> 1
    result = _constant(48 / 17, 2) + _product(half, _constant(-32 / 17, 2))
    for _ in range(3):
        error = (1 << 13) - _product(half, result)
        result = result + limited(_product(result, error) << 2)
    return result
