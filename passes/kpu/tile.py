"""Compute layers in stripes where their maps do not fit into KPU memory.

On entry: layers and `nn` in real numbers, with ranges. On exit: what will be in KPU memory at one time fits, as far as
stripes can do that, and no map has too many rows. A region of layers is computed stripe by stripe, from slices of what
goes into it; what comes out of it is joined on the host. The function's `kpu.regions` says which regions there are, and
what they cost.
"""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from ...dialects import kpu
from ...dialects.function import entry_function
from ...dialects.mlir import describe, ir, safe_erase
from ...dialects.ranges import set_range, value_range
from ...dialects.tensors import static_shape
from ...runtime.kpu.layout import RAM_BYTES
from ..pipeline import register_pass
from ..rewriter import users
from . import build
from .region import Region, Regions, Stripe
from .residency import Program
from .too_large import refusal

REGIONS = "kpu.regions"
ROUNDS = 6
AROUND = 48
"""How many layers further than it must a region may begin or end."""
MOST_LAYERS = 1024
"""Layers of a network that is still to be split: to look at all regions of more takes minutes."""
MARGINS = (0, 32, 16, 8, 4)
"""Parts of the memory that are left free, 0 for none, in the order in which they are tried: plans have gaps."""


def cheapest(regions: Regions, wanted: Sequence[int]) -> list[Region] | None:
    """Regions that cover all the layers that are wanted (in order), at the lowest cost; None if there are none, or too
    many layers."""
    count = len(regions.layers)
    if count > MOST_LAYERS:
        return None
    best: list[tuple[float, list[Region]]] = [(0.0, []), *[(math.inf, [])] * count]
    for first in range(count):
        cost, chosen = best[first]
        if cost == math.inf:
            continue
        if first not in wanted and cost < best[first + 1][0]:
            best[first + 1] = (cost, chosen)
        start = bisect_left(wanted, first)
        if start == len(wanted) or wanted[start] - first > AROUND:
            continue
        for last in range(wanted[start], regions.reach(first) + 1):
            if last - wanted[bisect_right(wanted, last) - 1] > AROUND:
                break
            region = regions.region(first, last, best[last + 1][0] - cost)
            if region is not None:
                best[last + 1] = (cost + region.cycles, [*chosen, region])
    cost, chosen = best[count]
    return None if cost == math.inf else chosen


def attempt(block: ir.Block, capacity: int, free: int, *, patient: bool) -> list[list[Region]] | None:
    """Split a block until its maps fit into `capacity` bytes, aiming at `free` bytes less; the regions of each round.

    Regions for layers that can never fit make room for others; who is patient looks at what is left afterwards.
    """
    rounds: list[list[Region]] = []
    while len(rounds) < ROUNDS:
        program = Program.of(block)
        if program.fits(capacity):
            return rounds
        regions = Regions(program, capacity - free)
        wanted = (regions.hopeless() if patient else []) or regions.overflows()
        chosen = cheapest(regions, wanted)
        if not chosen:
            return None
        split(block, program, chosen)
        rounds.append(chosen)
    return None


