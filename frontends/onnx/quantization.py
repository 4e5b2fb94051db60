"""QuantizeLinear and DequantizeLinear with constant parameters."""

import numpy as np

from ...dialects import nn
from ...dialects.mlir import ir
from ...dialects.tensors import dtype_of, shape_of
from .node import Node, Output, Unsupported, converter


def _quantized(node: Node, shape: tuple[int | None, ...], dtype: np.dtype[np.generic]) -> ir.Type:
    """The quantised tensor type that scale (input 1) and zero point (input 2) describe."""
    scale, zero_point = node.constant(1), node.constant(2)
    if scale is None or (node.optional(2) is not None and zero_point is None):
        raise Unsupported("scale and zero point must be constant")
    if scale.ndim > 1 or node.attribute("block_size", 0):
        raise Unsupported("blocked quantisation is not supported")
    zeros = np.zeros(scale.shape, dtype) if zero_point is None else zero_point
    axis = node.attribute("axis", 1) % max(len(shape), 1)
    return nn.quantized_tensor_type(shape, scale.reshape(-1).tolist(), zeros.reshape(-1).tolist(), axis, dtype)


@converter("QuantizeLinear", since=10)
def quantize_linear(node: Node) -> Output:
    """Scale and zero point must be constant, per tensor or per axis."""
    zero_point = node.optional(2)
    dtype = np.dtype(np.uint8) if zero_point is None else dtype_of(zero_point)
    if dtype.kind not in "iu":
        raise Unsupported(f"quantisation to {dtype} is not supported")
    result = _quantized(node, node.shape(), dtype)
    return nn.StorageCast(nn.Quantize(node.input(0), results=[result]).output).output


@converter("DequantizeLinear", since=10)
def dequantize_linear(node: Node) -> Output:
    """Scale and zero point must be constant, per tensor or per axis."""
    dtype = dtype_of(node.input(0))
    if dtype.kind not in "iu":
        raise Unsupported(f"dequantisation of {dtype} is not supported")
    typed = nn.StorageCast(node.input(0), results=[_quantized(node, shape_of(node.input(0)), dtype)]).output
    return nn.Dequantize(typed).output
