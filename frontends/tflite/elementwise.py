"""Element-wise TFLite operators."""

import math

import numpy as np

from ...dialects import nn
from ...dialects.mlir import ir
from ...dialects.tensors import dtype_of, element_type
from ..builder import Unsupported
from ..converter import Form
from .loader import DTYPES
from .node import Node, Output, activated, converter

_UNARY: dict[str, type[nn.ElementwiseOp]] = {
    "ABS": nn.Abs,
    "CEIL": nn.Ceil,
    "COS": nn.Cos,
    "EXP": nn.Exp,
    "FLOOR": nn.Floor,
    "HARD_SWISH": nn.HardSwish,
    "LOG": nn.Log,
    "LOGICAL_NOT": nn.LogicalNot,
    "LOGISTIC": nn.Sigmoid,
    "NEG": nn.Neg,
    "RELU": nn.Relu,
    "ROUND": nn.Round,
    "RSQRT": nn.Rsqrt,
    "SIGN": nn.Sign,
    "SIN": nn.Sin,
    "SQRT": nn.Sqrt,
    "SQUARE": nn.Square,
    "TANH": nn.Tanh,
}
_BINARY: dict[str, type[nn.BinaryOp]] = {
    "ATAN2": nn.Atan2,
    "BITWISE_XOR": nn.BitwiseXor,
    "EQUAL": nn.Equal,
    "FLOOR_DIV": nn.FloorDiv,
    "GREATER": nn.Greater,
    "GREATER_EQUAL": nn.GreaterEqual,
    "LESS": nn.Less,
    "LESS_EQUAL": nn.LessEqual,
    "LOGICAL_AND": nn.LogicalAnd,
    "LOGICAL_OR": nn.LogicalOr,
    "MAXIMUM": nn.Maximum,
    "MINIMUM": nn.Minimum,
    "NOT_EQUAL": nn.NotEqual,
    "POW": nn.Pow,
    "RIGHT_SHIFT": nn.ShiftRight,
    "SQUARED_DIFFERENCE": nn.SquaredDifference,
}
_ACTIVATED: dict[str, tuple[type[nn.BinaryOp], str]] = {
    "ADD": (nn.Add, "AddOptions"),
    "DIV": (nn.Div, "DivOptions"),
    "MUL": (nn.Mul, "MulOptions"),
    "SUB": (nn.Sub, "SubOptions"),
}


@converter(*_UNARY, builds=_UNARY)
def _unary(node: Node) -> Output:
    return _UNARY[node.operator](node.input(0)).output


@converter(*_BINARY, builds=_BINARY)
def _binary(node: Node) -> Output:
    return _BINARY[node.operator](node.input(0), node.input(1)).output


@converter(*_ACTIVATED, builds={name: op for name, (op, _) in _ACTIVATED.items()})
def _activated(node: Node) -> Output:
    op, table = _ACTIVATED[node.operator]
    (activation,) = node.options(table, "FusedActivationFunction")
    return activated(op(node.input(0), node.input(1)).output, activation)


@converter("ADD_N", builds=nn.Add)
def add_n(node: Node) -> Output:
    result = node.input(0)
    for index in range(1, len(node.inputs)):
        result = nn.Add(result, node.input(index)).output
    return result


@converter("FLOOR_MOD", builds=nn.Mod)
def floor_mod(node: Node) -> Output:
    return nn.Mod(node.input(0), node.input(1), fmod=False).output


@converter("RELU6", "RELU_N1_TO_1", "RELU_0_TO_1", builds=nn.Clamp)
def bounded_relu(node: Node) -> Output:
    low, high = {"RELU6": (0, 6), "RELU_N1_TO_1": (-1, 1), "RELU_0_TO_1": (0, 1)}[node.operator]
    return nn.Clamp(node.input(0), min=low, max=high).output


@converter("LEAKY_RELU", builds=nn.LeakyRelu)
def leaky_relu(node: Node) -> Output:
    (alpha,) = node.options("LeakyReluOptions", "Alpha")
    right, left = byte_factor(node), byte_factor(node, alpha)
    return scaled(nn.LeakyRelu(node.input(0), alpha=alpha * left / right).output, right)


def byte_factor(node: Node, slope: float = 1.0) -> float:
    """What LiteRT multiplies integers of 8 bits by to get others, relative to the exact number.

    XNNPACK keeps 8 bits behind the point. Source: vcvt and vlrelu in XNNPACK's src/qs8-vcvt and src/qs8-vlrelu.
    """
    ends = (node.tensors[0], node.outputs[0])
    both = [one.quantization for one in ends if one is not None and one.dtype in ("int8", "uint8") and one.quantization]
    if len(both) < 2 or len(both[0].scale) > 1:
        return 1.0
    exact = slope * both[0].scale[0] / both[1].scale[0]
    kept = round(exact * 256)
    return kept / 256 / exact if 1 <= abs(kept) <= 1 << 15 else 1.0


def scaled(value: ir.Value, factor: float) -> ir.Value:
    """A value times a factor that is nearly 1."""
    if factor == 1.0:
        return value
    return nn.Mul(value, nn.Constant(value=np.asarray(factor, dtype_of(value))).output).output


