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
    away: bool = False,
) -> Array:
    """saturate(round(x / scale) + zero_point), halves to even or away from zero; NaN becomes the zero point."""
    info = np.iinfo(dtype)
    quotient = (input / _parameter(scale, axis, input.ndim, np.float32)).astype(np.float64)
    steps = np.trunc(quotient + np.copysign(0.5, quotient)) if away else np.rint(quotient)
    shifted = np.nan_to_num(steps, nan=0.0) + _parameter(zero_point, axis, input.ndim, np.float64)
    return np.clip(shifted, info.min, info.max).astype(dtype)


def dequantize(input: Array, *, scale: tuple[float, ...], zero_point: tuple[int, ...], axis: int) -> Array:
    """(q - zero_point) * scale, as float32."""
    difference = input.astype(np.int32) - _parameter(zero_point, axis, input.ndim, np.int32)
    return difference.astype(np.float32) * _parameter(scale, axis, input.ndim, np.float32)
