"""Quantisation as arithmetic, for machines that quantise with one scale and to few types only."""

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from ...dialects import nn
from ...dialects.mlir import ir
from ...dialects.tensors import dtype_of, element_type, shape_of
from ..rewriter import NO_MATCH, Match, Pattern, Rewriter, pattern


def _vector(numbers: Sequence[float], value: ir.Value, axis: int, dtype: Any) -> ir.Value:
    """Parameters as a constant that broadcasts along the axis of a value."""
    shape = [-1 if i == axis else 1 for i in range(len(shape_of(value)))] if axis >= 0 else []
    return nn.Constant(value=np.asarray(numbers, dtype).reshape(shape)).output


def by_arithmetic(native: Collection[str]) -> tuple[Pattern[Any], ...]:
    """Patterns for what a machine cannot quantise to: it can to the `native` types, with one scale."""

    def is_native(type_: ir.Type) -> bool:
        parameters = nn.quantization_parameters(type_)
        return parameters is None or (len(parameters.scale) == 1 and parameters.dtype.name in native)

    @pattern(nn.Quantize)
    def quantize(op: nn.Quantize, rewriter: Rewriter) -> Match:
        return NO_MATCH if is_native(op.output.type) and not _halves_matter(op) else _quantize(op, rewriter)

    @pattern(nn.Dequantize)
    def dequantize(op: nn.Dequantize, rewriter: Rewriter) -> Match:
        return NO_MATCH if is_native(op.input.type) else _dequantize(op, rewriter)

    return quantize, dequantize


def _halves_matter(op: nn.Quantize) -> bool:
    """Whether halves are common, as in averages of integers, and do not go to even, as machines round them."""
    parameters = nn.quantization_parameters(op.output.type)
    return op.ties == "outwards" or (op.ties == "away" and parameters is not None and parameters.scale == (1.0,))


def _quantize(op: nn.Quantize, rewriter: Rewriter) -> Match:
    """cast(clamp(round(x / scale) + zero_point)); away from zero, round(x) is sign(x) * floor(|x| + 0.5)"""
    parameters = nn.quantization_parameters(op.output.type)
    assert parameters is not None
    axis, info = parameters.axis, np.iinfo(parameters.dtype)
    steps = nn.Div(op.input, _vector(parameters.scale, op.input, axis, np.float32)).output
    zeros = _vector(parameters.zero_point, op.input, axis, np.float32) if any(parameters.zero_point) else None
    if zeros is not None and op.ties == "outwards":
        steps = nn.Add(steps, zeros).output
    if op.ties in ("away", "outwards"):
        half = nn.Constant(value=np.float32(0.5)).output
        steps = nn.Mul(nn.Sign(steps).output, nn.Floor(nn.Add(nn.Abs(steps).output, half).output).output).output
    else:
        steps = nn.Round(steps).output
    if zeros is not None and op.ties != "outwards":
        steps = nn.Add(steps, zeros).output
    high = float(np.nextafter(np.float32(info.max), np.float32(0)) if parameters.dtype.itemsize == 4 else info.max)
    bounded = nn.Clamp(steps, min=float(info.min), max=high).output
    whole = nn.Cast(bounded, to=element_type(parameters.dtype), saturate=True).output
    return rewriter.replace(op, nn.StorageCast(whole, results=[op.output.type]).output)


def _dequantize(op: nn.Dequantize, rewriter: Rewriter) -> Match:
    """float(q - zero_point) * scale; float32 holds numbers of 16 bits, so that those are subtracted there."""
    parameters = nn.quantization_parameters(op.input.type)
    assert parameters is not None
    whole, wide = nn.StorageCast(op.input).output, parameters.dtype.itemsize > 2
    whole = _shifted(whole, parameters) if wide else whole
    steps = nn.Cast(whole, to=element_type(np.float32), saturate=True).output
    steps = steps if wide else _shifted(steps, parameters)
    return rewriter.replace(op, nn.Mul(steps, _vector(parameters.scale, steps, parameters.axis, np.float32)).output)


def _shifted(value: ir.Value, parameters: nn.QuantizationParameters) -> ir.Value:
    """value - zero_point"""
    if not any(parameters.zero_point):
        return value
    return nn.Sub(value, _vector(parameters.zero_point, value, parameters.axis, dtype_of(value))).output
