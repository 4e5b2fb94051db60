"""Give every map its place in KPU memory.

On entry: `kpu.conv2d`, uploads and downloads in their final order. On exit each operation that makes a map has
`kpu.offset`, in bytes, and the function `kpu.peak` and `kpu.bound`: what is used, and what no plan can do without.
Inputs of one layer lie one behind the other; a map that would have to lie in two places is copied by a layer that does
nothing else.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ...dialects import kpu, nn
from ...dialects.function import entry_function
from ...dialects.mlir import describe, ir
from ...dialects.tensors import static_shape
from ...runtime.kpu.layout import LINE, RAM_BYTES, Layout
from ...runtime.kpu.tables import LOWEST, SEGMENTS
from ..buffers.allocation import Buffer, allocate
from ..pipeline import register_pass
from ..rewriter import producer

PEAK = "kpu.peak"
BOUND = "kpu.bound"


def layout_of(value: ir.Value) -> Layout:
    """How a map lies in KPU memory."""
    batch, channels, height, width = static_shape(value)
    return Layout((batch, channels, height, width))


def makes_map(op: Any) -> bool:
    """Whether an operation writes a map into KPU memory."""
    return isinstance(op, kpu.Upload | kpu.Conv2D)


def whole(value: ir.Value) -> ir.Value:
    """The map that a value is channels of, or is."""
    while (select := producer(value, kpu.Select)) is not None:
        value = select.input
    return value


def offset_of(value: ir.Value) -> int:
    """Where a map was planned to be."""
    select = producer(value, kpu.Select)
    if select is None:
        return int(value.owner.attributes[kpu.OFFSET].value)
    layout = layout_of(select.input)
    return offset_of(select.input) + select.first // layout.groups * layout.channel_lines * LINE


def copied(value: ir.Value) -> ir.Value:
    """The same map in another place: y = (x - zero) * 1 + zero."""
    channels = static_shape(value)[1]
    parameters = nn.quantization_parameters(value.type)
    assert parameters is not None
    weight = np.full((channels, 1, 3, 3), kpu.WEIGHT_ZERO, np.uint8)
    weight[:, 0, 1, 1] += 1
    rows = [(LOWEST, 0, 0, 0)] + [(-parameters.zero_point[0], 1 << 14, 14, 0)] * (SEGMENTS - 1)
    constants = (weight, np.tile(np.array([1, 0, 0]), (channels, 1)), np.array(rows, np.int64))
    operands = [nn.Constant(value=array).output for array in constants]
    return kpu.Conv2D(
        [value], *operands, results=[value.type], depthwise=True, pool="none", weight_zero=kpu.WEIGHT_ZERO
    ).output


def separate(block: ir.Block) -> None:
    """Copy inputs of layers that lie next to other maps already, so that every map has one place only."""
    placed: set[ir.Value] = set()
    for op in list(block.operations):
        if not isinstance(op, kpu.Conv2D) or len(op.inputs) == 1:
            continue
        for number, value in enumerate(op.inputs):
            if value in placed or producer(value, kpu.Select) is not None:
                with ir.InsertionPoint(op), op.location:
                    value = copied(value)
                op.operation.operands[number] = value
            placed.add(value)


@dataclass(frozen=True)
class Group:
    """Maps that lie one behind the other."""

    maps: list[ir.Value]

    def offsets(self) -> list[int]:
        """Where each map begins, from the first."""
        sizes = [layout_of(value).bytes for value in self.maps]
        return [sum(sizes[:number]) for number in range(len(sizes))]

    @property
    def bytes(self) -> int:
        """Of all."""
        return sum(layout_of(value).bytes for value in self.maps)


def groups_of(operations: list[Any]) -> list[Group]:
    """The maps of a function, those that lie together in one group."""
    joined = [Group(list(op.inputs)) for op in operations if isinstance(op, kpu.Conv2D) and len(op.inputs) > 1]
    together = {value for group in joined for value in group.maps}
    alone = [Group([op.output]) for op in operations if makes_map(op) and op.output not in together]
    return [*joined, *alone]


@register_pass
@dataclass(frozen=True)
class PlanMaps:
    """Give maps offsets in KPU memory; those that are never alive together share bytes.

    seconds: how long to search for a better plan than the first good one.
    """

    name: ClassVar[str] = "kpu-plan-maps"
    seconds: float = 0.0

    def apply(self, module: ir.Module) -> None:
        function = entry_function(module)
        block = function.regions[0].blocks[0]
        separate(block)
        operations = [op for op in block.operations if isinstance(op, kpu.KPUOp)]
        steps = {op.operation: step for step, op in enumerate(operations)}
        last = {whole(value): steps[op.operation] for op in operations for value in op.operation.operands}
        groups = groups_of(operations)
        buffers = []
        for group in groups:
            first = min(steps[value.owner] for value in group.maps)
            end = max(last.get(value, first) for value in group.maps) + 1
            name = describe(group.maps[0].owner.location)
            buffers.append(Buffer(name, group.bytes, first, max(end, first + 1), LINE))
        plan = allocate(buffers, seconds=self.seconds, capacity=RAM_BYTES)
        for group, offset in zip(groups, plan.offsets, strict=True):
            for value, inside in zip(group.maps, group.offsets(), strict=True):
                value.owner.attributes[kpu.OFFSET] = _i64(offset + inside)
        function.attributes[PEAK], function.attributes[BOUND] = _i64(plan.peak), _i64(plan.lower_bound)


def _i64(value: int) -> ir.Attribute:
    return ir.IntegerAttr.get(ir.IntegerType.get_signless(64), value)
