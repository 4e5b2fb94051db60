"""Fills the unused elements around an image, which convolutions read: part of each kernel that writes one."""

from __future__ import annotations

from .buffer import Buffer
from .kernel import flatten, store, vector
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
        self.text, self.lanes, self.number = text, lanes, buffer.fill
        self.buffer = Buffer.plain(buffer.element, (flatten(buffer.extents),))
        axes = ", ".join(map(str, range(len(buffer.order))))
        self.name = text.let(f"memref.collapse_shape {name} [[{axes}]] : {buffer.type} into {self.buffer.type}")

    def fill(self, start: Index, count: int) -> None:
        """Fill `count` elements from `start` on."""
        whole = count // self.lanes * self.lanes
        for lanes, first, last in ((self.lanes, 0, whole), (1, whole, count)):
            if first < last:
                with self.text.loop(first, last, lanes) as i:
                    place = self.text.index(self.text.add(start, i))
                    value = self.text.constant(self.number, vector(lanes, self.buffer.element))
                    store(self.text, value, self.name, self.buffer, place, lanes)
