"""The shapes of a network's values, as integer arithmetic on the shapes of its inputs.

On entry: one function of `nn` operations, some of whose dimensions are not known. Nothing in it is changed.
`ReifiedShapes` tells the shape of every value, op by op, and the elements of integers that shapes are computed with.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ...dialects import nn
from ...dialects.function import argument_names, entry_function
from ...dialects.mlir import describe, ir
from ...dialects.sizes import Size, dimension, integers
from ...dialects.tensors import dtype_of, shape_of
from ...errors import UnsupportedError
from .number_rules import NUMBERS
from .shape_rules import SHAPES, Extents, Numbers, undecided

MOST_NUMBERS = 1024
"""Elements of tensors that shapes are computed with."""


class ReifiedShapes:
    """The shapes of all values of a function.

    `dims` are dimensions of inputs that are not known, by number of the input and axis, for those that are the same or
    of which more is known; the others are called "x[0]" for axis 0 of input x.
    """

    def __init__(self, module: ir.Module, dims: Mapping[tuple[int, int], Size] | None = None) -> None:
        function = entry_function(module)
        block = function.regions[0].blocks[0]
        self._shapes: dict[ir.Value, Extents] = {}
        self._numbers: dict[ir.Value, Numbers] = {}
        self._problems: dict[ir.Value, UnsupportedError] = {}
        self._undecided: dict[ir.Value, UnsupportedError] = {}
        for number, (name, argument) in enumerate(zip(argument_names(function), block.arguments, strict=True)):
            self._shapes[argument] = tuple(
                (dims or {}).get((number, axis)) or dimension(f"{name}[{axis}]") if dim is None else dim
                for axis, dim in enumerate(shape_of(argument))
            )
        *operations, end = block.operations
        for op in operations:
            self._add(op)
        self._results = list(end.operation.operands)

    def results(self) -> list[Extents]:
        """The shapes of what the function returns. Raises `UnsupportedError` K0605."""
        return [self.shape(value) for value in self._results]

    def shape(self, value: ir.Value) -> Extents:
        """The shape of a value. Raises `UnsupportedError` K0605 when it is not decided by the shapes of the inputs, or
        there is no rule for an operation that decides it."""
        if value in self._problems:
            raise self._problems[value]
        return self._shapes[value]

    def is_known(self, value: ir.Value) -> bool:
        """Whether `shape` tells the shape of a value."""
        return value in self._shapes

    def numbers(self, value: ir.Value) -> Numbers:
        """The elements of a tensor of integers. Raises `UnsupportedError` K0605 as `shape` does."""
        if value in self._numbers:
            return self._numbers[value]
        array = nn.constant_value(value)
        if array is not None and array.dtype.kind in "iub":
            return array.astype(object)
        if value in self._undecided:
            raise self._undecided[value]
        raise undecided("the network's inputs" if isinstance(value, ir.BlockArgument) else "", value, None)

    def ints(self, value: ir.Value) -> Extents:
        """The elements of a vector, or a scalar, of integers. Raises `UnsupportedError` K0605 as `shape` does."""
        return tuple(self.numbers(value).reshape(-1).tolist())

    def _add(self, op: Any) -> None:
        results = list(op.operation.results)
        try:
            shapes = self._reified(op, results)
        except UnsupportedError as error:
            self._problems.update(dict.fromkeys(results, error))
            return
        for value, shape in zip(results, shapes, strict=True):
            stated = zip(shape_of(value), shape, strict=True)
            self._shapes[value] = tuple(extent if dim is None else dim for dim, extent in stated)
        try:
            self._compute(op, results)
        except UnsupportedError as error:  # only raised where shapes depend on it
            self._undecided.update(dict.fromkeys(results, error))

    def _compute(self, op: Any, results: Sequence[ir.Value]) -> None:
        """Tell the elements of results, if these are few integers."""
        shapes = [shape for value in results if (shape := integers(self._shapes[value])) is not None]
        few = len(shapes) == len(results) and all(math.prod(shape) <= MOST_NUMBERS for shape in shapes)
        if not few or any(dtype_of(value).kind not in "iub" for value in results) or isinstance(op, nn.Constant):
            return
        rule = NUMBERS.get(type(op))
        computed = () if rule is None else rule(op, self)
        if not computed:
            raise undecided(describe(op.location), results[0], op)
        for value, numbers, shape in zip(results, computed, shapes, strict=True):
            self._numbers[value] = np.asarray(numbers, object).reshape(shape)

    def _reified(self, op: Any, results: Sequence[ir.Value]) -> Sequence[Extents]:
        stated = [shape_of(value) for value in results]
        if all(None not in shape for shape in stated):
            return [tuple(dim or 0 for dim in shape) for shape in stated]
        rule = next((SHAPES[kind] for kind in type(op).__mro__ if kind in SHAPES), None)
        if rule is None:
            raise undecided(describe(op.location), results[0], op)
        return rule(op, self)
