"""How a tensor lies in memory while machine code works on it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ...dialects.mlir import ir
from ...dialects.tensors import dtype_of, static_shape
from .text import Index, Text

BYTES = {"f64": 8, "i64": 8, "f32": 4, "i32": 4, "f16": 2, "i16": 2, "i8": 1}
"""Bytes of the elements that memory holds. Booleans lie in memory as i8, 0 or 1; unsigned integers as signless ones."""


@dataclass(frozen=True)
class Buffer:
    """A dense block of memory that holds a tensor, perhaps with unused elements around it.

    shape: the tensor's. order: its axes from the outermost to the innermost in memory. extents: by axis, how many
    elements memory has. before: by axis, how many of them lie before the tensor's first one. The unused ones are halo
    that convolutions read (`fill` is their value), lanes that fill up a vector, or another tensor's part of the block.
    """

    element: str
    shape: tuple[int, ...]
    order: tuple[int, ...]
    extents: tuple[int, ...]
    before: tuple[int, ...]
    fill: float = 0.0

    @classmethod
    def plain(cls, element: str, shape: Sequence[int]) -> Buffer:
        """Row-major, without anything unused."""
        axes = tuple(range(len(shape)))
        return cls(element, tuple(shape), axes, tuple(shape), (0,) * len(shape))

    @classmethod
    def image(
        cls, element: str, shape: Sequence[int], lanes: int, halo: Sequence[int] = (0, 0, 0, 0), fill: float = 0.0
    ) -> Buffer:
        """N x C x H x W with the channels innermost, filled up to whole vectors of `lanes`; `halo` is how many rows
        and columns lie before (top, left) and behind (bottom, right)."""
        n, c, h, w = shape
        top, left, bottom, right = halo
        extents = (n, -(-c // lanes) * lanes, top + h + bottom, left + w + right)
        return cls(element, tuple(shape), (0, 2, 3, 1), extents, (0, 0, top, left), fill)

    def of(self, element: str) -> Buffer:
        """The same with other elements."""
        return replace(self, element=element)

    @property
    def type(self) -> str:
        """The memref type of the whole block."""
        return f"memref<{self.dimensions}>"

    @property
    def dimensions(self) -> str:
        """Extents and elements of the whole block, as types say them."""
        return "x".join([*(str(self.extents[axis]) for axis in self.order), self.element])

    @property
    def bytes(self) -> int:
        """Size of the whole block."""
        return math.prod(self.extents) * BYTES[self.element]

    @property
    def is_plain(self) -> bool:
        """Whether the block is the tensor in row-major order and nothing else."""
        return self == replace(Buffer.plain(self.element, self.shape), fill=self.fill)

    @property
    def halo(self) -> tuple[int, ...]:
        """By axis, the unused elements behind the tensor."""
        return tuple(e - s - b for e, s, b in zip(self.extents, self.shape, self.before, strict=True))

    def is_image_of(self, lanes: int) -> bool:
        """Whether the channels are innermost, filled up to vectors of `lanes`."""
        return len(self.shape) == 4 and self.order[-1] == 1 and self.extents[1] % lanes == 0

    @property
    def surrounded(self) -> bool:
        """Whether there are unused rows or columns around an image, which its kernel has to fill."""
        return len(self.shape) == 4 and any(self.before[2:] + self.halo[2:])

    @property
    def inner(self) -> int:
        """The axis whose neighbours are neighbours in memory; -1 for a scalar."""
        return self.order[-1] if self.order else -1

    def at(self, text: Text, indices: Sequence[Index]) -> str:
        """The position of an element of the tensor, as `memref.load` and `vector.load` want it."""
        return ", ".join(text.index(text.add(indices[axis], self.before[axis])) for axis in self.order)


def element_of(value: ir.Value | ir.Type) -> str:
    """What memory holds of a value's elements."""
    dtype = dtype_of(value)
    if dtype.kind == "b":
        return "i8"
    return f"{'f' if dtype.kind == 'f' else 'i'}{dtype.itemsize * 8}"


def plain_buffer(value: ir.Value) -> Buffer:
    """A value in row-major order."""
    return Buffer.plain(element_of(value), static_shape(value))
