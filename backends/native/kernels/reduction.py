"""Kernels of reductions: sums and their like, extremes, and where extremes are."""

from __future__ import annotations

from collections.abc import Mapping

from ....dialects import nn
from ....dialects.mlir import ir
from ....dialects.tensors import dtype_of, static_shape
from ..arithmetic import Arithmetic
from ..buffer import Buffer
from ..elementary import exp, log
from ..evaluation import Point
from ..foldings import Fold, Numbers
from ..group import Group
from ..kernel import Kernel, flatten
from ..lowerings import lowers
from ..rows import Row
from ..rowwise import Rowwise, lower_rowwise, numbers_of
from ..target import TargetSpec

OPERATIONS = {"max": "maximum", "min": "minimum", "prod": "mul"}
"""How kinds of reduction put elements together; the others add them up."""
OF_BOOLEANS = {"add": "maximum", "mul": "minimum"}
"""A sum of booleans is true if one of them is, a product if all are."""


@lowers(nn.Reduce)
def lower_reduce(group: Group, buffers: Mapping[ir.Value, Buffer], spec: TargetSpec) -> list[Kernel]:
    """One walk over the elements; log_sum_exp looks for the largest one first."""
    rank = len(static_shape(group.anchor.input))
    return lower_rowwise("reduce", group, buffers, spec, [axis % rank for axis in group.anchor.axes], _write_reduce)


def _write_reduce(work: Rowwise) -> None:
    op, numbers = work.group.anchor, numbers_of(work.group.anchor.input)
    operation = OPERATIONS.get(op.kind, "add")
    if dtype_of(op.input).kind == "b":
        operation = OF_BOOLEANS.get(operation, operation)

    def term(point: Point, _: int) -> tuple[str]:
        return (_term(numbers.arithmetic(work.text, point.lanes), op.kind, work.read(point)),)

    def write(row: Row) -> None:
        if op.kind == "log_sum_exp":
            results = log_sum_exp(work, row, numbers)
        else:
            results = [one for (one,) in row.fold(Fold(operation, numbers), term)]
        for number, result in enumerate(results):
            arithmetic = numbers.arithmetic(work.text, row.lanes(number))
            count = flatten([work.rows.shape[axis] for axis in work.rows.along])
            work.store(op.output, _finished(arithmetic, op.kind, result, count), row.point(number))

    work.rows.emit(work.kernel, write)


def _term(a: Arithmetic, kind: str, x: str) -> str:
    """What an element adds."""
    if kind == "l1":
        return a.abs(x)
    return a.mul(x, x) if kind in ("l2", "sum_square") else x


def _finished(a: Arithmetic, kind: str, total: str, count: int) -> str:
    """What follows when all elements are together."""
    if kind == "mean":
        floor = "arith.floordivsi" if a.signed and not a.is_float else None
        return a.apply(floor, total, a.number(count)) if floor else a.div(total, a.number(count))
    if kind == "l2":
        return a.apply("math.sqrt", total)
    return log(a, total) if kind == "log_sum" else total


def log_sum_exp(work: Rowwise, row: Row, numbers: Numbers) -> list[str]:
    """max + log(sum(e^(x - max))), where an infinite maximum counts as 0."""
    tops = []
    for number, (top,) in enumerate(row.fold(Fold("maximum", numbers), lambda point, _: (work.read(point),))):
        a = numbers.arithmetic(work.text, row.lanes(number))
        tops.append(a.select(a.compare("lt", a.abs(top), a.number(float("inf"))), top, a.number(0)))

    def term(point: Point, number: int) -> tuple[str]:
        a = numbers.arithmetic(work.text, point.lanes)
        return (exp(a, a.sub(work.read(point), row.spread(tops[number], point.lanes, a.element))),)

    results = []
    for number, (total,) in enumerate(row.fold(Fold("add", numbers), term)):
        a = numbers.arithmetic(work.text, row.lanes(number))
        results.append(a.add(log(a, total), tops[number]))
    return results
