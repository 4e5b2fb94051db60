"""What the integer nodes of version 4 compute on the host: exact in 64 bits, where the vendor's 32 do not overflow."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ...errors import ExecutionError
from ..kmodel import nodes4
from ..kmodel.bodies import Shape
from ..kmodel.fields4 import MemoryRange, Rescale, Window
from ..machine import Array
from .kernels4 import U8, Tensors, broadcast, computes, convolved
from .rescale import rescaled, rounding_shift
from .window import reducer


def _divided(a: Array, b: Array) -> Array:
    """(a + b / 2) / b, both divisions cut towards zero. ExecutionError K0504 for a divisor of 0."""
    if not np.all(b):
        raise ExecutionError("K0504", cause="a quantised division by zero")
    total = a + np.sign(b) * (np.abs(b) // 2)
    return np.asarray(np.sign(total) * np.sign(b) * (np.abs(total) // np.abs(b)))


ARITHMETIC: dict[str, Callable[[Array, Array], Array]] = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "div": _divided, "min": np.minimum, "max": np.maximum,
}  # fmt: skip


def _exact(x: Array, offset: int, other: Array, other_offset: int, terms: int) -> tuple[Array, Array]:
    """x + offset and other + other_offset as float64, in which sums of `terms` products are exact, and fast.

    ExecutionError K0504 for offsets so large that sums may not be: the vendor's 32 bits overflow long before.
    """
    if (255 + abs(offset)) * (255 + abs(other_offset)) * max(terms, 1) >= 1 << 52:
        raise ExecutionError("K0504", cause=f"offsets of {offset} and {other_offset} are too large for exact sums")
    return x.astype(np.float64) + offset, other.astype(np.float64) + other_offset


def _summed(
    tensors: Tensors, x: Array, weights: Array, bias: Array, offsets: tuple[int, int], window: Window, groups: int
) -> Array:
    """bias + sum (x + offsets[0]) * (w + offsets[1]); beyond the image there is nothing."""
    shifted, taps = _exact(x, offsets[0], weights, offsets[1], weights[:1].size)
    return convolved(tensors, shifted, taps, bias.astype(np.float64), window, groups).astype(np.int64)


def _finished(total: Array, how: Rescale) -> Array:
    return rescaled(total, how.factor, how.shift, how.output_offset)


@computes(nodes4.QuantizedConv2D)
def quantized_conv2d(tensors: Tensors, it: nodes4.QuantizedConv2D, bias: Array, weights: Array) -> None:
    out = tensors.target(it.output, U8, it.result())
    x, how = tensors.view(it.input, U8, it.shape), it.rescale
    offsets = how.input_offset, how.weights_offset
    out[...] = _finished(_summed(tensors, x, weights, bias, offsets, it.window, it.groups), how)


@computes(nodes4.CpuQuantizedConv2D)
def cpu_quantized_conv2d(tensors: Tensors, it: nodes4.CpuQuantizedConv2D, weights: Array, bias: Array) -> None:
    _channels_last(tensors, it.input, it.output, it.shape, it.result(), it.window, it.rescale,
                   weights.transpose(0, 3, 1, 2), bias, 1)  # fmt: skip


@computes(nodes4.CpuQuantizedDepthwiseConv2D)
def cpu_quantized_depthwise_conv2d(
    tensors: Tensors, it: nodes4.CpuQuantizedDepthwiseConv2D, weights: Array, bias: Array
) -> None:
    _channels_last(tensors, it.input, it.output, it.shape, it.result(), it.window, it.rescale,
                   weights[:, None], bias, it.shape[3])  # fmt: skip


def _channels_last(
    tensors: Tensors, source: MemoryRange, target: MemoryRange, shape: Shape, result: Shape, window: Window,
    how: Rescale, weights: Array, bias: Array, groups: int,
) -> None:  # fmt: skip
    """NHWC; offsets are subtracted."""
    out = tensors.target(target, U8, result)
    x = tensors.view(source, U8, shape).transpose(0, 3, 1, 2)
    offsets = -how.input_offset, -how.weights_offset
    total = _summed(tensors, x, np.ascontiguousarray(weights), bias, offsets, window, groups)
    out[...] = _finished(total, how).transpose(0, 2, 3, 1)


@computes(nodes4.QuantizedMatmul)
def quantized_matmul(tensors: Tensors, it: nodes4.QuantizedMatmul, bias: Array) -> None:
    out = tensors.target(it.output, U8, it.result())
    a, b = tensors.view(it.input_a, U8, (it.rows, it.inner)), tensors.view(it.input_b, U8, (it.inner, it.columns))
    tensors.memories.spend(it.rows, it.inner, it.columns)
    left, right = _exact(a, it.offset_a, b, it.offset_b, it.inner)
    out[...] = rescaled((left @ right).astype(np.int64) + bias, it.factor, it.shift, it.output_offset)


@computes(nodes4.QuantizedBinary)
def quantized_binary(tensors: Tensors, it: nodes4.QuantizedBinary) -> None:
    out = tensors.target(it.output, U8, it.shape)
    a = _scaled(tensors, it.input_a, it.shape_a, it.offset_a, it.factor_a, it.shift_a)
    b = _scaled(tensors, it.input_b, it.shape_b, it.offset_b, it.factor_b, it.shift_b)
    operate = ARITHMETIC[reducer(it.operation, nodes4.BINARIES)]
    total = operate(broadcast(a, it.shape), broadcast(b, it.shape))
    out[...] = rescaled(total, it.output_factor, it.output_shift, it.output_offset)


def _scaled(tensors: Tensors, one: MemoryRange, shape: Shape, offset: int, factor: int, shift: int) -> Array:
    return rounding_shift((tensors.view(one, U8, shape).astype(np.int64) + offset) * factor, shift)
