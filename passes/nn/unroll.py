"""Write recurrent layers out, step by step.

On exit no recurrent layer is left that a machine with a plain LSTM only (one sample, one direction, nothing limited)
cannot compute. Layers over samples of different lengths stay.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ...dialects import nn
from ...dialects.mlir import ir
from ...dialects.nn.extents import extent_of, vector
from ...dialects.tensors import dtype_of, shape_of
from ...runtime.kernels.recurrent import with_parameters
from ..pipeline import register_pass
from ..rewriter import NO_MATCH, Match, Pattern, Rewriter, pattern, rewrite_module
from .integer_lstm import unroll_integer_lstm, unroll_integer_lstm_as_floats
from .scalars import plus, times

STEP_LIMIT = 512
"""Steps of the longest sequence that is written out."""

Step = Callable[[ir.Value, list[ir.Value]], list[ir.Value]]
"""From what a step's input gives for all gates, and the states before, to the states behind it."""
Function = Callable[[ir.Value], ir.Value]


def _part(value: ir.Value, axis: int, start: int, size: int) -> ir.Value:
    return nn.Slice(value, starts=(start,), ends=(start + size,), axes=(axis,), steps=(1,)).output


def _add(*values: ir.Value | None) -> ir.Value:
    """The sum of those that are there."""
    first, *others = [value for value in values if value is not None]
    for other in others:
        first = nn.Add(first, other).output
    return first


def _mul(a: ir.Value, b: ir.Value) -> ir.Value:
    return nn.Mul(a, b).output


def _rest(x: ir.Value) -> ir.Value:
    """1 - x"""
    return plus(times(x, -1.0), 1.0)


def _limit(x: ir.Value, bound: float | None) -> ir.Value:
    return x if bound is None else nn.Clamp(x, min=-bound, max=bound).output


def _function(name: str, alpha: float, beta: float) -> Function:
    """An activation by its ONNX name in small letters."""
    table: dict[str, Function] = {
        "sigmoid": lambda x: nn.Sigmoid(x).output,
        "tanh": lambda x: nn.Tanh(x).output,
        "relu": lambda x: nn.Relu(x).output,
        "affine": lambda x: plus(times(x, alpha), beta),
        "leakyrelu": lambda x: nn.LeakyRelu(x, alpha=alpha).output,
        "thresholdedrelu": lambda x: nn.ThresholdedRelu(x, alpha=alpha).output,
        "scaledtanh": lambda x: times(nn.Tanh(times(x, beta)).output, alpha),
        "hardsigmoid": lambda x: nn.HardSigmoid(x, alpha=alpha, beta=beta).output,
        "elu": lambda x: nn.Elu(x, alpha=alpha).output,
        "softsign": lambda x: nn.Softsign(x).output,
        "softplus": lambda x: nn.Softplus(x).output,
    }
    return table[name]


class Direction:
    """One direction of a layer: its weights, transposed, its biases and its activations."""

    def __init__(self, op: nn.RecurrentOp, number: int) -> None:
        self.op, self.number, self.hidden = op, number, op.hidden_size
        self.backwards = op.direction == "reverse" or number == 1
        self.w, self.r = (nn.Transpose(self.of(value), permutation=(1, 0)).output for value in (op.w, op.r))
        rows = op.gates * self.hidden
        biases = None if op.b is None else self.of(op.b)
        self.bias, self.state_bias = (None if biases is None else _part(biases, 0, i * rows, rows) for i in (0, 1))
        functions = with_parameters(op.activations, op.activation_alpha, op.activation_beta)
        self.functions = [_function(*one) for one in functions[number * op.functions : (number + 1) * op.functions]]

    def of(self, value: ir.Value) -> ir.Value:
        """What of a tensor belongs to this direction."""
        return nn.Squeeze(_part(value, 0, self.number, 1), axes=(0,)).output

    def gate(self, value: ir.Value, number: int, count: int = 1) -> ir.Value:
        """What of a tensor, along its last dimension, belongs to some gates."""
        return _part(value, -1, number * self.hidden, count * self.hidden)

    def run(self, step: Step, inputs: ir.Value, initial: Sequence[ir.Value | None]) -> list[ir.Value]:
        """Outputs (time x batch x hidden), then the final states."""
        time, batch, _ = shape_of(self.op.x)
        zeros = nn.Constant(value=np.zeros((batch or 1, self.hidden), dtype_of(self.op.x))).output
        if batch is None:
            zeros = nn.DynamicExpand(zeros, vector([extent_of(self.op.x, 1), self.hidden])).output
        states = [zeros if value is None else self.of(value) for value in initial]
        outputs: list[ir.Value] = []
        steps = range(time or 0)
        for t in reversed(steps) if self.backwards else steps:
            states = step(nn.Squeeze(_part(inputs, 0, t, 1), axes=(0,)).output, states)
            outputs.append(nn.Unsqueeze(states[0], axes=(0,)).output)
        return [nn.concat(outputs[::-1] if self.backwards else outputs, 0), *states]


