"""Express everything through the few functions of lists of nodes (kmodel version 4), as old firmware has them.

On entry: basic `nn` (`nn-decompose-basic`, `nn-decompose-softmax`), constants folded. On exit: no square root but the
reciprocal one; what is cut out of a tensor is a padding by less than nothing, every second element of an axis a window
of one element, and elements that are picked or repeated by constant indices are joined or broadcast parts. Nothing but
float rounding differs.
"""

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ...dialects import nn
from ...dialects.mlir import ir
from ...dialects.tensors import dtype_of, shape_of, static_shape
from ..pipeline import register_pass
from ..rewriter import NO_MATCH, Match, Pattern, Rewriter, pattern, rewrite_module
from .scalars import plus, scalar, times

PARTS = 16
"""Into how many parts a tensor may be cut to put its elements into another order."""


@pattern(nn.Sqrt)
def sqrt(op: nn.Sqrt, rewriter: Rewriter) -> Match:
    """1 / rsqrt(x), which is 0 for 0"""
    return rewriter.replace(op, nn.Div(scalar(1, op.input), nn.Rsqrt(op.input).output).output)


@pattern(nn.Tanh)
def tanh(op: nn.Tanh, rewriter: Rewriter) -> Match:
    """1 - 2 / (1 + e^2x)"""
    power = plus(nn.Exp(times(op.input, 2.0)).output, 1.0)
    part = nn.Div(scalar(2, op.input), power).output
    return rewriter.replace(op, nn.Sub(scalar(1, op.input), part).output)


@pattern(nn.Split)
def split(op: nn.Split, rewriter: Rewriter) -> Match:
    """A slice for each part."""
    parts, start = [], 0
    for size in op.sizes:
        parts.append(_part(op.input, op.axis, start, size))
        start += size
    return rewriter.replace(op, *parts)


def _part(value: ir.Value, axis: int, start: int, size: int) -> ir.Value:
    return nn.Slice(value, starts=(start,), ends=(start + size,), axes=(axis,), steps=(1,)).output


@pattern(nn.Slice)
def slice_(op: nn.Slice, rewriter: Rewriter) -> Match:
    """A padding by less than nothing, and for each axis with a step a window of one element that moves by it"""
    shape = static_shape(op.input)
    taken = [range(size) for size in shape]
    for start, end, axis, step in zip(op.starts, op.ends, op.axes, op.steps, strict=True):
        taken[axis] = range(shape[axis])[start:end:step]
    if not all(taken) or any(part.step < 0 for part in taken):
        return NO_MATCH
    begins = [-part[0] for part in taken]
    ends = [part[-1] + 1 - size for part, size in zip(taken, shape, strict=True)]
    value = op.input
    if any(begins) or any(ends):
        value = nn.Pad(value, padding=(*begins, *ends), mode="constant", value=0.0).output
    steps = {axis: part.step for axis, part in enumerate(taken) if part.step > 1 and len(part) > 1}
    if steps and dtype_of(value) == np.uint8:
        return rewriter.replace(op, _as_bytes(_strided(_as_numbers(value), steps)))
    if steps and dtype_of(value) != np.float32:
        return NO_MATCH
    return rewriter.replace(op, _strided(value, steps))


def _strided(value: ir.Value, steps: dict[int, int]) -> ir.Value:
    """Every so many elements of some axes, the first and the last among them; of the last two axes at once."""
    rank = len(static_shape(value))
    for axis in steps:
        shape = static_shape(value)
        if axis == rank - 1 and rank - 2 in steps:
            continue
        columns = steps.get(rank - 1, 1) if axis == rank - 2 else 1
        image = (1, math.prod(shape[:axis]), shape[axis], math.prod(shape[axis + 1 :]))
        made = nn.MaxPool(
            nn.Reshape(value, shape=image).output,
            kernel=(1, 1),
            strides=(steps[axis], columns),
            dilations=(1, 1),
            padding=(0, 0, 0, 0),
            ceil_mode=False,
        ).output
        height, width = static_shape(made)[2:]
        behind = (width,) if axis == rank - 2 else shape[axis + 1 :]
        value = nn.Reshape(made, shape=(*shape[:axis], height, *behind)).output
    return value


