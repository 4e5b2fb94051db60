"""Kernels of normalisations over rows of elements: layer, instance, root-mean-square, and by a length."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ....dialects import nn
from ....dialects.mlir import ir
from ....dialects.tensors import dtype_of, static_shape
from ..arithmetic import Arithmetic
from ..buffer import Buffer, element_of
from ..evaluation import Evaluation, Point, Scalars
from ..foldings import Fold
from ..group import Group
from ..kernel import Kernel, flatten, splat
from ..lowerings import lowers
from ..rows import Row
from ..rowwise import Elements, Rowwise, lower_rowwise, numbers_of
from ..target import TargetSpec

Term = Callable[[Arithmetic, str], str]


@lowers(nn.LayerNorm, nn.RmsNorm)
def lower_layer_norm(group: Group, buffers: Mapping[ir.Value, Buffer], spec: TargetSpec) -> list[Kernel]:
    """Rows are the elements over the axes from the operation's on."""
    rank = len(static_shape(group.anchor.input))
    return lower_rowwise("norm", group, buffers, spec, range(group.anchor.axis % rank, rank), _write)


@lowers(nn.InstanceNorm)
def lower_instance_norm(group: Group, buffers: Mapping[ir.Value, Buffer], spec: TargetSpec) -> list[Kernel]:
    """Rows are the elements of a channel."""
    axes = range(2, len(static_shape(group.anchor.input)))
    return lower_rowwise("norm", group, buffers, spec, axes, _write, apart=(0, 1))


@lowers(nn.LpNorm)
def lower_lp_norm(group: Group, buffers: Mapping[ir.Value, Buffer], spec: TargetSpec) -> list[Kernel]:
    """Rows lie along the operation's axis."""
    axis = group.anchor.axis % len(static_shape(group.anchor.input))
    return lower_rowwise("norm", group, buffers, spec, [axis], _write_lp_norm)


def _write(work: Rowwise) -> None:
    work.rows.emit(work.kernel, Normalisation(work).write)


class Normalisation:
    """Subtract the mean (but for `nn.RmsNorm`), divide by the root of the mean square, scale and shift."""

    def __init__(self, work: Rowwise) -> None:
        self.work, self.op, self.text = work, work.group.anchor, work.text
        self.numbers = numbers_of(self.op.input)
        self.count = flatten([work.rows.shape[axis] for axis in work.rows.along])
        self.centred = not isinstance(self.op, nn.RmsNorm)

    def write(self, row: Row) -> None:
        """All walks over a row."""
        elements = Elements(self.work, row)
        means = self._means(row, elements.read) if self.centred else []

        def deviation(point: Point, number: int) -> str:
            x = elements.read(point)
            if not means:
                return x
            a = self.numbers.arithmetic(self.text, point.lanes)
            return a.sub(x, row.spread(means[number], point.lanes, a.element))

        def square(point: Point, number: int) -> tuple[str]:
            x = deviation(point, number)
            return (self.numbers.arithmetic(self.text, point.lanes).mul(x, x),)

        factors = []
        for number, (total,) in enumerate(row.fold(Fold("add", self.numbers), square)):
            a = self.numbers.arithmetic(self.text, row.lanes(number))
            power = a.add(a.div(total, a.number(self.count)), a.number(self.op.epsilon))
            factors.append(a.div(a.number(1), a.apply("math.sqrt", power)))

        def finish(point: Point, number: int) -> None:
            a = self.numbers.arithmetic(self.text, point.lanes)
            standard = a.mul(deviation(point, number), row.spread(factors[number], point.lanes, a.element))
            result = a.mul(standard, self._parameter(self.op.scale, point))
            bias = getattr(self.op, "bias", None)
            self.work.store(self.op.output, a.add(result, self._parameter(bias, point)) if bias else result, point)

        row.each(finish)

    def _means(self, row: Row, read: Callable[[Point], str]) -> list[str]:
        means = []
        for number, (total,) in enumerate(row.fold(Fold("add", self.numbers), lambda point, _: (read(point),))):
            a = self.numbers.arithmetic(self.text, row.lanes(number))
            means.append(a.div(total, a.number(self.count)))
        return means

    def _parameter(self, value: ir.Value, point: Point) -> str:
        """Scale or bias at a point of the input."""
        evaluation = Evaluation(self.work.kernel, self.work.group, self.work.buffers)
        if isinstance(self.op, nn.InstanceNorm):
            channel = Point((point.indices[1],), point.lanes, 0) if point.axis == 1 else Point((point.indices[1],))
            found = evaluation.at(value, channel)
            if channel.lanes != point.lanes:
                found = splat(self.text, found, point.lanes, element_of(value))
        else:
            found = evaluation.broadcast(value, point, static_shape(self.op.output))
        own = Arithmetic.of(Scalars(self.text, point.lanes), dtype_of(value))
        return own.convert(found, self.numbers.arithmetic(self.text, point.lanes))


def _write_lp_norm(work: Rowwise) -> None:
    """x / norm; rows of zeros stay zeros."""
    op, numbers = work.group.anchor, numbers_of(work.group.anchor.input)

    def term(point: Point, _: int) -> tuple[str]:
        a, x = numbers.arithmetic(work.text, point.lanes), work.read(point)
        return (a.abs(x) if op.p == 1 else a.mul(x, x),)

    def write(row: Row) -> None:
        lengths = []
        for number, (total,) in enumerate(row.fold(Fold("add", numbers), term)):
            a = numbers.arithmetic(work.text, row.lanes(number))
            length = total if op.p == 1 else a.apply("math.sqrt", total)
            lengths.append(a.select(a.compare("eq", length, a.number(0)), a.number(1), length))

        def finish(point: Point, number: int) -> None:
            a = numbers.arithmetic(work.text, point.lanes)
            work.store(op.output, a.div(work.read(point), row.spread(lengths[number], point.lanes, a.element)), point)

        row.each(finish)

    work.rows.emit(work.kernel, write)
