"""The kernel of the best elements of rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ....dialects import nn
from ....dialects.mlir import ir
from ....dialects.tensors import dtype_of, static_shape
from ..arithmetic import Arithmetic
from ..buffer import Buffer
from ..evaluation import Evaluation, Point, Scalars
from ..group import Group
from ..kernel import Kernel, flatten, load, store
from ..lowerings import lowers
from ..rowwise import halo_kernels, numbers_of
from ..target import TargetSpec
from ..text import Index

FEW = 16
"""Up to so many, the best so far are kept in order; more of them as a heap."""
Entry = tuple[str, str]
"""An element and its index (i64)."""


@lowers(nn.Topk)
def lower_topk(group: Group, buffers: Mapping[ir.Value, Buffer], spec: TargetSpec) -> list[Kernel]:
    """Each element is compared with the worst of the best so far, and most are no better. NaN counts as infinity."""
    op = group.anchor
    shape = static_shape(op.input)
    axis = op.axis % len(shape)
    others = [k for k in range(len(shape)) if k != axis]
    if op.k == 0:
        return []
    kernel = Kernel("topk", tasks=flatten([shape[k] for k in others]))
    text = kernel.text
    with text.loop("%lo", "%hi") as task:
        place: dict[int, Index] = {}
        left = task
        for k in reversed(others):
            place[k], left = text.rem(left, shape[k]), text.div(left, shape[k])
        row = Row(kernel, group, buffers, place, axis)
        (write_in_order if op.k <= FEW else write_by_heap)(row, shape[axis], op.k)
    return [kernel, *halo_kernels(group, buffers, spec)]


@dataclass(frozen=True)
class Row:
    """The row at a place: its elements, and the entries that the results hold of it."""

    kernel: Kernel
    group: Group
    buffers: Mapping[ir.Value, Buffer]
    place: Mapping[int, Index]
    axis: int

    def element(self, number: Index) -> Entry:
        """An element of the operand."""
        text, op = self.kernel.text, self.group.anchor
        value = Evaluation(self.kernel, self.group, self.buffers).at(op.input, Point(self._indices(number)))
        return value, text.let(f"arith.index_cast {text.index(number)} : index to i64")

    def load(self, number: Index) -> Entry:
        """An entry of the results."""
        value, index = (load(self.kernel.text, name, buffer, place) for name, buffer, place in self._places(number))
        return value, index

    def store(self, entry: Entry, number: Index) -> None:
        """Write an entry of the results."""
        for part, (name, buffer, place) in zip(entry, self._places(number), strict=True):
            store(self.kernel.text, part, name, buffer, place)

    def is_better(self, one: Entry, other: Entry) -> str:
        """Whether an element comes before another one by its value."""
        op, scalars = self.group.anchor, Scalars(self.kernel.text, 1)
        own, numbers = Arithmetic.of(scalars, dtype_of(op.input)), numbers_of(op.input).arithmetic(scalars.text, 1)
        values = [own.convert(value, numbers) for value, _ in (one, other)]
        if numbers.is_float:
            infinite = numbers.number(float("inf"))
            values = [numbers.select(numbers.is_nan(value), infinite, value) for value in values]
        return numbers.compare("gt" if op.largest else "lt", *values)

    def is_before(self, one: Entry, other: Entry) -> str:
        """Whether an element comes before another one: by its value, or being equal by its index."""
        bit, indices = (Arithmetic(Scalars(self.kernel.text, 1), element) for element in ("i1", "i64"))
        worse = self.is_better(other, one)
        earlier = bit.select(worse, self.kernel.text.constant("false", "i1"), indices.compare("lt", one[1], other[1]))
        return bit.apply("arith.ori", self.is_better(one, other), earlier)

    def _indices(self, along: Index) -> tuple[Index, ...]:
        place = {**self.place, self.axis: along}
        return tuple(place[k] for k in range(len(place)))

    def _places(self, along: Index) -> list[tuple[str, Buffer, str]]:
        text, op = self.kernel.text, self.group.anchor
        buffers = [(output, self.buffers[output]) for output in (op.output, op.indices)]
        return [
            (self.kernel.operand(output, buffer, written=True), buffer, buffer.at(text, self._indices(along)))
            for output, buffer in buffers
        ]


def write_in_order(row: Row, size: int, count: int) -> None:
    """Put each element in its place among the best so far, if it is one of them."""
    text = row.kernel.text
    with text.loop(0, min(count, size)) as number:
        _insert(row, row.element(number), number)
    if size > count:
        with text.loop(count, size) as number:
            entry = row.element(number)
            with text.when(row.is_better(entry, row.load(count - 1))):
                _insert(row, entry, count - 1)


def _insert(row: Row, entry: Entry, last: Index) -> None:
    """Move worse entries behind by one, up to the last place, and put one before them."""
    text = row.kernel.text

    def before(place: str) -> tuple[str, str]:
        following = text.index(text.sub(text.maximum(place, 1), 1))
        inside = text.let(f"arith.cmpi ugt, {place}, {text.index(0)} : index")
        worse = row.is_better(entry, row.load(following))
        return text.let(f"arith.andi {inside}, {worse} : i1"), following

    row.store(entry, _move(row, text.index(last), before))


def write_by_heap(row: Row, size: int, count: int) -> None:
    """Keep the best so far as a heap, of which the first is the worst one; then take the worst ones from it."""
    text = row.kernel.text
    with text.loop(0, count) as number:
        _rise(row, row.element(number), number)
    if size > count:
        with text.loop(count, size) as number:
            entry = row.element(number)
            with text.when(row.is_better(entry, row.load(0))):
                _sink(row, entry, count)
    with text.loop(0, count - 1) as number:
        last = text.sub(count - 1, number)
        entry, worst = row.load(last), row.load(0)
        row.store(worst, last)
        _sink(row, entry, last)


def _rise(row: Row, entry: Entry, last: Index) -> None:
    """Add an entry to a heap: better ones above it move down."""
    text = row.kernel.text

    def above(place: str) -> tuple[str, str]:
        parent = text.index(text.div(text.sub(text.maximum(place, 1), 1), 2))
        inside = text.let(f"arith.cmpi ugt, {place}, {text.index(0)} : index")
        better = row.is_before(row.load(parent), entry)
        return text.let(f"arith.andi {inside}, {better} : i1"), parent

    row.store(entry, _move(row, text.index(last), above))


def _sink(row: Row, entry: Entry, size: Index) -> None:
    """Put an entry in the place of the first one of a heap: worse ones below it move up."""
    text = row.kernel.text

    def below(place: str) -> tuple[str, str]:
        first = text.index(text.add(text.mul(place, 2), 1))
        inside = text.let(f"arith.cmpi ult, {first}, {text.index(size)} : index")
        end = text.sub(size, 1)
        left, right = text.index(text.minimum(first, end)), text.index(text.minimum(text.add(first, 1), end))
        worse = row.is_before(row.load(left), row.load(right))
        child = text.let(f"arith.select {worse}, {right}, {left} : index")
        moves = row.is_before(entry, row.load(child))
        return text.let(f"arith.andi {inside}, {moves} : i1"), child

    row.store(entry, _move(row, text.index(0), below))


def _move(row: Row, start: str, following: Callable[[str], tuple[str, str]]) -> str:
    """From a free place on, move entries into it as long as `following` says that there is one, and from where; gives
    the place that is free then."""
    text = row.kernel.text
    result, place, free, source = (text.name() for _ in range(4))
    text.do(f"{result}:2 = scf.while ({place} = {start}) : (index) -> (index, index) {{")
    goes_on, found = following(place)
    text.do(f"scf.condition({goes_on}) {place}, {found} : index, index")
    text.do("} do {")
    text.do(f"^bb0({free}: index, {source}: index):")
    row.store(row.load(source), free)
    text.do(f"scf.yield {source} : index")
    text.do("}")
    return f"{result}#0"
