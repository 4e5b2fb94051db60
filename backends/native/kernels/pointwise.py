"""Kernels that compute every element of their results by itself: chains of element-wise operations and moves."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace

from ....dialects.mlir import ir
from ....dialects.tensors import static_shape
from ..buffer import BYTES, Buffer
from ..evaluation import VIEWS, Evaluation, NotSideBySide, Point
from ..group import Group
from ..halo import fill_row
from ..kernel import Kernel, flatten
from ..target import TargetSpec
from ..text import Index

CHUNK = 4096
"""Elements that a task computes at least, where there are so many."""


def lower_pointwise(group: Group, buffers: Mapping[ir.Value, Buffer], spec: TargetSpec) -> list[Kernel]:
    """One kernel: vectors along the innermost axis of the result where its operands have neighbours there as well."""
    flat = _flattened(group, buffers)
    lanes = spec.lanes(max(BYTES[buffers[value].element] for value in [*group.results, *_read(group, buffers)]))
    try:
        return [_write(group, flat or buffers, lanes, lanes)]
    except NotSideBySide:
        return [_write(group, buffers, 1, lanes)]


def _read(group: Group, buffers: Mapping[ir.Value, Buffer]) -> list[ir.Value]:
    return [value for value in group.inputs if value in buffers]


def _flattened(group: Group, buffers: Mapping[ir.Value, Buffer]) -> dict[ir.Value, Buffer] | None:
    """The buffers as rows of elements, if all lie alike without anything unused; None if they do not."""
    shape = static_shape(group.results[0])
    values = [value for value in [*group.inputs, *group.inside] if flatten(static_shape(value)) != 1]
    if any(static_shape(value) != shape for value in values) or any(type(op) in VIEWS for op in group.operations):
        return None
    placed = {value: buffers[value] for value in [*group.inputs, *group.results] if value in buffers}
    if not all(buffer.is_plain for buffer in placed.values()):
        return None
    return {value: Buffer.plain(buffer.element, (flatten(buffer.shape),)) for value, buffer in placed.items()}


def _write(group: Group, buffers: Mapping[ir.Value, Buffer], lanes: int, filled: int) -> Kernel:
    kernel = Kernel("pointwise")
    text = kernel.text
    result = buffers[group.results[0]]
    sizes = [result.shape[axis] for axis in result.order]
    image = result.surrounded
    depth = 2 if image else _tasks_depth(sizes)
    if len(sizes) == 1 and sizes[0] > 2 * CHUNK:
        chunk = CHUNK
        kernel.tasks = -(-sizes[0] // chunk)
        with text.loop("%lo", "%hi") as task:
            start = text.mul(task, chunk)
            end = text.minimum(text.add(start, chunk), sizes[0])
            whole = text.mul(text.div(end, lanes), lanes)
            with text.loop(start, whole, lanes) as i:
                _store(kernel, group, buffers, (i,), lanes, 0)
            with text.loop(whole, end) as i:
                _store(kernel, group, buffers, (i,), 1, 0)
        return kernel
    kernel.tasks = flatten(sizes[:depth])
    with text.loop("%lo", "%hi") as task:
        outer: list[Index] = []
        for k in range(depth):
            outer.append(
                text.rem(text.div(task, flatten(sizes[k + 1 : depth])), sizes[k])
                if k
                else text.div(task, flatten(sizes[1:depth]))
            )
        _loops(kernel, group, buffers, outer, sizes, lanes)
        if image:
            name = kernel.operand(group.results[0], result, written=True)
            fill_row(text, name, result, outer[0], outer[1], filled)
    return kernel


def _tasks_depth(sizes: list[int]) -> int:
    """How many of the outer axes make tasks: as few as leave enough of them, none that would leave too little to do."""
    depth = 0
    while depth < len(sizes) - 1 and flatten(sizes[:depth]) < 64 and flatten(sizes[depth:]) > CHUNK:
        depth += 1
    return depth


def _loops(
    kernel: Kernel, group: Group, buffers: Mapping[ir.Value, Buffer], outer: list[Index], sizes: list[int], lanes: int
) -> None:
    """Loops over the axes that are not decided yet; the innermost one in vectors, the rest of it in single elements."""
    text, result = kernel.text, buffers[group.results[0]]
    with ExitStack() as stack:
        indices = [*outer, *(stack.enter_context(text.loop(0, size)) for size in sizes[len(outer) : -1])]
        if not sizes or len(outer) == len(sizes):
            _store(kernel, group, buffers, _logical(result, indices), 1, -1)
            return
        axis, size = result.inner, sizes[-1]
        padded = result.extents[axis] - result.before[axis] >= -(-size // lanes) * lanes and result.order[-1] == 1
        whole = -(-size // lanes) * lanes if padded else size // lanes * lanes
        if whole:
            with text.loop(0, whole, lanes) as i:
                _store(kernel, group, buffers, _logical(result, [*indices, i]), lanes, axis)
        if whole < size:
            with text.loop(whole, size) as i:
                _store(kernel, group, buffers, _logical(result, [*indices, i]), 1, axis)


def _logical(buffer: Buffer, physical: list[Index]) -> tuple[Index, ...]:
    """Indices by axis, from those in the order of memory."""
    return tuple(physical[buffer.order.index(axis)] for axis in range(len(buffer.order)))


def _store(
    kernel: Kernel,
    group: Group,
    buffers: Mapping[ir.Value, Buffer],
    indices: tuple[Index, ...],
    lanes: int,
    axis: int,
) -> None:
    evaluation = Evaluation(kernel, group, buffers)
    for value in group.results:
        evaluation.store(value, replace(Point(indices), lanes=lanes, axis=axis))
