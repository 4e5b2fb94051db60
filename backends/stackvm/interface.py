"""What a kmodel tells users about a network beside its code: names of inputs and outputs, first values of states."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ...dialects.function import argument_names, initial_states, result_names
from ...dialects.mlir import func
from ...dialects.tensors import Array
from ...runtime.kmodel.names import Elements, Names

if TYPE_CHECKING:
    from ..buckets import Buckets


def names_of(function: func.FuncOp, producer: str, dialect: str = "", buckets: Buckets | None = None) -> Names:
    """The names that a network's function states; with `buckets` also of sizes that have a range."""
    states = {name: _elements(array) for name, array in initial_states(function).items()}
    names = Names(tuple(argument_names(function)), tuple(result_names(function)), producer, dialect, states)
    if buckets is None:
        return names
    outputs = tuple(one.name for one in buckets.outputs)
    return replace(names, outputs=outputs, dims=buckets.sizes.dims, ranges=buckets.sizes.ranges)


def _elements(array: Array) -> Elements:
    """All elements, or the one number that they all are."""
    numbers: list[float] = array.reshape(-1).tolist()
    return numbers[0] if len(set(numbers)) == 1 else numbers
