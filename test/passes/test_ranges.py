"""Range estimators, compared with numpy on all numbers at once, and with a search that tries everything."""

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kpuc.dialects.ranges import Range
from kpuc.errors import OptionError
from kpuc.passes.quant.affine import asymmetric, symmetric
from kpuc.passes.quant.histogram import BINS, Histogram
from kpuc.passes.quant.ranges import (
    ESTIMATORS,
    FRACTIONS,
    Kld,
    MeanSquaredError,
    MinMax,
    MovingAverage,
    Percentile,
    squared_error,
)

floats = st.floats(-(2.0**100), 2.0**100, width=32)


def estimate(estimator, *arrays):
    for array in arrays:
        estimator.observe(np.asarray(array, np.float32))
    return estimator.estimate()


def distributions():
    generator = np.random.default_rng(3)
    normal = generator.standard_normal(20000).astype(np.float32)
    return {
        "normal": normal,
        "relu": np.maximum(normal, 0),
        "relu6": np.clip(normal * 4, 0, 6),
        "silu": normal * 3 / (1 + np.exp(-normal * 3)),
        "uniform": generator.random(20000).astype(np.float32) - 0.25,
        "laplace": generator.laplace(size=20000).astype(np.float32),
        "cauchy": np.clip(generator.standard_cauchy(20000), -300, 300).astype(np.float32),
        "outlier": np.append(normal, np.float32(200)),
        "far": normal + 50,
        "two values": np.repeat(np.float32([0, 7]), 500),
    }


DISTRIBUTIONS = distributions()


def loss(values, span):
    """Mean squared error of 8-bit quantisation, number by number and independently of the product's formulas."""
    low, high = min(span.low, 0), max(span.high, 0)
    scale = (high - low) / 255
    zero = np.floor(-low / scale + 0.5)
    q = np.clip(np.round(values.astype(np.float64) / scale) + zero, 0, 255)
    return np.mean((values - (q - zero) * scale) ** 2)


class TestHistogram:
    @given(st.lists(st.lists(floats, max_size=20), min_size=1, max_size=8), st.randoms())
    @settings(deadline=None)
    def test_order_and_batches_do_not_matter(self, batches, random):
        one, other = Histogram(), Histogram()
        for batch in batches:
            one.observe(np.float32(batch))
        flat = [number for batch in batches for number in batch]
        random.shuffle(flat)
        for number in flat:
            other.observe(np.float32([number]))
        assert (one.exponent, one.low, one.high) == (other.exponent, other.low, other.high)
        assert one.total == len(flat)
        if flat:
            assert one.first == other.first
            assert (one.counts == other.counts).all()

    @given(st.lists(floats, min_size=1, max_size=50))
    @settings(deadline=None)
    @example([-34359742464.0, -5.5127347833246525e-39])
    def test_counts_are_those_of_numpy(self, numbers):
        histogram = Histogram()
        histogram.observe(np.float32(numbers))
        edges = (np.arange(histogram.counts.size + 1) + histogram.first) * histogram.width
        expected, _ = np.histogram(np.float64(np.float32(numbers)), edges)
        if np.float32(max(numbers)) == edges[-1]:
            pytest.fail("the greatest number lies on the last edge")
        assert (histogram.counts == expected).all()
        assert histogram.counts.size <= BINS

    def test_zeros_are_told_apart(self):
        histogram = Histogram()
        histogram.observe(np.float32([0, 0, 1e-3, -0.0, 4]))
        histogram.observe(np.float32([-1, 0]))
        centres, counts = histogram.populated()
        assert (histogram.total, histogram.zeros, counts.tolist()) == (7, 4, [1, 1, 1])
        np.testing.assert_allclose(centres, [-1, 1e-3, 4], rtol=0, atol=histogram.width)

    @pytest.mark.parametrize("before", [[], [0.0, 0.0]])
    @pytest.mark.parametrize("scale", [1, 1e-9])
    def test_it_is_fine_enough(self, before, scale):
        """Whatever comes first: a sample may leave a value at 0."""
        histogram = Histogram()
        histogram.observe(np.float32(before))
        histogram.observe(DISTRIBUTIONS["normal"] * np.float32(scale))
        assert BINS / 2 <= histogram.counts.size <= BINS

    def test_what_is_not_finite_is_left_out(self):
        histogram = Histogram()
        histogram.observe(np.float32([np.nan, 1, np.inf, 2, -np.inf]))
        histogram.observe(np.float32([np.nan]))
        histogram.observe(np.float32([]))
        assert (histogram.low, histogram.high, histogram.total) == (1, 2, 2)


