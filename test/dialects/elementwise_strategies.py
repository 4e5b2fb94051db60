"""Functions of each element, activations, and functions of pairs of elements."""

import numpy as np
from drawn_case import Case, flags, floats, integers, litert, node, shape
from hypothesis import strategies as st

from kpuc.dialects import nn

ANY = (-6.0, 6.0)
UNARY = {
    nn.Abs: ("Abs", ANY),
    nn.Acos: ("Acos", (-1, 1)),
    nn.Acosh: ("Acosh", (1, 9)),
    nn.Asin: ("Asin", (-1, 1)),
    nn.Asinh: ("Asinh", ANY),
    nn.Atan: ("Atan", ANY),
    nn.Atanh: ("Atanh", (-0.99, 0.99)),
    nn.Ceil: ("Ceil", ANY),
    nn.Cos: ("Cos", ANY),
    nn.Cosh: ("Cosh", ANY),
    nn.Erf: ("Erf", ANY),
    nn.Exp: ("Exp", ANY),
    nn.Floor: ("Floor", ANY),
    nn.HardSwish: ("HardSwish", ANY),
    nn.Log: ("Log", (1e-3, 9)),
    nn.Mish: ("Mish", ANY),
    nn.Neg: ("Neg", ANY),
    nn.Reciprocal: ("Reciprocal", ANY),
    nn.Relu: ("Relu", ANY),
    nn.Round: ("Round", ANY),
    nn.Sigmoid: ("Sigmoid", ANY),
    nn.Sign: ("Sign", ANY),
    nn.Sin: ("Sin", ANY),
    nn.Sinh: ("Sinh", ANY),
    nn.Softplus: ("Softplus", ANY),
    nn.Softsign: ("Softsign", ANY),
    nn.Sqrt: ("Sqrt", (0, 9)),
    nn.Tan: ("Tan", (-1.5, 1.5)),
    nn.Tanh: ("Tanh", ANY),
}
"""Operations of one float tensor, ONNX's operator and the range of operands."""

INTEGER = {nn.Abs: "Abs", nn.Neg: "Neg", nn.Sign: "Sign", nn.Relu: "Relu"}
"""Those that are defined on signed integers as well."""

REFERENCE = frozenset[type[nn.NNOp]]()
"""Those that onnx's evaluator computes, because onnxruntime treats NaN or infinities otherwise than it."""


def unary(op):
    operator, (low, high) = UNARY[op]

    @st.composite
    def strategy(draw):
        dims = shape(draw, 1)
        kind = draw(st.sampled_from(["float32", "float32", "float16", *(["int32"] if op in INTEGER else [])]))
        if kind == "int32":
            x = integers(draw, dims, -100, 100, np.int32)
        else:
            x = floats(draw, dims, low, high, kind, special=True)
        engine = "reference" if kind == "float16" or op in REFERENCE else "onnxruntime"
        return Case(op, [x], node(operator, x, opset=22 if engine == "reference" else 21, engine=engine))

    return strategy()


def parameter(low, high):
    """A number that float32 holds exactly."""
    return st.floats(low, high, width=32)


ACTIVATIONS = {
    nn.LeakyRelu: ("LeakyRelu", {"alpha": parameter(-2, 2)}),
    nn.Elu: ("Elu", {"alpha": parameter(-2, 2)}),
    nn.Selu: ("Selu", {"alpha": parameter(0.125, 2), "gamma": parameter(0.125, 2)}),
    nn.Celu: ("Celu", {"alpha": parameter(0.125, 2)}),
    nn.HardSigmoid: ("HardSigmoid", {"alpha": parameter(-1, 1), "beta": parameter(-1, 1)}),
    nn.ThresholdedRelu: ("ThresholdedRelu", {"alpha": parameter(-2, 2)}),
    nn.Shrink: ("Shrink", {"lambd": parameter(0, 2), "bias": parameter(-2, 2)}),
}
"""Activations with the parameters of ONNX's operators."""


def activation(op):
    operator, parameters = ACTIVATIONS[op]

    @st.composite
    def strategy(draw):
        x = floats(draw, shape(draw), -5, 5)
        attributes = {name: draw(values) for name, values in parameters.items()}
        given = {{"gamma": "gamma"}.get(name, name): value for name, value in attributes.items()}
        return Case(op, [x], node(operator, x, **given), attributes)

    return strategy()


@st.composite
def silu(draw):
    x, alpha = floats(draw, shape(draw), -6, 6), draw(parameter(-2, 2))
    return Case(nn.Silu, [x], node("Swish", x, opset=24, engine="reference", alpha=alpha), {"alpha": alpha})


@st.composite
def gelu(draw):
    x, how = floats(draw, shape(draw), -6, 6), draw(st.sampled_from(["none", "tanh"]))
    return Case(nn.Gelu, [x], node("Gelu", x, approximate=how), {"approximate": how})


