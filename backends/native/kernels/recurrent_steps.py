"""What the steps of recurrent layers read and write."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ....dialects import nn
from ....dialects.mlir import ir
from ..arithmetic import Arithmetic
from ..buffer import Buffer
from ..evaluation import Scalars
from ..kernel import Kernel, Scratch, load, splat, store, vector
from ..text import Index
from .recurrent_layer import Layer, Table, block_of, multiply, read_vector


class Memory:
    """What the steps read and write: the states in memory of their own, filled up to whole blocks, and the results."""

    def __init__(self, layer: Layer, kernel: Kernel) -> None:
        self.layer, self.kernel, self.text = layer, kernel, kernel.text
        size = (layer.directions, layer.batch, layer.blocks * layer.unit)
        self._own = Buffer.plain("f32", size)
        self._both = Buffer.plain("f32", (2, *size))
        self._scratch: dict[str, Scratch] = {}

    def own(self, name: str) -> tuple[str, Buffer]:
        """Memory of a number for each hidden unit, by a name; "hidden" is there twice, for even and odd steps."""
        buffer = self._both if name == "hidden" else self._own
        scratch = self._scratch.setdefault(name, Scratch())
        return self.kernel.operand(scratch, buffer, written=True), buffer

    def read(self, name: str, place: tuple[Index, ...], lanes: int | None = None) -> str:
        """A vector (or with one lane a number) of own memory."""
        operand, buffer = self.own(name)
        return load(self.text, operand, buffer, buffer.at(self.text, place), lanes or self.layer.lanes)

    def write(self, value: str, name: str, place: tuple[Index, ...]) -> None:
        """Write a vector of own memory."""
        operand, buffer = self.own(name)
        store(self.text, value, operand, buffer, buffer.at(self.text, place), self.layer.lanes)

    def steps(self, sample: Index) -> Index:
        """How many steps a sample has, at most those there are."""
        lengths = self.layer.op.sequence_lens
        if lengths is None:
            return self.layer.time
        known = nn.constant_value(lengths)
        if known is not None:
            name, buffer = self.kernel.constant(known)
        else:
            buffer = self.layer.buffers[lengths]
            name = self.kernel.operand(lengths, buffer)
        length = load(self.text, name, buffer, buffer.at(self.text, (sample,)))
        numbers = Arithmetic(Scalars(self.text, 1), buffer.element)
        limited = numbers.at_most(numbers.at_least(length, numbers.number(0)), numbers.number(self.layer.time))
        return self.text.let(f"arith.index_cast {limited} : {buffer.element} to index")

    def begin(self, direction: int, samples: list[Index]) -> None:
        """The states before the first step."""
        states = {"hidden": self.layer.op.initial_h}
        if isinstance(self.layer.op, nn.Lstm):
            states["cell"] = self.layer.op.initial_c
        for name, value in states.items():
            for sample in samples:
                with self.text.loop(0, self.layer.blocks * self.layer.unit, self.layer.lanes) as unit:
                    place = (direction, sample, unit)
                    loaded = self._initial(value, direction, sample, unit)
                    self.write(loaded, name, (0, *place) if name == "hidden" else place)

    def _initial(self, value: ir.Value | None, direction: int, sample: Index, unit: Index) -> str:
        lanes, type_ = self.layer.lanes, vector(self.layer.lanes, "f32")
        if value is None:
            return self.text.constant(0.0, type_)
        known = nn.constant_value(value)
        if known is not None:
            name, buffer = self.kernel.constant(known)
        else:
            buffer = self.layer.buffers[value]
            name = self.kernel.operand(value, buffer)
        indices = (direction, sample, unit) if self.layer.op.layout == 0 else (sample, direction, unit)
        place = buffer.at(self.text, indices)
        if self._is_whole:
            return load(self.text, name, buffer, place, lanes)
        zero = self.text.constant(0.0, type_)
        types = f"{buffer.type}, {vector(lanes, 'i1')}, {type_} into {type_}"
        return self.text.let(f"vector.maskedload {name}[{place}], {self._mask(unit)}, {zero} : {types}")

    def write_output(self, value: str, time: Index, direction: int, sample: Index, unit: Index) -> None:
        """A vector of the result of a step."""
        layout = self.layer.op.layout
        place = (time, direction, sample, unit) if layout == 0 else (sample, time, direction, unit)
        self._write_result(self.layer.op.y, value, place, unit)

    def end(self, direction: int, samples: list[Index], parity: Index) -> None:
        """The states behind the last step."""
        op = self.layer.op
        for name, value in {"hidden": op.y_h, "cell": getattr(op, "y_c", None)}.items():
            if value is None or not any(True for _ in value.uses):
                continue
            for sample in samples:
                with self.text.loop(0, self.layer.blocks * self.layer.unit, self.layer.lanes) as unit:
                    place = (direction, sample, unit)
                    state = self.read(name, (parity, *place) if name == "hidden" else place)
                    self._write_result(value, state, place if op.layout == 0 else (sample, direction, unit), unit)

    def _write_result(self, result: ir.Value, value: str, place: tuple[Index, ...], unit: Index) -> None:
        if not any(True for _ in result.uses):
            return
        buffer = self.layer.buffers[result]
        name = self.kernel.operand(result, buffer, written=True)
        where = buffer.at(self.text, place)
        if self._is_whole:
            store(self.text, value, name, buffer, where, self.layer.lanes)
            return
        types = f"{buffer.type}, {vector(self.layer.lanes, 'i1')}, {vector(self.layer.lanes, 'f32')}"
        self.text.do(f"vector.maskedstore {name}[{where}], {self._mask(unit)}, {value} : {types}")

    @property
    def _is_whole(self) -> bool:
        """Whether the hidden units fill whole blocks."""
        return bool(self.layer.hidden == self.layer.blocks * self.layer.unit)

    def _mask(self, unit: Index) -> str:
        """Which lanes of a vector are hidden units."""
        numbers = Arithmetic(Scalars(self.text, self.layer.lanes), "i32", False)
        left = self.text.sub(self.layer.hidden, self.text.minimum(unit, self.layer.hidden))
        count = self.text.let(f"arith.index_cast {self.text.index(left)} : index to i32")
        places = self.text.constant(str(list(range(self.layer.lanes))), numbers.type)
        return numbers.compare("lt", places, splat(self.text, count, self.layer.lanes, "i32"))


@dataclass(frozen=True)
class Step:
    """One step of a few samples in one direction: `now` and `then` are where the hidden states lie."""

    layer: Layer
    memory: Memory
    direction: int
    samples: list[Index]
    time: Index
    now: Index
    then: Index

    @property
    def arithmetic(self) -> Arithmetic:
        """That of vectors of units."""
        return Arithmetic(Scalars(self.memory.text, self.layer.lanes), "f32")

    def inputs(self, block: Index, gates: Sequence[int]) -> list[list[str]]:
        """What the inputs of this step add to gates: vectors by sample and gate."""
        text, (scratch, buffer) = self.memory.text, self.layer.products
        name = self.memory.kernel.operand(scratch, buffer, written=True)
        rows = [text.add(text.mul(self.time, self.layer.batch), sample) for sample in self.samples]
        return [
            [
                read_vector(self.layer, self.memory.kernel, name, buffer, (row, self.direction, block, gate), number)
                for gate in gates
                for number in range(self.layer.vectors)
            ]
            for row in rows
        ]

    def recur(
        self, sums: Sequence[Sequence[str]], table: Table, block: Index, state: str = "hidden"
    ) -> list[list[str]]:
        """Add the products of a state and a block of a table."""

        def element(row: int, k: Index) -> str:
            place = (self.direction, self.samples[row], k)
            return self.memory.read(state, (self.now, *place) if state == "hidden" else place, 1)

        return multiply(self.layer, self.memory.kernel, sums, table, (self.direction, block), element)

    def constants(self, table: Table | None, block: Index, gates: int) -> list[str]:
        """A block of a table without depth."""
        return block_of(self.layer, self.memory.kernel, table, (self.direction, block), gates)

    def places(self, block: Index) -> list[tuple[int, int, tuple[Index, ...]]]:
        """The vectors of a block: (row, number, place in a state) each."""
        text, layer = self.memory.text, self.layer
        units = [text.add(text.mul(block, layer.unit), number * layer.lanes) for number in range(layer.vectors)]
        return [
            (row, number, (self.direction, sample, unit))
            for row, sample in enumerate(self.samples)
            for number, unit in enumerate(units)
        ]

    def finish(self, hidden: str, place: tuple[Index, ...]) -> None:
        """Keep a vector of the new hidden state, which is the result."""
        _, sample, unit = place
        self.memory.write(hidden, "hidden", (self.then, *place))
        self.memory.write_output(hidden, self.time, self.direction, sample, unit)