@converter("ELU", builds=nn.Elu)
def elu(node: Node) -> Output:
    return nn.Elu(node.input(0), alpha=1.0).output


@converter("GELU", builds=nn.Gelu, forms={"the approximation by tanh": Form(nn.Gelu, "by tanh")})
def gelu(node: Node) -> Output:
    (approximate,) = node.options("GeluOptions", "Approximate")
    return nn.Gelu(node.input(0), approximate="tanh" if approximate else "none").output


@converter("PRELU", builds=nn.Prelu)
def prelu(node: Node) -> Output:
    return nn.Prelu(node.input(0), node.input(1)).output


@converter("SELECT", "SELECT_V2", builds=nn.Where, forms={"a condition that picks rows": nn.Unsqueeze})
def select(node: Node) -> Output:
    """SELECT's condition may also be a vector that picks along the first dimension."""
    condition, rank = node.input(0), node.rank(1)
    if node.operator == "SELECT" and node.rank(0) == 1 and rank > 1:
        condition = node.builder.folded(nn.Unsqueeze(condition, axes=range(1, rank)).output)
    return nn.Where(condition, node.input(1), node.input(2)).output


@converter("CAST", builds=nn.Cast)
def cast(node: Node) -> Output:
    (target,) = node.options("CastOptions", "OutDataType")
    if target not in DTYPES:
        raise Unsupported(f"casting to type {target} is not supported")
    return cast_to(node.stored(0), DTYPES[target])


@converter("BITCAST", builds=nn.Bitcast)
def bitcast(node: Node) -> Output:
    """Between types of one width. Version 7: no floats."""
    value, target = node.stored(0), np.dtype(node.outputs[0].dtype)
    if dtype_of(value).itemsize != target.itemsize:
        raise Unsupported(f"{value.type.element_type} as {target}, which is of another width, is not supported")
    return value if dtype_of(value) == target else nn.Bitcast(value, to=element_type(target)).output


def cast_to(value: ir.Value, dtype: str) -> ir.Value:
    """A cast, or the value itself when it has that type already."""
    if dtype_of(value) == np.dtype(dtype):
        return value
    return nn.Cast(value, to=element_type(dtype), saturate=True).output


@converter("DEQUANTIZE", forms={"from float16": nn.Cast, "from integers": nn.Dequantize})
def dequantize(node: Node) -> Output:
    """From float16 (constants on the spot), or what a quantised tensor stands for."""
    value = node.input(0)
    array = nn.constant_value(value)
    return cast_to(value, "float32") if array is None else node.new_constant(array, np.float32)


@converter("QUANTIZE", builds=nn.Quantize)
def quantize(node: Node) -> Output:
    """Real numbers, or those that a tensor with other parameters stands for: the result's type does the rest."""
    return scaled(node.input(0), byte_factor(node))


@converter("ZEROS_LIKE")
def zeros_like(node: Node) -> Output:
    if None in node.shape():
        return nn.DynamicExpand(node.like(0, node.input(0)), nn.ShapeOf(node.input(0), start=0).output).output
    return node.new_constant(np.zeros(node.shape(), dtype_of(node.input(0))))


@converter("L2_NORMALIZATION", builds=(nn.Reduce, nn.Clamp, nn.Sqrt, nn.Div))
def l2_normalization(node: Node) -> Output:
    """Over the last dimension."""
    value = node.input(0)
    total = nn.Reduce(value, kind="sum_square", axes=(node.rank() - 1,), keepdims=True).output
    root = nn.Sqrt(nn.Clamp(total, min=1e-6, max=math.inf).output).output
    (activation,) = node.options("L2NormOptions", "FusedActivationFunction")
    return activated(nn.Div(value, root).output, activation)


@converter("FAKE_QUANT", builds=(nn.Sub, nn.Mul, nn.Add, nn.Floor))
def fake_quant(node: Node) -> Output:
    """Rounded to steps of a range that is moved so that zero is one of them.

    Source: Jacob et al., Quantization and training of neural networks for efficient integer-arithmetic-only inference.
    """
    low, high, bits, narrow = node.options("FakeQuantOptions", "Min", "Max", "NumBits", "NarrowRange")
    last = (1 << bits) - 1
    if narrow or not (low <= 0 <= high and low < high and 2 <= bits <= 16):
        raise Unsupported(f"numbers of {bits} bits from {low} to {high} are not supported, nor are narrow ranges")
    scale = np.float32((np.float32(high) - np.float32(low)) / np.float32(last))
    zero_point = min(max(round(-low / float(scale)), 0), last)
    low, high = (np.float32(one - zero_point) * scale for one in (0, last))
    value = nn.Clamp(node.input(0), min=float(low), max=float(high)).output
    inverse = node.like(float(np.float32(1) / scale), value)
    steps = nn.Mul(nn.Sub(value, node.like(float(low), value)).output, inverse).output
    whole = nn.Floor(nn.Add(steps, node.like(0.5, value)).output).output
    return nn.Add(nn.Mul(whole, node.like(float(scale), value)).output, node.like(float(low), value)).output
