"""Walks over a tensor in rows: the elements along some axes, of which one result is made, or which are normalised
together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from .evaluation import Point
from .kernel import Kernel, flatten, splat
from .text import Index, Text

CHUNK = 8192
"""Elements that a task reads at least, where there are so many."""
MOST = 4
"""Vectors that are worked on side by side, so that none waits for the one before."""
STRAIGHT = 16
"""Vectors of the longest row that is written without a loop."""

Registers = tuple[str, ...]
Term = Callable[[Point, int], Registers]
"""What the elements at a point add to a fold; the number is that of the vector across, 0 along."""
Visit = Callable[[Point, int], None]
"""What is done with the elements at a point."""


class Folding(Protocol):
    """How the elements of a row are put together, in one register or several."""

    def start(self, text: Text, lanes: int) -> Registers:
        """What the fold of no elements is."""

    def types(self, text: Text, lanes: int) -> Registers:
        """The types of the registers."""

    def combine(self, text: Text, lanes: int, a: Registers, b: Registers) -> Registers:
        """Two folds as one."""

    def horizontal(self, text: Text, lanes: int, a: Registers) -> Registers:
        """The fold of the lanes of vectors."""


@dataclass(frozen=True)
class Rows:
    """How a tensor is walked.

    order: its axes from the outermost to the innermost in memory. reduced: the axes along which rows lie. lanes:
    elements of a vector, along the innermost axis. room: whether there is memory for whole vectors at its end.
    """

    shape: tuple[int, ...]
    order: tuple[int, ...]
    reduced: frozenset[int]
    lanes: int
    room: bool = False

    @property
    def inner(self) -> int:
        """The axis of the vectors."""
        return self.order[-1]

    @property
    def across(self) -> bool:
        """Whether each lane is of another row."""
        return self.inner not in self.reduced

    @property
    def kept(self) -> list[int]:
        """The axes that tell rows apart, but for those side by side in vectors."""
        return [axis for axis in self.order if axis not in self.reduced and not (self.across and axis == self.inner)]

    @property
    def along(self) -> list[int]:
        """The axes of a row."""
        return [axis for axis in self.order if axis in self.reduced]

    def emit(self, kernel: Kernel, body: Callable[[Row], None]) -> None:
        """Write loops over all rows, in tasks; `body` is called for each kind of rows there are."""
        text = kernel.text
        length = flatten([self.shape[axis] for axis in self.along])
        size = self.shape[self.inner]
        wide = -(-size // self.lanes) * self.lanes if self.room else size
        block = min(MOST, max(wide // self.lanes, 1)) * self.lanes if self.across else 1
        blocks = -(-wide // block) if self.across else 1
        units = flatten([self.shape[axis] for axis in self.kept]) * blocks
        each = -(-units // max(1, min(units, units * length * min(block, wide) // CHUNK)))
        kernel.tasks = -(-units // each)
        with text.loop("%lo", "%hi") as task:
            start = text.mul(task, each)
            count = 1 if each == 1 else text.sub(text.minimum(text.add(start, each), units), start)
            with text.loop(0, count) as number:
                unit = text.add(start, number)
                indices = self._kept_indices(text, text.div(unit, blocks))
                if self.across:
                    self._emit_block(text, indices, text.rem(unit, blocks), wide, block, body)
                else:
                    body(Row(text, self, indices, 0, [(0, 1)]))

    def _emit_block(
        self, text: Text, indices: dict[int, Index], number: Index, wide: int, block: int, body: Callable[[Row], None]
    ) -> None:
        """The rows of a block of vectors side by side; the last one can be narrower."""
        whole = wide // block
        vectors = [(offset, self.lanes) for offset in range(0, block, self.lanes)]
        rest = pieces(wide - whole * block, self.lanes)
        if not whole:
            body(Row(text, self, indices, 0, rest))
        elif not rest:
            body(Row(text, self, indices, text.mul(number, block), vectors))
        else:
            last = text.let(f"arith.cmpi eq, {text.index(number)}, {text.index(whole)} : index")
            with text.when(last):
                body(Row(text, self, indices, whole * block, rest))
            with text.when(text.let(f"arith.cmpi ne, {text.index(number)}, {text.index(whole)} : index")):
                body(Row(text, self, indices, text.mul(number, block), vectors))

    def _kept_indices(self, text: Text, number: Index) -> dict[int, Index]:
        """The indices of a row, from its number."""
        sizes = [self.shape[axis] for axis in self.kept]
        found: dict[int, Index] = {}
        for k, axis in enumerate(self.kept):
            outer = text.div(number, flatten(sizes[k + 1 :]))
            found[axis] = text.rem(outer, sizes[k]) if k else outer
        return found


@dataclass(frozen=True)
class Row:
    """One row, or across as many side by side as `vectors` has lanes: (offset from `base`, lanes) each."""

    text: Text
    rows: Rows
    indices: dict[int, Index]
    base: Index
    vectors: list[tuple[int, int]]

    @property
    def straight(self) -> bool:
        """Whether a row is written without a loop: registers computed in one walk can be used in the next one."""
        outer = flatten([self.rows.shape[axis] for axis in self.rows.along[:-1]])
        return not self.rows.across and outer == 1 and self.rows.shape[self.rows.inner] <= STRAIGHT * self.rows.lanes

    def lanes(self, number: int) -> int:
        """Lanes of what a fold gives for one of the vectors: one row's result is a scalar."""
        return self.vectors[number][1]

    def spread(self, result: str, lanes: int, element: str) -> str:
        """The result of a fold as it meets the elements of its rows in a walk."""
        return result if self.rows.across else splat(self.text, result, lanes, element)

    def point(self, number: int) -> Point:
        """Where one of the vectors lies, with 0 along the row."""
        return self._point({}, self.text.add(self.base, self.vectors[number][0]), self.vectors[number][1])

    def fold(self, folding: Folding, term: Term) -> list[Registers]:
        """Put together the terms of all elements: for each of the vectors across, or one scalar for a row."""
        return self._fold_across(folding, term) if self.rows.across else [self._fold_along(folding, term)]

    def scan(
        self, number: int, start: str, type_: str, step: Callable[[Point, str], str], backwards: bool = False
    ) -> None:
        """Walk along one of the vectors, or the row, element by element; each step hands a value on to the next one."""
        offset, lanes = self.vectors[number]
        inner = self.text.add(self.base, offset)
        if not self.rows.along:
            step(self._point({}, inner, lanes), start)
            return
        (axis,) = self.rows.along
        size = self.rows.shape[axis]

        def body(i: Index, values: Sequence[str]) -> list[str]:
            place = self.text.sub(size - 1, i) if backwards else i
            point = self._point({axis: place}, inner, lanes) if self.rows.across else self._point({}, place, 1)
            return [step(point, values[0])]

        self.text.carry(0, size, [start], [type_], body)

    def each(self, body: Visit) -> None:
        """Walk over all elements; `body` gets the point and the number of the vector."""
        if self.rows.across:
            self._nest(self.rows.along, {}, [], [], lambda found, _: self._each_vector(found, body))
        else:
            self._nest(self.rows.along[:-1], {}, [], [], lambda found, _: self._each_column(found, body))

    def _each_vector(self, found: dict[int, Index], body: Visit) -> Sequence[str]:
        for number, (offset, lanes) in enumerate(self.vectors):
            body(self._point(found, self.text.add(self.base, offset), lanes), number)
        return []

    def _each_column(self, found: dict[int, Index], body: Visit) -> Sequence[str]:
        whole, rest = self._columns()
        lanes = self.rows.lanes
        if self.straight:
            for offset in [*range(0, whole, lanes), *self._overlap]:
                body(self._point(found, offset, lanes), 0)
        elif whole:
            with self.text.loop(0, whole, lanes) as start:
                body(self._point(found, start, lanes), 0)
        for offset, width in rest:
            body(self._point(found, whole + offset, width), 0)
        return []

    def _fold_across(self, folding: Folding, term: Term) -> list[Registers]:
        starts = [folding.start(self.text, lanes) for _, lanes in self.vectors]
        types = [type_ for _, lanes in self.vectors for type_ in folding.types(self.text, lanes)]
        count = len(starts[0])

        def body(found: dict[int, Index], values: Sequence[str]) -> Sequence[str]:
            result: list[str] = []
            for number, (offset, lanes) in enumerate(self.vectors):
                before = tuple(values[number * count : (number + 1) * count])
                now = term(self._point(found, self.text.add(self.base, offset), lanes), number)
                result += folding.combine(self.text, lanes, before, now)
            return result

        flat = self._nest(self.rows.along, {}, [one for start in starts for one in start], types, body)
        return [tuple(flat[i : i + count]) for i in range(0, len(flat), count)]

    def _fold_along(self, folding: Folding, term: Term) -> Registers:
        whole, rest = self._columns()
        unrolled = min(MOST, whole // self.rows.lanes)
        widths = [self.rows.lanes] * unrolled + [width for _, width in rest]
        starts = [folding.start(self.text, lanes) for lanes in widths]
        types = [type_ for lanes in widths for type_ in folding.types(self.text, lanes)]
        count = len(starts[0])

        def body(found: dict[int, Index], values: Sequence[str]) -> Sequence[str]:
            wide = self._fold_columns(folding, term, found, list(values[: unrolled * count]), whole, unrolled)
            for offset in self._overlap:
                fresh = self._fresh(folding, term(self._point(found, offset, self.rows.lanes), 0))
                wide[-count:] = folding.combine(self.text, self.rows.lanes, tuple(wide[-count:]), fresh)
            narrow: list[str] = []
            for number, (offset, width) in enumerate(rest, unrolled):
                before = tuple(values[number * count : (number + 1) * count])
                now = term(self._point(found, whole + offset, width), 0)
                narrow += folding.combine(self.text, width, before, now)
            return [*wide, *narrow]

        flat = self._nest(self.rows.along[:-1], {}, [one for start in starts for one in start], types, body)
        folds = [(lanes, tuple(flat[i * count : (i + 1) * count])) for i, lanes in enumerate(widths)]
        while unrolled > 1:
            half = (unrolled + 1) // 2
            for i in range(half, unrolled):
                merged = folding.combine(self.text, self.rows.lanes, folds[i - half][1], folds[i][1])
                folds[i - half] = (self.rows.lanes, merged)
            del folds[half:unrolled]
            unrolled = half
        scalars = [fold if lanes == 1 else folding.horizontal(self.text, lanes, fold) for lanes, fold in folds]
        result = scalars[0] if scalars else folding.start(self.text, 1)
        for scalar in scalars[1:]:
            result = folding.combine(self.text, 1, result, scalar)
        return result

    def _fold_columns(
        self,
        folding: Folding,
        term: Term,
        found: dict[int, Index],
        values: list[str],
        whole: int,
        unrolled: int,
    ) -> list[str]:
        """Fold whole vectors, `unrolled` of them side by side."""
        if not unrolled:
            return []
        lanes, count = self.rows.lanes, len(values) // unrolled
        step = unrolled * lanes

        def vectors(start: Index, inside: list[str], many: int) -> list[str]:
            result = list(inside)
            for i in range(many):
                part = slice(i * count, (i + 1) * count)
                now = term(self._point(found, self.text.add(start, i * lanes), lanes), 0)
                result[part] = folding.combine(self.text, lanes, tuple(inside[part]), now)
            return result

        looped = whole // step * step
        if self.straight:
            for start in range(0, looped, step):
                values = vectors(start, values, unrolled)
        else:
            types = [type_ for _ in range(unrolled) for type_ in folding.types(self.text, lanes)]
            values = self.text.carry(
                0, looped, values, types, lambda start, inside: vectors(start, inside, unrolled), step
            )
        return vectors(looped, values, (whole - looped) // lanes)

    def _columns(self) -> tuple[int, list[tuple[int, int]]]:
        """How many elements along the innermost axis make whole vectors, and the pieces of what is left, unless a
        vector that overlaps the one before it covers that."""
        size, lanes = self.rows.shape[self.rows.inner], self.rows.lanes
        whole = size // lanes * lanes
        return whole, [] if self._overlap else pieces(size - whole, lanes)

    @property
    def _overlap(self) -> list[int]:
        """Where the last vector of a short row begins that reaches into the one before it, if there is one."""
        size, lanes = self.rows.shape[self.rows.inner], self.rows.lanes
        return [size - lanes] if self.straight and size > lanes and size % lanes else []

    def _fresh(self, folding: Folding, terms: Registers) -> Registers:
        """The terms of the lanes of an overlapping vector that are new; those of nothing in the others."""
        lanes = self.rows.lanes
        old = lanes - self.rows.shape[self.rows.inner] % lanes
        mask = self.text.constant(f"[{', '.join(['false'] * old + ['true'] * (lanes - old))}]", f"vector<{lanes}xi1>")
        types, nothing = folding.types(self.text, lanes), folding.start(self.text, lanes)
        return tuple(
            self.text.let(f"arith.select {mask}, {term}, {neutral} : vector<{lanes}xi1>, {type_}")
            for term, neutral, type_ in zip(terms, nothing, types, strict=True)
        )

    def _nest(
        self,
        axes: Sequence[int],
        found: dict[int, Index],
        values: Sequence[str],
        types: Sequence[str],
        body: Callable[[dict[int, Index], Sequence[str]], Sequence[str]],
    ) -> Sequence[str]:
        """Loops over axes, one inside the other, that hand values on."""
        if not axes:
            return body(found, values)
        axis, *rest = axes
        size = self.rows.shape[axis]
        if not values:
            with self.text.loop(0, size) as i:
                return self._nest(rest, {**found, axis: i}, values, types, body)
        return self.text.carry(
            0, size, values, types, lambda i, inside: self._nest(rest, {**found, axis: i}, inside, types, body)
        )

    def _point(self, found: dict[int, Index], inner: Index, lanes: int) -> Point:
        all_ = {**dict.fromkeys(range(len(self.rows.shape)), 0), **self.indices, **found, self.rows.inner: inner}
        return Point(tuple(all_[axis] for axis in range(len(self.rows.shape))), lanes, self.rows.inner)


def pieces(size: int, lanes: int) -> list[tuple[int, int]]:
    """(offset, lanes) of vectors, as wide as can be, that cover a size exactly."""
    result, offset = [], 0
    while offset < size:
        while lanes > size - offset:
            lanes //= 2
        result.append((offset, lanes))
        offset += lanes
    return result
