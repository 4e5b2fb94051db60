"""Bring slices of maps to where they cost least: into the pooling of a layer, or behind layers that do not mind.

The KPU computes at every pixel. A slice that takes every second one is a pooling form if the layer before it can pool;
depthwise layers cannot, so the slice goes on behind the next 1x1 layer, or a layer that copies is put in. What
arrives at the host's side is taken there, from bytes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...dialects import kpu, nn
from ...dialects.mlir import ir
from ...dialects.ranges import set_range, value_range
from ...dialects.tensors import shape_of, static_shape
from ..nn.canonicalize import pad_nothing, slice_of_everything
from ..nn.fuse_convolutions import channel_constant
from ..rewriter import NO_MATCH, Match, Pattern, Rewriter, has_one_use, pattern, producer, users
from . import build
from .activation import POINTWISE
from .join import is_of_layers
from .rules import LEAST


@dataclass(frozen=True)
class Window:
    """What a slice takes of a map's rows and columns, as pairs."""

    starts: tuple[int, ...]
    sizes: tuple[int, ...]
    steps: tuple[int, ...]

    @classmethod
    def of(cls, op: nn.Slice) -> "Window | None":
        """None for slices along other axes, or backwards."""
        rank = len(static_shape(op.input))
        places = {axis % rank: number for number, axis in enumerate(op.axes)}
        if rank != 4 or not set(places) <= {2, 3}:
            return None
        starts, steps = [], []
        for axis in (2, 3):
            number = places.get(axis)
            size = static_shape(op.input)[axis]
            start, step = (0, 1) if number is None else (op.starts[number], op.steps[number])
            starts.append(min(start + size if start < 0 else start, size))
            steps.append(step)
        if min(steps) < 1:
            return None
        return cls(tuple(starts), static_shape(op.output)[2:], tuple(steps))

    @property
    def lasts(self) -> tuple[int, ...]:
        """The last row and column that are taken."""
        places = zip(self.starts, self.sizes, self.steps, strict=True)
        return tuple(start + (size - 1) * step for start, size, step in places)

    def of_window(self, inner: "Window") -> "Window":
        """The window that takes this one of what `inner` takes."""
        starts = [a + b * c for a, b, c in zip(inner.starts, self.starts, inner.steps, strict=True)]
        steps = [a * b for a, b in zip(inner.steps, self.steps, strict=True)]
        return Window(tuple(starts), self.sizes, tuple(steps))

    def take(self, value: ir.Value, span: Any) -> ir.Value:
        """The slice of a map."""
        return build.sliced(value, self.starts, self.sizes, self.steps, span)


def window_behind(value: ir.Value) -> tuple[ir.Value, Window] | None:
    """The layer's result of which a value is a window."""
    op = producer(value, nn.Slice)
    window = None if op is None else Window.of(op)
    if op is None or window is None or producer(op.input, kpu.Layer) is None:
        return None
    return op.input, window


@pattern(nn.Slice)
def slice_of_slice(op: nn.Slice, rewriter: Rewriter) -> Match:
    """a window of a window is one window"""
    inner = producer(op.input, nn.Slice)
    outer_window = Window.of(op)
    inner_window = None if inner is None else Window.of(inner)
    if inner is None or outer_window is None or inner_window is None:
        return NO_MATCH
    return rewriter.replace(op, outer_window.of_window(inner_window).take(inner.input, value_range(op.output)))


@pattern(nn.ElementwiseOp)
def elementwise_of_slice(op: nn.ElementwiseOp, rewriter: Rewriter) -> Match:
    """f(slice(x)) == slice(f(x)), so that f gets into the layer or the layers that x is joined of"""
    return _moved(op, op.input, [], rewriter) if isinstance(op, POINTWISE) else NO_MATCH


@pattern(nn.BinaryOp)
def scaling_of_slice(op: nn.BinaryOp, rewriter: Rewriter) -> Match:
    """slice(x) * a == slice(x * a), + a and - a likewise, for one number a"""
    number = nn.constant_value(op.rhs) if isinstance(op, nn.Add | nn.Mul | nn.Sub) else None
    fits = number is not None and number.size == 1 and shape_of(op.lhs) == shape_of(op.output)
    return _moved(op, op.lhs, [op.rhs], rewriter) if fits else NO_MATCH


