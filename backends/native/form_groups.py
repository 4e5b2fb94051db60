"""Says which operations one kernel computes together, so that what lies between them stays in registers.

On entry: one function of `nn` operations with static shapes. On exit: every operation that computes something carries
`native.group`, the number of its group, and that which decides how the group is computed `native.anchor`. Groups are
numbered in the order in which they run, which is that of their last operations. Constants and operations whose result
is their operand under another shape belong to no group.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from ...dialects import nn
from ...dialects.function import entry_function
from ...dialects.mlir import ir
from ...dialects.tensors import static_shape
from ...passes.pipeline import register_pass
from ...passes.rewriter import users
from .generators import EXPRESSIONS
from .group import Group

GROUP = "native.group"
ANCHOR = "native.anchor"
PLACED = "native.placed"
"""On a concatenation: its operands are written where its result lies, so that nothing is left to do."""
ALIASES = (nn.Reshape, nn.Squeeze, nn.Unsqueeze, nn.StorageCast)
"""Operations whose result is the operand's memory under another shape or type."""
BEHIND = (nn.Conv, nn.ConvTranspose, nn.Matmul, nn.Reduce, nn.AvgPool, nn.MaxPool, nn.LpPool)
"""Operations whose results can be worked on before they are stored, and operands dequantised where they are read."""
BEFORE = (nn.Reduce,)
"""Operations that can compute their operand where they read it."""
MOST = 32
"""Operations of a group at most: more would not fit the registers."""


@register_pass
@dataclass(frozen=True)
class FormGroups:
    """Say which operations one kernel computes together: element-wise ones with what gives or takes their operands."""

    name: ClassVar[str] = "native-form-groups"

    def apply(self, module: ir.Module) -> None:
        _repeat_dequantization(module)
        operations = computing(module)
        number = {op.operation: place for place, op in enumerate(operations)}
        claimed: dict[ir.Operation, tuple[Any, list[Any]]] = {}

        def claim(anchor: Any, inside: Sequence[Any]) -> None:
            claimed.update(dict.fromkeys((op.operation for op in inside), (anchor, list(inside))))

        for op in operations:
            if isinstance(op, BEHIND):
                behind = _grown(op, claimed, number)
                before = _gathered(op, claimed, number)[:-1] if isinstance(op, BEFORE) else _integers(behind, number)
                claim(op, [*before, *behind])
        for op in reversed(operations):
            if op.operation not in claimed and (isinstance(op, BEFORE) or type(op) in EXPRESSIONS):
                claim(op, _gathered(op, claimed, number))
        for op in operations:
            if op.operation not in claimed:
                claim(op, [op])
        ordered = sorted(
            {id(inside): (anchor, inside) for anchor, inside in claimed.values()}.values(),
            key=lambda pair: number[pair[1][-1].operation],
        )
        for place, (anchor, inside) in enumerate(ordered):
            for op in inside:
                op.operation.attributes[GROUP] = ir.IntegerAttr.get(ir.IntegerType.get_signless(64), place)
            anchor.operation.attributes[ANCHOR] = ir.UnitAttr.get()


def computing(module: ir.Module) -> list[Any]:
    """The operations of the network that compute something, in order."""
    *operations, _ = entry_function(module).regions[0].blocks[0].operations
    quiet = (nn.Constant, *ALIASES)
    return [op for op in operations if not isinstance(op, quiet) and PLACED not in op.attributes]


def groups_of(module: ir.Module) -> list[Group]:
    """The groups of a network, in the order in which they run."""
    found: dict[int, list[Any]] = {}
    for op in computing(module):
        found.setdefault(op.operation.attributes[GROUP].value, []).append(op)
    groups = []
    for _, operations in sorted(found.items()):
        anchor = next(op for op in operations if ANCHOR in op.operation.attributes)
        groups.append(Group.of(operations, anchor))
    return groups


def _grown(anchor: Any, claimed: Any, number: Any) -> list[Any]:
    """The anchor and the longest run of element-wise operations behind it of which only the last result is used
    elsewhere."""
    inside, best = [anchor], 1
    result = anchor.operation.results[0]
    while len(inside) < MOST:
        behind = [
            user
            for op in inside
            for user in users(op.operation.results[0])
            if user.operation not in {one.operation for one in inside}
        ]
        if not behind:
            break
        following = min(behind, key=lambda user: number.get(user.operation, len(number)))
        if (
            type(following) not in EXPRESSIONS
            or following.operation not in number
            or following.operation in claimed
            or static_shape(following.operation.results[0]) != static_shape(result)
        ):
            break
        inside.append(following)
        if all(_only_inside(op, inside) for op in inside[:-1]) and not _is_read_as_integers(following, number):
            best = len(inside)
    return inside[:best]


def _is_read_as_integers(op: Any, number: Any) -> bool:
    """Whether an operation dequantises for others that can do so where they read."""
    readers = [user for user in users(op.operation.results[0]) if user.operation in number]
    able: tuple[Any, ...] = (*BEHIND, *BEFORE, *EXPRESSIONS)
    return isinstance(op, nn.Dequantize) and bool(readers) and all(isinstance(user, able) for user in readers)


def _repeat_dequantization(module: ir.Module) -> None:
    """Each operation that computes with dequantised numbers gets its own: integers take less memory than what they
    stand for."""
    for op in computing(module):
        if not isinstance(op, nn.Dequantize):
            continue
        for use in list(op.output.uses)[1:]:
            copy = op.operation.clone(ir.InsertionPoint(op.operation))
            use.owner.operands[use.operand_number] = copy.results[0]


def _integers(inside: Sequence[Any], number: Any) -> list[Any]:
    """What dequantises operands of these operations, in order."""
    found = {}
    for value in (value for op in inside for value in op.operation.operands):
        op = value.owner.opview if isinstance(value, ir.OpResult) else None
        if isinstance(op, nn.Dequantize) and _only_inside(op, inside):
            found[op.operation] = op
    return sorted(found.values(), key=lambda op: number[op.operation])


def _gathered(last: Any, claimed: Any, number: Any) -> list[Any]:
    """An operation and the element-wise ones before it that nothing else uses, as far as they are of one shape."""
    inside = [last]
    shape = static_shape(last.operation.operands[0] if isinstance(last, BEFORE) else last.operation.results[0])
    waiting = list(last.operation.operands)
    while waiting and len(inside) < MOST:
        value = waiting.pop()
        op = value.owner.opview if isinstance(value.owner, ir.Operation) else value.owner
        if (
            type(op) in EXPRESSIONS
            and op.operation not in claimed
            and op.operation in number
            and static_shape(value) == shape
            and _only_inside(op, inside)
        ):
            inside.append(op)
            waiting += list(op.operation.operands)
    return sorted(inside, key=lambda op: number[op.operation])


def _only_inside(op: Any, inside: Sequence[Any]) -> bool:
    operations = {one.operation for one in inside}
    return all(user.operation in operations for value in op.operation.results for user in users(value))
