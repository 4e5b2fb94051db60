"""Version 5 code of what is done to each element: arithmetic, functions, comparisons, conversions."""

from typing import Any

import numpy as np

from ...dialects import nn
from ...dialects.ods import Op
from ...dialects.tensors import dtype_of, static_shape
from ...runtime.stackvm.isa5 import unary as unary_functions
from ...runtime.stackvm.memory5 import dense
from ..buffers import store_of
from ..quantised import uniform
from ..unsupported import Unsupported, floats
from . import formats5, integers5
from .writer5 import UNBOUNDED, Writer, emits, joined, stored

_UNARY: dict[type[Op], str] = {
    nn.Abs: "abs",
    nn.Acos: "acos",
    nn.Asin: "asin",
    nn.Ceil: "ceil",
    nn.Cos: "cos",
    nn.Erf: "erf",
    nn.Exp: "exp",
    nn.Floor: "floor",
    nn.Log: "log",
    nn.Neg: "neg",
    nn.Round: "round",
    nn.Sign: "sign",
    nn.Sin: "sin",
    nn.Sqrt: "sqrt",
    nn.Square: "square",
    nn.Tanh: "tanh",
}
_BINARY: dict[type[Op], str] = {
    nn.Add: "add",
    nn.Sub: "sub",
    nn.Mul: "mul",
    nn.Div: "div",
    nn.Minimum: "min",
    nn.Maximum: "max",
    nn.Pow: "pow",
}
_COMPARE: dict[type[Op], str] = {
    nn.Equal: "equal",
    nn.NotEqual: "not_equal",
    nn.Less: "less",
    nn.LessEqual: "less_equal",
    nn.Greater: "greater",
    nn.GreaterEqual: "greater_equal",
}


@emits(*_UNARY)
def unary(w: Writer, op: Any) -> None:
    if integers5.computed(w, op):
        return
    floats(op.input)
    name = _UNARY[type(op)]
    if name not in unary_functions(w.code.isa.dialect).codes:
        if isinstance(op, nn.Sign):
            integers5.elementwise(w, op, "result = a 0.0 CGT  a 0.0 CLT  SUB CONV_R4", a=op.input)
            return
        raise Unsupported(f"runtime {w.code.isa.dialect} has no {name}")
    if name == "round" and w.code.isa.dialect != "1.6":
        raise Unsupported(f"runtime {w.code.isa.dialect} rounds halves away from zero")
    w.elementwise("unary", op, unary_op=name)


@emits(*_BINARY)
def binary(w: Writer, op: Any) -> None:
    if integers5.computed(w, op):
        return
    floats(op.lhs, op.rhs)
    _pair(w, "binary", op, datatype="f32", binary_op=_BINARY[type(op)], **UNBOUNDED)


@emits(*_COMPARE)
def compare(w: Writer, op: Any) -> None:
    element = stored(op.lhs).element
    if element not in ("u8", "f32", "i32", "i64") or not w.code.has("compare"):
        integers5.compare_in_loops(w, op)
        return
    _pair(w, "compare", op, datatype=element, compare_op=_COMPARE[type(op)])


def _pair(w: Writer, function: str, op: Any, **stated: Any) -> None:
    """A function of two operands that are broadcast."""
    shapes = joined(src1=static_shape(op.lhs), src2=static_shape(op.rhs), dest=static_shape(op.output))
    w.call(function, w.place(op.lhs), w.place(op.rhs), w.place(op.output), **stated, **shapes)


@emits(nn.Clamp)
def clamp(w: Writer, op: nn.Clamp) -> None:
    """x * 1, limited by what is fused into every binary function."""
    floats(op.input)
    shape = static_shape(op.input)
    w.call(
        "binary",
        w.place(op.input),
        w.code.constant(np.ones(1, np.float32)),
        w.place(op.output),
        datatype="f32",
        binary_op="mul",
        low=op.min,
        high=op.max,
        **joined(src1=shape, src2=(), dest=shape),
    )


@emits(nn.Cast)
def cast(w: Writer, op: nn.Cast) -> None:
    if {"f16", "f64"} & {stored(op.input).element, stored(op.output).element}:
        formats5.convert(w, op)
        return
    w.convert(op.input, w.place(op.output), stored(op.output).element)


@emits(nn.Mod)
def mod(w: Writer, op: nn.Mod) -> None:
    kind = dtype_of(op.lhs).kind
    if kind != "f":
        integers5.elementwise(w, op, integers5.remainder(kind, op.fmod), a=op.lhs, b=op.rhs)
        return
    floats(op.lhs)
    if not op.fmod:
        raise Unsupported("remainders of floats have the sign of the dividend only")
    integers5.elementwise(w, op, formats5.REMAINDER, integers5.BITS, a=op.lhs, b=op.rhs)


@emits(nn.Bitcast)
def bitcast(w: Writer, op: nn.Bitcast) -> None:
    """A copy of the bytes."""
    w.copy(w.place(op.input), w.place(op.output), stored(op.input), dense(static_shape(op.input)))


@emits(nn.Sigmoid)
def sigmoid(w: Writer, op: nn.Sigmoid) -> None:
    floats(op.input)
    w.elementwise("sigmoid", op)


@emits(nn.Where)
def where(w: Writer, op: nn.Where) -> None:
    """The condition has to be of float32 there."""
    if integers5.computed(w, op):
        return
    buffer = store_of(op.output).working
    assert buffer is not None, "the planner gives a selection working memory"
    working = w.place(buffer)
    w.convert(op.condition, working, "f32")
    condition, x, y, result = (static_shape(value) for value in (op.condition, op.x, op.y, op.output))
    shapes = joined(src1=condition, src2=x, src3=y, dest=result)
    w.call("ternary", working, w.place(op.x), w.place(op.y), w.place(op.output), datatype="f32", **shapes)


@emits(nn.Quantize)
def quantize(w: Writer, op: nn.Quantize) -> None:
    floats(op.input)
    scale, zero_point = uniform(op.output)
    _scaled(w, "quantize", op, 1 / scale, zero_point)


@emits(nn.Dequantize)
def dequantize(w: Writer, op: nn.Dequantize) -> None:
    floats(op.output)
    scale, zero_point = uniform(op.input)
    _scaled(w, "dequantize", op, scale, -zero_point * scale)


def _scaled(w: Writer, name: str, op: Any, scale: float, bias: float) -> None:
    stated = {"in_datatype": stored(op.input).element, "dst_datatype": stored(op.output).element}
    w.elementwise(name, op, float(scale), float(bias), **stated)
