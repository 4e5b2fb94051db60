"""The tensor functions of version 5 code, in numpy: each reads its operands in place and writes its output in place.

Entry: a `Call` with whatever the code put on the stack and into registers. Exit: outputs written, or ExecutionError
K0503, K0504 for operands that the vendor's runtimes refuse, or what numpy raises when they do not fit together.
Float results agree with the vendor's runtimes to rounding; integers and everything that only moves elements, exactly.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...errors import ExecutionError
from .. import kernels
from ..kernels.convolution import sliding_windows
from ..kmodel.elements import V5_NAMES, numpy_dtype
from ..machine import Array
from . import ordered5
from .isa import Value
from .memory5 import Memory, dense
from .operands7 import axis_of, room, work

Padding = tuple[int, int, int]
"""Elements before, after, and between two neighbours."""


@dataclass
class Registers:
    """Shape and padding registers, which all functions of a module share."""

    shapes: dict[int, tuple[int, ...]] = field(default_factory=dict)
    paddings: dict[int, tuple[Padding, ...]] = field(default_factory=dict)

    def shape(self, number: int) -> tuple[int, ...]:
        """A shape, strides, axes, ...; a register that was skipped when higher ones were written is empty."""
        if number not in self.shapes and number > max(self.shapes, default=-1):
            raise ExecutionError("K0504", cause=f"shape register {number} is read before any as high is written")
        return self.shapes.get(number, ())

    def padding(self, number: int) -> tuple[Padding, ...]:
        """The padding of each axis."""
        if number not in self.paddings:
            raise ExecutionError("K0504", cause=f"padding register {number} is read before it is written")
        return self.paddings[number]


@dataclass
class Call:
    """One tensor instruction: immediates, what it took from the stack, and where tensors lie."""

    immediates: Mapping[str, Value]
    operands: Mapping[str, int | float]
    registers: Registers
    memory: Memory
    dialect: str
    written: int = 0

    @staticmethod
    def element_of(code: int | float) -> str:
        """The name of an element type by its code."""
        if code not in V5_NAMES:
            raise ExecutionError("K0504", cause=f"element type code {code} does not exist in kmodel v5")
        return V5_NAMES[int(code)]

    def number(self, name: str) -> Any:
        """An immediate."""
        return self.immediates[name]

    def integer(self, name: str) -> int:
        """An integer from the stack."""
        value = self.operands[name]
        if not isinstance(value, int):
            raise ExecutionError("K0504", cause=f"{name} is {value}, expected an integer")
        return value

    def shape(self, name: str) -> tuple[int, ...]:
        """The shape register that an immediate names."""
        return self.registers.shape(self.number(name))

    def signed(self, name: str) -> tuple[int, ...]:
        """A register of signed numbers."""
        return tuple((value + 2**31) % 2**32 - 2**31 for value in self.shape(name))

    def only(self, *elements: str) -> str:
        """The element type, if it is among those that the vendor's runtimes compute with."""
        name = str(self.number("datatype"))
        if name not in elements:
            raise ExecutionError(
                "K0503", cause=f"elements of type {name} are not supported, only {', '.join(elements)}"
            )
        return name

    def read(self, operand: str, element: str, shape: str, strides: str | None = None) -> Array:
        """A tensor in place; dense without strides."""
        dims = self.shape(shape)
        steps = dense(dims) if strides is None else self.shape(strides)
        return self.memory.view(self.integer(operand), element, dims, steps)

    def write(self, operand: str, value: Array, strides: str | None = None, element: str | None = None) -> None:
        """Store a result, with the strides of a register, or dense."""
        name = str(self.number("datatype")) if element is None else element
        room(value.shape, value.dtype.itemsize)
        steps = dense(value.shape) if strides is None else self.shape(strides)
        view = self.memory.view(self.integer(operand), name, value.shape, steps)
        if view.size and not view.flags.writeable:
            raise ExecutionError("K0504", cause=f"{operand} lies in constants or in an input")
        view[...] = value
        self.written += value.size

    def window(self) -> tuple[Padding, Padding]:
        """Padding of height and width from the stack."""
        first, second = (
            tuple(int(self.operands.get(f"{axis}_{part}", 0)) for part in ("before", "after", "interior"))
            for axis in "hw"
        )
        return first, second  # type: ignore[return-value]  # three numbers each


Compute = Callable[[Call], None]
FUNCTIONS: dict[str, Compute] = {}
"""What is executed, by the names of the instruction table; CALL is the interpreter's."""


