"""Computes values of a group at one position, in registers: what makes fusion of element-wise operations."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...dialects import nn
from ...dialects.mlir import ir
from ...dialects.ods import Op
from ...dialects.tensors import dtype_of, static_shape
from .buffer import Buffer
from .group import Group
from .kernel import Array, Kernel, flatten, load, splat, store, vector
from .text import Index, Text


@dataclass(frozen=True)
class Point:
    """A position in a tensor: one element, or `lanes` of them along `axis`, from `indices` on.

    beyond: whether the last lanes may lie behind the tensor, where buffers of images have room for whole vectors.
    stride: how far apart the lanes are.
    """

    indices: tuple[Index, ...]
    lanes: int = 1
    axis: int = -1
    beyond: bool = False
    stride: int = 1

    def moved(self, indices: Sequence[Index], axis: int | None = None) -> Point:
        """The same lanes elsewhere, along `axis` if it is given."""
        return replace(self, indices=tuple(indices), axis=self.axis if axis is None else axis)


@dataclass(frozen=True)
class Scalars:
    """What an expression is written with: the function, and how many elements each value holds.

    parameter: reads an array that belongs to the operation and broadcasts to its result, such as the scales of a
    quantised type; arrays of one operation are told apart by a name.
    """

    text: Text
    lanes: int
    parameter: Callable[[str, Array], str] | None = None

    def type(self, element: str) -> str:
        """The type of a value of these elements."""
        return vector(self.lanes, element)

    def let(self, operation: str, element: str) -> str:
        """Append an operation whose type stands at its end."""
        return self.text.let(f"{operation} : {self.type(element)}")

    def constant(self, value: float | str, element: str) -> str:
        """A number in every lane."""
        return self.text.constant(value, self.type(element))


Expression = Callable[[Scalars, Any, Sequence[str]], str]
"""Writes an element-wise operation: its value, from those of its operands. Booleans are `i1` in registers."""
View = Callable[["Evaluation", ir.Value, Point], "tuple[int, Point]"]
"""Where an operation that only moves elements has those of a result: (number of the operand, point in it)."""
Computation = Callable[["Evaluation", ir.Value, Point], str]
"""Writes the elements of a result at a point from those of operands at any points."""
EXPRESSIONS: dict[type[Op], Expression] = {}
VIEWS: dict[type[Op], View] = {}
COMPUTATIONS: dict[type[Op], Computation] = {}
STRIDED: set[type[Op]] = set()
"""Operations of VIEWS that know of strides."""
MOST_STRIDE = 4
"""How far apart lanes can be to be read as whole vectors that they are picked from."""


def expression(*ops: type[Op]) -> Callable[[Expression], Expression]:
    """Register how element-wise operations are written."""

    def register(write: Expression) -> Expression:
        EXPRESSIONS.update(dict.fromkeys(ops, write))
        return write

    return register


def view(*ops: type[Op], strided: bool = False) -> Callable[[View], View]:
    """Register how operations that only move elements are read; `strided`: lanes that are apart, too."""

    def register(find: View) -> View:
        VIEWS.update(dict.fromkeys(ops, find))
        if strided:
            STRIDED.update(ops)
        return find

    return register


def computation(*ops: type[Op]) -> Callable[[Computation], Computation]:
    """Register how operations are written that need more than the elements at one place."""

    def register(compute: Computation) -> Computation:
        COMPUTATIONS.update(dict.fromkeys(ops, compute))
        return compute

    return register


def element_in_register(value: ir.Value) -> str:
    """The type of a value's elements in registers."""
    return _in_register(dtype_of(value))


def _in_register(dtype: np.dtype[Any]) -> str:
    """The type of a dtype's elements in registers."""
    return "i1" if dtype.kind == "b" else f"{'f' if dtype.kind == 'f' else 'i'}{dtype.itemsize * 8}"


CALLED = (
    nn.Celu,
    nn.Elu,
    nn.Erf,
    nn.Exp,
    nn.Gelu,
    nn.Log,
    nn.Mish,
    nn.Selu,
    nn.Sigmoid,
    nn.Silu,
    nn.Softplus,
    nn.Tanh,
)
"""Operations that are functions of their own: of f32 they are polynomials, long and often used."""


class NotSideBySide(Exception):
    """The elements that a vector would hold are not neighbours in memory: the kernel is written for single elements."""


