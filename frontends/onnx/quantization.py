"""Quantised ONNX operators: QDQ, the QLinear and Integer families, and dynamic quantisation.

Parameters that are constants go into the element types: `QLinearConv` and `QLinearMatMul` become dequantised operands,
the float operation, and a quantised result.
"""

from typing import Any

import numpy as np

from ...dialects import nn
from ...dialects.mlir import ir
from ...dialects.ods import require
from ...dialects.tensors import Array, dtype_of, element_type, shape_of
from ..builder import Unsupported
from .convolution import kernel_of, windows
from .elementwise import cast_to
from .node import Node, Output, converter, mlir_element_type

_SUPPORTED = ("int8", "uint8", "int16", "uint16", "int32")


def parameters(node: Node, scale: int, zero_point: int, rank: int = 1) -> tuple[Array, Array | None]:
    """The constant scale and zero point at these inputs, of at most so many dimensions."""
    scales, zeros = node.constant(scale), node.constant(zero_point)
    if scales is None or (node.optional(zero_point) is not None and zeros is None):
        raise Unsupported("scale and zero point must be constant", "quantise with static parameters")
    require(scales.ndim <= rank, f"scales are of rank {scales.ndim}")
    require(bool(np.all(scales > 0) and np.all(np.isfinite(scales))), "a scale is not a positive number")
    return scales, zeros


def _quantized_type(shape: Any, scales: Array, zeros: Array | None, axis: int, dtype: Any) -> ir.Type:
    """The type of a tensor of this shape with these parameters; more than one go along `axis`."""
    dtype = np.dtype(dtype)
    if dtype.name not in _SUPPORTED:
        raise Unsupported(f"quantisation to {dtype} is not supported", f"use one of {', '.join(_SUPPORTED)}")
    zeros = np.zeros(scales.shape, dtype) if zeros is None else zeros
    require(zeros.size == scales.size, f"{scales.size} scales, but {zeros.size} zero points")
    if scales.size > 1:
        rank = len(shape)
        require(-rank <= axis < rank, f"axis {axis} is out of range for rank {rank}")
        axis %= rank
        require(shape[axis] in (None, scales.size), f"{scales.size} scales for {shape[axis]} entries of axis {axis}")
    return nn.quantized_tensor_type(shape, scales.reshape(-1).tolist(), zeros.reshape(-1).tolist(), axis, dtype)


def quantize(value: ir.Value, scales: Array, zeros: Array | None, axis: int, dtype: Any) -> ir.Value:
    """A float tensor rounded to integers with these parameters, as plain integers."""
    result = _quantized_type(shape_of(value), scales, zeros, axis, dtype)
    return nn.StorageCast(nn.Quantize(value, results=[result]).output).output


def dequantize(value: ir.Value, scales: Array, zeros: Array | None, axis: int) -> ir.Value:
    """The numbers that plain integers with these parameters stand for."""
    typed = _quantized_type(shape_of(value), scales, zeros, axis, dtype_of(value))
    return nn.Dequantize(nn.StorageCast(value, results=[typed]).output).output


def _needs_arithmetic(node: Node) -> bool:
    """Whether the parameters are no part of an element type."""
    computed = node.constant(1) is None or (node.optional(2) is not None and node.constant(2) is None)
    return computed or bool(node.attribute("block_size", 0))


