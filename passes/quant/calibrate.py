"""Measures the range of every float value of a network by running it on samples.

On entry: a function of `nn` operations. The module is only looked at; `annotate` states the ranges on it, or on the
same module read anew. One sample is in memory at a time, and of that only values which are still to be used.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import length_hint
from typing import Any, Protocol, TypeVar

import numpy as np

from ...dialects.evaluate import Observer, Program
from ...dialects.function import argument_names, entry_function, initial_states, result_names
from ...dialects.mlir import ir
from ...dialects.tensors import Array, dtype_of, shape_of
from ...errors import ExecutionError, OptionError
from ...runtime import TensorInfo
from .calibration import Calibration, named_values
from .ranges import EstimatorMaker, RangeEstimator

Progress = Callable[[int, int], None]
"""Called after each step, mostly a sample, with how many are done and how many there are, 0 when that is not known."""
Estimator = TypeVar("Estimator", bound=RangeEstimator)
Feed = list[Array]
"""One sample, in the order of the inputs."""


class Runner(Protocol):
    """Runs a module and shows what it computed: `dialects.evaluate.Program`, or a faster engine."""

    @property
    def arguments(self) -> Sequence[ir.Value]:
        """The module's inputs."""

    def run(self, inputs: Sequence[Any], observer: Observer | None = None) -> list[Array]:
        """The results; `observer(op, results)` has seen those of the module's operations."""


MakeRunner = Callable[[ir.Module], Runner]


def network_inputs(module: ir.Module) -> list[TensorInfo]:
    """Name, type and shape of a network's inputs, as a dataset is opened for."""
    function = entry_function(module)
    arguments = function.regions[0].blocks[0].arguments
    return [
        TensorInfo(name, dtype_of(value), tuple(-1 if dim is None else dim for dim in shape_of(value)))
        for name, value in zip(argument_names(function), arguments, strict=True)
    ]


@dataclass
class Reservoir:
    """A few of the samples with their outputs, each with the same chance, whatever their number; the choice is always
    the same."""

    size: int
    kept: list[tuple[Feed, list[Array]]] = field(default_factory=list)
    seen: int = 0

    def __post_init__(self) -> None:
        self._generator = np.random.Generator(np.random.PCG64(0))

    def offer(self, feed: Feed, outputs: Sequence[Array]) -> None:
        """Keep copies, perhaps in another one's place. Source: Vitter, Random Sampling with a Reservoir (1985)."""
        self.seen += 1
        place = len(self.kept) if len(self.kept) < self.size else int(self._generator.integers(self.seen))
        if place < self.size:
            self.kept[place : place + 1] = [([array.copy() for array in feed], [array.copy() for array in outputs])]


def calibrate(
    module: ir.Module,
    samples: Iterable[Mapping[str, Array]],
    estimator: EstimatorMaker,
    progress: Progress | None = None,
    engine: MakeRunner = Program,
) -> Calibration:
    """The ranges of the module's float values over `samples`, each of which has an array an input name.

    A state that a sample leaves out goes on from the sample before. Raises `OptionError` K0714 when there is no sample,
    `ExecutionError` K0502 for arrays that do not fit (a `Dataset` has found those), K0503 for operations that fail.
    """
    estimators, count = observe(module, samples, estimator, progress, engine=engine)
    ranges = {name: one.estimate() for name, one in estimators.items()}
    return Calibration(estimator().name, count, ranges)


def observe(
    module: ir.Module,
    samples: Iterable[Mapping[str, Array]],
    estimator: Callable[[], Estimator],
    progress: Progress | None = None,
    reservoir: Reservoir | None = None,
    engine: MakeRunner = Program,
) -> tuple[dict[str, Estimator], int]:
    """An estimator a float value, by name, that has seen all samples; and how many those were.

    Errors as `calibrate`; `reservoir` is offered every sample.
    """
    function = entry_function(module)
    inputs, outputs = argument_names(function), result_names(function)
    names = dict(named_values(module))
    estimators = {value: estimator() for value in names.values()}
    states = initial_states(function)

    def see(values: Sequence[ir.Value], arrays: Sequence[Array]) -> None:
        for value, array in zip(values, arrays, strict=True):
            if value in estimators:
                estimators[value].observe(array)

    program, count, total = engine(module), 0, length_hint(samples)
    for sample in samples:
        feed = [_input(name, sample, states, count) for name in inputs]
        see(program.arguments, feed)
        results = _run(program, feed, lambda op, arrays: see(op.operation.results, arrays), count)
        states = {name: array for name, array in zip(outputs, results, strict=True) if name in states}
        if reservoir is not None:
            reservoir.offer(feed, results)
        count += 1
        if progress is not None:
            progress(count, total)
    if count == 0:
        raise OptionError("K0714", where="calibration data", cause="there is no sample")
    return {name: estimators[value] for name, value in names.items()}, count


def _run(program: Runner, feed: Feed, observer: Any, number: int) -> list[Array]:
    try:
        return program.run(feed, observer)
    except ExecutionError as error:
        cause = f"calibration sample {number}: {error.cause}"
        raise ExecutionError(error.code, where=error.where, cause=cause) from error


def _input(name: str, sample: Mapping[str, Array], states: Mapping[str, Array], number: int) -> Array:
    if name in sample:
        return sample[name]
    if name in states:
        return states[name]
    raise OptionError("K0711", where=f"calibration data: sample {number}", cause=f"there is nothing for input '{name}'")
