"""Pooling over images: windows are cut to the image, so that nothing beside it is read.

Where the channels are innermost, vectors run over them. The columns at the left and right edge are written out, those
between are a loop; the rows of a window are a loop from its first to its last one within the image.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from ....dialects import nn
from ....dialects.mlir import ir
from ....dialects.tensors import dtype_of, static_shape
from ..arithmetic import Arithmetic
from ..buffer import BYTES, Buffer, element_of
from ..evaluation import Evaluation, NotSideBySide, Point, Scalars
from ..group import Group
from ..halo import fill_row
from ..kernel import Kernel, split
from ..lowerings import lowers
from ..target import TargetSpec
from ..text import Index
from .epilogue import Epilogue, has_room, side_by_side
from .pooling_plain import lower_windows
from .windows import Window

SIDE_BY_SIDE = 4
"""Windows between the edges that are computed together."""
WRITTEN_OUT = 8
"""Columns at the edges, and of a window, up to which they are written out."""


@lowers(nn.MaxPool, nn.AvgPool, nn.LpPool)
def lower_pooling(group: Group, buffers: Mapping[ir.Value, Buffer], spec: TargetSpec) -> list[Kernel]:
    """One kernel over N x C x H x W, whose tasks are the rows of the result; in vectors if channels are innermost.
    Other numbers of dimensions have no kernel of their own."""
    if len(group.anchor.kernel) != 2:
        return lower_windows(group, buffers, spec)
    if side_by_side(group, buffers, group.anchor.output, 1):
        try:
            return [Pooling(group, buffers, spec, spec.lanes(BYTES[element_of(group.anchor.input)])).write()]
        except NotSideBySide:
            pass
    return [Pooling(group, buffers, spec, 1).write()]


@dataclass
class Pooling:
    """Writes the kernel of a pooling operation with vectors of `most` lanes."""

    group: Group
    buffers: Mapping[ir.Value, Buffer]
    spec: TargetSpec
    most: int
    kernel: Kernel = field(default_factory=lambda: Kernel("pooling"))

    def __post_init__(self) -> None:
        pool = self.pool = self.group.anchor
        self.text = self.kernel.text
        self.window = Window.of(pool.kernel, pool.strides, pool.dilations, pool.padding)
        self.batch, self.channels, self.rows, self.columns = static_shape(pool.output)
        self.height, self.width = static_shape(pool.input)[2:]
        self.epilogue = Epilogue(self.kernel, self.group, self.buffers, pool.output, 1, self.most == 1)
        self.element = "f32" if element_of(pool.output) == "f16" else element_of(pool.output)

    def write(self) -> Kernel:
        """The kernel."""
        text = self.text
        self.kernel.tasks = self.batch * self.rows
        with text.loop("%lo", "%hi") as task:
            image, row = text.div(task, self.rows), text.rem(task, self.rows)
            for column, step, end in self._parts():
                with text.loop(column, end, step) as first:
                    for channel, lanes in self._vectors():
                        self._windows(image, channel, row, first, step, lanes)
            for value in self.group.results:
                name = self.kernel.operand(value, self.buffers[value], written=True)
                fill_row(text, name, self.buffers[value], image, row, self.spec.lanes(4))
        return self.kernel

    def _parts(self) -> list[tuple[int, int, int]]:
        """The columns of the result as (first, how many together, end): at the edges one by one, others in loops."""
        whole = [c for c in range(self.columns) if self._cut(c) == (0, self.window.kernel[1])]
        if not whole or self.columns - len(whole) > WRITTEN_OUT or self.window.kernel[1] > WRITTEN_OUT:
            return [(0, 1, self.columns)]
        parts = [(c, 1, c + 1) for c in range(whole[0])]
        start = whole[0]
        for size, count in split(len(whole), SIDE_BY_SIDE):
            parts.append((start, size, start + size * count))
            start += size * count
        return parts + [(c, 1, c + 1) for c in range(start, self.columns)]

    def _cut(self, column: int) -> tuple[Index, Index]:
        return self.window.clip(self.text, 1, self.window.first(self.text, 1, column), self.width)

    def _vectors(self) -> Iterator[tuple[Index, int]]:
        """Places along the channels, and how many lanes are computed there: shorter vectors for what is left."""
        start, lanes = 0, self.most
        while start < self.channels:
            left = self.channels - start
            count = -(-left // lanes) if left % lanes > lanes // 2 and self._has_room(lanes) else left // lanes
            if count:
                with self.text.loop(start, start + count * lanes, lanes) as channel:
                    yield channel, lanes
            start, lanes = start + count * lanes, max(1, lanes // 2)

    def _has_room(self, lanes: int) -> bool:
        """Whether whole vectors fit into all that is read and stored."""
        shape = static_shape(self.pool.input)
        read = [self.buffers[value] for value in self.group.inputs if value in self.buffers]
        return self.epilogue.roomy(lanes) and all(has_room(one, 1, lanes) for one in read if one.shape == shape)

    def _windows(self, image: Index, channel: Index, row: Index, column: Index, count: int, lanes: int) -> None:
        """Results of `count` windows side by side; more than one only where none reaches beyond the image."""
        text, scalars = self.text, Scalars(self.text, lanes)
        own, work = Arithmetic.of(scalars, dtype_of(self.pool.output)), Arithmetic(scalars, self.element)
        top, left = self.window.first(text, 0, row), self.window.first(text, 1, column)
        low, high = self.window.clip(text, 0, top, self.height)
        whole = count > 1 or (isinstance(column, str) and len(self._parts()) > 1)
        near, far = (0, self.window.kernel[1]) if whole else self.window.clip(text, 1, left, self.width)
        method = _Method.of(self.pool, work if own.element == "f16" else own)

        def tap(y: Index, x: Index, values: list[str]) -> list[str]:
            at = text.add(top, text.mul(y, self.window.dilations[0]))
            across = text.add(left, text.mul(x, self.window.dilations[1]))
            result = []
            for c, value in enumerate(values):
                place = (image, channel, at, text.add(across, c * self.window.strides[1]))
                read = Evaluation(self.kernel, self.group, self.buffers).at(self.pool.input, Point(place, lanes, 1))
                result.append(method.gather(value, own.convert(read, work) if own.element == "f16" else read))
            return result

        def line(y: Index, values: list[str]) -> list[str]:
            if isinstance(near, int) and isinstance(far, int) and far - near <= WRITTEN_OUT:
                for x in range(near, far):
                    values = tap(y, x, values)
                return values
            return text.carry(near, far, values, [work.type] * count, lambda x, inner: tap(y, x, inner))

        values = text.carry(low, high, [method.start] * count, [work.type] * count, line)
        number = self._number(work, top, left, (low, high), (near, far))
        finished = [method.finish(value, number) for value in values]
        places = [(image, channel, row, text.add(column, c)) for c in range(count)]
        if own.element == "f16":
            finished = [work.convert(value, own) for value in finished]
        self.epilogue.store(list(zip(finished, places, strict=True)), lanes, own.element)

    def _number(
        self, work: Arithmetic, top: Index, left: Index, rows: tuple[Index, Index], columns: tuple[Index, Index]
    ) -> str:
        """How many elements a window's mean is of."""
        if not isinstance(self.pool, nn.AvgPool):
            return ""
        text, padding = self.text, self.pool.padding
        if self.pool.count_include_pad:
            rows, columns = (
                self.window.clip(text, axis, text.add(first, padding[axis]), size + padding[axis] + padding[2 + axis])
                for axis, first, size in ((0, top, self.height), (1, left, self.width))
            )
        counts = [text.sub(high, low) for low, high in (rows, columns)]
        number = text.mul(*counts)
        if isinstance(number, int):
            return work.number(max(number, 1))
        at_least_one = text.let(f"arith.maxsi {number}, {text.index(1)} : index")
        whole = text.let(f"arith.index_cast {at_least_one} : index to i32")
        one = text.let(f"arith.sitofp {whole} : i32 to {work.element}")
        lanes = work.scalars.lanes
        return one if lanes == 1 else text.let(f"vector.broadcast {one} : {work.element} to {work.type}")


