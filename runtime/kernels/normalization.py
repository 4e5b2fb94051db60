"""Normalisations."""

import numpy as np

from .arrays import Array, along_channels, axes_except, in_float32


@in_float32
def batch_norm(input: Array, scale: Array, bias: Array, mean: Array, variance: Array, *, epsilon: float) -> Array:
    """(x - mean) / sqrt(variance + epsilon) * scale + bias, per channel of N x C x ..."""
    rank = input.ndim
    factor = along_channels(scale / np.sqrt(variance + scale.dtype.type(epsilon)), rank)
    return ((input - along_channels(mean, rank)) * factor + along_channels(bias, rank)).astype(input.dtype)


def _standardise(x: Array, axes: tuple[int, ...], epsilon: float) -> Array:
    centred = x - np.mean(x, axis=axes, keepdims=True)
    variance = np.mean(np.square(centred), axis=axes, keepdims=True)
    return np.asarray(centred / np.sqrt(variance + x.dtype.type(epsilon)))


@in_float32
def instance_norm(input: Array, scale: Array, bias: Array, *, epsilon: float) -> Array:
    """Standardise each channel of each sample, then scale and shift per channel."""
    rank = input.ndim
    return _standardise(input, axes_except(rank, (0, 1)), epsilon) * along_channels(scale, rank) + along_channels(
        bias, rank
    )


@in_float32
def group_norm(input: Array, scale: Array, bias: Array, *, num_groups: int, epsilon: float) -> Array:
    """Standardise each group of channels, then scale and shift per channel."""
    grouped = input.reshape(input.shape[0], num_groups, -1)
    standard = _standardise(grouped, (2,), epsilon).reshape(input.shape)
    return standard * along_channels(scale, input.ndim) + along_channels(bias, input.ndim)


@in_float32
def layer_norm(input: Array, scale: Array, bias: Array | None, *, axis: int, epsilon: float) -> Array:
    """Standardise over the dimensions from `axis` on, then scale and shift."""
    axes = tuple(range(axis % input.ndim, input.ndim))
    result = _standardise(input, axes, epsilon) * scale
    return result if bias is None else result + bias


@in_float32
def rms_norm(input: Array, scale: Array, *, axis: int, epsilon: float) -> Array:
    """Divide by the root of the mean square over the dimensions from `axis` on, then scale."""
    axes = tuple(range(axis % input.ndim, input.ndim))
    power = np.mean(np.square(input), axis=axes, keepdims=True)
    return input / np.sqrt(power + input.dtype.type(epsilon)) * scale


@in_float32
def lrn(input: Array, *, alpha: float, beta: float, bias: float, size: int) -> Array:
    """Divide by a power of the energy of the neighbouring channels."""
    before, after = (size - 1) // 2, size // 2
    squares = np.pad(np.square(input), [(0, 0), (before, after)] + [(0, 0)] * (input.ndim - 2))
    channels = input.shape[1]
    energy = sum(squares[:, i : i + channels] for i in range(size))
    kind = input.dtype.type
    return input / np.power(kind(bias) + kind(alpha / size) * energy, kind(beta))


@in_float32
def lp_norm(input: Array, *, axis: int, p: int) -> Array:
    """Divide by the p-norm along `axis`; vectors of zeros stay zeros."""
    if p == 1:
        norm = np.sum(np.abs(input), axis=axis, keepdims=True)
    else:
        norm = np.sqrt(np.sum(np.square(input), axis=axis, keepdims=True))
    return np.where(norm == 0, 0, input / np.where(norm == 0, 1, norm)).astype(input.dtype)
