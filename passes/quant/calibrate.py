"""Measures the range of every float value of a network by running it on samples.

On entry: a function of `nn` operations. The module is only looked at; `annotate` states the ranges on it, or on the
same module read anew. One sample is in memory at a time, and of that only values which are still to be used.
"""

from collections.abc import Callable, Iterable, Mapping
from operator import length_hint
from typing import Any

from ...dialects.evaluate import evaluate
from ...dialects.function import argument_names, entry_function, initial_states, result_names
from ...dialects.mlir import ir
from ...dialects.tensors import Array, dtype_of, shape_of
from ...errors import ExecutionError, OptionError
from ...runtime import TensorInfo
from .calibration import Calibration, named_values
from .ranges import EstimatorMaker, MeanSquaredError

Progress = Callable[[int, int], None]
"""Called after each sample with how many are done and how many there are, 0 when that is not known."""


def network_inputs(module: ir.Module) -> list[TensorInfo]:
    """Name, type and shape of a network's inputs, as a dataset is opened for."""
    function = entry_function(module)
    arguments = function.regions[0].blocks[0].arguments
    return [
        TensorInfo(name, dtype_of(value), tuple(-1 if dim is None else dim for dim in shape_of(value)))
        for name, value in zip(argument_names(function), arguments, strict=True)
    ]


def calibrate(
    module: ir.Module,
    samples: Iterable[Mapping[str, Array]],
    estimator: EstimatorMaker = MeanSquaredError,
    progress: Progress | None = None,
) -> Calibration:
    """The ranges of the module's float values over `samples`, each of which has an array an input name.

    A state that a sample leaves out goes on from the sample before. Raises `OptionError` K0714 when there is no sample,
    `ExecutionError` K0502 for arrays that do not fit (a `Dataset` has found those), K0503 for operations that fail.
    """
    function = entry_function(module)
    inputs, outputs = argument_names(function), result_names(function)
    values = dict(named_values(module))
    estimators = {value: estimator() for value in values.values()}
    arguments = [estimators.get(argument) for argument in function.regions[0].blocks[0].arguments]
    states = initial_states(function)

    def observe(op: ir.OpView, results: Any) -> None:
        for value, array in zip(op.operation.results, results, strict=True):
            if value in estimators:
                estimators[value].observe(array)

    count, total = 0, length_hint(samples)
    for sample in samples:
        feed = [_input(name, sample, states, count) for name in inputs]
        for argument, array in zip(arguments, feed, strict=True):
            if argument is not None:
                argument.observe(array)
        try:
            results = evaluate(module, feed, observe)
        except (IndexError, ValueError, OverflowError) as error:
            cause = f"calibration sample {count} cannot be computed: {error}"
            raise ExecutionError("K0503", cause=cause) from error
        states = {name: array for name, array in zip(outputs, results, strict=True) if name in states}
        count += 1
        if progress is not None:
            progress(count, total)
    if count == 0:
        raise OptionError("K0714", where="calibration data", cause="there is no sample")
    ranges = {name: estimators[value].estimate() for name, value in values.items()}
    return Calibration(getattr(estimator, "name", "other"), count, ranges)


def _input(name: str, sample: Mapping[str, Array], states: Mapping[str, Array], number: int) -> Array:
    if name in sample:
        return sample[name]
    if name in states:
        return states[name]
    raise OptionError("K0711", where=f"calibration data: sample {number}", cause=f"there is nothing for input '{name}'")
