"""Where operations that only move elements have those of their results: they are read there, and need no kernel.

Lanes that are not neighbours in the operand raise `NotSideBySide`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from ...dialects import nn
from ...dialects.mlir import ir
from ...dialects.tensors import static_shape
from .evaluation import Evaluation, NotSideBySide, Point, view
from .text import Index, Text


def lane_axis(point: Point) -> int:
    """The axis along which a point has several lanes, or -1."""
    return point.axis % len(point.indices) if point.lanes > 1 else -1


@view(nn.Transpose, strided=True)
def transpose(evaluation: Evaluation, value: ir.Value, point: Point) -> tuple[int, Point]:
    """Dimension i of the result is dimension `permutation[i]` of the operand."""
    permutation = list(value.owner.opview.permutation)
    if permutation == sorted(permutation):
        return 0, point
    indices = [point.indices[permutation.index(axis)] for axis in range(len(permutation))]
    return 0, point.moved(indices, permutation[point.axis] if permutation else -1)


@view(nn.Slice, strided=True)
def slice(evaluation: Evaluation, value: ir.Value, point: Point) -> tuple[int, Point]:
    """start + i * step"""
    op, text = value.owner.opview, evaluation.text
    indices, lanes = list(point.indices), lane_axis(point)
    for number, (start, step) in slice_places(op).items():
        axis = evaluation.axis(number)
        if axis == lanes:
            if step < 1 or (point.beyond and (start or step > 1)):
                raise NotSideBySide
            point = replace(point, stride=point.stride * step)
        indices[axis] = text.add(text.mul(indices[axis], step), start)
    return 0, point.moved(indices)


def slice_places(op: nn.Slice) -> dict[int, tuple[int, int]]:
    """By axis, the first element that a slice takes, and the step to the next."""
    shape = static_shape(op.input)
    axes = [axis % len(shape) for axis in op.axes]
    places = {}
    for axis, start, end, step in zip(axes, op.starts, op.ends, op.steps, strict=True):
        size = shape[axis]
        first = max(start, -size) if step < 0 else start
        taken = range(size)[first : None if step < 0 and end < -size else end : step]
        places[axis] = (taken.start, step) if len(taken) > 1 else (taken.start, 1)
    return places


@view(nn.Split, strided=True)
def split(evaluation: Evaluation, value: ir.Value, point: Point) -> tuple[int, Point]:
    """Behind the parts before it."""
    op = value.owner.opview
    axis = evaluation.axis(op.axis % len(static_shape(value)))
    start = sum(op.sizes[: value.result_number])
    if axis == lane_axis(point) and point.beyond and start:
        raise NotSideBySide
    indices = list(point.indices)
    indices[axis] = evaluation.text.add(indices[axis], start)
    return 0, point.moved(indices)


@view(nn.Reshape, nn.Squeeze, nn.Unsqueeze, strided=True)
def reshape(evaluation: Evaluation, value: ir.Value, point: Point) -> tuple[int, Point]:
    """The element with the same number in row-major order."""
    result, source = static_shape(value), static_shape(value.owner.operands[0])
    text, lanes = evaluation.text, lane_axis(point)
    indices: list[Index] = [0] * len(source)
    axis = -1
    for ours, theirs in runs_alike(result, source):
        if lanes in ours:
            axis = theirs[-1]
            whole_rows = lanes == ours[-1] and source[axis] % result[lanes] == 0 and not point.beyond
            if not (whole_rows or len(ours) == len(theirs) == 1):
                raise NotSideBySide
        place = flat_index(text, [point.indices[one] for one in ours], [result[one] for one in ours])
        for one, index in zip(theirs, indices_of(text, place, [source[one] for one in theirs]), strict=True):
            indices[one] = index
    return 0, point.moved(indices, axis)


def runs_alike(first: Sequence[int], second: Sequence[int]) -> list[tuple[list[int], list[int]]]:
    """The axes of two shapes of as many elements, without those of one element, in runs as short as can be that have as
    many elements in both."""
    runs: list[tuple[list[int], list[int]]] = []
    left, right = ([axis for axis, dim in enumerate(shape) if dim != 1] for shape in (first, second))
    while left or right:
        ours, theirs = left[:1], right[:1]
        del left[:1], right[:1]
        while (ratio := math.prod(first[i] for i in ours) - math.prod(second[i] for i in theirs)) != 0:
            if ratio < 0:
                ours.append(left.pop(0))
            else:
                theirs.append(right.pop(0))
        runs.append((ours, theirs))
    return runs


def flat_index(text: Text, indices: Sequence[Index], sizes: Sequence[int]) -> Index:
    """The number in row-major order of the element at some indices."""
    place: Index = 0
    for index, size in zip(indices, sizes, strict=True):
        place = text.add(text.mul(place, size), index)
    return place


def indices_of(text: Text, place: Index, sizes: Sequence[int]) -> list[Index]:
    """The indices of the element with a number in row-major order."""
    indices: list[Index] = []
    for size in reversed(sizes[1:]):
        indices.insert(0, text.rem(place, size))
        place = text.div(place, size)
    return [place, *indices] if sizes else []


@view(nn.Tile, strided=True)
def tile(evaluation: Evaluation, value: ir.Value, point: Point) -> tuple[int, Point]:
    """The place in the repeated tensor."""
    repeats, source = value.owner.opview.repeats, static_shape(value.owner.operands[0])
    lanes = lane_axis(point)
    if lanes >= 0 and repeats[lanes] != 1:
        raise NotSideBySide
    text = evaluation.text
    places = zip(point.indices, repeats, source, strict=True)
    return 0, point.moved([index if repeat == 1 else text.rem(index, size) for index, repeat, size in places])


@view(nn.DepthToSpace, strided=True)
def depth_to_space(evaluation: Evaluation, value: ir.Value, point: Point) -> tuple[int, Point]:
    """Position in the square and channel give the channel."""
    op, text = value.owner.opview, evaluation.text
    n, c, h, w = point.indices
    block, channels = op.block, static_shape(value)[1]
    position = text.add(text.mul(text.rem(h, block), block), text.rem(w, block))
    lanes = lane_axis(point)
    first = op.mode == "DCR"
    if block > 1 and (lanes in (2, 3) or (lanes == 1 and (not first or point.beyond))):
        raise NotSideBySide
    channel = text.add(text.mul(position, channels), c) if first else text.add(text.mul(c, block * block), position)
    return 0, point.moved((n, channel, text.div(h, block), text.div(w, block)))


@view(nn.SpaceToDepth, strided=True)
def space_to_depth(evaluation: Evaluation, value: ir.Value, point: Point) -> tuple[int, Point]:
    """The channel gives position in the square and channel."""
    op, text = value.owner.opview, evaluation.text
    n, c, h, w = point.indices
    block, channels = op.block, static_shape(op.input)[1]
    lanes = lane_axis(point)
    if block > 1 and lanes > 1:
        point = replace(point, stride=point.stride * block)
    elif block > 1 and lanes == 1 and (op.mode != "DCR" or point.stride > 1 or channels % point.lanes):
        raise NotSideBySide
    if op.mode == "DCR":
        position, channel = text.div(c, channels), text.rem(c, channels)
    else:
        position, channel = text.rem(c, block * block), text.div(c, block * block)
    row = text.add(text.mul(h, block), text.div(position, block))
    return 0, point.moved((n, channel, row, text.add(text.mul(w, block), text.rem(position, block))))


@view(nn.BatchToSpace, strided=True)
def batch_to_space(evaluation: Evaluation, value: ir.Value, point: Point) -> tuple[int, Point]:
    """The place in the square, cropped parts included, gives the entry of the batch."""
    op, text = value.owner.opview, evaluation.text
    batch = static_shape(value)[0]
    if lane_axis(point) >= 2 and op.block[lane_axis(point) - 2] != 1:
        raise NotSideBySide
    places = [text.add(index, op.crops[i]) for i, index in enumerate(point.indices[2:])]
    number = flat_index(text, [text.rem(place, op.block[i]) for i, place in enumerate(places)], op.block)
    entry = text.add(text.mul(number, batch), point.indices[0])
    return 0, point.moved((entry, point.indices[1], *(text.div(place, op.block[i]) for i, place in enumerate(places))))
