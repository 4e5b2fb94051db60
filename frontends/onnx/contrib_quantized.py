"""Onnxruntime's own quantised operators, which its quantiser makes: dequantised operands, a float operation, rounding.

Each quantised operand is three inputs: integers, scale, zero point.
"""

from collections.abc import Callable

import numpy as np

from ...dialects import nn
from ...dialects.mlir import ir
from ...dialects.ods import require
from ...dialects.tensors import dtype_of, element_type, shape_of
from ..builder import Unsupported
from .convolution import means
from .elementwise import cast_to
from .node import Node, Output, converter
from .quantization import (
    centred,
    dequantize,
    dequantize_linear,
    dynamic_quantize_linear,
    parameters,
    quantize,
    quantize_linear,
    quantized_convolution,
)
from .recurrent import recurrent_attributes


def _real(node: Node, index: int, axis: int = 0) -> ir.Value:
    """The numbers that the integers of an input stand for, its scale and zero point being the next two inputs."""
    scale, zero = parameters(node, index + 1, index + 2)
    return dequantize(node.input(index), scale, zero, axis)


def _rounded(node: Node, value: ir.Value, index: int, like: int = 0) -> ir.Value:
    """A result with the scale and zero point that are inputs; integers of the type of input `like`."""
    scale, zero = parameters(node, index, index + 1)
    require(scale.size == 1, "the result has one scale")
    return quantize(value, scale, zero, 0, dtype_of(node.input(like)) if zero is None else zero.dtype)


@converter(
    "com.microsoft.QLinearAdd",
    "com.microsoft.QLinearMul",
    builds={
        "com.microsoft.QLinearAdd": (nn.Dequantize, nn.Add, nn.Quantize),
        "com.microsoft.QLinearMul": (nn.Dequantize, nn.Mul, nn.Quantize),
    },
)
def binary(node: Node) -> Output:
    op = nn.Add if node.operator == "QLinearAdd" else nn.Mul
    return _rounded(node, op(_real(node, 0), _real(node, 3)).output, 6)


def _average(node: Node, value: ir.Value) -> ir.Value:
    return means(node, value, node.ints_of("kernel_shape", len(shape_of(value)) - 2, 1))


def _global_average(node: Node, value: ir.Value) -> ir.Value:
    return nn.Reduce(value, kind="mean", axes=tuple(range(2, node.rank())), keepdims=True).output


def _softmax(node: Node, value: ir.Value) -> ir.Value:
    axis = node.attribute("axis", -1)
    if node.attribute("opset", 13) < 13 and axis % node.rank() != node.rank() - 1:
        raise Unsupported(
            "softmax over several dimensions is not supported", "export the network with opset 13 or newer"
        )
    return nn.Softmax(value, axis=axis).output


FUNCTIONS: dict[str, tuple[type[nn.NNOp], Callable[[Node, ir.Value], ir.Value]]] = {
    "QLinearSigmoid": (nn.Sigmoid, lambda _, value: nn.Sigmoid(value).output),
    "QLinearLeakyRelu": (
        nn.LeakyRelu,
        lambda node, value: nn.LeakyRelu(value, alpha=node.attribute("alpha", 0.01)).output,
    ),
    "QLinearSoftmax": (nn.Softmax, _softmax),
    "QLinearAveragePool": (nn.AvgPool, _average),
    "QLinearGlobalAveragePool": (nn.Reduce, _global_average),
}
"""Functions of one tensor."""


@converter(
    *(f"com.microsoft.{name}" for name in FUNCTIONS),
    builds={f"com.microsoft.{name}": (nn.Dequantize, op, nn.Quantize) for name, (op, _) in FUNCTIONS.items()},
    forms={"channels behind the pixels": nn.Transpose},
)
def function(node: Node) -> Output:
    scale, zero = parameters(node, 1, 2)
    value = dequantize(channels_first(node), scale, zero, 0)
    return channels_as_given(node, _rounded(node, FUNCTIONS[node.operator][1](node, value), 3))


@converter(
    "com.microsoft.QLinearConv",
    builds=(nn.Dequantize, nn.Conv, nn.Quantize),
    forms={"channels behind the pixels": nn.Transpose},
)
def convolution(node: Node) -> Output:
    """Scales and zero points must be constant; the sum is rounded once, in float."""
    return channels_as_given(node, quantized_convolution(node, channels_first(node)))


def channels_first(node: Node) -> ir.Value:
    """The image of a node that may have its channels behind the pixels."""
    value, rank = node.input(0), node.rank()
    if not node.attribute("channels_last", 0):
        return value
    require(rank > 2, f"needs an image, got rank {rank}")
    return nn.Transpose(value, permutation=(0, rank - 1, *range(1, rank - 1))).output


def channels_as_given(node: Node, value: ir.Value) -> ir.Value:
    """A result with its channels where the node has those of its image."""
    if not node.attribute("channels_last", 0):
        return value
    return nn.Transpose(value, permutation=(0, *range(2, node.rank()), 1)).output


@converter("com.microsoft.QLinearConcat", builds=(nn.Dequantize, nn.Concat, nn.Quantize))
def concat(node: Node) -> Output:
    """Every part is rounded to the parameters of the result."""
    values = [_real(node, index) for index in range(2, len(node.inputs), 3)]
    return _rounded(node, nn.concat(values, node.attribute("axis", 0)), 0, like=2)


