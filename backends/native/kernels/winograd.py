"""Convolutions of 3 x 3 windows by Winograd's algorithm: a quarter of the multiplications, or less than half of them.

Tiles of 4 x 4 (or 2 x 2) results come from 6 x 6 (or 4 x 4) inputs that overlap by two. Both are transformed, so that
each place of a tile is a matrix product of its own: tiles by input channels, input channels by output channels. Three
kernels: inputs to scratch memory, the products, and from them to results. Sources: Lavin and Gray, Fast Algorithms for
Convolutional Neural Networks, 2016; on the points, Barabasz et al., Error Analysis and Improving the Accuracy of
Winograd Convolution, 2018.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

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
from .panels import Panels, constant_row, pack_columns, start_of_sums
from .registers import between, divide_columns, tile_rows
from .windows import Window

P, Q = 5 / 8, 3 / 2
"""Tiles of 4 x 4 are evaluated as polynomials at 0, P, -P, Q, -Q and infinity. With these points rounding errors are a
fraction of what they are with the usual 1 and 2, less than twice those of direct sums; and all factors are exact.
"""


@dataclass(frozen=True)
class Algorithm:
    """Tiles of results x results, and how values in a row or column of one are transformed: that of its inputs, and
    that of its products. points: where polynomials are evaluated, but for infinity."""

    results: int
    points: tuple[float, ...]
    transform_inputs: Callable[[Arithmetic, Sequence[str]], list[str]]
    transform_products: Callable[[Arithmetic, Sequence[str]], list[str]]

    @property
    def inputs(self) -> int:
        """Rows and columns of the inputs of a tile, and of its products."""
        return self.results + 2

    @property
    def places(self) -> int:
        """How many products a tile has."""
        return self.inputs**2

    def tiles(self, conv: nn.Conv) -> tuple[int, int]:
        """How many tiles there are along rows and columns."""
        rows, columns = static_shape(conv.output)[2:]
        return -(-rows // self.results), -(-columns // self.results)

    def weights(self, weight: Array) -> Array:
        """Weights O x I x 3 x 3 as a matrix I x O for each place of a tile."""
        points = np.array(self.points)
        distances = points[:, None] - points + np.eye(points.size)
        rows = [*(points[:, None] ** np.arange(3) / distances.prod(1)[:, None]), np.array([0.0, 0.0, 1.0])]
        transformed = np.einsum("ia,ocab,jb->ijco", rows, weight.astype(np.float64), rows)
        flat: Array = transformed.astype(np.float32).reshape(self.places, weight.shape[1], weight.shape[0])
        return flat


LARGEST = 4 << 20
"""Bytes of transformed weights up to which they may be four times as many as the weights."""
READ, MOVED = 10, 8
"""Bytes a cycle of weights that come from beyond the caches, and of scratch memory that is written and read."""
APART, PERIOD = 80, 1024
"""Places of a tile lie APART elements from each other in the first cache, which repeats after PERIOD: one line of each
finds room there. 80 elements are five lines, whose multiples do not meet before all others are taken."""


def suits_winograd(group: Group, buffers: Mapping[ir.Value, Buffer], spec: TargetSpec) -> bool:
    """Whether `lower_winograd` can do what `lower_direct` can, and faster."""
    conv = group.anchor
    window = Window.of(conv)
    if conv.groups > 1 or (window.kernel, window.strides, window.dilations) != ((3, 3), (1, 1), (1, 1)):
        return False
    image, lanes = buffers[conv.input], spec.lanes(4)
    if image.inner != 1 or not has_room(image, 1, lanes) or not side_by_side(group, buffers, conv.output, 1):
        return False
    return cost(conv, spec, algorithm_for(conv, spec)) < 0.9 * direct_cost(conv, spec)


def algorithm_for(conv: nn.Conv, spec: TargetSpec) -> Algorithm:
    """The faster one, if its weights are not too large."""
    size = static_shape(conv.input)[1] * static_shape(conv.output)[1] * 4
    *others, least = ALGORITHMS
    fitting = [one for one in others if one.places * size <= LARGEST]
    return min([*fitting, least], key=lambda one: cost(conv, spec, one))


def direct_cost(conv: nn.Conv, spec: TargetSpec) -> float:
    """Cycles of the direct convolution: of its products, two vectors each, or of reading the weights."""
    batch, outputs, rows, columns = static_shape(conv.output)
    weights = 9 * static_shape(conv.input)[1] * outputs
    return max(batch * rows * columns * weights / (2 * spec.lanes(4)), weights * 4 / READ)


def cost(conv: nn.Conv, spec: TargetSpec, algorithm: Algorithm) -> float:
    """Cycles of the products, or of reading the weights, and of inputs and results that go through scratch memory."""
    batch, outputs = static_shape(conv.output)[:2]
    inputs, (down, across) = static_shape(conv.input)[1], algorithm.tiles(conv)
    tiles, weights = batch * down * across, algorithm.places * inputs * outputs
    moved = algorithm.places * tiles * (inputs + outputs) * 4
    return max(tiles * weights / (2 * spec.lanes(4)), weights * 4 / READ) + moved / MOVED


def lower_winograd(group: Group, buffers: Mapping[ir.Value, Buffer], spec: TargetSpec) -> list[Kernel]:
    """Three kernels that share scratch memory. Raises `NotSideBySide`."""
    layer = Layer(group, buffers, spec, algorithm_for(group.anchor, spec))
    return [layer.transform_inputs(), layer.multiply(), layer.transform_results()]


class Layer:
    """Writes the kernels of a convolution; tiles are numbered row by row, image by image."""

    def __init__(
        self, group: Group, buffers: Mapping[ir.Value, Buffer], spec: TargetSpec, algorithm: Algorithm
    ) -> None:
        conv, self.algorithm = group.anchor, algorithm
        self.conv, self.size = conv, algorithm.results
        self.group, self.buffers, self.spec, self.lanes = group, buffers, spec, spec.lanes(4)
        self.window = Window.of(conv)
        self.batch, self.outputs, self.rows, self.columns = static_shape(conv.output)
        self.inputs = static_shape(conv.input)[1]
        self.down, self.across = algorithm.tiles(conv)
        self.tiles = self.batch * self.down * self.across
        self.transformed, self.products = Scratch(), Scratch()
        self.transformed_buffer = self._buffer(self.inputs)
        self.products_buffer = self._buffer(self.outputs)

    def _buffer(self, channels: int) -> Buffer:
        """Scratch memory: for each place the tiles' channels, one tile behind the other."""
        size = self.tiles * self._filled(channels)
        return Buffer.plain("f32", (self.algorithm.places, size + (APART - size) % PERIOD))

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
        text, a, edge = kernel.text, Arithmetic(Scalars(kernel.text, self.lanes), "f32"), self.algorithm.inputs

        def write(n: Index, down: Index, across: Index, height: int, width: int, channel: Index) -> None:
            top = self.window.first(text, 0, text.mul(down, self.size))
            left = self.window.first(text, 1, text.mul(across, self.size))
            zero = a.number(0)
            grid = [[zero] * edge for _ in range(edge)]
            for y in range(height + 2):
                for x in range(width + 2):
                    place = image.at(text, (n, channel, text.add(top, y), text.add(left, x)))
                    grid[y][x] = load(text, source, image, place, self.lanes)
            columns = [self.algorithm.transform_inputs(a, [grid[y][x] for y in range(edge)]) for x in range(edge)]
            tile = self._number(text, n, down, across)
            for y in range(edge):
                for x, value in enumerate(self.algorithm.transform_inputs(a, [columns[x][y] for x in range(edge)])):
                    place = self._at(text, self.transformed_buffer, self.inputs, (y * edge + x, tile, channel))
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
        matrices = self.algorithm.weights(weight)
        kernel.tasks = self.algorithm.places
        panels = []
        for part in parts:
            width = part.vectors * lanes
            packed = [
                pack_columns(one[:, part.first : part.first + part.count * width], width, part.count)
                for one in matrices
            ]
            panels.append(Panels(part, self.inputs, lanes, *kernel.constant(np.concatenate(packed))))
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
        text, a, edge = kernel.text, Arithmetic(Scalars(kernel.text, self.lanes), "f32"), self.algorithm.inputs

        def write(n: Index, down: Index, across: Index, height: int, width: int, channel: Index) -> None:
            tile = self._number(text, n, down, across)
            grid = [
                [
                    load(
                        text,
                        source,
                        self.products_buffer,
                        self._at(text, self.products_buffer, self.outputs, (y * edge + x, tile, channel)),
                        self.lanes,
                    )
                    for x in range(edge)
                ]
                for y in range(edge)
            ]
            columns = [self.algorithm.transform_products(a, [grid[y][x] for y in range(edge)]) for x in range(edge)]
            (bias,) = start_of_sums(text, biases, channel, 1, self.lanes)
            row, column = text.mul(down, self.size), text.mul(across, self.size)
            for y in range(height):
                values = self.algorithm.transform_products(a, [columns[x][y] for x in range(edge)])[:width]
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
            for height, rows in _sizes(self.rows, self.size):
                with between(text, down, before, before + rows, self.down):
                    self._row_of_tiles(text, (n, down), height, channels, alone, write)
                    if fill is not None:
                        fill(n, text.mul(down, self.size), height)
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
        for width, count in _sizes(self.columns, self.size):
            with text.loop(start, start + count) as across:
                if whole:
                    with text.loop(0, whole, self.lanes) as channel:
                        write(*row, across, height, width, channel)
                if whole < channels:
                    write(*row, across, height, width, whole)
            start += count

    def _number(self, text: Text, n: Index, down: Index, across: Index) -> Index:
        return text.add(text.mul(text.add(text.mul(n, self.down), down), self.across), across)


