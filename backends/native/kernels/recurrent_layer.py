"""The weights of recurrent layers as their kernels read them, and products with them.

Vectors lie along the hidden units. These are cut in blocks of a few vectors; a block's numbers for all gates lie side
by side, so that weights stream through the cache in order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ....dialects import nn
from ....dialects.mlir import ir
from ....dialects.tensors import static_shape
from ..arithmetic import Arithmetic
from ..buffer import Buffer
from ..evaluation import Scalars
from ..kernel import Kernel, Scratch, load, splat, store, vector
from ..target import TargetSpec
from ..text import Index

Table = tuple[Any, Buffer]
"""What a table of numbers is: a constant or scratch memory, directions x blocks x depth x gates x units of a block."""


@dataclass
class Layer:
    """The sizes of a recurrent layer, and its weights as the kernels read them."""

    op: Any
    buffers: Mapping[ir.Value, Buffer]
    spec: TargetSpec
    packers: list[Kernel] = field(default_factory=list)

    def __post_init__(self) -> None:
        first, second, self.width = static_shape(self.op.x)
        self.time, self.batch = (first, second) if self.op.layout == 0 else (second, first)
        self.hidden, self.directions, self.gates = self.op.hidden_size, self.op.directions, self.op.gates
        self.lanes = self.spec.lanes(4)
        # A sample alone waits for weights, and for its sums if they are few; several can share what was read.
        wanted = 8 if self.batch < 4 or self.op.sequence_lens is not None else 4
        self.vectors = min(max(1, wanted // self.gates), -(-self.hidden // self.lanes))
        self.unit = self.vectors * self.lanes
        self.blocks = -(-self.hidden // self.unit)
        self.most = max(1, (self.spec.registers - 8) // (self.gates * self.vectors))
        self.products = (
            Scratch(),
            Buffer.plain("f32", (self.time * self.batch, self.directions, self.blocks, self.gates, self.unit)),
        )

    def row(self, time: Index, sample: Index) -> tuple[Index, Index]:
        """Indices of a step of a sample in the input."""
        return (time, sample) if self.op.layout == 0 else (sample, time)

    def table(self, value: ir.Value, offsets: Sequence[Sequence[int]]) -> Table:
        """Rows of a weight (directions x rows (x depth)) as a table: for each gate the sum of those from offsets on."""
        shape = static_shape(value)
        depth = shape[2] if len(shape) == 3 else 1
        buffer = Buffer.plain("f32", (self.directions, self.blocks, depth, len(offsets), self.unit))
        known = nn.constant_value(value)
        if known is None:
            scratch = Scratch()
            self.packers.append(_packer(self, value, offsets, scratch, buffer))
            return scratch, buffer
        rows = np.zeros((self.directions, len(offsets), self.blocks * self.unit, depth), np.float32)
        for gate, starts in enumerate(offsets):
            for start in starts:
                part = known[:, start : start + self.hidden].reshape(self.directions, self.hidden, depth)
                rows[:, gate, : self.hidden] += part
        split = rows.reshape(self.directions, len(offsets), self.blocks, self.unit, depth)
        return np.ascontiguousarray(split.transpose(0, 2, 4, 1, 3)), buffer


def _packer(layer: Layer, value: ir.Value, offsets: Sequence[Sequence[int]], scratch: Scratch, to: Buffer) -> Kernel:
    """Makes a table of weights that are not constant."""
    kernel = Kernel("recurrent_table", tasks=layer.directions * layer.blocks)
    text, source = kernel.text, layer.buffers[value]
    read, written = kernel.operand(value, source), kernel.operand(scratch, to, written=True)
    numbers = Arithmetic(Scalars(text, 1), "f32")
    with text.loop("%lo", "%hi") as task, text.loop(0, to.shape[2]) as k, text.loop(0, layer.unit) as lane:
        direction, block = text.div(task, layer.blocks), text.rem(task, layer.blocks)
        unit = text.add(text.mul(block, layer.unit), lane)
        inside = text.let(f"arith.cmpi ult, {text.index(unit)}, {text.index(layer.hidden)} : index")
        unit = text.minimum(unit, layer.hidden - 1)
        for gate, starts in enumerate(offsets):
            total = numbers.number(0)
            for start in starts:
                place = (direction, text.add(unit, start), k)[: len(source.shape)]
                total = numbers.add(total, load(text, read, source, source.at(text, place)))
            total = numbers.select(inside, total, numbers.number(0))
            store(text, total, written, to, to.at(text, (direction, block, k, gate, lane)))
    return kernel


def multiply(
    layer: Layer,
    kernel: Kernel,
    sums: Sequence[Sequence[str]],
    table: Table,
    place: tuple[Index, Index],
    element: Callable[[int, Index], str],
) -> list[list[str]]:
    """Add the products of rows of numbers, `element(row, k)`, and a block of a table: vectors by row and gate."""
    text, (source, buffer) = kernel.text, table
    name = kernel.operand(source, buffer, written=isinstance(source, Scratch))
    numbers = Arithmetic(Scalars(text, layer.lanes), "f32")
    count = len(sums[0])

    def body(k: Index, inside: Sequence[str]) -> list[str]:
        weights = [
            read_vector(layer, kernel, name, buffer, (*place, k, gate), v)
            for gate in range(buffer.shape[3])
            for v in range(layer.vectors)
        ]
        result = []
        for row in range(len(sums)):
            factor = splat(text, element(row, k), layer.lanes, "f32")
            result += [numbers.fma(factor, weights[i], inside[row * count + i]) for i in range(count)]
        return result

    start = [one for row in sums for one in row]
    flat = text.carry(0, buffer.shape[2], start, [numbers.type] * len(start), body)
    return [list(flat[i : i + count]) for i in range(0, len(flat), count)]


def read_vector(layer: Layer, kernel: Kernel, name: str, buffer: Buffer, place: tuple[Index, ...], number: int) -> str:
    """A vector of a block."""
    return load(kernel.text, name, buffer, buffer.at(kernel.text, (*place, number * layer.lanes)), layer.lanes)


def block_of(layer: Layer, kernel: Kernel, table: Table | None, place: tuple[Index, Index], gates: int) -> list[str]:
    """A block of a table without depth: vectors by gate, zeros if there is no table."""
    if table is None:
        return [kernel.text.constant(0.0, vector(layer.lanes, "f32"))] * (gates * layer.vectors)
    source, buffer = table
    name = kernel.operand(source, buffer, written=isinstance(source, Scratch))
    return [
        read_vector(layer, kernel, name, buffer, (*place, 0, gate), number)
        for gate in range(gates)
        for number in range(layer.vectors)
    ]