@pattern(nn.Prelu)
def prelu_of_slice(op: nn.Prelu, rewriter: Rewriter) -> Match:
    """prelu(slice(x)) == slice(prelu(x)) with a slope a channel"""
    return _moved(op, op.input, [op.slope], rewriter) if channel_constant(op.slope, 4) is not None else NO_MATCH


def _moved(op: Any, value: ir.Value, others: list[ir.Value], rewriter: Rewriter) -> Match:
    """An operation on a slice, moved before it; `others` are its other operands."""
    taken = producer(value, nn.Slice)
    window = None if taken is None else Window.of(taken)
    if taken is None or window is None or not has_one_use(value):
        return NO_MATCH
    if not is_of_layers(taken.input) or (others and producer(taken.input, kpu.Layer) is None):
        return NO_MATCH
    moved = op.rebuild(taken.input, *others).output
    set_range(moved, value_range(op.output))
    return rewriter.replace(op, window.take(moved, value_range(op.output)))


@pattern(kpu.Layer, benefit=3)
def layer_of_slices(op: kpu.Layer, rewriter: Rewriter) -> Match:
    """layer(slice(x)) == slice(layer(x)) for 1x1 layers, unless a layer that decimates makes both cheaper"""
    found = [window_behind(value) for value in op.inputs]
    if op.kernel != 1 or op.pool != "none" or any(item is None for item in found):
        return NO_MATCH
    sources, windows = zip(*(item for item in found if item is not None), strict=True)
    if len(set(windows)) != 1 or len({static_shape(source)[2:] for source in sources}) != 1:
        return NO_MATCH
    inputs, outputs = (static_shape(op.weight)[i] for i in (1, 0))
    if len(sources) == 1 and decimation(sources[0], windows[0]) is not None and outputs > inputs + outputs / 4:
        return NO_MATCH
    span = value_range(op.output)
    return rewriter.replace(op, windows[0].take(build.again(op, span, inputs=sources), span))


