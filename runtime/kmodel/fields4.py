"""What nodes of kmodel version 4 are made of: memory ranges, windows, rescaling, and the catalogue of their kinds.

Source: kmodel v4 as written by nncase 0.2.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np

from ...errors import KmodelError
from .bodies import Catalogue, Fields, Shape, windowed
from .elements import numpy_dtype
from .struct import I32, U32, I32x2, Inner, Record, struct

LOCATIONS = {"const": 0, "main": 1, "kpu": 2}
LOCATION_NAMES = {code: name for name, code in LOCATIONS.items()}
ELEMENTS = {"f32": 0, "u8": 1}
ELEMENT_NAMES = {code: name for name, code in ELEMENTS.items()}

nodes = Catalogue("node")


@struct(size=16)
class MemoryRange(Record):
    """Where a tensor lies: `bytes` from `start` on in one of LOCATIONS."""

    location: U32
    element: U32
    start: U32
    bytes: U32

    def __str__(self) -> str:
        element = ELEMENT_NAMES.get(self.element, f"element {self.element}")
        location = LOCATION_NAMES.get(self.location, f"location {self.location}")
        return f"{location}[{self.start}:{self.start + self.bytes}] {element}"

    @property
    def element_name(self) -> str:
        """KmodelError K0404 for a code that does not exist."""
        if self.element not in ELEMENT_NAMES:
            raise KmodelError("K0404", cause=f"element type code {self.element} does not exist in kmodel v4")
        return ELEMENT_NAMES[self.element]


Range = Annotated[MemoryRange, Inner(MemoryRange)]
NOWHERE = MemoryRange(location=0, element=0, start=0, bytes=0)


def place(location: str, element: str, start: int, count: int) -> MemoryRange:
    """`count` elements of type "f32" or "u8" at byte `start` of "const", "main" or "kpu"."""
    size = count * numpy_dtype(element).itemsize
    return MemoryRange(location=LOCATIONS[location], element=ELEMENTS[element], start=start, bytes=size)


class Node(Fields):
    """Inputs are the ranges that are not called `output`."""

    output: Range

    @property
    def target(self) -> MemoryRange:
        """What the node writes in main memory or KPU RAM."""
        return self.output

    def sources(self) -> tuple[MemoryRange, ...]:
        """What the node reads, in order."""
        names = [one.name for one in self.places if one.coding == Inner(MemoryRange) and one.name != "output"]
        return tuple(getattr(self, name) for name in names)


@struct(size=40)
class Window(Record):
    """What slides over an image; padding is (before, after)."""

    pad_h: I32x2
    pad_w: I32x2
    kernel: I32x2
    strides: I32x2
    dilations: I32x2

    def over(self, sizes: Shape) -> Shape:
        """Height and width of the result."""
        return windowed(sizes, self.kernel, self.strides, self.dilations, self.pad_h, self.pad_w)


@struct(size=20)
class Rescale(Record):
    """From sums of products of u8 to u8: rounding_shift(sum * factor, shift) + output_offset, clamped."""

    input_offset: I32
    weights_offset: I32
    factor: I32
    shift: I32
    output_offset: I32


Windowed = Annotated[Window, Inner(Window)]
Rescaled = Annotated[Rescale, Inner(Rescale)]


def ranges_in(rows: Any) -> Sequence[MemoryRange]:
    """The memory ranges that an array of concat holds."""
    return [MemoryRange.read(np.ascontiguousarray(row).tobytes()) for row in rows]
