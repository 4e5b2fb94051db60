"""Computes values of a group at one position, in registers: what makes fusion of element-wise operations."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...dialects import nn
from ...dialects.mlir import ir
from ...dialects.ods import Op
from ...dialects.tensors import dtype_of, static_shape
from .buffer import Buffer, element_of
from .group import Group
from .kernel import Array, Kernel, load, splat, store, vector
from .text import Index, Text


@dataclass(frozen=True)
class Point:
    """A position in a tensor: one element, or `lanes` of them along `axis`, from `indices` on."""

    indices: tuple[Index, ...]
    lanes: int = 1
    axis: int = -1


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
View = Callable[[Text, Any, Point], "tuple[int, Point]"]
"""Where an operation that only moves elements has the one at a point: (number of the operand, point in it)."""
EXPRESSIONS: dict[type[Op], Expression] = {}
VIEWS: dict[type[Op], View] = {}


def expression(*ops: type[Op]) -> Callable[[Expression], Expression]:
    """Register how element-wise operations are written."""

    def register(write: Expression) -> Expression:
        EXPRESSIONS.update(dict.fromkeys(ops, write))
        return write

    return register


def view(*ops: type[Op]) -> Callable[[View], View]:
    """Register how operations that only move elements are read."""

    def register(find: View) -> View:
        VIEWS.update(dict.fromkeys(ops, find))
        return find

    return register


def element_in_register(value: ir.Value) -> str:
    """The type of a value's elements in registers."""
    return "i1" if dtype_of(value).kind == "b" else element_of(value)


class NotSideBySide(Exception):
    """The elements that a vector would hold are not neighbours in memory: the kernel is written for single elements."""


class Evaluation:
    """Values of a group at points, each computed once per point. One for each place in the text where values are
    wanted: what it computed for one place is not visible at another.

    buffers: where the values that the group reads and writes lie. known: values that the anchor has in registers.
    """

    def __init__(
        self,
        kernel: Kernel,
        group: Group,
        buffers: Mapping[ir.Value, Buffer],
        known: Mapping[ir.Value, str] | None = None,
    ) -> None:
        self.kernel, self.group, self.buffers = kernel, group, buffers
        self.text = kernel.text
        self._computed: dict[tuple[ir.Value, Point], str] = {}
        self._known: dict[ir.Value, str] = dict(known or {})

    def at(self, value: ir.Value, point: Point) -> str:
        """The value's elements at a point of its own shape. Raises `NotSideBySide`."""
        if value in self._known:
            return self._known[value]
        key = (value, point)
        if key not in self._computed:
            inside = value in self.group.inside
            self._computed[key] = self._compute(value, point) if inside else self._read(value, point)
        return self._computed[key]

    def _compute(self, value: ir.Value, point: Point) -> str:
        op = value.owner
        find = VIEWS.get(type(op))
        if find is not None:
            number, place = find(self.text, op, point)
            return self.at(op.operation.operands[number], place)
        operands = [self.at(operand, broadcast_point(point, value, operand)) for operand in op.operation.operands]

        def parameter(name: str, array: Array) -> str:
            place = broadcast_point(point, value, array.shape)
            buffer, packed = self.kernel.packed((value, name), array, place.axis, place.lanes)
            return self._load(packed, buffer, place)

        return EXPRESSIONS[type(op)](Scalars(self.text, point.lanes, parameter), op, operands)

    def _read(self, value: ir.Value, point: Point) -> str:
        element = element_in_register(value)
        array = nn.constant_value(value)
        if array is not None and array.size == 1:
            return self.text.constant(_written(array), vector(point.lanes, element))
        if array is None:
            return self._load(value, self.buffers[value], point, element)
        buffer, packed = self.kernel.packed(value, array, point.axis, point.lanes)
        return self._load(packed, buffer, point, element)

    def _load(self, source: Any, buffer: Buffer, point: Point, element: str | None = None) -> str:
        """What memory holds at a point; booleans in memory are bytes."""
        shared = not buffer.shape or buffer.shape[point.axis] == 1
        if point.lanes > 1 and not shared and buffer.inner != point.axis % len(buffer.shape):
            raise NotSideBySide
        lanes = 1 if shared else point.lanes
        name = self.kernel.operand(source, buffer)
        loaded = load(self.text, name, buffer, buffer.at(self.text, point.indices), lanes)
        if element == "i1":
            zero = self.text.constant(0, vector(lanes, "i8"))
            loaded = self.text.let(f"arith.cmpi ne, {loaded}, {zero} : {vector(lanes, 'i8')}")
        return loaded if lanes == point.lanes else splat(self.text, loaded, point.lanes, element or buffer.element)

    def store(self, value: ir.Value, point: Point) -> None:
        """Write the value's elements at a point into its buffer."""
        buffer = self.buffers[value]
        computed = self.at(value, point)
        if element_in_register(value) == "i1":
            types = f"{vector(point.lanes, 'i1')} to {vector(point.lanes, 'i8')}"
            computed = self.text.let(f"arith.extui {computed} : {types}")
        name = self.kernel.operand(value, buffer, written=True)
        store(self.text, computed, name, buffer, buffer.at(self.text, point.indices), point.lanes)


def broadcast_point(point: Point, result: ir.Value, operand: ir.Value | tuple[int, ...]) -> Point:
    """Where an operand, or one of this shape, is read for a point of a result that it is broadcast to."""
    shape = operand if isinstance(operand, tuple) else static_shape(operand)
    if shape == static_shape(result):
        return point
    if all(dim == 1 for dim in shape):
        return Point((0,) * len(shape), point.lanes, 0)
    rank = len(point.indices)
    skipped = rank - len(shape)
    indices = tuple(0 if dim == 1 else index for dim, index in zip(shape, point.indices[skipped:], strict=True))
    return Point(indices, point.lanes, point.axis % rank - rank if point.axis % rank >= skipped else 0)


def _written(array: Any) -> str | float:
    number = array.reshape(()).item()
    if array.dtype.kind == "b":
        return "true" if number else "false"
    return str(int(number)) if array.dtype.kind in "iu" else float(number)