class Evaluation:
    """Values of a group at points, each computed once per point. One for each place in the text where values are
    wanted: what it computed for one place is not visible at another.

    buffers: where the values that the group reads and writes lie. known: values that the anchor has in registers.
    computed: how some values are computed otherwise than by their operations. axes: which axes of the results are
    counted as one, if all buffers and points are so, too.
    """

    def __init__(
        self,
        kernel: Kernel,
        group: Group,
        buffers: Mapping[ir.Value, Buffer],
        known: Mapping[ir.Value, str] | None = None,
        computed: Mapping[ir.Value, Computation] | None = None,
        axes: Sequence[Sequence[int]] | None = None,
    ) -> None:
        self.kernel, self.group, self.buffers = kernel, group, buffers
        self.text = kernel.text
        self._computed: dict[tuple[ir.Value, Point], str] = {}
        self._known: dict[ir.Value, str] = dict(known or {})
        self._otherwise = dict(computed or {})
        self._axes = axes

    def at(self, value: ir.Value, point: Point) -> str:
        """The value's elements at a point of its own shape. Raises `NotSideBySide`."""
        if value in self._known:
            return self._known[value]
        key = (value, point)
        if key not in self._computed:
            inside = value in self.group.inside
            self._computed[key] = self._compute(value, point) if inside else self._read(value, point)
        return self._computed[key]

    def nested(self) -> Evaluation:
        """For a place inside of a loop or branch: what is computed there is not visible outside of it."""
        inner = copy(self)
        inner._computed = dict(self._computed)
        return inner

    def axis(self, number: int) -> int:
        """The place of an axis of the results, which counts by itself, among those that are counted."""
        return number if self._axes is None else self._axes.index((number,))

    def shape(self, value: ir.Value) -> tuple[int, ...]:
        """The value's shape, with the axes that are counted as one."""
        return self._merged(static_shape(value))

    def _merged(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        return shape if self._axes is None else merged_shape(shape, self._axes)

    def _compute(self, value: ir.Value, point: Point) -> str:
        op = value.owner.opview
        if point.stride > 1 and type(op) not in EXPRESSIONS and type(op) not in STRIDED:
            raise NotSideBySide
        table = self.group.tables.get(value)
        if table is not None:
            return table.look_up(self.kernel, self.at(table.source, point), point.lanes)
        compute = self._otherwise.get(value) or COMPUTATIONS.get(type(op))
        if compute is not None:
            return compute(self, value, point)
        find = VIEWS.get(type(op))
        if find is not None:
            number, place = find(self, value, point)
            return self.at(op.operation.operands[number], place)
        shape = self.shape(value)
        operands = [self.broadcast(operand, point, shape) for operand in op.operation.operands]

        def parameter(name: str, array: Array) -> str:
            array = array.reshape(self._merged(array.shape))
            place = broadcast_point(point, shape, array.shape)
            return self._splat(self.constant((value, name), array, place), place, point, _in_register(array.dtype))

        if point.lanes > 1 and type(op) in CALLED:
            return self._call(op, operands, point.lanes)
        return EXPRESSIONS[type(op)](Scalars(self.text, point.lanes, parameter), op, operands)

    def _call(self, op: Any, operands: Sequence[str], lanes: int) -> str:
        """Write an operation as a call: one that is long, and stands there once for each vector of a tile."""
        types = [vector(lanes, element_in_register(value)) for value in op.operation.operands]
        result = vector(lanes, element_in_register(op.output))
        text, names = Text(), [f"%x{number}" for number in range(len(types))]
        value = EXPRESSIONS[type(op)](Scalars(text, lanes), op, names)
        arguments = list(zip(names, types, strict=True))
        written = text.expression("EXPRESSION", arguments, (value, result))
        name = f"{op.OPERATION_NAME.removeprefix('nn.')}_{hashlib.sha256(written.encode()).hexdigest()[:8]}"
        self.text.called[name] = written.replace("@EXPRESSION", f"@{name}", 1)
        kind = f"({', '.join(types)}) -> {result}"
        return self.text.let(f"func.call @{name}({', '.join(operands)}) : {kind}")

    def broadcast(self, operand: ir.Value, point: Point, shape: tuple[int, ...]) -> str:
        """The elements of an operand that is broadcast to a shape, at a point of this."""
        place = broadcast_point(point, shape, self.shape(operand))
        return self._splat(self.at(operand, place), place, point, element_in_register(operand))

    def _splat(self, value: str, place: Point, point: Point, element: str) -> str:
        return value if place.lanes == point.lanes else splat(self.text, value, point.lanes, element)

    def _read(self, value: ir.Value, point: Point) -> str:
        array = nn.constant_value(value)
        if array is None:
            return self._load(value, self.buffers[value], point, element_in_register(value))
        if array.size == 1 and not _is_usual(array):
            return self.constant(value, array.reshape(()), Point((), point.lanes))
        if array.size == 1:
            return self.text.constant(_written(array), vector(point.lanes, element_in_register(value)))
        return self.constant(value, array.reshape(self.shape(value)), point)

    def constant(self, of: Any, array: Array, point: Point) -> str:
        """The elements at a point of an array that is known, and told apart from others by `of`."""
        buffer, packed = self.kernel.packed(of, array, point.axis, point.lanes)
        return self._load(packed, buffer, point, _in_register(array.dtype))

    def _load(self, source: Any, buffer: Buffer, point: Point, element: str) -> str:
        """What memory holds at a point; booleans in memory are bytes."""
        shared = not buffer.shape or buffer.shape[point.axis] == 1
        if point.lanes > 1 and not shared:
            check_side_by_side(buffer, point)
        lanes = 1 if shared else point.lanes
        name = self.kernel.operand(source, buffer)
        if lanes > 1 and point.stride > 1:
            loaded = self._picked(name, buffer, point)
        else:
            loaded = load(self.text, name, buffer, buffer.at(self.text, point.indices), lanes)
        if element == "i1":
            zero = self.text.constant(0, vector(lanes, "i8"))
            loaded = self.text.let(f"arith.cmpi ne, {loaded}, {zero} : {vector(lanes, 'i8')}")
        return loaded if lanes == point.lanes else splat(self.text, loaded, point.lanes, element)

    def _picked(self, name: str, buffer: Buffer, point: Point) -> str:
        """Lanes that are apart, out of as few vectors as hold them, of which none ends behind the last lane."""
        lanes, stride, axis = point.lanes, point.stride, point.axis % len(buffer.shape)
        last = (lanes - 1) * stride
        type_, result, end = vector(lanes, buffer.element), "", 0
        for start in (min(start, last + 1 - lanes) for start in range(0, last + 1, lanes)):
            place = (self.text.add(index, start) if one == axis else index for one, index in enumerate(point.indices))
            part = load(self.text, name, buffer, buffer.at(self.text, list(place)), lanes)
            if start:
                # Of the first vector lanes are picked where they are, of later results where they belong.
                before = [lane if end > lanes else lane * stride for lane in range(lanes)]
                found = [min(lanes + lane * stride - start, 2 * lanes - 1) for lane in range(lanes)]
                picks = [before[lane] if lane * stride < end else found[lane] for lane in range(lanes)]
                part = self.text.let(f"vector.shuffle {result}, {part} {picks} : {type_}, {type_}")
            result, end = part, start + lanes
        return result

    def stored(self, value: ir.Value, point: Point) -> str:
        """The value's elements at a point as memory holds them."""
        computed = self.at(value, point)
        if element_in_register(value) != "i1":
            return computed
        return self.text.let(f"arith.extui {computed} : {vector(point.lanes, 'i1')} to {vector(point.lanes, 'i8')}")

    def store(self, value: ir.Value, point: Point) -> None:
        """Write the value's elements at a point into its buffer. Raises `NotSideBySide`."""
        buffer = self.buffers[value]
        assert point.stride == 1, "results are written without gaps"
        if point.lanes > 1:
            check_side_by_side(buffer, point)
        computed = self.stored(value, point)
        name = self.kernel.operand(value, buffer, written=True)
        store(self.text, computed, name, buffer, buffer.at(self.text, point.indices), point.lanes)


def check_side_by_side(buffer: Buffer, point: Point) -> None:
    """Raise `NotSideBySide` unless a buffer has the lanes of a point next to each other, and room for all of them."""
    axis = point.axis % len(buffer.shape)
    room = buffer.extents[axis] - buffer.before[axis]
    if (
        buffer.inner != axis
        or point.stride > MOST_STRIDE
        or (point.stride > 1 and point.beyond)
        or (point.beyond and room < -(-buffer.shape[axis] // point.lanes) * point.lanes)
    ):
        raise NotSideBySide


def merged_shape(shape: tuple[int, ...], axes: Sequence[Sequence[int]]) -> tuple[int, ...]:
    """A shape that broadcasts to one of all these axes, with those of each group as one."""
    rank = sum(len(group) for group in axes)
    full = (1,) * (rank - len(shape)) + shape
    return tuple(flatten([full[axis] for axis in group]) for group in axes)


def broadcast_point(point: Point, result: ir.Value | tuple[int, ...], operand: ir.Value | tuple[int, ...]) -> Point:
    """Where an operand is read for a point of a result that it is broadcast to; both may be given by their shapes.

    It is one element where the operand does not have the axis of the lanes.
    """
    shape = operand if isinstance(operand, tuple) else static_shape(operand)
    if shape == (result if isinstance(result, tuple) else static_shape(result)):
        return point
    if all(dim == 1 for dim in shape):  # whatever axes of the result are counted as one
        return Point((0,) * len(shape))
    rank = len(point.indices)
    skipped = rank - len(shape)
    indices = tuple(0 if dim == 1 else index for dim, index in zip(shape, point.indices[skipped:], strict=True))
    axis = point.axis % rank if rank else 0
    if axis < skipped or shape[axis - skipped] == 1:
        return Point(indices)
    return point.moved(indices, axis - rank)


def _is_usual(array: Any) -> bool:
    """Whether a number is written into the code; others are read from memory, so that layers which differ in nothing
    else share it."""
    return array.dtype.kind != "f" or float(array.reshape(()) * 64).is_integer()


def _written(array: Any) -> str | float:
    number = array.reshape(()).item()
    if array.dtype.kind == "b":
        return "true" if number else "false"
    return str(int(number)) if array.dtype.kind in "iu" else float(number)