def _lstm(op: nn.Lstm, number: int) -> list[ir.Value]:
    one = Direction(op, number)
    f, g, h = one.functions
    peepholes = [None] * 3 if op.p is None else [one.gate(one.of(op.p), i) for i in range(3)]

    def gate(gates: ir.Value, which: int, peephole: ir.Value | None, cell: ir.Value) -> ir.Value:
        seen = None if peephole is None else _mul(peephole, cell)
        return f(_limit(_add(one.gate(gates, which), seen), op.clip))

    def step(now: ir.Value, states: list[ir.Value]) -> list[ir.Value]:
        hidden, cell = states
        gates = _add(now, nn.Matmul(hidden, one.r).output)
        i = gate(gates, 0, peepholes[0], cell)
        forget = _rest(i) if op.input_forget else gate(gates, 2, peepholes[2], cell)
        new = _mul(i, g(_limit(one.gate(gates, 3), op.clip)))
        cell = _limit(_add(_mul(forget, cell), new), op.cell_clip)
        return [_mul(gate(gates, 1, peepholes[1], cell), h(cell)), cell]

    return one.run(step, _add(nn.Matmul(op.x, one.w).output, one.bias, one.state_bias), (op.initial_h, op.initial_c))


def _gru(op: nn.Gru, number: int) -> list[ir.Value]:
    one = Direction(op, number)
    f, g = one.functions
    bias = None if one.state_bias is None else one.gate(one.state_bias, 2)
    both = None if one.state_bias is None else one.gate(one.state_bias, 0, 2)
    first, last = one.gate(one.r, 0, 2), one.gate(one.r, 2)

    def step(now: ir.Value, states: list[ir.Value]) -> list[ir.Value]:
        (hidden,) = states
        gates = f(_limit(_add(one.gate(now, 0, 2), nn.Matmul(hidden, first).output, both), op.clip))
        update, reset = one.gate(gates, 0), one.gate(gates, 1)
        if op.linear_before_reset:
            inner = _mul(reset, _add(nn.Matmul(hidden, last).output, bias))
        else:
            inner = _add(nn.Matmul(_mul(reset, hidden), last).output, bias)
        new = g(_limit(_add(one.gate(now, 2), inner), op.clip))
        return [_add(_mul(_rest(update), new), _mul(update, hidden))]

    return one.run(step, _add(nn.Matmul(op.x, one.w).output, one.bias), (op.initial_h,))


def _rnn(op: nn.Rnn, number: int) -> list[ir.Value]:
    one = Direction(op, number)
    (f,) = one.functions

    def step(now: ir.Value, states: list[ir.Value]) -> list[ir.Value]:
        return [f(_limit(_add(now, nn.Matmul(states[0], one.r).output), op.clip))]

    return one.run(step, _add(nn.Matmul(op.x, one.w).output, one.bias, one.state_bias), (op.initial_h,))