def _as_numbers(value: ir.Value) -> ir.Value:
    """Bytes as the same real numbers."""
    type_ = nn.quantized_tensor_type(shape_of(value), [1.0], [0], -1, np.uint8)
    return nn.Dequantize(nn.StorageCast(value, results=[type_]).output).output


def _as_bytes(value: ir.Value) -> ir.Value:
    type_ = nn.quantized_tensor_type(shape_of(value), [1.0], [0], -1, np.uint8)
    return nn.StorageCast(nn.Quantize(value, results=[type_]).output).output


@pattern(nn.Gather, benefit=2)
def repetition(op: nn.Gather, rewriter: Rewriter) -> Match:
    """Indices 0, 0, 1, 1, ...: an axis of one element behind, broadcast"""
    indices, shape = nn.constant_value(op.indices), static_shape(op.input)
    axis = op.axis % len(shape)
    if indices is None or indices.ndim != 1 or op.batch_dims or indices.size % shape[axis]:
        return NO_MATCH
    count = indices.size // shape[axis]
    if count < 2 or not np.array_equal(indices, np.repeat(np.arange(shape[axis]), count)):
        return NO_MATCH
    outer, inner = math.prod(shape[: axis + 1]), math.prod(shape[axis + 1 :])
    wide = nn.Expand(nn.Reshape(op.input, shape=(outer, 1, inner)).output, shape=(outer, count, inner))
    return rewriter.replace(op, nn.Reshape(wide.output, shape=static_shape(op.output)).output)


@pattern(nn.Gather)
def pieces(op: nn.Gather, rewriter: Rewriter) -> Match:
    """Constant indices that go up by one, but for a few places: slices, joined"""
    indices, shape = nn.constant_value(op.indices), static_shape(op.input)
    if indices is None or indices.ndim > 1 or indices.size == 0 or op.batch_dims:
        return NO_MATCH
    axis = op.axis % len(shape)
    indices = indices.reshape(-1)
    places = np.where(indices < 0, indices + shape[axis], indices)
    runs = np.split(places, np.flatnonzero(np.diff(places) != 1) + 1)
    if len(runs) > PARTS:
        return NO_MATCH
    parts = [_part(op.input, axis, int(run[0]), run.size) for run in runs]
    return rewriter.replace(op, nn.Reshape(nn.concat(parts, axis), shape=static_shape(op.output)).output)


@pattern(nn.Resize)
def resize_by_matrices(op: nn.Resize, rewriter: Rewriter) -> Match:
    """Interpolation along an axis is a product with a matrix, which holds what was made of its unit vectors.

    Bytes are rounded as firmware quantises: halves away from zero, or to even.
    """
    shape, dtype = static_shape(op.input), dtype_of(op.input)
    if op.mode not in ("linear", "cubic") or op.coordinate == "tf_crop_and_resize":
        return NO_MATCH
    if dtype not in (np.float32, np.uint8):
        return NO_MATCH
    value = op.input if dtype == np.float32 else _as_numbers(op.input)
    for axis, (size, extent) in enumerate(zip(op.sizes, shape, strict=True)):
        if size == extent and op.scales[axis] == 1.0:
            continue
        line = nn.Constant(value=np.eye(extent, dtype=np.float32)).output
        scales = (1.0, op.scales[axis])
        matrix = op.rebuild(line, sizes=(extent, size), scales=scales).evaluate(np.eye(extent, dtype=np.float32))
        order = [other for other in range(len(shape)) if other != axis] + [axis]
        moved = nn.Transpose(value, permutation=tuple(order)).output
        made = nn.Matmul(moved, nn.Constant(value=np.asarray(matrix, np.float32)).output).output
        value = nn.Transpose(made, permutation=tuple(np.argsort(order).tolist())).output
    return rewriter.replace(op, value if dtype == np.float32 else _as_bytes(value))


PATTERNS: tuple[Pattern[Any], ...] = (sqrt, tanh, split, slice_, repetition, pieces, resize_by_matrices)


@register_pass
@dataclass(frozen=True)
class DecomposeNodes:
    """Express slices, gathers and what firmware for kmodel version 4 lacks through what it has."""

    name: ClassVar[str] = "nn-decompose-nodes"

    def apply(self, module: ir.Module) -> None:
        rewrite_module(module, PATTERNS)