@st.composite
def clamp(draw):
    dims = shape(draw)
    if draw(st.booleans()):
        low, high = sorted(draw(st.tuples(st.integers(-5, 5), st.integers(-5, 5))))
        x, bounds = integers(draw, dims, -9, 9, np.int32), np.array([low, high], np.int32)
    else:
        low, high = sorted(draw(st.tuples(parameter(-3, 3), parameter(-3, 3))))
        x, bounds = floats(draw, dims, special=True), np.array([low, high], np.float32)
    return Case(nn.Clamp, [x], node("Clip", x, bounds[0], bounds[1]), {"min": float(low), "max": float(high)})


@st.composite
def prelu(draw):
    dims = shape(draw, 1)
    slope = floats(draw, broadcastable(draw, dims))
    x = floats(draw, dims)
    return Case(nn.Prelu, [x, slope], node("PRelu", x, slope))


@st.composite
def square(draw):
    x = floats(draw, shape(draw), special=True)
    return Case(nn.Square, [x], node("Mul", x, x))


@st.composite
def rsqrt(draw):
    x = floats(draw, shape(draw, 1, least=1), 0.01, 9)
    return Case(nn.Rsqrt, [x], litert("RSQRT", x))


@st.composite
def logical_not(draw):
    x = flags(draw, shape(draw))
    return Case(nn.LogicalNot, [x], node("Not", x))


@st.composite
def bitwise_not(draw):
    kind = draw(st.sampled_from(INTEGERS))
    x = any_integers(draw, shape(draw), kind)
    return Case(nn.BitwiseNot, [x], node("BitwiseNot", x))


@st.composite
def is_nan(draw):
    x = floats(draw, shape(draw), special=True)
    return Case(nn.IsNan, [x], node("IsNaN", x))


@st.composite
def is_inf(draw):
    x, negative, positive = floats(draw, shape(draw), special=True), draw(st.booleans()), draw(st.booleans())
    expected = node("IsInf", x, detect_negative=int(negative), detect_positive=int(positive))
    return Case(nn.IsInf, [x], expected, {"detect_negative": negative, "detect_positive": positive})


INTEGERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")


def any_integers(draw, dims, kind):
    """Integers of the whole range of a type."""
    info = np.iinfo(kind)
    return (
        np.asarray(integers(draw, dims, 0, 2**62)).astype(kind)
        if info.bits == 64
        else integers(draw, dims, int(info.min), int(info.max), kind)
    )


def broadcastable(draw, dims):
    """A shape that broadcasts to `dims`: some of them 1, leading ones left out."""
    ones = tuple(1 if draw(st.booleans()) else dim for dim in dims)
    return ones[draw(st.integers(0, len(ones))) :]


def pair(draw):
    """Two shapes that broadcast together."""
    dims = shape(draw)
    both = broadcastable(draw, dims), dims
    if draw(st.booleans()):
        both = both[0], tuple(1 if draw(st.booleans()) else dim for dim in dims)
    return both if draw(st.booleans()) else both[::-1]


BINARY = {
    nn.Add: ("Add", ("float32", "int32", "int64")),
    nn.Sub: ("Sub", ("float32", "int32", "int64")),
    nn.Mul: ("Mul", ("float32", "int32", "int64")),
    nn.Maximum: ("Max", ("float32", "int32", "uint8")),
    nn.Minimum: ("Min", ("float32", "int32", "uint8")),
    nn.BitwiseAnd: ("BitwiseAnd", INTEGERS),
    nn.BitwiseOr: ("BitwiseOr", INTEGERS),
    nn.BitwiseXor: ("BitwiseXor", INTEGERS),
    nn.LogicalAnd: ("And", ("bool",)),
    nn.LogicalOr: ("Or", ("bool",)),
    nn.LogicalXor: ("Xor", ("bool",)),
    nn.Equal: ("Equal", ("float32", "int32", "int64", "bool")),
    nn.Less: ("Less", ("float32", "int32", "int64")),
    nn.LessEqual: ("LessOrEqual", ("float32", "int32", "int64")),
    nn.Greater: ("Greater", ("float32", "int32", "int64")),
    nn.GreaterEqual: ("GreaterOrEqual", ("float32", "int32", "int64")),
}


def operand(draw, dims, kind):
    if kind == "bool":
        return flags(draw, dims)
    if kind.startswith("float"):
        return floats(draw, dims, special=True)
    return integers(draw, dims, 0 if kind.startswith("u") else -9, 9, kind)


def binary(op):
    operator, kinds = BINARY[op]

    @st.composite
    def strategy(draw):
        kind = draw(st.sampled_from(kinds))
        left, right = (operand(draw, dims, kind) for dims in pair(draw))
        return Case(op, [left, right], node(operator, left, right))

    return strategy()


