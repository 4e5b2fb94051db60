"""Operations that pick elements by indices, as places to read them from, and those that compare indices with places.

Indices beyond what they select count as the nearest one that exists: nothing outside a tensor is ever read. The
reference kernels raise an error there.
"""

from __future__ import annotations

import numpy as np

from ...dialects import nn
from ...dialects.mlir import ir
from ...dialects.tensors import dtype_of, static_shape
from .arithmetic import Arithmetic
from .evaluation import Evaluation, NotSideBySide, Point, Scalars, computation, view
from .kernel import splat
from .text import Index, Text

WIDE = "i64"
"""In what indices are counted."""


def index_at(evaluation: Evaluation, indices: ir.Value, point: Point, size: int) -> Index:
    """The index of a single point, counted from the front, within `size` elements."""
    text, known = evaluation.text, nn.constant_value(indices)
    if known is not None:
        front = np.where(known < 0, known + size, known).astype(np.int32)
        if front.size == 1:
            return int(front.reshape(()))
        loaded = evaluation.constant((indices, size), front, point)
        return text.let(f"arith.index_cast {loaded} : i32 to index")
    numbers = Arithmetic(Scalars(text, 1), WIDE)
    own = Arithmetic.of(numbers.scalars, dtype_of(indices))
    index = own.convert(evaluation.at(indices, point), numbers)
    if own.signed:
        index = from_front(numbers, index, size)
        index = numbers.at_least(index, numbers.number(0))
    index = numbers.at_most(index, numbers.number(size - 1))
    return text.let(f"arith.index_cast {index} : {WIDE} to index")


def from_front(numbers: Arithmetic, index: str, size: int) -> str:
    """Negative indices count from the end."""
    below = numbers.compare("lt", index, numbers.number(0))
    return numbers.select(below, numbers.add(index, numbers.number(size)), index)


def places(text: Text, first: Index, lanes: int, stepping: bool) -> str:
    """Places as numbers: from the first one on, or the same in all lanes."""
    numbers = Arithmetic(Scalars(text, lanes), WIDE)
    start = splat(text, text.let(f"arith.index_cast {text.index(first)} : index to {WIDE}"), lanes, WIDE)
    if lanes == 1 or not stepping:
        return start
    return numbers.add(start, text.constant(str(list(range(lanes))), numbers.type))


def _alone(point: Point, *axes: int) -> None:
    """Raise `NotSideBySide` if lanes lie along one of the axes."""
    if point.lanes > 1 and point.axis % len(point.indices) in axes:
        raise NotSideBySide


def _axis(point: Point, first: int, shift: int) -> int:
    """The axis of the lanes in the operand, where axes from `first` on are shifted."""
    axis = point.axis % len(point.indices) if point.lanes > 1 else 0
    return axis + shift if point.lanes > 1 and axis >= first else axis


@view(nn.Gather)
def gather(evaluation: Evaluation, value: ir.Value, point: Point) -> tuple[int, Point]:
    """The slice that an index names."""
    op = value.owner.opview
    shape = static_shape(op.input)
    axis, batch = op.axis % len(shape), op.batch_dims
    count = len(static_shape(op.indices)) - batch
    _alone(point, *range(batch), *range(axis, axis + count))
    where = Point((*point.indices[:batch], *point.indices[axis : axis + count]))
    index = index_at(evaluation, op.indices, where, shape[axis])
    indices = (*point.indices[:axis], index, *point.indices[axis + count :])
    return 0, point.moved(indices, _axis(point, axis, 1 - count))


@view(nn.GatherElements)
def gather_elements(evaluation: Evaluation, value: ir.Value, point: Point) -> tuple[int, Point]:
    """The element that an index names along an axis."""
    op = value.owner.opview
    shape = static_shape(op.input)
    axis = op.axis % len(shape)
    _alone(point, *range(len(shape)))
    index = index_at(evaluation, op.indices, point, shape[axis])
    return 0, point.moved((*point.indices[:axis], index, *point.indices[axis + 1 :]))


@view(nn.GatherNd)
def gather_nd(evaluation: Evaluation, value: ir.Value, point: Point) -> tuple[int, Point]:
    """The slice that a tuple of indices names."""
    op = value.owner.opview
    *outer, depth = static_shape(op.indices)
    batch, count = op.batch_dims, len(outer)
    sizes = static_shape(op.input)[batch : batch + depth]
    _alone(point, *range(count))
    indices = [
        index_at(evaluation, op.indices, Point((*point.indices[:count], i)), size) for i, size in enumerate(sizes)
    ]
    return 0, point.moved(
        (*point.indices[:batch], *indices, *point.indices[count:]), _axis(point, count, batch + depth - count)
    )


@computation(nn.OneHot)
def one_hot(evaluation: Evaluation, value: ir.Value, point: Point) -> str:
    """The second value where the place along the new axis is the index, else the first; of floats the whole part."""
    op, text, lanes = value.owner.opview, evaluation.text, point.lanes
    axis = op.axis % len(point.indices)
    along = point.axis % len(point.indices)
    stepping = lanes > 1 and along == axis
    where = Point((*point.indices[:axis], *point.indices[axis + 1 :]))
    if lanes > 1 and not stepping:
        where = Point(where.indices, lanes, along - (along > axis), point.beyond)
    numbers, own = (Arithmetic(Scalars(text, where.lanes), WIDE), dtype_of(op.indices))
    index = Arithmetic.of(numbers.scalars, own).convert(evaluation.at(op.indices, where), numbers)
    index = from_front(numbers, index, op.depth)
    index = index if where.lanes == lanes else splat(text, index, lanes, WIDE)
    hit = Arithmetic(Scalars(text, lanes), WIDE).compare(
        "eq", index, places(text, point.indices[axis], lanes, stepping)
    )
    elements = Arithmetic.of(Scalars(text, lanes), dtype_of(op.values))
    off, on = (splat(text, evaluation.at(op.values, Point((i,))), lanes, elements.element) for i in range(2))
    return elements.select(hit, on, off)