def _sizes(extent: int, size: int) -> list[tuple[int, int]]:
    """An extent as (size, count) of tiles: whole ones, then what is left."""
    whole, rest = divmod(extent, size)
    return [(size, count) for size, count in ((size, whole), (rest, 1)) if size and count]


def _inputs_of_four(a: Arithmetic, d: Sequence[str]) -> list[str]:
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


def _results_of_four(a: Arithmetic, m: Sequence[str]) -> list[str]:
    """Four results in a row or column, from six products."""
    sum_p, difference_p = a.add(m[1], m[2]), a.sub(m[1], m[2])
    sum_q, difference_q = a.add(m[3], m[4]), a.sub(m[3], m[4])
    return [
        a.add(a.add(m[0], sum_p), sum_q),
        _multiple(a, P, difference_p, a.mul(a.number(Q), difference_q)),
        _multiple(a, P**2, sum_p, a.mul(a.number(Q**2), sum_q)),
        _multiple(a, P**3, difference_p, _multiple(a, Q**3, difference_q, m[5])),
    ]


def _inputs_of_two(a: Arithmetic, d: Sequence[str]) -> list[str]:
    """Four inputs in a row or column, transformed."""
    return [a.sub(d[2], d[0]), a.add(d[2], d[1]), a.sub(d[2], d[1]), a.sub(d[3], d[1])]


def _results_of_two(a: Arithmetic, m: Sequence[str]) -> list[str]:
    """Two results in a row or column, from four products."""
    return [a.add(a.add(m[0], m[1]), m[2]), a.add(a.sub(m[1], m[2]), m[3])]


def _multiple(a: Arithmetic, factor: float, x: str, y: str) -> str:
    """factor * x + y"""
    return a.fma(a.number(factor), x, y)


ALGORITHMS = (
    Algorithm(4, (0.0, P, -P, Q, -Q), _inputs_of_four, _results_of_four),
    Algorithm(2, (0.0, 1.0, -1.0), _inputs_of_two, _results_of_two),
)
