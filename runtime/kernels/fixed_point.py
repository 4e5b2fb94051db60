"""Arithmetic of fixed-point numbers, to the bit as LiteRT computes it.

A fixed-point number of 16 bits with n of them before the point is an integer q that stands for q / 2^(15 - n). All
arrays here are of i64. Sources: gemmlowp/fixedpoint/fixedpoint.h, MultiplyByQuantizedMultiplier with two roundings in
tensorflow/lite/kernels/internal/common.cc, PortableApplyLayerNorm in portable_tensor_utils.cc there.
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
    return divided(_high(x, scaled << np.maximum(exponent, 0)), np.maximum(-exponent, 0))


def divided(x: Array, shift: Array | int) -> Array:
    """x / 2^shift, halves away from zero."""
    whole: Array = np.left_shift(np.int64(1), shift)
    half = whole >> 1
    return np.where(x < 0, -((half - x) >> shift), (half + x) >> shift)


def limited(x: Array) -> Array:
    """The nearest number of 16 bits."""
    return np.clip(x, LOWEST, HIGHEST)


def normalised(x: Array, weight: Array, bias: Array, factor: Array, guard: Array) -> Array:
    """Layer normalisation of numbers of 16 bits along the last axis, by weights and a bias with 10 more bits.

    `factor` takes steps of the weights to those of the result; `guard` stands for variances below 1.
    """
    size = x.shape[-1]
    total, squares = (value.sum(-1, keepdims=True) for value in (x, x * x))
    mean = _quotient(total * 1024, size)
    variance = _quotient(squares * ((1 << 20) // size) - mean * mean, 1 << 20)
    root, shift = inverse_root(np.where(variance < 1, guard, variance))
    steps = divided(_high(1024 * x - mean, root), shift)
    return limited(multiplied(divided(steps * weight + bias, 10), factor))


def inverse_root(x: Array) -> tuple[Array, Array]:
    """1 / sqrt(x) of positive integers of 31 bits as m * 2^(-31 - shift): m, by Newton's method, and the shift."""
    pairs = np.sum([x < (1 << 29 - 2 * pair) for pair in range(15)], axis=0, dtype=np.int64) - 1
    scaled = np.where(pairs < 0, x >> 2, x << 2 * np.maximum(pairs, 0))
    shift, given = 11 - pairs, scaled >> 1
    half, result = (given + 1) >> 1, np.full_like(x, 1 << 28)
    for _ in range(5):
        cube = _high(_high(result, result), result) << 6
        result = (_high(result, 3 << 27) - _high(half, cube)) << 3
    result = _high(result, round(math.sqrt(0.5) * 2**31)) << np.maximum(-shift, 0)
    small = x <= 1
    return np.where(small, (1 << 31) - 1, result), np.where(small, 0, np.maximum(shift, 0))


def _quotient(x: Array, y: int) -> Array:
    """x / y, rounded towards zero."""
    return np.sign(x) * (np.abs(x) // y)


def _high(x: Array, y: Array | int) -> Array:
    """x * y / 2^31, halves up."""
    product: Array = x * y
    return (product + (1 << 30)) >> 31


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
