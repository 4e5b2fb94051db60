"""Element-wise ONNX operators."""

import math

import numpy as np
import onnx

from ...dialects import nn
from ...dialects.mlir import ir
from ...dialects.nn.extents import dims_of
from ...dialects.ods import require
from ...dialects.tensors import dtype_of, element_type
from ..builder import Unsupported
from ..converter import Form
from .node import MOST_ELEMENTS, Node, Output, converter, mlir_element_type, tensor_elements

_UNARY: dict[str, type[nn.ElementwiseOp] | type[nn.PredicateOp]] = {
    "Abs": nn.Abs,
    "Acos": nn.Acos,
    "Acosh": nn.Acosh,
    "Asin": nn.Asin,
    "Asinh": nn.Asinh,
    "Atan": nn.Atan,
    "Atanh": nn.Atanh,
    "BitwiseNot": nn.BitwiseNot,
    "Ceil": nn.Ceil,
    "Cos": nn.Cos,
    "Cosh": nn.Cosh,
    "Erf": nn.Erf,
    "Exp": nn.Exp,
    "Floor": nn.Floor,
    "HardSwish": nn.HardSwish,
    "IsNaN": nn.IsNan,
    "Log": nn.Log,
    "Mish": nn.Mish,
    "Neg": nn.Neg,
    "Not": nn.LogicalNot,
    "Reciprocal": nn.Reciprocal,
    "Relu": nn.Relu,
    "Round": nn.Round,
    "Sigmoid": nn.Sigmoid,
    "Sign": nn.Sign,
    "Sin": nn.Sin,
    "Sinh": nn.Sinh,
    "Softplus": nn.Softplus,
    "Softsign": nn.Softsign,
    "Sqrt": nn.Sqrt,
    "Tan": nn.Tan,
    "Tanh": nn.Tanh,
}
_BINARY: dict[str, type[nn.BinaryOp]] = {
    "Add": nn.Add,
    "And": nn.LogicalAnd,
    "BitwiseAnd": nn.BitwiseAnd,
    "BitwiseOr": nn.BitwiseOr,
    "BitwiseXor": nn.BitwiseXor,
    "Div": nn.Div,
    "Equal": nn.Equal,
    "Greater": nn.Greater,
    "GreaterOrEqual": nn.GreaterEqual,
    "Less": nn.Less,
    "LessOrEqual": nn.LessEqual,
    "Mul": nn.Mul,
    "Or": nn.LogicalOr,
    "Sub": nn.Sub,
    "Xor": nn.LogicalXor,
}
_PARAMETERS: dict[str, tuple[type[nn.ElementwiseOp], dict[str, float]]] = {
    "Celu": (nn.Celu, {"alpha": 1.0}),
    "Elu": (nn.Elu, {"alpha": 1.0}),
    "HardSigmoid": (nn.HardSigmoid, {"alpha": 0.2, "beta": 0.5}),
    "LeakyRelu": (nn.LeakyRelu, {"alpha": 0.01}),
    "Selu": (nn.Selu, {"alpha": 1.6732632423543772, "gamma": 1.0507009873554805}),
    "Shrink": (nn.Shrink, {"lambd": 0.5, "bias": 0.0}),
    "Swish": (nn.Silu, {"alpha": 1.0}),
    "ThresholdedRelu": (nn.ThresholdedRelu, {"alpha": 1.0}),
}


@converter(*_UNARY, builds=_UNARY)
def _unary(node: Node) -> Output:
    return _UNARY[node.operator](node.input(0)).output


@converter(*_BINARY, builds=_BINARY)
def _binary(node: Node) -> Output:
    return _BINARY[node.operator](node.input(0), node.input(1)).output


@converter(*_PARAMETERS, builds={name: op for name, (op, _) in _PARAMETERS.items()})
def _with_parameters(node: Node) -> Output:
    op, defaults = _PARAMETERS[node.operator]
    return op(node.input(0), **{name: node.attribute(name, value) for name, value in defaults.items()}).output