@pytest.mark.parametrize("name", ESTIMATORS)
class TestEvery:
    def test_nothing_finite(self, name):
        assert estimate(ESTIMATORS[name](), [], [np.nan, np.inf]) is None

    @pytest.mark.parametrize("number", [0.0, -3.5, 1e-42, 1e38])
    def test_a_constant(self, name, number):
        span = estimate(ESTIMATORS[name](), [number] * 4)
        assert span.low <= np.float32(number) <= span.high

    @pytest.mark.parametrize("distribution", DISTRIBUTIONS)
    def test_it_lies_within_the_extremes(self, name, distribution):
        values = DISTRIBUTIONS[distribution]
        span = estimate(ESTIMATORS[name](), *np.array_split(values, 7))
        assert min(values.min(), 0) <= span.low <= span.high <= max(values.max(), 0)


@pytest.mark.parametrize("make", [lambda: Percentile(40), lambda: Percentile(101), lambda: MovingAverage(1.0)])
def test_parameters_that_mean_nothing(make):
    with pytest.raises(OptionError, match="is not in"):
        make()


batches_of_floats = st.lists(st.lists(st.floats(width=32), max_size=9), max_size=6)


@given(batches_of_floats)
@settings(deadline=None)
def test_minmax(batches):
    numbers = [x for batch in batches for x in batch if math.isfinite(x)]
    assert estimate(MinMax(), *batches) == ((min(numbers), max(numbers)) if numbers else None)


@given(batches_of_floats, st.floats(0, 0.99))
@settings(deadline=None)
def test_moving_average(batches, momentum):
    low = high = None
    for batch in batches:
        finite = [x for x in batch if math.isfinite(x)]
        if finite and low is None:
            low, high = min(finite), max(finite)
        elif finite:
            low = momentum * low + (1 - momentum) * min(finite)
            high = momentum * high + (1 - momentum) * max(finite)
    found = estimate(MovingAverage(momentum), *batches)
    assert found == (None if low is None else pytest.approx((low, high), rel=1e-9))


def test_moving_average_starts_with_the_first_sample():
    assert estimate(MovingAverage(), [-1, 4]) == (-1, 4)
    assert estimate(MovingAverage(), [-1, 4], [-2, 4]) == pytest.approx((-1.1, 4))


@pytest.mark.parametrize("name", ["normal", "relu", "laplace", "far", "outlier"])
@pytest.mark.parametrize("percent", [99, 99.9, 100])
def test_percentile(name, percent):
    values = DISTRIBUTIONS[name]
    span = estimate(Percentile(percent), *np.array_split(values, 5))
    expected = np.percentile(values, [100 - percent, percent])
    width = (values.max() - values.min()) / (BINS / 2)  # a quantile is known to a bin, and to the gap at it
    gap = np.diff(np.sort(values))[[20, -220]].max() if percent < 100 else 0
    np.testing.assert_allclose(span, expected, rtol=0, atol=width + 20 * gap)


@pytest.mark.parametrize("name", DISTRIBUTIONS)
@pytest.mark.parametrize("percent", [90, 99.9])
def test_percentile_leaves_its_share_outside(name, percent):
    """No more than (100 - percent) % lie below low or above high; and no less, but for what lies about the end."""
    values = DISTRIBUTIONS[name].astype(np.float64)
    low, high = estimate(Percentile(percent), *np.array_split(values, 5))
    width, share = (values.max() - values.min()) / (BINS / 2), 1 - percent / 100
    for outside, end in ((values - low, low), (high - values, high)):
        assert np.mean(outside < -width) <= share + 1e-9, end
        assert np.mean(outside <= width) >= share - 1e-9, end


@pytest.mark.parametrize("name", DISTRIBUTIONS)
@pytest.mark.parametrize("fraction", [1, 0.5, 0.1])
def test_squared_error_against_its_definition(name, fraction):
    values = DISTRIBUTIONS[name].astype(np.float64)
    span = Range(values.min() * fraction, values.max() * fraction)
    numbers, counts = np.unique(values, return_counts=True)
    error = squared_error(numbers, counts, span, 8) / values.size
    assert error == pytest.approx(loss(values, span), rel=1e-5, abs=1e-12)


@given(st.lists(floats, min_size=1, max_size=60))
@settings(deadline=None)
def test_squared_error_is_never_worse_than_the_extremes_by_its_own_measure(numbers):
    estimator = MeanSquaredError()
    span = estimate(estimator, numbers)
    centres, counts = estimator.histogram.populated()
    extremes = Range(min(numbers), max(numbers))
    assert squared_error(centres, counts, span, 8) <= squared_error(centres, counts, extremes, 8)


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_squared_error_is_never_worse_than_the_extremes(name):
    values = DISTRIBUTIONS[name]
    span, extremes = estimate(MeanSquaredError(), *np.array_split(values, 3)), Range(values.min(), values.max())
    # the histogram knows a number to half a bin: an error of 1/12 width^2 at most goes unseen
    unseen = ((values.max() - values.min()) / BINS * 2) ** 2 / 12
    assert loss(values, span) <= loss(values, extremes) + unseen


