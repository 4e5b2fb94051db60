"""From the sums of a convolution to results without integers, where that is provably what the integers give.

A sum becomes a place, sum * scale + offset, in float32 or float64, where scale and offset contain the batch norm: it
tells where among the activation's values the sum lies. The forms of `Shortcut` say what a place means. What they leave
open is computed in integers.

Entry: sums in floating point, exact, with their bounds. Exit: uint8, equal to `activated(normalised())` in every case.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np

from .arithmetic import activated, normalised
from .tables import Activation, BatchNorm

Array = np.ndarray[Any, np.dtype[Any]]
BLOCK = 1 << 15
"""Sums that are worked on at a time, so that they stay in the cache."""
LARGEST = 1 << 40
"""Values of this magnitude are left to the integers, since their products may wrap."""
WIDEST = 1 << 62


@dataclass(frozen=True)
class Sums:
    """What is known of sums: of dtype `kind`, within `bounds` (int64, by channel); `constant` is added to them."""

    bounds: tuple[Array, Array]
    kind: Any
    constant: Array
    norm: BatchNorm

    def values(self, activation: Activation) -> tuple[int, int] | None:
        """The smallest and the largest value behind the batch norm; None if such values are left to the integers."""
        ends = [one + self.constant for one in self.bounds]
        if max(int(np.abs(one).max()) for one in ends) * int(np.abs(self.norm.columns["mul"]).max()) >= WIDEST:
            return None
        values = normalised(np.stack(ends, axis=1), self.norm)
        low, high = int(values.min()), int(values.max())
        return None if low <= activation.columns["start"][0] or max(-low, high) >= LARGEST else (low, high)


@dataclass(frozen=True)
class Scaling:
    """`scale` and `offset`, (outputs, 1), make places of sums: (value - origin) / width, off by `margin` at most.

    Multiplying, adding and rounding scale and offset err by at most 2**-24 (2**-53) each, relative to what they make:
    in places from 0 to `count`, by less than e * (count + 2 * |offset|) with e = 2**-22 (2**-50). The shift of the
    batch norm moves values down by less than 1. The margin is the sum of both.
    """

    scale: Array
    offset: Array
    margin: float

    @classmethod
    def of(cls, sums: Sums, origin: float, width: float, count: int) -> Scaling:
        columns = {name: column.astype(np.float64) for name, column in sums.norm.columns.items()}
        scale = columns["mul"] / 2.0 ** columns["shift"] / width
        moved = scale * sums.constant
        offset = moved + (columns["add"] - origin) / width
        step = 2.0**-22 if sums.kind == np.float32 else 2.0**-50
        margin = 1 / width + step * (count + 2 * np.abs(offset).max()) + 2.0**-50 * np.abs(moved).max()
        return cls(scale[:, None].astype(sums.kind), offset[:, None].astype(sums.kind), float(margin))


@dataclass(frozen=True)
class Shortcut(ABC):
    """One form of it, for the sums of one layer."""

    sums: Sums
    activation: Activation
    scaling: Scaling

    def run(self, sums: Array) -> Array:
        """uint8 results of sums (outputs, ...)."""
        flat = sums.reshape(len(sums), -1)
        results = np.empty(flat.shape, np.uint8)
        step = max(1, BLOCK // max(1, flat.shape[1]))
        for first in range(0, len(flat), step):
            self._block(flat[first : first + step], first, results[first : first + step])
        return results.reshape(sums.shape)

    @abstractmethod
    def _block(self, sums: Array, first: int, results: Array) -> None:
        """Write the results of sums (channels, pixels), from channel `first` on."""

    def _places(self, sums: Array, first: int, lowest: int, highest: int) -> Array:
        some = slice(first, first + len(sums))
        places: Array = sums * self.scaling.scale[some]
        places += self.scaling.offset[some]
        return places.clip(lowest, highest, out=places)

    def _values(self, sums: Array, first: int, at: Array) -> Array:
        """The values behind the batch norm of some sums of a block; `at`: where they are in it, as if it were flat."""
        rows = at // sums.shape[1] + first
        return normalised(sums.reshape(-1)[at].astype(np.int64) + self.sums.constant[rows], self.sums.norm, rows)


def rising(activation: Activation, begin: Array, end: Array) -> Array:
    """Whether results surely do not fall from `begin` to `end`: all lines there rise, and meet without a fall."""
    start = activation.columns["start"]
    start = np.maximum(start, start.min() + 1)  # lines that start there meet none
    upwards = activation.columns["mul"] >= 0
    falls = np.cumsum(~upwards | (activated(start, activation) > activated(start + 1, activation)))
    first, last = activation.line_of(begin), activation.line_of(end)
    none: Array = upwards[first] & (falls[first] == falls[last])
    return none


def first_above(activation: Activation, lower: Array, upper: Array, results: Array) -> Array:
    """The smallest values whose results are above `results`, as those of `upper` are and those of `lower` are not.

    Results must not fall in between.
    """
    while (upper - lower > 1).any():
        middle = (lower + upper) // 2
        above = activated(middle, activation) > results
        lower, upper = np.where(above, lower, middle), np.where(above, middle, upper)
    return upper
