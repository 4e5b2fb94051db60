"""Kernels that look for the extremes of rows: their places, and marks at them."""

from __future__ import annotations

from collections.abc import Mapping

from ....dialects import nn
from ....dialects.mlir import ir
from ....dialects.tensors import static_shape
from ..arithmetic import Arithmetic
from ..buffer import Buffer
from ..evaluation import Point, Scalars
from ..foldings import INDICES, Search
from ..group import Group
from ..kernel import Kernel
from ..lowerings import lowers
from ..rows import Registers, Row
from ..rowwise import Rowwise, lower_rowwise, numbers_of
from ..target import TargetSpec


@lowers(nn.ArgReduce)
def lower_arg_reduce(group: Group, buffers: Mapping[ir.Value, Buffer], spec: TargetSpec) -> list[Kernel]:
    """One walk over the elements; indices are counted in 32 bits."""
    axis = group.anchor.axis % len(static_shape(group.anchor.input))
    return lower_rowwise("search", group, buffers, spec, [axis], _write_arg_reduce)


def _write_arg_reduce(work: Rowwise) -> None:
    op = work.group.anchor
    search = Search(op.kind == "argmax", op.select_last_index, numbers_of(op.input))

    def write(row: Row) -> None:
        for number, (_, index) in enumerate(row.fold(search, lambda point, _: _candidate(work, search, point))):
            scalars = Scalars(work.text, row.lanes(number))
            work.store(
                op.output,
                INDICES.arithmetic(work.text, scalars.lanes).convert(index, Arithmetic(scalars, "i64")),
                row.point(number),
            )

    work.rows.emit(work.kernel, write)


@lowers(nn.Hardmax)
def lower_hardmax(group: Group, buffers: Mapping[ir.Value, Buffer], spec: TargetSpec) -> list[Kernel]:
    """A walk that finds the first maximum, and one that marks it."""
    axis = group.anchor.axis % len(static_shape(group.anchor.input))
    return lower_rowwise("search", group, buffers, spec, [axis], _write_hardmax)


def _write_hardmax(work: Rowwise) -> None:
    op, numbers = work.group.anchor, numbers_of(work.group.anchor.input)
    search = Search(True, False, numbers)

    def write(row: Row) -> None:
        found = row.fold(search, lambda point, _: _candidate(work, search, point))

        def mark(point: Point, number: int) -> None:
            a, indices = numbers.arithmetic(work.text, point.lanes), INDICES.arithmetic(work.text, point.lanes)
            index = row.spread(found[number][1], point.lanes, "i32")
            hit = indices.compare("eq", _place(work, point), index)
            work.store(op.output, a.select(hit, a.number(1), a.number(0)), point)

        row.each(mark)

    work.rows.emit(work.kernel, write)


def _candidate(work: Rowwise, search: Search, point: Point) -> Registers:
    """The elements at a point, and their indices along the rows. NaN counts as the infinity that is looked for, so that
    an index is always found."""
    x, a = work.read(point), search.numbers.arithmetic(work.text, point.lanes)
    if a.is_float:
        x = a.select(a.is_nan(x), a.number(float("inf" if search.largest else "-inf")), x)
    return x, _place(work, point)


def _place(work: Rowwise, point: Point) -> str:
    """Indices along the rows, which lie along a single axis, of the elements at a point."""
    text, lanes = work.text, point.lanes
    if not work.rows.along:
        return INDICES.arithmetic(text, lanes).number(0)
    (axis,) = work.rows.along
    number = text.let(f"arith.index_cast {text.index(point.indices[axis])} : index to i32")
    indices = INDICES.arithmetic(text, lanes)
    if lanes == 1:
        return number
    start = text.let(f"vector.broadcast {number} : i32 to {indices.type}")
    if axis != point.axis:
        return start
    steps = text.constant(f"[{', '.join(map(str, range(lanes)))}]", indices.type)
    return indices.add(start, steps)
