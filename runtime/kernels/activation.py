"""Activation functions; dtypes and shapes as the operand's."""

import numpy as np

from .arrays import Array, in_float32
from .elementwise import erf


@in_float32
def relu(input: Array) -> Array:
    """max(x, 0)"""
    return np.maximum(input, input.dtype.type(0))


@in_float32
def leaky_relu(input: Array, *, alpha: float) -> Array:
    """x if x >= 0 else alpha * x"""
    return np.where(input >= 0, input, input.dtype.type(alpha) * input)


@in_float32
def prelu(input: Array, slope: Array) -> Array:
    """x if x >= 0 else slope * x"""
    return np.where(input >= 0, input, slope * input)


@in_float32
def elu(input: Array, *, alpha: float) -> Array:
    """x if x >= 0 else alpha * (e^x - 1)"""
    return np.where(input >= 0, input, input.dtype.type(alpha) * np.expm1(np.minimum(input, 0)))


@in_float32
def selu(input: Array, *, alpha: float, gamma: float) -> Array:
    """gamma * (x if x > 0 else alpha * (e^x - 1))"""
    return input.dtype.type(gamma) * elu(input, alpha=alpha)


@in_float32
def celu(input: Array, *, alpha: float) -> Array:
    """max(0, x) + min(0, alpha * (e^(x / alpha) - 1))"""
    a = input.dtype.type(alpha)
    return np.maximum(input, 0) + np.minimum(0, a * np.expm1(np.minimum(input / a, 0) if alpha > 0 else input / a))


@in_float32
def gelu(input: Array, *, approximate: str) -> Array:
    """x / 2 * (1 + erf(x / sqrt(2))), or its `tanh` approximation."""
    kind = input.dtype.type
    if approximate == "tanh":
        inner = kind(np.sqrt(2 / np.pi)) * (input + kind(0.044715) * input * input * input)
        return kind(0.5) * input * (kind(1) + np.tanh(inner))
    return kind(0.5) * input * (kind(1) + erf(input * kind(np.sqrt(0.5))))


@in_float32
def sigmoid(input: Array) -> Array:
    """1 / (1 + e^-x), without overflow."""
    decay = np.exp(-np.abs(input))
    return np.where(input >= 0, 1 / (1 + decay), decay / (1 + decay)).astype(input.dtype)


@in_float32
def hard_sigmoid(input: Array, *, alpha: float, beta: float) -> Array:
    """max(0, min(1, alpha * x + beta))"""
    kind = input.dtype.type
    return np.clip(kind(alpha) * input + kind(beta), kind(0), kind(1))


@in_float32
def hard_swish(input: Array) -> Array:
    """x * max(0, min(1, x / 6 + 0.5))"""
    return input * hard_sigmoid(input, alpha=1 / 6, beta=0.5)


@in_float32
def silu(input: Array, *, alpha: float) -> Array:
    """x * sigmoid(alpha * x)"""
    return input * sigmoid(input.dtype.type(alpha) * input)


@in_float32
def softplus(input: Array) -> Array:
    """log(1 + e^x), without overflow."""
    return np.maximum(input, 0) + np.log1p(np.exp(-np.abs(input)))


@in_float32
def mish(input: Array) -> Array:
    """x * tanh(log(1 + e^x))"""
    return input * np.tanh(softplus(input))


@in_float32
def softsign(input: Array) -> Array:
    """x / (1 + |x|)"""
    return input / (1 + np.abs(input))


@in_float32
def thresholded_relu(input: Array, *, alpha: float) -> Array:
    """x if x > alpha else 0"""
    return np.where(input > alpha, input, input.dtype.type(0))


@in_float32
def shrink(input: Array, *, lambd: float, bias: float) -> Array:
    """x + bias below -lambd, x - bias above lambd, else 0."""
    low, high = input + input.dtype.type(bias), input - input.dtype.type(bias)
    return np.where(input < -lambd, low, np.where(input > lambd, high, input.dtype.type(0)))


@in_float32
def clamp(input: Array, *, min: float, max: float) -> Array:
    """min(max(x, low), high); for integers the bounds are limited to what the dtype holds."""
    if input.dtype.kind in "iu":
        info = np.iinfo(input.dtype)
        low = info.min if min <= info.min else int(np.ceil(min))
        high = info.max if max >= info.max else int(np.floor(max))
        return np.clip(input, input.dtype.type(low), input.dtype.type(high))
    return np.minimum(np.maximum(input, input.dtype.type(min)), input.dtype.type(max))
