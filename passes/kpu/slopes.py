"""Activations with a slope a channel, and what keeps layers that compute channel by channel small.

A layer has one activation for all its channels, so slopes take two layers more. Their weights are zeros but for two a
channel; in blocks of channels there are fewer zeros to keep, and to read maps for.
"""

import math
from typing import Any

import numpy as np

from ...dialects import kpu, nn
from ...dialects.mlir import ir
from ...dialects.ranges import Range, value_range
from ...dialects.tensors import static_shape
from ..nn.fuse_convolutions import channel_constant
from ..rewriter import NO_MATCH, Match, Pattern, Rewriter, has_one_use, pattern, producer, users
from . import build
from .activation import clamp_knots
from .join import fill_lines, is_of_layers
from .rules import is_bounded

FILL = 4
"""Channels fill lines of any map if their number is a multiple of this."""


@pattern(nn.Prelu)
def slopes_behind(op: nn.Prelu, rewriter: Rewriter) -> Match:
    """prelu(x) with a slope a channel == relu(x) - slope * relu(-x): two layers for each block of channels"""
    layer, slope, span = producer(op.input, kpu.Layer), channel_constant(op.slope, 4), value_range(op.input)
    if layer is None or slope is None or span is None or not is_bounded(op.output):
        return NO_MATCH
    channels = static_shape(op.input)[1]
    both = Range(0.0, max(span.high, -span.low, 0.0))
    relu = clamp_knots(0.0, math.inf)
    free = not layer.depthwise and layer.activation is None and layer.pool == "none" and has_one_use(op.input)
    weight, bias = nn.constant_value(layer.weight), nn.constant_value(layer.bias)
    assert weight is not None and bias is not None
    slopes = np.broadcast_to(slope, channels)
    made = []
    for first in range(0, channels, build.BLOCK):
        block = range(first, min(first + build.BLOCK, channels))
        if free:
            inputs, own, offset = list(layer.inputs), weight[block], bias[block]
        else:
            inputs, own, offset = [build.selected(op.input, block)], build.identity(len(block)), np.zeros(len(block))
        halves = [np.concatenate([array, -array]) for array in (own, offset)]
        parts = build.layer(inputs, halves[0], halves[1], both, activation=relu)
        pair = [build.identity(len(block)), -np.diag(slopes[block])[:, :, None, None]]
        made.append(build.layer([parts], np.concatenate(pair, axis=1), None, value_range(op.output)))
    return rewriter.replace(op, build.joined(made, value_range(op.output)))


@pattern(nn.Prelu)
def slopes_of_joined(op: nn.Prelu, rewriter: Rewriter) -> Match:
    """prelu(concat(a, b)) == concat(prelu(a), prelu(b)) of layers, with a slope a channel"""
    joined, slope, span = producer(op.input, nn.Concat), channel_constant(op.slope, 4), value_range(op.output)
    if joined is None or slope is None or not has_one_use(op.input) or not is_of_layers(op.input):
        return NO_MATCH
    slopes = np.broadcast_to(slope, static_shape(op.input)[1]).astype(np.float32)
    parts, first = [], 0
    for part in joined.inputs:
        end = first + static_shape(part)[1]
        parts.append(op.rebuild(part, nn.Constant(value=slopes[first:end, None, None].copy()).output).output)
        build.set_range(parts[-1], span)
        first = end
    return rewriter.replace(op, build.joined(parts, span))


@pattern(kpu.Layer)
def read_what_counts(op: kpu.Layer, rewriter: Rewriter) -> Match:
    """layer(a, b) without the channels whose weights are all zero, where that is half of a map or more"""
    weight = nn.constant_value(op.weight)
    if op.depthwise or weight is None:
        return NO_MATCH
    inputs, columns, first = [], [], 0
    for value in op.inputs:
        channels = static_shape(value)[1]
        counting = np.flatnonzero(weight[:, first : first + channels].any(axis=(0, 2, 3)))
        wanted = range(channels)
        if counting.size:
            wanted = range(int(counting[0]) // FILL * FILL, min(-(-int(counting[-1] + 1) // FILL) * FILL, channels))
        elif len(op.inputs) > 1:
            wanted = range(0)
        if 2 * len(wanted) > channels:
            wanted = range(channels)
        inputs += [build.selected(value, wanted)] if wanted else []
        columns += [first + channel for channel in wanted]
        first += channels
    if len(columns) == weight.shape[1] or not columns:
        return NO_MATCH
    return rewriter.replace(op, build.again(op, value_range(op.output), inputs=inputs, weight=weight[:, columns]))


def channels_of_slice(op: nn.Slice) -> range | None:
    """The channels that a slice takes, if it takes neighbours, and leaves rows and columns alone."""
    shape = static_shape(op.input)
    if len(shape) != 4 or tuple(axis % 4 for axis in op.axes) != (1,) or op.steps != (1,):
        return None
    first = op.starts[0] % shape[1]
    return range(first, first + static_shape(op.output)[1])


@pattern(nn.Slice)
def channels_of_joined(op: nn.Slice, rewriter: Rewriter) -> Match:
    """slice(concat(a, b)) is a, or channels of a"""
    joined, wanted = producer(op.input, nn.Concat), channels_of_slice(op)
    if joined is None or wanted is None or joined.axis % 4 != 1:
        return NO_MATCH
    first = 0
    for part in joined.inputs:
        end = first + static_shape(part)[1]
        if first <= wanted.start and wanted.stop <= end:
            return rewriter.replace(op, build.selected(part, range(wanted.start - first, wanted.stop - first)))
        first = end
    return NO_MATCH


def is_beside(op: nn.Slice) -> bool:
    """Whether only layers that read other maps, too, want a slice."""
    readers = users(op.output)
    return bool(readers) and all(isinstance(reader, kpu.Layer) and len(reader.inputs) > 1 for reader in readers)


@pattern(nn.Slice)
def layer_of_channels(op: nn.Slice, rewriter: Rewriter) -> Match:
    """slice(layer(x)) is a layer with fewer results, where others are nobody's, or other such slices'

    Layers over several maps want them side by side, where what is only a part of a map cannot be.
    """
    layer = producer(op.input, kpu.Layer)
    if layer is None or layer.depthwise or not fill_lines(layer.inputs[:-1]):
        return NO_MATCH
    if not is_beside(op):
        return NO_MATCH
    slices = users(op.input)
    taken = [channels_of_slice(user) if isinstance(user, nn.Slice) and is_beside(user) else None for user in slices]
    channels = [channel for wanted in taken for channel in wanted or ()]
    if None in taken or len(channels) != len(set(channels)):
        return NO_MATCH
    wanted, span = channels_of_slice(op), value_range(op.output)
    weight, bias = nn.constant_value(layer.weight), nn.constant_value(layer.bias)
    assert wanted is not None and weight is not None and bias is not None
    inputs = list(layer.inputs)
    if len(inputs) > 1:  # which can be side by side for one layer only
        taps = build.one_tap(weight.shape[1], (0, 0))
        inputs = [build.copy(build.joined(inputs, value_range(inputs[0])), taps, depthwise=True)]
    made = build.layer(inputs, weight[wanted], bias[wanted], span, pool=layer.pool, activation=layer.activation)
    if build.COPY in layer.attributes:
        made.owner.attributes[build.COPY] = ir.UnitAttr.get()
    return rewriter.replace(op, made)


CHANNELWISE: tuple[Pattern[Any], ...] = (
    slopes_behind,
    slopes_of_joined,
    read_what_counts,
    channels_of_joined,
    layer_of_channels,
)
