"""Quantisation as arithmetic, for machines that quantise with one scale and to few types only."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...dialects import nn
from ...dialects.mlir import ir
from ...dialects.tensors import dtype_of, element_type, shape_of
from ..rewriter import NO_MATCH, Match, Rewriter, pattern

NATIVE = ("int8", "uint8", "int16")
"""What stack machines quantise to, with one scale and zero point."""


def _is_native(parameters: nn.QuantizationParameters) -> bool:
    return len(parameters.scale) == 1 and parameters.dtype.name in NATIVE


def _vector(numbers: Sequence[float], value: ir.Value, axis: int, dtype: Any) -> ir.Value:
    """Parameters as a constant that broadcasts along the axis of a value."""
    shape = [-1 if i == axis else 1 for i in range(len(shape_of(value)))] if axis >= 0 else []
    return nn.Constant(value=np.asarray(numbers, dtype).reshape(shape)).output


@pattern(nn.Quantize)
def quantize(op: nn.Quantize, rewriter: Rewriter) -> Match:
    """cast(clamp(round(x / scale) + zero_point)); away from zero, round(x) is sign(x) * floor(|x| + 0.5)"""
    parameters = nn.quantization_parameters(op.output.type)
    if parameters is None or _is_native(parameters):
        return NO_MATCH
    axis, info = parameters.axis, np.iinfo(parameters.dtype)
    steps = nn.Div(op.input, _vector(parameters.scale, op.input, axis, np.float32)).output
    if op.ties == "away":
        half = nn.Constant(value=np.float32(0.5)).output
        steps = nn.Mul(nn.Sign(steps).output, nn.Floor(nn.Add(nn.Abs(steps).output, half).output).output).output
    else:
        steps = nn.Round(steps).output
    if any(parameters.zero_point):
        steps = nn.Add(steps, _vector(parameters.zero_point, op.input, axis, np.float32)).output
    high = float(np.nextafter(np.float32(info.max), np.float32(0)) if parameters.dtype.itemsize == 4 else info.max)
    bounded = nn.Clamp(steps, min=float(info.min), max=high).output
    whole = nn.Cast(bounded, to=element_type(parameters.dtype), saturate=True).output
    return rewriter.replace(op, nn.StorageCast(whole, results=[op.output.type]).output)


@pattern(nn.Dequantize)
def dequantize(op: nn.Dequantize, rewriter: Rewriter) -> Match:
    """float(q - zero_point) * scale"""
    parameters = nn.quantization_parameters(op.input.type)
    if parameters is None or _is_native(parameters):
        return NO_MATCH
    whole = nn.StorageCast(op.input).output
    if any(parameters.zero_point):
        if dtype_of(whole) != np.int32:
            whole = nn.Cast(whole, to=element_type(np.int32), saturate=True).output
        whole = nn.Sub(whole, _vector(parameters.zero_point, whole, parameters.axis, np.int32)).output
    steps = nn.Cast(whole, to=element_type(np.float32), saturate=True).output
    scale = _vector(parameters.scale, steps, parameters.axis, np.float32)
    return rewriter.replace(op, nn.Mul(steps, scale).output)
