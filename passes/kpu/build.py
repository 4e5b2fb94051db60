"""Makes layers and what stands around them, with the ranges that their values take."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...dialects import kpu, nn
from ...dialects.mlir import ir
from ...dialects.ods import MEMBERS
from ...dialects.ranges import Range, value_range
from ...dialects.ranges import set_range as set_range
from ...dialects.tensors import Array, static_shape

COPY = "kpu.copy"
"""Marks layers whose result holds numbers of their input only: they keep its quantisation."""
BLOCK = 32
"""Channels that are computed together where a layer's weights are zeros but for one or two a channel."""
AT_ONCE = 128
"""Channels up to which such weights are so few that blocks save too little: stripes do not go through blocks."""


def layer(
    inputs: Sequence[ir.Value],
    weight: Array,
    bias: Array | None,
    span: Range | None,
    *,
    depthwise: bool = False,
    pool: str = "none",
    activation: Array | None = None,
) -> ir.Value:
    """A layer; `span` is the range of its result."""
    bias = np.zeros(weight.shape[0]) if bias is None else bias
    made = kpu.Layer(
        list(inputs),
        nn.Constant(value=np.ascontiguousarray(weight, np.float32)).output,
        nn.Constant(value=np.ascontiguousarray(bias, np.float32)).output,
        depthwise=depthwise,
        pool=pool,
        activation=activation,
    ).output
    set_range(made, span)
    return made


def again(
    op: kpu.Layer, span: Range | None, *, inputs: Sequence[ir.Value] | None = None, weight: Array | None = None,
    **changes: Any,
) -> ir.Value:  # fmt: skip
    """The same layer with other inputs, weights or attributes, its result in `span`; a copy stays one."""
    kernel = op.weight if weight is None else nn.Constant(value=np.ascontiguousarray(weight, np.float32)).output
    made = op.rebuild(list(op.inputs if inputs is None else inputs), kernel, op.bias, **changes).output
    set_range(made, span)
    if COPY in op.attributes and "activation" not in changes:
        made.owner.attributes[COPY] = ir.UnitAttr.get()
    return made


def copy(value: ir.Value, weight: Array, *, depthwise: bool = False, pool: str = "none") -> ir.Value:
    """A layer that only moves or picks numbers."""
    made = layer([value], weight, None, value_range(value), depthwise=depthwise, pool=pool)
    made.owner.attributes[COPY] = ir.UnitAttr.get()
    return made


def pooled(value: ir.Value, pool: str, tap: tuple[int, int] | None = None) -> ir.Value:
    """A map that layers pool which do nothing else but read the pixel `tap` away: blocks of many channels."""
    channels, parts = static_shape(value)[1], []
    size = pooled_together(channels)
    for first in range(0, channels, size):
        block = selected(value, range(first, min(first + size, channels)))
        parts.append(copy(block, identity(static_shape(block)[1], tap), pool=pool))
    return joined(parts, value_range(value))


def pooled_together(channels: int) -> int:
    """How many channels one layer pools."""
    return channels if channels <= AT_ONCE else BLOCK


def identity(channels: int, tap: tuple[int, int] | None = None) -> Array:
    """Weights that copy every channel, from the pixel `tap` (rows down, columns to the right) away."""
    if tap is None:
        return np.eye(channels)[:, :, None, None]
    weight = np.zeros((channels, channels, 3, 3))
    weight[np.arange(channels), np.arange(channels), 1 + tap[0], 1 + tap[1]] = 1
    return weight


def shifted(value: ir.Value, rows: int, columns: int) -> ir.Value:
    """x[i + rows, j + columns], zero where that lies outside."""
    while rows or columns:
        step = int(np.sign(rows)), int(np.sign(columns))
        value = copy(value, one_tap(static_shape(value)[1], step), depthwise=True)
        rows, columns = rows - step[0], columns - step[1]
    return value


def one_tap(channels: int, tap: tuple[int, int]) -> Array:
    """Weights of a depthwise layer that copies every channel, from the pixel `tap` away."""
    weight = np.zeros((channels, 1, 3, 3))
    weight[:, 0, 1 + tap[0], 1 + tap[1]] = 1
    return weight


def spread(value: ir.Value, shifts: Sequence[tuple[int, int]]) -> ir.Value:
    """A map's shifts (rows, columns), one behind the other: x[i + rows, j + columns], zero where that lies outside."""
    channels = static_shape(value)[1]
    left = np.array(shifts)
    value = copy(value, np.concatenate([identity(channels, tuple(step)) for step in np.sign(left)]))
    while (left := left - np.sign(left)).any():
        taps = [one_tap(channels, tuple(step)) for step in np.sign(left)]
        value = copy(value, np.concatenate(taps), depthwise=True)
    return value


def sliced(
    value: ir.Value, starts: Sequence[int], sizes: Sequence[int], steps: Sequence[int], span: Range | None = None
) -> ir.Value:
    """Rows and columns of a map: `sizes` of them from `starts`, every `steps`-th."""
    ends = [start + (size - 1) * step + 1 for start, size, step in zip(starts, sizes, steps, strict=True)]
    made = nn.Slice(value, starts=tuple(starts), ends=tuple(ends), axes=(2, 3), steps=tuple(steps)).output
    set_range(made, span or value_range(value))
    return made


def selected(value: ir.Value, channels: range) -> ir.Value:
    """Some channels of a map, or all of them."""
    if len(channels) == static_shape(value)[1]:
        return value
    made = nn.Slice(value, starts=(channels.start,), ends=(channels.stop,), axes=(1,), steps=(1,)).output
    set_range(made, value_range(value))
    return made


def joined(values: Sequence[ir.Value], span: Range | None, axis: int = 1) -> ir.Value:
    """Maps one behind the other, by their channels or another axis; if there are many, in several operations."""
    while len(values) > 1:
        groups = [list(values[at : at + MEMBERS]) for at in range(0, len(values), MEMBERS)]
        values = [nn.Concat(group, axis=axis).output if len(group) > 1 else group[0] for group in groups]
        for value, group in zip(values, groups, strict=True):
            set_range(value, span if len(group) > 1 else value_range(value))
    return values[0]


def padded(value: ir.Value, begins: Sequence[int], ends: Sequence[int]) -> ir.Value:
    """A map with zeros around it."""
    padding = (0, 0, *begins, 0, 0, *ends)
    made = nn.Pad(value, padding=padding, mode="constant", value=0.0).output
    span = value_range(value)
    set_range(made, None if span is None else Range(min(span.low, 0.0), max(span.high, 0.0)))
    return made
