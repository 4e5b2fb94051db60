"""Neighbouring layers that are computed in stripes: which rows a stripe needs, what it holds, what it costs.

All values of a stripe have the same rows, those of the finest value counted, a coarser one fewer of them by its ratio. Every 3x3
layer makes a row at an inner edge of a stripe wrong, since the KPU pads there; so stripes overlap, and wrong rows are left out
of what leaves the region.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ...dialects import kpu
from ...dialects.mlir import ir
from ...dialects.tensors import static_shape
from ...runtime.kpu.layout import Layout
from ...runtime.kpu.pooling import POOL_BY_NAME
from ..rewriter import producer
from . import cycles
from .residency import Program, Step, residents, usage
from .rules import LEAST


@dataclass(frozen=True)
class Stripe:
    """Rows of a region's finest value: those from `start` to `end` are computed, of which `first` to `last` leave it."""

    start: int
    first: int
    last: int
    end: int


@dataclass(frozen=True)
class Region:
    """The layers `first` to `last` of a program, in `count` stripes.

    rows: of the finest value, in units of `unit` rows, so that every value has whole rows in a unit.
    above, below: units that a stripe needs beyond those that leave it.   cycles: more than without stripes.
    """

    first: int
    last: int
    rows: int
    unit: int
    above: int
    below: int
    count: int
    cycles: float

    def stripes(self) -> list[Stripe]:
        """As even as can be."""
        overlap = self.above + self.below
        total = self.rows + (self.count - 1) * overlap
        bounds = [number * total // self.count - number * overlap + self.above for number in range(1, self.count)]
        cuts = [0, *bounds, self.rows]
        return [
            Stripe(
                max(0, begin - self.above if begin else 0) * self.unit,
                begin * self.unit,
                end * self.unit,
                min(self.rows, end + self.below) * self.unit,
            )
            for begin, end in zip(cuts, cuts[1:], strict=False)
        ]


class Regions:
    """The regions of a program that fit into `capacity` bytes."""

    def __init__(self, program: Program, capacity: int) -> None:
        self.program, self.capacity = program, capacity
        self.layers = program.layers
        self._facts = {value: Fact.of(value) for step in program.steps for value in (*step.reads, step.makes) if value}
        self._made_by = {layer.output: number for number, layer in enumerate(self.layers)}
        self._last_use: dict[ir.Value, int] = {}
        for number, layer in enumerate(self.layers):
            self._last_use.update(dict.fromkeys(layer.inputs, number))
        costs = [_cycles(layer) for layer in self.layers]
        self._moving = np.concatenate([[0.0], np.cumsum([cost[0] for cost in costs])])
        self._fixed = np.concatenate([[0.0], np.cumsum([cost[1] for cost in costs])])

    def overflows(self) -> list[int]:
        """The layers at which more is in KPU memory than fits."""
        used = usage(self.program.residents, len(self.program.steps))
        steps = zip(self.program.steps, used, strict=True)
        return sorted({step.layer for step, total in steps if total > self.capacity})

    def reach(self, first: int) -> int:
        """The last layer of the longest region from `first` that no host operation leads out of and back into."""
        ends = [behind - 1 for before, behind in self.program.detours if before >= first]
        return min([len(self.layers) - 1, *ends])

    def region(self, first: int, last: int) -> Region | None:
        """The cheapest way to compute these layers in stripes; None if there is none."""
        layers = self.layers[first : last + 1]
        grid = _grid(layers)
        if grid is None:
            return None
        rows, unit = grid
        inputs = dict.fromkeys(v for layer in layers for v in layer.inputs if not first <= self._made_by.get(v, -1))
        outputs = [layer.output for layer in layers if self._leaves(layer.output, last)]
        above, below = _margins(layers, rows, unit)
        largest = self._largest_stripe(layers, outputs, rows, unit, self._passing(first, last))
        overlap, units = above + below, rows // unit
        if largest <= overlap:
            return None
        count = max(2, -(-(units - overlap) // (largest - overlap)))
        smallest = (units + (count - 1) * overlap) // count
        if smallest <= overlap or smallest < LEAST:
            return None
        again = (count - 1) * overlap / units
        return Region(first, last, units, unit, above, below, count, self._cost(first, last, list(inputs), outputs, again, count))

    def _leaves(self, value: ir.Value, last: int) -> bool:
        """Whether something outside of a region that ends with layer `last` uses a value of it."""
        return value in self.program.downloaded or self._last_use.get(value, -1) > last

    def _largest_stripe(
        self, layers: Sequence[kpu.Layer], outputs: Sequence[ir.Value], rows: int, unit: int, passing: int
    ) -> int:
        """Units of the largest stripe that fits beside what passes."""
        steps = []
        known: set[ir.Value] = set()
        for number, layer in enumerate(layers):
            for value in layer.inputs:
                if value not in known:
                    known.add(value)
                    steps.append(Step((), value, number))
            known.add(layer.output)
            steps.append(Step(tuple(layer.inputs), layer.output, number))
            if layer.output in outputs:
                steps.append(Step((layer.output,), None, number))
        sizes = {value: self._facts[value].row_bytes * (unit * self._facts[value].height // rows) for value in known}
        return (self.capacity - passing) // max(usage(residents(steps, sizes), len(steps)))

    @cached_property
    def _buffers(self) -> "tuple[np.ndarray, np.ndarray]":
        """Columns bytes, first, last and joining layer: of what is in KPU memory, and of the maps that are joined."""
        steps, whole, parts = self.program.steps, [], []
        first = {step.makes: step.layer for step in steps if step.makes is not None}
        for one in self.program.residents:
            joined = -1 if one.joined is None else steps[one.joined].layer
            whole.append((one.bytes, steps[one.first].layer, steps[one.last].layer, joined))
            if one.joined is not None:
                parts += [(self._facts[v].bytes, first[v], self._last_use.get(v, -1), joined) for v in one.maps]
        return np.array(whole), np.array(parts or [(0, 0, -1, 0)])

    def _passing(self, first: int, last: int) -> int:
        """Bytes of maps that are there before and after a region."""
        total = 0
        for table, inside in zip(self._buffers, (False, True), strict=True):
            size, begin, end, joined = table.T
            joined_here = (joined >= first) & (joined <= last)
            total += int(size[(begin < first) & (end > last) & (joined_here == inside)].sum())
        return total

    def _cost(
        self, first: int, last: int, inputs: Sequence[ir.Value], outputs: Sequence[ir.Value], again: float, count: int
    ) -> float:
        """Cycles that stripes cost more, `again` being the share of the rows that is computed again."""
        total = again * (self._moving[last + 1] - self._moving[first])
        total += (count - 1) * (self._fixed[last + 1] - self._fixed[first]) + cycles.CALL
        for value in inputs:
            shape = self._facts[value].shape
            total += (1 + again) * (cycles.upload(shape) + cycles.move(shape))
            if value in self._made_by:
                total += 0 if value in self.program.downloaded else cycles.download(shape)
            elif not self._used_outside(value, first, last):
                total -= cycles.upload(shape)
        for value in outputs:
            shape = self._facts[value].shape
            total += (1 + again) * cycles.download(shape) + 2 * cycles.move(shape)
            total -= cycles.download(shape) if value in self.program.downloaded else 0
            total += cycles.upload(shape) if self._last_use.get(value, -1) > last else 0
        return float(total)

    def _used_outside(self, value: ir.Value, first: int, last: int) -> bool:
        others = (*self.layers[:first], *self.layers[last + 1 :])
        return any(value in layer.inputs for layer in others)


@dataclass(frozen=True)
class Fact:
    """What is asked about a value again and again."""

    shape: tuple[int, int, int, int]
    row_bytes: int

    @classmethod
    def of(cls, value: ir.Value) -> "Fact":
        """The facts of a map."""
        batch, channels, height, width = static_shape(value)
        return cls((batch, channels, height, width), Layout((batch, channels, 1, width)).bytes)

    @property
    def height(self) -> int:
        """Rows."""
        return self.shape[2]

    @property
    def bytes(self) -> int:
        """Of all rows, in KPU memory."""
        return self.row_bytes * self.height


def _cycles(layer: kpu.Layer) -> tuple[float, float]:
    _, channels, height, width = static_shape(layer.inputs[0])
    channels = sum(static_shape(value)[1] for value in layer.inputs)
    made = static_shape(layer.output)[1]
    return cycles.layer((1, channels, height, width), made, layer.kernel, depthwise=layer.depthwise)


def _height(value: ir.Value) -> int:
    return static_shape(value)[2]


def _grid(layers: Sequence[kpu.Layer]) -> tuple[int, int] | None:
    """Rows of the finest value, and how many of them are whole rows of every value; None if heights are no multiples of
    each other."""
    heights = set()
    for layer in layers:
        given, made = _height(layer.inputs[0]), _height(layer.output)
        if given != made * POOL_BY_NAME[layer.pool].stride:
            return None
        heights |= {given, made}
    rows = max(heights)
    if any(rows % height for height in heights):
        return None
    return rows, math.lcm(*(rows // height for height in heights))


def _margins(layers: Sequence[kpu.Layer], rows: int, unit: int) -> tuple[int, int]:
    """Units above and below those that leave a region which the layers must read for them."""
    above: dict[ir.Value, int] = {}
    below: dict[ir.Value, int] = {}
    for layer in reversed(layers):
        up, down = above.get(layer.output, 0), below.get(layer.output, 0)
        ratio, pool = rows // _height(layer.inputs[0]), POOL_BY_NAME[layer.pool]
        window = 1 if pool.kind == "sample" else pool.window
        margin = ratio * (layer.kernel // 2)
        for value in layer.inputs:
            above[value] = max(above.get(value, 0), up + margin)
            below[value] = max(below.get(value, 0), down + (window - pool.stride) * ratio + margin)
    return -(-max(above.values()) // unit), -(-max(below.values()) // unit)
