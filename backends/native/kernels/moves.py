"""Kernels of operations that put tensors together or surround them: each part of the result is computed by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import product

from ....dialects import nn
from ....dialects.mlir import ir
from ....dialects.tensors import dtype_of, static_shape
from .. import computations, resampling
from ..arithmetic import Arithmetic
from ..buffer import Buffer
from ..evaluation import COMPUTATIONS, Computation, Evaluation, NotSideBySide, Point, Scalars
from ..group import Group
from ..kernel import Kernel
from ..lowerings import lowers
from ..target import TargetSpec
from ..text import Index, Text
from ..views import lane_axis
from .pointwise import Region, lower_pointwise, lower_regions

assert computations and resampling, "importing them registers what can be computed anywhere"
lowers(*COMPUTATIONS)(lower_pointwise)


@lowers(nn.Concat)
def lower_concat(group: Group, buffers: Mapping[ir.Value, Buffer], spec: TargetSpec) -> list[Kernel]:
    """One kernel, a region for each operand."""
    op, shape = group.anchor, static_shape(group.anchor.output)
    axis = op.axis % len(shape)
    regions, start = [], 0
    for operand in op.inputs:
        part = static_shape(operand)
        origin = tuple(start if one == axis else 0 for one in range(len(shape)))
        regions.append(Region(group.results, origin, part, {op.output: _shifted(operand, axis, start)}))
        start += part[axis]
    return lower_regions(group, buffers, spec, regions)


def _shifted(operand: ir.Value, axis: int, start: int) -> Computation:
    """An operand that begins at `start` along an axis of the result."""

    def compute(evaluation: Evaluation, value: ir.Value, point: Point) -> str:
        indices = list(point.indices)
        indices[axis] = evaluation.text.sub(indices[axis], start)
        return evaluation.at(operand, point.moved(indices))

    return compute


Place = Callable[[Text, Index], Index]
"""From an index in a padded tensor to that of the element that lies there."""


@lowers(nn.Pad)
def lower_pad(group: Group, buffers: Mapping[ir.Value, Buffer], spec: TargetSpec) -> list[Kernel]:
    """One kernel: a region that is the operand, and those around it."""
    op, shape = group.anchor, static_shape(group.anchor.output)
    if op.mode == "constant":
        regions = list(_constant_regions(op, shape))
    else:
        sections = [_sections(op, axis) for axis in range(len(shape))]
        regions = [
            (
                tuple(section[0] for section in chosen),
                tuple(section[1] for section in chosen),
                _placed(op, [section[2] for section in chosen], [section[3] for section in chosen]),
            )
            for chosen in product(*sections)
        ]
    return lower_regions(
        group,
        buffers,
        spec,
        [Region(group.results, origin, size, {op.output: compute}) for origin, size, compute in regions],
    )


def _constant_regions(
    op: nn.Pad, shape: tuple[int, ...]
) -> Iterator[tuple[tuple[int, ...], tuple[int, ...], Computation]]:
    """What lies before and behind along each axis, less what earlier axes have; then the operand."""
    rank = len(shape)
    origin, size = [0] * rank, list(shape)
    for axis in range(rank):
        before, behind = max(op.padding[axis], 0), max(op.padding[rank + axis], 0)
        for start, count in ((0, before), (shape[axis] - behind, behind)):
            if count:
                there, some = list(origin), list(size)
                there[axis], some[axis] = start, count
                yield tuple(there), tuple(some), _filled
        origin[axis], size[axis] = before, shape[axis] - before - behind
    moves = [_minus(op.padding[axis]) for axis in range(rank)]
    yield tuple(origin), tuple(size), _placed(op, moves, [True] * rank)


def _filled(evaluation: Evaluation, value: ir.Value, point: Point) -> str:
    number = value.owner.opview.evaluator_arguments["value"]
    dtype = dtype_of(value)
    return Arithmetic.of(Scalars(evaluation.text, point.lanes), dtype).number(dtype.type(number).item())


def _sections(op: nn.Pad, axis: int) -> list[tuple[int, int, Place, bool]]:
    """Along an axis, what lies before the operand, it, and what lies behind: (from, how many, where an element comes
    from, whether neighbours come from neighbours)."""
    rank = len(static_shape(op.output))
    first, last = op.padding[axis], op.padding[rank + axis]
    crop, count = max(-first, 0), static_shape(op.input)[axis] + min(first, 0) + min(last, 0)
    before, behind = max(first, 0), max(last, 0)
    end = before + count
    mirrored = {"reflect": (before, end + count - 2), "symmetric": (before - 1, end + count - 1)}
    if op.mode in mirrored:
        low, high = (_from(place + crop) for place in mirrored[op.mode])
    elif op.mode == "edge":
        low, high = _at(crop), _at(crop + count - 1)
    else:
        low = high = _around(-(-before // max(count, 1)) * count - before, count, crop)
    sections = [(0, before, low, False), (before, count, _minus(first), True), (end, behind, high, False)]
    return [section for section in sections if section[1]]


def _minus(amount: int) -> Place:
    return lambda text, index: text.sub(index, amount) if amount >= 0 else text.add(index, -amount)


def _from(place: int) -> Place:
    return lambda text, index: text.sub(place, index)


def _at(place: int) -> Place:
    return lambda text, index: place


def _around(ahead: int, count: int, crop: int) -> Place:
    return lambda text, index: text.add(text.rem(text.add(index, ahead), count), crop)


def _placed(op: nn.Pad, places: list[Place], neighbours: list[bool]) -> Computation:
    """The operand's element that each index is mapped to."""

    def compute(evaluation: Evaluation, value: ir.Value, point: Point) -> str:
        lanes = lane_axis(point)
        if lanes >= 0 and not (neighbours[lanes] and (op.padding[lanes] >= 0 or not point.beyond)):
            raise NotSideBySide
        indices = [place(evaluation.text, index) for place, index in zip(places, point.indices, strict=True)]
        return evaluation.at(op.input, point.moved(indices))

    return compute
