"""How the results of a matrix product or convolution are divided into blocks that fit the vector registers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from ..target import TargetSpec
from ..text import Index, Text

TILES = {32: {1: 28, 2: 14, 3: 9}, 16: {1: 12, 2: 6, 3: 4}}
"""By the number of vector registers and of vectors side by side: how many rows of accumulators there are.

The accumulators, the vectors of weights, and one more for the other factor fill the registers. Other shapes make LLVM
spill: of 512-bit tiles 14 x 2 and 8 x 3 reach 90 % of what the units can do, 7 x 4 only 60 %.
"""
NARROW = {1: 24, 2: 12, 3: 8}
"""The same for 128-bit vectors in 32 registers, where the other factor takes registers too."""
WIDE = {1: 8, 2: 4}
"""How many vectors of columns go with one or two rows, which are all that there are."""


@dataclass(frozen=True)
class Columns:
    """Blocks of output channels side by side: `count` blocks of `vectors` vectors each, from channel `first` on."""

    vectors: int
    count: int
    first: int


def tile_rows(spec: TargetSpec, vectors: int) -> int:
    """How many rows of accumulators go with this many vectors of columns."""
    if vectors in WIDE.values():
        return next(rows for rows, wide in WIDE.items() if wide == vectors)
    tiles = NARROW if spec.vector_bits == 128 and spec.registers == 32 else TILES[min(max(spec.registers, 16), 32)]
    return tiles[vectors]


def divide_columns(columns: int, lanes: int, alone: bool, rows: int) -> list[Columns]:
    """Columns in blocks of two vectors, or of three where their number asks for it; wider ones for a row or two.

    alone: whether the last vector has to be in a block of its own when it is not full.
    """
    vectors = -(-columns // lanes)
    shares = [(width, count) for width, count in _shares(vectors, WIDE.get(rows, 2)) if count]
    if alone and columns % lanes:
        width, count = shares.pop()
        shares += [(width, count - 1), (width, 1)]
    result, first = [], 0
    for width, count in shares:
        if count:
            result.append(Columns(width, count, first))
            first += width * count * lanes
    return result


def _shares(vectors: int, width: int) -> list[tuple[int, int]]:
    """So many vectors as (vectors of a block, count)."""
    if width > 2:
        return [(width, vectors // width), *_shares(vectors % width, width // 2)]
    if vectors < 2:
        return [(1, vectors)]
    if vectors % 2 == 0:
        return [(2, vectors // 2)]
    return [(3, vectors // 3)] if vectors % 3 == 0 else [(2, (vectors - 3) // 2), (3, 1)]


def spans(text: Text, sizes: list[tuple[int, int]], number: Index) -> Iterator[tuple[int, Index]]:
    """Of spans side by side, given as (size, count), the one with a number: its size and where it begins.

    What is written for each size is for spans of that size alone.
    """
    total, before, start = sum(count for _, count in sizes), 0, 0
    for size, count in sizes:
        with between(text, number, before, before + count, total):
            yield size, text.add(start, text.mul(text.sub(number, before), size))
        before, start = before + count, start + size * count


@contextmanager
def between(text: Text, number: Index, low: int, high: int, total: int) -> Iterator[None]:
    """What is written inside is for numbers from low to below high, of those from 0 to below total."""
    if (low, high) == (0, total):
        yield
        return
    behind = text.let(f"arith.subi {text.index(number)}, {text.index(low)} : index")
    with text.when(text.let(f"arith.cmpi ult, {behind}, {text.index(high - low)} : index")):
        yield


@contextmanager
def only(text: Text, number: Index, one: int) -> Iterator[None]:
    """What is written inside is for one number."""
    with text.when(text.let(f"arith.cmpi eq, {text.index(number)}, {text.index(one)} : index")):
        yield
