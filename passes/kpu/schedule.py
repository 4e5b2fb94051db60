"""Order operations so that the KPU is called seldom: what is the KPU's goes on as long as anything of it can run.

Only data dependencies bind. Every call of a KPU function costs the host thousands of cycles, whatever it does.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

from ...dialects import nn
from ...dialects.function import entry_function
from ...dialects.kpu import KPUOp
from ...dialects.mlir import ir
from ..pipeline import register_pass


def device_of(op: Any) -> bool:
    """Whether an operation runs on the KPU."""
    return isinstance(op, KPUOp)


def scheduled(operations: list[Any]) -> list[Any]:
    """The operations in an order that changes between host and KPU as late as possible; otherwise as they were."""
    waiting = {op.operation: sum(isinstance(v, ir.OpResult) for v in op.operation.operands) for op in operations}
    users: dict[Any, list[Any]] = {}
    for op in operations:
        for value in op.operation.operands:
            if isinstance(value, ir.OpResult):
                users.setdefault(value.owner, []).append(op)
    ready: dict[bool, list[Any]] = {False: [], True: []}
    number = {op.operation: i for i, op in enumerate(operations)}
    for op in operations:
        if waiting[op.operation] == 0:
            ready[device_of(op)].append(op)
    order: list[Any] = []
    on_kpu = False
    while len(order) < len(operations):
        if not ready[on_kpu]:
            on_kpu = not on_kpu
        op = min(ready[on_kpu], key=lambda candidate: number[candidate.operation])
        ready[on_kpu].remove(op)
        order.append(op)
        for user in users.get(op.operation, []):
            waiting[user.operation] -= 1
            if waiting[user.operation] == 0:
                ready[device_of(user)].append(user)
    return order


@register_pass
@dataclass(frozen=True)
class Schedule:
    """Bring the KPU's operations together, as far as data dependencies allow."""

    name: ClassVar[str] = "kpu-schedule"

    def apply(self, module: ir.Module) -> None:
        block = entry_function(module).regions[0].blocks[0]
        *body, end = list(block.operations)
        constants = [op for op in body if isinstance(op, nn.Constant)]
        others = [op for op in body if not isinstance(op, nn.Constant)]
        for op in (*constants, *scheduled_behind(others, constants)):
            op.operation.move_before(end.operation)


def scheduled_behind(operations: list[Any], constants: list[Any]) -> list[Any]:
    """`scheduled`, with constants as given."""
    known = {op.operation for op in constants}
    return [op for op in scheduled([*constants, *operations]) if op.operation not in known]
