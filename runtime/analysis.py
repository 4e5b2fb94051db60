"""What a version 5 kmodel does on a K210, step by step, and what that costs: without a board, without running it.

Entry: a decoded kmodel of any origin. Exit: an `Analysis`; KmodelError K0409 for one that cannot be followed without
its data, or that no cost model is for, K0406 for damaged code.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal

from ..errors import KmodelError
from .cycles import CLOCK, RATES, Cost
from .kmodel.k210 import Command, Conv2d, Copy, commands
from .kmodel.names import Names, default_names, names_of
from .kmodel.section import find
from .kmodel.v5 import Model as Model5
from .kmodel.v5 import Module
from .kpu import cost as kpu
from .kpu.layout import LINE, Layout
from .occupancy import Span, occupancy
from .stackvm import cost5
from .stackvm.dialect5 import dialect_of
from .stackvm.functions5 import Registers
from .stackvm.isa5 import ISA5, Isa5
from .stackvm.shapes5 import result_shape, source_shape
from .stackvm.trace5 import LOOPS, HostCall, crooked, trace

if TYPE_CHECKING:
    from .kmodel import Model

Part = Literal["kpu", "transfer", "quantisation", "host"]
PARTS: tuple[Part, ...] = ("kpu", "transfer", "quantisation", "host")
"""What time is spent on: layers, the ways to KPU RAM and back, quantize and dequantize, everything else."""
STEP_LIMIT = 1 << 15
CALL_DEPTH = 16
Shape = tuple[int, ...]


@dataclass(frozen=True)
class Step:
    """One thing that is done.

    `kind` is "layer", a transfer or a host function, `detail` says more of what it is; `element` is what it reads.
    An output of None is of a shape that the code does not tell. `reads` and `writes` are bytes of KPU RAM.
    """

    part: Part
    kind: str
    inputs: tuple[Shape, ...]
    outputs: tuple[Shape | None, ...]
    element: str
    cost: Cost
    macs: int = 0
    detail: str = ""
    layer: kpu.LayerWork | None = None
    reads: tuple[Span, ...] = ()
    writes: tuple[Span, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """As plain data."""
        facts: dict[str, Any] = {
            "part": self.part,
            "kind": self.kind,
            "detail": self.detail,
            "element": self.element,
            "inputs": [list(shape) for shape in self.inputs],
            "outputs": [None if shape is None else list(shape) for shape in self.outputs],
            "macs": self.macs,
            "cycles": {"measured": self.cost.measured, "assumed": self.cost.assumed},
            "milliseconds": self.cost.milliseconds,
        }
        if self.layer is not None:
            layer = self.layer
            facts["layer"] = {"kernel": layer.kernel, "depthwise": layer.depthwise, "pool": layer.pool,
                              "lanes": layer.lanes, "weights": layer.weights}  # fmt: skip
        return facts


@dataclass(frozen=True)
class Analysis:
    """Everything that is known about a kmodel without running it; sizes in bytes."""

    model: Model5
    names: Names
    producer: str
    dialect: str
    steps: tuple[Step, ...]
    calls: int

    def total(self, *parts: Part) -> Cost:
        """The cost of some parts, or of all."""
        return sum((one.cost for one in self.steps if one.part in (parts or PARTS)), Cost())

    def count(self, kind: str) -> int:
        """How many steps are of a kind."""
        return sum(one.kind == kind for one in self.steps)

    @property
    def macs(self) -> dict[str, int]:
        """Multiply-adds on "kpu" and "host"."""
        return {part: sum(one.macs for one in self.steps if one.part == part) for part in ("kpu", "host")}

    @property
    def kpu_share(self) -> float | None:
        """The share of all multiply-adds that the KPU computes; None if there are none."""
        macs = self.macs
        return macs["kpu"] / sum(macs.values()) if any(macs.values()) else None

    @property
    def main_memory(self) -> dict[str, int]:
        """What the runtime must allocate: scratch memory of all modules, inputs and outputs of the network."""
        entry = self.model.entry_function()
        return {
            "scratch": sum(module.pool("data") for module in self.model.modules),
            "inputs": sum(one.range.bytes for one in entry.inputs),
            "outputs": sum(one.range.bytes for one in entry.outputs),
        }

    @property
    def constants(self) -> int:
        """Bytes of weights and tables, of all modules."""
        sections = (find(module.sections, ".rdata") for module in self.model.modules)
        return sum(len(one.body) for one in sections if one is not None)

    @cached_property
    def kpu_ram(self) -> list[int]:
        """Bytes of KPU RAM in use during each step: a map lives from its write to its last read."""
        return occupancy([(one.reads, one.writes) for one in self.steps])

    @property
    def kpu_ram_extent(self) -> int:
        """The end of the highest byte of KPU RAM that is used."""
        return max((end for one in self.steps for _, end in (*one.reads, *one.writes)), default=0)

    def as_json(self) -> dict[str, Any]:
        """Everything as plain data, with the constants that the predictions rest on."""
        total = self.total()
        entry = self.model.entry_function()
        signature = zip(("inputs", "outputs"), (self.names.inputs, self.names.outputs), (entry.inputs, entry.outputs),
                        strict=True)  # fmt: skip
        return {
            "kmodel": self.model.version,
            "dialect": self.dialect,
            "producer": self.producer,
            **{
                key: [{"name": name, "element": one.element, "shape": list(one.shape)}
                      for name, one in zip(names, parameters, strict=True)]
                for key, names, parameters in signature
            },
            "clock": CLOCK,
            "milliseconds": {
                **{part: self.total(part).milliseconds for part in PARTS},
                "total": total.milliseconds,
                "assumed": Cost(assumed=total.assumed).milliseconds,
            },
            "macs": {**self.macs, "kpu_share": self.kpu_share},
            "kpu_layers": sum(one.layer is not None for one in self.steps),
            "crossings": {"calls": self.calls, "uploads": self.count("upload"), "downloads": self.count("download")},
            "bytes": {
                "constants": self.constants,
                "main_memory": self.main_memory,
                "kpu_ram": {"peak": max(self.kpu_ram, default=0), "extent": self.kpu_ram_extent},
            },
            "steps": [one.as_json() | {"kpu_ram": used} for one, used in zip(self.steps, self.kpu_ram, strict=True)],
            "rates": [
                {"name": one.name, "cycles": one.cycles, "unit": one.unit, "measured": one.measured,
                 "source": one.source}
                for one in RATES
            ],
        }  # fmt: skip


def analyze(model: Model) -> Analysis:
    """Follow a kmodel from its entry function on."""
    if not isinstance(model, Model5):
        cause = f"there is no cost model for kmodel version {model.version}, only for version 5 on the K210"
        raise KmodelError("K0409", cause=cause, remedy="compile the network with --target k210")
    index, function = model.entry
    walk = _Walk(model)
    steps = list(islice(walk.function(index, function), STEP_LIMIT + 1))
    if len(steps) > STEP_LIMIT:
        raise KmodelError("K0409", cause=f"the kmodel has more than {STEP_LIMIT} steps")
    names, entry = names_of(model), model.entry_function()
    sizes = len(entry.inputs), len(entry.outputs)
    if names is not None and (len(names.inputs), len(names.outputs)) != sizes:
        cause = f"the kmodel names {list(names.inputs)} and {list(names.outputs)}, but has {sizes} inputs and outputs"
        raise KmodelError("K0402", cause=cause)
    producer = "" if names is None else names.producer
    dialects = ", ".join(sorted({isa.dialect for isa in walk.isas.values()}))
    return Analysis(model, names or default_names(*sizes), producer, dialects, tuple(steps), walk.calls)


@dataclass
class _Walk:
    """Where an analysis is: registers of each module, calls of KPU functions so far."""

    model: Model5
    registers: dict[int, Registers] = field(default_factory=dict)
    isas: dict[int, Isa5] = field(default_factory=dict)
    calls: int = 0

    def function(self, index: int, number: int, depth: int = 0) -> Iterator[Step]:
        """The steps of a function of module `index`."""
        if not 0 <= index < len(self.model.modules) or not 0 <= number < len(self.model.modules[index].functions):
            raise KmodelError("K0409", cause=f"function {number} of module {index} is called, but does not exist")
        if depth == CALL_DEPTH:
            raise KmodelError("K0409", cause=f"calls are nested deeper than {CALL_DEPTH}")
        module = self.model.modules[index]
        if module.kind == "k210":
            self.calls += 1
            for command in commands(module.text(module.functions[number])):
                yield from _kpu_steps(command)
        elif module.kind == "stackvm":
            yield from self._host(index, module, number, depth)
        else:
            raise KmodelError("K0409", cause=f"module {index} is of kind {module.kind!r}, which has no cost model")

    def _host(self, index: int, module: Module, number: int, depth: int) -> Iterator[Step]:
        if index not in self.isas:
            self.isas[index], self.registers[index] = ISA5[dialect_of(module)], Registers()
        for call in trace(self.isas[index], module, module.functions[number], self.registers[index]):
            yield host_step(call)
            if call.name == "call":
                yield from self.function(call.number("module_id"), call.number("function_id"), depth + 1)


def _kpu_steps(command: Command) -> Iterator[Step]:
    """A command, and the download that a layer may end with."""
    if isinstance(command, Conv2d):
        yield from _layer(command)
        return
    shapes = (command.shape,)
    if isinstance(command, Copy):
        yield Step("transfer", "copy", shapes, shapes, "u8", kpu.copy(command.shape), detail="by a KPU function")
        return
    if 0 in command.shape:
        raise crooked(f"maps cannot have shape {list(command.shape)}")
    n, channels, height, width = command.shape
    size = Layout((n, channels, height, width)).bytes
    upload = command.opcode == 0
    start = (command.target if upload else command.source).start
    span = ((start, start + size),)
    if upload:
        yield Step("transfer", "upload", shapes, shapes, "u8", kpu.upload(command.shape), writes=span)
    else:
        yield Step("transfer", "download", shapes, shapes, "u8", kpu.download(command.shape), reads=span)


def _layer(command: Conv2d) -> Iterator[Step]:
    arguments, work = command.arguments, kpu.LayerWork.of(command.arguments, command.batches)
    made = arguments.output_shape(work.shape[0])
    source, target = arguments.image_src_addr * LINE, arguments.image_dst_addr * LINE
    kernel = f"{work.kernel}x{work.kernel}"
    detail = f"depthwise {kernel}" if work.depthwise else kernel
    yield Step(
        "kpu", "layer", (work.shape,), (made,), "u8", work.cost, work.macs,
        detail if work.pool == "none" else f"{detail}, {work.pool}", work,
        reads=((source, source + Layout(work.shape).bytes),), writes=((target, target + Layout(made).bytes),),
    )  # fmt: skip
    if arguments.send_data_out and command.output.bytes:
        size = command.output.bytes
        yield Step("transfer", "download", (made,), (made,), "u8", kpu.download((size,)), detail="of a layer's result")


_KINDS = ("binary_op", "unary_op", "compare_op", "reduce_op", "reduce_arg_op", "resize_mode")


def host_step(call: HostCall) -> Step:
    """What one host function does."""
    if call.name == "call":
        shapes = [one.shape for one in call.arguments]
        inputs = call.number("num_src")
        return Step("host", "call", tuple(shapes[:inputs]), tuple(shapes[inputs:]), "u8", cost5.cost(call))
    if call.name == LOOPS:
        detail = f"{call.number('instructions')} instructions"
        return Step("host", call.name, (), (), call.element, cost5.cost(call), detail=detail)
    sources = [call.shapes[name] for name in ("rshape_src2", "rshape_kernel") if name in call.shapes]
    detail = " ".join(str(call.values[name]) for name in _KINDS if name in call.values)
    quantisation = call.name in ("quantize", "dequantize")
    return Step(
        "quantisation" if quantisation else "host",
        call.name,
        (source_shape(call), *sources),
        (result_shape(call),),
        call.element,
        cost5.cost(call),
        cost5.macs(call),
        detail,
    )
