"""What a quantised network rounds its values to: left out, brought to where layers do it, or left to layers.

A rounding is `dequantize(quantize(x))`.
"""

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ...dialects import kpu, nn
from ...dialects.mlir import ir
from ...dialects.ranges import Range, value_range
from ...dialects.tensors import shape_of
from ..pipeline import register_pass
from ..rewriter import NO_MATCH, Match, Pattern, Rewriter, has_one_use, pattern, producer, rewrite_module
from . import build
from .activation import clamp_knots
from .parameters import is_moving

MOVES = (nn.Reshape, nn.Squeeze, nn.Transpose, nn.Unsqueeze)
"""What every number goes through unchanged, and none is added."""


def stated_range(type_: ir.Type, bits: int = 8) -> Range | None:
    """The numbers that a type with one scale, of at most so many bits, stands for; None for other types."""
    stated = nn.quantization_parameters(type_)
    if stated is None or stated.axis != -1 or 8 * stated.dtype.itemsize > bits:
        return None
    (scale,), (zero,), info = stated.scale, stated.zero_point, np.iinfo(stated.dtype)
    return Range((info.min - zero) * scale, (info.max - zero) * scale)


@pattern(nn.Dequantize)
def rounding(op: nn.Dequantize, rewriter: Rewriter) -> Match:
    """dequantize(quantize(x)) is x: where the KPU rounds, it rounds in its own way"""
    quantize = producer(op.input, nn.Quantize)
    return NO_MATCH if quantize is None else rewriter.replace(op, quantize.input)


@pattern(nn.Dequantize)
def rounding_to_signed(op: nn.Dequantize, rewriter: Rewriter) -> Match:
    """dequantize(quantize(x)) of i8 is the same of u8, which the KPU has: both numbers and zero point are 128 more"""
    quantize, stated = producer(op.input, nn.Quantize), nn.quantization_parameters(op.input.type)
    if quantize is None or stated is None or stated.dtype != np.int8 or stated.axis != -1:
        return NO_MATCH
    zero = stated.zero_point[0] + 128
    type_ = nn.quantized_tensor_type(shape_of(op.output), stated.scale, [zero], -1, np.uint8)
    rounded = quantize.rebuild(quantize.input, results=[type_]).output
    return rewriter.replace(op, nn.Dequantize(rounded).output)


@pattern(nn.Dequantize)
def rounding_of_moved(op: nn.Dequantize, rewriter: Rewriter) -> Match:
    """round(move(x)) == move(round(x)), so that rounding stands behind what computes"""
    quantize, stated = producer(op.input, nn.Quantize), nn.quantization_parameters(op.input.type)
    moved: Any = quantize.input.owner.opview if quantize and isinstance(quantize.input, ir.OpResult) else None
    if not isinstance(moved, MOVES) or stated is None or stated.axis != -1 or not has_one_use(moved.output):
        return NO_MATCH
    assert quantize is not None
    type_ = nn.quantized_tensor_type(shape_of(moved.input), stated.scale, stated.zero_point, -1, stated.dtype)
    rounded = nn.Dequantize(quantize.rebuild(moved.input, results=[type_]).output).output
    return rewriter.replace(op, moved.rebuild(rounded).output)


@pattern(nn.Dequantize)
def rounding_of_layer(op: nn.Dequantize, rewriter: Rewriter) -> Match:
    """round(layer(x)) is layer(x), whose bytes stand for the same numbers; limited to 0 explicitly where they are

    Limits that the bytes have are not stated by files, and would be lost where maps are joined to others, with wider
    ranges.
    """
    quantize = producer(op.input, nn.Quantize)
    if quantize is None or not _is_from_layers(quantize.input):
        return NO_MATCH
    span, layer = stated_range(op.input.type), producer(quantize.input, kpu.Layer)
    if span is None or value_range(quantize.input) != span:
        return NO_MATCH
    if layer is None or 0 not in span or not _can_be_limited(layer):
        return rewriter.replace(op, quantize.input)
    low, high = (0.0, math.inf) if span.low == 0 else (-math.inf, 0.0)
    return rewriter.replace(op, build.again(layer, span, activation=clamp_knots(low, high)))


def _can_be_limited(layer: kpu.Layer) -> bool:
    """Whether an activation would limit a layer's result, and not what it computes a mean of, or only copies."""
    return layer.activation is None and not layer.pool.startswith("mean") and build.COPY not in layer.attributes


def _is_from_layers(value: ir.Value) -> bool:
    """Whether a value's numbers are those that layers make."""
    if producer(value, kpu.Layer) is not None:
        return True
    moved: Any = value.owner.opview if isinstance(value, ir.OpResult) else None
    return is_moving(moved) and all(map(_is_from_layers, moved.operation.operands))


EARLY: tuple[Pattern[Any], ...] = (rounding_to_signed, rounding_of_moved)


@register_pass
@dataclass(frozen=True)
class DropRounding:
    """Leave out what a quantised network rounds its values to: calibration will say which bytes stand for them."""

    name: ClassVar[str] = "kpu-drop-rounding"

    def apply(self, module: ir.Module) -> None:
        rewrite_module(module, [rounding])
