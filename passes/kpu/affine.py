"""Scales and shifts of channels: into layers, or as layers of their own where bytes come in.

A camera's bytes are dequantised, and then normalised by a mean and a deviation a channel. One pair of numbers for all
channels only says anew what the bytes stand for, and costs nothing; several are a depthwise layer, which costs next to
nothing. Channels in another order are weights in another order.
"""

from typing import Any

import numpy as np

from ...dialects import kpu, nn
from ...dialects.mlir import ir
from ...dialects.ranges import value_range
from ...dialects.tensors import Array, shape_of, static_shape
from ..nn.fuse_convolutions import channel_constant
from ..rewriter import NO_MATCH, Match, Pattern, Rewriter, has_one_use, pattern, producer
from . import build
from .rules import is_bounded, is_map


def scale_and_shift(op: nn.BinaryOp) -> tuple[Array, Array] | None:
    """The numbers a and b a channel with op(x) == a x + b, for operations with a constant; None for others."""
    shape = shape_of(op.output)
    if len(shape) != 4 or shape_of(op.lhs) != shape or not isinstance(op, nn.Add | nn.Sub | nn.Mul | nn.Div):
        return None
    constant = channel_constant(op.rhs, 4)
    if constant is None or constant.dtype.kind != "f" or (isinstance(op, nn.Div) and not constant.all()):
        return None
    numbers = np.broadcast_to(constant.astype(np.float64), static_shape(op.output)[1])
    one, zero = np.ones_like(numbers), np.zeros_like(numbers)
    if isinstance(op, nn.Mul | nn.Div):
        return (numbers if isinstance(op, nn.Mul) else 1 / numbers), zero
    return one, (numbers if isinstance(op, nn.Add) else -numbers)


@pattern(nn.BinaryOp, benefit=2)
def into_layer(op: nn.BinaryOp, rewriter: Rewriter) -> Match:
    """a * layer(x) + b, a and b a channel: a layer with weights and bias to match"""
    found, layer = scale_and_shift(op), producer(op.operation.operands[0], kpu.Layer)
    if found is None or layer is None or layer.activation is not None or not has_one_use(layer.output):
        return NO_MATCH
    if not is_bounded(op.output) or layer.pool != "none" or build.COPY in layer.attributes:
        return NO_MATCH
    scale, shift = found
    weight, bias = nn.constant_value(layer.weight), nn.constant_value(layer.bias)
    assert weight is not None and bias is not None
    made = build.layer(
        list(layer.inputs),
        weight * scale[:, None, None, None],
        bias * scale + shift,
        value_range(op.output),
        depthwise=layer.depthwise,
    )
    return rewriter.replace(op, made)


@pattern(nn.BinaryOp)
def of_bytes(op: nn.BinaryOp, rewriter: Rewriter) -> Match:
    """a * x + b of an input: a depthwise layer, which computes at the pixel alone"""
    found = scale_and_shift(op)
    if found is None or not comes_in(op.lhs) or not is_map(op.output) or not is_bounded(op.output):
        return NO_MATCH
    scale, shift = found
    weight = np.zeros((len(scale), 1, 3, 3))
    weight[:, 0, 1, 1] = scale
    return rewriter.replace(op, build.layer([op.lhs], weight, shift, value_range(op.output), depthwise=True))


def comes_in(value: ir.Value) -> bool:
    """Whether a value is an input of the network, or what dequantising or moving makes of one."""
    if not isinstance(value, ir.OpResult):
        return True
    moved = producer(value, nn.Transpose) or producer(value, nn.Slice) or producer(value, nn.Pad)
    return producer(value, nn.Dequantize) is not None or (moved is not None and comes_in(moved.input))


@pattern(nn.Transpose)
def scaled_behind_transpose(op: nn.Transpose, rewriter: Rewriter) -> Match:
    """transpose(a * x + b) == a * transpose(x) + b for one a and b, of an input"""
    inner = op.input.owner.opview if isinstance(op.input, ir.OpResult) else None
    if not isinstance(inner, nn.Add | nn.Sub | nn.Mul | nn.Div) or not has_one_use(op.input):
        return NO_MATCH
    constant = nn.constant_value(inner.rhs)
    if constant is None or constant.size != 1 or not comes_in(inner.lhs):
        return NO_MATCH
    moved = op.rebuild(inner.lhs).output
    build.set_range(moved, value_range(inner.lhs))
    made = inner.rebuild(moved, inner.rhs).output
    build.set_range(made, value_range(op.output))
    return rewriter.replace(op, made)


def uniform(op: Any) -> tuple[float, float] | None:
    """a and b of a layer that is a x + b for every channel of one map alike, a > 0; None for others."""
    if not isinstance(op, kpu.Layer) or not op.depthwise or op.activation is not None or op.pool != "none":
        return None
    if len(op.inputs) != 1:
        return None
    weight, bias = nn.constant_value(op.weight), nn.constant_value(op.bias)
    assert weight is not None and bias is not None
    taps = weight.reshape(weight.shape[0], -1)
    centre = taps[:, taps.shape[1] // 2]
    alone = np.count_nonzero(taps) == len(centre) and np.ptp(centre) == 0 and np.ptp(bias) == 0
    return (float(centre[0]), float(bias[0])) if alone and centre[0] > 0 else None


@pattern(nn.Dequantize)
def reordered_behind(op: nn.Dequantize, rewriter: Rewriter) -> Match:
    """dequantize(gather(x)) == gather(dequantize(x))"""
    cast = producer(op.input, nn.StorageCast)
    gather = None if cast is None else producer(cast.input, nn.Gather)
    if gather is None or cast is None or channel_order(gather) is None:
        return NO_MATCH
    bytes_ = nn.StorageCast(gather.input, results=[op.input.type]).output
    real = nn.Dequantize(bytes_).output
    build.set_range(real, value_range(op.output))
    made = gather.rebuild(real, gather.indices).output
    build.set_range(made, value_range(op.output))
    return rewriter.replace(op, made)


@pattern(kpu.Layer)
def into_weights(op: kpu.Layer, rewriter: Rewriter) -> Match:
    """layer(gather(x)) == layer(x) with its weights in the order of x; a depthwise layer is reordered behind"""
    gather = producer(op.inputs[0], nn.Gather) if len(op.inputs) == 1 else None
    order = None if gather is None else channel_order(gather)
    if gather is None or order is None:
        return NO_MATCH
    weight, bias = nn.constant_value(op.weight), nn.constant_value(op.bias)
    assert weight is not None and bias is not None
    span, back = value_range(op.output), np.argsort(order)
    if not op.depthwise:
        return rewriter.replace(op, build.again(op, span, inputs=[gather.input], weight=weight[:, back]))
    moved = build.layer(
        [gather.input], weight[back], bias[back], span, depthwise=True, pool=op.pool, activation=op.activation
    )
    made = gather.rebuild(moved, gather.indices).output
    build.set_range(made, span)
    return rewriter.replace(op, made)


def channel_order(gather: nn.Gather) -> Array | None:
    """The channels that a gather takes, if it takes every one once."""
    order = nn.constant_value(gather.indices)
    shape = shape_of(gather.input)
    if order is None or order.ndim != 1 or len(shape) != 4 or gather.axis != 1:
        return None
    return order if sorted(order.tolist()) == list(range(shape[1] or 0)) else None


AFFINE: tuple[Pattern[Any], ...] = (
    into_layer,
    of_bytes,
    scaled_behind_transpose,
    reordered_behind,
    into_weights,
)
