"""Which range of a tensor's numbers the integers shall stand for: one small class an answer.

Each is fed the arrays that one value takes, sample by sample, keeps no array, and then gives a range. Numbers that are
not finite are left out. What lies outside of the range saturates, so a narrower one trades large errors of few numbers
for small errors of many.
"""

import math
from collections.abc import Callable, Iterable
from functools import cache
from typing import ClassVar, Protocol

import numpy as np

from ...dialects.ranges import Range
from ...dialects.tensors import Array
from ...errors import OptionError
from .affine import asymmetric
from .histogram import BINS, Histogram

FRACTIONS = tuple(float(f) for f in np.geomspace(1, 512 / BINS, 49))
"""How much of an extreme is tried to keep, 1 to 1/16: below that, a step of 8 bits is less than two bins."""


class RangeEstimator(Protocol):
    """Sees all arrays of one value, then says its range."""

    name: ClassVar[str]

    def observe(self, array: Array) -> None:
        """Take one more array, of any shape, as float32."""

    def estimate(self) -> Range | None:
        """The range, low <= high; None when there was not one finite number."""


EstimatorMaker = Callable[[], RangeEstimator]


class MinMax:
    """All numbers, whatever they are: low = min x, high = max x. nncase calls it NoClip."""

    name: ClassVar[str] = "minmax"

    def __init__(self) -> None:
        self.low, self.high = math.inf, -math.inf

    def observe(self, array: Array) -> None:
        extremes = finite_extremes(array)
        if extremes is not None:
            self.low, self.high = min(self.low, extremes.low), max(self.high, extremes.high)

    def estimate(self) -> Range | None:
        return Range(self.low, self.high) if self.low <= self.high else None


class MovingAverage:
    """The extremes of the samples, averaged: low <- momentum * low + (1 - momentum) * min x, and high likewise.

    The first sample starts it. Source: Jacob et al., Quantization and Training of Neural Networks for Efficient
    Integer-Arithmetic-Only Inference (2018), section 3.1.
    """

    name: ClassVar[str] = "moving-average"

    def __init__(self, momentum: float = 0.9) -> None:
        _require(0 <= momentum < 1, f"a momentum of {momentum} is not in 0 <= momentum < 1")
        self.momentum = momentum
        self.range: Range | None = None

    def observe(self, array: Array) -> None:
        new, old = finite_extremes(array), self.range
        if new is None or old is None:
            self.range = new or old
            return
        keep, take = self.momentum, 1 - self.momentum
        self.range = Range(keep * old.low + take * new.low, keep * old.high + take * new.high)

    def estimate(self) -> Range | None:
        return self.range


class HistogramEstimator:
    """Base of those that look at the distribution of the numbers."""

    def __init__(self) -> None:
        self.histogram = Histogram()

    def observe(self, array: Array) -> None:
        self.histogram.observe(array)

    def estimate(self) -> Range | None:
        return self.choose(self.histogram) if self.histogram.counts.size else None

    def choose(self, histogram: Histogram) -> Range:
        """The range for a distribution that is not empty."""
        raise NotImplementedError


class Percentile(HistogramEstimator):
    """Cuts the tails: a share of (100 - percent) % of the numbers lies below low, and as many above high.

    Quantiles are interpolated within a bin. Source: Wu et al., Integer Quantization for Deep Learning Inference (2020),
    section 5.1, there for magnitudes.
    """

    name: ClassVar[str] = "percentile"

    def __init__(self, percent: float = 99.99) -> None:
        super().__init__()
        _require(50 < percent <= 100, f"a percentile of {percent} is not in 50 < percentile <= 100")
        self.share = percent / 100

    def choose(self, histogram: Histogram) -> Range:
        edges = (np.arange(histogram.counts.size + 1) + histogram.first) * histogram.width
        below = np.concatenate([[0], np.cumsum(histogram.counts)]) / histogram.total
        low, high = np.interp([1 - self.share, self.share], below, edges)
        within = np.clip([low, high], histogram.low, histogram.high)
        return Range(float(within[0]), float(within[1]))


