"""What the kernels share whose anchor works on rows (`rows.py`): how its tensors are walked, read and stored."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ...dialects import nn
from ...dialects.mlir import ir
from ...dialects.tensors import dtype_of, static_shape
from .arithmetic import Arithmetic
from .buffer import BYTES, Buffer, element_of
from .evaluation import VIEWS, Evaluation, NotSideBySide, Point, Scalars
from .foldings import Numbers
from .group import Group
from .halo import fill_row
from .kernel import Kernel, flatten
from .rows import Row, Rows
from .target import TargetSpec
from .text import Text

Buffers = Mapping[ir.Value, Buffer]


@dataclass
class Rowwise:
    """A kernel of a group whose anchor reads `walked` row by row. All results have the shape of the anchor's, which is
    that of `walked`, perhaps without the axes of the rows."""

    kernel: Kernel
    group: Group
    buffers: Buffers
    walked: ir.Value
    rows: Rows
    shape: tuple[int, ...] = field(init=False)

    def __post_init__(self) -> None:
        result = self.group.results[0]
        self.shape = self.buffers[result].shape if result in self.buffers else static_shape(result)

    @property
    def text(self) -> Text:
        """The kernel's."""
        return self.kernel.text

    def read(self, point: Point, value: ir.Value | None = None) -> str:
        """The elements of `walked` (or of another value of its shape), in the type that is computed with."""
        value = value or self.walked
        found = Evaluation(self.kernel, self.group, self.buffers).at(value, point)
        return Arithmetic.of(Scalars(self.text, point.lanes), dtype_of(value)).convert(
            found, numbers_of(value).arithmetic(self.text, point.lanes)
        )

    def store(self, output: ir.Value, computed: str, point: Point) -> None:
        """Apply what follows to the anchor's elements at a point of `walked`, and write the results."""
        own = Arithmetic.of(Scalars(self.text, point.lanes), dtype_of(output))
        known = {output: numbers_of(output).arithmetic(self.text, point.lanes).convert(computed, own)}
        evaluation = Evaluation(self.kernel, self.group, self.buffers, known)
        place = self._place(point)
        for value in self.group.results:
            evaluation.store(value, place)

    def _place(self, point: Point) -> Point:
        """A point of `walked` in the shape of the results: a reduced axis is at 0, or gone."""
        if len(self.shape) == len(point.indices):
            indices = [0 if one == 1 else index for index, one in zip(point.indices, self.shape, strict=True)]
            return replace(point, indices=tuple(indices))
        kept = [axis for axis in range(len(point.indices)) if axis not in self.rows.reduced]
        return Point(
            tuple(point.indices[axis] for axis in kept),
            point.lanes,
            kept.index(point.axis) if point.axis in kept else -1,
        )


class Elements:
    """The elements of a row: read once if it is short, else in each walk."""

    def __init__(self, work: Rowwise, row: Row) -> None:
        self.work, self.row, self.found = work, row, dict[Point, str]()

    def read(self, point: Point) -> str:
        """Those at a point."""
        if not self.row.straight:
            return self.work.read(point)
        if point not in self.found:
            self.found[point] = self.work.read(point)
        return self.found[point]


def lower_rowwise(
    family: str,
    group: Group,
    buffers: Buffers,
    spec: TargetSpec,
    reduced: Sequence[int],
    write: Callable[[Rowwise], None],
    apart: Sequence[int] = (),
) -> list[Kernel]:
    """A kernel that `write` writes, for an anchor whose first operand is read along the axes `reduced`: in vectors if
    all that it reads and stores lies side by side. And a kernel that fills the halo of the results if they have any.

    apart: axes that stay as they are when others become one, because other operands of the anchor lie along them.
    """
    walked = group.anchor.operation.operands[0]
    if not any(flatten(static_shape(value)) for value in group.results):
        return []
    merged = _merged(group, buffers, walked, reduced, apart)
    if merged is None:
        used = [value for value in [*group.inputs, *group.results] if value in buffers]
        shape, axes, placed = static_shape(walked), frozenset(reduced), {value: buffers[value] for value in used}
    else:
        shape, axes, placed = merged
    placed = {value: turned(buffer) for value, buffer in placed.items()}
    order = _order(group, placed, walked, shape)
    size = max(4, *(BYTES[buffer.element] for buffer in placed.values()))
    for lanes in (spec.lanes(size), 1):
        room = lanes > 1 and order[-1] not in axes and _has_room(placed, shape, order[-1], lanes)
        kernel = Kernel(family)
        try:
            write(Rowwise(kernel, group, placed, walked, Rows(shape, order, axes, lanes, room)))
        except NotSideBySide:
            continue
        return [kernel, *halo_kernels(group, buffers, spec)]
    raise AssertionError("single elements always lie side by side")


