"""Functions of pairs of elements, with numpy broadcasting; both operands have the same dtype."""

import numpy as np

from .arrays import Array, in_float32


@in_float32
def add(lhs: Array, rhs: Array) -> Array:
    """x + y"""
    return np.add(lhs, rhs)


@in_float32
def sub(lhs: Array, rhs: Array) -> Array:
    """x - y"""
    return np.subtract(lhs, rhs)


@in_float32
def mul(lhs: Array, rhs: Array) -> Array:
    """x * y"""
    return np.multiply(lhs, rhs)


@in_float32
def div(lhs: Array, rhs: Array) -> Array:
    """x / y; integers truncate toward zero, and dividing them by zero gives 0."""
    if lhs.dtype.kind not in "iu":
        return np.divide(lhs, rhs)
    quotient, remainder = np.divmod(lhs, np.where(rhs == 0, 1, rhs))
    truncated = quotient + ((remainder != 0) & ((lhs < 0) != (rhs < 0)))
    return np.where(rhs == 0, 0, truncated).astype(lhs.dtype)


@in_float32
def floor_div(lhs: Array, rhs: Array) -> Array:
    """floor(x / y); dividing integers by zero gives 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.floor(np.divide(lhs, rhs)) if lhs.dtype.kind == "f" else np.floor_divide(lhs, rhs)


@in_float32
def mod(lhs: Array, rhs: Array, *, fmod: bool) -> Array:
    """The remainder, with the sign of y, or with `fmod` of x."""
    return np.fmod(lhs, rhs) if fmod else np.mod(lhs, rhs)


def pow(lhs: Array, rhs: Array) -> Array:
    """x^y; the result has the dtype of x."""
    if lhs.dtype.kind in "iu":
        return np.power(lhs.astype(np.float64), rhs).astype(lhs.dtype)
    wide = np.float32 if lhs.dtype == np.float16 else lhs.dtype
    return np.power(lhs.astype(wide), rhs.astype(wide)).astype(lhs.dtype)


@in_float32
def atan2(lhs: Array, rhs: Array) -> Array:
    """The angle of the points (lhs, rhs), where -0 counts as 0."""
    return np.arctan2(lhs + 0, rhs + 0)


@in_float32
def maximum(lhs: Array, rhs: Array) -> Array:
    """The larger of both."""
    return np.maximum(lhs, rhs)


@in_float32
def minimum(lhs: Array, rhs: Array) -> Array:
    """The smaller of both."""
    return np.minimum(lhs, rhs)


@in_float32
def squared_difference(lhs: Array, rhs: Array) -> Array:
    """(x - y)^2"""
    return np.square(np.subtract(lhs, rhs))


def bitwise_and(lhs: Array, rhs: Array) -> Array:
    """x & y"""
    return np.bitwise_and(lhs, rhs)


def bitwise_or(lhs: Array, rhs: Array) -> Array:
    """x | y"""
    return np.bitwise_or(lhs, rhs)


def bitwise_xor(lhs: Array, rhs: Array) -> Array:
    """x ^ y"""
    return np.bitwise_xor(lhs, rhs)


def shift_left(lhs: Array, rhs: Array) -> Array:
    """x << y"""
    return np.left_shift(lhs, rhs)


def shift_right(lhs: Array, rhs: Array) -> Array:
    """x >> y"""
    return np.right_shift(lhs, rhs)


def logical_and(lhs: Array, rhs: Array) -> Array:
    """x and y"""
    return np.logical_and(lhs, rhs)


def logical_or(lhs: Array, rhs: Array) -> Array:
    """x or y"""
    return np.logical_or(lhs, rhs)


def logical_xor(lhs: Array, rhs: Array) -> Array:
    """x xor y"""
    return np.logical_xor(lhs, rhs)


def equal(lhs: Array, rhs: Array) -> Array:
    """x == y"""
    return np.equal(lhs, rhs)


def not_equal(lhs: Array, rhs: Array) -> Array:
    """x != y"""
    return np.not_equal(lhs, rhs)


def less(lhs: Array, rhs: Array) -> Array:
    """x < y"""
    return np.less(lhs, rhs)


def less_equal(lhs: Array, rhs: Array) -> Array:
    """x <= y"""
    return np.less_equal(lhs, rhs)


def greater(lhs: Array, rhs: Array) -> Array:
    """x > y"""
    return np.greater(lhs, rhs)


def greater_equal(lhs: Array, rhs: Array) -> Array:
    """x >= y"""
    return np.greater_equal(lhs, rhs)


def where(condition: Array, x: Array, y: Array) -> Array:
    """x where the condition holds, else y."""
    return np.where(condition, x, y)
