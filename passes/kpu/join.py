"""Layers over several maps that lie one behind the other, and layers of more channels than one can have."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...dialects import kpu, nn
from ...dialects.mlir import ir
from ...dialects.ods import MEMBERS
from ...dialects.ranges import set_range, value_range
from ...dialects.tensors import static_shape
from ...runtime.kpu.layout import Layout
from ...runtime.kpu.registers import CHANNELS, WEIGHT_LOADS, weight_loads
from ..rewriter import NO_MATCH, Match, Pattern, Rewriter, has_one_use, pattern, producer
from . import build
from .activation import POINTWISE


@pattern(kpu.Layer)
def join_inputs(op: kpu.Layer, rewriter: Rewriter) -> Match:
    """layer(concat(a, b)) == layer(a, b), and without the channels that are constant zeros"""
    for number, value in enumerate(op.inputs):
        joined, added = producer(value, nn.Concat), channels_added(value)
        if joined is not None and joined.axis % 4 == 1 and len(op.inputs) - 1 + len(joined.inputs) <= MEMBERS:
            if op.depthwise and not fill_lines(joined.inputs[:-1]):
                return NO_MATCH
            if len(op.inputs) - 1 + len(joined.inputs) > MEMBERS:
                continue
            return _fed(op, number, list(joined.inputs), None, rewriter)
        if op.depthwise:
            continue
        if is_zero(value) and len(op.inputs) > 1:
            return _fed(op, number, [], range(static_shape(value)[1]), rewriter)
        if added is not None:
            source, channels = added
            return _fed(op, number, [source], channels, rewriter)
    return NO_MATCH


@pattern(kpu.Layer)
def put_into_one(op: kpu.Layer, rewriter: Rewriter) -> Match:
    """layer(concat(a, b, ...)) of more maps than a layer names: a depthwise layer that copies puts them into one"""
    for number, value in enumerate(op.inputs):
        joined = producer(value, nn.Concat)
        if joined is None or joined.axis % 4 != 1 or not fill_lines(joined.inputs[:-1]):
            continue
        if len(op.inputs) - 1 + len(joined.inputs) <= MEMBERS or not is_of_layers(value):
            continue
        made = build.copy(value, build.one_tap(static_shape(value)[1], (0, 0)), depthwise=True)
        inputs = [*op.inputs[:number], made, *op.inputs[number + 1 :]]
        return rewriter.replace(op, build.again(op, value_range(op.output), inputs=inputs))
    return NO_MATCH


def is_of_layers(value: ir.Value) -> bool:
    """Whether a value is a layer's result, or layers' results one behind the other."""
    joined = producer(value, nn.Concat)
    if joined is None:
        return producer(value, kpu.Layer) is not None
    return joined.axis % 4 == 1 and all(map(is_of_layers, joined.inputs))


def fill_lines(maps: Sequence[ir.Value]) -> bool:
    """Whether maps leave no channel unused in their last lines: then what lies behind them is their next channel."""
    return all(static_shape(value)[1] % Layout(static_map(value)).groups == 0 for value in maps)


def static_map(value: ir.Value) -> tuple[int, int, int, int]:
    """The shape of a map."""
    batch, channels, height, width = static_shape(value)
    return batch, channels, height, width


def _fed(op: kpu.Layer, number: int, values: list[ir.Value], zeros: Any, rewriter: Rewriter) -> Match:
    """The layer with other values for one input, of which the channels `zeros` are not read any more."""
    weight = nn.constant_value(op.weight)
    assert weight is not None
    first = sum(static_shape(other)[1] for other in op.inputs[:number])
    if zeros is not None:
        weight = np.delete(weight, [first + channel for channel in zeros], axis=1)
    inputs = [*op.inputs[:number], *values, *op.inputs[number + 1 :]]
    return rewriter.replace(op, build.again(op, value_range(op.output), inputs=inputs, weight=weight))


def channels_added(value: ir.Value) -> tuple[ir.Value, list[int]] | None:
    """A map to which only channels of zeros were added, and which of the channels those are."""
    pad = producer(value, nn.Pad)
    if pad is None or pad.mode != "constant" or pad.value != 0 or len(pad.padding) != 8 or min(pad.padding) < 0:
        return None
    before, behind = pad.padding[1], pad.padding[5]
    if sum(pad.padding) != before + behind:
        return None
    channels = static_shape(value)[1]
    return pad.input, [*range(before), *range(channels - behind, channels)]


@pattern(kpu.Layer, benefit=2)
def split_outputs(op: kpu.Layer, rewriter: Rewriter) -> Match:
    """a layer of more output channels than there are, or than weights can be loaded for, is several"""
    outputs, inputs = static_shape(op.weight)[:2]
    if op.depthwise:
        return NO_MATCH
    most = min(CHANNELS, WEIGHT_LOADS * weight_loads(op.kernel, inputs, outputs, False).channels)
    if outputs <= most:
        return NO_MATCH
    parts = -(-outputs // most)
    size = -(-outputs // parts // 4) * 4
    weight, bias = nn.constant_value(op.weight), nn.constant_value(op.bias)
    assert weight is not None and bias is not None
    span = value_range(op.output)
    made = [
        build.layer(
            list(op.inputs), weight[i : i + size], bias[i : i + size], span, pool=op.pool, activation=op.activation
        )
        for i in range(0, outputs, size)
    ]
    return rewriter.replace(op, build.joined(made, span))


def is_zero(value: ir.Value) -> bool:
    """Whether a value is a constant of zeros."""
    array = nn.constant_value(value)
    return array is not None and not array.any()


@pattern(nn.ElementwiseOp)
def elementwise_of_join(op: nn.ElementwiseOp, rewriter: Rewriter) -> Match:
    """f(concat(a, b)) == concat(f(a), f(b)) of layers, so that f gets into them"""
    return _into_parts(op, op.input, [], rewriter) if isinstance(op, POINTWISE) else NO_MATCH


@pattern(nn.BinaryOp)
def scaling_of_join(op: nn.BinaryOp, rewriter: Rewriter) -> Match:
    """concat(a, b) * c == concat(a * c, b * c), + c and - c likewise, for one number c"""
    number = nn.constant_value(op.rhs) if isinstance(op, nn.Add | nn.Mul | nn.Sub) else None
    return NO_MATCH if number is None or number.size != 1 else _into_parts(op, op.lhs, [op.rhs], rewriter)


def _into_parts(op: Any, value: ir.Value, others: list[ir.Value], rewriter: Rewriter) -> Match:
    """An operation on joined layers, done on each; `others` are its other operands."""
    joined = producer(value, nn.Concat)
    if joined is None or not has_one_use(value) or not is_of_layers(value):
        return NO_MATCH
    span = value_range(op.output)
    parts = []
    for part in joined.inputs:
        parts.append(op.rebuild(part, *others).output)
        set_range(parts[-1], span)
    return rewriter.replace(op, build.joined(parts, span))


@pattern(nn.ElementwiseOp)
def elementwise_of_spread(op: nn.ElementwiseOp, rewriter: Rewriter) -> Match:
    """f(depth_to_space(x)) == depth_to_space(f(x)) of a layer, so that f gets into it"""
    spread = producer(op.input, nn.DepthToSpace)
    if spread is None or not isinstance(op, POINTWISE) or not has_one_use(op.input):
        return NO_MATCH
    if producer(spread.input, kpu.Layer) is None:
        return NO_MATCH
    span = value_range(op.output)
    moved = op.rebuild(spread.input).output
    set_range(moved, span)
    made = spread.rebuild(moved).output
    set_range(made, span)
    return rewriter.replace(op, made)


JOINING: tuple[Pattern[Any], ...] = (
    join_inputs,
    split_outputs,
    elementwise_of_join,
    scaling_of_join,
    elementwise_of_spread,
)