def computes(name: str) -> Callable[[Compute], Compute]:
    """Register the numpy form of a tensor function."""

    def register(compute: Compute) -> Compute:
        FUNCTIONS[name] = compute
        return compute

    return register


def limited(value: Array, call: Call) -> Array:
    """The fused clamp, min first."""
    low, high = (np.float32(call.number(name)) for name in ("low", "high"))
    return np.asarray(np.maximum(np.minimum(value, high), low))


BINARY: Mapping[str, Callable[[Array, Array], Array]] = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": kernels.div,
    "min": np.minimum,
    "max": np.maximum,
    "pow": kernels.pow,
    "logical_and": np.logical_and,
}


@computes("binary")
def binary(call: Call) -> None:
    """Integer results pass through float32 on their way to the clamp, as in the vendor's runtimes.

    The dialects that do not state the result's shape compute integers wrongly there, so they are refused.
    """
    element = call.only(*("f32", "i32", "i64") if "rshape_dest" in call.immediates else ("f32",))
    kind = call.number("binary_op")
    if kind not in BINARY:
        raise ExecutionError("K0503", cause=f"binary {kind} is not supported")
    lhs = call.read("lhs", element, "rshape_src1", "rstride_src1")
    rhs = call.read("rhs", element, "rshape_src2", "rstride_src2")
    room(np.broadcast_shapes(lhs.shape, rhs.shape))
    result = limited(np.asarray(BINARY[kind](lhs, rhs)).astype(np.float32), call)
    call.write("output", result.astype(lhs.dtype), "rstride_dest")


COMPARE: Mapping[str, Callable[[Array, Array], Array]] = {
    "equal": np.equal,
    "not_equal": np.not_equal,
    "greater": np.greater,
    "greater_equal": np.greater_equal,
    "less": np.less,
    "less_equal": np.less_equal,
}


@computes("compare")
def compare(call: Call) -> None:
    element = call.only("u8", "f32", "i32", "i64")
    lhs = call.read("lhs", element, "rshape_src1", "rstride_src1")
    rhs = call.read("rhs", element, "rshape_src2", "rstride_src2")
    room(np.broadcast_shapes(lhs.shape, rhs.shape))
    call.write("output", COMPARE[call.number("compare_op")](lhs, rhs), "rstride_dest", "u8")


@computes("unary")
def unary(call: Call) -> None:
    name = call.number("unary_op")
    if name == "bitwise_not":
        raise ExecutionError("K0503", cause="unary bitwise_not is not supported")
    value = call.read("input", "f32", "rshape_src", "rstride_src")
    if name == "round" and call.dialect != "1.6":  # those runtimes round halves away from zero
        result = np.trunc(value + np.copysign(np.float64(0.5), value))
    else:
        result = np.logical_not(value) if name == "logical_not" else getattr(kernels, name)(value)
    call.write("output", result, "rstride_dest", "f32")


@computes("sigmoid")
def sigmoid(call: Call) -> None:
    value = call.read("input", call.only("f32"), "rshape_src", "rstride_src")
    call.write("output", kernels.sigmoid(value), "rstride_dest")


@computes("softmax")
def softmax(call: Call) -> None:
    value = call.read("input", call.only("f32"), "rshape_src", "rstride_src")
    axis = axis_of(call.number("axis"), value.ndim)
    powers = np.exp((value - value.max(axis, keepdims=True)) * np.float32(call.number("beta")))
    call.write("output", powers / powers.sum(axis, keepdims=True), "rstride_dest")


@computes("hardmax")
def hardmax(call: Call) -> None:
    value = call.read("input", call.only("f32"), "rshape_src", "rstride_src")
    call.write("output", kernels.hardmax(value, axis=axis_of(call.number("axis"), value.ndim)))


@computes("ternary")
def ternary(call: Call) -> None:
    """The condition is of float32: what is not 0 selects x."""
    element = call.only("f32")
    condition = call.read("condition", "f32", "rshape_src1", "rstride_src1")
    x = call.read("x", element, "rshape_src2", "rstride_src2")
    y = call.read("y", element, "rshape_src3", "rstride_src3")
    room(np.broadcast_shapes(condition.shape, x.shape, y.shape))
    call.write("output", np.where(condition != 0, x, y), "rstride_dest")


