"""From groups of `nn` operations in their buffers to functions on memory: kernels, and the steps that call them.

On entry: one function of `nn` operations with buffers (`native-assign-layouts`) and groups (`native-form-groups`). On
exit: MLIR text of upstream's dialects, in which every address is known: a kernel for each different piece of work, a
step for each call of one; the constants as kernels read them; the bytes of memory that a run needs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from ...dialects import nn
from ...dialects.function import argument_names, check_static, entry_function, result_names
from ...dialects.mlir import ir
from ...dialects.tensors import elements_attribute
from ...passes.buffers.allocation import Buffer as Lifetime
from ...passes.buffers.allocation import allocate
from ...passes.pipeline import register_pass
from ..memory import ARENA, CALLER, PlannedBuffer, computes, node_of
from ..unsupported import Unsupported, refuse
from .assign_layouts import buffer_of
from .form_groups import ALIASES, PLACED, groups_of
from .generators import EXPRESSIONS, LOWERINGS, VIEWS
from .group import Group
from .kernel import Argument, Kernel, Scratch
from .kernels.pointwise import lower_pointwise
from .program import Step, argument_text, program_text
from .tabulate import tabulated
from .target import TargetSpec, named

ALIGNMENT = 64
"""Bytes: what constants and buffers begin at a multiple of, a cache line and the widest vector."""


@dataclass(frozen=True)
class Program:
    """A network as functions on memory.

    text: MLIR. arena_bytes: memory for a run. bound: bytes that no plan can do without. steps: what is executed one
    after the other. buffers: what lies in the arena and in the caller's memory.
    """

    text: str
    arena_bytes: int
    bound: int
    steps: Sequence[Step]
    buffers: Sequence[PlannedBuffer]


def lower_network(module: ir.Module, spec: TargetSpec, weights: Weights) -> Program:
    """The program of a network for a CPU; its constants are added to `weights`.

    Raises `UnsupportedError` K0602 that lists every operation without a generator, K0603 for dimensions that are not
    known.
    """
    function = entry_function(module)
    check_static(function)
    block = function.regions[0].blocks[0]
    *_, end = block.operations
    groups = groups_of(module)
    calls, problems = [], []
    for number, group in enumerate(groups):
        try:
            calls += [Call(number, kernel) for kernel in lower_group(group, spec)]
        except Unsupported as error:
            problems.append((group.anchor, error))
    refuse(problems, "machine code")
    memory = Memory(block.arguments, list(end.operation.operands), weights)
    for call in calls:
        for argument in call.kernel.arguments:
            memory.use(argument, call.group)
    names = [*(f"input {name}" for name in argument_names(function)), *(f"output {n}" for n in result_names(function))]
    return _written(calls, memory, groups, names)


@register_pass
@dataclass(frozen=True)
class Lower:
    """Write the kernels of a network and the steps that call them; the constants become `native.weights`.

    cpu: the name of the CPU, as for the layouts.
    """

    name: ClassVar[str] = "native-lower"
    cpu: str = "x86-64-v3"

    def apply(self, module: ir.Module) -> None:
        weights = Weights()
        program = lower_network(module, named(self.cpu), weights)
        written = ir.Module.parse(program.text)
        for op in list(module.body.operations):
            op.operation.erase()
        for op in list(written.body.operations):
            module.body.append(op)
        with ir.Location.unknown():
            constants = np.frombuffer(bytes(weights.data), np.int8)
            module.operation.attributes["native.weights"] = elements_attribute(constants)
            arena = ir.IntegerAttr.get(ir.IntegerType.get_signless(64), program.arena_bytes)
            module.operation.attributes["native.arena"] = arena


@dataclass(frozen=True)
class Call:
    """A kernel of a group."""

    group: int
    kernel: Kernel


def lower_group(group: Group, spec: TargetSpec) -> list[Kernel]:
    """The kernels of a group. Raises `Unsupported`."""
    buffers = {value: buffer_of(value) for value in [*group.inputs, *group.results] if nn.constant_value(value) is None}
    lower = LOWERINGS.get(type(group.anchor))
    if lower is None and (type(group.anchor) in EXPRESSIONS or type(group.anchor) in VIEWS):
        lower = lower_pointwise
    if lower is None:
        raise Unsupported("there is no machine code for it yet")
    return lower(tabulated(group, spec), buffers, spec)


class Weights:
    """The constants of a network as kernels read them, each once; `data` is what the file holds."""

    def __init__(self) -> None:
        self.data = bytearray()
        self._places: dict[bytes, int] = {}

    def place(self, array: Any) -> int:
        """The offset of an array, which is added if it is not there."""
        stored = array.tobytes()
        key = hashlib.sha256(stored).digest()
        if key not in self._places:
            self.data += bytes(-len(self.data) % ALIGNMENT)
            self._places[key] = len(self.data)
            self.data += stored
        return self._places[key]


@dataclass
class Block:
    """What values share: its bytes, and the first and last group that touches it."""

    bytes: int
    first: int
    last: int


class Memory:
    """Where everything lies: constants in the file, inputs and outputs where the caller has them, the rest in an arena.

    Values that are others under another shape, or parts of a concatenation, share a block: that of their `root`.
    """

    def __init__(self, arguments: Sequence[ir.Value], results: Sequence[ir.Value], weights: Weights) -> None:
        self.arguments = {value: number for number, value in enumerate(arguments)}
        self.count = len(arguments) + len(results)
        self.outputs = {root_of(value): number for number, value in enumerate(results, len(arguments))}
        self.weights = weights
        self.blocks: dict[Any, Block] = {}

    def use(self, argument: Argument, group: int) -> None:
        """A kernel of a group is called with this."""
        if isinstance(argument.source, np.ndarray):
            self.weights.place(argument.source)
            return
        root = argument.source if isinstance(argument.source, Scratch) else root_of(argument.source)
        size = argument.buffer.bytes if isinstance(root, Scratch) else max(buffer_of(root).bytes, argument.buffer.bytes)
        block = self.blocks.setdefault(root, Block(size, group, group))
        block.bytes, block.last = max(block.bytes, size), group

    def plan(self) -> Plan:
        """Offsets in the arena."""
        inside = {root: one for root, one in self.blocks.items() if self.argument(root) is None}
        lifetimes = [
            Lifetime(f"block {number}", one.bytes + ALIGNMENT, one.first, one.last + 1, ALIGNMENT)
            for number, one in enumerate(inside.values())
        ]
        allocation = allocate(lifetimes)
        return Plan(dict(zip(inside, allocation.offsets, strict=True)), allocation.peak, allocation.lower_bound)

    def argument(self, root: Any) -> int | None:
        """The number of the argument that holds a block, if it lies where the caller has it."""
        return self.arguments.get(root, self.outputs.get(root))

    def place(self, argument: Argument, plan: Plan) -> tuple[str, int]:
        """Which memory an argument lies in ("weights", "arena", "arguments"), and its offset, or number."""
        source = argument.source
        if isinstance(source, np.ndarray):
            return "weights", self.weights.place(source)
        root = source if isinstance(source, Scratch) else root_of(source)
        number = self.argument(root)
        return ("arena", plan.offsets[root]) if number is None else ("arguments", number)


@dataclass(frozen=True)
class Plan:
    """Where blocks lie in the arena, and its bytes."""

    offsets: Mapping[Any, int] = field(default_factory=dict)
    peak: int = 0
    bound: int = 0


def root_of(value: ir.Value) -> ir.Value:
    """The value whose block holds a value."""
    while True:
        owner = value.owner.opview if isinstance(value, ir.OpResult) else None
        if isinstance(owner, ALIASES):
            value = owner.operation.operands[0]
            continue
        placed = [use.owner for use in value.uses if PLACED in use.owner.attributes]
        if not placed:
            return value
        value = placed[0].results[0]


def _written(calls: Sequence[Call], memory: Memory, groups: Sequence[Group], names: Sequence[str]) -> Program:
    """The program; `names` are those of the inputs and outputs."""
    plan = memory.plan()
    kernel_names: dict[str, str] = {}
    called = {name: text for call in calls for name, text in call.kernel.text.called.items()}
    lines: list[str] = []
    bodies: list[str] = []
    steps: list[Step] = []
    weights, arena = max(len(memory.weights.data), 1), max(plan.peak, 1)
    for number, call in enumerate(calls):
        text = call.kernel.function("KERNEL")
        name = kernel_names.get(text)
        if name is None:
            name = kernel_names[text] = f"{call.kernel.family}_{len(kernel_names)}"
            lines.append(text.replace("@KERNEL", f"@{name}", 1))
        computed = tuple(dict.fromkeys(computes(op) for op in groups[call.group].operations))
        steps.append(Step(f"step_{number}", call.kernel.tasks, name, computed))
        bodies.append(_step(steps[-1].name, name, call.kernel, memory, plan, weights, arena))
    text = "".join([*called.values(), *lines, *bodies, program_text(steps, weights, arena, memory.count)])
    return Program(text, plan.peak, plan.bound, steps, _buffers(calls, memory, plan, groups, names))


def _buffers(
    calls: Sequence[Call], memory: Memory, plan: Plan, groups: Sequence[Group], names: Sequence[str]
) -> list[PlannedBuffer]:
    """What lies where, from which step to which; a block is for the operation that makes its value."""
    steps: dict[int, list[int]] = {}
    for number, call in enumerate(calls):
        steps.setdefault(call.group, []).append(number)
    buffers = []
    for root, block in memory.blocks.items():
        argument, first, last = memory.argument(root), steps[block.first][0], steps[block.last][-1]
        type_ = f"{block.bytes}xi8" if isinstance(root, Scratch) else buffer_of(root).dimensions
        if argument is not None:
            buffers.append(PlannedBuffer(CALLER, None, block.bytes, type_, first, last, names[argument]))
            continue
        what = node_of(groups[block.first].anchor if isinstance(root, Scratch) else root.owner)
        buffers.append(PlannedBuffer(ARENA, plan.offsets[root], block.bytes + ALIGNMENT, type_, first, last, what))
    return buffers


def _step(name: str, kernel_name: str, kernel: Kernel, memory: Memory, plan: Plan, weights: int, arena: int) -> str:
    """A function that calls a kernel with what it works on."""
    spaces = {"weights": f"memref<{weights}xi8>", "arena": f"memref<{arena}xi8>"}
    lines: list[str] = []
    names: list[str] = []
    made: dict[tuple[str, int, str], str] = {}
    for argument in kernel.arguments:
        where, offset = memory.place(argument, plan)
        type_ = argument.buffer.type
        if (where, offset, type_) not in made:
            if where == "arguments":
                more, value = argument_text(offset, type_, memory.count)
                lines += more
            else:
                value = f"%v{len(made)}"
                lines.append(f"%o{len(made)} = arith.constant {offset} : index")
                lines.append(f"{value} = memref.view %{where}[%o{len(made)}][] : {spaces[where]} to {type_}")
            made[where, offset, type_] = value
        names.append(made[where, offset, type_])
    types = [argument.buffer.type for argument in kernel.arguments]
    called = ", ".join([*names, "%lo", "%hi"])
    lines.append(f"func.call @{kernel_name}({called}) : ({', '.join([*types, 'index', 'index'])}) -> ()")
    arguments = f"memref<{memory.count}xindex>"
    head = f"%weights: {spaces['weights']}, %arena: {spaces['arena']}, %arguments: {arguments}, %lo: index, %hi: index"
    body = "\n".join(f"  {line}" for line in lines)
    return f"func.func private @{name}({head}) {{\n{body}\n  return\n}}\n"
