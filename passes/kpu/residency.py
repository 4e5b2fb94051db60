"""Which maps are in KPU memory at which step, foretold from layers in real numbers.

On entry: a block of layers and host operations; layers that only say anew what bytes stand for will not run. A map that
the host made is uploaded before the first layer that reads it, one that the host reads is downloaded; order and
neighbourhood are as `kpu-schedule` and `kpu-plan-maps` will choose them. Maps are known by their numbers here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...dialects import kpu, nn
from ...dialects.mlir import describe, ir
from ...dialects.tensors import static_shape
from ...runtime.kpu.layout import LINE, Layout
from ...runtime.kpu.pooling import POOL_BY_NAME
from ..buffers.allocation import Allocation, Buffer, allocate
from ..rewriter import producer
from .given import Given
from .rules import ROWS
from .schedule import Task, ordered


@dataclass(frozen=True)
class Map:
    """A map's shape, and what a row of all its channels takes in KPU memory."""

    shape: tuple[int, int, int, int]
    row_bytes: int

    @classmethod
    def of(cls, value: ir.Value) -> "Map":
        """The map that a value is."""
        batch, channels, height, width = static_shape(value)
        return cls((batch, channels, height, width), Layout((batch, channels, 1, width)).bytes)

    @property
    def height(self) -> int:
        """Rows."""
        return self.shape[2]

    @property
    def bytes(self) -> int:
        """Of all rows."""
        return self.row_bytes * self.height


@dataclass(frozen=True)
class LayerFacts:
    """What a layer reads and makes; its pooling reads `window` rows for one, and goes on by `stride`."""

    reads: tuple[int, ...]
    makes: int
    kernel: int
    depthwise: bool
    window: int
    stride: int


@dataclass(frozen=True)
class Step:
    """What the KPU does at once: the maps that it reads, and the one that it makes, if it makes one.

    `layer` is the number of the layer that it is, or of the one that an upload is for or a download follows.
    """

    reads: tuple[int, ...]
    makes: int | None
    layer: int


@dataclass(frozen=True)
class Resident:
    """Bytes in KPU memory from step `first` to step `last`; `joined`: the step that reads several maps from them."""

    bytes: int
    first: int
    last: int
    maps: tuple[int, ...]
    joined: int | None = None


def residents(steps: Sequence[Step], sizes: Mapping[int, int]) -> list[Resident]:
    """What is in KPU memory, maps of one layer as one; a map that is wanted behind others twice is there twice."""
    first: dict[int, int] = {}
    last: dict[int, int] = {}
    for at, step in enumerate(steps):
        for read in step.reads:
            last[read] = at
        if step.makes is not None:
            first[step.makes] = last[step.makes] = at
    found = []
    placed: set[int] = set()
    for at, step in enumerate(steps):
        if len(step.reads) > 1:
            own = set(step.reads) - placed
            placed |= own
            begin, end = min([at, *(first[one] for one in own)]), max([at, *(last[one] for one in own)])
            found.append(Resident(sum(sizes[one] for one in step.reads), begin, end, step.reads, at))
    return found + [Resident(sizes[one], first[one], last[one], (one,)) for one in first if one not in placed]


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


@dataclass
class Program:
    """What the KPU will do, in order.

    layers, facts: in order.   steps: those of the layers, and uploads and downloads between them.   maps: by number.
    downloaded: the maps that the host reads.   detours: for each host operation that comes behind a layer and before
    another, the last layer before it and the first behind it.
    """

    layers: list[kpu.Layer] = field(default_factory=list)
    facts: list[LayerFacts] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    maps: dict[int, Map] = field(default_factory=dict)
    detours: set[tuple[int, int]] = field(default_factory=set)
    downloaded: set[int] = field(default_factory=set)

    @classmethod
    def of(cls, block: ir.Block) -> "Program":
        """The program of a block."""
        return _Reader(block).program()

    @property
    def residents(self) -> list[Resident]:
        """What is in KPU memory."""
        return residents(self.steps, {number: one.bytes for number, one in self.maps.items()})

    def usage(self) -> list[int]:
        """Bytes in use at each step."""
        return usage(self.residents, len(self.steps))

    def fits(self, capacity: int) -> bool:
        """Whether the KPU can do it with `capacity` bytes of memory."""
        return self.plan().peak <= capacity and not self.tall()

    def tall(self) -> list[int]:
        """The layers that read more rows than the KPU can count."""
        return [number for number, layer in enumerate(self.facts) if self.maps[layer.reads[0]].height > ROWS]

    def plan(self) -> Allocation:
        """Where everything would lie."""
        buffers = [
            Buffer(
                describe(self.layers[self.steps[one.first].layer].location), one.bytes, one.first, one.last + 1, LINE
            )
            for one in self.residents
        ]
        return allocate(buffers)