def _spread_parameters(node: Node, dtype: np.dtype[Any]) -> tuple[ir.Value, ir.Value | None]:
    """Scale and zero point, with elements of this type, of a shape that goes with the first input's."""
    rank, block = node.rank(), int(node.attribute("block_size", 0))
    axis = node.axis("axis", 1, rank) if rank > 1 else 0

    def spread(index: int) -> ir.Value:
        value = node.builder.folded(cast_to(node.input(index), element_type(dtype)))
        shape = [dim or 0 for dim in shape_of(value)]
        if len(shape) == 1 and not block:
            return nn.Reshape(value, shape=[-1 if i == axis else 1 for i in range(rank)]).output
        if not block:
            return value
        size = node.shape()[axis]
        if size is None:
            raise Unsupported(f"blocks along dimension {axis}, which is not known", "give it with --shape or --dim")
        require(len(shape) == rank, f"blocked scales are of rank {len(shape)}, expected {rank}")
        apart = nn.Unsqueeze(value, axes=(axis + 1,)).output
        repeated = nn.Expand(apart, shape=(*shape[: axis + 1], block, *shape[axis + 1 :])).output
        joined = nn.Reshape(repeated, shape=(*shape[:axis], -1, *shape[axis + 1 :])).output
        return nn.Slice(joined, starts=(0,), ends=(size,), axes=(axis,), steps=(1,)).output

    return spread(1), None if node.optional(2) is None else spread(2)


BLOCKS = (nn.Unsqueeze, nn.Expand, nn.Reshape, nn.Slice)
"""What gives each element its block's scale."""


@converter(
    "QuantizeLinear",
    builds=nn.Quantize,
    forms={
        "integers as input": nn.Cast,
        "parameters that are computed": (nn.Div, nn.Round, nn.Add, nn.Clamp, nn.Cast),
        "blocks": (*BLOCKS, nn.Div, nn.Round, nn.Add, nn.Clamp, nn.Cast),
    },
)
def quantize_linear(node: Node) -> Output:
    """Integers of 8 and 16 bits. Scales and zero points that are computed, or one a block, take arithmetic in float."""
    zero, kind = node.optional(2), node.attribute("output_dtype", 0)
    dtype = dtype_of(zero) if zero is not None else dtype_of(mlir_element_type(kind)) if kind else np.dtype(np.uint8)
    value = node.input(0)
    if dtype_of(value).kind != "f":
        value = cast_to(value, element_type(np.float32))
    if _needs_arithmetic(node):
        scale, shift = _spread_parameters(node, dtype_of(value))
        steps = nn.Round(nn.Div(value, scale).output).output
        steps = steps if shift is None else nn.Add(steps, shift).output
        info = np.iinfo(dtype)
        return cast_to(nn.Clamp(steps, min=float(info.min), max=float(info.max)).output, element_type(dtype))
    scales, zeros = parameters(node, 1, 2)
    return quantize(value, scales, zeros, node.attribute("axis", 1), dtype)


@converter(
    "DequantizeLinear",
    builds=nn.Dequantize,
    forms={
        "results other than f32": nn.Cast,
        "parameters that are computed": (nn.Cast, nn.Sub, nn.Mul),
        "blocks": (*BLOCKS, nn.Cast, nn.Sub, nn.Mul),
    },
)
def dequantize_linear(node: Node) -> Output:
    """Integers of 8, 16 and 32 bits. Scales and zero points that are computed, or one a block, take arithmetic."""
    kind = node.attribute("output_dtype", 0)
    if _needs_arithmetic(node):
        scale, shift = _spread_parameters(node, dtype_of(node.input(1)))
        steps = cast_to(node.input(0), scale.type.element_type)
        result = nn.Mul(steps if shift is None else nn.Sub(steps, shift).output, scale).output
        return cast_to(result, mlir_element_type(kind) if kind else scale.type.element_type)
    scales, zeros = parameters(node, 1, 2)
    result = dequantize(node.input(0), scales, zeros, node.attribute("axis", 1))
    return cast_to(result, mlir_element_type(kind) if kind else element_type(scales.dtype))


@converter("QLinearConv", builds=(nn.Dequantize, nn.Conv, nn.Quantize))
def qlinear_conv(node: Node) -> Output:
    """Scales and zero points must be constant; the sum is rounded once, in float."""
    return quantized_convolution(node, node.input(0))


