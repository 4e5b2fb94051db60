"""Maxima over windows that the KPU's poolings do not have, as chains of those over two pixels.

k - 1 times the maximum of a pixel and its right and lower neighbours is the maximum of k x k pixels. Beyond the lower
and right edge the KPU sees byte 0; what a pooling pads with above and to the left, the host has to add. Both must be
the least number there is: so that is made 0 before, and what it was behind.
"""

import math

import numpy as np

from ...dialects import kpu, nn
from ...dialects.mlir import ir
from ...dialects.ranges import Range, value_range
from ...dialects.tensors import static_shape
from ...runtime.cycles import DEQUANTIZE, DOWNLOAD, QUANTIZE, UPLOAD, WINDOW
from ...runtime.kpu.cost import LayerWork
from ..rewriter import NO_MATCH, Match, Rewriter, pattern, producer
from . import build
from .rules import is_map


@pattern(nn.MaxPool)
def maximum_of_windows(op: nn.MaxPool, rewriter: Rewriter) -> Match:
    """max_pool(layer(x)) of square windows: maxima over neighbours, and a slice that takes every stride-th"""
    span = value_range(op.input)
    if producer(op.input, kpu.Layer) is None or span is None or not is_map(op.input) or len(set(op.kernel)) != 1:
        return NO_MATCH
    size, begins, outputs = op.kernel[0], op.padding[:2], static_shape(op.output)[2:]
    if size < 2 or set(op.dilations) != {1}:
        return NO_MATCH
    if cycles_there(op) > cycles_here(op):
        return NO_MATCH
    low = min(span.low, 0.0)
    value = op.input if low == 0 else raised(op.input, -low, Range(0.0, span.high - low))
    value = build.padded(value, begins, (0, 0)) if any(begins) else value
    eye = build.identity(static_shape(op.input)[1])
    for _ in range(size - 1):
        value = build.copy(value, eye, pool="max2s1")
    if low != 0:
        value = raised(value, low, value_range(op.output) or span)
    if outputs != static_shape(value)[2:] or tuple(op.strides) != (1, 1):
        value = build.sliced(value, (0, 0), outputs, op.strides, value_range(op.output))
    return rewriter.replace(op, value)


def raised(value: ir.Value, number: float, span: Range) -> ir.Value:
    """x + number"""
    channels = static_shape(value)[1]
    weight = build.identity(channels, (0, 0))[range(channels), range(channels)][:, None]
    return build.layer([value], weight, np.full(channels, number), span, depthwise=True)


def cycles_there(op: nn.MaxPool) -> float:
    """What the chain of layers costs on the KPU, with the way over the host where that pads."""
    _, channels, height, width = static_shape(op.input)
    top, left = op.padding[:2]
    shape = (1, channels, height + top, width + left)
    layers = (op.kernel[0] - 1) * LayerWork(shape, channels, 1, pool="max2s1").cost.cycles
    layers += 2 * LayerWork(shape, channels, 3, depthwise=True).cost.cycles
    way = 2 * (math.prod(shape) * DOWNLOAD + math.prod(shape) * UPLOAD).cycles if top or left else 0.0
    return layers + way


def cycles_here(op: nn.MaxPool) -> float:
    """What the host needs, with the way there and back."""
    given, made = (math.prod(static_shape(value)) for value in (op.input, op.output))
    windows = (made * math.prod(op.kernel)) * WINDOW + given * DOWNLOAD + given * DEQUANTIZE
    return (windows + made * QUANTIZE + made * UPLOAD).cycles
