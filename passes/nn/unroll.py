"""Write recurrent layers out, step by step.

On exit no LSTM is left that a machine with a plain LSTM only (one sample, one direction, nothing limited) cannot
compute. Layers with sequence lengths, peepholes or unusual activations stay.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ...dialects import nn
from ...dialects.mlir import ir
from ...dialects.nn.extents import extent_of, vector
from ...dialects.tensors import dtype_of, shape_of
from ..pipeline import register_pass
from ..rewriter import NO_MATCH, Match, Rewriter, pattern, rewrite_module

STEP_LIMIT = 512
"""Steps of the longest sequence that is written out."""


def _part(value: ir.Value, axis: int, start: int, size: int) -> ir.Value:
    return nn.Slice(value, starts=(start,), ends=(start + size,), axes=(axis,), steps=(1,)).output


def _direction(op: nn.Lstm, number: int) -> tuple[ir.Value, ir.Value, ir.Value]:
    """Outputs (time x batch x hidden), final hidden and final cell state of one direction."""
    time, batch, _ = shape_of(op.x)
    hidden, dtype = op.hidden_size, dtype_of(op.x)
    zeros = nn.Constant(value=np.zeros((batch or 1, hidden), dtype)).output
    if batch is None:
        zeros = nn.DynamicExpand(zeros, vector([extent_of(op.x, 1), hidden])).output

    def weights(value: ir.Value) -> ir.Value:
        return nn.Transpose(nn.Squeeze(_part(value, 0, number, 1), axes=(0,)).output, permutation=(1, 0)).output

    def state(value: ir.Value | None) -> ir.Value:
        return zeros if value is None else nn.Squeeze(_part(value, 0, number, 1), axes=(0,)).output

    w, r = weights(op.w), weights(op.r)
    h, c = state(op.initial_h), state(op.initial_c)
    inputs = nn.Matmul(op.x, w).output
    if op.b is not None:
        row = _part(op.b, 0, number, 1)
        inputs = nn.Add(
            inputs, nn.Add(_part(row, 1, 0, 4 * hidden), _part(row, 1, 4 * hidden, 4 * hidden)).output
        ).output
    outputs: list[ir.Value] = []
    steps = range(time or 0)
    backwards = op.direction == "reverse" or number == 1
    for t in reversed(steps) if backwards else steps:
        gates = nn.Add(nn.Squeeze(_part(inputs, 0, t, 1), axes=(0,)).output, nn.Matmul(h, r).output).output
        i, o, f = (nn.Sigmoid(_part(gates, 1, k * hidden, hidden)).output for k in range(3))
        new = nn.Mul(i, nn.Tanh(_part(gates, 1, 3 * hidden, hidden)).output).output
        c = nn.Add(nn.Mul(f, c).output, new).output
        if op.cell_clip is not None:
            c = nn.Clamp(c, min=-op.cell_clip, max=op.cell_clip).output
        h = nn.Mul(o, nn.Tanh(c).output).output
        outputs.append(nn.Unsqueeze(h, axes=(0,)).output)
    return nn.concat(outputs[::-1] if backwards else outputs, 0), h, c


def _stacked(values: Sequence[ir.Value], axis: int) -> ir.Value:
    return nn.concat([nn.Unsqueeze(value, axes=(axis,)).output for value in values], axis)


def _is_plain(op: nn.Lstm) -> bool:
    """Whether stack machines with an LSTM compute it right."""
    return op.cell_clip is None and op.directions == 1 and shape_of(op.x)[1] == 1


@pattern(nn.Lstm)
def unroll_lstm(op: nn.Lstm, rewriter: Rewriter) -> Match:
    """h, c of every step from those of the step before."""
    exotic = op.sequence_lens is not None or op.p is not None or op.clip is not None or op.input_forget or op.layout
    usual = tuple(op.activations) == ("Sigmoid", "Tanh", "Tanh") * op.directions
    shape = shape_of(op.x)
    if exotic or not usual or shape[2] is None or not 0 < (shape[0] or 0) <= STEP_LIMIT:
        return NO_MATCH
    directions = [_direction(op, number) for number in range(op.directions)]
    y, h, c = (list(values) for values in zip(*directions, strict=True))
    return rewriter.replace(op, _stacked(y, 1), _stacked(h, 0), _stacked(c, 0))


@pattern(nn.Lstm)
def unroll_unusual_lstm(op: nn.Lstm, rewriter: Rewriter) -> Match:
    """The same, only where the plain layer would not do."""
    return NO_MATCH if _is_plain(op) else unroll_lstm.apply(op, rewriter)


@register_pass
@dataclass(frozen=True)
class Unroll:
    """Write LSTMs out step by step where they are more than one plain layer over one sample.

    plain: write plain layers out, too, for machines without any LSTM.
    """

    name: ClassVar[str] = "nn-unroll"
    plain: bool = False

    def apply(self, module: ir.Module) -> None:
        rewrite_module(module, [unroll_lstm if self.plain else unroll_unusual_lstm])
