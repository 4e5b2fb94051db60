"""Neighbouring layers that are computed in stripes: which rows a stripe needs, what it holds, what it costs.

All maps of a stripe have the same rows, those of the finest map counted; a coarser one has fewer of its own, by its
ratio. Every 3x3 layer makes a row at an inner edge of a stripe wrong, since the KPU pads there; so stripes overlap, and
wrong rows are left out of what leaves the region.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from ...runtime.cycles import CALL, MOVE
from ...runtime.kpu.cost import LayerWork, download, upload
from .residency import LayerFacts, Map, Program, Step, residents, usage
from .rules import LEAST, ROWS


@dataclass(frozen=True)
class Stripe:
    """Rows of a region's finest map: from `start` to `end` they are computed, from `first` to `last` they leave it."""

    start: int
    first: int
    last: int
    end: int


@dataclass(frozen=True)
class Region:
    """The layers `first` to `last` of a program, in `count` stripes.

    rows: of the finest map.   unit: how many of them are whole rows of every map; those left over belong to the last
    stripe.   above, below: units that a stripe needs beyond those that leave it.   cycles: more than without stripes.
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
        units = self.rows // self.unit
        total = units + (self.count - 1) * overlap
        bounds = [number * total // self.count - number * overlap + self.above for number in range(1, self.count)]
        return [
            Stripe(*(self._row(at) for at in (begin - self.above, begin, end, end + self.below)))
            for begin, end in pairwise([0, *bounds, units])
        ]

    def _row(self, units: int) -> int:
        """The row that so many units begin at, if there is one."""
        return self.rows if units >= self.rows // self.unit else max(0, units) * self.unit


class Regions:
    """The regions of a program whose stripes fit into `capacity` bytes."""

    def __init__(self, program: Program, capacity: int) -> None:
        self.program, self.capacity = program, capacity
        self.layers, self.maps = program.facts, program.maps
        self._made_by = {layer.makes: number for number, layer in enumerate(self.layers)}
        self._uses: dict[int, list[int]] = {number: [] for number in self.maps}
        for number, layer in enumerate(self.layers):
            for read in layer.reads:
                self._uses[read].append(number)
        costs = np.array([_cycles(layer, self.maps) for layer in self.layers])
        self._sums = np.concatenate([np.zeros((1, 2)), np.cumsum(costs, axis=0)])

    def overflows(self) -> list[int]:
        """The layers at which more is in KPU memory than fits, or that have too many rows."""
        steps = zip(self.program.steps, self.program.usage(), strict=True)
        return sorted({*(step.layer for step, total in steps if total > self.capacity), *self.program.tall()})

    def hopeless(self) -> list[int]:
        """The layers that read and make more than fits, or have too many rows."""
        sizes = [sum(self.maps[one].bytes for one in (*layer.reads, layer.makes)) for layer in self.layers]
        return sorted({*(number for number, size in enumerate(sizes) if size > self.capacity), *self.program.tall()})

    def reach(self, first: int) -> int:
        """The last layer of the longest region from `first`.

        The rows of its maps belong together, and no host operation leads out of it and back into it.
        """
        ends = [behind - 1 for before, behind in self.program.detours if before >= first]
        last = min([len(self.layers) - 1, *ends])
        heights: set[tuple[int, int, int]] = set()
        for number in range(first, last + 1):
            layer = self.layers[number]
            heights.add((self.maps[layer.reads[0]].height, self.maps[layer.makes].height, layer.stride))
            if not _belong_together(heights):
                return number - 1
        return last

    def region(self, first: int, last: int, limit: float) -> Region | None:
        """The cheapest way to compute these layers in stripes; None if there is none for less than `limit` cycles."""
        passing = self._passing(first, last)
        if passing >= self.capacity or self._cost(first, last, 0.0, 2) >= limit:
            return None
        layers = self.layers[first : last + 1]
        rows, unit = self._grid(layers)
        above, below = self._margins(layers, rows, unit)
        overlap, units = above + below, rows // unit
        fitting = self._largest_stripe(layers, last, rows, unit, passing)
        largest = min(ROWS // unit, fitting) - (1 if rows % unit else 0)
        if largest <= overlap:
            return None
        count = max(2, -(-(units - overlap) // (largest - overlap)))
        smallest = (units + (count - 1) * overlap) // count
        if smallest <= overlap or smallest < LEAST:
            return None
        cost = self._cost(first, last, overlap / units, count)
        return Region(first, last, rows, unit, above, below, count, cost) if cost < limit else None

    def _leaves(self, made: int, last: int) -> bool:
        """Whether something outside of a region that ends with layer `last` uses a map of it."""
        return made in self.program.downloaded or self._last_use(made) > last

    def _last_use(self, number: int) -> int:
        return self._uses[number][-1] if self._uses[number] else -1

    def _grid(self, layers: Sequence[LayerFacts]) -> tuple[int, int]:
        """Rows of the finest map, and how many of them are whole rows of every map."""
        heights = {self.maps[one].height for layer in layers for one in (layer.reads[0], layer.makes)}
        rows = max(heights)
        return rows, math.lcm(*(rows // height for height in heights))

    def _margins(self, layers: Sequence[LayerFacts], rows: int, unit: int) -> tuple[int, int]:
        """Units above and below those that leave a region which the layers must read for them."""
        above: dict[int, int] = {}
        below: dict[int, int] = {}
        for layer in reversed(layers):
            up, down = above.get(layer.makes, 0), below.get(layer.makes, 0)
            ratio = rows // self.maps[layer.reads[0]].height
            up += ratio * (layer.kernel // 2)
            down += ratio * (layer.kernel // 2 + layer.window - layer.stride)
            for read in layer.reads:
                above[read] = max(above.get(read, 0), up)
                below[read] = max(below.get(read, 0), down)
        return -(-max(above.values()) // unit), -(-max(below.values()) // unit)

    def _largest_stripe(self, layers: Sequence[LayerFacts], last: int, rows: int, unit: int, passing: int) -> int:
        """Units of the largest stripe that fits beside what passes."""
        steps = []
        known: set[int] = set()
        for number, layer in enumerate(layers):
            steps += [Step((), read, number) for read in layer.reads if read not in known]
            known.update(layer.reads)
            known.add(layer.makes)
            steps.append(Step(layer.reads, layer.makes, number))
            if self._leaves(layer.makes, last):
                steps.append(Step((layer.makes,), None, number))
        sizes = {one: self.maps[one].row_bytes * (unit // (rows // self.maps[one].height)) for one in known}
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
                parts += [(self.maps[part].bytes, first[part], self._last_use(part), joined) for part in one.maps]
        return np.array(whole), np.array(parts or [(0, 0, -1, 0)])

    def _passing(self, first: int, last: int) -> int:
        """Bytes of maps that are there before and after a region."""
        total = 0
        for table, inside in zip(self._buffers, (False, True), strict=True):
            size, begin, end, joined = table.T
            joined_here = (joined >= first) & (joined <= last)
            total += int(size[(begin < first) & (end > last) & (joined_here == inside)].sum())
        return total

    def _cost(self, first: int, last: int, overlap: float, count: int) -> float:
        """Cycles that stripes cost more; neighbours share `overlap` of the rows."""
        again = (count - 1) * overlap
        moving, fixed = self._sums[last + 1] - self._sums[first]
        total = again * moving + (count - 1) * fixed + CALL.cycles
        layers = self.layers[first : last + 1]
        for read in {read for layer in layers for read in layer.reads}:
            if first <= self._made_by.get(read, -1):
                continue
            shape = self.maps[read].shape
            move = (math.prod(shape) * MOVE).cycles
            total += (1 + again) * (upload(shape).cycles + move)
            if read in self._made_by:
                total += 0 if read in self.program.downloaded else download(shape).cycles
            elif first <= self._uses[read][0] and self._last_use(read) <= last:
                total -= upload(shape).cycles
        for layer in layers:
            if not self._leaves(layer.makes, last):
                continue
            shape = self.maps[layer.makes].shape
            move = (math.prod(shape) * MOVE).cycles
            total += (1 + again) * download(shape).cycles + 2 * move
            total -= download(shape).cycles if layer.makes in self.program.downloaded else 0
            total += upload(shape).cycles if self._last_use(layer.makes) > last else 0
        return float(total)


def _cycles(layer: LayerFacts, maps: Mapping[int, Map]) -> tuple[float, float]:
    """What a layer costs for its rows, and what it costs however few they are."""
    _, _, height, width = maps[layer.reads[0]].shape
    channels, made = sum(maps[read].shape[1] for read in layer.reads), maps[layer.makes].shape[1]
    whole, fixed = (
        LayerWork((1, channels, rows, width), made, layer.kernel, layer.depthwise).cost.cycles for rows in (height, 0)
    )
    return whole - fixed, fixed


def _belong_together(heights: Collection[tuple[int, int, int]]) -> bool:
    """Whether a row of every map is so many of the finest one: for what layers read and make, and their strides."""
    rows = max(max(given, made) for given, made, _ in heights)
    for given, made, stride in heights:
        fine, coarse = rows // given, rows // made
        if coarse != fine * stride or rows // fine != given or rows // coarse != made:
            return False
    return True
