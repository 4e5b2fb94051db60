"""Which maps are in KPU memory at which step, foretold from layers in real numbers.

On entry: a block of layers and host operations. A map that the host made is uploaded before the first layer that reads it, one
that the host reads is downloaded; order and neighbourhood are those that `kpu-schedule` and `kpu-plan-maps` will choose.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...dialects import kpu, nn
from ...dialects.mlir import describe, ir
from ...dialects.tensors import static_shape
from ...runtime.kpu.layout import LINE, Layout
from ..buffers.allocation import Allocation, Buffer, allocate
from ..rewriter import producer
from .schedule import Task, ordered


@dataclass(frozen=True)
class Step:
    """What the KPU does at once: the values that it reads, and the one that it makes, if it makes a map.

    `layer` is the number of the layer that it is, or of the one that an upload is for or a download follows.
    """

    reads: tuple[ir.Value, ...]
    makes: ir.Value | None
    layer: int


@dataclass(frozen=True)
class Resident:
    """Bytes in KPU memory from step `first` to step `last`; `joined`: the step that reads several maps from them."""

    bytes: int
    first: int
    last: int
    maps: tuple[ir.Value, ...]
    joined: int | None = None


def residents(steps: Sequence[Step], sizes: Mapping[ir.Value, int]) -> list[Resident]:
    """What is in KPU memory, maps of one layer as one; a map that is wanted behind others twice is there twice."""
    first: dict[ir.Value, int] = {}
    last: dict[ir.Value, int] = {}
    for at, step in enumerate(steps):
        last.update(dict.fromkeys(step.reads, at))
        if step.makes is not None:
            first[step.makes] = last[step.makes] = at
    found = []
    placed: set[ir.Value] = set()
    for at, step in enumerate(steps):
        if len(step.reads) > 1:
            own = [value for value in dict.fromkeys(step.reads) if value not in placed]
            placed.update(own)
            begin, end = min([at, *(first[value] for value in own)]), max([at, *(last[value] for value in own)])
            found.append(Resident(sum(sizes[value] for value in step.reads), begin, end, step.reads, at))
    alone = [value for value in first if value not in placed]
    return found + [Resident(sizes[value], first[value], last[value], (value,)) for value in alone]


def usage(found: Sequence[Resident], steps: int) -> list[int]:
    """Bytes in use at each step."""
    changes = [0] * (steps + 1)
    for one in found:
        changes[one.first] += one.bytes
        changes[one.last + 1] -= one.bytes
    total, result = 0, []
    for change in changes[:-1]:
        total += change
        result.append(total)
    return result


def map_bytes(value: ir.Value) -> int:
    """Bytes of a map in KPU memory."""
    batch, channels, height, width = static_shape(value)
    return Layout((batch, channels, height, width)).bytes


@dataclass
class Program:
    """What the KPU will do, in order.

    layers: in order.   steps: those of the layers, and uploads and downloads between them.   detours: for each host operation that
    comes behind a layer and before another, the last layer before it and the first behind it.
    """

    layers: list[kpu.Layer] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    detours: set[tuple[int, int]] = field(default_factory=set)
    downloaded: set[ir.Value] = field(default_factory=set)

    @classmethod
    def of(cls, block: ir.Block) -> "Program":
        """The program of a block."""
        return _Reader(block).program()

    @property
    def residents(self) -> list[Resident]:
        """What is in KPU memory."""
        values = {step.makes for step in self.steps if step.makes is not None}
        return residents(self.steps, {value: map_bytes(value) for value in values})

    def plan(self) -> Allocation:
        """Where everything would lie."""
        buffers = [
            Buffer(describe(self.layers[self.steps[one.first].layer].location), one.bytes, one.first, one.last + 1, LINE)
            for one in self.residents
        ]
        return allocate(buffers)


class _Reader:
    """Makes tasks of operations, with the ways between host and KPU, and a program of tasks."""

    def __init__(self, block: ir.Block) -> None:
        self.tasks: list[Task] = []
        self.work: list[tuple[str, Any]] = []
        self.on_host: dict[ir.Value, int] = {}
        self.on_kpu: dict[ir.Value, int] = {}
        for op in block.operations:
            if isinstance(op, kpu.Layer):
                needs = [self._uploaded(value) for value in op.inputs]
                self.on_kpu[op.output] = self._add("layer", op, needs)
            elif not isinstance(op, nn.Constant):
                needs = [self._downloaded(value) for value in op.operation.operands]
                task = self._add("host", op, [need for need in needs if need is not None])
                self.on_host.update(dict.fromkeys(op.operation.results, task))

    def _add(self, kind: str, subject: Any, needs: Sequence[int]) -> int:
        self.tasks.append(Task(kind != "host", needs, kind == "download"))
        self.work.append((kind, subject))
        return len(self.tasks) - 1

    def _uploaded(self, value: ir.Value) -> int:
        if value not in self.on_kpu:
            needs = [self.on_host[value]] if value in self.on_host else []
            self.on_kpu[value] = self._add("upload", value, needs)
        return self.on_kpu[value]

    def _downloaded(self, value: ir.Value) -> int | None:
        if value not in self.on_host and producer(value, kpu.Layer) is not None:
            self.on_host[value] = self._add("download", value, [self.on_kpu[value]])
        return self.on_host.get(value)

    def program(self) -> Program:
        program = Program()
        order = ordered(self.tasks)
        numbers: dict[int, int] = {}
        for task in order:
            kind, subject = self.work[task]
            if kind == "layer":
                numbers[task] = len(program.layers)
                program.steps.append(Step(tuple(subject.inputs), subject.output, len(program.layers)))
                program.layers.append(subject)
            elif kind == "upload":
                program.steps.append(Step((), subject, len(program.layers)))
            elif kind == "download":
                program.steps.append(Step((subject,), None, len(program.layers) - 1))
                program.downloaded.add(subject)
        program.detours = self._detours(order, numbers)
        return program

    def _detours(self, order: Sequence[int], numbers: Mapping[int, int]) -> set[tuple[int, int]]:
        before: dict[int, int] = {}
        behind: dict[int, int] = {}
        for task in order:
            before[task] = max((numbers.get(need, before[need]) for need in self.tasks[task].needs), default=-1)
        for task in reversed(order):
            nearest = numbers.get(task, behind.get(task, len(numbers)))
            for need in self.tasks[task].needs:
                behind[need] = min(behind.get(need, len(numbers)), nearest)
        host = [task for task in order if self.work[task][0] == "host" and task in behind]
        return {(before[task], behind[task]) for task in host if before[task] >= 0 and behind[task] < len(numbers)}
