"""What the float nodes of version 4, and those that move elements, compute: each reads memory and writes its result.

Entry: fields and arrays of a node, trusted or not. Exit: the result is in memory, or ExecutionError, KmodelError, or
what numpy raises when operands do not fit together. Floats agree with the vendor's kernels to rounding.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...errors import ExecutionError
from .. import kernels
from ..kmodel import nodes4
from ..kmodel.bodies import Shape
from ..kmodel.fields4 import LOCATION_NAMES, MemoryRange, Node, Window, ranges_in
from ..machine import Array
from .memory import Memories
from .nnil import run_program
from .rescale import quantized
from .window import check_padding, pool, reducer, room

F32, U8 = np.dtype(np.float32), np.dtype(np.uint8)
ELEMENTWISE: dict[str, Callable[[Array], Array]] = {
    "abs": np.abs, "ceil": np.ceil, "cos": np.cos, "exp": np.exp, "floor": np.floor, "log": np.log,
    "neg": np.negative, "rsqrt": lambda x: 1 / np.sqrt(x), "sin": np.sin, "square": np.square,
}  # fmt: skip
ARITHMETIC: dict[str, Callable[[Array, Array], Array]] = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide, "min": np.minimum, "max": np.maximum,
}  # fmt: skip


@dataclass
class Tensors:
    """The memories of a run, by the ranges of version 4."""

    memories: Memories

    def _memory(self, one: MemoryRange) -> Array:
        location = LOCATION_NAMES.get(one.location)
        if location == "const":
            return self.memories.constants
        if location == "main":
            return self.memories.main
        raise ExecutionError("K0504", cause=f"{one} is not in constants or main memory")

    def view(self, one: MemoryRange, dtype: np.dtype[Any], shape: Shape | None = None) -> Array:
        """A tensor in place; flat, as long as the range, without a shape."""
        dims = (one.bytes // dtype.itemsize,) if shape is None else shape
        return self.memories.tensor(self._memory(one), one.start, dtype, dims)

    def target(self, one: MemoryRange, dtype: np.dtype[Any], shape: Shape | None = None) -> Array:
        """A tensor to be written."""
        view = self.view(one, dtype, shape)
        if not view.flags.writeable:
            raise ExecutionError("K0504", cause=f"{one} cannot be written")
        return view


Compute = Callable[..., None]
KERNELS: dict[type[Node], Compute] = {}
"""(tensors, fields, *arrays) by class of fields."""


def computes(fields: type[Node]) -> Callable[[Compute], Compute]:
    """Register what a kind of node computes."""

    def register(compute: Compute) -> Compute:
        KERNELS[fields] = compute
        return compute

    return register


def clamped(it: Any, value: Array) -> Array:
    """The fused clamp."""
    return np.minimum(np.maximum(value, np.float32(it.low)), np.float32(it.high))


def broadcast(x: Array, shape: Shape) -> Array:
    """`x` with indices beyond its dimensions taken as 0."""
    places = [np.arange(size) for size in shape]
    for at, have in zip(places, x.shape, strict=True):
        at[have:] = 0
    return x[np.ix_(*places)]


@computes(nodes4.Binary)
def binary(tensors: Tensors, it: nodes4.Binary) -> None:
    out = tensors.target(it.output, F32, it.shape)
    a, b = tensors.view(it.input_a, F32, it.shape_a), tensors.view(it.input_b, F32, it.shape_b)
    operate = ARITHMETIC[reducer(it.operation, nodes4.BINARIES)]
    out[...] = clamped(it, operate(broadcast(a, it.shape), broadcast(b, it.shape)))


@computes(nodes4.Concat)
def concat(tensors: Tensors, it: nodes4.Concat, inputs: Array, dims: Array) -> None:
    sizes = [it.inner * int(dim) for dim in dims]
    out = tensors.target(it.output, U8, (it.outer, sum(sizes)))
    ranges = ranges_in(inputs)
    parts = [tensors.view(one, U8, (it.outer, size)) for one, size in zip(ranges, sizes, strict=True)]
    if parts:
        out[...] = np.concatenate(parts, axis=1)


@computes(nodes4.Conv2D)
def conv2d(tensors: Tensors, it: nodes4.Conv2D, weights: Array, bias: Array) -> None:
    out = tensors.target(it.output, F32, it.result())
    x = tensors.view(it.input, F32, it.shape)
    out[...] = clamped(it, convolved(tensors, x, weights, bias, it.window, it.groups))


def convolved(tensors: Tensors, x: Array, weights: Array, bias: Array, window: Window, groups: int) -> Array:
    """Any convolution, NCHW and OIHW, in the dtype of the operands."""
    check_padding(x, window.pad_h, window.pad_w)
    tensors.memories.spend(x.shape[0], *window.over(x.shape[2:]), weights.size)
    (top, bottom), (left, right) = window.pad_h, window.pad_w
    result: Array = kernels.conv(
        x, weights, bias, strides=window.strides, dilations=window.dilations, padding=(top, left, bottom, right),
        groups=groups,
    )  # fmt: skip
    return result


@computes(nodes4.Dequantize)
def dequantize(tensors: Tensors, it: nodes4.Dequantize) -> None:
    q = tensors.view(it.input, U8)
    out = tensors.target(it.output, F32, q.shape)
    out[...] = (q.astype(np.int64) - it.zero_point).astype(np.float32) * (np.float32(1) / np.float32(it.scale))


@computes(nodes4.Matmul)
def matmul(tensors: Tensors, it: nodes4.Matmul, bias: Array) -> None:
    out = tensors.target(it.output, F32, it.result())
    a, b = tensors.view(it.input_a, F32, (it.rows, it.inner)), tensors.view(it.input_b, F32, (it.inner, it.columns))
    tensors.memories.spend(it.rows, it.inner, it.columns)
    out[...] = clamped(it, a @ b + bias)


@computes(nodes4.Pad)
def pad(tensors: Tensors, it: nodes4.Pad) -> None:
    dtype = F32 if it.input.element_name == "f32" else U8
    out = tensors.target(it.output, dtype, it.result())
    x = tensors.view(it.input, dtype, it.shape)
    value = np.frombuffer(it.value, dtype, 1)[0]
    out[...] = kernels.pad(x, padding=(*it.padding[::2], *it.padding[1::2]), mode="constant", value=value)


@computes(nodes4.Quantize)
def quantize(tensors: Tensors, it: nodes4.Quantize) -> None:
    x = tensors.view(it.input, F32)
    out = tensors.target(it.output, U8, x.shape)
    out[...] = quantized(x * np.float32(it.scale) + np.float32(it.zero_point))


@computes(nodes4.Reduce)
def reduce(tensors: Tensors, it: nodes4.Reduce) -> None:
    out = tensors.target(it.output, F32, it.shape_out)
    x = tensors.view(it.input, F32, it.shape)
    kind = reducer(it.operation, nodes4.REDUCTIONS)
    axes = tuple(axis for axis in range(4) if it.shape[axis] != it.shape_out[axis])
    if any(it.shape_out[axis] != 1 for axis in axes):
        raise ExecutionError("K0504", cause=f"shape {it.shape} cannot be reduced to {it.shape_out}")
    combine: Any = {"min": np.minimum, "max": np.maximum}.get(kind, np.add)
    result = combine(combine.reduce(x, axis=axes, keepdims=True) if axes else x, np.float32(it.init))
    out[...] = result * np.float32(math.prod(it.shape_out) / math.prod(it.shape)) if kind == "mean" else result


@computes(nodes4.ReduceWindow2D)
def reduce_window2d(tensors: Tensors, it: nodes4.ReduceWindow2D) -> None:
    out = tensors.target(it.output, F32, it.result())
    out[...] = pooled(tensors, it, tensors.view(it.input, F32, it.shape), out.shape[2:])


def pooled(tensors: Tensors, it: Any, x: Array, sizes: Shape) -> Array:
    """Windows of NCHW images."""
    window = it.window
    tensors.memories.spend(*x.shape[:2], *sizes, *window.kernel)
    check_padding(x, window.pad_h, window.pad_w)
    kind, before = reducer(it.operation, nodes4.REDUCTIONS), (window.pad_h[0], window.pad_w[0])
    return clamped(it, pool(x, kind, it.init, sizes, window.kernel, window.strides, window.dilations, before))


@computes(nodes4.MemoryCopy)
def memory_copy(tensors: Tensors, it: nodes4.MemoryCopy) -> None:
    words = tensors.view(it.input, F32)
    tensors.target(it.output, F32, words.shape)[...] = words.copy()


@computes(nodes4.ResizeImage)
def resize_image(tensors: Tensors, it: nodes4.ResizeImage) -> None:
    dtype = F32 if it.input.element_name == "f32" else U8
    out = tensors.target(it.output, dtype, it.result())
    x = tensors.view(it.input, dtype, it.shape)
    if 0 in x.shape or 0 in out.shape:
        return
    corners = bool(it.align_corners) and it.mode == nodes4.RESIZES.index("bilinear")
    rows = _positions(it.height, x.shape[2], corners)
    columns = _positions(it.width, x.shape[3], corners)
    if it.mode == nodes4.RESIZES.index("bilinear"):
        out[...] = _bilinear(x, rows, columns).astype(dtype)
    else:
        low = np.minimum(rows.astype(np.int64), x.shape[2] - 1)
        out[...] = x[:, :, low][..., np.minimum(columns.astype(np.int64), x.shape[3] - 1)]


def _positions(size: int, extent: int, corners: bool) -> Array:
    """Where results lie in the input, float32."""
    steps, parts = (extent - 1, size - 1) if corners and size > 1 else (extent, size)
    return np.asarray(np.arange(size, dtype=np.float32) * (np.float32(steps) / np.float32(parts)), np.float32)


def _bilinear(x: Array, rows: Array, columns: Array) -> Array:
    low = np.minimum(rows.astype(np.int64), x.shape[2] - 1)
    left = np.minimum(columns.astype(np.int64), x.shape[3] - 1)
    high, right = np.minimum(low + 1, x.shape[2] - 1), np.minimum(left + 1, x.shape[3] - 1)
    down = (rows - low.astype(np.float32))[:, None]
    across = columns - left.astype(np.float32)
    up, back = np.float32(1) - down, np.float32(1) - across
    image = x.astype(np.float32)
    upper, lower = image[:, :, low], image[:, :, high]
    return np.asarray(
        upper[..., left] * (up * back) + lower[..., left] * (down * back)
        + upper[..., right] * (up * across) + lower[..., right] * (down * across)
    )  # fmt: skip


@computes(nodes4.Softmax)
def softmax(tensors: Tensors, it: nodes4.Softmax) -> None:
    x = tensors.view(it.input, F32, (it.outer, it.inner))
    out = tensors.target(it.output, F32, x.shape)
    if x.size:
        powers = np.exp((x - x.max(axis=1, keepdims=True)) * np.float32(it.beta))
        out[...] = powers / powers.sum(axis=1, keepdims=True)


@computes(nodes4.Transpose)
def transpose(tensors: Tensors, it: nodes4.Transpose) -> None:
    dtype = F32 if it.input.element_name == "f32" else U8
    out = tensors.target(it.output, dtype, it.result())
    out[...] = tensors.view(it.input, dtype, it.shape).transpose(it.permutation).copy()


@computes(nodes4.StridedSlice)
def strided_slice(tensors: Tensors, it: nodes4.StridedSlice) -> None:
    dtype = F32 if it.input.element_name == "f32" else U8
    out = tensors.target(it.output, dtype, it.result())
    x = tensors.view(it.input, dtype, it.shape)
    for one, size in zip(it.indices(), x.shape, strict=True):
        if one and not (min(one[0], one[-1]) >= 0 and max(one[0], one[-1]) < size):
            raise ExecutionError("K0504", cause=f"a slice takes elements {one[0]} to {one[-1]} of {size}")
    if out.size:
        out[...] = x[np.ix_(*it.indices())]


@computes(nodes4.Unary)
def unary(tensors: Tensors, it: nodes4.Unary) -> None:
    x = tensors.view(it.input, F32)
    tensors.target(it.output, F32, x.shape)[...] = ELEMENTWISE[reducer(it.operation, nodes4.UNARIES)](x)


@computes(nodes4.TableLookup1D)
def table_lookup1d(tensors: Tensors, it: nodes4.TableLookup1D) -> None:
    q, table = tensors.view(it.input, U8), tensors.view(it.table, U8, (256,))
    tensors.target(it.output, U8, q.shape)[...] = table[q]


@computes(nodes4.Conv2DTranspose)
def conv2d_transpose(tensors: Tensors, it: nodes4.Conv2DTranspose, weights: Array, _bias: Array) -> None:
    """The bias is left out, as the vendor's kernel leaves it out."""
    out = tensors.target(it.output, F32, it.result())
    x, window = tensors.view(it.input, F32, it.shape), it.window
    before = window.pad_h[0], window.pad_w[0]
    full = [
        (size - 1) * stride + step * (taps - 1) + 1
        for size, stride, step, taps in zip(x.shape[2:], window.strides, window.dilations, window.kernel, strict=True)
    ]
    room(it.shape_out[0], it.shape_out[1], *full)
    tensors.memories.spend(x.size, weights.size)
    groups = weights.reshape(it.groups, -1, *weights.shape[1:])
    result = kernels.conv_transpose(
        x, groups.transpose(0, 2, 1, 3, 4).reshape(x.shape[1], -1, *window.kernel), None,
        strides=window.strides, dilations=window.dilations, padding=(*before, 0, 0), groups=it.groups,
        output_padding=tuple(at + size - one for at, size, one in zip(before, out.shape[2:], full, strict=True)),
    )  # fmt: skip
    out[...] = clamped(it, result)


