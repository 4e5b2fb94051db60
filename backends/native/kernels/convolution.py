"""Direct convolutions over images, without groups or with groups whose output channels fill vectors.

A register tile holds the sums of some neighbouring pixels by two or three vectors of output channels. For each tap and
input channel it takes one element of each pixel's window and the packed weights of the channels. Windows may read the
halo of their image, which holds the zeros of the padding.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ....dialects import nn
from ....dialects.mlir import ir
from ....dialects.tensors import static_shape
from ..buffer import Buffer
from ..group import Group
from ..halo import fill_row
from ..kernel import Array, Kernel, load, split, vector
from ..target import TargetSpec
from ..text import Index
from .epilogue import Epilogue, Finish, as_it_lies
from .panels import Panels, constant_panels, constant_row, start_of_sums
from .registers import Columns, between, divide_columns, only, spans, tile_rows
from .windows import Window, finds_zeros, has_constant_bias


def suits_direct(group: Group, buffers: Mapping[ir.Value, Buffer], spec: TargetSpec) -> bool:
    """Whether `lower_direct` can: such groups, f32, constant weights, and a halo of zeros as wide as the padding."""
    conv = group.anchor
    each = static_shape(conv.output)[1] // conv.groups
    if (conv.groups > 1 and each % spec.lanes(4)) or nn.constant_value(conv.weight) is None:
        return False
    image = buffers[conv.input]
    return has_constant_bias(conv) and image.element == "f32" and finds_zeros(conv, image, 0)


def lower_direct(group: Group, buffers: Mapping[ir.Value, Buffer], spec: TargetSpec) -> list[Kernel]:
    """One kernel; its epilogue in vectors where channels are neighbours in memory."""
    return [as_it_lies(group, buffers, 1, lambda scattered: Direct(group, buffers, spec, scattered).write())]


@dataclass
class Direct:
    """Writes the kernel of a direct convolution."""

    group: Group
    buffers: Mapping[ir.Value, Buffer]
    spec: TargetSpec
    scattered: bool
    kernel: Kernel = field(default_factory=lambda: Kernel("convolution"))

    def __post_init__(self) -> None:
        conv = self.conv = self.group.anchor
        self.text, self.lanes = self.kernel.text, self.spec.lanes(4)
        self.batch, self.channels = static_shape(conv.output)[:2]
        self.window, (self.rows, self.columns) = self.geometry()
        self.epilogue = self.finish()
        pixels = self.batch * self.rows * self.columns
        alone = self.scattered or not self.epilogue.roomy(self.lanes)
        each = self.channels // conv.groups
        self.blocks = divide_columns(self.channels, self.lanes, alone, pixels)
        if conv.groups > 1:
            vectors = next(count for count in (2, 3, 1) if each % (count * self.lanes) == 0)
            self.blocks = [Columns(vectors, self.channels // (vectors * self.lanes), 0)]
        self.image, source = self.source()
        matrix, starts, make = self.factors()
        self.inputs, self.apart = matrix.shape[0] // self.rows_a_step // max(self.window.taps, 1), 0
        if self.image.extents[1] == self.inputs and self.window.dilations[1] == 1:
            self._join_columns()
        self.input = self.kernel.operand(source, self.image)
        self.weights = constant_panels(self.kernel, matrix, self.blocks, self.lanes, make)
        self.starts = constant_row(self.kernel, starts, self.lanes)

    def geometry(self) -> tuple[Window, tuple[int, ...]]:
        """The windows, and how many there are along rows and columns."""
        conv = self.conv
        return Window.of(conv), static_shape(conv.output)[2:]

    def place(self, axis: int, number: Index) -> Index:
        """Where the result of a window lies along rows or columns."""
        return number

    def _join_columns(self) -> None:
        """Look at each row of the image as one pixel, `apart` channels for each of its own: where these have no others
        between them, what a window reads of a row is one run of elements."""
        image, self.apart = self.image, self.inputs
        sizes = ((n, w * self.apart, h, 1) for n, _, h, w in (image.shape, image.extents))
        shape, extents = sizes
        before = (0, image.before[3] * self.apart, image.before[2], 0)
        self.image = replace(image, shape=shape, extents=extents, before=before)

    @property
    def element(self) -> str:
        """What sums are made of."""
        return "f32"

    @property
    def rows_a_step(self) -> int:
        """How many rows of weights an element of the image meets."""
        return 1

    def source(self) -> tuple[Buffer, ir.Value]:
        """The image that is read, one element a step, and the value that lies there."""
        return self.buffers[self.conv.input], self.conv.input

    def factors(self) -> tuple[Array, Array | None, Callable[..., Panels]]:
        """The weights, with rows for each tap and step and a column for each output channel; what sums start with;
        what makes panels of the weights."""
        weight = nn.constant_value(self.conv.weight)
        assert weight is not None
        return weight.transpose(2, 3, 1, 0).reshape(-1, self.channels), nn.constant_value(self.conv.bias), Panels

    def finish(self) -> Finish:
        """What is done with the sums."""
        return self.behind()

    def behind(self) -> Epilogue:
        """What is done with the convolution's results."""
        conv = self.conv
        return Epilogue(self.kernel, self.group, self.buffers, conv.output, 1, self.scattered, conv.clamp)

    def read(self, place: str) -> str:
        """The element of the image for a step."""
        return load(self.text, self.input, self.image, place)

    def write(self) -> Kernel:
        """Tasks are blocks of output channels where the weights are large or the rows few, else rows of the result."""
        height = max(1, min(self.rows, tile_rows(self.spec, self.blocks[0].vectors) // self.columns))
        bands = split(self.rows, height)
        weights = sum(panels.buffer.bytes for panels in self.weights)
        blocks = sum(part.count for part in self.blocks)
        over_rows = self.batch * sum(count for _, count in bands)
        if blocks > 1 and (weights > self.spec.l2 // 2 or over_rows < min(blocks, 8)):
            self._tasks_of_channels(bands, blocks)
        elif self.batch * self.rows == 1:
            self._tasks_of_columns()
        else:
            self._tasks_of_rows(bands)
        return self.kernel

    def _tasks_of_rows(self, bands: list[tuple[int, int]]) -> None:
        number = sum(count for _, count in bands)
        self.kernel.tasks = self.batch * number
        with self.text.loop("%lo", "%hi") as task:
            image, band = self.text.div(task, number), self.text.rem(task, number)
            for height, row in spans(self.text, bands, band):
                for panels in self.weights:
                    with self.text.loop(0, panels.columns.count) as block:
                        self._row(panels, block, image, row, height)
                self.fill(image, row, height)

    def _tasks_of_columns(self) -> None:
        most = min(tile_rows(self.spec, part.vectors) for part in self.blocks)
        widths = split(self.columns, most)
        self.kernel.tasks = sum(count for _, count in widths)
        with self.text.loop("%lo", "%hi") as task:
            for width, column in spans(self.text, widths, task):
                for panels in self.weights:
                    with self.text.loop(0, panels.columns.count) as block:
                        self._tile(panels, block, 0, 0, column, 1, width)
            with only(self.text, task, 0):
                self.fill(0, 0, 1)

    def _tasks_of_channels(self, bands: list[tuple[int, int]], blocks: int) -> None:
        self.kernel.tasks, before = blocks, 0
        with self.text.loop("%lo", "%hi") as task:
            for panels in self.weights:
                part = panels.columns
                with between(self.text, task, before, before + part.count, blocks):
                    block = 0 if part.count == 1 else self.text.sub(task, before)
                    with self.text.loop(0, self.batch) as image:
                        row = 0
                        for height, count in bands:
                            with self.text.loop(row, row + count * height, height) as first:
                                self._row(panels, block, image, first, height)
                            row += count * height
                before += part.count
            if any(self.buffers[value].surrounded for value in self.group.results):
                with (
                    only(self.text, task, 0),
                    self.text.loop(0, self.batch) as image,
                    self.text.loop(0, self.rows) as first,
                ):
                    self.fill(image, first, 1)

    def fill(self, image: Index, row: Index, height: int) -> None:
        """Fill what lies beside some rows of the results."""
        for value in self.group.results:
            buffer = self.buffers[value]
            name = self.kernel.operand(value, buffer, written=True)
            for r in range(height):
                fill_row(self.text, name, buffer, image, self.text.add(row, r), self.spec.lanes(4))

    def _first_input(self, part: Columns, block: Index) -> Index:
        """The first input channel of the group that a block of output channels belongs to."""
        if self.conv.groups == 1:
            return 0
        number = self.text.div(block, part.count // self.conv.groups)
        return self.text.mul(number, self.inputs)

    def _element(self, image: Index, k: Index, row: Index, column: Index) -> str:
        """Where the element number k of a run lies that begins with a pixel."""
        if not self.apart:
            return self.image.at(self.text, (image, k, row, column))
        return self.image.at(self.text, (image, self.text.add(k, self.text.mul(column, self.apart)), row, 0))

    def _row(self, panels: Panels, block: Index, image: Index, row: Index, height: int) -> None:
        column = 0
        for width, count in split(self.columns, max(1, tile_rows(self.spec, panels.columns.vectors) // height)):
            with self.text.loop(column, column + width * count, width) as first:
                self._tile(panels, block, image, row, first, height, width)
            column += width * count

    def _tile(
        self, panels: Panels, block: Index, image: Index, row: Index, column: Index, height: int, width: int
    ) -> None:
        """The sums of height x width pixels and one block of channels, through the epilogue into the results."""
        text, part = self.text, panels.columns
        pixels = [(r, c) for r in range(height) for c in range(width)]
        channel = text.add(text.mul(block, part.vectors * self.lanes), part.first)
        sums = start_of_sums(text, self.starts, channel, part.vectors, self.lanes) * len(pixels)
        top, left = self.window.first(text, 0, row), self.window.first(text, 1, column)
        types = [vector(self.lanes, self.element)] * len(sums)

        def run(y: Index, x: Index, length: int, values: Sequence[str]) -> list[str]:
            """Add what a run of elements gives that begins with a tap."""
            ys = [
                text.add(text.add(top, r * self.window.strides[0]), text.mul(y, self.window.dilations[0]))
                for r in range(height)
            ]
            xs = [
                text.add(text.add(left, c * self.window.strides[1]), text.mul(x, self.window.dilations[1]))
                for c in range(width)
            ]
            first = text.mul(text.add(text.mul(y, self.window.kernel[1]), x), self.inputs)

            def step(k: Index, inner: Sequence[str]) -> list[str]:
                source = text.add(k, self._first_input(part, block))
                ones = [self.read(self._element(image, source, ys[r], xs[c])) for r, c in pixels]
                return panels.multiply(text, block, text.add(first, k), ones, inner)

            return text.carry(0, length, list(values), types, step)

        def line(y: Index, values: Sequence[str]) -> list[str]:
            columns = self.window.kernel[1]
            if self.apart:
                return run(y, 0, columns * self.inputs, values)
            return text.carry(0, columns, list(values), types, lambda x, inner: run(y, x, self.inputs, inner))

        sums = text.carry(0, self.window.kernel[0], sums, types, line)
        ys = [self.place(0, text.add(row, r)) for r in range(height)]
        xs = [self.place(1, text.add(column, c)) for c in range(width)]
        self.epilogue.store(
            [
                (
                    sums[p * part.vectors + v],
                    (image, text.add(channel, v * self.lanes), ys[r], xs[c]),
                )
                for p, (r, c) in enumerate(pixels)
                for v in range(part.vectors)
            ],
            self.lanes,
            self.element,
        )