@pytest.mark.parametrize("name", ["normal", "relu", "laplace", "silu", "outlier", "cauchy"])
def test_squared_error_finds_what_a_full_search_finds(name):
    values = DISTRIBUTIONS[name]
    values = values[::-5]  # with the outlier
    span = estimate(MeanSquaredError(), values)
    low, high = values.min(), values.max()
    fractions = np.geomspace(1, 1 / 16, 40)
    lows = fractions if low < 0 else [1]
    best = min(loss(values, Range(low * a, high * b)) for a in lows for b in fractions)
    assert loss(values, span) <= best * 1.05


def test_squared_error_cuts_an_outlier_and_keeps_what_matters():
    bulk = DISTRIBUTIONS["normal"]
    assert estimate(MeanSquaredError(), np.tile(bulk, 20), [30]).high < 20
    assert estimate(MeanSquaredError(), DISTRIBUTIONS["two values"]) == pytest.approx((0, 7), rel=1e-3)
    assert estimate(MeanSquaredError(), DISTRIBUTIONS["relu6"]) == pytest.approx((0, 6), rel=0.02)


def test_divergence_cuts_tails_and_keeps_a_uniform_distribution():
    assert estimate(Kld(), np.tile(DISTRIBUTIONS["normal"], 20), [60]).high < 20
    uniform = DISTRIBUTIONS["uniform"]
    assert estimate(Kld(), uniform) == pytest.approx((uniform.min(), uniform.max()), rel=0.1)


def test_divergence_is_not_misled_by_the_zeros_of_relu():
    span = estimate(Kld(), DISTRIBUTIONS["relu"])
    assert span.high > 0.6 * DISTRIBUTIONS["relu"].max()


def divergence(centres, counts, low, high, levels):
    """sum P log(P / Q), bin by bin, with nothing of the product's."""
    inside = [i for i, x in enumerate(centres) if low <= x <= high]
    if not inside:
        return math.inf
    p = {i: float(counts[i]) for i in inside}
    p[inside[0]] += sum(counts[: inside[0]])
    p[inside[-1]] += sum(counts[inside[-1] + 1 :])
    step = (high - low) / (levels - 1)
    level = {i: round(centres[i] / step) for i in inside}
    members = Counter(level.values())
    q = dict.fromkeys(inside, 0.0)
    for k, size in members.items():
        among = [i for i in inside if level[i] == k]
        q.update(dict.fromkeys(among, sum(counts[i] for i in among) / size))
    whole_p, whole_q = sum(p.values()), sum(q.values())
    return sum(p[i] / whole_p * math.log(p[i] / whole_p / (q[i] / whole_q)) for i in inside)


@pytest.mark.parametrize("span", [(0, 40), (-13, 21), (-70, 70), (-30.2, 0), (0.4, 9)])
def test_divergence_against_its_definition(span):
    generator = np.random.default_rng(1)
    centres = np.setdiff1d(np.arange(-64, 65) - 0.5, generator.integers(-64, 64, 30) - 0.5)
    counts = generator.integers(1, 50, centres.size)
    expected = divergence(centres, counts, min(span[0], 0), max(span[1], 0), 8)
    assert Kld(bits=3).divergence(centres, counts, Range(*span)) == pytest.approx(expected)


@pytest.mark.parametrize("name", ["normal", "relu", "laplace", "outlier", "silu"])
def test_divergence_is_the_least_among_limits_to_the_magnitude(name):
    values = DISTRIBUTIONS[name].astype(np.float64)
    values = np.rint(values * (2000 / np.abs(values).max()))  # each number in a bin of its own
    values = np.append(values, values.max() * 2)
    found = estimate(Kld(bits=4), values)
    centres, counts = np.unique(values[values != 0], return_counts=True)
    limits = [np.abs(values).max() * f for f in FRACTIONS]
    spans = [(max(values.min(), -limit), min(values.max(), limit)) for limit in limits]
    tried = {span: divergence(centres, counts, min(span[0], 0), max(span[1], 0), 16) for span in spans}
    nearest = min(spans, key=lambda span: abs(span[0] - found.low) + abs(span[1] - found.high))
    assert found == pytest.approx(nearest, rel=1e-6)
    assert tried[nearest] <= min(tried.values()) * 1.05  # the histogram knows a number to half a bin


class TestAffine:
    @given(floats, floats)
    def test_zero_is_exact(self, one, other):
        for rule in (asymmetric, symmetric):
            affine = rule(Range(min(one, other), max(one, other)))
            assert affine.first <= affine.zero_point < affine.first + 256
            assert affine.round_trip(np.zeros(1))[0] == 0

    def test_values(self):
        assert asymmetric(Range(-1, 1)).zero_point == 128
        assert asymmetric(Range(2, 4)) == asymmetric(Range(0, 4))
        assert asymmetric(Range(0, 0)).scale == np.float32(0.1 / 255)
        assert symmetric(Range(-4, 2)).scale == np.float32(4 / 127)
