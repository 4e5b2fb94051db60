"""What the host computes between layers, so that little of it is real numbers at one time.

A map is four times as large in real numbers as in bytes. A mean over a map is taken of the means that the KPU makes
of small squares; what scales a map, or adds to it, is done for a portion of the channels after the other.
"""

import math
from typing import Any

from ...dialects import kpu, nn
from ...dialects.mlir import ir
from ...dialects.ranges import set_range, value_range
from ...dialects.tensors import is_static, static_shape
from ...runtime.cycles import DEPTHWISE_LAYER, ELEMENTWISE
from ...runtime.kpu.cost import LayerWork
from ..rewriter import NO_MATCH, Match, Pattern, Rewriter, pattern, producer, users
from . import build
from .join import is_of_layers
from .rules import LEAST, is_map

SQUARES = 64
"""Means of squares that a mean is taken of, at least: each is rounded to a byte."""
PORTION = 1 << 17
"""Bytes of a portion in real numbers, at most."""
MOST = 32
"""Portions of a map, at most."""
WHOLE = 1 << 18
"""Bytes of the smallest map that is not computed at once."""


@pattern(nn.Reduce)
def mean_of_means(op: nn.Reduce, rewriter: Rewriter) -> Match:
    """the mean over a layer's map == the mean over the means of its squares, which the KPU makes"""
    value = op.input
    if op.kind != "mean" or not is_map(value) or not is_of_layers(value) or is_pooled(value):
        return NO_MATCH
    window = square_of(static_shape(value)) if sorted(axis % 4 for axis in op.axes) == [2, 3] else None
    if window is None:
        return NO_MATCH
    if producer(value, nn.Concat) is not None:
        value = build.copy(value, build.one_tap(static_shape(value)[1], (0, 0)), depthwise=True)
    return rewriter.replace(op, op.rebuild(build.pooled(value, f"mean{window}s{window}")).output)


def is_pooled(value: ir.Value) -> bool:
    """Whether a value holds means already."""
    joined, layer = producer(value, nn.Concat), producer(value, kpu.Layer)
    return any(map(is_pooled, joined.inputs)) if joined is not None else layer is not None and layer.pool != "none"


def square_of(shape: tuple[int, ...]) -> int | None:
    """Rows of the squares, the largest that leave enough of them; None where the host had better add all pixels."""
    _, channels, height, width = shape
    for window in (4, 2):
        rows, columns = height // window, width // window
        if height % window or width % window or min(rows, columns) < LEAST or rows * columns < SQUARES:
            continue
        block = build.pooled_together(channels)
        blocks = -(-channels // block)
        layer = LayerWork((1, block, height, width), block, 1, pool=f"mean{window}s{window}").cost.cycles
        there = blocks * (layer + DEPTHWISE_LAYER.cycles)
        if there < (channels * (height * width - rows * columns) * ELEMENTWISE).cycles:
            return window
    return None


@pattern(nn.BinaryOp)
def binary_in_portions(op: nn.BinaryOp, rewriter: Rewriter) -> Match:
    """what the host computes of large maps for layers: for some of the channels after the other"""
    return _in_portions(op, rewriter)


@pattern(nn.ElementwiseOp)
def elementwise_in_portions(op: nn.ElementwiseOp, rewriter: Rewriter) -> Match:
    """the same for functions of one map"""
    return _in_portions(op, rewriter)


def _in_portions(op: Any, rewriter: Rewriter) -> Match:
    value = op.output
    if not is_map(value) or 4 * math.prod(static_shape(value)) < WHOLE:
        return NO_MATCH
    wanting = users(value)
    if not wanting or not all(isinstance(user, kpu.Layer) and not user.depthwise for user in wanting):
        return NO_MATCH
    if not is_divisible(value, static_shape(value)):
        return NO_MATCH
    channels = static_shape(value)[1]
    count = min(MOST, -(-4 * math.prod(static_shape(value)) // PORTION))
    size = -(-channels // count // 4) * 4
    parts = []
    for first in range(0, channels, size):
        parts.append(portion(value, range(first, min(first + size, channels)), {}))
        set_range(parts[-1], value_range(value))
    return rewriter.replace(op, build.joined(parts, value_range(value)))


def is_divisible(value: ir.Value, shape: tuple[int, ...]) -> bool:
    """Whether channels of a value can be computed alone, from channels of what layers made."""
    if is_small(value) or is_of_layers(value):
        return True
    op: Any = value.owner.opview if isinstance(value, ir.OpResult) else None
    if not isinstance(op, nn.BinaryOp | nn.ElementwiseOp) or not is_static(value) or static_shape(value) != shape:
        return False
    return all(is_divisible(operand, shape) for operand in op.operation.operands)


def is_small(value: ir.Value) -> bool:
    """Whether a value is a number, or one a channel."""
    shape = static_shape(value) if is_static(value) else (0, 0)
    return math.prod(shape) == 1 or (len(shape) == 4 and math.prod(shape) == shape[1])


def portion(value: ir.Value, channels: range, known: dict[ir.Value, ir.Value]) -> ir.Value:
    """Some channels of a value, computed of the same channels of what it is made of."""
    if value not in known:
        if math.prod(static_shape(value)) == 1:
            known[value] = value
        elif is_small(value) or is_of_layers(value):
            known[value] = build.selected(value, channels)
        else:
            op: Any = value.owner.opview
            known[value] = op.rebuild(*(portion(one, channels, known) for one in op.operation.operands)).output
    return known[value]


PORTIONS: tuple[Pattern[Any], ...] = (mean_of_means, binary_in_portions, elementwise_in_portions)
