"""Recurrent layers over sequences."""

from collections.abc import Sequence
from typing import ClassVar, Literal

from ..mlir import ir
from ..ods import F64, I64, Bool, F64Array, Operand, Result, StrArray, require
from ..tensors import Shape, shape_of, tensor_type
from .base import NNOp, compatible_shapes, require_rank, shape_text

ACTIVATIONS: tuple[str, ...] = (
    "sigmoid",
    "tanh",
    "relu",
    "affine",
    "leakyrelu",
    "thresholdedrelu",
    "scaledtanh",
    "hardsigmoid",
)
ACTIVATIONS += ("elu", "softsign", "softplus")


class RecurrentOp(NNOp):
    """Base of the recurrent layers.

    x is time x batch x input (with `layout` 1: batch x time x input), w is directions x gates*hidden x input, r is
    directions x gates*hidden x hidden, b (both biases) is directions x 2*gates*hidden.
    """

    x: Operand
    w: Operand
    r: Operand
    b: Operand | None
    sequence_lens: Operand | None
    initial_h: Operand | None
    direction: Literal["forward", "reverse", "bidirectional"]
    hidden_size: I64
    activations: StrArray
    activation_alpha: F64Array
    activation_beta: F64Array
    clip: F64 | None
    layout: I64

    gates: ClassVar[int] = 1
    functions: ClassVar[int] = 1

    @property
    def directions(self) -> int:
        """2 when the sequence is read both ways."""
        return 2 if self.direction == "bidirectional" else 1

    def sequence_types(self, states: int) -> Sequence[ir.Type]:
        """Types of the whole output and of `states` final states, after checking the weights."""
        require_rank(self.x, 3, "x")
        count = self.functions * self.directions
        require(len(self.activations) == count, f"has {len(self.activations)} activations, expected {count}")
        unknown = [name for name in self.activations if str(name).lower() not in ACTIVATIONS]
        require(not unknown, f"activations {', '.join(map(str, unknown))} are unknown; known: {', '.join(ACTIVATIONS)}")
        require(self.layout in (0, 1), f"layout is {self.layout}, expected 0 or 1")
        first, second, width = shape_of(self.x)
        time, batch = (first, second) if self.layout == 0 else (second, first)
        hidden, directions = self.hidden_size, self.directions
        rows = self.gates * hidden
        output: Shape
        state: Shape
        if self.layout == 0:
            output, state = (time, directions, batch, hidden), (directions, batch, hidden)
        else:
            output, state = (batch, time, directions, hidden), (batch, directions, hidden)
        for name, expected in {
            "w": (directions, rows, width),
            "r": (directions, rows, hidden),
            "b": (directions, 2 * rows),
            "sequence_lens": (batch,),
            "initial_h": state,
            "initial_c": state,
            "p": (directions, 3 * hidden),
        }.items():
            value = getattr(self, name, None)
            shape = expected if value is None else shape_of(value)
            require(
                compatible_shapes(shape, expected), f"{name} is {shape_text(shape)}, expected {shape_text(expected)}"
            )
        return [tensor_type(output, self.x)] + [tensor_type(state, self.x) for _ in range(states)]


class Lstm(RecurrentOp, name="lstm"):
    """Long short-term memory; gates in the order input, output, forget, cell; `p` holds peepholes.

    `clip` limits what goes into the activations, `cell_clip` the cell state itself. Source: ONNX LSTM-22; cell_clip:
    TFLite UNIDIRECTIONAL_SEQUENCE_LSTM.
    """

    initial_c: Operand | None
    p: Operand | None
    y: Result
    y_h: Result
    y_c: Result
    input_forget: Bool
    cell_clip: F64 | None

    gates = 4
    functions = 3

    def infer(self) -> Sequence[ir.Type]:
        return self.sequence_types(2)


class Gru(RecurrentOp, name="gru"):
    """Gated recurrent unit; gates in the order update, reset, hidden.  Source: ONNX GRU-22."""

    y: Result
    y_h: Result
    linear_before_reset: Bool

    gates = 3
    functions = 2

    def infer(self) -> Sequence[ir.Type]:
        return self.sequence_types(1)


class Rnn(RecurrentOp, name="rnn"):
    """Plain recurrent layer: h = f(x w + h r + b).  Source: ONNX RNN-22."""

    y: Result
    y_h: Result

    def infer(self) -> Sequence[ir.Type]:
        return self.sequence_types(1)