@converter("Gelu", builds=nn.Gelu, forms={"the approximation by tanh": Form(nn.Gelu, "by tanh")})
def gelu(node: Node) -> Output:
    return nn.Gelu(node.input(0), approximate=node.attribute("approximate", "none")).output


@converter("PRelu", builds=nn.Prelu)
def prelu(node: Node) -> Output:
    return nn.Prelu(node.input(0), node.input(1)).output


@converter("IsInf", builds=nn.IsInf)
def is_inf(node: Node) -> Output:
    negative, positive = node.attribute("detect_negative", 1), node.attribute("detect_positive", 1)
    return nn.IsInf(node.input(0), detect_negative=bool(negative), detect_positive=bool(positive)).output


@converter("Identity")
def identity(node: Node) -> Output:
    return node.input(0)


@converter("Dropout")
def dropout(node: Node) -> Output:
    """Inference only: the identity. For the mask the shape must be known."""
    if node.optional(2) is not None:
        training, ratio = node.constant(2), node.constant(1)
        if (training is None or training.any()) and (ratio is None or ratio.any()):
            raise Unsupported("dropout in training mode is not supported", "export the model in inference mode")
    if not node.has_output(1):
        return node.input(0)
    shape = node.shape()
    require((nn.known_product(shape) or 0) < MOST_ELEMENTS, f"a mask of {nn.shape_text(shape)} is too large")
    # the mask says what training would keep; before opset 12 inference leaves it empty
    kind = dtype_of(node.input(0)) if node.opset < 10 else np.dtype(bool)
    if None in shape:
        one = node.new_constant(node.opset >= 12, kind)
        return [node.input(0), nn.DynamicExpand(one, nn.ShapeOf(node.input(0), start=0).output).output]
    return [node.input(0), node.new_constant(np.full(shape, node.opset >= 12), kind)]


@converter("Mod", builds=nn.Mod)
def mod(node: Node) -> Output:
    return nn.Mod(node.input(0), node.input(1), fmod=bool(node.attribute("fmod", 0))).output


@converter("BitShift", builds=(nn.ShiftLeft, nn.ShiftRight))
def bit_shift(node: Node) -> Output:
    op = nn.ShiftLeft if node.attribute("direction") == "LEFT" else nn.ShiftRight
    return op(node.input(0), node.input(1)).output


@converter(
    "Pow",
    builds=nn.Pow,
    forms={"an exponent of another type": nn.Cast, "the exponent 2": Form(nn.Pow, "to the second")},
)
def pow(node: Node) -> Output:
    """Computed in the exponent's type when that is a float and the base is not."""
    base, exponent = node.input(0), node.input(1)
    if dtype_of(base).kind in "iu" and dtype_of(exponent).kind == "f":
        wide = cast_to(base, exponent.type.element_type)
        return cast_to(nn.Pow(wide, exponent).output, base.type.element_type)
    if dtype_of(base) != dtype_of(exponent):
        exponent = nn.Cast(exponent, to=element_type(dtype_of(base)), saturate=True).output
        exponent = node.builder.folded(exponent)
    return nn.Pow(base, exponent).output


@converter(
    "Max", "Min", "Sum", "Mean", builds={"Max": nn.Maximum, "Min": nn.Minimum, "Sum": nn.Add, "Mean": (nn.Add, nn.Div)}
)
def variadic(node: Node) -> Output:
    op = {"Max": nn.Maximum, "Min": nn.Minimum}.get(node.operator, nn.Add)
    result = node.input(0)
    for i in range(1, len(node.inputs)):
        result = op(result, node.input(i)).output
    if node.operator == "Mean":
        result = nn.Div(result, node.like(len(node.inputs), result)).output
    return result


@converter("Where", builds=nn.Where)
def where(node: Node) -> Output:
    return nn.Where(node.input(0), node.input(1), node.input(2)).output