def decimation(value: ir.Value, window: Window) -> Window | None:
    """What is to be taken of every second row and column, as a pooling form gives them; None for other windows."""
    halves = [size // 2 for size in static_shape(value)[2:]]
    rest = Window(tuple(start // 2 for start in window.starts), window.sizes, (1, 1))
    inside = all(last < half for last, half in zip(rest.lasts, halves, strict=True))
    return rest if window.steps == (2, 2) and inside and min(halves) >= LEAST else None


@pattern(nn.Slice, benefit=2)
def slice_into_pooling(op: nn.Slice, rewriter: Rewriter) -> Match:
    """every second row and column of a layer that can pool: the form of pooling that picks them"""
    found = window_behind(op.output) if decided(op) else None
    rest = None if found is None else decimation(*found)
    if found is None or rest is None:
        return NO_MATCH
    value, window = found
    layer = producer(value, kpu.Layer)
    assert layer is not None
    down, right = (start % 2 for start in window.starts)
    free = layer.pool == "none" and not layer.depthwise and has_one_use(value)
    span = value_range(op.output)
    if free and down == 0:
        made = build.again(layer, span, pool="right_top2s2" if right else "left_top2s2")
    elif free and layer.kernel == 1:
        weight = nn.constant_value(layer.weight)
        assert weight is not None
        moved = np.zeros((*weight.shape[:2], 3, 3), weight.dtype)
        moved[:, :, 1 + down, 1 + right] = weight[:, :, 0, 0]
        made = build.again(layer, span, weight=moved, pool="left_top2s2")
    else:
        tap = (down, right) if down else None
        made = build.pooled(value, "right_top2s2" if right and not down else "left_top2s2", tap)
    return rewriter.replace(op, made if made.type == op.output.type else rest.take(made, span))


@pattern(nn.Slice)
def slice_of_join(op: nn.Slice, rewriter: Rewriter) -> Match:
    """every second row and column of layers one behind the other: of each of them"""
    joined, window = producer(op.input, nn.Concat), Window.of(op)
    if joined is None or window is None or not has_one_use(op.input) or not is_of_layers(op.input):
        return NO_MATCH
    rest = decimation(op.input, window)
    if rest is None or rest.starts != (0, 0) or rest.sizes != tuple(size // 2 for size in static_shape(op.input)[2:]):
        return NO_MATCH
    span = value_range(op.output)
    return rewriter.replace(op, build.joined([window.take(part, span) for part in joined.inputs], span))


def decided(op: nn.Slice) -> bool:
    """Whether no 1x1 layer that uses a slice would rather have it behind itself."""
    for user in users(op.output):
        if isinstance(user, nn.ElementwiseOp):
            return False
        if isinstance(user, kpu.Layer) and user.kernel == 1 and user.pool == "none" and len(user.inputs) == 1:
            inputs, outputs = (static_shape(user.weight)[i] for i in (1, 0))
            if outputs <= inputs + outputs / 4:
                return False
    return True


@pattern(kpu.Layer)
def layer_inside_of_slice(op: kpu.Layer, rewriter: Rewriter) -> Match:
    """slice(layer3x3(slice(x))) == slice(layer3x3(x)), when the outer leaves out what touches the inner one's edge"""
    found = window_behind(op.inputs[0]) if len(op.inputs) == 1 else None
    if found is None or op.kernel != 3 or op.pool != "none" or found[1].steps != (1, 1):
        return NO_MATCH
    source, inner = found
    outer = _windows_of_users(op.output)
    sizes = static_shape(source)[2:]
    for window in outer:
        for axis in range(2):
            begins = inner.starts[axis] == 0 or window.starts[axis] >= 1
            whole = inner.starts[axis] + inner.sizes[axis] == sizes[axis]
            if not begins or not (whole or window.lasts[axis] <= inner.sizes[axis] - 2):
                return NO_MATCH
    if not outer:
        return NO_MATCH
    span = value_range(op.output)
    return rewriter.replace(op, inner.take(build.again(op, span, inputs=[source]), span))


def _windows_of_users(value: ir.Value) -> Sequence[Window]:
    """The windows that are taken of a value; empty when something else uses it."""
    found = [Window.of(user) if isinstance(user, nn.Slice) else None for user in users(value)]
    return [] if None in found else [window for window in found if window is not None]


@pattern(kpu.Layer)
def layer_of_repadded(op: kpu.Layer, rewriter: Rewriter) -> Match:
    """layer1x1(pad(slice(x))) == layer1x1(x) where only what was not padded is used"""
    pad = producer(op.inputs[0], nn.Pad) if len(op.inputs) == 1 else None
    found = None if pad is None else window_behind(pad.input)
    if op.kernel != 1 or pad is None or found is None:
        return NO_MATCH
    source, inner = found
    kept = inner.starts == (0, 0) and inner.steps == (1, 1) and static_shape(source) == static_shape(pad.output)
    if not kept or any(pad.padding[:4]) or not only_used_inside(op.output, inner.sizes):
        return NO_MATCH
    return rewriter.replace(op, build.again(op, value_range(op.output), inputs=[source]))


BEHIND_SLICES: tuple[Pattern[Any], ...] = (elementwise_of_slice, scaling_of_slice, prelu_of_slice)


def only_used_inside(value: ir.Value, sizes: Sequence[int]) -> bool:
    """Whether no more than the first rows and columns of a map matter, 1x1 layers passing them on."""
    found = users(value)
    for user in found:
        if isinstance(user, kpu.Layer) and user.kernel == 1 and user.pool == "none":
            if not only_used_inside(user.output, sizes):
                return False
            continue
        window = Window.of(user) if isinstance(user, nn.Slice) else None
        if window is None or any(last >= size for last, size in zip(window.lasts, sizes, strict=True)):
            return False
    return bool(found)


SINKING: tuple[Pattern[Any], ...] = (
    slice_of_slice,
    slice_of_everything,
    pad_nothing,
    layer_of_slices,
    slice_into_pooling,
    slice_of_join,
    layer_inside_of_slice,
    layer_of_repadded,
)
