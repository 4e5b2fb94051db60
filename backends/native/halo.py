"""Fills the unused elements around an image, which convolutions read: part of each kernel that writes one."""

from __future__ import annotations

from .buffer import Buffer
from .kernel import flatten, vector
from .text import Index, Text


def fill_row(text: Text, name: str, buffer: Buffer, image: Index, row: Index, lanes: int) -> None:
    """Fill what lies beside a row of an image (`Buffer.image`), and above the first and below the last one."""
    _, channels, height, width = buffer.extents
    top, left = buffer.before[2:]
    bottom, right = buffer.halo[2:]
    if not (top or left or bottom or right):
        return
    start = text.mul(text.add(text.mul(image, height), text.add(row, top)), width * channels)
    flat = Flat(text, name, buffer, lanes)
    flat.fill(start, left * channels)
    flat.fill(text.add(start, (width - right) * channels), right * channels)
    first = text.mul(image, height * width * channels)
    rows = buffer.shape[2]
    for edge, offset, count in ((0, 0, top), (rows - 1, top + rows, bottom)):
        if not count:
            continue
        where = text.add(first, offset * width * channels)
        if isinstance(row, int):
            if row == edge:
                flat.fill(where, count * width * channels)
            continue
        with text.when(text.let(f"arith.cmpi eq, {row}, {text.index(edge)} : index")):
            Flat(text, name, buffer, lanes).fill(where, count * width * channels)


class Flat:
    """A block of memory as a row of elements, to be filled with the buffer's `fill`."""

    def __init__(self, text: Text, name: str, buffer: Buffer, lanes: int) -> None:
        self.text, self.lanes, self.element = text, lanes, buffer.element
        self.value = text.constant(buffer.fill, vector(lanes, buffer.element))
        self.type = f"memref<{flatten(buffer.extents)}x{buffer.element}>"
        axes = ", ".join(map(str, range(len(buffer.order))))
        self.name = text.let(f"memref.collapse_shape {name} [[{axes}]] : {buffer.type} into {self.type}")

    def fill(self, start: Index, count: int) -> None:
        """Fill `count` elements, a multiple of the lanes, from `start` on."""
        if not count:
            return
        with self.text.loop(0, count, self.lanes) as i:
            place = self.text.index(self.text.add(start, i))
            types = f"{self.type}, {vector(self.lanes, self.element)}"
            self.text.do(f"vector.store {self.value}, {self.name}[{place}] : {types}")
