"""Move and select integers instead of the numbers they stand for.

On entry: canonical `nn`, in which dequantised values may have been moved, padded and pooled. On exit operations that
can be done to integers (`storage`) take quantised operands where that changes no number: none of them stands directly
behind a dequantisation, or before a quantisation of which it is the only reason. So a quantised network consists of
`dequantize`, what computes with real numbers, `quantize`; and of operations on integers between those. Limits of
results that the quantised type has, too, are gone. Nothing changes, except for NaN, and for averages: those of
integers are rounded once only.
"""

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ...dialects import nn
from ...dialects.mlir import ir
from ...dialects.ods import Op
from ...dialects.tensors import shape_of, tensor_type
from ..pipeline import register_pass
from ..rewriter import (
    NO_MATCH,
    Match,
    Pattern,
    Rewriter,
    has_one_use,
    pattern,
    producer,
    rewrite_module,
    sole_user,
    users,
)
from .canonicalize import clamp_nothing, storage_cast_and_back
from .round_trips import quantize_of_dequantize, round_trip
from .storage import changes_for, moved_values, on_storage

COMPARING = (nn.Relu, nn.Clamp, nn.Maximum, nn.Minimum)
"""Operations that cost nothing behind a computation; the others move elements through memory."""
NUMBERS = ("min", "max", "value")
"""Attributes that are numbers like the elements."""


@pattern(nn.NNOp)
def behind_dequantize(op: nn.NNOp, rewriter: Rewriter) -> Match:
    """move(dequantize(x)) == dequantize(move(x))"""
    type_ = _source_type(op, nn.Dequantize)
    changes = None if type_ is None else changes_for(op, type_)
    if changes is None:
        return NO_MATCH
    moved = on_storage(op, _source, changes)
    return rewriter.replace(op, *(nn.Dequantize(value).output for value in moved.operation.results))


@pattern(nn.NNOp)
def behind_storage_cast(op: nn.NNOp, rewriter: Rewriter) -> Match:
    """move(storage_cast(x)) == storage_cast(move(x)), from a quantised type to plain integers"""
    type_ = _source_type(op, nn.StorageCast)
    if type_ is None or not op.on_storage:
        return NO_MATCH
    numbers = [field.name for field in op.attribute_fields if field.name in NUMBERS]
    moved = on_storage(op, _source, {name: _number_of(type_, getattr(op, name)) for name in numbers})
    return rewriter.replace(op, *(nn.StorageCast(value).output for value in moved.operation.results))


def _source(value: ir.Value) -> ir.Value:
    source: ir.Value = value.owner.operands[0]
    return source


def _source_type(op: nn.NNOp, source: type[Op]) -> ir.Type | None:
    """The quantised element type, with one scale, from which operations of a class made all that an operation moves."""
    if not (op.on_storage or isinstance(op, nn.Relu)):
        return None
    sources = [_source(value) if producer(value, source) is not None else None for value in moved_values(op)]
    types = {None if value is None else value.type.element_type for value in sources}
    type_ = types.pop() if len(types) == 1 else None
    parameters = None if type_ is None else nn.quantization_parameters(type_)
    constant = all(nn.constant_value(value) is not None for value in sources)
    return None if parameters is None or parameters.axis >= 0 or constant else type_


def _number_of(type_: ir.Type, stored: float) -> float:
    """What an integer stands for; infinite when no integer of the type is so small or large."""
    parameters = nn.quantization_parameters(type_)
    assert parameters is not None
    info = np.iinfo(parameters.dtype)
    if not info.min <= stored <= info.max:
        return math.copysign(math.inf, stored - info.min)
    return nn.represented_number(type_, (stored - parameters.zero_point[0]) * parameters.scale[0])


@pattern(nn.Quantize)
def before_quantize(op: nn.Quantize, rewriter: Rewriter) -> Match:
    """quantize(move(x)) == move(quantize(x)), when x is not wanted as real numbers, too"""
    inner, type_ = producer(op.input, nn.NNOp), op.output.type.element_type
    parameters = nn.quantization_parameters(type_)
    if inner is None or isinstance(inner, COMPARING) or parameters is None or parameters.axis >= 0:
        return NO_MATCH
    changes = changes_for(inner, type_) if len(inner.operation.results) == 1 and has_one_use(op.input) else None
    if changes is None or not all(_only_quantised(value, type_) for value in moved_values(inner)):
        return NO_MATCH

    def quantised(value: ir.Value) -> ir.Value:
        return nn.Quantize(value, ties=op.ties, results=[tensor_type(shape_of(value), type_)]).output

    with inner.location:
        moved = on_storage(inner, quantised, changes)
    return rewriter.replace(op, *moved.operation.results)