@converter("com.microsoft.QLinearWhere", builds=(nn.Dequantize, nn.Where, nn.Quantize))
def where(node: Node) -> Output:
    return _rounded(node, nn.Where(node.input(0), _real(node, 1), _real(node, 4)).output, 7, like=1)


@converter(
    "com.microsoft.QGemm",
    builds=(nn.Dequantize, nn.Matmul, nn.Quantize),
    forms={"a bias": nn.Add, "matrices to transpose": nn.Transpose, "alpha other than 1": nn.Mul},
)
def gemm(node: Node) -> Output:
    """The sum is rounded once, in float; without a scale of the result it stays a number."""
    a_scale, _ = parameters(node, 1, 2)
    b_scale, b_zero = parameters(node, 4, 5)
    flip = bool(node.attribute("transB", 0))
    right = dequantize(node.input(3), b_scale, b_zero, 0 if flip else 1)
    left = _real(node, 0)
    if node.attribute("transA", 0):
        left = nn.Transpose(left, permutation=(1, 0)).output
    result = nn.Matmul(left, nn.Transpose(right, permutation=(1, 0)).output if flip else right).output
    alpha = node.attribute("alpha", 1.0)
    if alpha != 1.0:
        result = nn.Mul(result, node.like(alpha, result)).output
    bias = node.optional(6)
    if bias is not None:
        scales = np.float32(alpha) * a_scale.reshape(-1) * b_scale.reshape(-1)
        result = nn.Add(result, dequantize(bias, scales, None, -1)).output
    return result if node.optional(7) is None else _rounded(node, result, 7)


@converter("com.microsoft.QuantizeLinear", builds=nn.Quantize)
def quantize_(node: Node) -> Output:
    """As the standard's, to integers of 16 bits too."""
    return quantize_linear(node)


@converter("com.microsoft.DequantizeLinear", builds=nn.Dequantize)
def dequantize_(node: Node) -> Output:
    """As the standard's, from integers of 16 bits too."""
    return dequantize_linear(node)


@converter(
    "com.microsoft.MatMulIntegerToFloat",
    builds=(nn.Cast, nn.Sub, nn.Matmul, nn.Mul),
    forms={"a bias": nn.Add, "zero points or scales a column": nn.Unsqueeze},
    integers=True,
)
def matmul_integer_to_float(node: Node) -> Output:
    """Scales and zero points may be computed."""
    product = nn.Matmul(centred(node, 0, 4), centred(node, 1, 5)).output
    return _with_scales(node, product, node.input(2), node.input(3), node.optional(6))


@converter(
    "com.microsoft.DynamicQuantizeMatMul",
    builds=(
        nn.Reduce,
        nn.Maximum,
        nn.Minimum,
        nn.Sub,
        nn.Div,
        nn.Neg,
        nn.Clamp,
        nn.Round,
        nn.Add,
        nn.Cast,
        nn.Matmul,
        nn.Mul,
    ),
    integers=True,
)
def dynamic_quantize_matmul(node: Node) -> Output:
    """The input is quantised with the scale that its own range gives."""
    quantised, scale, zero = dynamic_quantize_linear(node)
    wide = element_type(np.int32)
    left = nn.Sub(cast_to(quantised, wide), cast_to(zero, wide)).output
    product = nn.Matmul(left, centred(node, 1, 3)).output
    return _with_scales(node, product, scale, node.input(2), node.optional(4))


def _with_scales(node: Node, product: ir.Value, left: ir.Value, right: ir.Value, bias: ir.Value | None) -> ir.Value:
    """What a product of integers stands for."""
    factor = node.builder.folded(nn.Mul(left, right).output)
    result = nn.Mul(cast_to(product, element_type(dtype_of(left))), factor).output
    return result if bias is None else nn.Add(result, bias).output


@converter("com.microsoft.DynamicQuantizeLSTM", builds=nn.Lstm)
def dynamic_quantize_lstm(node: Node) -> Output:
    """Weights are the numbers that their integers stand for; what they are multiplied with stays float, where
    onnxruntime rounds it to 8 bits."""
    weights = [_lstm_weight(node, 1, 8), _lstm_weight(node, 2, 10)]
    operands = [node.input(0), *weights, *(node.optional(i) for i in range(3, 8))]
    attributes = recurrent_attributes(node, "LSTM")
    attributes["hidden_size"] = node.attribute("hidden_size", shape_of(weights[1])[2])
    op = nn.Lstm(*operands, input_forget=bool(node.attribute("input_forget", 0)), **attributes)
    return [op.y, op.y_h, op.y_c]


def _lstm_weight(node: Node, index: int, scale: int) -> ir.Value:
    """A weight of each direction, gates first: in the file they are last."""
    array, (scales, zeros) = node.constant(index), parameters(node, scale, scale + 1, rank=2)
    if array is None or array.ndim != 3:
        raise Unsupported("weights must be constant, of three dimensions")
    zero = np.zeros(scales.shape) if zeros is None else zeros.astype(np.float64)
    fits = scales.shape == zero.shape and scales.shape[:1] == array.shape[:1] and scales.ndim <= 2
    require(fits and scales.shape[1:] in ((), (array.shape[2],)), "scales and zero points do not fit the weights")
    shape = (len(array), 1, -1)
    numbers = (array - zero.reshape(shape)) * scales.reshape(shape)
    return node.new_constant(np.ascontiguousarray(numbers.swapaxes(1, 2)), np.float32)
