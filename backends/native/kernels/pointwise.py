"""Kernels that compute every element of their results by itself: chains of element-wise operations and moves.

Results share no memory with operands: elements at the end of a row may be computed twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial

from ....dialects import nn
from ....dialects.mlir import ir
from ..buffer import BYTES, Buffer, element_of
from ..evaluation import EXPRESSIONS, Computation, Evaluation, NotSideBySide, Point, merged_shape
from ..group import Group
from ..halo import fill_row
from ..kernel import Kernel, flatten, store
from ..loops import Part, Span, divide, fitting, in_vectors, write_tasks
from ..merging import Axes, mergeable_axes, merged_buffer, outermost_units
from ..target import TargetSpec
from ..text import Index, Text
from ..transposition import interleaved, transposed

SQUARE = 16
"""Rows and columns at most of a block that is transposed in registers."""
NARROW = (2, 4)
"""Elements of a pixel that are stored with those of its neighbours."""


def lower_pointwise(group: Group, buffers: Mapping[ir.Value, Buffer], spec: TargetSpec) -> list[Kernel]:
    """One kernel; results of the same shape and order in memory are computed together."""
    alike: dict[object, list[ir.Value]] = {}
    for value in group.results:
        alike.setdefault((buffers[value].shape, buffers[value].order), []).append(value)
    return lower_regions(group, buffers, spec, [Region.whole(values, buffers) for values in alike.values()])


@dataclass(frozen=True)
class Region:
    """A part of some results that lie in memory alike: where it begins, how large it is, how some values are computed
    in it otherwise than by their operations, and the axes along which it is not the whole or these move elements."""

    results: Sequence[ir.Value]
    origin: tuple[int, ...]
    shape: tuple[int, ...]
    computed: Mapping[ir.Value, Computation] | None = None
    apart: frozenset[int] = frozenset()

    @classmethod
    def whole(cls, results: Sequence[ir.Value], buffers: Mapping[ir.Value, Buffer]) -> Region:
        """All of some results."""
        shape = buffers[results[0]].shape
        return cls(results, (0,) * len(shape), shape)

    def merged(self, axes: Axes) -> Region:
        """The same with axes counted as one: only those that the region has all of."""
        origin = tuple(self.origin[group[0]] for group in axes)
        return replace(self, origin=origin, shape=merged_shape(self.shape, axes))


def lower_regions(
    group: Group, buffers: Mapping[ir.Value, Buffer], spec: TargetSpec, regions: Sequence[Region]
) -> list[Kernel]:
    """One kernel for regions that together are the results, each computed in the fastest way that there is for it."""
    placed = {value: outermost_units(buffer) for value, buffer in buffers.items()}
    ways = [_fastest(group, placed, spec, region) for region in regions if flatten(region.shape)]
    kernel = Kernel("pointwise")
    write_tasks(kernel, [way.part(kernel) for way in ways])
    return [kernel] if ways else []


def _fastest(group: Group, buffers: Mapping[ir.Value, Buffer], spec: TargetSpec, region: Region) -> Way:
    for way in _ways(group, buffers, spec, region):
        trial = Kernel("trial")
        try:
            write_tasks(trial, [way.part(trial)])
        except NotSideBySide:
            continue
        return way
    raise AssertionError("single elements are always side by side")


def _ways(group: Group, buffers: Mapping[ir.Value, Buffer], spec: TargetSpec, region: Region) -> Iterator[Way]:
    """The ways to compute a region, the fastest ones first."""
    axes, apart = None, _axes_apart(group, buffers, region)
    image = buffers[region.results[0]].is_image_of(spec.lanes(4))
    if apart is not None:
        read = {value: buffers[value] for value in [*group.inputs, *group.results] if value in buffers}
        axes = mergeable_axes(group, buffers[region.results[0]].shape, read, apart)
        buffers = {value: merged_buffer(buffer, axes) for value, buffer in read.items()}
        region = region.merged(axes)
    result = buffers[region.results[0]]
    lanes = spec.lanes(max(BYTES[element_of(value)] for value in {*group.inside, *group.inputs}))
    along = partial(Way, group, buffers, spec, region, axes)
    across = partial(Across, group, buffers, spec, region, axes)
    to_the_end = image and _reaches_end(region, result, spec.lanes(4))
    size = region.shape[result.inner] if region.shape else 1
    if image:
        while lanes > spec.lanes(4) and size % lanes:
            lanes //= 2
        if size % lanes and to_the_end:
            yield along(lanes=lanes, filled=True)
    if size > 1:
        yield along(lanes=fitting(lanes, size))
        square = min(lanes, SQUARE)
        room = result.extents[result.inner]
        full = region.shape == result.shape and room in NARROW and result.before[result.inner] == 0
        height = room if full else square if to_the_end else fitting(square, size)
        for axis in reversed(range(len(region.shape))):
            width = region.shape[axis]
            if axis != result.inner and width > 1 and not (result.surrounded and axis != 3):
                if width % square and sum(region.origin) == 0:
                    yield across(lanes=square, filled=True, axis=axis, height=height, padded=to_the_end or full)
                yield across(lanes=fitting(square, width), axis=axis, height=height, padded=to_the_end or full)
    yield along(lanes=1)


def _reaches_end(region: Region, result: Buffer, lanes: int) -> bool:
    """Whether a region of images holds the last channels, and whole vectors with what they are filled up with."""
    start, size = region.origin[result.inner], region.shape[result.inner]
    return start % lanes == 0 and start + size == result.shape[result.inner]


def _axes_apart(group: Group, buffers: Mapping[ir.Value, Buffer], region: Region) -> set[int] | None:
    """The axes that cannot be counted as one with others, because elements move along them; None if no two axes can."""
    if any(buffers[value].surrounded for value in region.results):
        return None
    rank, apart = len(region.shape), set(region.apart)
    for op in group.operations:
        identity = isinstance(op, nn.Transpose) and list(op.permutation) == sorted(op.permutation)
        computed = region.computed is not None and op.operation.results[0] in region.computed
        if isinstance(op, nn.Slice | nn.Split):
            apart |= {axis % rank for axis in (op.axes if isinstance(op, nn.Slice) else [op.axis])}
        elif not (identity or computed or type(op) in EXPRESSIONS):
            return None
    return apart


@dataclass(frozen=True)
class Way:
    """A way to compute a region: in vectors along the innermost axis of its results.

    lanes: of a vector. filled: whether the last vector of a row reaches behind the tensor, where images have room.
    axes: which axes are counted as one.
    """

    group: Group
    buffers: Mapping[ir.Value, Buffer]
    spec: TargetSpec
    region: Region
    axes: Axes | None
    lanes: int
    filled: bool = False

    @property
    def result(self) -> Buffer:
        """Where the first of the results lies, in whose order the loops are."""
        return self.buffers[self.region.results[0]]

    @property
    def order(self) -> tuple[int, ...]:
        """The axes, from the outermost loop to the innermost one."""
        return self.result.order

    @property
    def steps(self) -> list[int]:
        """By loop, the elements that are computed together."""
        return [self.lanes if axis == self.result.inner else 1 for axis in self.order]

    def part(self, kernel: Kernel) -> Part:
        """The tasks, for a kernel."""
        sizes, origin = ([where[axis] for axis in self.order] for where in (self.region.shape, self.region.origin))
        surrounded = any(self.buffers[value].surrounded for value in self.region.results)
        division = divide(sizes, self.steps, 1 if surrounded else self.innermost_divided)

        def write(task: Index) -> None:
            with division.loops(kernel.text, task, origin, 2) as (indices, spans):
                self.write_row(kernel, indices, spans)
                if surrounded:
                    self._fill(kernel, indices)

        return division.count, write

    @property
    def innermost_divided(self) -> int:
        """The innermost loop that can be divided into tasks."""
        return max(len(self.order) - 1, 0)

    def write_row(self, kernel: Kernel, outer: list[Index], spans: list[Span]) -> None:
        """The loops that are left, and what is in them."""
        text = kernel.text
        if not spans:
            self._store(kernel, outer, self.lanes, False)
            return
        with ExitStack() as stack:
            indices = outer + [stack.enter_context(text.loop(span.lower, span.upper)) for span in spans[:-1]]

            def write(place: Index, count: int) -> None:
                self._store(kernel, [*indices, place], self.lanes, count < self.lanes)

            in_vectors(text, spans[-1], self.lanes, self.filled, write)

    def evaluation(self, kernel: Kernel) -> Evaluation:
        """Of the group, at one place in the text."""
        return Evaluation(kernel, self.group, self.buffers, computed=self.region.computed, axes=self.axes)

    def point(self, indices: Sequence[Index], lanes: int, axis: int, beyond: bool) -> Point:
        """Where the loops are."""
        logical = tuple(indices[self.order.index(axis)] for axis in range(len(self.order)))
        return Point(logical, lanes, axis, beyond)

    def _store(self, kernel: Kernel, indices: Sequence[Index], lanes: int, beyond: bool) -> None:
        evaluation = self.evaluation(kernel)
        for value in self.region.results:
            evaluation.store(value, self.point(indices, lanes, self.result.inner, beyond))

    def _fill(self, kernel: Kernel, indices: Sequence[Index]) -> None:
        """Fill the halo beside a row: the region at the beginning of the row does it."""
        if self.region.origin[1] or self.region.origin[3]:
            return
        for value in self.region.results:
            buffer = self.buffers[value]
            lanes = min(self.spec.lanes(BYTES[buffer.element]), self.spec.lanes(4))
            name = kernel.operand(value, buffer, written=True)
            fill_row(kernel.text, name, buffer, indices[0], indices[1], lanes)


@dataclass(frozen=True)
class Across(Way):
    """In vectors along `axis`, of which blocks are transposed before they are stored along the innermost axis, in
    vectors of `height`."""

    axis: int = 0
    height: int = 1
    padded: bool = False

    @property
    def order(self) -> tuple[int, ...]:
        """The two axes of the blocks come last, the longer one before the other."""
        pair = sorted((self.axis, self.result.inner), key=lambda axis: -self.region.shape[axis])
        return (*(axis for axis in self.result.order if axis not in pair), *pair)

    @property
    def steps(self) -> list[int]:
        return [{self.axis: self.lanes, self.result.inner: self.height}.get(axis, 1) for axis in self.order]

    @property
    def innermost_divided(self) -> int:
        return len(self.order) - 2

    def write_row(self, kernel: Kernel, outer: list[Index], spans: list[Span]) -> None:
        first, second = spans
        swapped = self.order[-1] == self.axis

        def write_outer(i: Index, some: int) -> None:
            def write_inner(j: Index, others: int) -> None:
                counts = (others, some) if swapped else (some, others)
                self._block(kernel, [*outer, i, j], *counts)

            in_vectors(kernel.text, second, *self._steps(not swapped), write=write_inner)

        in_vectors(kernel.text, first, *self._steps(swapped), write=write_outer)

    def _steps(self, rows: bool) -> tuple[int, bool]:
        return (self.height, self.padded) if rows else (self.lanes, self.filled)

    def _block(self, kernel: Kernel, indices: list[Index], width: int, count: int) -> None:
        """Store a vector of each of `width` columns, from `count` rows of vectors."""
        text, height = kernel.text, self.height
        place, along, across = self.point(indices, 1, 0, False), self.axis, self.result.inner
        evaluation = self.evaluation(kernel)
        for value in self.region.results:
            buffer = self.buffers[value]
            if buffer.inner != self.result.inner:
                raise NotSideBySide
            lines = [
                evaluation.stored(value, Point(_further(text, place, across, i), self.lanes, along, width < self.lanes))
                for i in range(count)
            ]
            name = kernel.operand(value, buffer, written=True)
            if width == self.lanes and buffer.order[-2] == along and buffer.extents[across] == height > 1:
                whole = interleaved(text, lines, self.lanes, height, buffer.element)
                store(text, whole, name, buffer, buffer.at(text, place.indices), self.lanes * height)
                continue
            for i, line in enumerate(transposed(text, lines, self.lanes, height, buffer.element)[:width]):
                store(text, line, name, buffer, buffer.at(text, _further(text, place, along, i)), height)


def _further(text: Text, place: Point, axis: int, steps: int) -> tuple[Index, ...]:
    """The indices some steps further along an axis."""
    return tuple(text.add(index, steps) if one == axis else index for one, index in enumerate(place.indices))


__all__ = ["Region", "lower_pointwise", "lower_regions"]