@converter("Clip", builds=nn.Clamp, forms={"bounds that are computed": (nn.Maximum, nn.Minimum)})
def clip(node: Node) -> Output:
    """Bounds may be attributes, constants or computed."""
    value = node.input(0)
    if node.opset < 11:
        low, high = node.attribute("min", -math.inf), node.attribute("max", math.inf)
        return nn.Clamp(value, min=low, max=high).output
    bounds = [node.optional(i) for i in (1, 2)]
    constants = [node.constant(i) for i in (1, 2)]
    if all(bound is None or array is not None for bound, array in zip(bounds, constants, strict=True)):
        low, high = node.scalar(1, -math.inf), node.scalar(2, math.inf)
        # ONNX: when the bounds cross, all elements become the upper one
        return nn.Clamp(value, min=min(low, high), max=high).output
    if bounds[0] is not None:
        value = nn.Maximum(value, bounds[0]).output
    return value if bounds[1] is None else nn.Minimum(value, bounds[1]).output


@converter("Cast", builds=nn.Cast)
def cast(node: Node) -> Output:
    """Between booleans, integers and floats of 16 bits and more."""
    return cast_to(node.input(0), mlir_element_type(node.attribute("to")), node.attribute("saturate", 1))


@converter("BitCast", builds=nn.Bitcast)
def bit_cast(node: Node) -> Output:
    """Between booleans, integers and floats but bfloat16. Version 7: no floats."""
    value, element = node.input(0), mlir_element_type(node.attribute("to"))
    if dtype_of(value).itemsize != dtype_of(element).itemsize:
        kind = value.type.element_type
        raise Unsupported(
            f"{kind} as {element} is not supported: the widths differ (of bfloat16, which is an f32 here)"
        )
    return value if value.type.element_type == element else nn.Bitcast(value, to=element).output


@converter("CastLike", builds=nn.Cast)
def cast_like(node: Node) -> Output:
    return cast_to(node.input(0), node.input(1).type.element_type, node.attribute("saturate", 1))


def cast_to(value: ir.Value, element: ir.Type, saturate: int = 1) -> ir.Value:
    """A cast, or the value itself when it has that type already."""
    if value.type.element_type == element:
        return value
    return nn.Cast(value, to=element, saturate=bool(saturate)).output


@converter("Constant")
def constant(node: Node) -> Output:
    """Every form but strings and sparse tensors."""
    for name, dtype in (
        ("value_float", np.float32),
        ("value_int", np.int64),
        ("value_floats", np.float32),
        ("value_ints", np.int64),
    ):
        if name in node.attributes:
            return node.new_constant(node.attribute(name), dtype)
    tensor = node.attribute("value")
    if not isinstance(tensor, onnx.TensorProto):
        raise Unsupported("constants of strings or sparse tensors are not supported")
    return node.builder.constant(tensor_elements(tensor, node.where))


def _numbers(node: Node, axis: int) -> ir.Value:
    """0, 1, 2, ... as many as a dimension has."""
    size = nn.Reshape(dims_of(node.input(0), [axis]), shape=()).output
    return nn.Range(node.new_constant(0, np.int64), size, node.new_constant(1, np.int64)).output


@converter("EyeLike")
def eye_like(node: Node) -> Output:
    """The shape must be known."""
    require(node.rank() == 2, f"needs a matrix, got rank {node.rank()}")
    rows, columns = node.shape()
    kind = node.attribute("dtype")
    dtype = dtype_of(node.input(0) if kind is None else mlir_element_type(kind))
    if rows is None or columns is None:
        down, right = (_numbers(node, axis) for axis in (0, 1))
        diagonal = nn.Add(
            nn.Unsqueeze(down, axes=(1,)).output, node.new_constant(node.attribute("k", 0), np.int64)
        ).output
        return nn.Cast(nn.Equal(diagonal, right).output, to=element_type(dtype), saturate=True).output
    require(rows * columns < MOST_ELEMENTS, f"a matrix of {rows}x{columns} is too large")
    return node.new_constant(np.eye(rows, columns, node.attribute("k", 0)), dtype)
