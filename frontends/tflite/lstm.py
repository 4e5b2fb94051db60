"""What LSTM layers of real numbers become: one operation, or where it has no such thing as projection or layer
normalisation, what computes step after step."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ...dialects import nn
from ...dialects.mlir import ir
from ...dialects.tensors import Array, shape_of
from ..builder import ROUNDS, Unsupported
from .node import Node

HIDDEN, CELL = 18, 19
"""The variables of an LSTM among its inputs."""
NORMS = 20
"""The first coefficients of its layer normalisation."""
STEPS = (
    *(nn.Matmul, nn.Add, nn.Slice, nn.Squeeze, nn.Split, nn.Sigmoid, nn.Tanh, nn.Mul, nn.Clamp),
    *(nn.LayerNorm, nn.Unsqueeze, nn.Concat),
)
"""What a layer with projection or layer normalisation becomes."""
EPSILON = 1e-8
"""What LiteRT adds to variances."""


@dataclass(frozen=True)
class Gates:
    """Weights, recurrent weights, biases, peepholes and coefficients of normalisation; gates as in `nn.lstm`: input,
    output, forget, cell. Projection of outputs, and its bias."""

    weight: Array
    recurrent: Array
    bias: Array
    peepholes: Array | None
    norms: Array | None
    projection: Array | None
    projection_bias: Array | None

    @property
    def is_plain(self) -> bool:
        """Whether `nn.lstm` has all there is."""
        return self.norms is None and self.projection is None


def gates_of(node: Node, offset: int = 0, *, norms: bool = True) -> Gates:
    """The parameters of a layer, which begin `offset` behind their usual place among the inputs.

    Without an input gate it is one minus the forget gate: the sigmoid of what goes into that, negated. `norms`: whether
    inputs from `NORMS` on are coefficients.
    """
    coupled = node.optional(offset + 1) is None
    order = (1 if coupled else 0, 3, 1, 2)  # input, output, forget, cell

    def gather(first: int, gates: tuple[int, ...], *, negated: bool = coupled) -> Array:
        parts = [node.constant(offset + first + gate) for gate in gates]
        return np.concatenate([-parts[0], *parts[1:]] if negated else parts)

    peepholes = None
    if node.optional(offset + 10) is not None:
        peepholes = gather(9, (1 if coupled else 0, 2, 1))  # input, output, forget
    normed = norms and node.optional(NORMS + 1) is not None
    projection, bias = (
        None if node.optional(offset + index) is None else node.constant(offset + index) for index in (16, 17)
    )
    return Gates(
        gather(1, order),
        gather(5, order),
        gather(12, order),
        peepholes,
        gather(NORMS, order, negated=False) if normed else None,
        projection,
        bias,
    )


def float_lstm(
    node: Node,
    value: ir.Value,
    gates: Gates,
    cell_clip: float,
    projection_clip: float,
    *,
    states: tuple[int, int] = (HIDDEN, CELL),
    direction: Literal["forward", "reverse"] = "forward",
) -> ir.Value:
    """The hidden states of all steps, steps first; `states` are the variables among the inputs."""
    streaming = shape_of(value)[0] == 1
    before = [node.state(i) if streaming else None for i in states]
    if gates.is_plain:
        y, *after = _one_operation(node, value, gates, cell_clip, before, direction)
    else:
        y, *after = _Steps(node, gates, cell_clip, projection_clip).run(value, before, direction)
    if streaming:
        for variable, last in zip(states, after, strict=True):
            node.update(variable, last)
    return y


def _one_operation(
    node: Node,
    value: ir.Value,
    gates: Gates,
    cell_clip: float,
    before: Sequence[ir.Value | None],
    direction: Literal["forward", "reverse"],
) -> list[ir.Value]:
    """Hidden states of all steps, and both states behind them."""
    peepholes = gates.peepholes
    result = nn.Lstm(
        value,
        node.new_constant(gates.weight[None]),
        node.new_constant(gates.recurrent[None]),
        node.new_constant(np.concatenate([gates.bias, np.zeros_like(gates.bias)])[None]),
        None,
        *(None if state is None else nn.Unsqueeze(state, axes=(0,)).output for state in before),
        None if peepholes is None else node.new_constant(peepholes[None]),
        direction=direction,
        hidden_size=gates.recurrent.shape[1],
        activations=("Sigmoid", "Tanh", "Tanh"),
        activation_alpha=(),
        activation_beta=(),
        layout=0,
        input_forget=False,
        cell_clip=cell_clip or None,
    )
    states = [nn.Squeeze(state, axes=(0,)).output for state in (result.y_h, result.y_c)]
    return [nn.Squeeze(result.y, axes=(1,)).output, *states]


@dataclass(frozen=True)
class _Steps:
    """A layer that is computed step after step."""

    node: Node
    gates: Gates
    cell_clip: float
    projection_clip: float

    def run(
        self, value: ir.Value, before: Sequence[ir.Value | None], direction: Literal["forward", "reverse"]
    ) -> list[ir.Value]:
        """Hidden states of all steps, and both states behind them."""
        steps, batch, _ = shape_of(value)
        if steps is None or batch is None:
            raise Unsupported("projection and layer normalisation need a known shape", "give the shape with --shape")
        if steps > ROUNDS:
            raise Unsupported(f"it has more than {ROUNDS} steps, which is the most that is written out")
        sizes = (self.gates.recurrent.shape[1], len(self.gates.bias) // 4)
        h, c = (
            self.node.new_constant(np.zeros((batch, size), np.float32)) if state is None else state
            for state, size in zip(before, sizes, strict=True)
        )
        driven = self._product(value, self.gates.weight, None if self.gates.norms is not None else self.gates.bias)
        outputs: list[ir.Value] = []
        for step in range(steps) if direction == "forward" else reversed(range(steps)):
            now = nn.Slice(driven, starts=(step,), ends=(step + 1,), axes=(0,), steps=(1,)).output
            h, c = self._step(nn.Squeeze(now, axes=(0,)).output, h, c)
            outputs.append(nn.Unsqueeze(h, axes=(0,)).output)
        return [nn.concat(outputs if direction == "forward" else outputs[::-1], 0), h, c]

    def _product(self, value: ir.Value, weight: Array, bias: Array | None) -> ir.Value:
        result = nn.Matmul(value, self.node.new_constant(weight.T)).output
        return result if bias is None else nn.Add(result, self.node.new_constant(bias)).output

    def _step(self, now: ir.Value, h: ir.Value, c: ir.Value) -> tuple[ir.Value, ir.Value]:
        total = nn.Add(now, self._product(h, self.gates.recurrent, None)).output
        parts = nn.Split(total, axis=1, sizes=(len(self.gates.bias) // 4,) * 4).outputs
        i, f = (nn.Sigmoid(self._seen(parts[gate], gate, c)).output for gate in (0, 2))
        new = nn.Mul(i, nn.Tanh(self._seen(parts[3], 3, None)).output).output
        c = _limited(nn.Add(nn.Mul(f, c).output, new).output, self.cell_clip)
        h = nn.Mul(nn.Sigmoid(self._seen(parts[1], 1, c)).output, nn.Tanh(c).output).output
        if self.gates.projection is not None:
            projected = self._product(h, self.gates.projection, self.gates.projection_bias)
            h = _limited(projected, self.projection_clip)
        return h, c

    def _seen(self, value: ir.Value, gate: int, c: ir.Value | None) -> ir.Value:
        """What goes into a gate, by its number, of what comes from inputs and hidden states."""
        constant, gates = self.node.new_constant, self.gates
        if gates.peepholes is not None and c is not None:
            value = nn.Add(value, nn.Mul(constant(np.split(gates.peepholes, 3)[gate]), c).output).output
        if gates.norms is not None:
            scale, bias = (constant(np.split(part, 4)[gate]) for part in (gates.norms, gates.bias))
            value = nn.LayerNorm(value, scale, bias, axis=-1, epsilon=EPSILON).output
        return value


def _limited(value: ir.Value, limit: float) -> ir.Value:
    return nn.Clamp(value, min=-limit, max=limit).output if limit else value