def _only_quantised(value: ir.Value, type_: ir.Type) -> bool:
    """Whether all that uses a value quantises it, or moves it before; or it is at hand in integers, or constant."""
    if producer(value, nn.Dequantize) is not None or producer(value, nn.Constant) is not None:
        return True
    for user in users(value):
        moves = isinstance(user, nn.NNOp) and user.on_storage and len(user.operation.results) == 1
        behind = users(user.operation.results[0]) if moves else [user]
        if not all(isinstance(one, nn.Quantize) and one.output.type.element_type == type_ for one in behind):
            return False
    return True


@pattern(nn.NNOp)
def limits_of_type(op: nn.NNOp, rewriter: Rewriter) -> Match:
    """quantize(clamp(x)) == quantize(x), as far as the type ends where the clamp does, or before"""
    bounds = _bounds(op)
    user = None if bounds is None else sole_user(op.operation.results[0], nn.Quantize)
    parameters = None if user is None else nn.quantization_parameters(user.output.type)
    if bounds is None or user is None or parameters is None or parameters.axis >= 0:
        return NO_MATCH
    info, type_, ties = np.iinfo(parameters.dtype), user.output.type, user.ties or "even"
    low, high = (nn.stored_number(type_, bound, ties=ties) for bound in bounds)
    kept = (-math.inf if low == info.min else bounds[0], math.inf if high == info.max else bounds[1])
    if kept == bounds:
        return NO_MATCH
    nothing = kept == (-math.inf, math.inf)
    if isinstance(op, nn.Conv | nn.ConvTranspose):
        clamp = None if nothing else kept
        return rewriter.replace(op, op.rebuild(op.input, op.weight, op.bias, clamp=clamp).output)
    value = op.operation.operands[0]
    return rewriter.replace(op, value if nothing else nn.Clamp(value, min=kept[0], max=kept[1]).output)


@pattern(nn.Quantize)
def average_of_integers(op: nn.Quantize, rewriter: Rewriter) -> Match:
    """quantize(average(dequantize(x))) of one type: the average of the integers, rounded, whose halves are exact

    Transposes may stand before and behind the average.
    """
    back = producer(op.input, nn.Transpose)
    pool = producer(op.input if back is None else back.input, nn.AvgPool)
    there = None if pool is None else producer(pool.input, nn.Transpose)
    source = None if pool is None else producer(pool.input if there is None else there.input, nn.Dequantize)
    if pool is None or source is None or pool.count_include_pad or op.ties != "outwards":
        return NO_MATCH
    parameters = nn.quantization_parameters(op.output.type)
    same = source.input.type.element_type == op.output.type.element_type
    if parameters is None or parameters.axis >= 0 or not same or not has_one_use(pool.output):
        return NO_MATCH

    def counted(value: ir.Value) -> ir.RankedTensorType:
        return nn.quantized_tensor_type(shape_of(value), (1.0,), (0,), -1, parameters.dtype)

    whole = nn.StorageCast(source.input).output
    numbers = nn.Dequantize(nn.StorageCast(whole, results=[counted(whole)]).output).output
    average = pool.rebuild(numbers if there is None else there.rebuild(numbers).output).output
    average = average if back is None else back.rebuild(average).output
    rounded = nn.Quantize(average, ties="away", results=[counted(average)]).output
    return rewriter.replace(op, nn.StorageCast(nn.StorageCast(rounded).output, results=[op.output.type]).output)


def _bounds(op: nn.NNOp) -> tuple[float, float] | None:
    """What an operation limits its result to, if it does."""
    if isinstance(op, nn.Conv | nn.ConvTranspose):
        return None if op.clamp is None else (op.clamp[0], op.clamp[1])
    if isinstance(op, nn.Relu):
        return (0.0, math.inf)
    return (op.min, op.max) if isinstance(op, nn.Clamp) else None


PATTERNS: tuple[Pattern[Any], ...] = (
    behind_dequantize,
    behind_storage_cast,
    before_quantize,
    limits_of_type,
    average_of_integers,
    clamp_nothing,
    storage_cast_and_back,
    quantize_of_dequantize,
    round_trip,
)


@register_pass
@dataclass(frozen=True)
class MoveQuantized:
    """Move, pad, pool and join quantised values as the integers that store them, where that changes no number."""

    name: ClassVar[str] = "nn-move-quantized"

    def apply(self, module: ir.Module) -> None:
        rewrite_module(module, PATTERNS)