@computes("quantize")
def quantize(call: Call) -> None:
    """q = clamp(round(x * scale + bias)): both float32, half to even; out of the range of an i32 it is 0 first."""
    if call.number("in_datatype") != "f32" or call.number("dst_datatype") not in ("u8", "i8"):
        raise ExecutionError("K0503", cause="only f32 is quantised, only to u8 and i8")
    value = call.read("input", "f32", "rshape_src", "rstride_src")
    scaled = np.asarray(value * np.float32(call.operands["scale"]))
    scaled += np.float32(call.operands["bias"])
    if scaled.size and not -(2.0**31) < scaled.min() <= scaled.max() < 2.0**31:  # also if one is not a number
        scaled[~(np.abs(scaled) < 2.0**31)] = 0
    np.rint(scaled, out=scaled)
    element = str(call.number("dst_datatype"))
    info = np.iinfo(numpy_dtype(element))
    scaled.clip(info.min, info.max, out=scaled)
    call.write("output", scaled.astype(info.dtype), "rstride_dest", element)


@computes("dequantize")
def dequantize(call: Call) -> None:
    """x = float32(q) * scale + bias"""
    element = str(call.number("in_datatype"))
    if element not in ("u8", "i8") or call.number("dst_datatype") != "f32":
        raise ExecutionError("K0503", cause="only u8 and i8 are dequantised, only to f32")
    value = call.read("input", element, "rshape_src", "rstride_src").astype(np.float32)
    value *= np.float32(call.operands["scale"])
    value += np.float32(call.operands["bias"])
    call.write("output", value, "rstride_dest", "f32")


@computes("convert")
def convert(call: Call) -> None:
    value = call.read("input", str(call.number("in_datatype")), "rshape_src", "rstride_src")
    element = str(call.number("dst_datatype"))
    call.write("output", value.astype(numpy_dtype(element)), "rstride_dest", element)


@computes("copy")
def copy(call: Call) -> None:
    value = call.read("input", str(call.number("datatype")), "rshape", "rstride_src")
    call.write("output", value, "rstride_dest")


@computes("broadcast")
def broadcast(call: Call) -> None:
    value = call.read("input", str(call.number("datatype")), "rshape_src", "rstride_src")
    call.write("output", np.broadcast_to(value, room(call.shape("rshape_dest"))), "rstride_dest")


@computes("lut1d")
def lut1d(call: Call) -> None:
    value = call.read("input", call.only("u8"), "rshape_src", "rstride_src")
    table = call.memory.bytes(call.integer("table"), call.number("table_len"))
    call.write("output", table[value], "rstride_dest")


@computes("matmul")
def matmul(call: Call) -> None:
    lhs = call.read("lhs", "f32", "rshape_src1", "rstride_src1")
    rhs = call.read("rhs", "f32", "rshape_src2", "rstride_src2")
    if lhs.ndim not in (2, 3) or rhs.ndim != lhs.ndim:
        raise ExecutionError("K0503", cause=f"a product of tensors of ranks {lhs.ndim} and {rhs.ndim}, expected 2 or 3")
    columns = rhs.shape[-1]
    work(*lhs.shape, columns, *rhs.shape[:-2])
    bias = call.memory.view(call.integer("bias"), "f32", (columns,), (1,))
    call.write("output", limited(lhs @ rhs + bias, call), "rstride_dest", "f32")


@computes("conv2d")
def conv2d(call: Call) -> None:
    element = call.only("f32")
    value = call.read("input", element, "rshape_src", "rstride_src")
    weights = call.read("weights", element, "rshape_kernel", "rstride_kernel")
    bias = call.memory.view(call.integer("bias"), element, weights.shape[:1], call.shape("rstride_bias"))
    (top, bottom, _), (left, right, _) = call.window()
    groups = call.number("groups")
    work(value.shape[0], value.shape[2], value.shape[3], math.prod(weights.shape))
    padded = kernels.pad(value, padding=(0, 0, top, left, 0, 0, bottom, right), mode="constant", value=0.0)
    strides, dilations = ((call.number(f"{name}_h"), call.number(f"{name}_w")) for name in ("stride", "dilation"))
    result = ordered5.convolved(padded, weights, bias, strides, dilations, groups)
    call.write("output", limited(result, call), "rstride_dest")