@st.composite
def not_equal(draw):
    left, right = (integers(draw, dims, -2, 2, np.int32) for dims in pair_without_empty(draw))
    return Case(nn.NotEqual, [left, right], litert("NOT_EQUAL", left, right, table="NotEqualOptions", output="bool"))


@st.composite
def div(draw):
    first, second = pair(draw)
    if draw(st.booleans()):
        left, right = floats(draw, first, special=True), floats(draw, second, special=True)
    else:
        left, right = integers(draw, first, -99, 99, np.int32), integers(draw, second, 1, 9, np.int32)
        right = right * draw(st.sampled_from([1, -1])) * np.int32(1)
    return Case(nn.Div, [left, right], node("Div", left, right))


def pair_without_empty(draw):
    first, second = pair(draw)
    return tuple(dim or 2 for dim in first), tuple(dim or 2 for dim in second)


@st.composite
def floor_div(draw):
    first, second = pair_without_empty(draw)
    if draw(st.booleans()):
        left, right = floats(draw, first), floats(draw, second, 0.5, 4) * np.float32(draw(st.sampled_from([1, -1])))
    else:
        left, right = integers(draw, first, -99, 99, np.int32), integers(draw, second, 1, 9, np.int32)
        right = right * np.int32(draw(st.sampled_from([1, -1])))
    return Case(nn.FloorDiv, [left, right], litert("FLOOR_DIV", left, right, table="FloorDivOptions"))


@st.composite
def squared_difference(draw):
    left, right = (floats(draw, dims) for dims in pair_without_empty(draw))
    expected = litert("SQUARED_DIFFERENCE", left, right, table="SquaredDifferenceOptions")
    return Case(nn.SquaredDifference, [left, right], expected)


@st.composite
def atan2(draw):
    dims = shape(draw, least=1)
    left, right = floats(draw, dims), floats(draw, dims)
    return Case(nn.Atan2, [left, right], litert("ATAN2", left, right, table=None))


@st.composite
def power(draw):
    first, second = pair(draw)
    if draw(st.booleans()):
        left, right = floats(draw, first, 0.1, 4), floats(draw, second, -3, 3)
    else:
        left, right = integers(draw, first, -5, 5, np.int32), integers(draw, second, 0, 5, np.int32)
    return Case(nn.Pow, [left, right], node("Pow", left, right))


@st.composite
def mod(draw):
    first, second = pair(draw)
    fmod = draw(st.booleans())
    if fmod and draw(st.booleans()):
        left, right = floats(draw, first), floats(draw, second, 0.5, 4)
    else:
        left, right = integers(draw, first, -99, 99), integers(draw, second, 1, 9)
    right = np.asarray(right * right.dtype.type(draw(st.sampled_from([1, -1]))))
    return Case(nn.Mod, [left, right], node("Mod", left, right, fmod=int(fmod)), {"fmod": fmod})


def shift(op, direction):
    @st.composite
    def strategy(draw):
        kind = draw(st.sampled_from(["uint8", "uint32", "uint64"]))
        first, second = pair(draw)
        left, right = any_integers(draw, first, kind), integers(draw, second, 0, np.iinfo(kind).bits - 1, kind)
        return Case(op, [left, right], node("BitShift", left, right, direction=direction))

    return strategy()


@st.composite
def where(draw):
    first, second = pair(draw)
    full = np.broadcast_shapes(first, second)
    kind = draw(st.sampled_from(["float32", "int64", "uint8"]))
    arrays = [flags(draw, broadcastable(draw, full)), operand(draw, first, kind), operand(draw, second, kind)]
    return Case(nn.Where, arrays, node("Where", *arrays))


STRATEGIES = {
    **{op: unary(op) for op in UNARY},
    **{op: activation(op) for op in ACTIVATIONS},
    **{op: binary(op) for op in BINARY},
    nn.Silu: silu(),
    nn.Gelu: gelu(),
    nn.Clamp: clamp(),
    nn.Prelu: prelu(),
    nn.Square: square(),
    nn.Rsqrt: rsqrt(),
    nn.LogicalNot: logical_not(),
    nn.BitwiseNot: bitwise_not(),
    nn.IsNan: is_nan(),
    nn.IsInf: is_inf(),
    nn.NotEqual: not_equal(),
    nn.Div: div(),
    nn.FloorDiv: floor_div(),
    nn.SquaredDifference: squared_difference(),
    nn.Atan2: atan2(),
    nn.Pow: power(),
    nn.Mod: mod(),
    nn.ShiftLeft: shift(nn.ShiftLeft, "LEFT"),
    nn.ShiftRight: shift(nn.ShiftRight, "RIGHT"),
    nn.Where: where(),
}
