"""Which operations version 7 code skips: those that serve one side of a choice only.

A `nn.where` whose condition is one boolean takes one of its operands as a whole. What only computes the other one need
not run: such operations move to the choice, each side behind a branch. That is what `If` of a network becomes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from typing import Any, TypeAlias

from ...dialects import nn
from ...dialects.mlir import ir
from ...dialects.tensors import shape_of

SIDES = (1, 2)
"""The operands of `nn.where` that are chosen from, by their places."""
DEPTH = 128
"""How deep choices are made inside of choices; deeper ones compute both sides."""


@dataclass(frozen=True)
class Choice:
    """Choices by one condition, the steps that only each side needs, and the values that all of this uses."""

    condition: ir.Value
    wheres: tuple[Any, ...]
    sides: tuple[tuple[Step, ...], tuple[Step, ...]]
    operands: tuple[ir.Value, ...]

    @property
    def results(self) -> list[ir.Value]:
        """What is chosen."""
        return [where.output for where in self.wheres]

    def chosen(self, side: int) -> list[ir.Value]:
        """The operands of a side, 0 or 1."""
        return [where.operation.operands[SIDES[side]] for where in self.wheres]


Step: TypeAlias = Any
"""An operation, or a `Choice`."""


def results_of(step: Step) -> Sequence[ir.Value]:
    """The values that a step defines for those behind it."""
    return step.results if isinstance(step, Choice) else list(step.operation.results)


def operands_of(step: Step) -> Sequence[ir.Value]:
    """The values that a step uses, of those that are defined before it."""
    return step.operands if isinstance(step, Choice) else list(step.operation.operands)


def _choice(wheres: Sequence[Any], then: Sequence[Step], otherwise: Sequence[Step]) -> Choice:
    """Choices by the condition of all of them."""
    steps = [*then, *otherwise]
    used = [value for step in (*steps, *wheres) for value in operands_of(step)]
    inside = {value for step in steps for value in results_of(step)}
    outside = tuple(value for value in dict.fromkeys(used) if value not in inside)
    return Choice(wheres[0].condition, tuple(wheres), (tuple(then), tuple(otherwise)), outside)


def plan(operations: Sequence[Any]) -> list[Step]:
    """The operations of a function but its return, which is the last of them, in the order in which they are done."""
    planner = _Planner(operations)
    return planner.steps(range(len(operations) - 1))


class _Planner:
    """Operations by their numbers: who uses whose results, as which operand; and the choices by each condition."""

    def __init__(self, operations: Sequence[Any]) -> None:
        self.operations = operations
        self.number = {value: i for i, op in enumerate(operations) for value in op.operation.results}
        self.uses: list[list[tuple[int, int]]] = [[] for _ in operations]
        self.choices: dict[ir.Value, list[int]] = {}
        for user, op in enumerate(operations):
            for place, value in enumerate(op.operation.operands):
                if value in self.number:
                    self.uses[self.number[value]].append((user, place))
            if _is_choice(op):
                self.choices.setdefault(op.condition, []).append(user)

    def steps(self, region: Sequence[int], depth: int = 0) -> list[Step]:
        """The steps of some operations, which follow each other in this order."""
        if depth == DEPTH:
            return [self.operations[i] for i in region]
        left = set(region)
        made: dict[int, Choice] = {}
        for last in reversed(region):
            if last not in left or not _is_choice(self.operations[last]):
                continue
            members, sides = self._gathered(last, left)
            if not any(sides):
                continue
            left.difference_update(members, *sides)
            wheres = [self.operations[i] for i in members]
            made[members[0]] = _choice(wheres, *(self.steps(side, depth + 1) for side in sides))
        return [made.get(i, self.operations[i]) for i in region if i in made or i in left]

    def _gathered(self, last: int, left: set[int]) -> tuple[list[int], list[list[int]]]:
        """The choices by the same condition that can be made where the first of them is, else the last one alone; and
        what serves their sides."""
        alone = [self._served([last], place) for place in SIDES]
        inside = set().union(*alone)
        same = self.choices[self.operations[last].condition]
        members = [i for i in same if i <= last and i in left and i not in inside]
        if members == [last]:
            return members, alone
        sides = [self._served(members, place) for place in SIDES]
        served = set().union(*sides)
        for i in (*members, *served):
            for value in self.operations[i].operation.operands:
                defined = self.number.get(value, -1)
                if defined >= members[0] and defined not in served:
                    return [last], alone
        return members, sides

    def _served(self, members: Sequence[int], place: int) -> list[int]:
        """The operations that nothing uses but the members' operands at this place."""
        served: set[int] = set()
        waiting = [
            -i for member in members for i in self._producers([self.operations[member].operation.operands[place]])
        ]
        heapify(waiting)
        while waiting:  # users come before what they use
            i = -heappop(waiting)
            chosen = all(user in served or (user in members and where == place) for user, where in self.uses[i])
            if chosen and i not in served and i not in members:
                served.add(i)
                for producer in self._producers(self.operations[i].operation.operands):
                    heappush(waiting, -producer)
        return sorted(served)

    def _producers(self, values: Iterable[ir.Value]) -> list[int]:
        """The operations that define values."""
        return [self.number[value] for value in values if value in self.number]


def _is_choice(op: Any) -> bool:
    """Whether an operation takes one of its operands as a whole."""
    return (
        isinstance(op, nn.Where)
        and shape_of(op.condition) == ()
        and nn.constant_value(op.condition) is None
        and op.x.type == op.y.type == op.output.type
    )
