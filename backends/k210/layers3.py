"""How each operation of the host is a layer of kmodel version 3, which has few, and no constants.

What only moves whole pieces of memory is a concatenation of pieces; a window of one element picks pixels.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...dialects import nn
from ...dialects.mlir import ir
from ...dialects.tensors import Array, dtype_of, static_shape
from ...runtime.kernels.resampling import nearest_indices, source_positions
from ...runtime.kmodel import layers3
from ...runtime.kmodel.builder3 import Builder
from ..buffers import address_of, source_of
from ..emitters import Emitters
from ..quantised import uniform
from ..unsupported import Unsupported, floats

PIECES = 1024
"""How many pieces of memory one operation may move."""
ROWS = 64
"""How many vectors an operation may multiply with a matrix."""
Ints = tuple[int, ...]
EMITTERS = Emitters()
emits = EMITTERS.emits


@dataclass
class Writer:
    """What an operation is written with: the file, and where each value lies in main memory."""

    builder: Builder

    def at(self, value: ir.Value) -> int:
        """The address of a value. `Unsupported` for constants, which files of this version do not hold."""
        source = source_of(value)
        if nn.constant_value(source) is not None:
            raise Unsupported("files of version 3 hold no constants but weights")
        return address_of(source)

    def apply(self, fields: type[Any], op: Any, *arrays: Any, **stated: Any) -> None:
        """Add a layer of one input and one output."""
        self.builder.add(fields(input=self.at(op.input), output=self.at(op.output), **stated), *arrays)

    def pieces(self, value: ir.Value, pieces: Sequence[tuple[int, int]]) -> None:
        """Make a value of pieces of memory, which are (address, bytes)."""
        if len(pieces) > PIECES:
            raise Unsupported(f"it moves {len(pieces)} pieces of memory, only {PIECES} are supported")
        kind = layers3.Concat if dtype_of(value) == np.float32 else layers3.QuantizedConcat
        rows = np.array(pieces, np.uint32).reshape(-1, 2)
        self.builder.add(kind(output=self.at(value), count=len(rows)), rows)


def count_of(value: ir.Value) -> int:
    """How many elements a value has."""
    return math.prod(static_shape(value))


@emits(nn.Quantize)
def quantize(w: Writer, op: nn.Quantize) -> None:
    scale, zero_point = uniform(op.output)
    w.apply(layers3.Quantize, op, count=count_of(op.output), scale=scale, bias=-zero_point * scale)


@emits(nn.Dequantize)
def dequantize(w: Writer, op: nn.Dequantize) -> None:
    scale, zero_point = uniform(op.input)
    w.apply(layers3.Dequantize, op, count=count_of(op.output), scale=scale, bias=-zero_point * scale)


@emits(nn.Add)
def add(w: Writer, op: nn.Add) -> None:
    floats(op.lhs, op.rhs)
    if static_shape(op.lhs) != static_shape(op.rhs):
        raise Unsupported("only tensors of one shape can be added")
    count = count_of(op.output)
    w.builder.add(layers3.Add(input_a=w.at(op.lhs), input_b=w.at(op.rhs), output=w.at(op.output), count=count))


@emits(nn.Reduce)
def reduce(w: Writer, op: nn.Reduce) -> None:
    floats(op.input)
    shape = static_shape(op.input)
    axes = {axis % len(shape) for axis in op.axes} | {axis for axis, size in enumerate(shape) if size == 1}
    first = min(axes - {axis for axis in axes if not set(range(axis, len(shape))) <= axes}, default=len(shape))
    kept = math.prod(shape[:first])
    if op.kind != "mean" or kept != count_of(op.output):
        raise Unsupported("only means over the last axes are supported")
    w.apply(layers3.GlobalAveragePool2D, op, kernel_size=math.prod(shape[first:]), channels=kept)


@emits(nn.AvgPool)
def average(w: Writer, op: nn.AvgPool) -> None:
    floats(op.input)
    if op.count_include_pad and any(op.padding):
        raise Unsupported("an average that counts padding is not supported")
    _pool(w, layers3.AveragePool2D, op, op.kernel, op.strides, op.padding[: len(op.kernel)], op.dilations)


def _pool(
    w: Writer, kind: type[Any], op: Any, kernel: Ints, strides: Ints, begins: Ints, dilations: Ints = (1, 1)
) -> None:
    """A window over images; all of them are channels of one."""
    shape, result = static_shape(op.input), static_shape(op.output)
    if len(shape) != 4 or set(dilations) != {1}:
        raise Unsupported("only windows over images, without gaps, are supported")
    channels = shape[0] * shape[1]
    w.apply(
        kind,
        op,
        shape=(shape[3], shape[2], channels),
        shape_out=(result[3], result[2], channels),
        kernel=kernel[::-1],
        strides=strides[::-1],
        padding=begins[::-1],
    )


@emits(nn.Slice)
def slice_(w: Writer, op: nn.Slice) -> None:
    """Rows and columns from the first on are windows of one pixel; other parts are pieces of memory."""
    shape = static_shape(op.input)
    taken = [range(size) for size in shape]
    for start, end, axis, step in zip(op.starts, op.ends, op.axes, op.steps, strict=True):
        taken[axis] = range(shape[axis])[start:end:step]
    whole = [part == range(size) for part, size in zip(taken, shape, strict=True)]
    steps = tuple(part.step for part in taken)
    if len(shape) == 4 and all(whole[:2]) and min(steps) > 0 and not any(part.start for part in taken):
        kind = layers3.AveragePool2D if dtype_of(op.input) == np.float32 else layers3.QuantizedMaxPool2D
        _pool(w, kind, op, (1, 1), steps[2:], (0, 0))
        return
    tail = len(shape)
    while tail and whole[tail - 1]:
        tail -= 1
    inner = math.prod(shape[tail:]) * dtype_of(op.input).itemsize
    if math.prod(len(part) for part in taken[:tail]) > PIECES:
        raise Unsupported("it picks single elements, or many short rows")
    numbers = np.arange(math.prod(shape[:tail])).reshape(shape[:tail])[np.ix_(*taken[:tail])].reshape(-1)
    w.pieces(op.output, [(w.at(op.input) + inner * int(number), inner) for number in numbers])


@emits(nn.Concat)
def concat(w: Writer, op: nn.Concat) -> None:
    shape = static_shape(op.output)
    axis = op.axis % len(shape)
    pieces = []
    for number in range(math.prod(shape[:axis])):
        for value in op.inputs:
            size = math.prod(static_shape(value)[axis:]) * dtype_of(value).itemsize
            pieces.append((w.at(value) + number * size, size))
    w.pieces(op.output, pieces)


@emits(nn.Softmax)
def softmax(w: Writer, op: nn.Softmax) -> None:
    """Firmware's sums reach 0 when all numbers are far below 0."""
    floats(op.input)
    if static_shape(op.input)[op.axis] != count_of(op.input):
        raise Unsupported("only a softmax over all numbers is supported")
    w.apply(layers3.Softmax, op, channels=count_of(op.input))


