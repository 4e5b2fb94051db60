"""Which operations can be done to the integers that store numbers, and how.

That holds for operations that move elements or choose between them (`NNOp.on_storage`), and for ReLU, since larger
integers stand for larger numbers.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from ...dialects import nn
from ...dialects.mlir import ir
from ...dialects.ods import Op
from ...dialects.tensors import dtype_of

LIMIT = 64
"""How many values `common_storage` looks at."""


def moved_values(op: Op) -> list[ir.Value]:
    """The operands that an operation moves or chooses from: those of its result's elements; others are positions."""
    elements = op.operation.results[0].type.element_type
    return [value for value in op.operation.operands if value.type.element_type == elements]


def changes_for(op: Op, type_: ir.Type) -> dict[str, Any] | None:
    """What attributes become when a real operation is done to storage of an element type with one scale.

    None when it cannot be, as when it puts in or compares with a number that the type does not have.
    """
    if isinstance(op, nn.Relu):
        return {}
    if not op.on_storage or dtype_of(op.operation.results[0]).kind != "f":
        return None
    if isinstance(op, nn.Pad) and op.mode == "constant":
        return {} if has_number(type_, op.value) else None
    if isinstance(op, nn.Clamp):
        bounds = {"min": clamp_bound(type_, op.min), "max": clamp_bound(type_, op.max)}
        return None if None in bounds.values() else bounds
    return {}


def has_number(type_: ir.Type, number: float) -> bool:
    """Whether a quantised type represents a number exactly."""
    return bool(np.float32(nn.represented_number(type_, number)) == np.float32(number))


def clamp_bound(type_: ir.Type, bound: float) -> float | None:
    """A bound as a number of a quantised type, infinite when its numbers end before; None when it is between two."""
    nearest = nn.represented_number(type_, bound)
    if has_number(type_, bound):
        return nearest
    parameters = nn.quantization_parameters(type_)
    assert parameters is not None
    info, stored = np.iinfo(parameters.dtype), nn.stored_number(type_, bound)
    if stored == info.min and bound < nearest:
        return -np.inf
    return np.inf if stored == info.max and bound > nearest else None


def on_storage(op: Op, replaced: Callable[[ir.Value], ir.Value], changes: dict[str, Any]) -> Op:
    """The operation on quantised values in the place of those that it moves, some attributes changed."""
    moved = set(moved_values(op))
    values = []
    for field in op.operand_fields:
        value = op.field_values(field)
        if field.variadic:
            values.append([replaced(one) if one in moved else one for one in value])
        else:
            values.append(replaced(value) if value in moved else value)
    if isinstance(op, nn.Relu):
        return nn.Clamp(*values, min=0.0, max=np.inf)
    rebuilt: Op = op.rebuild(*values, **changes)
    return rebuilt


def common_storage(value: ir.Value) -> ir.Type | None:
    """The quantised element type, with one scale, that a real value has been moved and chosen since it was dequantised
    from; None when it was computed, there are several types, or all of it is constant."""
    waiting, seen = [value], set[ir.Value]()
    sources, passed = [], []
    while waiting:
        current = waiting.pop()
        if current in seen:
            continue
        seen.add(current)
        op = current.owner.opview if isinstance(current, ir.OpResult) else None
        if isinstance(op, nn.Dequantize):
            sources.append(op.input)
        elif len(seen) <= LIMIT and isinstance(op, nn.NNOp) and (op.on_storage or isinstance(op, nn.Relu)):
            passed.append(op)
            waiting += moved_values(op)
        else:
            return None
    types = {source.type.element_type for source in sources}
    type_ = types.pop() if len(types) == 1 else None
    parameters = None if type_ is None else nn.quantization_parameters(type_)
    if type_ is None or parameters is None or parameters.axis >= 0:
        return None
    changed = any(changes_for(op, type_) is None for op in passed)
    return None if changed or all(nn.constant_value(source) is not None for source in sources) else type_
