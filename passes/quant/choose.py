"""Chooses, among several ways to set the ranges, the one that leaves most of a network's output.

No rule for a single value is best on every network: cutting rare large numbers helps one and ruins another. So a few
tables of ranges are made from one pass over the samples, and each is tried on some of them, with every float value
rounded to 8 bits within its range. How much noise a range makes differs a lot from sample to sample, so the extremes
are kept unless another table is better beyond chance: then it is better on other samples too.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ...dialects.evaluate import Program
from ...dialects.mlir import ir
from ...dialects.ranges import Range
from ...dialects.tensors import Array
from ...errors import ExecutionError
from .affine import Affine, asymmetric
from .calibrate import Feed, MakeRunner, Progress, Reservoir, observe
from .calibration import Calibration, named_values
from .histogram import Histogram
from .ranges import HistogramEstimator, MeanSquaredError, Percentile, squared_error

TRIED = 16
"""Samples that candidates are tried on."""
FEWEST = 8
"""With fewer samples there is no telling; the extremes are kept."""
DECISIVE = 3.5
"""By how many standard errors the mean logarithm of the noises' ratio must be negative to give the extremes up."""
CLEARLY = 0.95
"""What the sum of the noise must fall to as well."""
NEGLIGIBLE = 1e-12
"""Noise of no interest, -120 dB."""
EXTREMES = "minmax"
GAINS = {"mse": 1.0, "mse 1.5": 1.5}
"""Candidates that cut a value's range where its squared error falls by more than this factor, and keep the others'."""
CANDIDATES = (EXTREMES, "percentile", *GAINS)

Ranges = dict[str, Range | None]


@dataclass(frozen=True)
class Choice:
    """Ranges, and the noise that each candidate left on each sample that was tried, as `difference` has it."""

    calibration: Calibration
    noise: dict[str, Array]


class _Distribution(HistogramEstimator):
    """Keeps the distribution, from which candidates are made; by itself, the extremes."""

    name: ClassVar[str] = "auto"

    def choose(self, histogram: Histogram) -> Range:
        return Range(histogram.low, histogram.high)


@dataclass(frozen=True)
class Rounding:
    """Runs a program with every value that has a range rounded to 8 bits within it."""

    program: Program
    rules: Mapping[ir.Value, Affine]

    @classmethod
    def of(cls, program: Program, ranges: Ranges) -> "Rounding":
        """With the ranges of the program's values by name, as `named_values` has them."""
        values = named_values(program.module)
        return cls(program, {value: asymmetric(span) for name, value in values if (span := ranges[name])})

    def run(self, feed: Feed) -> list[Array]:
        """The outputs for one sample."""
        inputs = self._rounded(self.program.arguments, feed)
        return self.program.run(inputs, lambda op, arrays: self._rounded(op.operation.results, arrays))

    def _rounded(self, values: Sequence[ir.Value], arrays: Sequence[Array]) -> list[Array]:
        rules = (self.rules.get(value) for value in values)
        return [rule.round_trip(array) if rule else array for rule, array in zip(rules, arrays, strict=True)]


def choose_ranges(
    module: ir.Module,
    samples: Iterable[Mapping[str, Array]],
    progress: Progress | None = None,
    engine: MakeRunner = Program,
) -> Choice:
    """The ranges of the module's float values over `samples` that leave most of its output; the default calibration.

    `TRIED` samples stay in memory until the end; they are tried on the evaluator, whatever the engine. Raises what
    `calibrate` raises.
    """
    trials = _Trials(progress)
    reservoir = Reservoir(TRIED)
    observed, count = observe(module, samples, _Distribution, trials.sample_done, reservoir, engine)
    tables = candidates({name: one.histogram for name, one in observed.items()})
    noise = {name: np.zeros(len(reservoir.kept)) for name in tables}
    program = Program(module)
    roundings = {name: Rounding.of(program, ranges) for name, ranges in tables.items()}
    for number, (feed, expected) in enumerate(reservoir.kept):
        for name, rounding in roundings.items():
            noise[name][number] = _noise(rounding, feed, expected)
            trials.trial_done()
    best = decide(noise)
    return Choice(Calibration(f"auto: {best}", count, tables[best]), noise)


def _noise(rounding: Rounding, feed: Feed, expected: Sequence[Array]) -> float:
    try:
        return difference(expected, rounding.run(feed))
    except ExecutionError:  # rounding may lead an index astray: then every output is lost
        return float(len(expected))


def decide(noise: Mapping[str, Array]) -> str:
    """The candidate of least noise among the extremes and those that are better than them beyond chance.

    `noise` holds that of each sample, the same ones for every candidate. Heavy tails make sums a poor witness: a few
    samples decide them. So a paired test of the logarithms comes first (Student's, one-sided).
    """
    extremes = noise[EXTREMES]
    better = [name for name in noise if _is_less(noise[name], extremes)]
    return min(better, key=lambda name: float(noise[name].sum()), default=EXTREMES)


def _is_less(noise: Array, other: Array) -> bool:
    if noise.size < FEWEST:
        return False
    ratios = np.log((noise + NEGLIGIBLE) / (other + NEGLIGIBLE))
    error = ratios.std(ddof=1) / np.sqrt(noise.size)
    return bool(ratios.mean() < -DECISIVE * error and noise.sum() < CLEARLY * other.sum())


@dataclass
class _Trials:
    """Adds the trials to the steps that progress counts."""

    progress: Progress | None
    done: int = 0
    total: int = 0

    def sample_done(self, done: int, total: int) -> None:
        self.done, self.total = done, total and total + min(total, TRIED) * len(CANDIDATES)
        self._report()

    def trial_done(self) -> None:
        self.done += 1
        self._report()

    def _report(self) -> None:
        if self.progress is not None:
            self.progress(self.done, self.total)


def candidates(histograms: Mapping[str, Histogram]) -> dict[str, Ranges]:
    """Tables of ranges by how they were made, in the order of `CANDIDATES`."""
    least, extremes, quantiles = MeanSquaredError(), _Distribution(), Percentile()
    tables: dict[str, Ranges] = {candidate: {} for candidate in CANDIDATES}
    for name, histogram in histograms.items():
        if not histogram.counts.size:
            for table in tables.values():
                table[name] = None
            continue
        full, cut = extremes.choose(histogram), least.choose(histogram)
        tables[EXTREMES][name], tables["percentile"][name] = full, quantiles.choose(histogram)
        centres, counts = histogram.populated()
        before, after = (squared_error(centres, counts, span, least.bits) for span in (full, cut))
        for candidate, gain in GAINS.items():
            tables[candidate][name] = cut if before > gain * after else full
    return tables


def difference(expected: Sequence[Array], actual: Sequence[Array]) -> float:
    """How far outputs are off, summed over them.

    Of numbers the squared error relative to the squares, of integers and booleans the share that differs; an output of
    another shape (its extent depends on the values) counts as 1. What is not finite in `expected` is left out; what is
    not finite in `actual` alone counts as if it were 0.
    """
    total = 0.0
    for wanted, got in zip(expected, actual, strict=True):
        if wanted.shape != got.shape:
            total += 1
        elif wanted.dtype.kind == "f":
            finite = np.isfinite(wanted)
            real, noisy = wanted[finite].astype(np.float64), got[finite].astype(np.float64)
            noisy[~np.isfinite(noisy)] = 0
            total += float(np.sum((real - noisy) ** 2)) / (float(np.sum(real**2)) or 1.0)
        elif wanted.size:
            total += float(np.mean(wanted != got))
    return total
