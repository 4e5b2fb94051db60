"""Counts axes as one that lie behind each other in all buffers of a group, so that loops are long."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace

from ...dialects import nn
from ...dialects.mlir import ir
from ...dialects.tensors import static_shape
from .buffer import Buffer
from .evaluation import merged_shape
from .group import Group
from .kernel import flatten

Axes = tuple[tuple[int, ...], ...]
"""Axes in their order; those of each inner tuple are counted as one."""


def outermost_units(buffer: Buffer) -> Buffer:
    """The same memory, with axes of one element counted as the outermost ones."""
    if buffer.surrounded:
        return buffer
    return replace(buffer, order=tuple(sorted(buffer.order, key=lambda axis: buffer.extents[axis] > 1)))


def mergeable_axes(
    group: Group, shape: tuple[int, ...], buffers: Mapping[ir.Value, Buffer], apart: Collection[int] = ()
) -> Axes:
    """Which axes of the results, all of this shape, can be counted as one; none of those `apart`."""
    rank = len(shape)
    widened = {value: widen(buffer, rank) for value, buffer in buffers.items()}
    values = {*group.inputs, *group.inside}
    shapes = {(1,) * (rank - len(dims)) + dims for dims in [*map(static_shape, values), *_scales(values)]}
    unused = [axis for axis in range(rank) if all(buffer.extents[axis] == 1 for buffer in widened.values())]
    merged: list[list[int]] = []
    for axis in range(rank):
        if axis in apart or (axis and axis - 1 in apart):
            merged.append([axis])
            continue
        before = [one for one in merged[-1] if one not in unused] if merged else []
        behind = bool(before) and all(_is_behind(buffer, before[-1], axis) for buffer in widened.values())
        alike = bool(before) and all((dims[axis] == shape[axis]) == (dims[before[-1]] > 1) for dims in shapes)
        if merged and (axis in unused or not before or (behind and alike)):
            merged[-1].append(axis)
        else:
            merged.append([axis])
    return tuple(map(tuple, merged))


def _scales(values: Iterable[ir.Value]) -> Iterator[tuple[int, ...]]:
    """Shapes of the scales of quantised values that have several."""
    for value in values:
        parameters = nn.quantization_parameters(value.type)
        if parameters is not None and parameters.axis >= 0:
            yield tuple(dim if axis == parameters.axis else 1 for axis, dim in enumerate(static_shape(value)))


def _is_behind(buffer: Buffer, axis: int, following: int) -> bool:
    """Whether an axis follows another one in memory without anything between; or the tensor has neither."""
    if buffer.shape[axis] == buffer.shape[following] == 1:
        return True
    place = buffer.order.index(axis)
    return buffer.order[place + 1 : place + 2] == (following,) and buffer.extents[following] == buffer.shape[following]


def widen(buffer: Buffer, rank: int) -> Buffer:
    """The buffer of the same tensor with leading axes of one element."""
    more = rank - len(buffer.shape)
    ones = (1,) * more
    order = (*range(more), *(axis + more for axis in buffer.order))
    return replace(
        buffer,
        shape=ones + buffer.shape,
        order=order,
        extents=ones + buffer.extents,
        before=(0,) * more + buffer.before,
    )


def merged_buffer(buffer: Buffer, axes: Axes) -> Buffer:
    """The buffer with axes counted as one."""
    full = widen(buffer, sum(map(len, axes)))
    extents, before, places = [], [], []
    for group in axes:
        used = [axis for axis in group if full.extents[axis] > 1] or [group[0]]
        behind = flatten([full.shape[axis] for axis in used[1:]])
        extents.append(full.extents[used[0]] * behind)
        before.append(full.before[used[0]] * behind)
        places.append(full.order.index(used[0]))
    order = tuple(sorted(range(len(axes)), key=places.__getitem__))
    return outermost_units(
        replace(full, shape=merged_shape(full.shape, axes), order=order, extents=tuple(extents), before=tuple(before))
    )
