"""Matrices packed in panels, and the innermost step of matrix products and convolutions.

A panel holds some vectors of columns side by side, row by row: `[row][column]`. One step multiplies one element of each
row of a register tile by a row of a panel and adds that to the tile's sums.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..buffer import BYTES, Buffer
from ..kernel import Array, Kernel, load, vector
from ..text import Index, Text
from .registers import Columns

AHEAD = 12 << 10
"""How many bytes ahead of its use a panel is fetched. This costs next to nothing where it is in a cache already."""


@dataclass(frozen=True)
class Panels:
    """Panels of one width, one behind the other; each has `rows` rows, of `lanes` f32 a vector.

    name, buffer: the memory, as one row of elements, in a kernel.
    """

    columns: Columns
    rows: int
    lanes: int
    name: str
    buffer: Buffer

    @property
    def width(self) -> int:
        """Columns of a panel."""
        return self.columns.vectors * self.lanes

    rows_a_step: ClassVar[int] = 1
    """How many rows of a panel an element of the other factor meets."""

    def multiply(self, text: Text, panel: Index, step: Index, ones: Sequence[str], sums: Sequence[str]) -> list[str]:
        """Add to `sums`, those of each row of the tile side by side, the product of an element of each and a row, or
        the rows of a step."""
        rows = [
            self._places(text, panel, text.add(text.mul(step, self.rows_a_step), part))
            for part in range(self.rows_a_step)
        ]
        loaded = [[load(text, self.name, self.buffer, text.index(at), self.lanes) for at in places] for places in rows]
        result = list(sums)
        for r, one in enumerate(ones):
            for part, factors in enumerate(loaded):
                wide = self.widened(text, one, part)
                for v, factor in enumerate(factors):
                    place = r * len(factors) + v
                    result[place] = self.add_product(text, wide, factor, result[place])
        for start in (place for places in rows for place in places):
            # behind the products, where LLVM's scheduler does no harm with it
            ahead = text.index(text.add(start, AHEAD // BYTES[self.buffer.element]))
            text.do(f"memref.prefetch {self.name}[{ahead}], read, locality<3>, data : {self.buffer.type}")
        return result

    def _places(self, text: Text, panel: Index, row: Index) -> list[Index]:
        """Where the vectors of a row begin."""
        start = text.mul(text.add(text.mul(panel, self.rows), row), self.width)
        return [text.add(start, v * self.lanes) for v in range(self.columns.vectors)]

    def widened(self, text: Text, one: str, part: int) -> str:
        """An element of the tile's row, or what a row of a step meets of it, in every lane."""
        return text.let(f"vector.broadcast {one} : f32 to {vector(self.lanes, 'f32')}")

    def add_product(self, text: Text, wide: str, factor: str, total: str) -> str:
        """A sum, with the product of an element of the tile's row and a vector of the panel."""
        return text.let(f"vector.fma {wide}, {factor}, {total} : {vector(self.lanes, 'f32')}")


def constant_panels(
    kernel: Kernel,
    matrix: Array,
    parts: Sequence[Columns],
    lanes: int,
    make: Callable[..., Panels],
) -> list[Panels]:
    """A constant matrix in panels, for each of the widths that its columns are divided into.

    make: makes the panels from their fields.
    """
    panels = []
    for part in parts:
        width = part.vectors * lanes
        packed = pack_columns(matrix[:, part.first : part.first + part.count * width], width, part.count)
        panels.append(make(part, matrix.shape[0], lanes, *kernel.constant(packed)))
    return panels


def pack_columns(matrix: Array, width: int, panels: int) -> Array:
    """A matrix as panels of `width` columns one behind the other, filled up with zeros, in one row."""
    rows, columns = matrix.shape
    whole = np.zeros((rows, panels * width), matrix.dtype)
    whole[:, :columns] = matrix
    return np.ascontiguousarray(whole.reshape(rows, panels, width).transpose(1, 0, 2)).reshape(-1)


def constant_row(kernel: Kernel, values: Array | None, lanes: int) -> tuple[str, Buffer] | None:
    """One number for each column, filled up to whole vectors; None for None."""
    if values is None:
        return None
    whole = np.zeros(-(-values.size // lanes) * lanes, values.dtype)
    whole[: values.size] = values
    return kernel.constant(whole)


def start_of_sums(text: Text, biases: tuple[str, Buffer] | None, column: Index, vectors: int, lanes: int) -> list[str]:
    """What the sums of one row of a tile begin with: the biases of its columns (see `constant_row`), or zeros."""
    if biases is None:
        return [text.constant(0.0, vector(lanes, "f32"))] * vectors
    name, buffer = biases
    places = [text.index(text.add(column, v * lanes)) for v in range(vectors)]
    return [load(text, name, buffer, place, lanes) for place in places]
