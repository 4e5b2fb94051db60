"""Kernels that round numbers to 256 steps between the extremes of their row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ....dialects import nn
from ....dialects.mlir import ir
from ....dialects.nn.quantization import LEAST_SPAN
from ....dialects.tensors import static_shape
from ..buffer import Buffer
from ..evaluation import Point
from ..foldings import Fold, Numbers
from ..group import Group
from ..kernel import Kernel
from ..lowerings import lowers
from ..rows import Registers, Row
from ..rowwise import Elements, Rowwise, lower_rowwise
from ..target import TargetSpec
from ..text import Text

F32 = Numbers("f32")
LARGEST = Fold("at_least", F32)


@dataclass(frozen=True)
class Extremes:
    """How far numbers reach below 0 and above; of terms that are a number and its negative."""

    def start(self, text: Text, lanes: int) -> Registers:
        """Zeros."""
        zero = F32.arithmetic(text, lanes).number(0)
        return zero, zero

    def types(self, text: Text, lanes: int) -> Registers:
        """Two registers."""
        return LARGEST.types(text, lanes) * 2

    def combine(self, text: Text, lanes: int, a: Registers, b: Registers) -> Registers:
        """What both reach."""
        below, above = (LARGEST.combine(text, lanes, (x,), (y,)) for x, y in zip(a, b, strict=True))
        return (*below, *above)

    def horizontal(self, text: Text, lanes: int, a: Registers) -> Registers:
        """What all lanes reach."""
        below, above = (LARGEST.horizontal(text, lanes, (x,)) for x in a)
        return (*below, *above)


@lowers(nn.RoundDynamically)
def lower_round_dynamically(group: Group, buffers: Mapping[ir.Value, Buffer], spec: TargetSpec) -> list[Kernel]:
    """Two walks over a row: its extremes, and the results."""
    rank = len(static_shape(group.anchor.input))
    return lower_rowwise("rounding", group, buffers, spec, [axis % rank for axis in group.anchor.axes], _write)


def _write(work: Rowwise) -> None:
    text = work.text

    def write(row: Row) -> None:
        elements, factors = Elements(work, row), []

        def both(point: Point, _: int) -> Registers:
            x = elements.read(point)
            return F32.arithmetic(text, point.lanes).neg(x), x

        for number, (below, above) in enumerate(row.fold(Extremes(), both)):
            a = F32.arithmetic(text, row.lanes(number))
            factor = a.div(a.number(255), a.at_least(a.add(above, below), a.number(LEAST_SPAN)))
            zero = a.apply("math.roundeven", a.add(a.number(-128), a.mul(below, factor)))
            factors.append((factor, zero, a.div(a.number(1), factor)))

        def finish(point: Point, number: int) -> None:
            a = F32.arithmetic(text, point.lanes)
            factor, zero, step = (row.spread(one, point.lanes, a.element) for one in factors[number])
            steps = a.add(a.apply("math.roundeven", a.mul(elements.read(point), factor)), zero)
            bounded = a.at_most(a.at_least(steps, a.number(-128)), a.number(127))
            work.store(work.group.anchor.output, a.mul(a.sub(bounded, zero), step), point)

        row.each(finish)

    work.rows.emit(work.kernel, write)