@computes("reduce_window2d")
def reduce_window2d(call: Call) -> None:
    """Windows skip the padding; a mean divides by the number of elements that it saw."""
    value = call.read("input", call.only("f32"), "rshape_src", "rstride_src")
    kind, init = call.number("reduce_op"), np.float32(call.operands["init"])
    (top, bottom, _), (left, right, _) = call.window()
    padding = (0, 0, top, left, 0, 0, bottom, right)
    window = tuple((call.number(f"{name}_h"), call.number(f"{name}_w")) for name in ("filter", "stride", "dilation"))
    neutral = {"min": math.inf, "max": -math.inf}.get(kind, 0.0)
    taps = sliding_windows(kernels.pad(value, padding=padding, mode="constant", value=neutral), *window)
    combine = {"min": np.minimum, "max": np.maximum}.get(kind, np.add)
    result = np.full(taps.shape[:-2], init)
    for y, x in np.ndindex(taps.shape[-2:]):
        combine(result, taps[..., y, x], out=result)
    if kind == "mean":
        ones = kernels.pad(np.ones_like(value[:1, :1]), padding=padding, mode="constant", value=0.0)
        result = result / sliding_windows(ones, *window).sum((-2, -1), dtype=np.float32)
    call.write("output", limited(result, call), "rstride_dest")


@computes("reduce")
def reduce(call: Call) -> None:
    value = call.read("input", call.only("f32", "i32", "i64"), "rshape_src", "rstride_src")
    axes = tuple(axis_of(axis, value.ndim) for axis in call.signed("rshape_axis"))
    kind, keep = call.number("reduce_op"), call.number("keep_dims")
    init = value.dtype.type(call.operands["init"])
    if kind in ("min", "max"):
        result = kernels.reduce(value, kind=kind, axes=axes, keepdims=keep)
        if value.dtype.kind == "f":  # the vendor's search begins with the last finite number
            limits = np.finfo(value.dtype)
            result = np.maximum(result, limits.min) if kind == "max" else np.minimum(result, limits.max)
    else:
        result = ordered5.reduced(value, sorted(axes), keep, init)
        if kind == "mean":
            count = value.dtype.type(math.prod(value.shape[axis] for axis in axes))
            result = result / count if value.dtype.kind == "f" else kernels.div(result, count)
    call.write("output", np.asarray(result), "rstride_dest")


@computes("reduce_arg")
def reduce_arg(call: Call) -> None:
    value = call.read("input", call.only("f32"), "rshape_src", "rstride_src")
    (axis,) = call.signed("rshape_axis")
    result = kernels.arg_reduce(
        value,
        kind=call.number("reduce_arg_op"),
        axis=axis_of(axis, value.ndim),
        keepdims=call.number("keep_dims"),
        select_last_index=call.number("select_last_index"),
    )
    call.write("output", result, "rstride_dest", str(call.number("dst_datatype")))


@computes("reduce_prod")
def reduce_prod(call: Call) -> None:
    """Dialects before 1.6 state no element type and mean float32."""
    element = str(call.immediates.get("datatype", "f32"))
    value = call.read("input", element, "rshape_src", "rstride_src")
    axes = tuple(axis_of(axis, value.ndim) for axis in call.signed("rshape_axis"))
    result = kernels.reduce(value, kind="prod", axes=axes, keepdims=call.number("keep_dims"))
    call.write("output", np.asarray(result), "rstride_dest", element)


@computes("cumsum")
def cumsum(call: Call) -> None:
    value = call.read("input", call.only("f32", "i32"), "rshape_src")
    axis = axis_of(call.number("axis"), value.ndim)
    exclusive, backwards = call.number("exclusive"), call.number("reverse")
    call.write("output", kernels.cumsum(value, axis=axis, exclusive=exclusive, reverse=backwards))


@computes("topk")
def topk(call: Call) -> None:
    value = call.read("input", call.only("f32"), "rshape_src", "rstride_src")
    values, indices = kernels.topk(
        value,
        k=call.number("k"),
        axis=axis_of(call.number("axis"), value.ndim),
        largest=call.number("largest"),
        sorted=call.number("sorted"),
    )
    call.write("values", values, "rstride_dest1")
    call.write("indices", indices, "rstride_dest2", "i64")


@computes("layer_norm")
def layer_norm(call: Call) -> None:
    value = call.read("input", call.only("f32"), "input_shape")
    axis = axis_of(call.number("axis"), value.ndim)
    shape = value.shape[axis:]
    scale, bias = (call.memory.view(call.integer(name), "f32", shape, dense(shape)) for name in ("scale", "bias"))
    call.write("output", kernels.layer_norm(value, scale, bias, axis=axis, epsilon=call.number("epsilon")))