def quantized_convolution(node: Node, image: ir.Value) -> ir.Value:
    """The node's convolution of an image of integers, channels first."""
    (x_scale, x_zero), (w_scale, w_zero), (y_scale, y_zero) = (parameters(node, i, i + 1) for i in (1, 4, 6))
    require(x_scale.size == y_scale.size == 1, "input and output have one scale")
    value = dequantize(image, x_scale, x_zero, 0)
    weight = dequantize(node.input(3), w_scale, w_zero, 0)
    bias = node.optional(8)
    if bias is not None:
        bias = dequantize(bias, x_scale.reshape(-1) * w_scale.reshape(-1), None, 0)
    value, attributes = windows(node, value, kernel_of(node, 3))
    result = nn.Conv(value, weight, bias, groups=node.attribute("group", 1), **attributes).output
    return quantize(result, y_scale, y_zero, 0, np.uint8 if y_zero is None else y_zero.dtype)


@converter("QLinearMatMul", builds=(nn.Dequantize, nn.Matmul, nn.Quantize))
def qlinear_matmul(node: Node) -> Output:
    """Scales and zero points must be constant; the sum is rounded once, in float."""
    (a_scale, a_zero), (b_scale, b_zero), (y_scale, y_zero) = (parameters(node, i, i + 1) for i in (1, 4, 6))
    left = dequantize(node.input(0), a_scale, a_zero, -2)
    right = dequantize(node.input(3), b_scale, b_zero, -1)
    result = nn.Matmul(left, right).output
    return quantize(result, y_scale, y_zero, -2, np.uint8 if y_zero is None else y_zero.dtype)


def centred(node: Node, index: int, zero_point: int, trailing: int = 0) -> ir.Value:
    """An integer operand minus its zero point, as i32; `trailing` dimensions follow those that a vector counts."""
    wide = element_type(np.int32)
    value, zero = node.builder.folded(cast_to(node.input(index), wide)), node.optional(zero_point)
    if zero is None:
        return value
    zero = node.builder.folded(cast_to(zero, wide))
    if trailing and len(shape_of(zero)) == 1:
        zero = node.builder.folded(nn.Unsqueeze(zero, axes=tuple(range(1, 1 + trailing))).output)
    return nn.Sub(value, zero).output


@converter(
    "MatMulInteger", builds=(nn.Cast, nn.Sub, nn.Matmul), forms={"zero points a row": nn.Unsqueeze}, integers=True
)
def matmul_integer(node: Node) -> Output:
    return nn.Matmul(centred(node, 0, 2, trailing=1), centred(node, 1, 3)).output


@converter(
    "ConvInteger", builds=(nn.Cast, nn.Sub, nn.Conv), forms={"zero points a channel": nn.Unsqueeze}, integers=True
)
def conv_integer(node: Node) -> Output:
    value, attributes = windows(node, centred(node, 0, 2), kernel_of(node))
    weight = centred(node, 1, 3, trailing=node.rank(1) - 1)
    return nn.Conv(value, weight, None, groups=node.attribute("group", 1), **attributes).output


@converter(
    "DynamicQuantizeLinear",
    builds=(nn.Reduce, nn.Maximum, nn.Minimum, nn.Sub, nn.Div, nn.Neg, nn.Clamp, nn.Round, nn.Add, nn.Cast),
)
def dynamic_quantize_linear(node: Node) -> list[ir.Value]:
    """To u8, with the scale that the input's own range gives."""
    value = node.input(0)
    axes = tuple(range(node.rank()))
    zero, steps = node.like(0, value), node.like(255, value)
    high = nn.Maximum(nn.Reduce(value, kind="max", axes=axes, keepdims=False).output, zero).output
    low = nn.Minimum(nn.Reduce(value, kind="min", axes=axes, keepdims=False).output, zero).output
    scale = nn.Div(nn.Sub(high, low).output, steps).output
    shift = nn.Round(nn.Clamp(nn.Div(nn.Neg(low).output, scale).output, min=0.0, max=255.0).output).output
    counts = nn.Add(nn.Round(nn.Div(value, scale).output).output, shift).output
    byte = element_type(np.uint8)
    return [cast_to(nn.Clamp(counts, min=0.0, max=255.0).output, byte), scale, cast_to(shift, byte)]
