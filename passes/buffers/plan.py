"""Gives every intermediate result a place in the scratch memory, so that execution allocates nothing.

On entry: one function of `nn` operations with static shapes. On exit: each operation that makes a buffer carries
`nn.offsets`, the byte offsets of its results in scratch memory (-1: the result is an output of the network and is
written there) and of what it needs while it runs, and the function carries `nn.scratch`, the bytes needed. Results of
reshapes are their operand's buffer under another shape, and have none of their own. Buffers that are never alive
together share memory.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from ...dialects import kpu, nn
from ...dialects.function import entry_function
from ...dialects.mlir import describe, ir
from ...dialects.tensors import dtype_of, static_shape
from ..pipeline import register_pass
from .allocation import Buffer, allocate

OFFSETS = "nn.offsets"
SCRATCH = "nn.scratch"
ALIGNMENT = 8
ALIASES = (nn.Reshape, nn.Squeeze, nn.Unsqueeze, nn.StorageCast)
"""Operations whose result is the operand's bytes."""


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
    """Memory that an operation needs while it runs: a selection wants its condition as float32."""
    return 4 * math.prod(static_shape(op.condition)) if isinstance(op, nn.Where) else 0


def bytes_of(value: ir.Value) -> int:
    """Size of a dense tensor."""
    return math.prod(static_shape(value)) * dtype_of(value).itemsize


def _operations(block: ir.Block) -> list[Any]:
    """What makes buffers, in order of execution."""
    quiet = (nn.Constant, *ALIASES)
    return [op for op in block.operations if not isinstance(op, quiet) and op.operation.name != "func.return"]


def _buffer(op: Any, size: int, start: int, end: int) -> Buffer:
    return Buffer(name=describe(op.location), size=max(size, 1), start=start, end=end, alignment=ALIGNMENT)


@register_pass
@dataclass(frozen=True)
class PlanMemory:
    """Give every intermediate result an offset in scratch memory; lifetimes that do not meet share bytes.

    seconds: how long to search for a better plan than the first good one.
    """

    name: ClassVar[str] = "nn-plan-memory"
    seconds: float = 0.0

    def apply(self, module: ir.Module) -> None:
        function = entry_function(module)
        block = function.regions[0].blocks[0]
        operations = _operations(block)
        outputs = output_roots(list(block.operations[len(block.operations) - 1].operands))
        steps = {op.operation: step for step, op in enumerate(operations)}
        last_use: dict[ir.Value, int] = {}
        for op in block.operations:
            step = steps.get(op.operation)
            for value in op.operation.operands:
                if step is not None:
                    last_use[root(value)] = step
        buffers: list[Buffer] = []
        needed: list[list[int | None]] = []
        for step, op in enumerate(operations):
            needed.append([])
            for value in op.operation.results:
                elsewhere = value in outputs or isinstance(op, ON_DEVICE)
                needed[-1].append(None if elsewhere else len(buffers))
                if not elsewhere:
                    buffers.append(_buffer(op, bytes_of(value), step, max(last_use.get(value, 0), step) + 1))
            if working_bytes(op):
                needed[-1].append(len(buffers))
                buffers.append(_buffer(op, working_bytes(op), step, step + 1))
        plan = allocate(buffers, seconds=self.seconds)
        for op, numbers in zip(operations, needed, strict=True):
            places = [-1 if number is None else plan.offsets[number] for number in numbers]
            op.operation.attributes[OFFSETS] = ir.DenseI64ArrayAttr.get(places)
        function.attributes[SCRATCH] = ir.IntegerAttr.get(ir.IntegerType.get_signless(64), plan.peak)
