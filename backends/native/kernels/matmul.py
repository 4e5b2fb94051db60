"""Matrix products: panels of the right operand's columns by tiles of the left operand's rows.

The panels are packed when the network is compiled, or by a first kernel into scratch memory when they are computed. Of
all axes along which the right operand does not vary, the longest one gives the rows of the tiles; the others are
loops. A product of one row is bound by memory: it takes wider panels, and reads them once from their beginning to end.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from ....dialects import nn
from ....dialects.mlir import ir
from ....dialects.tensors import static_shape
from ..arithmetic import Arithmetic
from ..buffer import Buffer
from ..evaluation import Evaluation, NotSideBySide, Point, Scalars
from ..group import Group
from ..kernel import Array, Kernel, Scratch, flatten, load, split, vector
from ..target import TargetSpec
from ..text import Index
from .epilogue import Epilogue, Finish, side_by_side
from .matmul_plain import unravel
from .panels import Panels, constant_panels, constant_row, start_of_sums
from .registers import Columns, between, divide_columns, spans, tile_rows

UNROLLED = 4
"""Sums that one row has side by side at least, so that additions need not wait for each other."""


def suits_panels(group: Group, buffers: Mapping[ir.Value, Buffer]) -> bool:
    """Whether `lower_panels` can: f32, more than one column, and the left operand and the results row by row."""
    product = group.anchor
    if len(static_shape(product.rhs)) < 2 or static_shape(product.rhs)[-1] == 1 or product.lhs not in buffers:
        return False
    placed = [buffers[product.lhs], *(buffers[value] for value in group.results)]
    last = len(static_shape(product.output)) - 1
    return all(buffer.element == "f32" and buffer.inner == len(buffer.shape) - 1 for buffer in placed) and side_by_side(
        group, buffers, product.output, last
    )


def lower_panels(group: Group, buffers: Mapping[ir.Value, Buffer], spec: TargetSpec, scattered: bool) -> list[Kernel]:
    """One kernel, or two when the right operand has to be packed first. Raises `NotSideBySide`."""
    return Product(group, buffers, spec, scattered).kernels()


@dataclass
class Product:
    """Writes the kernels of a matrix product."""

    group: Group
    buffers: Mapping[ir.Value, Buffer]
    spec: TargetSpec
    scattered: bool
    kernel: Kernel = field(default_factory=lambda: Kernel("matmul"))
    packing: list[Kernel] = field(default_factory=list)

    def __post_init__(self) -> None:
        product = self.product = self.group.anchor
        self.text, self.lanes = self.kernel.text, self.spec.lanes(4)
        self.left, self.right = static_shape(product.lhs), static_shape(product.rhs)
        self.depth, self.columns = self.right[-2:]
        self.result = static_shape(product.output)
        self.lead = self.result[:-1]
        self.batch_axes = len(self.lead) - (len(self.left) > 1)
        skipped = self.batch_axes - len(self.right[:-2])
        varying = {skipped + axis for axis, dim in enumerate(self.right[:-2]) if dim > 1}
        free = [axis for axis in range(len(self.lead)) if axis not in varying]
        self.row_axis = max(free, key=lambda axis: self.lead[axis], default=-1)
        self.rows = self.lead[self.row_axis] if free else 1
        self.outer = [axis for axis in range(len(self.lead)) if axis != self.row_axis or not free]
        self.epilogue = self.finish()
        alone = self.scattered or not self.epilogue.roomy(self.lanes)
        self.parts = divide_columns(self.columns, self.lanes, alone, self.rows)
        self.buffer, source = self.source()
        self.rows_name = self.kernel.operand(source, self.buffer)
        matrix, starts, make = self.factors()
        if matrix is None:
            self.panels = self._packed()
        else:
            self.panels = constant_panels(self.kernel, matrix, self.parts, self.lanes, make)
        self.starts = constant_row(self.kernel, starts, self.lanes)

    @property
    def steps(self) -> tuple[int, int]:
        """How many steps there are, and how many of them are alike; others come last."""
        return self.depth, self.depth

    @property
    def element(self) -> str:
        """What sums are made of."""
        return "f32"

    def source(self) -> tuple[Buffer, ir.Value]:
        """Where the left operand lies, and the value that does."""
        return self.buffers[self.product.lhs], self.product.lhs

    def factors(self) -> tuple[Array | None, Array | None, Callable[..., Panels]]:
        """The right operand, with a row for each step, if it is known; what sums start with; what makes panels."""
        matrix = nn.constant_value(self.product.rhs)
        if matrix is None or flatten(matrix.shape[:-2]) != 1:
            return None, None, Panels
        return matrix.reshape(matrix.shape[-2:]), None, Panels

    def finish(self) -> Finish:
        """What is done with the sums."""
        return self.behind()

    def behind(self) -> Epilogue:
        """What is done with the product's results."""
        axis = len(self.result) - 1
        return Epilogue(self.kernel, self.group, self.buffers, self.product.output, axis, self.scattered)

    def read(self, place: tuple[Index, ...], step: Index) -> str:
        """The element of a row of the left operand for a step."""
        return load(self.text, self.rows_name, self.buffer, self.buffer.at(self.text, (*place, step)))

    def _packed(self) -> list[Panels]:
        """Panels in scratch memory, of every matrix that the right operand holds, and the kernel that fills them."""
        count = flatten(self.right[:-2])
        blocks = []
        for part in self.parts:
            buffer = Buffer.plain("f32", (count * part.count * self.depth * part.vectors * self.lanes,))
            blocks.append((part, Scratch(), buffer))
        self.packing.append(self._pack(blocks, count))
        return [
            Panels(part, self.depth, self.lanes, self.kernel.operand(scratch, buffer), buffer)
            for part, scratch, buffer in blocks
        ]

    def _pack(self, blocks: Sequence[tuple[Columns, Scratch, Buffer]], count: int) -> Kernel:
        """Copies a block of columns a task."""
        for lanes in (self.lanes, 1):
            kernel, total, before = Kernel("pack"), sum(part.count for part in self.parts), 0
            kernel.tasks, text = count * total, kernel.text
            try:
                with text.loop("%lo", "%hi") as task:
                    matrix, number = text.div(task, total), text.rem(task, total)
                    for part, scratch, buffer in blocks:
                        memory = kernel.operand(scratch, buffer, written=True), buffer
                        with between(text, number, before, before + part.count, total):
                            self._pack_panel(kernel, memory, part, matrix, text.sub(number, before), lanes)
                        before += part.count
                return kernel
            except NotSideBySide:
                continue
        raise AssertionError("single elements are always side by side")

    def _pack_panel(
        self, kernel: Kernel, memory: tuple[str, Buffer], part: Columns, matrix: Index, panel: Index, lanes: int
    ) -> None:
        text, width = kernel.text, part.vectors * self.lanes
        if part.count == 1:
            panel = 0
        batch = unravel(text, matrix, self.right[:-2])
        first = text.mul(text.add(text.mul(matrix, part.count), panel), self.depth)
        with text.loop(0, self.depth) as k:
            row = text.mul(text.add(first, k), width)
            for v in range(part.vectors):
                column = text.add(text.mul(panel, width), part.first + v * self.lanes)
                self._copy(kernel, memory, (*batch, k, column), text.add(row, v * self.lanes), lanes)

    def _copy(self, kernel: Kernel, panel: tuple[str, Buffer], place: tuple[Index, ...], to: Index, lanes: int) -> None:
        """Copy one vector of a row, or as many of its elements as there are."""
        text, (name, buffer) = kernel.text, panel
        column, step = place[-1], lanes
        count = self.lanes if isinstance(column, str) else min(self.lanes, self.columns - column)
        if count % lanes:
            step = 1
        for lane in range(0, count, step):
            spot = Point((*place[:-1], text.add(column, lane)), step, len(place) - 1)
            value = Evaluation(kernel, self.group, self.buffers).at(self.product.rhs, spot)
            where = text.index(text.add(to, lane))
            if step == 1:
                text.do(f"memref.store {value}, {name}[{where}] : {buffer.type}")
            else:
                text.do(f"vector.store {value}, {name}[{where}] : {buffer.type}, {vector(step, 'f32')}")

    def kernels(self) -> list[Kernel]:
        """All of them, in their order."""
        return [*self.packing, self.write()]

    def write(self) -> Kernel:
        """Tasks are panels when these are large or the rows are few, else tiles of rows; for each of the outer axes."""
        text = self.text
        outer = flatten([self.lead[axis] for axis in self.outer])
        blocks = sum(part.count for part in self.parts)
        most = min(tile_rows(self.spec, part.vectors) for part in self.parts)
        tiles = split(self.rows, most)
        number = sum(count for _, count in tiles)
        by_panel = blocks > 1 and (outer * number < 8 or self.depth * self.columns * 4 > self.spec.l2 // 2)
        each = blocks if by_panel else number
        self.kernel.tasks = outer * each
        with text.loop("%lo", "%hi") as task:
            indices = unravel(text, text.div(task, each), [self.lead[axis] for axis in self.outer])
            inner = text.rem(task, each)
            if by_panel:
                self._rows_of_panels(dict(zip(self.outer, indices, strict=True)), inner, tiles)
            else:
                for rows, row in spans(text, tiles, inner):
                    for panels in self.panels:
                        with text.loop(0, panels.columns.count) as panel:
                            self._tile(panels, panel, dict(zip(self.outer, indices, strict=True)), row, rows)
        return self.kernel

    def _rows_of_panels(self, outer: Mapping[int, Index], number: Index, tiles: list[tuple[int, int]]) -> None:
        text, before, total = self.text, 0, sum(part.count for part in self.parts)
        for panels in self.panels:
            count = panels.columns.count
            with between(text, number, before, before + count, total):
                panel, row = (0 if count == 1 else text.sub(number, before)), 0
                for rows, times in tiles:
                    with text.loop(row, row + rows * times, rows) as first:
                        self._tile(panels, panel, outer, first, rows)
                    row += rows * times
            before += count

    def _tile(self, panels: Panels, panel: Index, outer: Mapping[int, Index], row: Index, rows: int) -> None:
        """`rows` rows of the product by the columns of a panel, through the epilogue into the results."""
        text, vectors = self.text, panels.columns.vectors
        column = text.add(text.mul(panel, panels.width), panels.columns.first)
        leads = [self._lead(outer, text.add(row, r)) for r in range(rows)]
        places = [self._left(lead) for lead in leads]
        packed = text.add(text.mul(self._matrix(leads[0]), panels.columns.count), panel)
        size, type_ = rows * vectors, vector(self.lanes, self.element)
        steps, alike = self.steps
        chains = max(1, min(alike, -(-UNROLLED // size)))

        def step(k: Index, sums: list[str]) -> list[str]:
            result: list[str] = []
            for chain in range(len(sums) // size):
                at = text.add(k, chain)
                ones = [self.read(place, at) for place in places]
                result += panels.multiply(text, packed, at, ones, sums[chain * size : (chain + 1) * size])
            return result

        sums = start_of_sums(text, self.starts, column, vectors, self.lanes) * rows
        sums += [text.constant(0, type_)] * (size * (chains - 1))
        whole = alike // chains * chains
        if whole:
            sums = text.carry(0, whole, sums, [type_] * len(sums), step, chains)
        sums = self._added(sums, size)
        for k in range(whole, steps):
            sums = step(k, sums)
        self.epilogue.store(
            [
                (sums[r * vectors + v], (*lead, text.add(column, v * self.lanes)))
                for r, lead in enumerate(leads)
                for v in range(vectors)
            ],
            self.lanes,
            self.element,
        )

    def _added(self, sums: list[str], size: int) -> list[str]:
        """The totals of several sums of each element."""
        numbers, totals = Arithmetic(Scalars(self.text, self.lanes), self.element), sums[:size]
        for start in range(size, len(sums), size):
            totals = [numbers.add(a, b) for a, b in zip(totals, sums[start : start + size], strict=True)]
        return totals

    def _lead(self, outer: Mapping[int, Index], row: Index) -> tuple[Index, ...]:
        """All indices of a result but the last one."""
        return tuple(outer.get(axis, row) for axis in range(len(self.lead)))

    def _left(self, lead: Sequence[Index]) -> tuple[Index, ...]:
        """All indices of the left operand but the last one, for a row of the result."""
        if len(self.left) == 1:
            return ()
        skipped = len(lead) - (len(self.left) - 1)
        return tuple(0 if dim == 1 else index for dim, index in zip(self.left[:-1], lead[skipped:], strict=True))

    def _matrix(self, lead: Sequence[Index]) -> Index:
        """The number of the right operand's matrix for a row of the result."""
        batch = lead[self.batch_axes - len(self.right[:-2]) : self.batch_axes]
        number: Index = 0
        for dim, index in zip(self.right[:-2], batch, strict=True):
            number = self.text.add(self.text.mul(number, dim), 0 if dim == 1 else index)
        return number
