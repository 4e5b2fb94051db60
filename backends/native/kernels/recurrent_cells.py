"""What the cells of recurrent layers compute in one step, and their activations."""

from __future__ import annotations

from typing import Any, Protocol

from ....dialects import nn
from ....dialects.mlir import ir
from ....runtime.kernels.recurrent import with_parameters
from .. import elementary
from ..arithmetic import Arithmetic
from .recurrent_layer import Layer, Table
from .recurrent_steps import Step


class Cell(Protocol):
    """How a step is computed."""

    def biases(self, hidden: int) -> list[list[int]]:
        """For each gate, where the biases begin that are added to the products of the inputs."""

    def write(self, step: Step) -> None:
        """Write one step: all blocks of hidden units."""


def cell_of(op: Any) -> Cell:
    """The cell of a recurrent operation."""
    cells: dict[type[Any], type[LstmCell | GruCell | RnnCell]] = {nn.Lstm: LstmCell, nn.Gru: GruCell, nn.Rnn: RnnCell}
    return cells[type(op)](op)


class BaseCell:
    """What all cells have: their activations, the limit of what goes into them, and tables, which are made once."""

    def __init__(self, op: Any) -> None:
        self.op = op
        self._functions = with_parameters(op.activations, op.activation_alpha, op.activation_beta)
        self._tables: dict[str, Table] = {}

    def biases(self, hidden: int) -> list[list[int]]:
        """Both biases of each gate."""
        return [[gate * hidden, (self.op.gates + gate) * hidden] for gate in range(self.op.gates)]

    def activate(self, a: Arithmetic, step: Step, number: int, x: str) -> str:
        """An activation of the direction, by its number, after the limit."""
        if self.op.clip is not None:
            x = limited(a, x, self.op.clip)
        return self.function(a, step, number, x)

    def function(self, a: Arithmetic, step: Step, number: int, x: str) -> str:
        """An activation of the direction, by its number."""
        name, alpha, beta = self._functions[step.direction * self.op.functions + number]
        return activation(a, name, alpha, beta, x)

    def table(self, layer: Layer, value: ir.Value, gates: range, key: str) -> Table:
        """Rows of a weight by gate, made when they are first asked for."""
        if key not in self._tables:
            self._tables[key] = layer.table(value, [[gate * layer.hidden] for gate in gates])
        return self._tables[key]

    def recurrence(self, layer: Layer, gates: range) -> Table:
        """The recurrent weights of some gates."""
        return self.table(layer, self.op.r, gates, f"recurrence {gates}")


class LstmCell(BaseCell):
    """Gates in the order input, output, forget, cell."""

    def write(self, step: Step) -> None:
        """One walk over the blocks."""
        layer, a, memory = step.layer, step.arithmetic, step.memory
        table = self.recurrence(layer, range(4))
        with memory.text.loop(0, layer.blocks) as block:
            sums = step.recur(step.inputs(block, range(4)), table, block)
            peepholes: list[str] = []
            if self.op.p is not None:
                peepholes = step.constants(self.table(layer, self.op.p, range(3), "peepholes"), block, 3)
            for row, number, place in step.places(block):
                i, o, f, c = sums[row][number :: layer.vectors]
                weights = peepholes[number :: layer.vectors]
                cell = memory.read("cell", place)
                if weights:
                    i, f = a.fma(weights[0], cell, i), a.fma(weights[2], cell, f)
                i = self.activate(a, step, 0, i)
                f = a.sub(a.number(1), i) if self.op.input_forget else self.activate(a, step, 0, f)
                cell = a.fma(f, cell, a.mul(i, self.activate(a, step, 1, c)))
                if self.op.cell_clip is not None:
                    cell = limited(a, cell, self.op.cell_clip)
                memory.write(cell, "cell", place)
                if weights:
                    o = a.fma(weights[1], cell, o)
                step.finish(a.mul(self.activate(a, step, 0, o), self.function(a, step, 2, cell)), place)


