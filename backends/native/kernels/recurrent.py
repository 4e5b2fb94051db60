"""Kernels of recurrent layers: the products of all inputs first, then one step after the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from ....dialects import nn
from ....dialects.mlir import ir
from ...unsupported import floats
from ..buffer import Buffer
from ..group import Group
from ..kernel import Kernel, load, split, store, vector
from ..lowerings import lowers
from ..target import TargetSpec
from ..text import Index, Text
from .recurrent_cells import Cell, cell_of
from .recurrent_layer import Layer, Table, block_of, multiply
from .recurrent_steps import Memory, Step


@lowers(nn.Lstm, nn.Gru, nn.Rnn)
def lower_recurrent(group: Group, buffers: Mapping[ir.Value, Buffer], spec: TargetSpec) -> list[Kernel]:
    """A kernel for the products of the inputs, and one for the steps, with a task for each direction and a few samples;
    before them what orders weights that are not constant."""
    op = group.anchor
    floats(op.x, op.w, op.r)
    layer = Layer(op, buffers, spec)
    cell = cell_of(op)
    kernels = [write_inputs(layer, cell), write_steps(layer, cell)]
    return [*layer.packers, *kernels]


def write_inputs(layer: Layer, cell: Cell) -> Kernel:
    """What the inputs of all steps add to the gates, and the biases."""
    kernel = Kernel("recurrent_inputs", tasks=layer.directions * layer.blocks)
    text, total = kernel.text, layer.time * layer.batch
    weights = layer.table(layer.op.w, [[gate * layer.hidden] for gate in range(layer.gates)])
    bias = None if layer.op.b is None else layer.table(layer.op.b, cell.biases(layer.hidden))
    with text.loop("%lo", "%hi") as task:
        place = text.div(task, layer.blocks), text.rem(task, layer.blocks)
        start = 0
        for size, count in split(total, layer.most):
            with text.loop(start, start + size * count, size) as first:
                rows = [text.add(first, i) for i in range(size)]
                _write_tile(layer, kernel, weights, bias, place, rows)
            start += size * count
    return kernel


def _write_tile(
    layer: Layer, kernel: Kernel, weights: Table, bias: Table | None, place: tuple[Index, Index], rows: Sequence[Index]
) -> None:
    text, source = kernel.text, layer.buffers[layer.op.x]
    x = kernel.operand(layer.op.x, source)
    places = [layer.row(text.div(row, layer.batch), text.rem(row, layer.batch)) for row in rows]
    start = block_of(layer, kernel, bias, place, layer.gates)
    sums = multiply(
        layer,
        kernel,
        [start] * len(rows),
        weights,
        place,
        lambda row, k: load(text, x, source, source.at(text, (*places[row], k))),
    )
    scratch, buffer = layer.products
    name = kernel.operand(scratch, buffer, written=True)
    for row, values in zip(rows, sums, strict=True):
        for i, value in enumerate(values):
            gate, number = divmod(i, layer.vectors)
            at = buffer.at(text, (row, *place, gate, number * layer.lanes))
            store(text, value, name, buffer, at, layer.lanes)


def write_steps(layer: Layer, cell: Cell) -> Kernel:
    """One step after the other: tasks are directions and samples, a few of which go together."""
    together = split(layer.batch, 1 if layer.op.sequence_lens is not None else layer.most)
    parts = sum(count for _, count in together)
    kernel = Kernel("recurrent_steps", tasks=layer.directions * parts)
    text = kernel.text
    memory = Memory(layer, kernel)
    with text.loop("%lo", "%hi") as task:
        part = text.rem(task, parts)
        for direction in range(layer.directions):
            with _one_of(text, text.div(task, parts), direction, direction + 1, layer.directions):
                first, sample = 0, 0
                for size, count in together:
                    with _one_of(text, part, first, first + count, parts):
                        start = text.add(text.mul(text.sub(part, first), size), sample)
                        _write_direction(layer, cell, memory, direction, [text.add(start, i) for i in range(size)])
                    first, sample = first + count, sample + size * count
    return kernel


@contextmanager
def _one_of(text: Text, number: Index, first: int, end: int, of: int) -> Iterator[None]:
    """What is written inside runs when a number is from `first` to below `end`; all are below `of`."""
    if end - first == of:
        yield
        return
    shifted = text.index(text.sub(number, first))
    with text.when(text.let(f"arith.cmpi ult, {shifted}, {text.index(end - first)} : index")):
        yield


def _write_direction(layer: Layer, cell: Cell, memory: Memory, direction: int, samples: list[Index]) -> None:
    text = memory.kernel.text
    count = memory.steps(samples[0])
    backwards = layer.op.direction == "reverse" or direction == 1
    memory.begin(direction, samples)
    with text.loop(0, count) as step:
        time = text.sub(text.sub(count, 1), step) if backwards else step
        now = text.rem(step, 2)
        cell.write(Step(layer, memory, direction, samples, time, now, text.sub(1, now)))
    if not isinstance(count, int):
        zero = text.constant(0.0, vector(layer.lanes, "f32"))
        with text.loop(count, layer.time) as time, text.loop(0, layer.blocks * layer.unit, layer.lanes) as unit:
            memory.write_output(zero, time, direction, samples[0], unit)
    memory.end(direction, samples, text.rem(count, 2))
