"""Which values of a network are kept as integers, and over which ranges: those that products of integers read.

Products with constant weights want their data as integers. From there it goes backwards: an operation that only moves
elements (`nn.storage`), into a value that is kept as integers, has its operands kept so, with the same range; means and
interpolations too, with ranges of their own. Element-wise operations compute with real numbers. A run of them that ends
in a kept value stays in registers behind one product, as far as only the run uses its values; what else the run reads,
the results of other products before all, is kept as integers. Everything that leads nowhere of this kind, as the last
layers, softmax and normalisations mostly do, stays real.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...dialects import nn
from ...dialects.function import entry_function
from ...dialects.mlir import ir
from ...dialects.ranges import REAL, Range, value_bits, value_range
from ...dialects.tensors import dtype_of, shape_of
from ..nn.integer_weights import PRODUCTS
from ..nn.sink_transposes import BOUND
from ..nn.storage import moved_values
from ..rewriter import users

POOLS = (nn.AvgPool, nn.Reduce, nn.Resize)
"""Operations whose results lie between elements of the operand."""
MEANS = ("mean", "max", "min")
"""Reductions of which that holds."""


@dataclass
class Stored:
    """What is kept as integers in a function, `values`, in no order; `readers` are those that take them as such."""

    block: ir.Block
    values: set[ir.Value] = field(default_factory=set)
    readers: list[tuple[ir.OpView, ir.Value]] = field(default_factory=list)
    _run: dict[ir.Value, ir.Value] = field(default_factory=dict)
    _led: set[ir.Value] = field(default_factory=set)
    _parent: dict[ir.Value, ir.Value] = field(default_factory=dict)

    @classmethod
    def of(cls, module: ir.Module) -> "Stored":
        """The decision for the entry function of a module with ranges."""
        block = entry_function(module).regions[0].blocks[0]
        found = cls(block)
        *operations, _ = block.operations
        for op in reversed(operations):
            for value in op.operation.results:
                found._decide(value, op)
        for value in block.arguments:
            found._decide(value, None)
        return found

    def ranges(self) -> dict[ir.Value, Range]:
        """The range of each value, shared by those that are moved into each other."""
        spans: dict[ir.Value, Range] = {}
        for value in self.values:
            span, root = value_range(value), self._root(value)
            assert span is not None
            other = spans.get(root, span)
            spans[root] = Range(min(span.low, other.low), max(span.high, other.high))
        return {value: spans[self._root(value)] for value in self.values}

    def bits(self, usual: int) -> dict[ir.Value, int]:
        """The bits of each value: the most that are stated for those that are moved into each other, or the usual."""
        found: dict[ir.Value, int] = {}
        for value in self.values:
            root = self._root(value)
            found[root] = max(found.get(root, 0), value_bits(value) or 0)
        return {value: found[self._root(value)] or usual for value in self.values}

    def groups(self) -> dict[ir.Value, list[ir.Value]]:
        """The values that are moved into each other, and so are kept alike, by one of them."""
        found: dict[ir.Value, list[ir.Value]] = {}
        for value in self.values:
            found.setdefault(self._root(value), []).append(value)
        return found

    def _decide(self, value: ir.Value, op: ir.OpView | None) -> None:
        """Whether a value is kept, all that uses it being decided; None stands for the caller of the function."""
        if isinstance(op, nn.Constant) or dtype_of(value) != np.float32:
            return
        if value_range(value) is None or value_bits(value) == REAL:
            return
        readers = [user for user in users(value) if self._takes(user, value)]
        ends = {self._end(user) for user in readers}
        within = bool(readers) and len(readers) == len(users(value)) and None not in ends
        if within and op is not None and self._joins(value, op, ends):
            return
        wanted = None in ends or (within and op is not None and _worth_keeping(value, op, ends))
        if not wanted:
            return
        self.values.add(value)
        self.readers += [(user, value) for user in readers]
        for user in readers:
            if is_moving(user):
                for result in user.operation.results:
                    self._parent[self._root(result)] = self._root(value)

    def _takes(self, user: Any, value: ir.Value) -> bool:
        """Whether an operation reads a value as integers, if that is what it is kept as."""
        if is_product(user):
            return bool(user.operation.operands[0] == value)
        if is_moving(user):
            return value in moved_values(user) and any(result in self.values for result in user.operation.results)
        if isinstance(user, POOLS):
            return is_pool(user) and user.output in self.values
        return is_elementwise(user) and (user.output in self.values or user.output in self._run)

    def _end(self, user: Any) -> ir.Value | None:
        """The value in which the run of element-wise operations ends that an operation belongs to; None for others."""
        if not is_elementwise(user):
            return None
        return user.output if user.output in self.values else self._run.get(user.output)

    def _joins(self, value: ir.Value, op: ir.OpView, ends: set[ir.Value | None]) -> bool:
        """Whether a value that only a run uses is computed in it: one product may be, where the run starts."""
        end = next(iter(ends))
        if end is None or len(ends) != 1 or shape_of(value) != shape_of(end):
            return False
        if is_product(op) and end not in self._led:
            self._led.add(end)
        elif is_product(op) or not is_elementwise(op):
            return False
        self._run[value] = end
        return True

    def _root(self, value: ir.Value) -> ir.Value:
        while (parent := self._parent.get(value, value)) != value:
            value = parent
        return value


def _worth_keeping(value: ir.Value, op: ir.OpView, ends: set[ir.Value | None]) -> bool:
    """Whether integers take the place of real numbers that runs would read, as many as their own."""
    computed = is_product(op) or is_elementwise(op) or is_moving(op) or is_pool(op)
    return computed and any(end is not None and shape_of(end) == shape_of(value) for end in ends)


def is_product(op: Any) -> bool:
    """Whether an operation multiplies with a constant weight of real numbers, all finite: a matrix, or a kernel."""
    if not isinstance(op, PRODUCTS):
        return False
    weight = nn.constant_value(op.operation.operands[1])
    if weight is None or weight.dtype != np.float32 or (isinstance(op, nn.Matmul) and weight.ndim != 2):
        return False
    return bool(np.isfinite(weight).all()) and nn.constant_value(op.operation.operands[0]) is None


def is_moving(op: Any) -> bool:
    """Whether an operation moves elements, which all come from its operands or are zero."""
    if not isinstance(op, nn.NNOp) or not op.on_storage or dtype_of(op.operation.results[0]).kind != "f":
        return False
    return not is_elementwise(op) and not (isinstance(op, nn.Pad) and op.mode == "constant" and op.value != 0)


def is_pool(op: Any) -> bool:
    """Whether an operation's results are means of its operand's elements, or lie between them otherwise."""
    if isinstance(op, nn.Reduce):
        return op.kind in MEANS
    return isinstance(op, nn.AvgPool) or (isinstance(op, nn.Resize) and op.mode == "linear")


def is_elementwise(op: Any) -> bool:
    """Whether an operation computes each of its results from one element of each operand."""
    if isinstance(op, (*BOUND, nn.CompareOp)):
        return False
    return isinstance(op, nn.ElementwiseOp | nn.BinaryOp | nn.Prelu)
