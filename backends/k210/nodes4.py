"""How each operation of the host is a node of kmodel version 4.

Nodes are those that the oldest firmware with version 4 has (nncase 0.2 beta 2). All of them take four axes: axes that
belong together are joined, and missing ones are in front.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...dialects import nn
from ...dialects.mlir import ir
from ...dialects.ods import Op
from ...dialects.tensors import Array, dtype_of, static_shape
from ...runtime.kmodel import nodes4
from ...runtime.kmodel.fields4 import ELEMENTS, MemoryRange, Window
from ..emitters import Emitters
from ..products import Products
from ..quantised import uniform
from ..unsupported import Unsupported, floats
from .writer4 import Writer

AXES = 4
LIMIT = float(np.finfo(np.float32).max)
UNBOUNDED = {"low": -math.inf, "high": math.inf}
PRODUCTS = 64
"""Products of matrices that one operation may become."""
Ints = tuple[int, ...]
EMITTERS = Emitters()
emits = EMITTERS.emits
UNARY: dict[type[Op], str] = {
    nn.Abs: "abs",
    nn.Ceil: "ceil",
    nn.Cos: "cos",
    nn.Exp: "exp",
    nn.Floor: "floor",
    nn.Log: "log",
    nn.Neg: "neg",
    nn.Rsqrt: "rsqrt",
    nn.Sin: "sin",
    nn.Square: "square",
}
BINARY: dict[type[Op], str] = {
    nn.Add: "add",
    nn.Sub: "sub",
    nn.Mul: "mul",
    nn.Div: "div",
    nn.Minimum: "min",
    nn.Maximum: "max",
}


def four(shape: Sequence[int]) -> Ints:
    """A shape with four axes: missing ones are in front."""
    if len(shape) > AXES:
        raise Unsupported(f"it has {len(shape)} axes, only {AXES} are supported")
    return (1,) * (AXES - len(shape)) + tuple(shape)


def joined(*shapes: Sequence[int]) -> list[Ints]:
    """Shapes of operands that are broadcast, with four axes: of more, neighbours that all operands have, or lack, are
    one."""
    rank = max(map(len, shapes))
    if rank <= AXES:
        return [four(shape) for shape in shapes]
    axes: list[tuple[Ints, list[int]]] = []
    for sizes in zip(*((1,) * (rank - len(shape)) + tuple(shape) for shape in shapes), strict=True):
        has = tuple(size != 1 for size in sizes)
        if axes and axes[-1][0] == has:
            axes[-1] = (has, [a * b for a, b in zip(axes[-1][1], sizes, strict=True)])
        elif any(has):
            axes.append((has, list(sizes)))
    columns = [sizes for _, sizes in axes]
    return [four([sizes[number] for sizes in columns]) for number in range(len(shapes))]


def constant(value: ir.Value, what: str) -> Array:
    """An array that is part of a node."""
    array = nn.constant_value(value)
    if array is None:
        raise Unsupported(f"{what} must be constant")
    return array


@emits(*UNARY)
def unary(w: Writer, op: Any) -> None:
    floats(op.input)
    w.apply(nodes4.Unary, op, operation=nodes4.UNARIES.index(UNARY[type(op)]))


@emits(*BINARY)
def binary(w: Writer, op: Any) -> None:
    floats(op.lhs, op.rhs)
    shapes = joined(static_shape(op.lhs), static_shape(op.rhs), static_shape(op.output))
    _binary(w, BINARY[type(op)], (w.at(op.lhs), w.at(op.rhs), w.at(op.output)), shapes, -math.inf, math.inf)


def _binary(
    w: Writer, name: str, places: Sequence[MemoryRange], shapes: Sequence[Ints], low: float, high: float
) -> None:
    (a, b, output), (shape_a, shape_b, shape) = places, shapes
    w.builder.add(
        nodes4.Binary(
            input_a=a, input_b=b, output=output, operation=nodes4.BINARIES.index(name),
            shape_a=shape_a, shape_b=shape_b, shape=shape, low=low, high=high,
        )
    )  # fmt: skip


@emits(nn.Clamp, nn.Expand)
def times_one(w: Writer, op: nn.Clamp | nn.Expand) -> None:
    """x * 1, limited, and broadcast."""
    if isinstance(op, nn.Expand) and dtype_of(op.input) == np.uint8:
        _plus_zero(w, op)
        return
    floats(op.input)
    one = w.builder.constant(np.ones(1, np.float32))
    shapes = joined(static_shape(op.input), (1,), static_shape(op.output))
    low, high = (op.min, op.max) if isinstance(op, nn.Clamp) else (-math.inf, math.inf)
    _binary(w, "mul", (w.at(op.input), one, w.at(op.output)), shapes, low, high)


def _plus_zero(w: Writer, op: nn.Expand) -> None:
    """Bytes + 0, broadcast."""
    shape_a, shape_b, shape = joined(static_shape(op.input), (1,), static_shape(op.output))
    places = {
        "input_a": w.at(op.input),
        "input_b": w.builder.constant(np.zeros(1, np.uint8)),
        "output": w.at(op.output),
    }
    same = {"offset": 0, "factor": 1, "shift": 0}
    scaling = {f"{name}_{part}": same[name] for name in same for part in "ab"}
    scaling |= {f"output_{name}": value for name, value in same.items()}
    operation = nodes4.BINARIES.index("add")
    shapes = {"shape_a": shape_a, "shape_b": shape_b, "shape": shape}
    fields: dict[str, Any] = {**places, **shapes, **scaling}
    w.builder.add(nodes4.QuantizedBinary(operation=operation, **fields))


@emits(nn.Quantize)
def quantize(w: Writer, op: nn.Quantize) -> None:
    floats(op.input)
    scale, zero_point = uniform(op.output)
    w.apply(nodes4.Quantize, op, zero_point=zero_point, scale=1 / scale)


@emits(nn.Dequantize)
def dequantize(w: Writer, op: nn.Dequantize) -> None:
    scale, zero_point = uniform(op.input)
    w.apply(nodes4.Dequantize, op, zero_point=zero_point, scale=1 / scale)


@emits(nn.Conv)
def conv(w: Writer, op: nn.Conv) -> None:
    floats(op.input)
    if len(op.kernel) != 2:
        raise Unsupported(f"a convolution over {len(op.kernel)} dimensions is not supported, only over 1 or 2")
    weight = constant(op.weight, "weights")
    bias = np.zeros(len(weight), np.float32) if op.bias is None else constant(op.bias, "the bias")
    low, high = op.clamp or (-math.inf, math.inf)
    window = _window(op, weight.shape[2:], op.padding)
    shape = static_shape(op.input)
    w.apply(
        nodes4.Conv2D, op, weight, bias, shape=shape, groups=op.groups, channels=len(weight), window=window,
        low=low, high=high,
    )  # fmt: skip


def _window(op: Any, kernel: Ints, padding: Ints) -> Window:
    top, left, bottom, right = padding
    return Window(pad_h=(top, bottom), pad_w=(left, right), kernel=kernel, strides=op.strides, dilations=op.dilations)


@emits(nn.MaxPool, nn.AvgPool)
def pool(w: Writer, op: nn.MaxPool | nn.AvgPool) -> None:
    floats(op.input)
    if len(op.kernel) != 2:
        raise Unsupported(f"pooling over {len(op.kernel)} dimensions is not supported, only over 1 or 2")
    mean = isinstance(op, nn.AvgPool)
    if isinstance(op, nn.AvgPool) and op.count_include_pad and any(op.padding):
        raise Unsupported("an average that counts padding is not supported")
    sizes, extents = static_shape(op.input)[2:], static_shape(op.output)[2:]
    ends = [
        max((extents[i] - 1) * op.strides[i] + op.dilations[i] * (op.kernel[i] - 1) + 1 - sizes[i] - op.padding[i], end)
        for i, end in enumerate(op.padding[2:])
    ]
    w.apply(
        nodes4.ReduceWindow2D,
        op,
        operation=nodes4.REDUCTIONS.index("mean" if mean else "max"),
        shape=static_shape(op.input),
        window=_window(op, op.kernel, (*op.padding[:2], *ends)),
        init=0.0 if mean else -LIMIT,
        **UNBOUNDED,
    )


@emits(nn.Reduce)
def reduce(w: Writer, op: nn.Reduce) -> None:
    floats(op.input)
    if op.kind not in nodes4.REDUCTIONS:
        raise Unsupported(f"a reduction of kind {op.kind} is not supported")
    shape = static_shape(op.input)
    axes = {axis % len(shape) for axis in op.axes}
    kept = [1 if axis in axes else size for axis, size in enumerate(shape)]
    before, behind = joined(shape, kept)
    first = {"max": -LIMIT, "min": LIMIT}.get(op.kind, 0.0)
    operation = nodes4.REDUCTIONS.index(op.kind)
    w.apply(nodes4.Reduce, op, operation=operation, shape=before, shape_out=behind, init=first)


@emits(nn.Matmul)
def matmul(w: Writer, op: nn.Matmul) -> None:
    """One product of matrices for each matrix of the batch."""
    products = Products.of(op, PRODUCTS)
    rows, depth, columns = products.sizes
    for left, right, result in products.places():
        w.builder.add(
            nodes4.Matmul(
                input_a=_part(w.at(op.lhs), left, rows * depth),
                input_b=_part(w.at(op.rhs), right, depth * columns),
                output=_part(w.at(op.output), result, rows * columns),
                rows=rows, inner=depth, columns=columns, **UNBOUNDED,
            ),
            np.zeros(columns, np.float32),
        )  # fmt: skip


def _part(whole: MemoryRange, number: int, count: int) -> MemoryRange:
    """The part `number` of as many float32."""
    start = whole.start + 4 * count * number
    return MemoryRange(location=whole.location, element=whole.element, start=start, bytes=4 * count)


@emits(nn.Pad)
def pad(w: Writer, op: nn.Pad) -> None:
    """Axes between which nothing is added or taken away are one."""
    if op.mode != "constant":
        raise Unsupported(f"padding of mode '{op.mode}' is not supported")
    shape = static_shape(op.input)
    axes: list[tuple[int, int, int]] = []
    for size, before, after in zip(shape, op.padding[: len(shape)], op.padding[len(shape) :], strict=True):
        if axes and not (before or after or any(axes[-1][1:])):
            axes[-1] = (axes[-1][0] * size, 0, 0)
        else:
            axes.append((size, before, after))
    sizes = four([size for size, _, _ in axes])
    widths = [(0, 0)] * (AXES - len(axes)) + [(before, after) for _, before, after in axes]
    element = w.at(op.input).element
    value = np.float32(op.value) if element == ELEMENTS["f32"] else np.uint8(op.value)
    padding = tuple(width for pair in widths for width in pair)
    w.apply(nodes4.Pad, op, shape=sizes, padding=padding, value_element=element, value=value.tobytes().ljust(4, b"\0"))


@emits(nn.Concat)
def concat(w: Writer, op: nn.Concat) -> None:
    shape = static_shape(op.output)
    axis = op.axis % len(shape)
    parts = [value for value in op.inputs if math.prod(static_shape(value))]
    ranges = [w.at(value) for value in parts]
    rows = [[one.location, one.element, one.start, one.bytes] for one in ranges]
    w.builder.add(
        nodes4.Concat(
            output=w.at(op.output),
            inner=math.prod(shape[axis + 1 :]) * dtype_of(op.output).itemsize,
            outer=math.prod(shape[:axis]),
            count=len(parts),
        ),
        np.array(rows, np.uint32).reshape(-1, 4),
        np.array([static_shape(value)[axis] for value in parts], np.int32),
    )


@emits(nn.Transpose)
def transpose(w: Writer, op: nn.Transpose) -> None:
    """Axes that stay neighbours are one."""
    shape = static_shape(op.input)
    live = [axis for axis, size in enumerate(shape) if size != 1]
    groups: list[list[int]] = []
    for axis in (live.index(axis) for axis in op.permutation if shape[axis] != 1):
        if groups and axis == groups[-1][-1] + 1:
            groups[-1].append(axis)
        else:
            groups.append([axis])
    ordered = sorted(groups)
    sizes = four([math.prod(shape[live[axis]] for axis in group) for group in ordered])
    missing = AXES - len(groups)
    order = (*range(missing), *(missing + ordered.index(group) for group in groups))
    w.apply(nodes4.Transpose, op, shape=sizes, permutation=order)