def turned(buffer: Buffer) -> Buffer:
    """The same memory, axes with one element outermost: they lie anywhere."""
    thin = [axis for axis in buffer.order if buffer.extents[axis] == 1]
    return replace(buffer, order=(*thin, *(axis for axis in buffer.order if axis not in thin)))


def halo_kernels(group: Group, buffers: Buffers, spec: TargetSpec) -> list[Kernel]:
    """What fills the unused rows and columns around the results that are images."""
    kernels = []
    for value in group.results:
        buffer = buffers[value]
        if len(buffer.shape) != 4 or not any(buffer.halo[2:] + buffer.before[2:]):
            continue
        kernel = Kernel("halo", tasks=buffer.shape[0])
        text, name = kernel.text, kernel.operand(value, buffer, written=True)
        with text.loop("%lo", "%hi") as image, text.loop(0, buffer.shape[2]) as row:
            fill_row(text, name, buffer, image, row, spec.lanes(BYTES[buffer.element]))
        kernels.append(kernel)
    return kernels


def numbers_of(value: ir.Value) -> Numbers:
    """What a value's elements are computed as: narrow floats in f32, booleans as i8."""
    dtype = dtype_of(value)
    element = {"f2": "f32", "b1": "i8"}.get(f"{dtype.kind}{dtype.itemsize}", element_of(value))
    return Numbers(element, dtype.kind not in "ub")


def _merged(
    group: Group, buffers: Buffers, walked: ir.Value, reduced: Sequence[int], apart: Sequence[int]
) -> tuple[tuple[int, ...], frozenset[int], dict[ir.Value, Buffer]] | None:
    """Shape, reduced axes and buffers with axes that are treated alike as one, if nothing tells them apart."""
    shape, output = static_shape(walked), static_shape(group.anchor.operation.results[0])
    if any(type(op) in VIEWS for op in group.operations) or not all(
        buffers[value].is_plain for value in [*group.inputs, *group.results] if value in buffers
    ):
        return None
    runs = _runs(shape, reduced, apart)
    inside = tuple(size for _, size in runs)
    outside = (
        inside if flatten(output) == flatten(shape) else tuple(size for is_reduced, size in runs if not is_reduced)
    )
    placed: dict[ir.Value, Buffer] = {}
    expected, target = shape, inside
    for op in group.operations:
        values = [*op.operation.operands]
        if op is not group.anchor:
            values += op.operation.results
        elif apart:
            placed.update((value, buffers[value]) for value in values[1:] if value in buffers)
            values = values[:1]
        for value in values:
            array = nn.constant_value(value)
            if array is not None and array.size == 1:
                continue
            if array is not None or static_shape(value) != expected:
                return None
            if value in buffers:
                placed[value] = Buffer.plain(buffers[value].element, target)
        if op is group.anchor:
            expected, target = output, outside
            for value in op.operation.results:
                if value in buffers:
                    placed[value] = Buffer.plain(buffers[value].element, target)
    return inside, frozenset(i for i, (is_reduced, _) in enumerate(runs) if is_reduced), placed


def _runs(shape: tuple[int, ...], reduced: Sequence[int], apart: Sequence[int]) -> list[tuple[bool, int]]:
    """Neighbouring axes that are treated alike, as one each: whether they are reduced, and their elements."""
    runs: list[tuple[bool, int]] = []
    for axis, size in enumerate(shape):
        if runs and runs[-1][0] == (axis in reduced) and axis not in apart:
            runs[-1] = (axis in reduced, runs[-1][1] * size)
        elif size != 1 or axis in apart:
            runs.append((axis in reduced, size))
    return runs or [(False, 1)]


def _order(group: Group, placed: Buffers, walked: ir.Value, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The order of the axes: that of the first tensor of the shape which the group reads, or else stores."""
    for value in [walked, *group.inputs, *group.results]:
        if value in placed and placed[value].shape == shape:
            return placed[value].order
    return turned(Buffer.plain("i8", shape)).order


def _has_room(placed: Buffers, shape: tuple[int, ...], axis: int, lanes: int) -> bool:
    """Whether there is memory for whole vectors at the end of an axis, in all that is read and stored."""
    wide = -(-shape[axis] // lanes) * lanes
    return all(
        len(buffer.shape) == len(shape)
        and (buffer.shape[axis] < shape[axis] or buffer.extents[axis] - buffer.before[axis] >= wide)
        for buffer in placed.values()
    )
