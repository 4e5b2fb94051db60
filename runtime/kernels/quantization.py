"""Between real numbers and their quantised storage."""

from typing import Any

import numpy as np

from .arrays import Array


def _parameter(values: tuple[float, ...] | tuple[int, ...], axis: int, rank: int, dtype: Any) -> Array:
    array = np.asarray(values, dtype)
    return array.reshape(()) if axis < 0 else array.reshape([-1 if i == axis else 1 for i in range(rank)])


def quantize(
    input: Array,
    *,
    scale: tuple[float, ...],
    zero_point: tuple[int, ...],
    axis: int,
    dtype: np.dtype[Any],
    ties: str = "even",
) -> Array:
    """saturate(round(x / scale) + zero_point); NaN becomes the zero point.

    `ties`: halves go to `even` numbers, `away` from zero, or `outwards`: away from zero behind the zero point is added.
    """
    info = np.iinfo(dtype)
    steps = np.nan_to_num(input / _parameter(scale, axis, input.ndim, np.float32), nan=0.0)
    zeros = _parameter(zero_point, axis, input.ndim, steps.dtype if info.bits <= 16 else np.float64)
    if ties == "outwards":
        shifted = _rounded_away((steps + zeros).astype(np.float64))
    else:
        steps = steps.astype(np.float64)
        shifted = (_rounded_away(steps) if ties == "away" else np.rint(steps)) + zeros
    return np.clip(shifted, info.min, info.max).astype(dtype)


def _rounded_away(numbers: Array) -> Array:
    return np.trunc(numbers + np.copysign(0.5, numbers))


def dequantize(input: Array, *, scale: tuple[float, ...], zero_point: tuple[int, ...], axis: int) -> Array:
    """(q - zero_point) * scale, as float32."""
    difference = input.astype(np.int32) - _parameter(zero_point, axis, input.ndim, np.int32)
    return difference.astype(np.float32) * _parameter(scale, axis, input.ndim, np.float32)


def round_dynamically(input: Array, *, axes: tuple[int, ...]) -> Array:
    """Round to one of 256 numbers, which are evenly spaced from the smallest to the largest over `axes`, 0 included."""
    low = np.minimum(input.min(axes, keepdims=True), np.float32(0))
    span = np.maximum(input.max(axes, keepdims=True), np.float32(0)) - low
    factor = np.float32(255) / np.where(span > 0, span, np.float32(255))
    zero = np.rint(np.float32(-128) - low * factor)
    steps = np.clip(np.rint(input * factor) + zero, np.float32(-128), np.float32(127)) - zero
    return steps * (np.float32(1) / factor)
