"""A histogram of a stream of numbers whose extent is not known before its end.

Bins are `width` = 2^exponent wide and start at multiples of it. When a number falls outside of what `BINS` bins can
cover, the width doubles and pairs of bins merge, which is exact: the counts at the end depend neither on the order
of the numbers nor on how they were divided into batches.
"""

import math

import numpy as np

from ...dialects.tensors import Array

BINS = 8192
"""The most bins; at the end at least half of them lie in the numbers' extent, unless float32 has no finer numbers."""
FINEST = -126
"""Exponent of the narrowest bins, which the reciprocal of the width in float32 allows."""


class Histogram:
    """Counts of finite numbers; `low` and `high` are the exact extremes, `zeros` how many of the numbers are 0.

    NaN and infinities are left out.
    """

    def __init__(self) -> None:
        self.low, self.high = math.inf, -math.inf
        self.exponent = FINEST
        self.first = 0
        self.zeros = 0
        self.counts = np.zeros(0, np.int64)

    @property
    def total(self) -> int:
        """How many numbers were counted."""
        return int(self.counts.sum())

    @property
    def width(self) -> float:
        """The width of a bin."""
        return math.ldexp(1.0, self.exponent)

    def observe(self, array: Array) -> None:
        """Count the numbers of an array of any shape, as float32."""
        values = np.asarray(array, np.float32).reshape(-1)
        if values.size == 0:
            return
        low, high = float(values.min()), float(values.max())
        if not math.isfinite(low) or not math.isfinite(high):
            values = values[np.isfinite(values)]
            if values.size == 0:
                return
            low, high = float(values.min()), float(values.max())
        self.zeros += values.size - int(np.count_nonzero(values))
        self._widen(min(low, self.low), max(high, self.high))
        exact = np.float32 if self.exponent <= 0 else np.float64  # where a product with a power of two is
        scaled = np.multiply(values, exact(math.ldexp(1.0, -self.exponent)), dtype=exact)
        bins = np.floor(scaled, out=scaled).astype(np.int64)
        bins -= self.first
        self.counts += np.bincount(bins, minlength=self.counts.size)

    def populated(self) -> tuple[Array, Array]:
        """Centres and counts, float64, of the bins that hold other numbers than 0, in ascending order.

        A centre that lies outside of the extremes is moved to them.
        """
        counts = self.counts.copy()
        if self.zeros:
            counts[-self.first] -= self.zeros
        (places,) = np.nonzero(counts)
        centres = (places + self.first + 0.5) * self.width
        return np.clip(centres, self.low, self.high), counts[places].astype(np.float64)

    def _widen(self, low: float, high: float) -> None:
        """Cover low..high, with bins as narrow as that allows."""
        self.low, self.high = low, high
        exponent = max(self.exponent, exponent_for(low, high))
        first, last = _bin(low, exponent), _bin(high, exponent)
        counts = np.zeros(last - first + 1, np.int64)
        if exponent == self.exponent:
            counts[self.first - first :][: self.counts.size] = self.counts
        else:
            places = (np.arange(self.counts.size) + self.first) >> min(exponent - self.exponent, 62)
            np.add.at(counts, places - first, self.counts)
        self.exponent, self.first, self.counts = exponent, first, counts


def exponent_for(low: float, high: float) -> int:
    """The exponent of the narrowest bins of which `BINS` cover low..high; it never falls when the extent grows."""
    reach = max(abs(low), abs(high))
    if reach == 0:
        return FINEST
    exponent = max(FINEST, math.frexp(reach)[1] - 24)  # bins narrower than float32 can tell apart hold nothing
    if high > low:
        exponent = max(exponent, math.frexp((high - low) / BINS)[1] - 1)
    while _bin(high, exponent) - _bin(low, exponent) >= BINS:
        exponent += 1
    return exponent


def _bin(value: float, exponent: int) -> int:
    return math.floor(math.ldexp(value, -exponent))
