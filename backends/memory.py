"""What lies where in which memory, and when: the plan of a compiled network, for someone to read.

On entry: a network whose operations are in the order in which they are executed. On exit: text. A buffer is in use from
the first step that touches it to the last one, both included.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ..dialects import kpu, nn
from ..dialects.function import buffers_of, entry_function, inputs_of, outputs_of
from ..dialects.mlir import describe, ir
from ..dialects.tensors import is_static
from ..passes.rewriter import producer
from ..runtime.kpu.layout import Layout
from .buffers import steps_of, store_of

CALLER = "the caller's memory"
NAMES = {"main": "main memory", "ram": "the KPU's memory", "kpu": "the KPU's memory"}
"""Of memories, as buffers and as reports call them."""
ARENA = "the arena"
HEAP = "the heap"
DYNAMIC = """\
The runtime allocates each result when it is computed, and frees it after its last use: there are no offsets. A reshape
counts as a copy, which a runtime may do without."""


@dataclass(frozen=True)
class PlannedBuffer:
    """A piece of a memory; `offset` is None where somebody else decides that, `bytes` where the data decides. `what` is
    the node that it is for."""

    memory: str
    offset: int | None
    bytes: int | None
    type: str
    first: int
    last: int
    what: str


@dataclass(frozen=True)
class MemoryPlan:
    """The buffers of a network, and what each step does.

    peaks: the bytes of each planned memory, and how many no plan can do without. note: what else there is to say.
    """

    buffers: Sequence[PlannedBuffer]
    steps: Sequence[str]
    peaks: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    note: str = ""

    def text(self) -> str:
        """Tables: of each memory, and of the steps with the bytes in use."""
        memories = list(dict.fromkeys([*self.peaks, *(one.memory for one in self.buffers)]))
        parts = [self.note] if self.note else []
        parts += [self._table(memory) for memory in memories]
        return "\n\n".join([*parts, self._steps([one for one in memories if one != CALLER])]) + "\n"

    def _table(self, memory: str) -> str:
        rows = [one for one in self.buffers if one.memory == memory]
        head = memory
        if memory in self.peaks:
            peak, bound = self.peaks[memory]
            head += f": {peak} bytes, and no plan needs less than {bound}"
        elif memory != CALLER:
            opened = any(one.bytes is None for one in rows)
            head += f": {'at least ' * opened}{max(self.used(memory), default=0)} bytes at once"
        lines = [head, "    offset       bytes       steps  elements, and what for"]
        for one in sorted(rows, key=lambda one: (one.first, one.offset or 0)):
            offset, size = "-" if one.offset is None else one.offset, "?" if one.bytes is None else one.bytes
            lines.append(f"{offset:>10}  {size:>10}  {f'{one.first}-{one.last}':>10}  {one.type}  {one.what}")
        return "\n".join(lines)

    def _steps(self, memories: Sequence[str]) -> str:
        lines = ["steps, and the bytes in use in " + ", ".join(memories)] if memories else ["steps"]
        columns = [self.used(memory) for memory in memories]
        for number, what in enumerate(self.steps):
            used = "".join(f"{column[number]:>10}  " for column in columns)
            lines.append(f"{number:>6}  {used}{what}")
        return "\n".join(lines)

    def used(self, memory: str) -> list[int]:
        """Bytes of a memory that are in use at each step: those that buffers share count once."""
        begin: dict[int, list[PlannedBuffer]] = {}
        for one in self.buffers:
            if one.memory == memory:
                begin.setdefault(one.first, []).append(one)
        totals, alive = [], list[PlannedBuffer]()
        for step in range(len(self.steps)):
            alive = [one for one in alive if one.last >= step] + begin.get(step, [])
            totals.append(_covered(alive))
        return totals


def _covered(buffers: Sequence[PlannedBuffer]) -> int:
    """Bytes of one memory that lie in buffers; those without an offset lie apart. Unknown numbers count as none."""
    total = sum(one.bytes or 0 for one in buffers if one.offset is None)
    end = 0
    for start, size in sorted((one.offset, one.bytes or 0) for one in buffers if one.offset is not None):
        total += max(start + size - max(start, end), 0)
        end = max(start + size, end)
    return total


def plan_of(module: ir.Module, peaks: Mapping[str, tuple[int, int]]) -> MemoryPlan:
    """The plan of a network: where memory was planned, `peaks` by its name, of buffers (`kpu-bufferize`)."""
    return _planned(module, peaks) if peaks else _allocated(module)


def _planned(module: ir.Module, peaks: Mapping[str, tuple[int, int]]) -> MemoryPlan:
    function = entry_function(module)
    block = function.regions[0].blocks[0]
    steps = steps_of(block)
    lives: dict[ir.Value, tuple[int, int]] = {}
    for number, op in enumerate(steps):
        for buffer in _touched(op):
            lives[buffer] = lives.get(buffer, (number, number))[0], number
    inputs, outputs = buffers_of(function)
    names = {value: f"input {one.name}" for value, one in zip(inputs, inputs_of(function), strict=True)}
    names |= {value: f"output {one.name}" for value, one in zip(outputs, outputs_of(function), strict=True)}
    buffers = []
    for value, (first, last) in lives.items():
        offset = kpu.offset_of(value)
        memory = CALLER if offset is None else NAMES[kpu.space_of(value)]
        what = names[value] if value in names else node_of(value.owner)
        buffers.append(PlannedBuffer(memory, offset, _bytes(value), type_text(value.type), first, last, what))
    return MemoryPlan(buffers, [computes(op) for op in steps], {NAMES[name]: peak for name, peak in peaks.items()})


def _touched(op: ir.OpView) -> Iterator[ir.Value]:
    """The buffers that a step reads and writes; constants are in the file."""
    for value in op.operation.operands:
        load = producer(value, kpu.Load)
        buffer = value if load is None else load.source
        if isinstance(buffer.type, ir.MemRefType) and kpu.space_of(buffer) != "const":
            yield buffer
    for value in op.operation.results:
        store = store_of(value)
        yield store.target
        if store.working is not None:
            yield store.working


def _bytes(buffer: ir.Value) -> int:
    if kpu.space_of(buffer) != "ram":
        return kpu.bytes_of(buffer)
    batch, channels, height, width = buffer.type.shape
    return Layout((batch, channels, height, width)).bytes


def _allocated(module: ir.Module) -> MemoryPlan:
    """What a network of `nn` operations needs when each result is allocated as it is computed."""
    *body, end = entry_function(module).regions[0].blocks[0].operations
    steps = [op for op in body if not isinstance(op, nn.Constant)]
    last_use = {value: number for number, op in enumerate(steps) for value in op.operation.operands}
    last_use |= dict.fromkeys(end.operation.operands, len(steps) - 1)
    buffers = [
        PlannedBuffer(HEAP, None, size, type_text(value.type), first, last_use.get(value, first), where)
        for first, op in enumerate(steps)
        for where in [node_of(op)]
        for value in op.operation.results
        for size in [kpu.bytes_of(value) if is_static(value) else None]
    ]
    return MemoryPlan(buffers, [computes(op) for op in steps], note=DYNAMIC)


def computes(op: ir.OpView) -> str:
    """What an operation is, and which node it is for."""
    where = node_of(op)
    return f"{op.operation.name} at {where}" if where else str(op.operation.name)


def node_of(op: ir.OpView | ir.Operation) -> str:
    """The node that an operation is for, in one line whatever its name is."""
    return " ".join(describe(op.location).split())


def type_text(type_: ir.Type) -> str:
    """The dimensions and elements of a tensor or buffer."""
    dims = ["?" if type_.is_dynamic_dim(axis) else str(type_.shape[axis]) for axis in range(type_.rank)]
    return "x".join([*dims, str(type_.element_type)])