@emits(nn.Sigmoid)
def sigmoid(w: Writer, op: nn.Sigmoid) -> None:
    floats(op.input)
    w.apply(layers3.Logistic, op, channels=count_of(op.input))


@emits(nn.Conv)
def conv(w: Writer, op: nn.Conv) -> None:
    """A convolution with as many weights as its input has elements is a product with a matrix."""
    floats(op.input)
    weight = nn.constant_value(op.weight)
    if weight is None or op.groups != 1 or any(op.padding) or math.prod(weight.shape[1:]) != count_of(op.input):
        raise Unsupported("only convolutions as large as their input are supported")
    bias = None if op.bias is None else nn.constant_value(op.bias)
    limits = {None: 0, (0.0, math.inf): 1, (0.0, 6.0): 2}
    if (op.bias is not None and bias is None) or op.clamp not in limits:
        raise Unsupported("its bias is not constant, or its result is limited otherwise than by relu or relu6")
    _product(w, w.at(op.input), w.at(op.output), weight.reshape(len(weight), -1), bias, limits[op.clamp])


@emits(nn.Matmul)
def matmul(w: Writer, op: nn.Matmul) -> None:
    """Each row times a constant matrix."""
    floats(op.lhs)
    matrix = nn.constant_value(op.rhs)
    if matrix is None or matrix.ndim != 2:
        raise Unsupported("only products with constant matrices are supported")
    depth, columns = matrix.shape
    rows = count_of(op.lhs) // depth
    if rows > ROWS:
        raise Unsupported(f"{rows} rows times a matrix in one are not supported, only {ROWS}")
    for row in range(rows):
        _product(w, w.at(op.lhs) + 4 * row * depth, w.at(op.output) + 4 * row * columns, matrix.T, None, 0)


def _product(w: Writer, source: int, target: int, weight: Array, bias: Array | None, activation: int) -> None:
    outputs, inputs = weight.shape
    bias = np.zeros(outputs, np.float32) if bias is None else bias
    fields = layers3.FullyConnected(input=source, output=target, inputs=inputs, outputs=outputs, activation=activation)
    w.builder.add(fields, np.ascontiguousarray(weight), bias)


@emits(nn.Transpose)
def transpose(w: Writer, op: nn.Transpose) -> None:
    """Two groups of axes swapped, which is channels first to channels last."""
    floats(op.input)
    shape = static_shape(op.input)
    live = [axis for axis, size in enumerate(shape) if size != 1]
    moved = [axis for axis in op.permutation if shape[axis] != 1]
    at = live.index(moved[0]) if live else 0
    if moved != live[at:] + live[:at]:
        raise Unsupported("only channels first can become channels last")
    channels = math.prod(shape[axis] for axis in live[:at])
    w.apply(layers3.TensorflowFlatten, op, shape=(count_of(op.input) // channels, 1, channels))


@emits(nn.Resize)
def resize(w: Writer, op: nn.Resize) -> None:
    """The nearest pixel, if it is the one that firmware takes: index * size in / size out."""
    shape, sizes = static_shape(op.input), static_shape(op.output)
    if op.mode != "nearest" or len(shape) != 4 or shape[:2] != sizes[:2] or op.coordinate == "tf_crop_and_resize":
        raise Unsupported("only images can be resized, to nearest pixels")
    for extent, size, scale in zip(shape[2:], sizes[2:], op.scales[2:], strict=True):
        wanted = nearest_indices(
            source_positions(size, extent, scale, op.coordinate, (0.0, 1.0)), extent, op.nearest_mode
        )
        found = np.minimum(np.arange(size, dtype=np.float32) * (np.float32(extent) / np.float32(size)), extent - 1)
        if not np.array_equal(wanted, found.astype(np.int64)):
            raise Unsupported("firmware takes other pixels")
    floating = dtype_of(op.input) == np.float32
    kind = layers3.ResizeNearestNeighbor if floating else layers3.QuantizedResizeNearestNeighbor
    w.apply(kind, op, shape=(shape[3], shape[2], shape[0] * shape[1]), width=sizes[3], height=sizes[2])
