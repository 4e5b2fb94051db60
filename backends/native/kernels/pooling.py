"""Pooling over images: windows are cut to the image, so that nothing beside it is read.

Where the channels are innermost, vectors run over them. Of windows side by side, first each column is gathered, in a
loop from their first to their last row within the image; then each window joins its columns. Windows that reach beyond
the left or right edge are written out, those between are a loop.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial

from ....dialects import nn
from ....dialects.mlir import ir
from ....dialects.tensors import dtype_of, static_shape
from ..arithmetic import Arithmetic
from ..buffer import BYTES, Buffer, element_of
from ..evaluation import Evaluation, NotSideBySide, Point, Scalars
from ..group import Group
from ..halo import fill_row
from ..kernel import Kernel
from ..lowerings import lowers
from ..target import TargetSpec
from ..text import Index
from .epilogue import Epilogue, has_room, side_by_side
from .pooling_plain import lower_windows
from .windows import Window

WIDEST = 24
"""Columns of a window up to which they are gathered together; wider windows are loops over them."""


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
        self.window = Window.of(pool)
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
        """The columns of the result as (first, how many together, end), by those that reach beyond the same edge."""
        if self.window.kernel[1] > WIDEST:
            return [(0, 1, self.columns)]
        together = self.spec.registers * 3 // 4
        inner = [c for c in range(self.columns) if len(self._offsets(c, 0)) == self.window.kernel[1]]
        start, end = (inner[0], inner[-1] + 1) if inner else (self.columns, self.columns)
        parts = []
        for low, high in ((0, start), (start, end), (end, self.columns)):
            edge = (low, high) != (start, end)
            while low < high:
                fitting = range(2, min(high - low, together) + 1)
                most = max([1, *(n for n in fitting if self._gathered(low, n) <= together)])
                count = 1 if edge else (high - low) // most
                parts.append((low, most, low + most * count))
                low += most * count
        return parts

    def _gathered(self, first: int, count: int) -> int:
        """How many columns of the image so many windows read."""
        return len({offset for number in range(count) for offset in self._offsets(first, number)})

    def _offsets(self, first: Index, number: int) -> list[int]:
        """The columns that a window reads, from the first tap of the first one on: those within the image, if it is
        known where this is."""
        start, dilation = number * self.window.strides[1], self.window.dilations[1]
        offsets = [start + x * dilation for x in range(self.window.kernel[1])]
        if isinstance(first, str):
            return offsets
        left = first * self.window.strides[1] - self.window.padding[1]
        return [offset for offset in offsets if 0 <= left + offset < self.width]

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
        """Results of `count` windows side by side; at an unknown column none reaches beyond the image, or is wide."""
        text, scalars = self.text, Scalars(self.text, lanes)
        own, work = Arithmetic.of(scalars, dtype_of(self.pool.output)), Arithmetic(scalars, self.element)
        top, left = self.window.first(text, 0, row), self.window.first(text, 1, column)
        rows = self.window.clip(text, 0, top, self.height)
        method = _Method.of(self.pool, work if own.element == "f16" else own)

        def gather(y: Index, across: Index, value: str) -> str:
            at = text.add(top, text.mul(y, self.window.dilations[0]))
            place = Point((image, channel, at, across), lanes, 1)
            read = Evaluation(self.kernel, self.group, self.buffers).at(self.pool.input, place)
            return method.gather(value, own.convert(read, work) if own.element == "f16" else read)

        if self.window.kernel[1] > WIDEST:
            near, far = self.window.clip(text, 1, left, self.width)

            def line(y: Index, values: list[str]) -> list[str]:
                return text.carry(near, far, values, [work.type], lambda x, inner: [gather(y, across(x), inner[0])])

            def across(x: Index) -> Index:
                return text.add(left, text.mul(x, self.window.dilations[1]))

            finished = text.carry(*rows, [method.start], [work.type], line)
            numbers = [self._number(work, top, left, rows, (near, far))]
        else:
            windows = [self._offsets(column, number) for number in range(count)]
            offsets = sorted({offset for window in windows for offset in window})
            gathered = text.carry(
                *rows, [method.start] * len(offsets), [work.type] * len(offsets),
                lambda y, values: [gather(y, text.add(left, o), v) for o, v in zip(offsets, values, strict=True)],
            ) if offsets else []  # fmt: skip
            joined: dict[tuple[int, ...], str] = {(): method.start}
            joined |= {(offset,): value for offset, value in zip(offsets, gathered, strict=True)}
            finished = [_join(method, tuple(window), joined) for window in windows]
            lefts = [text.add(left, number * self.window.strides[1]) for number in range(count)]
            numbers = [
                self._number(work, top, one, rows, (0, len(window))) for one, window in zip(lefts, windows, strict=True)
            ]
        finished = [method.finish(value, number) for value, number in zip(finished, numbers, strict=True)]
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
    """What is made of a window's elements: `gather(value so far, element)`, `join(value, value)` of two parts of it,
    `finish(value, how many)`."""

    start: str
    gather: Callable[[str, str], str]
    join: Callable[[str, str], str]
    finish: Callable[[str, str], str]

    @classmethod
    def of(cls, pool: nn.PoolOp, a: Arithmetic) -> _Method:
        if isinstance(pool, nn.AvgPool):
            return cls(a.number(0), a.add, a.add, a.div)
        if isinstance(pool, nn.LpPool):
            p = pool.p
            return cls(a.number(0), lambda v, x: a.add(v, _power(a, x, p)), a.add, lambda v, _: _root(a, v, p))
        least = float("-inf") if a.is_float else -(1 << (a.bits - 1)) if a.signed else 0
        return cls(a.number(least), partial(_larger, a), partial(_larger, a), lambda v, _: v)


def _join(method: _Method, offsets: tuple[int, ...], joined: dict[tuple[int, ...], str]) -> str:
    """The value of some columns together, from those of parts of them, which windows have in common."""
    if offsets not in joined:
        half = 1 << (len(offsets) - 1).bit_length() - 1
        parts = [_join(method, part, joined) for part in (offsets[:half], offsets[half:])]
        joined[offsets] = method.join(*parts)
    return joined[offsets]


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
