"""What the host's layers of version 3 compute: each reads memory and writes its result.

Entry: fields and arrays of a layer, trusted or not. Exit: the result is in memory, or ExecutionError, KmodelError, or
what numpy raises when operands do not fit together. Floats agree with Kendryte's SDK to rounding.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ...errors import ExecutionError
from ..kmodel import layers3
from ..kmodel.bodies import Shape
from ..kmodel.struct import align
from ..machine import Array
from .memory import Memories
from .rescale import quantized
from .window import pool

F32, U8 = np.dtype(np.float32), np.dtype(np.uint8)
TINY = np.finfo(np.float32).tiny
LINE = 64

Compute = Callable[..., None]
KERNELS: dict[type[layers3.Layer], Compute] = {}
"""(memories, fields, *arrays) by class of fields."""


def computes(*fields: type[layers3.Layer]) -> Callable[[Compute], Compute]:
    """Register what kinds of layers compute."""

    def register(compute: Compute) -> Compute:
        KERNELS.update(dict.fromkeys(fields, compute))
        return compute

    return register


def _main(memories: Memories, address: int, dtype: np.dtype[Any], *shape: int) -> Array:
    return memories.tensor(memories.main, address, dtype, shape)


def _image(memories: Memories, address: int, dtype: np.dtype[Any], shape: Shape) -> Array:
    """A tensor whose shape is stated as width, height, channels."""
    return _main(memories, address, dtype, 1, *shape[::-1])


@computes(layers3.Add)
def add(memories: Memories, it: layers3.Add) -> None:
    a, b = _main(memories, it.input_a, F32, it.count), _main(memories, it.input_b, F32, it.count)
    _main(memories, it.output, F32, it.count)[...] = a + b


@computes(layers3.QuantizedAdd)
def quantized_add(memories: Memories, it: layers3.QuantizedAdd) -> None:
    count = align(it.count, 8)
    a = (_main(memories, it.input_a, U8, count).astype(np.int64) + it.offset_a) * it.factor_a
    b = (_main(memories, it.input_b, U8, count).astype(np.int64) + it.offset_b) * it.factor_b
    if not all(0 <= shift < 63 for shift in (it.shift_a, it.shift_b, it.output_shift)):
        raise ExecutionError("K0504", cause="a shift is not 0 to 62")
    total = (a + b) >> it.shift_a if it.shift_a == it.shift_b else (a >> it.shift_a) + (b >> it.shift_b)
    result = carried(total * it.output_factor, it.output_shift) + it.output_offset
    _main(memories, it.output, U8, count)[...] = np.clip(result, 0, 255)


def carried(value: Array, shift: int) -> Array:
    """value / 2**shift, halves up; a negative value that would be rounded up goes down instead, as the SDK does it."""
    if shift == 0:
        return value
    twice = value >> (shift - 1)
    result: Array = (twice >> 1) + (twice & 1) * np.where(value < 0, -1, 1)
    return result


@computes(layers3.GlobalAveragePool2D)
def global_average_pool2d(memories: Memories, it: layers3.GlobalAveragePool2D) -> None:
    x = _main(memories, it.input, F32, it.channels, it.kernel_size)
    _main(memories, it.output, F32, it.channels)[...] = x.sum(axis=1) / np.float32(it.kernel_size)


@computes(layers3.QuantizedMaxPool2D, layers3.AveragePool2D)
def pool2d(memories: Memories, it: layers3.QuantizedMaxPool2D | layers3.AveragePool2D) -> None:
    it.result()
    mean = isinstance(it, layers3.AveragePool2D)
    dtype = F32 if mean else U8
    x, out = _image(memories, it.input, dtype, it.shape), _image(memories, it.output, dtype, it.shape_out)
    channels, height, width = out.shape[1:]
    kernel, strides, padding = it.kernel[::-1], it.strides[::-1], it.padding[::-1]
    if channels > x.shape[1]:
        raise ExecutionError("K0504", cause=f"{channels} channels are pooled out of {x.shape[1]}")
    memories.spend(out.size, *kernel)
    image = x[:, :channels].astype(np.float32)
    out[...] = pool(image, "mean" if mean else "max", 0.0, (height, width), kernel, strides, (1, 1), padding)


@computes(layers3.Quantize)
def quantize(memories: Memories, it: layers3.Quantize) -> None:
    x = _main(memories, it.input, F32, it.count)
    result = quantized((x - np.float32(it.bias)) * (np.float32(1) / np.float32(it.scale)))
    _main(memories, it.output, U8, it.count)[...] = result


@computes(layers3.Dequantize)
def dequantize(memories: Memories, it: layers3.Dequantize) -> None:
    q = _main(memories, it.input, U8, it.count).astype(np.float32)
    _main(memories, it.output, F32, it.count)[...] = q * np.float32(it.scale) + np.float32(it.bias)


@computes(layers3.Requantize)
def requantize(memories: Memories, it: layers3.Requantize, table: Array) -> None:
    _main(memories, it.output, U8, it.count)[...] = table[_main(memories, it.input, U8, it.count)]


@computes(layers3.L2Normalization)
def l2_normalization(memories: Memories, it: layers3.L2Normalization) -> None:
    x = _main(memories, it.input, F32, it.channels)
    total = np.maximum(np.sum(x * x, dtype=np.float32), np.float32(1e-10))
    _main(memories, it.output, F32, it.channels)[...] = x * (np.float32(1) / np.sqrt(total))


@computes(layers3.Softmax)
def softmax(memories: Memories, it: layers3.Softmax) -> None:
    x = _main(memories, it.input, F32, it.channels)
    powers = np.exp(x - np.max(x, initial=TINY))
    _main(memories, it.output, F32, it.channels)[...] = powers / powers.sum()


@computes(layers3.Concat, layers3.QuantizedConcat)
def concat(memories: Memories, it: layers3.Joined, inputs: Array) -> None:
    parts = [_main(memories, start, U8, size).copy() for start, size in inputs.tolist()]
    at = it.output
    for part in parts:
        _main(memories, at, U8, len(part))[...] = part
        at += len(part)


@computes(layers3.FullyConnected)
def fully_connected(memories: Memories, it: layers3.FullyConnected, weights: Array, bias: Array) -> None:
    memories.spend(weights.size)
    result = weights @ _main(memories, it.input, F32, it.inputs) + bias
    kind = layers3.ACTIVATIONS[it.activation] if it.activation < len(layers3.ACTIVATIONS) else "none"
    if kind != "none":
        result = np.maximum(result, np.float32(0))
    _main(memories, it.output, F32, it.outputs)[...] = np.minimum(result, np.float32(6)) if kind == "relu6" else result


@computes(layers3.TensorflowFlatten)
def tensorflow_flatten(memories: Memories, it: layers3.TensorflowFlatten) -> None:
    x = _image(memories, it.input, F32, it.shape)
    _main(memories, it.output, F32, x.size)[...] = x.transpose(0, 2, 3, 1).reshape(-1)


@computes(layers3.ResizeNearestNeighbor, layers3.QuantizedResizeNearestNeighbor)
def resize_nearest_neighbor(memories: Memories, it: layers3.Resize) -> None:
    dtype = F32 if it.element == "f32" else U8
    x = _image(memories, it.input, dtype, it.shape)
    out = _main(memories, it.output, dtype, *it.result())
    if 0 in x.shape or 0 in out.shape:
        return
    rows, columns = (_nearest(*sizes) for sizes in zip(out.shape[2:], x.shape[2:], strict=True))
    out[...] = x[:, :, rows][..., columns]


def _nearest(size: int, extent: int) -> Array:
    at = np.floor(np.arange(size, dtype=np.float32) * (np.float32(extent) / np.float32(size)))
    return np.asarray(np.minimum(at.astype(np.int64), extent - 1))


@computes(layers3.ChannelwiseDequantize)
def channelwise_dequantize(memories: Memories, it: layers3.ChannelwiseDequantize, parameters: Array) -> None:
    q = _main(memories, it.input, U8, it.channels, it.channel_size).astype(np.float32)
    _main(memories, it.output, F32, *q.shape)[...] = q * parameters[:, :1] + parameters[:, 1:]


@computes(layers3.Logistic)
def logistic(memories: Memories, it: layers3.Logistic) -> None:
    x = _main(memories, it.input, F32, it.channels)
    _main(memories, it.output, F32, it.channels)[...] = 1 / (1 + np.exp(-x))


@computes(layers3.K210AddPadding)
def k210_add_padding(memories: Memories, it: layers3.K210AddPadding) -> None:
    values = _main(memories, it.input, U8, it.channels)
    places = np.arange(it.channels)
    lines = memories.tensor(memories.ram, it.kpu_output * LINE, U8, (math.ceil(it.channels / 4) * 4 * LINE,))
    lines[places // 4 * 4 * LINE + places % 4 * 16] = values


@computes(layers3.K210RemovePadding)
def k210_remove_padding(memories: Memories, it: layers3.K210RemovePadding) -> None:
    last = max(0, 16 * (it.channels - 1) + 1)
    _main(memories, it.output, U8, it.channels)[...] = _main(memories, it.input, U8, last)[::16].copy()


@computes(layers3.K210Upload)
def k210_upload(memories: Memories, it: layers3.K210Upload) -> None:
    maps = _main(memories, it.input, U8, 1, it.channels, it.height, it.width)
    memories.upload(it.kpu_output * LINE, maps)
