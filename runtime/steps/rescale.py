"""Integer arithmetic of the host's quantised steps, exact in 64 bits."""

from __future__ import annotations

import numpy as np

from ...errors import ExecutionError
from ..machine import Array


def rounding_shift(value: Array, shift: int) -> Array:
    """value / 2**shift, halves up. ExecutionError K0504 for shifts outside 0 to 62."""
    if not 0 <= shift < 63:
        raise ExecutionError("K0504", cause=f"a shift of {shift} is not 0 to 62")
    return value if shift == 0 else (value + (1 << (shift - 1))) >> shift


def rescaled(total: Array, factor: int, shift: int, offset: int) -> Array:
    """uint8: clamp(rounding_shift(total * factor, shift) + offset)."""
    result: Array = np.clip(rounding_shift(total * factor, shift) + offset, 0, 255).astype(np.uint8)
    return result


def quantized(x: Array) -> Array:
    """uint8: clamp(round(x)), halves away from zero; NaN becomes 0."""
    whole = np.trunc(x)
    rounded = whole + np.where(np.abs(x - whole) >= 0.5, np.copysign(np.float32(1), x), 0)
    result: Array = np.clip(np.nan_to_num(rounded, nan=0.0, posinf=255.0), 0, 255).astype(np.uint8)
    return result
