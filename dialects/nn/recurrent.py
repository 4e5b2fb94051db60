"""Recurrent layers over sequences."""

import math
from collections.abc import Sequence
from typing import Any, ClassVar, Literal

import numpy as np

from ..mlir import ir
from ..ods import F64, I64, Bool, F64Array, Operand, Result, StrArray, require
from ..tensors import Array, Shape, shape_of, tensor_type
from .base import NNOp, compatible_shapes, require_rank, shape_text
from .quantization import QuantizationParameters, quantization_parameters

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
WEIGHTS = {"w": "int8", "r": "int8", "p": "int16", "projection": "int8", "norms": "int16"}
"""What the weights of an LSTM of integers are stored in."""


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


class IntegerLstm(NNOp, name="integer_lstm"):
    """Long short-term memory of integers, to the bit as LiteRT computes it; gates as in `nn.lstm`.

    x is time x batch x input, w 4*hidden x input, r 4*hidden x output, b 4*hidden, p (peepholes: input, output, forget)
    3*hidden, initial_h batch x output, initial_c batch x hidden, y time x batch x output. x, w, r, h and y are stored
    in i8, c and p in i16; b is of i32, in the steps of x times w. w, r and p may have a scale for each row; they and c
    have no zero points. The scale of c is a power of two from 2^-15 to 2^-9. With `input_forget` the input gate is what
    the forget gate leaves, and w, r, b, p and norms have no rows of its own.

    What goes into a gate becomes a number of 16 bits, in steps of its `gate_scales`: first what comes from x, then the
    sum. Steps are 2^-12, unless there are `norms` (4*hidden, i16): then layer normalisation by these gives those, and
    has b as its bias, in 2^-10 of the steps of norms. Sigmoid and tanh are approximated in 16 bits. `cell_clip` limits
    the integers of c. What the output gate lets through is stored in i8 by `hidden_scale` and `hidden_zero_point`: it
    is h and y, or with `projection` (i8, output x hidden) and its bias (i32) gives these, whose integers
    `projection_clip` limits.
    Source: TFLite UNIDIRECTIONAL_SEQUENCE_LSTM, 8x8_16 in tensorflow/lite/kernels/lstm_eval.cc.
    """

    x: Operand
    w: Operand
    r: Operand
    b: Operand
    initial_h: Operand
    initial_c: Operand
    p: Operand | None
    projection: Operand | None
    projection_bias: Operand | None
    norms: Operand | None
    y: Result
    y_h: Result
    y_c: Result
    input_forget: Bool
    gate_scales: F64Array
    cell_clip: I64 | None
    hidden_scale: F64
    hidden_zero_point: I64
    projection_clip: I64 | None

    def verify_elements(self, elements: ir.Type) -> None:
        """Quantised ones: see `verify`."""

    def infer(self) -> Sequence[ir.Type]:
        require_rank(self.x, 3, "x")
        require_rank(self.initial_h, 2, "initial_h")
        require_rank(self.initial_c, 2, "initial_c")
        time, batch, width = shape_of(self.x)
        output, hidden = shape_of(self.initial_h)[1], shape_of(self.initial_c)[1]
        gates = 3 if self.input_forget else 4
        rows, peepholes = (None if hidden is None else count * hidden for count in (gates, gates - 1))
        for name, expected in {
            "w": (rows, width),
            "r": (rows, output),
            "b": (rows,),
            "initial_h": (batch, hidden if self.projection is None else output),
            "initial_c": (batch, hidden),
            "p": (peepholes,),
            "projection": (output, hidden),
            "projection_bias": (output,),
            "norms": (rows,),
        }.items():
            value = getattr(self, name)
            shape = expected if value is None else shape_of(value)
            require(
                compatible_shapes(shape, expected), f"{name} is {shape_text(shape)}, expected {shape_text(expected)}"
            )
        state = self.initial_h.type.element_type
        return [tensor_type((time, batch, output), state), self.initial_h.type, self.initial_c.type]

    def verify(self) -> None:
        for name, dtype in self._stored().items():
            parameters = quantization_parameters(getattr(self, name).type)
            require(parameters is not None and parameters.dtype.name == dtype, f"{name} is not quantised to {dtype}")
            assert parameters is not None
            data = name in ("x", "initial_h")
            require(parameters.axis < 0 or name in WEIGHTS, f"{name} has several scales")
            require(data or not any(parameters.zero_point), f"{name} has zero points that are not 0")
        scale = self._parameters("initial_c").scale[0]
        require(scale in [2.0**power for power in range(-15, -8)], f"the scale of c is {scale}, expected 2^-15 to 2^-9")
        zero, gates = self.hidden_zero_point, 3 if self.input_forget else 4
        require(len(self.gate_scales) == gates, f"'gate_scales' has {len(self.gate_scales)} entries, expected {gates}")
        require(min(self.gate_scales) > 0, "'gate_scales' has numbers that are not positive")
        require(self.hidden_scale > 0, f"'hidden_scale' is {self.hidden_scale}, expected a positive number")
        require(-128 <= zero <= 127, f"'hidden_zero_point' is {zero}, expected -128 to 127")

    def _stored(self) -> dict[str, str]:
        """What the operands are stored in."""
        types = {"x": "int8", "initial_h": "int8", "initial_c": "int16", **WEIGHTS}
        return {name: dtype for name, dtype in types.items() if getattr(self, name) is not None}

    def _parameters(self, name: str) -> QuantizationParameters:
        parameters = quantization_parameters(getattr(self, name).type)
        assert parameters is not None
        return parameters

    @property
    def evaluator_arguments(self) -> dict[str, Any]:
        x, h, c = (self._parameters(name) for name in ("x", "initial_h", "initial_c"))
        kept, given, norms = np.float32(h.scale[0]), np.float32(self.hidden_scale), self._scales("norms")
        hidden = shape_of(self.initial_c)[1] or 1
        gates = np.asarray(self.gate_scales, np.float32).repeat(hidden)
        return {
            "x_zero_point": x.zero_point[0],
            "h_zero_point": h.zero_point[0],
            "hidden_zero_point": self.hidden_zero_point,
            "w_factors": self._scales("w") * np.float32(x.scale[0]) / gates,
            "r_factors": self._scales("r") * kept / gates,
            "p_factors": self._scales("p") * np.float32(c.scale[0]) / gates[:-hidden],
            "hidden_factor": np.float32(2.0**-30 / float(given)),
            "projection_factors": self._scales("projection") * given / kept,
            "norm_factors": norms * np.float32(2**12),
            "norm_guards": np.maximum((norms * np.float32(10000)).astype(np.int64), 1),
            "cell_bits": round(math.log2(c.scale[0])) + 15,
            "cell_clip": self.cell_clip,
            "projection_clip": self.projection_clip,
            "input_forget": self.input_forget,
        }

    def _scales(self, name: str) -> Array:
        """The scales of a weight's rows, as f32; any when it is absent."""
        present = getattr(self, name) is not None
        return np.asarray(self._parameters(name).scale if present else (1.0,), np.float32)
