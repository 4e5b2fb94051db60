"""Quantised operators that onnxruntime has beside the standard ones, as its quantiser writes them ("QOperator").

Each is what a float operator makes of dequantised inputs, quantised. Scales and zero points must be constant.
"""

from collections.abc import Sequence

import numpy as np
import onnx

from ...dialects.mlir import ir
from ...dialects.ods import require
from ...dialects.tensors import shape_of
from ..builder import Unsupported
from .node import MICROSOFT, REGISTRY, Node, Output, converter
from .quantization import dequantize, parameters, quantize

FLOAT = {
    "QLinearAdd": ("Add", 2),
    "QLinearMul": ("Mul", 2),
    "QLinearSigmoid": ("Sigmoid", 1),
    "QLinearLeakyRelu": ("LeakyRelu", 1),
    "QLinearAveragePool": ("AveragePool", 1),
    "QLinearGlobalAveragePool": ("GlobalAveragePool", 1),
    "QLinearSoftmax": ("Softmax", 1),
}
"""The float operators, and how many inputs they take; each input comes with a scale and a zero point."""


def _real(node: Node, index: int) -> ir.Value:
    """An input, which scale and zero point follow."""
    scale, zero = parameters(node, index + 1, index + 2)
    require(scale.size == 1, f"input {index} has {scale.size} scales, expected one")
    return dequantize(node.input(index), scale, zero, 0)


def _float(node: Node, operator: str, inputs: Sequence[ir.Value | None]) -> ir.Value:
    """What a float operator with the node's attributes makes of these inputs."""
    if node.attribute("channels_last", 0):
        raise Unsupported("channels that come last are not supported", "quantise the network before such a change")
    proto = onnx.NodeProto(op_type=operator, name=node.proto.name, output=node.proto.output)
    proto.attribute.extend(node.proto.attribute)
    made = Node(node.surroundings, proto, node.name, inputs)
    made.opset = node.attribute("opset", node.opset)
    result = REGISTRY[operator].convert(made)
    return result if isinstance(result, ir.Value) else result[0]


def _rounded(node: Node, value: ir.Value, index: int) -> ir.Value:
    """A result, quantised with the scale and the zero point at these inputs."""
    scale, zero = parameters(node, index, index + 1)
    require(scale.size == 1, f"the result has {scale.size} scales, expected one")
    return quantize(value, scale, zero, 0, np.uint8 if zero is None else zero.dtype)


@converter(*FLOAT, domain=MICROSOFT)
def of_float(node: Node) -> Output:
    """Scales and zero points must be constant; channels come first."""
    operator, count = FLOAT[node.operator]
    inputs = [_real(node, 3 * number) for number in range(count)]
    return _rounded(node, _float(node, operator, inputs), 3 * count)


@converter("QLinearConcat", domain=MICROSOFT)
def concat(node: Node) -> Output:
    """Scales and zero points must be constant."""
    inputs = [_real(node, index) for index in range(2, len(node.inputs), 3)]
    return _rounded(node, _float(node, "Concat", inputs), 0)


@converter("QGemm", domain=MICROSOFT)
def gemm(node: Node) -> Output:
    """Scales and zero points must be constant; the sum is rounded once, or not at all."""
    scale, _ = parameters(node, 1, 2)
    scales, zeros = parameters(node, 4, 5)
    transposed = bool(node.attribute("transB", 0))
    weight = dequantize(node.input(3), scales, zeros, 0 if transposed else 1)
    bias = node.optional(6)
    if bias is not None:
        steps = node.attribute("alpha", 1.0) * scale.reshape(-1) * scales.reshape(-1)
        bias = dequantize(bias, steps.astype(np.float32), None, len(shape_of(bias)) - 1)
    result = _float(node, "Gemm", [_real(node, 0), weight, bias])
    return result if node.optional(7) is None else _rounded(node, result, 7)