@computes(nodes4.NnilUnary)
def nnil_unary(tensors: Tensors, it: nodes4.NnilUnary, program: Array) -> None:
    x = tensors.view(it.input, F32)
    result = run_program(program.tobytes(), x, tensors.memories.spend)
    tensors.target(it.output, F32, x.shape)[...] = result


@computes(nodes4.CpuConv2D)
def cpu_conv2d(tensors: Tensors, it: nodes4.CpuConv2D, weights: Array, bias: Array) -> None:
    out = tensors.target(it.output, F32, it.result())
    x = tensors.view(it.input, F32, it.shape).transpose(0, 3, 1, 2)
    result = convolved(tensors, x, np.ascontiguousarray(weights.transpose(0, 3, 1, 2)), bias, it.window, 1)
    out[...] = clamped(it, result).transpose(0, 2, 3, 1)


@computes(nodes4.CpuDepthwiseConv2D)
def cpu_depthwise_conv2d(tensors: Tensors, it: nodes4.CpuDepthwiseConv2D, weights: Array, bias: Array) -> None:
    out = tensors.target(it.output, F32, it.result())
    x = tensors.view(it.input, F32, it.shape).transpose(0, 3, 1, 2)
    result = convolved(tensors, x, weights[:, None], bias, it.window, x.shape[1])
    out[...] = clamped(it, result).transpose(0, 2, 3, 1)


@computes(nodes4.CpuReduceWindow2D)
def cpu_reduce_window2d(tensors: Tensors, it: nodes4.CpuReduceWindow2D) -> None:
    out = tensors.target(it.output, F32, it.result())
    x = tensors.view(it.input, F32, it.shape).transpose(0, 3, 1, 2)
    out[...] = pooled(tensors, it, x, out.shape[1:3]).transpose(0, 2, 3, 1)
