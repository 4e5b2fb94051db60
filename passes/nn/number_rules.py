"""How integers that shapes are computed with follow from shapes, and from each other.

Elements are `Extent`s in arrays of objects, which numpy adds, multiplies and moves as it does with numbers; booleans
are 1 and 0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ...dialects import nn
from ...dialects.sizes import bounds, choose, equal, larger, less, product, smaller
from ...dialects.tensors import dtype_of, static_shape
from .shape_rules import Known, Numbers

Rule = Callable[[Any, Known], Sequence[Numbers]]
"""The elements of an operation's results, in any shape of as many elements, numpy's scalars included; nothing when they
cannot be told."""


def _pairs(function: Callable[[Any, Any], Any]) -> Rule:
    """The rule of an operation on pairs of elements."""
    applied = np.frompyfunc(function, 2, 1)
    return lambda op, known: [applied(known.numbers(op.lhs), known.numbers(op.rhs))]


def _same(op: Any, known: Known) -> Sequence[Numbers]:
    return [known.numbers(op.operation.operands[0])]


def _cast(op: nn.Cast, known: Known) -> Sequence[Numbers]:
    numbers = known.numbers(op.input)
    if dtype_of(op.output).kind == "b" != dtype_of(op.input).kind:
        return [np.frompyfunc(lambda one: 1 - equal(one, 0), 1, 1)(numbers)]
    return [numbers]


def _quotients(op: Any, known: Known) -> Sequence[Numbers]:
    """Divisions: those of negative numbers are rounded in several ways."""
    lhs, rhs = known.numbers(op.lhs), known.numbers(op.rhs)
    signs = [*(bounds(one)[0] for one in lhs.reshape(-1)), *(bounds(one)[0] - 1 for one in rhs.reshape(-1))]
    if min(signs, default=0) < 0:
        return []
    divided: Any = lhs % rhs if isinstance(op, nn.Mod) else lhs // rhs
    return [divided]


def _shape(op: nn.ShapeOf, known: Known) -> Sequence[Numbers]:
    return [np.array(known.shape(op.input)[op.start : op.end], object)]


def _size(op: nn.Size, known: Known) -> Sequence[Numbers]:
    return [np.array(product(known.shape(op.input)), object)]


def _gather(op: nn.Gather, known: Known) -> Sequence[Numbers]:
    indices = known.numbers(op.indices)
    if op.batch_dims or not all(isinstance(one, int) for one in indices.reshape(-1)):
        return []
    return [np.take(known.numbers(op.input), indices.astype(np.int64), op.axis)]


def _slice(op: nn.Slice, known: Known) -> Sequence[Numbers]:
    result = known.numbers(op.input)
    for start, end, axis, step in zip(op.starts, op.ends, op.axes, op.steps, strict=True):
        size = result.shape[axis]
        last = None if step < 0 and end < -size else end
        result = np.take(result, range(size)[max(start, -size) if step < 0 else start : last : step], axis)
    return [result]


def _concat(op: nn.Concat, known: Known) -> Sequence[Numbers]:
    return [np.concatenate([known.numbers(value) for value in op.inputs], op.axis)]


def _split(op: nn.Split, known: Known) -> Sequence[Numbers]:
    return list(np.split(known.numbers(op.input), np.cumsum(op.sizes)[:-1].tolist(), op.axis))


def _transpose(op: nn.Transpose, known: Known) -> Sequence[Numbers]:
    return [known.numbers(op.input).transpose(op.permutation)]


def _where(op: nn.Where, known: Known) -> Sequence[Numbers]:
    chosen: Any = np.frompyfunc(choose, 3, 1)(*(known.numbers(value) for value in (op.condition, op.x, op.y)))
    return [chosen]


def _full(op: Any, known: Known) -> Sequence[Numbers]:
    """One element in many places."""
    number = int(op.value) if isinstance(op, nn.Fill) else known.numbers(op.input)
    return [np.broadcast_to(np.array(number, object), static_shape(op.output))]


def _reduce(op: nn.Reduce, known: Known) -> Sequence[Numbers]:
    combine = {"prod": lambda a, b: a * b, "sum": lambda a, b: a + b, "max": larger, "min": smaller}.get(op.kind)
    result = known.numbers(op.input)
    if combine is None or result.size == 0:
        return []
    for axis in sorted((axis % result.ndim for axis in op.axes), reverse=True):
        result = np.asarray(np.frompyfunc(combine, 2, 1).reduce(result, axis), object)
    return [result]


NUMBERS: Mapping[type, Rule] = {
    nn.Add: _pairs(lambda a, b: a + b),
    nn.Cast: _cast,
    nn.Concat: _concat,
    nn.Div: _quotients,
    nn.DynamicExpand: _full,
    nn.DynamicReshape: _same,
    nn.Equal: _pairs(equal),
    nn.Expand: _full,
    nn.Fill: _full,
    nn.FloorDiv: _quotients,
    nn.Gather: _gather,
    nn.Greater: _pairs(lambda a, b: less(b, a)),
    nn.GreaterEqual: _pairs(lambda a, b: 1 - less(a, b)),
    nn.Less: _pairs(less),
    nn.LessEqual: _pairs(lambda a, b: 1 - less(b, a)),
    nn.Maximum: _pairs(larger),
    nn.Minimum: _pairs(smaller),
    nn.Mod: _quotients,
    nn.Mul: _pairs(lambda a, b: a * b),
    nn.NotEqual: _pairs(lambda a, b: 1 - equal(a, b)),
    nn.Reduce: _reduce,
    nn.Reshape: _same,
    nn.ShapeOf: _shape,
    nn.Size: _size,
    nn.Slice: _slice,
    nn.Split: _split,
    nn.Squeeze: _same,
    nn.Sub: _pairs(lambda a, b: a - b),
    nn.Transpose: _transpose,
    nn.Unsqueeze: _same,
    nn.Where: _where,
}
"""Operations whose results are computed; the elements of others are unknown."""
