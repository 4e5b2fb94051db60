"""How resized tensors are computed at any place: from elements of the operand, by tables of where they are and weights.

The tables are those of the reference kernel.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...dialects import nn
from ...dialects.mlir import ir
from ...dialects.tensors import dtype_of, static_shape
from ...runtime.kernels.resampling import filter_matrix, nearest_indices, source_positions
from .arithmetic import Arithmetic
from .evaluation import Evaluation, NotSideBySide, Point, Scalars, computation
from .kernel import Array
from .text import Index
from .views import lane_axis

UNROLLED = 4
"""Elements along an axis that are added up without a loop."""


@dataclass(frozen=True)
class Axis:
    """How an axis is resampled: by row of results, the first element and the weights of it and those behind; and
    whether the result lies outside of the operand."""

    number: int
    first: Array
    weights: Array
    outside: Array | None


def resampled_axes(op: nn.Resize) -> list[Axis]:
    """The axes that change."""
    shape, crop = static_shape(op.input), op.coordinate == "tf_crop_and_resize"
    axes = []
    for number, (size, scale) in enumerate(zip(op.sizes, op.scales, strict=True)):
        extent = shape[number]
        if size == extent and scale == 1.0 and not crop:
            continue
        bounds = (op.roi[number], op.roi[len(shape) + number]) if op.roi is not None else (0.0, 1.0)
        positions = source_positions(size, extent, scale, op.coordinate, bounds)
        outside = (positions < 0) | (positions > extent - 1) if crop else None
        if op.mode == "nearest":
            first = nearest_indices(positions, extent, op.nearest_mode)
            axes.append(Axis(number, first, np.ones((size, 1), np.float32), outside))
            continue
        shrink = min(scale, 1.0) if op.antialias else 1.0
        matrix = filter_matrix(positions, extent, op.mode, op.cubic_coeff_a, op.exclude_outside, shrink)
        axes.append(Axis(number, *_narrow(matrix.astype(np.float32)), outside))
    return axes


def _narrow(matrix: Array) -> tuple[Array, Array]:
    """The rows of a matrix without the zeros that surround the same number of elements in all of them."""
    used = matrix != 0
    used[~used.any(axis=1), 0] = True
    first, last = used.argmax(axis=1), matrix.shape[1] - used[:, ::-1].argmax(axis=1)
    count = int((last - first).max())
    first = np.minimum(first, matrix.shape[1] - count)
    return first, np.take_along_axis(matrix, first[:, None] + np.arange(count), axis=1)


@computation(nn.Resize)
def resize(evaluation: Evaluation, value: ir.Value, point: Point) -> str:
    """A weighted sum of elements of the operand, one that lies nearest, or the value for what is outside."""
    op = value.owner.opview
    axes = resampled_axes(op)
    own = Arithmetic.of(Scalars(evaluation.text, point.lanes), dtype_of(value))
    if op.mode == "nearest":
        result = evaluation.at(op.input, point.moved(_nearest(evaluation, op, axes, point)))
    else:
        a = own if own.element == "f64" else Arithmetic(own.scalars, "f32")
        result = _sum(Sum(op, own, a), evaluation, axes, list(point.indices), point)
        result = a.convert(result if own.is_float else _saturated(a, result, dtype_of(value)), own)
    for axis in axes:
        if axis.outside is not None and axis.outside.any():
            result = _extrapolated(evaluation, op, axis, point, own, result)
    return result


def _nearest(evaluation: Evaluation, op: nn.Resize, axes: Sequence[Axis], point: Point) -> list[Index]:
    indices = list(point.indices)
    for axis in axes:
        if axis.number == lane_axis(point):
            raise NotSideBySide
        indices[axis.number] = _first(evaluation, op, axis, point)
    return indices


def _first(evaluation: Evaluation, op: nn.Resize, axis: Axis, point: Point) -> Index:
    """The first element of the operand that a result is made of: computed, or from a table."""
    text, index, size = evaluation.text, point.indices[axis.number], len(axis.first)
    if isinstance(index, int):
        return int(axis.first[index])
    rounds = np.arange(size)
    for ratio in range(1, 9):
        if (axis.first == rounds // ratio).all():
            return text.div(index, ratio)
        if (axis.first == rounds * ratio + axis.first[0]).all():
            return text.add(text.mul(index, ratio), int(axis.first[0]))
    loaded = evaluation.constant((op.output, "first", axis.number), axis.first.astype(np.int32), Point((index,)))
    return text.let(f"arith.index_cast {loaded} : i32 to index")


@dataclass(frozen=True)
class Sum:
    """A weighted sum of elements of type `own`, computed in `a`."""

    op: Any
    own: Arithmetic
    a: Arithmetic


def _sum(what: Sum, evaluation: Evaluation, axes: Sequence[Axis], indices: list[Index], point: Point) -> str:
    """The sum along some axes, of what the others' indices say."""
    if not axes:
        return what.own.convert(evaluation.at(what.op.input, point.moved(indices)), what.a)
    axis, *others = axes
    if axis.number == lane_axis(point):
        raise NotSideBySide
    text, a, count = evaluation.text, what.a, axis.weights.shape[1]
    first, row = _first(evaluation, what.op, axis, point), point.indices[axis.number]

    def term(inner: Evaluation, k: Index, total: str | None) -> str:
        there = list(indices)
        there[axis.number] = text.add(first, k)
        element = _sum(what, inner, others, there, point)
        table = (what.op.output, "weights", axis.number)
        weight = inner.constant(table, axis.weights, Point((row, k)))
        weight = Arithmetic(Scalars(text, 1), "f32").convert(weight, Arithmetic(Scalars(text, 1), a.element))
        if point.lanes > 1:
            weight = text.let(f"vector.broadcast {weight} : {a.element} to {a.type}")
        return a.mul(element, weight) if total is None else a.fma(element, weight, total)

    if count <= UNROLLED:
        total = None
        for k in range(count):
            total = term(evaluation, k, total)
        assert total is not None
        return total
    return text.carry(0, count, [a.number(0.0)], [a.type], lambda k, values: [term(evaluation.nested(), k, values[0])])[
        0
    ]


def _saturated(a: Arithmetic, value: str, dtype: np.dtype[Any]) -> str:
    """The nearest whole number that an integer type has."""
    info = np.iinfo(dtype)
    rounded = a.apply("math.roundeven", value)
    # The largest number of a wide type is not one of f32: the one before is.
    most = np.nextafter(np.float32(info.max), np.float32(0)) if info.bits > 24 else info.max
    return a.at_most(a.at_least(rounded, a.number(float(info.min))), a.number(float(most)))


def _extrapolated(evaluation: Evaluation, op: nn.Resize, axis: Axis, point: Point, a: Arithmetic, inside: str) -> str:
    """The value for what is outside, if a place is."""
    if axis.number == lane_axis(point):
        raise NotSideBySide
    assert axis.outside is not None
    table = (op.output, "outside", axis.number)
    outside = evaluation.constant(table, axis.outside, Point((point.indices[axis.number],)))
    value = op.extrapolation_value if a.is_float else int(op.extrapolation_value)
    return evaluation.text.let(f"arith.select {outside}, {a.number(value)}, {inside} : {a.type}")
