"""Chooses the layers that are too sensitive for 8 bits: those whose quantisation costs most of a network's output.

On entry: a network in which ranges are stated. Each layer (what is kept as integers together, and the products that
read it) is quantised while all others stay real, and the noise that this makes of the outputs is its cost. Then as few
layers as will do are kept with more bits, the dearest first: until the outputs' ratio of signal to noise is what is
wanted, or as good as with all of them. That number is found by halving; what counts is the network as it will run, not
a sum of costs.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np

from ...dialects.evaluate import Program
from ...dialects.function import argument_names, clone, entry_function, initial_states
from ...dialects.mlir import describe, ir
from ...dialects.ranges import REAL, set_bits
from ...dialects.tensors import Array
from ...errors import ExecutionError
from .calibration import named_values
from .choose import NEGLIGIBLE, difference
from .stored import Stored, is_product
from .weights import Weights

SAMPLES, TRIED = 8, 4
"""Samples that networks are compared on, and those of them that single layers are tried on."""
SLACK = 0.5
"""What more layers must gain, in dB, to be kept for that."""

Quantised = Callable[[ir.Module], None]
"""Quantises a module in place."""
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Layer:
    """The names of its products' nodes, of the values (see `calibration`) that they read, and of their results."""

    nodes: tuple[str, ...]
    values: tuple[str, ...]
    results: tuple[str, ...]


@dataclass(frozen=True)
class Kept:
    """A layer that keeps more bits, and the outputs' signal to noise ratio, dB, were it alone quantised to 8."""

    layer: Layer
    decibels: float


@dataclass(frozen=True)
class Mixture:
    """The layers of `count` that are kept, dearest first; and the outputs' ratio with none of them kept, and so."""

    kept: list[Kept]
    count: int
    before: float
    after: float

    def bits(self, bits: int) -> dict[str, int]:
        """Those of the values of layers that are kept, by name."""
        return {value: bits for one in self.kept for value in one.layer.values}

    def weights(self, bits: int) -> dict[str, Weights]:
        """What that means for their products' weights, by the names of the results."""
        return {result: Weights(bits=bits) for one in self.kept for result in one.layer.results}


def layers(module: ir.Module, counts: Callable[[Any], bool] = lambda _: True) -> list[Layer]:
    """The layers that `nn-quantize` quantises, in order; of those alone that hold a product which `counts`."""
    stored = Stored.of(module)
    groups = stored.groups()
    root = {value: key for key, values in groups.items() for value in values}
    products: dict[ir.Value, list[Any]] = {}
    for reader, value in stored.readers:
        if is_product(reader) and counts(reader):
            products.setdefault(root[value], []).insert(0, reader)
    names = {value: name for name, value in named_values(module)}
    order = {name: number for number, name in enumerate(names.values())}
    found = []
    for key, readers in products.items():
        values = sorted((names[value] for value in groups[key]), key=order.__getitem__)
        results = tuple(names[reader.operation.results[0]] for reader in readers)
        found.append(Layer(tuple(map(_node, readers)), tuple(values), results))
    return sorted(found, key=lambda layer: order[layer.values[0]])


def _node(op: Any) -> str:
    text = describe(op.location)
    return text.partition(": ")[2] or text


class Trials:
    """Runs forms of a network and compares them with the float one."""

    def __init__(self, module: ir.Module, samples: Sequence[Mapping[str, Array]]) -> None:
        self.module = module
        function = entry_function(module)
        states, names = initial_states(function), argument_names(function)
        self._feeds = [[one[name] if name in one else states[name] for name in names] for one in samples]
        program = Program(module)
        self._expected = [program.run(feed) for feed in self._feeds]

    def decibels(self, bits: Mapping[str, int], quantise: Quantised, count: int | None = None) -> float:
        """The ratio of signal to noise, dB, of the worst output over `count` samples, if values have these bits."""
        twin = clone(self.module)
        state_bits(twin, bits)
        quantise(twin)
        program, noise = Program(twin), np.zeros(1)
        tried = list(zip(self._feeds, self._expected, strict=True))[:count]
        for feed, expected in tried:
            noise = noise + _noise(program, feed, expected)
        return -10 * math.log10(float(noise.max(initial=0.0)) / len(tried) + NEGLIGIBLE)


def _noise(program: Program, feed: Sequence[Array], expected: Sequence[Array]) -> Array:
    """Of each output."""
    try:
        actual = program.run(feed)
    except ExecutionError:  # rounding may lead an index astray: then every output is lost
        return np.ones(len(expected))
    return np.array([difference([one], [other]) for one, other in zip(expected, actual, strict=True)])


def state_bits(module: ir.Module, bits: Mapping[str, int]) -> None:
    """State the bits of values, by name."""
    for name, value in named_values(module):
        if name in bits:
            set_bits(value, bits[name])


def choose_layers(
    module: ir.Module,
    samples: Any,
    wanted: float,
    bits: int,
    quantise: Quantised,
    counts: Callable[[Any], bool] = lambda _: True,
    progress: Progress | None = None,
) -> Mixture:
    """The layers to keep with `bits` so that outputs have `wanted` dB, if that can be had; they are not stated yet.

    `quantise` does what will be done to the network. Raises what iterating `samples` and running a network raises.
    """
    trials, found = Trials(module, list(islice(samples, SAMPLES))), layers(module, counts)
    before = trials.decibels({}, quantise)
    if before >= wanted or not found:
        return Mixture([], len(found), before, before)
    others = {value: REAL for layer in layers(module) for value in layer.values}
    costs = []
    for number, layer in enumerate(found):
        alone = {name: count for name, count in others.items() if name not in layer.values}
        costs.append(Kept(layer, trials.decibels(alone, quantise, TRIED)))
        if progress is not None:
            progress(number + 1, len(found))
    costs.sort(key=lambda one: one.decibels)

    def ratio(count: int) -> float:
        return trials.decibels(Mixture(costs[:count], 0, 0, 0).bits(bits), quantise)

    best = ratio(len(costs))
    goal, low, high, after = min(wanted, best - SLACK), 0, len(costs), best
    if before >= goal:
        return Mixture([], len(found), before, before)
    while high - low > 1:
        middle = (low + high) // 2
        reached = ratio(middle)
        if reached >= goal:
            high, after = middle, reached
        else:
            low = middle
    return Mixture(costs[:high], len(found), before, after)
