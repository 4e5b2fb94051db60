"""What quantisation changes, layer by layer: the float network and the quantised one, run on the same samples.

On entry: a network before and after it was quantised, both with the locations of the model's nodes. A node is compared
by the last value that it computes; integers count as the numbers they stand for.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np

from ...dialects.evaluate import Program
from ...dialects.function import argument_names, entry_function, initial_states
from ...dialects.mlir import describe, ir
from ...dialects.tensors import Array

MOST_SAMPLES = 5
"""Samples that are compared, at most."""


@dataclass(frozen=True)
class LayerError:
    """How the values of a model's node differ: the cosine of both, 1 when they are alike, and
    sum |quantised - float| / sum |float|."""

    name: str
    cosine: float
    relative: float


def layer_errors(original: ir.Module, quantised: ir.Module, samples: Iterable[Mapping[str, Array]]) -> list[LayerError]:
    """The error of each node of the model that both networks have a value of, over the first samples, in order.

    Raises what `Program.run` raises.
    """
    sums: dict[str, Array] = {}
    states = initial_states(entry_function(original))
    names = argument_names(entry_function(original))
    programs = Program(original), Program(quantised)
    for sample in islice(samples, MOST_SAMPLES):
        feed = [sample[name] if name in sample else states[name] for name in names]
        before, after = (_values(program, feed) for program in programs)
        for name, array in before.items():
            other = after.get(name)
            if other is not None and other.size == array.size:
                sums[name] = sums.get(name, np.zeros(5)) + _sums(array, other)
    return [_error(name, found) for name, found in sums.items()]


def _values(program: Program, feed: Sequence[Array]) -> dict[str, Array]:
    """The last value of each node, as real numbers."""
    found: dict[str, Array] = {}

    def see(op: ir.OpView, arrays: Sequence[Array]) -> None:
        for value, array in zip(op.operation.results, arrays, strict=True):
            real = _real(value, array)
            if real is not None:
                found[describe(op.location).partition(": ")[2]] = real

    program.run(feed, see)
    return found


def _real(value: ir.Value, array: Array) -> Array | None:
    """The numbers that a tensor's elements stand for, in one row; None when it holds no real ones."""
    element: Any = getattr(value.type, "element_type", None)
    if isinstance(element, ir.FloatType):
        return np.asarray(array, np.float64).ravel()
    scale, zero = getattr(element, "scale", None), getattr(element, "zero_point", 0)
    return None if scale is None else ((np.asarray(array, np.float64) - zero) * scale).ravel()


def _sums(before: Array, after: Array) -> Array:
    finite = np.isfinite(before) & np.isfinite(after)
    x, y = before[finite], after[finite]
    return np.array([x @ y, x @ x, y @ y, np.abs(y - x).sum(), np.abs(x).sum()])


def _error(name: str, found: Array) -> LayerError:
    product, first, second, difference, magnitude = found
    alike = first == second == 0
    cosine = 1.0 if alike else float(product / max(np.sqrt(first * second), 1e-300))
    return LayerError(name, cosine, 0.0 if alike else float(difference / max(magnitude, 1e-300)))
