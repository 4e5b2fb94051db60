"""State the ranges that a quantised network knows itself: those of the types that it rounds its values to.

On entry: prepared `nn`, which rounds (`rounding`). On exit what is rounded has the range of the type, from which its
scale and zero point follow again; and so have values that are only moved, limited or pooled before or behind that.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ...dialects import nn
from ...dialects.function import entry_function
from ...dialects.mlir import ir
from ...dialects.ranges import Range, set_range, value_range
from ...dialects.tensors import dtype_of
from ..pipeline import register_pass
from ..rewriter import NO_MATCH, Match, Rewriter, has_one_use, pattern, producer, rewrite_module
from .parameters import is_moving
from .rounding import stated_range

BYTE = 8
LIMITING = (nn.Relu, nn.Clamp, nn.MaxPool)
"""f with f(x) == f(x limited to a range), where f's results stay in it."""
LINEAR = (nn.Add, nn.Sub, nn.Mul, nn.Div)
"""Operations that, with a constant, have their least and greatest result where a range ends."""
BETWEEN = (nn.AvgPool, nn.MaxPool)
"""Operations whose results lie between numbers of the operand, or zero."""


def own_bits(module: ir.Module) -> int:
    """The fewest bits that a network rounds computed values to, 0 if it rounds none."""
    found = []
    for op in entry_function(module).regions[0].blocks[0].operations:
        stated = nn.quantization_parameters(op.output.type) if isinstance(op, nn.Quantize) else None
        if stated is not None:
            found.append(8 * stated.dtype.itemsize)
    return min(found, default=0)


@pattern(nn.Dequantize)
def rounding_to_more(op: nn.Dequantize, rewriter: Rewriter) -> Match:
    """dequantize(quantize(x)) of more than 8 bits is x, when bytes are to hold it"""
    quantize, stated = producer(op.input, nn.Quantize), nn.quantization_parameters(op.input.type)
    if quantize is None or stated is None or stated.dtype.itemsize == 1:
        return NO_MATCH
    return rewriter.replace(op, quantize.input)


@register_pass
@dataclass(frozen=True)
class StateRanges:
    """State the ranges of the types that a network rounds its values to.

    bits: of the largest of these types; those of more than 8 are not rounded to any more.
    """

    name: ClassVar[str] = "kpu-state-ranges"
    bits: int = BYTE

    def apply(self, module: ir.Module) -> None:
        operations = list(entry_function(module).regions[0].blocks[0].operations)
        for op in operations:
            if isinstance(op, nn.Quantize):
                _state(op.input, stated_range(op.output.type) or _limited(op.input, op.output.type, self.bits))
            elif isinstance(op, nn.Dequantize) and nn.constant_value(op.input) is None:
                _state(op.output, stated_range(op.input.type, self.bits))
        for op in reversed(operations):
            _state_operands(op)
        for op in operations:
            _state_result(op)
        if self.bits > BYTE:
            rewrite_module(module, [rounding_to_more])


def _state(value: ir.Value, span: Range | None) -> None:
    """A value's range, unless it has one."""
    if span is not None and value_range(value) is None and dtype_of(value).kind == "f":
        set_range(value, span)


def _limited(value: ir.Value, type_: ir.Type, bits: int) -> Range | None:
    """The numbers of a type, within the limits of what makes them: types of 16 bits are around 0, always."""
    span, conv = stated_range(type_, bits), producer(value, nn.Conv)
    if span is None:
        return None
    limits = (0.0, math.inf) if producer(value, nn.Relu) else conv.clamp if conv else None
    low, high = limits or (-math.inf, math.inf)
    return Range(max(span.low, low), min(span.high, high))


def _state_operands(op: Any) -> None:
    """Ranges of what only an operation uses that limits it, or moves it, to where the range is known."""
    if not isinstance(op, LIMITING) and not is_moving(op):
        return
    for value in op.operation.operands:
        if has_one_use(value):
            _state(value, value_range(op.operation.results[0]))


def _state_result(op: Any) -> None:
    """The range of what follows from the operands' ranges."""
    if isinstance(op, LINEAR):
        _state_linear(op)
        return
    between = isinstance(op, BETWEEN) or (isinstance(op, nn.Reduce) and op.kind in ("mean", "max", "min"))
    if not between and not is_moving(op) and not isinstance(op, nn.Relu | nn.Clamp):
        return
    spans = [value_range(value) for value in op.operation.operands]
    if None in spans:
        return
    span = _hull(span for span in spans if span is not None)
    if isinstance(op, nn.Pad | nn.AvgPool):
        span = _hull([span, Range(0.0, 0.0)])
    if isinstance(op, nn.Relu | nn.Clamp):
        low, high = (0.0, math.inf) if isinstance(op, nn.Relu) else (op.min, op.max)
        span = Range(min(max(span.low, low), high), max(min(span.high, high), low))
    _state(op.operation.results[0], span)


def _state_linear(op: Any) -> None:
    """The range of what an operation with constant numbers makes of a range's ends."""
    span, numbers = value_range(op.lhs), nn.constant_value(op.rhs)
    if span is None or numbers is None or not numbers.size:
        return
    with np.errstate(all="ignore"):
        ends = np.array([op.evaluate(np.full((), end, numbers.dtype), numbers) for end in span])
    if np.isfinite(ends).all():
        _state(op.output, Range(float(ends.min()), float(ends.max())))


def _hull(spans: Iterable[Range]) -> Range:
    lows, highs = zip(*spans, strict=True)
    return Range(min(lows), max(highs))