class _Reader:
    """Makes tasks of operations, with the ways between host and KPU, and a program of tasks."""

    def __init__(self, block: ir.Block) -> None:
        self.maps: dict[int, Map] = {}
        self.numbers: dict[ir.Value, int] = {}
        self.tasks: list[Task] = []
        self.work: list[tuple[str, Any]] = []
        self.on_host: dict[ir.Value, int] = {}
        self.on_kpu: dict[ir.Value, int] = {}
        given = Given(block).sources
        for op in block.operations:
            if isinstance(op, kpu.Layer) and op.output not in given:
                needs = [self._uploaded(value) for value in op.inputs]
                self.on_kpu[op.output] = self._add("layer", op, needs, self._map(op.output))
            elif not isinstance(op, nn.Constant):
                waits = [self._downloaded(value) for value in op.operation.operands]
                task = self._add("host", op, [task for task in waits if task is not None])
                self.on_host.update(dict.fromkeys(op.operation.results, task))

    def _map(self, value: ir.Value) -> int:
        """The bytes of a new map."""
        self.numbers[value] = len(self.maps)
        self.maps[len(self.maps)] = one = Map.of(value)
        return one.bytes

    def _add(self, kind: str, subject: Any, needs: Sequence[int], size: int = 0) -> int:
        self.tasks.append(Task(kind != "host", needs, kind == "download", size))
        self.work.append((kind, subject))
        return len(self.tasks) - 1

    def _uploaded(self, value: ir.Value) -> int:
        if value not in self.on_kpu:
            needs = [self.on_host[value]] if value in self.on_host else []
            self.on_kpu[value] = self._add("upload", value, needs, self._map(value))
        return self.on_kpu[value]

    def _downloaded(self, value: ir.Value) -> int | None:
        if value not in self.on_host and value in self.on_kpu and producer(value, kpu.Layer) is not None:
            self.on_host[value] = self._add("download", value, [self.on_kpu[value]])
        return self.on_host.get(value)

    def program(self) -> Program:
        """The tasks in order."""
        program = Program(maps=self.maps)
        order = ordered(self.tasks)
        layers: dict[int, int] = {}
        for task in order:
            kind, subject = self.work[task]
            if kind == "layer":
                layers[task] = len(program.layers)
                facts = self._facts(subject)
                program.steps.append(Step(facts.reads, facts.makes, len(program.layers)))
                program.facts.append(facts)
                program.layers.append(subject)
            elif kind == "upload":
                program.steps.append(Step((), self.numbers[subject], len(program.layers)))
            elif kind == "download":
                program.steps.append(Step((self.numbers[subject],), None, len(program.layers) - 1))
                program.downloaded.add(self.numbers[subject])
        program.detours = self._detours(order, layers)
        return program

    def _facts(self, layer: kpu.Layer) -> LayerFacts:
        pool = POOL_BY_NAME[layer.pool]
        reads = tuple(self.numbers[value] for value in layer.inputs)
        window = 1 if pool.kind == "sample" else pool.window
        return LayerFacts(reads, self.numbers[layer.output], layer.kernel, layer.depthwise, window, pool.stride)

    def _detours(self, order: Sequence[int], layers: Mapping[int, int]) -> set[tuple[int, int]]:
        before: dict[int, int] = {}
        behind: dict[int, int] = {}
        for task in order:
            before[task] = max((layers.get(need, before[need]) for need in self.tasks[task].needs), default=-1)
        for task in reversed(order):
            nearest = layers.get(task, behind.get(task, len(layers)))
            for need in self.tasks[task].needs:
                behind[need] = min(behind.get(need, len(layers)), nearest)
        host = [task for task in order if self.work[task][0] == "host" and task in behind]
        return {(before[task], behind[task]) for task in host if before[task] >= 0 and behind[task] < len(layers)}