class GruCell(BaseCell):
    """Gates in the order update, reset, hidden."""

    def biases(self, hidden: int) -> list[list[int]]:
        """Both, but for the recurrent one of the hidden gate if it belongs to what is reset."""
        both = super().biases(hidden)
        return [*both[:2], both[2][:1]] if self.op.linear_before_reset else both

    def write(self, step: Step) -> None:
        """One walk over the blocks, or two if the state is reset before it is multiplied."""
        if self.op.linear_before_reset:
            self._write_at_once(step)
        else:
            self._write_reset(step)
            self._write_hidden(step)

    def _write_at_once(self, step: Step) -> None:
        layer, a, memory = step.layer, step.arithmetic, step.memory
        table = self.recurrence(layer, range(3))
        bias = None if self.op.b is None else self.table(layer, self.op.b, range(5, 6), "bias")
        with memory.text.loop(0, layer.blocks) as block:
            inputs, constants = step.inputs(block, range(3)), step.constants(bias, block, 1)
            starts = [[*row[: 2 * layer.vectors], *constants] for row in inputs]
            sums = step.recur(starts, table, block)
            for row, number, place in step.places(block):
                z, r, inner = sums[row][number :: layer.vectors]
                r = self.activate(a, step, 0, r)
                inner = a.fma(r, inner, inputs[row][2 * layer.vectors + number])
                self._finish(step, self.activate(a, step, 0, z), inner, place)

    def _write_reset(self, step: Step) -> None:
        layer, a, memory = step.layer, step.arithmetic, step.memory
        table = self.recurrence(layer, range(2))
        with memory.text.loop(0, layer.blocks) as block:
            sums = step.recur(step.inputs(block, range(2)), table, block)
            for row, number, place in step.places(block):
                z, r = (self.activate(a, step, 0, x) for x in sums[row][number :: layer.vectors])
                memory.write(z, "update", place)
                memory.write(a.mul(r, memory.read("hidden", (step.now, *place))), "reset", place)

    def _write_hidden(self, step: Step) -> None:
        layer, memory = step.layer, step.memory
        table = self.recurrence(layer, range(2, 3))
        with memory.text.loop(0, layer.blocks) as block:
            sums = step.recur(step.inputs(block, range(2, 3)), table, block, "reset")
            for row, number, place in step.places(block):
                self._finish(step, memory.read("update", place), sums[row][number], place)

    def _finish(self, step: Step, z: str, inner: str, place: tuple[Any, ...]) -> None:
        """(1 - z) * g(inner) + z * hidden"""
        a = step.arithmetic
        new = a.mul(a.sub(a.number(1), z), self.activate(a, step, 1, inner))
        step.finish(a.fma(z, step.memory.read("hidden", (step.now, *place)), new), place)


class RnnCell(BaseCell):
    """A single gate."""

    def write(self, step: Step) -> None:
        """One walk over the blocks."""
        layer, a = step.layer, step.arithmetic
        table = self.recurrence(layer, range(1))
        with step.memory.text.loop(0, layer.blocks) as block:
            sums = step.recur(step.inputs(block, range(1)), table, block)
            for row, number, place in step.places(block):
                step.finish(self.activate(a, step, 0, sums[row][number]), place)


def limited(a: Arithmetic, x: str, bound: float) -> str:
    """x between -bound and bound."""
    return a.at_most(a.at_least(x, a.number(-bound)), a.number(bound))


def activation(a: Arithmetic, name: str, alpha: float, beta: float, x: str) -> str:
    """An activation by its ONNX name, in lower case."""
    zero = a.number(0.0)
    match name:
        case "sigmoid" | "tanh" | "softplus":
            return str(getattr(elementary, name)(a, x))
        case "relu":
            return a.at_least(x, zero)
        case "affine":
            return a.fma(x, a.number(alpha), a.number(beta))
        case "leakyrelu":
            return a.select(a.compare("ge", x, zero), x, a.mul(x, a.number(alpha)))
        case "thresholdedrelu":
            return a.select(a.compare("gt", x, a.number(alpha)), x, zero)
        case "scaledtanh":
            return a.mul(elementary.tanh(a, a.mul(x, a.number(beta))), a.number(alpha))
        case "hardsigmoid":
            return a.at_most(a.at_least(a.fma(x, a.number(alpha), a.number(beta)), zero), a.number(1.0))
        case "elu":
            below = a.mul(elementary.expm1(a, a.at_most(x, zero)), a.number(alpha))
            return a.select(a.compare("ge", x, zero), x, below)
        case "softsign":
            return a.div(x, a.add(a.abs(x), a.number(1.0)))
    raise AssertionError(f"the verifier lets no activation {name} pass")
