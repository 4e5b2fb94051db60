"""Convolutions of few channels a group over images with the channels innermost: in vectors over channels.

Depthwise ones have one channel a group, whose weights stay in registers; with more of them, each of a group's channels
is shuffled to where its results are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from ....dialects import nn
from ....dialects.mlir import ir
from ....dialects.tensors import static_shape
from ..buffer import Buffer
from ..group import Group
from ..halo import fill_row
from ..kernel import Array, Kernel, load, split, vector
from ..target import TargetSpec
from ..text import Index
from .epilogue import Epilogue, Finish, as_it_lies, has_room
from .panels import constant_row, start_of_sums
from .registers import spans
from .windows import Window, finds_zeros, has_constant_bias

LARGE_WINDOW = 25
"""Weights up to which a window is written out; larger ones are loops over its rows, and these too if they have more."""
TILES = {32: (4, 4), 16: (2, 4)}
"""By the number of vector registers: rows and columns of results that are computed together."""


def suits_depthwise(group: Group, buffers: Mapping[ir.Value, Buffer], spec: TargetSpec) -> bool:
    """Whether `lower_depthwise` can: a filter a channel, groups that fill vectors, f32, constant weights, channels
    innermost in whole vectors, and a halo of zeros as wide as the padding."""
    conv = group.anchor
    shape = static_shape(conv.input)
    each = shape[1] // conv.groups
    if shape[1] != static_shape(conv.output)[1] or each >= spec.lanes(4) or spec.lanes(4) % each:
        return False
    if nn.constant_value(conv.weight) is None or not has_constant_bias(conv):
        return False
    image = buffers[conv.input]
    innermost = image.inner == 1 and has_room(image, 1, spec.lanes(4))
    return image.element == "f32" and innermost and finds_zeros(conv, image, 0)


def lower_depthwise(group: Group, buffers: Mapping[ir.Value, Buffer], spec: TargetSpec) -> list[Kernel]:
    """One kernel; its epilogue in vectors where channels are neighbours in memory."""
    return [as_it_lies(group, buffers, 1, lambda scattered: Depthwise(group, buffers, spec, scattered).write())]


@dataclass
class Depthwise:
    """Writes the kernel of a depthwise convolution: tasks are bands of rows of the result."""

    group: Group
    buffers: Mapping[ir.Value, Buffer]
    spec: TargetSpec
    scattered: bool
    kernel: Kernel = field(default_factory=lambda: Kernel("depthwise"))

    def __post_init__(self) -> None:
        conv = self.conv = self.group.anchor
        self.text, self.lanes = self.kernel.text, self.spec.lanes(4)
        self.window = Window.of(conv)
        self.batch, self.channels, self.rows, self.columns = static_shape(conv.output)
        self.epilogue = self.finish()
        self.image, source = self.source()
        self.input = self.kernel.operand(source, self.image)
        self.vectors = -(-self.channels // self.lanes)
        weight, starts = self.factors()
        self.each = weight.shape[1]
        self.large = self.window.taps * self.each > LARGE_WINDOW
        packed = np.zeros((self.vectors * self.lanes, self.window.taps * self.each), np.float32)
        packed[: self.channels] = weight.transpose(0, 2, 3, 1).reshape(self.channels, -1)
        by_vector = packed.reshape(self.vectors, self.lanes, -1).transpose(0, 2, 1)
        self.weights = self.kernel.constant(np.ascontiguousarray(by_vector).reshape(-1))
        self.starts = constant_row(self.kernel, starts, self.lanes)

    def source(self) -> tuple[Buffer, ir.Value]:
        """The image that is read, and the value that lies there."""
        return self.buffers[self.conv.input], self.conv.input

    def factors(self) -> tuple[Array, Array | None]:
        """The weights, as f32, and what sums start with."""
        weight = nn.constant_value(self.conv.weight)
        assert weight is not None
        return weight, nn.constant_value(self.conv.bias)

    def finish(self) -> Finish:
        """What is done with the sums."""
        return self.behind()

    def behind(self) -> Epilogue:
        """What is done with the convolution's results."""
        conv = self.conv
        return Epilogue(self.kernel, self.group, self.buffers, conv.output, 1, self.scattered, conv.clamp)

    def read(self, place: str) -> str:
        """A vector of the image, as f32."""
        return load(self.text, self.input, self.image, place, self.lanes)

    def write(self) -> Kernel:
        """Rows by columns of a tile are such that the sums and the weights fill the registers."""
        text = self.text
        high, wide = TILES[min(max(self.spec.registers, 16), 32)]
        if self.large:
            high, wide = 1, high * wide - 2
        high = min(high, self.rows)
        bands = split(self.rows, high)
        number = sum(count for _, count in bands)
        self.kernel.tasks = self.batch * number
        peeled = self.channels % self.lanes and (self.scattered or not self.epilogue.roomy(self.lanes))
        whole = self.vectors - 1 if peeled else self.vectors
        with text.loop("%lo", "%hi") as task:
            image, band = text.div(task, number), text.rem(task, number)
            for height, row in spans(text, bands, band):
                column = 0
                for width, count in split(self.columns, wide):
                    with text.loop(column, column + width * count, width) as first:
                        if whole:
                            with text.loop(0, whole) as block:
                                self._tile(block, image, row, first, height, width)
                        if peeled:
                            self._tile(whole, image, row, first, height, width)
                    column += width * count
                for value in self.group.results:
                    buffer = self.buffers[value]
                    name = self.kernel.operand(value, buffer, written=True)
                    for r in range(height):
                        fill_row(text, name, buffer, image, text.add(row, r), self.lanes)
        return self.kernel

    def _tile(self, block: Index, image: Index, row: Index, column: Index, height: int, width: int) -> None:
        text, type_ = self.text, vector(self.lanes, "f32")
        channel = text.mul(block, self.lanes)
        top, left = self.window.first(text, 0, row), self.window.first(text, 1, column)
        start = start_of_sums(text, self.starts, channel, 1, self.lanes)[0]
        pixels = [(r, c) for r in range(height) for c in range(width)]
        kh, kw = self.window.kernel

        if not self.large:
            sums = dict.fromkeys(pixels, start)
            weights = {(y, x): self._weights(block, text.add(y * kw, x)) for y in range(kh) for x in range(kw)}
            for y, x, uses in self._reads(height, width, kh):
                values = self._read(image, channel, text.add(top, y), text.add(left, x))
                for pixel, tap in uses:
                    sums[pixel] = self._sum(sums[pixel], values, weights[tap])
            finished = [sums[pixel] for pixel in pixels]
        else:

            def one_tap(y: Index, x: Index, values: list[str]) -> list[str]:
                weight = self._weights(block, text.add(text.mul(y, kw), x))
                at = text.add(top, text.mul(y, self.window.dilations[0]))
                across = text.add(left, text.mul(x, self.window.dilations[1]))
                places = [text.add(across, c * self.window.strides[1]) for _, c in pixels]
                reads = [self._read(image, channel, at, place) for place in places]
                return [self._sum(value, read, weight) for value, read in zip(values, reads, strict=True)]

            def line(y: Index, values: list[str]) -> list[str]:
                if kw > LARGE_WINDOW:
                    return text.carry(0, kw, values, [type_] * len(pixels), lambda x, inner: one_tap(y, x, inner))
                inner = dict(zip(pixels, values, strict=True))
                at = text.add(top, text.mul(y, self.window.dilations[0]))
                weights = [self._weights(block, text.add(text.mul(y, kw), x)) for x in range(kw)]
                for _, x, uses in self._reads(1, width, 1):
                    read = self._read(image, channel, at, text.add(left, x))
                    for pixel, (_, tap) in uses:
                        inner[pixel] = self._sum(inner[pixel], read, weights[tap])
                return [inner[pixel] for pixel in pixels]

            finished = text.carry(0, kh, [start] * len(pixels), [type_] * len(pixels), line)
        self.epilogue.store(
            [
                (value, (image, channel, text.add(row, r), text.add(column, c)))
                for value, (r, c) in zip(finished, pixels, strict=True)
            ],
            self.lanes,
            "f32",
        )

    def _reads(
        self, height: int, width: int, taps: int
    ) -> list[tuple[int, int, list[tuple[tuple[int, int], tuple[int, int]]]]]:
        """Each position that a tile reads, relative to its first: row, column, and (pixel, tap) that it is read for."""
        (sh, sw), (dh, dw) = self.window.strides, self.window.dilations
        reads: dict[tuple[int, int], list[tuple[tuple[int, int], tuple[int, int]]]] = {}
        for y in range(taps):
            for x in range(self.window.kernel[1]):
                for r in range(height):
                    for c in range(width):
                        reads.setdefault((r * sh + y * dh, c * sw + x * dw), []).append(((r, c), (y, x)))
        return [(y, x, uses) for (y, x), uses in sorted(reads.items())]

    def _weights(self, block: Index, tap: Index) -> list[str]:
        """The weights of a tap, for each of a group's channels."""
        text, (name, buffer) = self.text, self.weights
        first = text.mul(text.add(text.mul(block, self.window.taps), tap), self.each)
        places = [text.index(text.mul(text.add(first, number), self.lanes)) for number in range(self.each)]
        return [load(text, name, buffer, place, self.lanes) for place in places]

    def _read(self, image: Index, channel: Index, row: Index, column: Index) -> list[str]:
        """Vectors of the image: each of a group's channels, in the lanes of all of its results."""
        value = self.read(self.image.at(self.text, (image, channel, row, column)))
        if self.each == 1:
            return [value]
        type_, found = vector(self.lanes, "f32"), []
        for number in range(self.each):
            picked = ", ".join(str(lane // self.each * self.each + number) for lane in range(self.lanes))
            found.append(self.text.let(f"vector.shuffle {value}, {value} [{picked}] : {type_}, {type_}"))
        return found

    def _sum(self, total: str, values: list[str], weights: list[str]) -> str:
        for value, weight in zip(values, weights, strict=True):
            total = self.text.let(f"vector.fma {value}, {weight}, {total} : {vector(self.lanes, 'f32')}")
        return total
