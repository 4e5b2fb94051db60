"""Loops of kernels: over tasks, and over extents in vectors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from .kernel import Kernel, flatten
from .text import Index, Text

CHUNK = 4096
"""Elements that a task works on, about."""

Part = tuple[int, Callable[[Index], None]]
"""A piece of a kernel's work: how many tasks it has, and what writes one, given its number."""


def write_tasks(kernel: Kernel, parts: Sequence[Part]) -> None:
    """The tasks of all parts, numbered one part after the other."""
    text, before = kernel.text, 0
    kernel.tasks = sum(count for count, _ in parts)
    for count, write in parts:
        lower = "%lo" if before == 0 else text.maximum("%lo", before)
        upper = "%hi" if before + count == kernel.tasks else text.minimum("%hi", before + count)
        with text.loop(lower, upper) as task:
            write(text.sub(task, before))
        before += count


@dataclass(frozen=True)
class Span:
    """What a loop runs over: from `lower` to `upper`, a part of `size` rounds. last: where it is known only at run time
    whether this part is the last one, the condition that it is; the others are of whole vectors."""

    lower: Index
    upper: Index
    size: int
    last: str | None = None


@dataclass(frozen=True)
class Division:
    """How nested loops are divided into tasks: a task does `rows` rounds of the loop at `position` for one round of
    those outside it; the last one of these does what is left, too."""

    sizes: tuple[int, ...]
    position: int
    rows: int

    @property
    def blocks(self) -> int:
        """How many parts the divided loop has."""
        return max(1, self.sizes[self.position] // self.rows) if self.sizes else 1

    @property
    def count(self) -> int:
        """The number of tasks."""
        return flatten(self.sizes[: self.position]) * self.blocks

    @contextmanager
    def loops(
        self, text: Text, task: Index, origin: Sequence[int], inner: int
    ) -> Iterator[tuple[list[Index], list[Span]]]:
        """The loops of a task but the `inner` innermost ones: where they are, and what the others run over."""
        block, outer = text.rem(task, self.blocks), text.div(task, self.blocks)
        indices: list[Index] = []
        for k in reversed(range(self.position)):
            indices.insert(0, text.add(text.rem(outer, self.sizes[k]) if k else outer, origin[k]))
            outer = text.div(outer, self.sizes[k]) if k else outer
        spans = [Span(start, start + size, size) for start, size in zip(origin, self.sizes, strict=True)]
        if self.blocks > 1:
            spans[self.position] = self._part(text, block, origin[self.position])
        with ExitStack() as stack:
            for span in spans[self.position : len(spans) - inner]:
                indices.append(stack.enter_context(text.loop(span.lower, span.upper)))
            yield indices, spans[len(indices) :]

    def _part(self, text: Text, block: Index, origin: int) -> Span:
        size = self.sizes[self.position]
        lower = text.add(text.mul(block, self.rows), origin)
        last = text.let(f"arith.cmpi eq, {text.index(block)}, {text.index(self.blocks - 1)} : index")
        upper, end = text.index(text.add(lower, self.rows)), text.index(origin + size)
        return Span(lower, text.let(f"arith.select {last}, {end}, {upper} : index"), size, last)


def divide(sizes: Sequence[int], steps: Sequence[int], most: int) -> Division:
    """Tasks of about CHUNK elements. The loop that is divided, that at `most` or one outside it, is so at multiples of
    its step."""
    if flatten(sizes) <= 2 * CHUNK:
        return Division(tuple(sizes), 0, max([1, *sizes[:1]]))
    position = next((k for k in range(most) if flatten(sizes[k + 1 :]) <= CHUNK), most)
    rows = max(1, CHUNK // flatten(sizes[position + 1 :]) // steps[position]) * steps[position]
    return Division(tuple(sizes), position, min(rows, sizes[position]))


def in_vectors(text: Text, span: Span, lanes: int, filled: bool, write: Callable[[Index, int], None]) -> None:
    """`write(place, count)` for each vector of a span that has room for at least one.

    Where the last vector has no room, it begins earlier than the others end; or, if memory is `filled` up to whole
    vectors, only `count` of its elements are in the span.
    """
    rest = span.size % lanes
    if isinstance(span.lower, int) and isinstance(span.upper, int):
        end: Index = span.upper - rest
    else:
        end = text.sub(span.upper, lanes - 1)
    if span.size >= lanes:
        with text.loop(span.lower, end, lanes) as place:
            write(place, lanes)
    if not rest:
        return
    with ExitStack() as stack:
        if span.last is not None:
            stack.enter_context(text.when(span.last))
        if filled:
            write(text.sub(span.upper, rest), rest)
        else:
            write(text.sub(span.upper, lanes), lanes)


def fitting(lanes: int, size: int) -> int:
    """The most lanes, a power of two, of which a size has at least one vector."""
    while lanes > max(size, 1):
        lanes //= 2
    return lanes
