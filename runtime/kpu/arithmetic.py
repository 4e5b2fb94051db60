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
    line = line_of(values, columns["start"])
    if values.size and line.min() < 0:
        cause = f"a value of {values.min()} is below the first line of the activation table"
        raise ExecutionError("K0504", cause=cause)
    product = values - columns["start"][line]
    product *= columns["mul"][line]
    result = rounded_shift(product, columns["shift"][line])
    result += columns["add"][line]
    return np.clip(result, 0, 255, out=result).astype(np.uint8)


def line_of(values: Array, start: Array) -> Array:
    """The highest line whose start is less than the value; -1 if there is none."""
    if np.all(start[1:] >= start[:-1]):
        return np.searchsorted(start, values, side="left") - 1
    line = np.full(values.shape, -1)
    for index, one in enumerate(start):
        line[values > one] = index
    return line


def rounded_shift(product: Array, shift: Array) -> Array:
    """product / 2**shift, rounded to nearest even, except that a fraction above a half moves negative products down.

    That is one below the floor, for example -2 for -1 >> 2. ExecutionError K0504 for shifts of 64 and more.
    """
    if shift.size and shift.max() > 63:
        raise ExecutionError("K0504", cause=f"an activation line shifts by {shift.max()}, at most 63 are possible")
    floor = product >> shift
    twice = product - (floor << shift)
    half = np.left_shift(1, np.maximum(shift - 1, 0), dtype=np.int64)
    away = (twice > half) | (twice == half) & (floor & 1 != 0)
    away &= shift > 0
    floor += np.where(product < 0, -1, 1) * away
    return floor
