"""Kernels of operations with indices. Scatters copy a tensor and then change the copy, in the order of the updates.

Indices beyond what they select count as the nearest one that exists: nothing outside the result is ever written. The
reference kernels raise an error there.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace

from ....dialects import nn
from ....dialects.mlir import ir
from ....dialects.tensors import dtype_of, static_shape
from ..arithmetic import Arithmetic
from ..buffer import Buffer
from ..evaluation import Evaluation, NotSideBySide, Point, Scalars
from ..group import Group
from ..indexing import index_at
from ..kernel import Kernel, load
from ..lowerings import lowers
from ..rows import pieces
from ..rowwise import numbers_of
from ..target import TargetSpec
from .pointwise import Region, lower_pointwise, lower_regions

OPERATIONS = {"add": "add", "mul": "mul", "max": "maximum", "min": "minimum"}
"""The arithmetic of reductions."""
lowers(nn.OneHot)(lower_pointwise)


@lowers(nn.ScatterElements)
def lower_scatter_elements(group: Group, buffers: Mapping[ir.Value, Buffer], spec: TargetSpec) -> list[Kernel]:
    """Single elements; updates that differ in an index beside the axis never meet, so that the first can be a task."""
    op, shape = group.anchor, static_shape(group.anchor.indices)
    axis = op.axis % len(shape)
    kernel = Kernel("scatter", tasks=1 if axis == 0 else shape[0])
    text = kernel.text
    with ExitStack() as stack:
        task = stack.enter_context(text.loop("%lo", "%hi"))
        first = task if axis else stack.enter_context(text.loop(0, shape[0]))
        place = (first, *(stack.enter_context(text.loop(0, size)) for size in shape[1:]))
        evaluation = Evaluation(kernel, group, buffers)
        index = index_at(evaluation, op.indices, Point(place), static_shape(op.input)[axis])
        _update(evaluation, Point((*place[:axis], index, *place[axis + 1 :])), Point(place))
    return [*_copy(group, buffers, spec), kernel]


@lowers(nn.ScatterNd)
def lower_scatter_nd(group: Group, buffers: Mapping[ir.Value, Buffer], spec: TargetSpec) -> list[Kernel]:
    """Slices, in vectors along the last axis if they lie side by side."""
    lanes = spec.lanes(dtype_of(group.anchor.output).itemsize)
    try:
        kernel = _write_slices(group, buffers, lanes)
    except NotSideBySide:
        kernel = _write_slices(group, buffers, 1)
    return [*_copy(group, buffers, spec), kernel]


def _write_slices(group: Group, buffers: Mapping[ir.Value, Buffer], lanes: int) -> Kernel:
    op, (*outer, depth) = group.anchor, static_shape(group.anchor.indices)
    shape = static_shape(op.input)
    kernel = Kernel("scatter")
    text, evaluation = kernel.text, Evaluation(kernel, group, buffers)
    with ExitStack() as stack:
        stack.enter_context(text.loop("%lo", "%hi"))
        place = [stack.enter_context(text.loop(0, size)) for size in outer]
        target = [index_at(evaluation, op.indices, Point((*place, i)), size) for i, size in enumerate(shape[:depth])]
        if depth == len(shape):
            _update(evaluation, Point(tuple(target)), Point(tuple(place)))
            return kernel
        inside = [stack.enter_context(text.loop(0, size)) for size in shape[depth:-1]]
        whole = shape[-1] // lanes * lanes
        rest = [(whole + offset, whole + offset + width, width) for offset, width in pieces(shape[-1] - whole, lanes)]
        for start, end, width in [(0, whole, lanes)] * (whole > 0) + rest:
            with text.loop(start, end, width) as last:
                to = Point((*target, *inside, last), width, len(shape) - 1)
                of = Point((*place, *inside, last), width, len(place) + len(inside))
                _update(Evaluation(kernel, group, buffers), to, of)
    return kernel


def _copy(group: Group, buffers: Mapping[ir.Value, Buffer], spec: TargetSpec) -> list[Kernel]:
    """What copies the input to the result."""
    op = group.anchor
    whole = Region.whole([op.output], buffers)
    computed = {op.output: lambda evaluation, value, point: evaluation.at(op.input, point)}
    used = {value: buffers[value] for value in (op.input, op.output) if value in buffers}
    return lower_regions(group, used, spec, [replace(whole, computed=computed)])


def _update(evaluation: Evaluation, to: Point, of: Point) -> None:
    """Replace elements of the result, or combine them with updates."""
    kernel, op, buffers = evaluation.kernel, evaluation.group.anchor, evaluation.buffers
    new = evaluation.at(op.updates, of)
    if op.reduction != "none":
        buffer = buffers[op.output]
        name = kernel.operand(op.output, buffer, written=True)
        if to.lanes > 1 and buffer.inner != to.axis:
            raise NotSideBySide
        old = load(kernel.text, name, buffer, buffer.at(kernel.text, to.indices), to.lanes)
        own = Arithmetic.of(Scalars(kernel.text, to.lanes), dtype_of(op.output))
        numbers = numbers_of(op.output).arithmetic(kernel.text, to.lanes)
        combined = getattr(numbers, OPERATIONS[op.reduction])(own.convert(old, numbers), own.convert(new, numbers))
        new = numbers.convert(combined, own)
    Evaluation(kernel, evaluation.group, buffers, known={op.output: new}).store(op.output, to)
