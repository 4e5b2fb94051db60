"""Exchanges rows and columns of a block in registers, by instructions that take one cycle each."""

from __future__ import annotations

from collections.abc import Sequence

from .buffer import BYTES
from .kernel import vector
from .text import Text

SECTION = 16
"""Bytes of a part of a vector register within which interleaving stays, on x86; registers elsewhere are no longer."""


def transposed(text: Text, rows: Sequence[str], columns: int, height: int, element: str) -> list[str]:
    """Vectors of `height` elements that hold the columns of rows, each a vector of `columns` elements; what is behind
    the last row is not defined. Both numbers are powers of two, and there are no more rows than `height`."""
    square = max(columns, height)
    if square == 1:
        return list(rows)
    block = Block(text, square, element)
    blank = text.let(f"ub.poison : {block.type}")
    vectors = [block.resized(row, columns, square) for row in rows] + [blank] * (square - len(rows))
    section = min(SECTION // BYTES[element], square)
    mixed = [
        one for start in range(0, square, section) for one in block.in_sections(vectors[start:][:section], section)
    ]
    result: list[str] = [""] * square
    for j in range(section):
        result[j::section] = block.by_sections(mixed[j::section], section)
    return [block.resized(one, square, height) for one in result[:columns]]


def interleaved(text: Text, rows: Sequence[str], columns: int, height: int, element: str) -> str:
    """The columns of rows, each a vector of `columns` elements, one behind the other in one vector: of `height`
    elements each, a power of two; what is behind the last row is not defined."""
    if height == 1:
        return rows[0]
    poison = [text.let(f"ub.poison : {vector(columns, element)}")] * (height - len(rows))
    half, size = height // 2, columns * height // 2
    even, odd = (interleaved(text, [*rows, *poison][start::2], columns, half, element) for start in (0, 1))
    places = ", ".join(f"{place}, {size + place}" for place in range(size))
    type_ = vector(size, element)
    return text.let(f"vector.shuffle {even}, {odd} [{places}] : {type_}, {type_}")


class Block:
    """Shuffles of vectors of `lanes` elements."""

    def __init__(self, text: Text, lanes: int, element: str) -> None:
        self.text, self.lanes, self.element = text, lanes, element

    @property
    def type(self) -> str:
        """The type of its vectors."""
        return vector(self.lanes, self.element)

    def resized(self, value: str, lanes: int, wanted: int) -> str:
        """The first elements of a vector of `lanes`, or behind them anything."""
        if lanes == wanted:
            return value
        if lanes == 1:
            return self.text.let(f"vector.broadcast {value} : {self.element} to {vector(wanted, self.element)}")
        type_ = vector(lanes, self.element)
        if wanted == 1:
            return self.text.let(f"vector.extract {value}[0] : {self.element} from {type_}")
        places = ", ".join(str(lane if lane < lanes else -1) for lane in range(wanted))
        return self.text.let(f"vector.shuffle {value}, {value} [{places}] : {type_}, {type_}")

    def in_sections(self, rows: Sequence[str], section: int) -> list[str]:
        """As many rows as a section has elements: transposed within each of the sections."""
        half = section // 2
        vectors = list(rows)
        for _ in range(section.bit_length() - 1):
            vectors = [
                self._shuffle(vectors[i], vectors[i + half], self._interleaved(section, high))
                for i in range(half)
                for high in (0, half)
            ]
        return vectors

    def by_sections(self, vectors: Sequence[str], section: int) -> list[str]:
        """As many vectors as they have sections: transposed as if a section were an element."""
        if len(vectors) == 1:
            return list(vectors)
        result: list[str] = [""] * len(vectors)
        for odd in (0, 1):
            kept = [
                self._shuffle(vectors[i], vectors[i + 1], self._every_other(section, odd))
                for i in range(0, len(vectors), 2)
            ]
            result[odd::2] = self.by_sections(kept, section)
        return result

    def _interleaved(self, section: int, high: int) -> list[int]:
        """The lower or higher halves of all sections of two vectors, their elements in turn."""
        starts = range(high, self.lanes, section)
        return [start + i + second * self.lanes for start in starts for i in range(section // 2) for second in (0, 1)]

    def _every_other(self, section: int, odd: int) -> list[int]:
        """Every other section of two vectors, one behind the other."""
        starts = range(odd * section, 2 * self.lanes, 2 * section)
        return [start + i for start in starts for i in range(section)]

    def _shuffle(self, a: str, b: str, places: Sequence[int]) -> str:
        return self.text.let(f"vector.shuffle {a}, {b} [{', '.join(map(str, places))}] : {self.type}, {self.type}")
