"""How operations are computed at any place that need more than the elements at it: as part of any kernel."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...dialects import nn
from ...dialects.evaluate import fold
from ...dialects.mlir import ir
from ...dialects.tensors import dtype_of, static_shape
from .arithmetic import Arithmetic
from .evaluation import Evaluation, NotSideBySide, Point, Scalars, computation, element_in_register
from .kernel import Array, vector
from .text import Index
from .views import indices_of, lane_axis


@computation(nn.Expand)
def expand(evaluation: Evaluation, value: ir.Value, point: Point) -> str:
    """The element that is repeated."""
    return evaluation.broadcast(value.owner.operands[0], point, static_shape(value))


@computation(nn.Fill)
def fill(evaluation: Evaluation, value: ir.Value, point: Point) -> str:
    """The same number everywhere."""
    return Arithmetic.of(Scalars(evaluation.text, point.lanes), dtype_of(value)).number(value.owner.opview.value)


@computation(nn.ShapeOf, nn.Size, nn.Range)
def known(evaluation: Evaluation, value: ir.Value, point: Point) -> str:
    """What static shapes and constants decide."""
    folded = fold(value.owner.opview, int(np.prod(static_shape(value))))
    if folded is None:
        raise NotSideBySide
    return evaluation.constant(value, folded[0], point)


@computation(nn.Trilu)
def trilu(evaluation: Evaluation, value: ir.Value, point: Point) -> str:
    """The element, or 0 on one side of a diagonal."""
    op, text = value.owner.opview, evaluation.text
    row, column = point.indices[-2:]
    kept = evaluation.at(op.input, point)
    scalars = Scalars(text, point.lanes)
    place = Arithmetic(scalars, "index")
    distances = [_number(evaluation, index, point, axis) for index, axis in ((column, -1), (row, -2))]
    diagonal = place.sub(*distances)
    inside = place.compare("ge" if op.upper else "le", diagonal, scalars.constant(op.k, "index"))
    a = Arithmetic.of(scalars, dtype_of(value))
    return a.select(inside, kept, a.number(0))


def _number(evaluation: Evaluation, index: Index, point: Point, axis: int) -> str:
    """An index in every lane: the same one, or rising along the axis of the lanes."""
    text = evaluation.text
    name = text.index(index)
    if point.lanes == 1:
        return name
    type_ = vector(point.lanes, "index")
    spread = text.let(f"vector.broadcast {name} : index to {type_}")
    if lane_axis(point) != axis % len(point.indices):
        return spread
    return text.let(f"arith.addi {spread}, {text.let(f'vector.step : {type_}')} : {type_}")


@computation(nn.ReverseSequence)
def reverse_sequence(evaluation: Evaluation, value: ir.Value, point: Point) -> str:
    """The element as far before the end of a sequence as this place is behind its beginning."""
    op, text = value.owner.opview, evaluation.text
    rank = len(point.indices)
    batch, time = op.batch_axis % rank, op.time_axis % rank
    if lane_axis(point) in (batch, time):
        raise NotSideBySide
    place = text.index(point.indices[time])
    read = evaluation.at(op.lengths, Point((point.indices[batch],)))
    length = text.let(f"arith.index_cast {read} : {element_in_register(op.lengths)} to index")
    mirrored = text.sub(text.sub(length, 1), place)
    inside = text.let(f"arith.cmpi slt, {place}, {length} : index")
    indices = list(point.indices)
    indices[time] = text.let(f"arith.select {inside}, {mirrored}, {place} : index")
    return evaluation.at(op.input, point.moved(indices))


@computation(nn.SpaceToBatch)
def space_to_batch(evaluation: Evaluation, value: ir.Value, point: Point) -> str:
    """Entry of the batch and place give the place in the operand, or in the zeros around it."""
    op, text = value.owner.opview, evaluation.text
    block, lanes = op.block, lane_axis(point)
    if lanes == 0 or (lanes >= 2 and block[lanes - 2] != 1):
        raise NotSideBySide
    batch, _, *sizes = static_shape(op.input)
    steps = indices_of(text, text.div(point.indices[0], batch), block)
    places = [
        text.sub(text.add(text.mul(index, size), step), before)
        for index, size, step, before in zip(point.indices[2:], block, steps, op.padding, strict=False)
    ]
    outside: list[str] = []
    for i, (place, size) in enumerate(zip(places, sizes, strict=True)):
        if op.padding[i] or op.padding[len(block) + i]:
            if lanes == 2 + i:
                raise NotSideBySide
            outside.append(text.let(f"arith.cmpi uge, {text.index(place)}, {text.index(size)} : index"))
            places[i] = text.let(f"arith.select {outside[-1]}, {text.index(0)}, {text.index(place)} : index")
    read = evaluation.at(op.input, point.moved((text.rem(point.indices[0], batch), point.indices[1], *places)))
    a = Arithmetic.of(Scalars(text, point.lanes), dtype_of(value))
    for beyond in outside:
        read = text.let(f"arith.select {beyond}, {a.number(0)}, {read} : {a.type}")
    return read


@computation(nn.BatchNorm)
def normalized_batch(evaluation: Evaluation, value: ir.Value, point: Point) -> str:
    """(x - mean) * (scale / sqrt(variance + epsilon)) + bias; what depends on constants only is computed now."""
    op = value.owner.opview
    own = Arithmetic.of(Scalars(evaluation.text, point.lanes), dtype_of(value))
    a = Arithmetic(own.scalars, "f32") if own.element == "f16" else own
    scale, variance = (nn.constant_value(one) for one in (op.scale, op.variance))
    if scale is not None and variance is not None:
        wide = scale.astype(np.float32) if scale.dtype == np.float16 else scale
        factor = (wide / np.sqrt(variance.astype(wide.dtype) + wide.dtype.type(op.epsilon))).reshape(-1)
        multiplier = _of_channel(evaluation, point, (value, "factor"), factor)
    else:
        spread = a.add(own.convert(_of_channel(evaluation, point, op.variance), a), a.number(op.epsilon))
        multiplier = a.div(own.convert(_of_channel(evaluation, point, op.scale), a), a.apply("math.sqrt", spread))
    mean, bias = (own.convert(_of_channel(evaluation, point, one), a) for one in (op.mean, op.bias))
    centred = a.sub(own.convert(evaluation.at(op.input, point), a), mean)
    return a.convert(a.add(a.mul(centred, multiplier), bias), own)


def _of_channel(evaluation: Evaluation, point: Point, of: Any, array: Array | None = None) -> str:
    """A parameter of the channel, or channels, at a point: a value, or an array told apart by `of`."""
    along = lane_axis(point) == 1
    place = point.moved([point.indices[1]], 0) if along else Point((point.indices[1],))
    found = evaluation.at(of, place) if array is None else evaluation.constant(of, array, place)
    if place.lanes == point.lanes:
        return found
    element = element_in_register(of) if array is None else f"f{array.dtype.itemsize * 8}"
    return evaluation.text.let(f"vector.broadcast {found} : {element} to {vector(point.lanes, element)}")
