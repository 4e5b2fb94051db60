"""Order operations so that the KPU is called seldom: what is the KPU's goes on as long as anything of it can run.

Only data dependencies bind. Every call of a KPU function costs the host thousands of cycles, whatever it does. What
leaves the KPU leaves it at once, and what is wanted later comes into its memory later, where that costs no call.
"""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from ...dialects import kpu, nn
from ...dialects.function import entry_function
from ...dialects.kpu import KPUOp
from ...dialects.mlir import ir
from ...dialects.tensors import static_shape
from ...runtime.kpu.layout import Layout
from ..pipeline import register_pass


@dataclass(frozen=True)
class Task:
    """Something that host or KPU does after the tasks of the numbers `needs`; `urgent` ones go before others.

    bytes: of the map that it makes in KPU memory.
    """

    on_kpu: bool
    needs: Sequence[int]
    urgent: bool = False
    bytes: int = 0


def ordered(tasks: Sequence[Task]) -> list[int]:
    """The numbers of tasks in an order with few changes between host and KPU and few bytes in KPU memory."""
    return _sunk(tasks, _collected(tasks))


def _sunk(tasks: Sequence[Task], order: list[int]) -> list[int]:
    """The KPU's tasks right before the first one that needs them, unless that keeps more bytes alive than it saves."""
    place = {number: at for at, number in enumerate(order)}
    users: dict[int, list[int]] = {}
    for number, task in enumerate(tasks):
        for needed in task.needs:
            users.setdefault(needed, []).append(number)
    result: list[int] = []  # from the end
    for number in reversed(order):
        task, wanting = tasks[number], users.get(number, [])
        maps = [needed for needed in set(task.needs) if any(tasks[source].on_kpu for source in tasks[needed].needs)]
        kept = sum(tasks[needed].bytes for needed in maps if max(users[needed], key=place.__getitem__) == number)
        if task.bytes and task.bytes >= kept and all(tasks[user].on_kpu for user in wanting):
            first = max((result.index(user) for user in wanting), default=len(result) - 1)
            result.insert(first + 1, number)
        else:
            result.append(number)
    return result[::-1]


def _collected(tasks: Sequence[Task]) -> list[int]:
    """The numbers of tasks, host and KPU taking turns as seldom as possible; otherwise as they were."""
    waiting = [len(task.needs) for task in tasks]
    followers: list[list[int]] = [[] for _ in tasks]
    for number, task in enumerate(tasks):
        for needed in task.needs:
            followers[needed].append(number)
    ready: dict[bool, list[tuple[bool, int]]] = {False: [], True: []}

    def release(number: int) -> None:
        heapq.heappush(ready[tasks[number].on_kpu], (not tasks[number].urgent, number))

    for number, count in enumerate(waiting):
        if count == 0:
            release(number)
    order: list[int] = []
    on_kpu = False
    while len(order) < len(tasks):
        if not ready[on_kpu]:
            on_kpu = not on_kpu
        _, number = heapq.heappop(ready[on_kpu])
        order.append(number)
        for follower in followers[number]:
            waiting[follower] -= 1
            if waiting[follower] == 0:
                release(follower)
    return order


def map_bytes(value: ir.Value) -> int:
    """Bytes of a map in KPU memory."""
    batch, channels, height, width = static_shape(value)
    return Layout((batch, channels, height, width)).bytes


def scheduled(operations: Sequence[Any]) -> list[Any]:
    """Operations in the order of their tasks; what defines other operands of theirs is there already."""
    number = {op.operation: i for i, op in enumerate(operations)}
    tasks = []
    for op in operations:
        owners = [value.owner for value in op.operation.operands if isinstance(value, ir.OpResult)]
        needs = [number[owner] for owner in owners if owner in number]
        tasks.append(Task(isinstance(op, KPUOp), needs, isinstance(op, kpu.Download), made_bytes(op)))
    return [operations[i] for i in ordered(tasks)]


def made_bytes(op: Any) -> int:
    """Bytes of the map that an operation makes in KPU memory."""
    return map_bytes(op.output) if isinstance(op, KPUOp) and not isinstance(op, kpu.Download) else 0


@register_pass
@dataclass(frozen=True)
class Schedule:
    """Bring the KPU's operations together, as far as data dependencies allow."""

    name: ClassVar[str] = "kpu-schedule"

    def apply(self, module: ir.Module) -> None:
        *body, end = list(entry_function(module).regions[0].blocks[0].operations)
        constants = [op for op in body if isinstance(op, nn.Constant)]
        others = [op for op in body if not isinstance(op, nn.Constant)]
        for op in (*constants, *scheduled(others)):
            op.operation.move_before(end.operation)