class MeanSquaredError(HistogramEstimator):
    """The range whose quantisation loses least: argmin sum n_b (x_b - round_trip(x_b))^2 over the bins b.

    Zeros lose nothing, whatever the range. Tried are limits to the magnitude, then each end alone, with the other as in
    the best so far. The extremes are the first candidate and another must be better, so it is never worse than `MinMax`
    by this measure. Source: Choukroun et al., Low-bit Quantization of Neural Networks for Efficient Inference (2019),
    section 3.
    """

    name: ClassVar[str] = "mse"

    def __init__(self, bits: int = 8) -> None:
        super().__init__()
        self.bits = bits

    def choose(self, histogram: Histogram) -> Range:
        centres, counts = histogram.populated()
        error = cache(lambda span: squared_error(centres, counts, span, self.bits))  # many candidates come again
        full = best = Range(histogram.low, histogram.high)
        for candidates in (magnitudes, high_side, low_side, high_side):
            best = min([best, *candidates(full, best)], key=error)
        return best


class Kld(HistogramEstimator):
    """The range after whose quantisation the distribution tells least from the original one.

    Of the bins that are not empty, P is the distribution with what lies outside moved to the outermost ones, Q the same
    without those numbers, each level's count spread evenly over its bins; the range is argmin sum P log(P / Q). What is
    tried are limits to the magnitude, the first of the best wins. Zeros are left out: every range holds them exactly,
    and what ReLU makes would hide the rest of the distribution. On networks with few important large numbers it cuts
    too much: see `MeanSquaredError`. Source: Migacz, 8-bit Inference with TensorRT (2017).
    """

    name: ClassVar[str] = "kld"

    def __init__(self, bits: int = 8) -> None:
        super().__init__()
        self.bits = bits

    def choose(self, histogram: Histogram) -> Range:
        centres, counts = histogram.populated()
        full = Range(histogram.low, histogram.high)
        return min(magnitudes(full, full), key=lambda span: self.divergence(centres, counts, span))

    def divergence(self, centres: Array, counts: Array, span: Range) -> float:
        """sum P log(P / Q), in nats."""
        start = np.searchsorted(centres, min(span.low, 0.0), "left")
        end = np.searchsorted(centres, max(span.high, 0.0), "right")
        inside = counts[start:end]
        if inside.size == 0:
            return math.inf
        p = inside.copy()
        p[0] += counts[:start].sum()
        p[-1] += counts[end:].sum()
        levels = np.rint(centres[start:end] / asymmetric(span, self.bits).scale)
        (starts,) = np.nonzero(np.diff(levels, prepend=-math.inf))
        sizes = np.diff(starts, append=inside.size)
        q = np.repeat(np.add.reduceat(inside, starts) / sizes, sizes)
        p, q = p / p.sum(), q / q.sum()
        return float(np.sum(p * np.log(p / q)))


ESTIMATORS: dict[str, EstimatorMaker] = {
    maker.name: maker for maker in (MeanSquaredError, MinMax, Kld, Percentile, MovingAverage)
}
"""The estimators by name."""


def squared_error(centres: Array, counts: Array, span: Range, bits: int) -> float:
    """The sum of squared differences that quantising numbers at `centres`, `counts` times each, makes."""
    difference = asymmetric(span, bits).round_trip(centres)
    difference -= centres
    difference *= difference
    return float(np.dot(difference, counts))


def magnitudes(full: Range, _best: Range) -> Iterable[Range]:
    """The extremes, as far as their magnitude is allowed."""
    reach = max(abs(full.low), abs(full.high))
    limits = (reach * f for f in FRACTIONS)
    return (Range(min(max(full.low, -limit), limit), max(min(full.high, limit), -limit)) for limit in limits)


def high_side(full: Range, best: Range) -> Iterable[Range]:
    """Another high end; nothing when that would be 0 anyway."""
    return (Range(best.low, full.high * f) for f in FRACTIONS if full.high > 0)


def low_side(full: Range, best: Range) -> Iterable[Range]:
    """Another low end; nothing when that would be 0 anyway."""
    return (Range(full.low * f, best.high) for f in FRACTIONS if full.low < 0)


def finite_extremes(array: Array) -> Range | None:
    """The least and the greatest finite number, None when there is none."""
    values = np.asarray(array, np.float32)
    if values.size == 0:
        return None
    low, high = float(values.min()), float(values.max())
    if not (math.isfinite(low) and math.isfinite(high)):
        return finite_extremes(values[np.isfinite(values)])
    return Range(low, high)


def _require(condition: bool, cause: str) -> None:
    if not condition:
        raise OptionError("K0719", cause=cause)
