"""Gives every intermediate result a place in the scratch memory, so that execution allocates nothing.

On entry: one function of `nn` operations with static shapes. On exit: each operation that makes a buffer carries
`nn.offsets`, the byte offsets of its results in scratch memory (-1: the result is an output of the network and is
written there) and of what it needs while it runs, and the function carries `nn.scratch`, the bytes needed. Results of
reshapes are their operand's buffer under another shape, and have none of their own. Buffers that are never alive
together share memory. Where inputs and outputs lie in the same memory, they are planned with the rest, and the function
carries `nn.inputs`, the offsets of its arguments (-1: the accelerator's memory).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ...dialects import kpu, nn
from ...dialects.function import argument_names, entry_function
from ...dialects.mlir import describe, ir
from ...dialects.tensors import dtype_of, static_shape
from ..pipeline import register_pass
from ..rewriter import users
from .allocation import Buffer, allocate

OFFSETS = "nn.offsets"
SCRATCH = "nn.scratch"
BOUND = "nn.bound"
"""Bytes that no plan can do without."""
INPUTS = "nn.inputs"
NOWHERE = -1
"""The offset of what is not in the planned memory."""
ALIGNMENT = 8
ALIASES = (nn.Reshape, nn.Squeeze, nn.Unsqueeze, nn.StorageCast)
"""Operations whose result is the operand's bytes."""


SEARCH = 2.0
"""How many seconds to look for a plan that fits when the first good one does not."""
ON_DEVICE = (kpu.Upload, kpu.Conv2D, kpu.Select)
"""Operations whose results lie in the accelerator's memory, not in main memory."""


def root(value: ir.Value) -> ir.Value:
    """The value whose buffer holds `value`: itself, or what it is a reshape of."""
    while isinstance(value, ir.OpResult) and isinstance(value.owner, ALIASES):
        value = value.owner.operands[0]
    return value


def output_roots(results: Sequence[ir.Value]) -> dict[ir.Value, int]:
    """Which buffers are written where the network's outputs are: the first output that each holds."""
    owned: dict[ir.Value, int] = {}
    for number, value in enumerate(results):
        source = root(value)
        if isinstance(source, ir.OpResult) and not isinstance(source.owner, nn.Constant):
            owned.setdefault(source, number)
    return owned


def working_bytes(op: Any) -> int:
    """Memory that an operation needs while it runs: a selection of float32 wants its condition as such, too."""
    selects = isinstance(op, nn.Where) and dtype_of(op.output) == np.float32
    return 4 * math.prod(static_shape(op.condition)) if selects else 0


def _operations(block: ir.Block) -> list[Any]:
    """What makes buffers, in order of execution."""
    quiet = (nn.Constant, *ALIASES)
    return [op for op in block.operations if not isinstance(op, quiet) and op.operation.name != "func.return"]


def _buffer(name: str, size: int, start: int, end: int) -> Buffer:
    return Buffer(name=name, size=max(size, 1), start=start, end=end, alignment=ALIGNMENT)


def uploaded(argument: ir.Value) -> kpu.Upload | None:
    """The upload of an input that is used for nothing else, under whatever shape."""
    found = users(argument)
    while len(found) == 1 and isinstance(found[0], ALIASES):
        found = users(found[0].operation.results[0])
    return found[0] if len(found) == 1 and isinstance(found[0], kpu.Upload) else None


@register_pass
@dataclass(frozen=True)
class PlanMemory:
    """Give every intermediate result an offset in scratch memory; lifetimes that do not meet share bytes.

    whole: whether inputs and outputs lie there too. capacity: bytes there are, 0 if that is not known.
    seconds: how long to search for a better plan than the first good one.
    """

    name: ClassVar[str] = "nn-plan-memory"
    whole: bool = False
    capacity: int = 0
    seconds: float = 0.0

    def apply(self, module: ir.Module) -> None:
        function = entry_function(module)
        block = function.regions[0].blocks[0]
        operations = _operations(block)
        results = list(block.operations[len(block.operations) - 1].operands)
        elsewhere = {} if self.whole else output_roots(results)
        last_use = _last_uses(block, operations, results if self.whole else [])
        buffers: list[Buffer] = []

        def place(name: str, size: int, start: int, end: int) -> int:
            buffers.append(_buffer(name, size, start, max(end, start) + 1))
            return len(buffers) - 1

        inputs: list[int | None] = []
        for name, argument in zip(argument_names(function), block.arguments if self.whole else (), strict=False):
            on_device = len(block.arguments) == 1 and uploaded(argument) is not None
            inputs.append(
                None if on_device else place(f"input {name}", kpu.bytes_of(argument), 0, last_use.get(argument, 0))
            )
        needed: list[list[int | None]] = []
        for step, op in enumerate(operations, 1):
            needed.append([])
            name = describe(op.location)
            for value in op.operation.results:
                outside = value in elsewhere or isinstance(op, ON_DEVICE)
                needed[-1].append(None if outside else place(name, kpu.bytes_of(value), step, last_use.get(value, 0)))
            if working_bytes(op):
                needed[-1].append(place(name, working_bytes(op), step, step))
        plan = allocate(buffers, seconds=self.seconds)
        if self.capacity and plan.peak > self.capacity:
            plan = allocate(buffers, seconds=max(self.seconds, SEARCH), capacity=self.capacity)

        def offsets(numbers: list[int | None]) -> ir.Attribute:
            return ir.DenseI64ArrayAttr.get([NOWHERE if number is None else plan.offsets[number] for number in numbers])

        for op, numbers in zip(operations, needed, strict=True):
            op.operation.attributes[OFFSETS] = offsets(numbers)
        if self.whole:
            function.attributes[INPUTS] = offsets(inputs)
        for name, size in ((SCRATCH, plan.peak), (BOUND, plan.lower_bound)):
            function.attributes[name] = ir.IntegerAttr.get(ir.IntegerType.get_signless(64), size)


def _last_uses(block: ir.Block, operations: list[Any], kept: Sequence[ir.Value]) -> dict[ir.Value, int]:
    """The last step at which each buffer is read, counted from 1; what is `kept` is needed after the last one."""
    steps = {op.operation: step for step, op in enumerate(operations, 1)}
    last_use: dict[ir.Value, int] = {}
    for op in block.operations:
        step = steps.get(op.operation)
        for value in op.operation.operands:
            if step is not None:
                last_use[root(value)] = step
    return last_use | {root(value): len(operations) for value in kept}
