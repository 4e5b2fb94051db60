"""What a KPU layer computes, in exact integers: sums, batch norm, activation by a table of lines.

Entry: int64 arrays. Exit: int64 or uint8 arrays. Nothing wraps at 36 bits: the vendor's simulator computes with 64, and
so does this. Source: simulator of nncase 1.9; whether the chip rounds negative products likewise is not known.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import ExecutionError
from .tables import Activation, BatchNorm

Array = np.ndarray[Any, np.dtype[Any]]
HALF = np.array([1, *(1 << shift - 1 for shift in range(1, 64))])
"""Half of 2**shift; a shift of 0 leaves no fraction."""


def normalised(acc: Array, norm: BatchNorm, rows: Array | None = None) -> Array:
    """Batch norm of `acc`, whose first axis is the channel, or element i of which is of channel `rows[i]`."""
    columns = norm.columns
    if rows is None:
        mul, shift, add = (columns[name].reshape(-1, *[1] * (acc.ndim - 1)) for name in ("mul", "shift", "add"))
    else:
        mul, shift, add = (columns[name][rows] for name in ("mul", "shift", "add"))
    values: Array = acc * mul
    values >>= shift
    values += add
    return values


def activated(values: Array, activation: Activation) -> Array:
    """uint8 results of the activation table; ExecutionError K0504 for a value that no line applies to."""
    columns = activation.columns
    line = activation.line_of(values)
    if values.size and line.min() < 0:
        cause = f"a value of {values.min()} is below the first line of the activation table"
        raise ExecutionError("K0504", cause=cause)
    product = values - columns["start"][line]
    product *= columns["mul"][line]
    result = rounded_shift(product, columns["shift"][line])
    result += columns["add"][line]
    np.maximum(result, 0, out=result)
    return np.minimum(result, 255, out=result).astype(np.uint8)


def rounded_shift(product: Array, shift: Array) -> Array:
    """product / 2**shift, rounded to nearest even, except that a fraction above a half moves negative products down.

    That is one below the floor, for example -2 for -1 >> 2. Shifts are 0 to 63.
    """
    floor = product >> shift
    fraction = product - (floor << shift)
    fraction += floor & 1  # a half counts as more than a half if the floor is odd
    away = fraction > HALF[shift]
    floor += away
    floor -= 2 * (away & (product < 0))
    return floor
