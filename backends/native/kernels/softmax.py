"""Kernels of softmax and its logarithm, along any axis."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

from ....dialects import nn
from ....dialects.mlir import ir
from ....dialects.tensors import static_shape
from ..arithmetic import Arithmetic
from ..buffer import Buffer
from ..elementary import EXPM1, LN2, exp, log
from ..evaluation import NotSideBySide, Point
from ..foldings import Fold
from ..group import Group
from ..kernel import Kernel, Scratch, load, store
from ..lowerings import lowers
from ..rows import Row
from ..rowwise import Elements, Rowwise, lower_rowwise, numbers_of
from ..target import TargetSpec


@lowers(nn.Softmax, nn.LogSoftmax)
def lower_softmax(group: Group, buffers: Mapping[ir.Value, Buffer], spec: TargetSpec) -> list[Kernel]:
    """Three walks over a row: the largest element, the sum of the powers, the results."""
    axis = group.anchor.axis % len(static_shape(group.anchor.input))
    return lower_rowwise("softmax", group, buffers, spec, [axis], _write)


def _write(work: Rowwise) -> None:
    op, numbers, text = work.group.anchor, numbers_of(work.group.anchor.input), work.text
    logarithm, powers = isinstance(op, nn.LogSoftmax), Powers(work)

    def write(row: Row) -> None:
        elements = Elements(work, row)
        tops = row.fold(Fold("at_least", numbers), lambda point, _: (elements.read(point),))

        def centred(point: Point, number: int) -> str:
            a = numbers.arithmetic(text, point.lanes)
            return a.sub(elements.read(point), row.spread(tops[number][0], point.lanes, a.element))

        def power(point: Point, number: int) -> tuple[str]:
            result = power_of_e(numbers.arithmetic(text, point.lanes), centred(point, number))
            if not logarithm:
                powers.keep(row, point, result)
            return (result,)

        sums = row.fold(Fold("add", numbers), power)
        totals = []
        for number, (total,) in enumerate(sums):
            a = numbers.arithmetic(text, row.lanes(number))
            totals.append(log(a, total) if logarithm else a.div(a.number(1), total))

        def finish(point: Point, number: int) -> None:
            a = numbers.arithmetic(text, point.lanes)
            total = row.spread(totals[number], point.lanes, a.element)
            done = a.sub(centred(point, number), total) if logarithm else a.mul(powers.take(row, point), total)
            work.store(op.output, done, point)

        row.each(finish)

    work.rows.emit(work.kernel, write)


MAGIC = 1.5 * 2.0**23 + 127
"""Added to a small number of f32, it leaves the whole part, and 127, in the lowest bits."""
LEAST = -126 * math.log(2)
"""The logarithm of the least number of f32 that has all its digits."""


def power_of_e(a: Arithmetic, x: str) -> str:
    """e^x of x that is not positive, in f32 to 2 units; 0 where it would have less than all digits."""
    if a.element != "f32":
        return exp(a, x)
    whole = Arithmetic(a.scalars, "i32")
    shifted = a.fma(x, a.number(1 / math.log(2)), a.number(MAGIC))
    n = a.sub(shifted, a.number(MAGIC))
    rest = x
    for part in LN2:
        rest = a.fma(n, a.number(-part), rest)
    power = a.add(a.fma(a.mul(rest, rest), a.polynomial(rest, EXPM1), rest), a.number(1.0))
    exponent = whole.apply("arith.shli", a.cast("arith.bitcast", shifted, whole), whole.number(23))
    return a.select(
        a.compare("lt", x, a.number(LEAST)), a.number(0.0), a.mul(power, whole.cast("arith.bitcast", exponent, a))
    )


class Powers:
    """Where the powers of a row are from one walk to the next: in registers if it is short, else in the memory of the
    result if that holds them as they are, else in memory of their own."""

    def __init__(self, work: Rowwise) -> None:
        op, rows = work.group.anchor, work.rows
        self.text, self.registers = work.text, dict[Point, str]()
        element = numbers_of(op.input).element
        self.source: ir.Value | Scratch = op.output
        if work.group.results == [op.output] and work.buffers[op.output].element == element:
            self.buffer = work.buffers[op.output]
        else:
            self.source = Scratch()
            extents = tuple(
                -(-size // rows.lanes) * rows.lanes if axis == rows.inner else size
                for axis, size in enumerate(rows.shape)
            )
            self.buffer = replace(Buffer.plain(element, rows.shape), order=rows.order, extents=extents)
        self.work = work

    def keep(self, row: Row, point: Point, power: str) -> None:
        """Remember a power."""
        if row.straight:
            self.registers[point] = power
            return
        if point.lanes > 1 and self.buffer.inner != point.axis:
            raise NotSideBySide
        name = self.work.kernel.operand(self.source, self.buffer, written=True)
        store(self.text, power, name, self.buffer, self.buffer.at(self.text, point.indices), point.lanes)

    def take(self, row: Row, point: Point) -> str:
        """The power that was remembered."""
        if row.straight:
            return self.registers[point]
        name = self.work.kernel.operand(self.source, self.buffer, written=True)
        return load(self.text, name, self.buffer, self.buffer.at(self.text, point.indices), point.lanes)