@dataclass(frozen=True)
class _Method:
    """What is made of a window's elements: `gather(value so far, element)`, then `finish(value, how many)`."""

    start: str
    gather: Callable[[str, str], str]
    finish: Callable[[str, str], str]

    @classmethod
    def of(cls, pool: nn.PoolOp, a: Arithmetic) -> _Method:
        if isinstance(pool, nn.AvgPool):
            return cls(a.number(0), a.add, a.div)
        if isinstance(pool, nn.LpPool):
            return cls(
                a.number(0), lambda so_far, x: a.add(so_far, _power(a, x, pool.p)), lambda x, _: _root(a, x, pool.p)
            )
        least = float("-inf") if a.is_float else -(1 << (a.bits - 1)) if a.signed else 0
        return cls(a.number(least), lambda so_far, x: _larger(a, so_far, x), lambda x, _: x)


def _larger(a: Arithmetic, so_far: str, x: str) -> str:
    """The larger one, or NaN if one is: two instructions less than `arith.maximumf`, which tells zeros apart."""
    if not a.is_float:
        return a.maximum(so_far, x)
    return a.select(a.is_nan(so_far), so_far, a.at_least(x, so_far))


def _power(a: Arithmetic, x: str, p: int) -> str:
    """|x|^p"""
    magnitude = a.abs(x)
    if p <= 2:
        return magnitude if p == 1 else a.mul(x, x)
    return a.apply("math.powf", magnitude, a.number(p))


def _root(a: Arithmetic, x: str, p: int) -> str:
    """x^(1/p)"""
    if p <= 2:
        return x if p == 1 else a.apply("math.sqrt", x)
    return a.apply("math.powf", x, a.number(1 / p))
