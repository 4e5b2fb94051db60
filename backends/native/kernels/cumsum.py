"""The kernel of running sums."""

from __future__ import annotations

from collections.abc import Mapping

from ....dialects import nn
from ....dialects.mlir import ir
from ....dialects.tensors import static_shape
from ..buffer import Buffer
from ..evaluation import Point
from ..group import Group
from ..kernel import Kernel
from ..lowerings import lowers
from ..rows import Row
from ..rowwise import Rowwise, lower_rowwise, numbers_of
from ..target import TargetSpec


@lowers(nn.Cumsum)
def lower_cumsum(group: Group, buffers: Mapping[ir.Value, Buffer], spec: TargetSpec) -> list[Kernel]:
    """One element of each row after the other; in vectors where several rows lie side by side."""
    axis = group.anchor.axis % len(static_shape(group.anchor.input))
    return lower_rowwise("cumsum", group, buffers, spec, [axis], _write)


def _write(work: Rowwise) -> None:
    op, numbers = work.group.anchor, numbers_of(work.group.anchor.input)

    def step(point: Point, total: str) -> str:
        a = numbers.arithmetic(work.text, point.lanes)
        following = a.add(total, work.read(point))
        work.store(op.output, total if op.exclusive else following, point)
        return following

    def write(row: Row) -> None:
        for number in range(len(row.vectors)):
            a = numbers.arithmetic(work.text, row.lanes(number))
            row.scan(number, a.number(0), a.type, step, op.reverse)

    work.rows.emit(work.kernel, write)
