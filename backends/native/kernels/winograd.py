"""Convolutions of 3 x 3 windows by Winograd's algorithm F(4 x 4, 3 x 3): a quarter of the multiplications.

Tiles of 4 x 4 results come from 6 x 6 inputs that overlap by two. Both are transformed, so that each of the 36 places
of a tile is a matrix product of its own: tiles by input channels, input channels by output channels. Three kernels:
inputs to scratch memory, the products, and from them to results. Sources: Lavin and Gray, Fast Algorithms for
Convolutional Neural Networks, 2016; on the points, Barabasz et al., Error Analysis and Improving the Accuracy of
Winograd Convolution, 2018.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from ....dialects import nn
from ....dialects.mlir import ir
from ....dialects.tensors import static_shape
from ..arithmetic import Arithmetic
from ..buffer import Buffer
from ..evaluation import Scalars
from ..group import Group
from ..halo import fill_row
from ..kernel import Array, Kernel, Scratch, load, split, vector
from ..target import TargetSpec
from ..text import Index, Text
from .epilogue import Epilogue, has_room, side_by_side
from .panels import Panels, constant_row, fetched_ahead, pack_columns, start_of_sums
from .registers import between, divide_columns, tile_rows
from .windows import Window

RESULTS, INPUTS = 4, 6
"""Rows and columns of a tile."""
PLACES = INPUTS * INPUTS
P, Q = 5 / 8, 3 / 2
"""A tile's polynomials are evaluated at 0, P, -P, Q, -Q and infinity. With these points rounding errors are a fraction
of what they are with the usual 1 and 2, less than twice those of direct sums; and all factors are exact.
"""


APART, PERIOD = 80, 1024
"""Places of a tile lie APART elements from each other in the first cache, which repeats after PERIOD: one line of each
finds room there. 80 elements are five lines, whose multiples do not meet before all others are taken."""


def suits_winograd(group: Group, buffers: Mapping[ir.Value, Buffer], spec: TargetSpec) -> bool:
    """Whether `lower_winograd` can do what `lower_direct` can, and faster."""
    conv = group.anchor
    window = Window.of(conv.kernel, conv.strides, conv.dilations, conv.padding)
    if (window.kernel, window.strides, window.dilations) != ((3, 3), (1, 1), (1, 1)):
        return False
    image, lanes = buffers[conv.input], spec.lanes(4)
    if image.inner != 1 or not has_room(image, 1, lanes) or not side_by_side(group, buffers, conv.output, 1):
        return False
    return cost(conv, spec) < 0.9 * direct_cost(conv, spec)


def direct_cost(conv: nn.Conv, spec: TargetSpec) -> float:
    """Cycles of the direct convolution: two multiplications of vectors each, or as long as the weights take."""
    batch, outputs, rows, columns = static_shape(conv.output)
    inputs = static_shape(conv.input)[1]
    return batch * rows * columns * 9 * inputs * outputs / (2 * spec.lanes(4))


def cost(conv: nn.Conv, spec: TargetSpec) -> float:
    """Cycles of the products, of moving inputs and results through scratch memory, and of reading the weights."""
    batch, outputs, rows, columns = static_shape(conv.output)
    inputs, tiles = static_shape(conv.input)[1], batch * -(-rows // RESULTS) * -(-columns // RESULTS)
    products = PLACES * tiles * inputs * outputs / (2 * spec.lanes(4))
    moved = PLACES * tiles * (inputs + outputs) * 4 / 8
    read = PLACES * inputs * outputs * 4 / 10
    return max(products, read) + moved


def lower_winograd(group: Group, buffers: Mapping[ir.Value, Buffer], spec: TargetSpec) -> list[Kernel]:
    """Three kernels that share scratch memory. Raises `NotSideBySide`."""
    layer = Layer(group, buffers, spec)
    return [layer.transform_inputs(), layer.multiply(), layer.transform_results()]


class Layer:
    """Writes the kernels of a convolution; tiles are numbered row by row, image by image."""

    def __init__(self, group: Group, buffers: Mapping[ir.Value, Buffer], spec: TargetSpec) -> None:
        conv = self.conv = group.anchor
        self.group, self.buffers, self.spec, self.lanes = group, buffers, spec, spec.lanes(4)
        self.window = Window.of(conv.kernel, conv.strides, conv.dilations, conv.padding)
        self.batch, self.outputs, self.rows, self.columns = static_shape(conv.output)
        self.inputs = static_shape(conv.input)[1]
        self.down, self.across = -(-self.rows // RESULTS), -(-self.columns // RESULTS)
        self.tiles = self.batch * self.down * self.across
        self.transformed, self.products = Scratch(), Scratch()
        self.transformed_buffer = self._buffer(self.inputs)
        self.products_buffer = self._buffer(self.outputs)

    def _buffer(self, channels: int) -> Buffer:
        """Scratch memory: for each place the tiles' channels, one tile behind the other."""
        size = self.tiles * self._filled(channels)
        return Buffer.plain("f32", (PLACES, size + (APART - size) % PERIOD))

    def _filled(self, channels: int) -> int:
        return -(-channels // self.lanes) * self.lanes

    def _at(self, text: Text, buffer: Buffer, channels: int, place: tuple[Index, Index, Index]) -> str:
        """Where scratch memory has a place's tile and channel."""
        number, tile, channel = place
        return buffer.at(text, (number, text.add(text.mul(tile, self._filled(channels)), channel)))

    def transform_inputs(self) -> Kernel:
        """Tasks are rows of tiles."""
        kernel, image = Kernel("winograd_inputs"), self.buffers[self.conv.input]
        source = kernel.operand(self.conv.input, image)
        target = kernel.operand(self.transformed, self.transformed_buffer, written=True)
        text, a = kernel.text, Arithmetic(Scalars(kernel.text, self.lanes), "f32")

        def write(n: Index, down: Index, across: Index, height: int, width: int, channel: Index) -> None:
            top = self.window.first(text, 0, text.mul(down, RESULTS))
            left = self.window.first(text, 1, text.mul(across, RESULTS))
            zero = a.number(0)
            grid = [[zero] * INPUTS for _ in range(INPUTS)]
            for y in range(height + 2):
                for x in range(width + 2):
                    place = image.at(text, (n, channel, text.add(top, y), text.add(left, x)))
                    grid[y][x] = load(text, source, image, place, self.lanes)
            columns = [_inputs(a, [grid[y][x] for y in range(INPUTS)]) for x in range(INPUTS)]
            tile = self._number(text, n, down, across)
            for y in range(INPUTS):
                for x, value in enumerate(_inputs(a, [columns[x][y] for x in range(INPUTS)])):
                    place = self._at(text, self.transformed_buffer, self.inputs, (y * INPUTS + x, tile, channel))
                    type_ = f"{self.transformed_buffer.type}, {a.type}"
                    text.do(f"vector.store {value}, {target}[{place}] : {type_}")

        self._each_tile(kernel, self.inputs, False, write)
        return kernel

    def multiply(self) -> Kernel:
        """Tasks are panels of weights: those of each place, block by block of output channels."""
        kernel = Kernel("winograd_products")
        text, lanes = kernel.text, self.lanes
        source = kernel.operand(self.transformed, self.transformed_buffer)
        target = kernel.operand(self.products, self.products_buffer, written=True)
        parts = divide_columns(self.outputs, lanes, False, self.tiles)
        weight = nn.constant_value(self.conv.weight)
        assert weight is not None
        matrices = transform_weights(weight)
        kernel.tasks = PLACES
        panels, ahead = [], fetched_ahead(matrices.nbytes, self.spec, self.tiles)
        for part in parts:
            width = part.vectors * lanes
            packed = [
                pack_columns(one[:, part.first : part.first + part.count * width], width, part.count)
                for one in matrices
            ]
            panels.append(Panels(part, self.inputs, lanes, *kernel.constant(np.concatenate(packed)), ahead))
        with text.loop("%lo", "%hi") as place:
            for one in panels:
                with text.loop(0, one.columns.count) as block:
                    panel = text.add(text.mul(place, one.columns.count), block)
                    column = text.add(text.mul(block, one.width), one.columns.first)
                    first = 0
                    for rows, count in split(self.tiles, tile_rows(self.spec, one.columns.vectors)):
                        with text.loop(first, first + rows * count, rows) as tile:
                            self._product(text, (source, target), one, panel, (place, tile, column), rows)
                        first += rows * count
        return kernel

    def _product(
        self,
        text: Text,
        names: tuple[str, str],
        panels: Panels,
        panel: Index,
        start: tuple[Index, Index, Index],
        rows: int,
    ) -> None:
        """Some tiles' sums of one place for a block of output channels."""
        (source, target), (place, tile, column) = names, start
        type_, size = vector(self.lanes, "f32"), rows * panels.columns.vectors

        def step(k: Index, sums: list[str]) -> list[str]:
            ones = [
                load(
                    text,
                    source,
                    self.transformed_buffer,
                    self._at(text, self.transformed_buffer, self.inputs, (place, text.add(tile, r), k)),
                )
                for r in range(rows)
            ]
            return panels.multiply(text, panel, k, ones, sums)

        sums = text.carry(0, self.inputs, [text.constant(0.0, type_)] * size, [type_] * size, step)
        for number, value in enumerate(sums):
            r, v = divmod(number, panels.columns.vectors)
            at = self._at(
                text, self.products_buffer, self.outputs, (place, text.add(tile, r), text.add(column, v * self.lanes))
            )
            text.do(f"vector.store {value}, {target}[{at}] : {self.products_buffer.type}, {type_}")

    def transform_results(self) -> Kernel:
        """Tasks are rows of tiles; the bias and what lies behind the convolution come last."""
        kernel = Kernel("winograd_results")
        epilogue = Epilogue(kernel, self.group, self.buffers, self.conv.output, 1, False, self.conv.clamp)
        source = kernel.operand(self.products, self.products_buffer)
        biases = constant_row(kernel, nn.constant_value(self.conv.bias), self.lanes)
        text, a = kernel.text, Arithmetic(Scalars(kernel.text, self.lanes), "f32")

        def write(n: Index, down: Index, across: Index, height: int, width: int, channel: Index) -> None:
            tile = self._number(text, n, down, across)
            grid = [
                [
                    load(
                        text,
                        source,
                        self.products_buffer,
                        self._at(text, self.products_buffer, self.outputs, (y * INPUTS + x, tile, channel)),
                        self.lanes,
                    )
                    for x in range(INPUTS)
                ]
                for y in range(INPUTS)
            ]
            columns = [_results(a, [grid[y][x] for y in range(INPUTS)]) for x in range(INPUTS)]
            (bias,) = start_of_sums(text, biases, channel, 1, self.lanes)
            row, column = text.mul(down, RESULTS), text.mul(across, RESULTS)
            for y in range(height):
                values = _results(a, [columns[x][y] for x in range(INPUTS)])[:width]
                if biases is not None:
                    values = [a.add(value, bias) for value in values]
                places = [(n, channel, text.add(row, y), text.add(column, x)) for x in range(width)]
                epilogue.store(list(zip(values, places, strict=True)), self.lanes)

        self._each_tile(kernel, self.outputs, not epilogue.roomy(self.lanes), write, self._fill(kernel))
        return kernel

    def _fill(self, kernel: Kernel) -> Callable[[Index, Index, int], None]:
        """What lies beside some rows of the results."""

        def fill(n: Index, row: Index, height: int) -> None:
            for value in self.group.results:
                buffer = self.buffers[value]
                name = kernel.operand(value, buffer, written=True)
                with kernel.text.loop(0, height) as r:
                    fill_row(kernel.text, name, buffer, n, kernel.text.add(row, r), self.lanes)

        return fill

    def _each_tile(
        self,
        kernel: Kernel,
        channels: int,
        alone: bool,
        write: Callable[[Index, Index, Index, int, int, Index], None],
        fill: Callable[[Index, Index, int], None] | None = None,
    ) -> None:
        """Tasks are rows of tiles: `write(image, row, column, height, width, channel)` writes one vector of a tile,
        `fill` follows each row. With `alone` the last channels, if they fill no vector, are at a known place."""
        text = kernel.text
        kernel.tasks = self.batch * self.down
        with text.loop("%lo", "%hi") as task:
            n = text.div(task, self.down)
            down, before = text.rem(task, self.down), 0
            for height, rows in _sizes(self.rows):
                with between(text, down, before, before + rows, self.down):
                    self._row_of_tiles(text, (n, down), height, channels, alone, write)
                    if fill is not None:
                        fill(n, text.mul(down, RESULTS), height)
                before += rows

    def _row_of_tiles(
        self,
        text: Text,
        row: tuple[Index, Index],
        height: int,
        channels: int,
        alone: bool,
        write: Callable[[Index, Index, Index, int, int, Index], None],
    ) -> None:
        whole, start = channels // self.lanes * self.lanes if alone else channels, 0
        for width, count in _sizes(self.columns):
            with text.loop(start, start + count) as across:
                if whole:
                    with text.loop(0, whole, self.lanes) as channel:
                        write(*row, across, height, width, channel)
                if whole < channels:
                    write(*row, across, height, width, whole)
            start += count

    def _number(self, text: Text, n: Index, down: Index, across: Index) -> Index:
        return text.add(text.mul(text.add(text.mul(n, self.down), down), self.across), across)


def _sizes(extent: int) -> list[tuple[int, int]]:
    """An extent as (size, count) of tiles: whole ones, then what is left."""
    whole, rest = divmod(extent, RESULTS)
    return [(size, count) for size, count in ((RESULTS, whole), (rest, 1)) if size and count]


def transform_weights(weight: Array) -> Array:
    """Weights O x I x 3 x 3 as a matrix I x O for each place of a tile."""
    points = np.array([0, P, -P, Q, -Q])
    distances = points[:, None] - points + np.eye(points.size)
    rows = [*(points[:, None] ** np.arange(3) / distances.prod(1)[:, None]), np.array([0.0, 0.0, 1.0])]
    transformed = np.einsum("ia,ocab,jb->ijco", rows, weight.astype(np.float64), rows)
    flat: Array = transformed.astype(np.float32).reshape(PLACES, weight.shape[1], weight.shape[0])
    return flat


def _inputs(a: Arithmetic, d: Sequence[str]) -> list[str]:
    """Six inputs in a row or column, transformed."""
    even_p, odd_p = _multiple(a, -(Q**2), d[2], d[4]), _multiple(a, -(Q**2), d[1], d[3])
    even_q, odd_q = _multiple(a, -(P**2), d[2], d[4]), _multiple(a, -(P**2), d[1], d[3])
    both, product = -(P**2 + Q**2), P**2 * Q**2
    return [
        _multiple(a, product, d[0], _multiple(a, both, d[2], d[4])),
        _multiple(a, P, odd_p, even_p),
        _multiple(a, -P, odd_p, even_p),
        _multiple(a, Q, odd_q, even_q),
        _multiple(a, -Q, odd_q, even_q),
        _multiple(a, product, d[1], _multiple(a, both, d[3], d[5])),
    ]


def _results(a: Arithmetic, m: Sequence[str]) -> list[str]:
    """Four results in a row or column, from six products."""
    sum_p, difference_p = a.add(m[1], m[2]), a.sub(m[1], m[2])
    sum_q, difference_q = a.add(m[3], m[4]), a.sub(m[3], m[4])
    return [
        a.add(a.add(m[0], sum_p), sum_q),
        _multiple(a, P, difference_p, a.mul(a.number(Q), difference_q)),
        _multiple(a, P**2, sum_p, a.mul(a.number(Q**2), sum_q)),
        _multiple(a, P**3, difference_p, _multiple(a, Q**3, difference_q, m[5])),
    ]


def _multiple(a: Arithmetic, factor: float, x: str, y: str) -> str:
    """factor * x + y"""
    return a.fma(a.number(factor), x, y)