def _unrolled(op: Any, write: Callable[[Any, int], list[ir.Value]], rewriter: Rewriter) -> Match:
    shape = shape_of(op.x)
    if not _all_steps(op) or op.layout or shape[2] is None or not 0 < (shape[0] or 0) <= STEP_LIMIT:
        return NO_MATCH
    outputs, *states = zip(*(write(op, number) for number in range(op.directions)), strict=True)
    return rewriter.replace(op, _stacked(outputs, 1), *(_stacked(one, 0) for one in states))


def _all_steps(op: nn.RecurrentOp) -> bool:
    """Whether all samples are known to have all steps."""
    lengths = nn.constant_value(op.sequence_lens)
    return op.sequence_lens is None or (lengths is not None and bool((lengths == shape_of(op.x)[0]).all()))


def _stacked(values: Sequence[ir.Value], axis: int) -> ir.Value:
    return nn.concat([nn.Unsqueeze(value, axes=(axis,)).output for value in values], axis)


@pattern(nn.Lstm)
def unroll_lstm(op: nn.Lstm, rewriter: Rewriter) -> Match:
    """h, c of every step from those of the step before."""
    return _unrolled(op, _lstm, rewriter)


@pattern(nn.Lstm)
def unroll_unusual_lstm(op: nn.Lstm, rewriter: Rewriter) -> Match:
    """The same, only where the plain layer would not do."""
    usual = tuple(op.activations) == ("Sigmoid", "Tanh", "Tanh") * op.directions and not op.input_forget
    limited = op.clip is not None or op.cell_clip is not None or op.p is not None
    plain = usual and not limited and op.directions == 1 and shape_of(op.x)[1] == 1
    return NO_MATCH if plain else unroll_lstm.apply(op, rewriter)


@pattern(nn.Gru)
def unroll_gru(op: nn.Gru, rewriter: Rewriter) -> Match:
    """h of every step from that of the step before."""
    return _unrolled(op, _gru, rewriter)


@pattern(nn.Rnn)
def unroll_rnn(op: nn.Rnn, rewriter: Rewriter) -> Match:
    """h of every step from that of the step before."""
    return _unrolled(op, _rnn, rewriter)


@pattern(nn.RecurrentOp)
def time_first(op: nn.RecurrentOp, rewriter: Rewriter) -> Match:
    """A layer whose samples are in front, as one whose steps are."""
    if op.layout == 0:
        return NO_MATCH
    swap = (1, 0, 2)
    operands = [(field.name, op.field_values(field)) for field in op.operand_fields]
    turned = [
        nn.Transpose(value, permutation=swap).output
        if value is not None and name in ("x", "initial_h", "initial_c")
        else value
        for name, value in operands
    ]
    y, *states = op.rebuild(*turned, layout=0).operation.results
    results = [nn.Transpose(state, permutation=swap).output for state in states]
    return rewriter.replace(op, nn.Transpose(y, permutation=(2, 0, 1, 3)).output, *results)


OTHERS: tuple[Pattern[Any], ...] = (time_first, unroll_gru, unroll_rnn)
PATTERNS: tuple[Pattern[Any], ...] = (*OTHERS, unroll_unusual_lstm, unroll_integer_lstm)
"""What leaves no recurrent layers but plain LSTMs, and layers over samples of different lengths."""
PLAIN: tuple[Pattern[Any], ...] = (*OTHERS, unroll_lstm, unroll_integer_lstm_as_floats)
"""The same for machines that have no LSTM, and are fast with floats only."""


@register_pass
@dataclass(frozen=True)
class Unroll:
    """Write recurrent layers out step by step, but LSTMs only where they are more than one plain layer over one sample.

    plain: write plain layers out, too, for machines without any LSTM.
    """

    name: ClassVar[str] = "nn-unroll"
    plain: bool = False

    def apply(self, module: ir.Module) -> None:
        rewrite_module(module, PLAIN if self.plain else PATTERNS)