class Cutter:
    """Writes the layers of one region anew, in stripes."""

    def __init__(self, layers: Sequence[kpu.Layer], region: Region, block: ir.Block) -> None:
        self.layers = layers
        self.rows = region.rows
        self.stripes = region.stripes()
        inside = {layer.operation for layer in layers}
        order = [op for op in block.operations if op.operation in inside]
        self.end = order[-1]
        self.outputs: dict[ir.Value, list[ir.Value]] = {
            layer.output: [] for layer in layers if any(user.operation not in inside for user in users(layer.output))
        }

    def cut(self, block: ir.Block) -> None:
        """Replace the region."""
        self._clear_the_way(block)
        for stripe in self.stripes:
            self._compute(stripe)
        for value, parts in self.outputs.items():
            with ir.InsertionPoint(self.end), value.owner.location:
                joined = build.joined(parts, value_range(value), axis=2)
            value.replace_all_uses_with(joined)
        for layer in reversed(self.layers):
            safe_erase(layer.operation)

    def _clear_the_way(self, block: ir.Block) -> None:
        """Move what depends on the region and stands between its layers behind them."""
        inside = {layer.operation for layer in self.layers}
        behind: set[Any] = set()
        moved = []
        for op in block.operations:
            owners = {v.owner for v in op.operation.operands if isinstance(v, ir.OpResult)}
            if op.operation == self.end.operation:
                break
            if op.operation not in inside and owners & (inside | behind):
                behind.add(op.operation)
                moved.append(op)
        place = self.end
        for op in moved:
            op.operation.move_after(place.operation)
            place = op

    def _compute(self, stripe: Stripe) -> None:
        """One stripe's layers, and its part of what leaves the region."""
        values: dict[ir.Value, ir.Value] = {}
        for layer in self.layers:
            with ir.InsertionPoint(self.end), layer.location:
                for value in layer.inputs:
                    if value not in values:
                        values[value] = self._rows(value, value, stripe.start, stripe.end, 0)
                made = layer.rebuild([values[value] for value in layer.inputs], layer.weight, layer.bias).output
                set_range(made, value_range(layer.output))
                if build.COPY in layer.attributes:
                    made.owner.attributes[build.COPY] = ir.UnitAttr.get()
                values[layer.output] = made
                if layer.output in self.outputs:
                    part = self._rows(made, layer.output, stripe.first, stripe.last, stripe.start)
                    self.outputs[layer.output].append(part)

    def _rows(self, value: ir.Value, whole: ir.Value, first: int, last: int, start: int) -> ir.Value:
        """Rows `first` to `last` of a value that begins at row `start` of `whole`, rows of the finest map counted."""
        ratio = self.rows // static_shape(whole)[2]
        height, width = static_shape(value)[2:]
        size = last // ratio - first // ratio
        if size == height:
            return value
        return build.sliced(value, ((first - start) // ratio, 0), (size, width), (1, 1), value_range(whole))


def split(block: ir.Block, program: Program, regions: Sequence[Region]) -> None:
    """Replace regions of a block's program."""
    for region in regions:
        Cutter(program.layers[region.first : region.last + 1], region, block).cut(block)


@register_pass
@dataclass(frozen=True)
class Tile:
    """Compute layers in stripes where their maps do not fit into KPU memory.

    capacity: bytes of KPU memory. Raises `CapacityError` K0610 for a layer that is too large even so. Where no choice
    of regions is found for other reasons, all stays as it is, and `kpu-plan-maps` says what is alive together.
    """

    name: ClassVar[str] = "kpu-tile"
    capacity: int = RAM_BYTES

    def apply(self, module: ir.Module) -> None:
        function = entry_function(module)
        block = function.regions[0].blocks[0]
        program = Program.of(block)
        if program.fits(self.capacity):
            return
        for share in MARGINS:
            free = self.capacity // share if share else 0
            found: list[tuple[float, int, list[list[Region]]]] = []
            for patient in (False, True):
                trial = function.operation.clone()
                rounds = attempt(trial.regions[0].blocks[0], self.capacity, free, patient=patient)
                if rounds is not None:
                    found.append((sum(region.cycles for regions in rounds for region in regions), len(found), rounds))
            if found:
                records = []
                for regions in min(found)[2]:
                    program = Program.of(block)
                    records += [_record(program, region) for region in regions]
                    split(block, program, regions)
                function.attributes[REGIONS] = ir.ArrayAttr.get(records)
                return
        error = refusal(program, self.capacity)
        if error is not None:
            raise error


def _record(program: Program, region: Region) -> ir.Attribute:
    ends = [describe(program.layers[number].location) for number in (region.first, region.last)]
    numbers = {"layers": region.last - region.first + 1, "stripes": region.count, "cycles": round(region.cycles)}
    i64 = ir.IntegerType.get_signless(64)
    entries = {name: ir.IntegerAttr.get(i64, number) for name, number in numbers.items()}
    return ir.DictAttr.get({"first": ir.StringAttr.get(ends[0]), "last": ir.StringAttr.get(ends[1]), **entries})
