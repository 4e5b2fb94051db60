"""Kernels of operations that put tensors together or surround them: each part of the result is computed by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
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
        regions.append(
            Region(group.results, origin, part, {op.output: _shifted(operand, axis, start)}, frozenset([axis]))
        )
        start += part[axis]
    return lower_regions(group, buffers, spec, regions)


def _shifted(operand: ir.Value, axis: int, start: int) -> Computation:
    """An operand that begins at `start` along an axis of the result."""

    def compute(evaluation: Evaluation, value: ir.Value, point: Point) -> str:
        indices, place = list(point.indices), evaluation.axis(axis) if start else 0
        indices[place] = evaluation.text.sub(indices[place], start)
        return evaluation.at(operand, point.moved(indices))

    return compute


Place = Callable[[Text, Index], Index]
"""From an index in a padded tensor to that of the element that lies there."""


@lowers(nn.Pad)
def lower_pad(group: Group, buffers: Mapping[ir.Value, Buffer], spec: TargetSpec) -> list[Kernel]:
    """One kernel: a region that is the operand, and those around it."""
    op, shape = group.anchor, static_shape(group.anchor.output)
    apart = frozenset(axis for axis, amounts in enumerate(_amounts(op)) if amounts != (0, 0))
    parts = _constant_parts(op, apart) if op.mode == "constant" else _mapped_parts(op, apart)
    regions = []
    for where, compute in parts:
        origin = tuple(where[axis][0] if axis in where else 0 for axis in range(len(shape)))
        size = tuple(where[axis][1] if axis in where else dim for axis, dim in enumerate(shape))
        regions.append(Region(group.results, origin, size, {op.output: compute}, apart))
    return lower_regions(group, buffers, spec, regions)


Where = dict[int, tuple[int, int]]
"""By axis, from which element on and how many; all of the other axes."""


def _amounts(op: nn.Pad) -> list[tuple[int, int]]:
    """By axis, how many elements are added before and behind; negative ones are cropped."""
    rank = len(static_shape(op.output))
    return list(zip(op.padding[:rank], op.padding[rank:], strict=True))


def _constant_parts(op: nn.Pad, padded: frozenset[int]) -> Iterator[tuple[Where, Computation]]:
    """What lies before and behind along each axis, less what earlier axes have; then the operand."""
    where: Where = {}
    for axis in sorted(padded):
        size, (before, behind) = static_shape(op.output)[axis], _amounts(op)[axis]
        for start, count in ((0, max(before, 0)), (size - max(behind, 0), max(behind, 0))):
            if count:
                yield {**where, axis: (start, count)}, _filled
        where[axis] = max(before, 0), size - max(before, 0) - max(behind, 0)
    yield where, _placed(op, {axis: Section(*where[axis], _minus(_amounts(op)[axis][0]), True) for axis in padded})


def _mapped_parts(op: nn.Pad, padded: frozenset[int]) -> Iterator[tuple[Where, Computation]]:
    """Every combination of what lies before, in and behind the operand along each axis."""
    for chosen in product(*(_sections(op, axis) for axis in sorted(padded))):
        sections = dict(zip(sorted(padded), chosen, strict=True))
        where = {axis: (section.start, section.count) for axis, section in sections.items()}
        yield where, _placed(op, sections)


def _filled(evaluation: Evaluation, value: ir.Value, point: Point) -> str:
    number = value.owner.opview.evaluator_arguments["value"]
    dtype = dtype_of(value)
    return Arithmetic.of(Scalars(evaluation.text, point.lanes), dtype).number(dtype.type(number).item())


@dataclass(frozen=True)
class Section:
    """Along an axis: from which element of the result on, how many, which of the operand each one is, and whether
    neighbours are neighbours there."""

    start: int
    count: int
    place: Place
    neighbours: bool


def _sections(op: nn.Pad, axis: int) -> list[Section]:
    """What lies before the operand along an axis, it, and what lies behind."""
    first, last = _amounts(op)[axis]
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
    sections = [
        Section(0, before, low, False),
        Section(before, count, _minus(first), True),
        Section(end, behind, high, False),
    ]
    return [section for section in sections if section.count]


def _minus(amount: int) -> Place:
    return lambda text, index: text.sub(index, amount) if amount >= 0 else text.add(index, -amount)


def _from(place: int) -> Place:
    return lambda text, index: text.sub(place, index)


def _at(place: int) -> Place:
    return lambda text, index: place


def _around(ahead: int, count: int, crop: int) -> Place:
    return lambda text, index: text.add(text.rem(text.add(index, ahead), count), crop)


def _placed(op: nn.Pad, sections: dict[int, Section]) -> Computation:
    """The operand's element that each index is mapped to."""

    def compute(evaluation: Evaluation, value: ir.Value, point: Point) -> str:
        indices = list(point.indices)
        for number, section in sections.items():
            axis = evaluation.axis(number)
            if axis == lane_axis(point) and (not section.neighbours or (point.beyond and op.padding[number] < 0)):
                raise NotSideBySide
            indices[axis] = section.place(evaluation.text, indices[axis])
        return evaluation.at(op.input, point.moved(indices))

    return compute
