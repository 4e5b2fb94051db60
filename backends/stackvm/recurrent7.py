"""Recurrent layers on the version 7 stack machine: its own LSTM where that is right, else a loop over the steps.

Its LSTM computes several samples, and both directions, wrongly. Loops take weights that are constants.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ...dialects import nn
from ...dialects.tensors import Array, shape_of
from ...runtime.stackvm.assembler7 import Code, Label, Local, Operand
from ..unsupported import Unsupported
from .calls7 import Calls
from .open7 import EMITTERS, emits, ints

__all__ = ["EMITTERS", "emits", "ints"]

FUNCTIONS: dict[str, tuple[str, str]] = {
    "sigmoid": ("sigmoid", ""),
    "tanh": ("unary", "tanh"),
    "relu": ("relu", ""),
}
"""What the machine calls activations: the tensor function, and its kind."""


@emits(nn.Lstm)
def lstm(code: Code, op: nn.Lstm, x: Operand, w: Operand, r: Operand, b: Operand, *states: Operand) -> None:
    lengths, initial_h, initial_c, peepholes = states
    if peepholes is not None or op.input_forget or op.cell_clip is not None:
        raise Unsupported("an LSTM with peepholes, coupled gates or a limited cell state is not supported")
    _require_plain(op, lengths)
    usual = [str(name).lower() for name in op.activations] == ["sigmoid", "tanh", "tanh"] * op.directions
    if usual and shape_of(op.x)[1] == 1 and op.directions == 1:
        _own_lstm(code, op, x, w, r, b, initial_h, initial_c)
    else:
        _layer(code, op, x, w, r, b, [initial_h, initial_c], _lstm_step)


@emits(nn.Gru)
def gru(code: Code, op: nn.Gru, x: Operand, w: Operand, r: Operand, b: Operand, *states: Operand) -> None:
    _require_plain(op, states[0])
    _layer(code, op, x, w, r, b, states[1:], _gru_step)


@emits(nn.Rnn)
def rnn(code: Code, op: nn.Rnn, x: Operand, w: Operand, r: Operand, b: Operand, *states: Operand) -> None:
    _require_plain(op, states[0])
    _layer(code, op, x, w, r, b, states[1:], _rnn_step)


def _require_plain(op: nn.RecurrentOp, lengths: Operand) -> None:
    if lengths is not None or op.clip is not None or op.layout:
        raise Unsupported("a recurrent layer with sequence lengths, clipping or batch-first layout is not supported")
    unknown = sorted({str(name) for name in op.activations if str(name).lower() not in FUNCTIONS})
    if unknown:
        raise Unsupported(f"a recurrent layer with activations {', '.join(unknown)} is not supported")


def _own_lstm(
    code: Code, op: nn.Lstm, x: Operand, w: Operand, r: Operand, b: Operand, initial_h: Operand, initial_c: Operand
) -> None:
    """The machine's: over one sample, in one direction."""
    hidden = op.hidden_size
    zeros = np.zeros((1, 1, hidden), np.float32)
    code.tensor(
        "lstm",
        x,
        w,
        r,
        np.zeros((1, 8 * hidden), np.float32) if b is None else b,
        np.full(1, shape_of(op.x)[0] or 0, np.int32),  # ignored there
        zeros if initial_h is None else initial_h,
        zeros if initial_c is None else initial_c,
        np.zeros((1, 3 * hidden), np.float32),
        np.zeros(0, np.float32),
        np.zeros(0, np.float32),
        np.float32("nan"),
        ints(hidden),
        ints(0),
        ints(3),
        direction=op.direction,
        layout=0,
        activations=("Sigmoid", "Tanh", "Tanh"),
    )


@dataclass(frozen=True)
class Direction:
    """One direction of a layer: its weights on states (hidden x gates*hidden) and biases on them, its activations, and
    the states of all samples, which a step writes over."""

    weight: Array
    bias: Array
    functions: Sequence[tuple[str, str]]
    states: Sequence[Local]

    @property
    def hidden(self) -> int:
        """How many elements a state has."""
        return len(self.weight)

    def activated(self, call: Calls, value: Local, number: int) -> None:
        """Apply an activation in place."""
        name, kind = self.functions[number]
        call(name, value, into=value, **({"kind": kind} if kind else {}))

    def columns(self, first: int, count: int) -> slice:
        """What of weights and biases belongs to some gates."""
        return slice(first * self.hidden, (first + count) * self.hidden)

    def recurrent(self, call: Calls, state: Local, first: int, count: int) -> Local:
        """What a state adds to some gates."""
        part = self.columns(first, count)
        total = call("mat_mul", state, np.ascontiguousarray(self.weight[:, part]))
        return call("binary", total, np.ascontiguousarray(self.bias[part]), into=total, kind="add")

    def gate(self, call: Calls, value: Local, first: int, count: int = 1) -> Local:
        """Some gates of all."""
        part = self.columns(first, count)
        return call("slice", value, ints((part.start,)), ints((part.stop,)), ints((1,)), ints((1,)))


Step = Callable[[Calls, nn.RecurrentOp, Direction, Local], None]
"""Writes the states behind a step, from what its input gives for all gates."""


def _lstm_step(call: Calls, _op: nn.RecurrentOp, one: Direction, row: Local) -> None:
    """Gates in the order input, output, forget, cell."""
    hidden, cell = one.states
    gates = one.recurrent(call, hidden, 0, 4)
    call("binary", gates, row, into=gates, kind="add")
    first, output, forget, new = (one.gate(call, gates, number) for number in range(4))
    for value, function in ((first, 0), (output, 0), (forget, 0), (new, 1)):
        one.activated(call, value, function)
    call("binary", forget, cell, into=cell, kind="mul")
    call("binary", first, new, into=new, kind="mul")
    call("binary", cell, new, into=cell, kind="add")
    call("binary", cell, np.float32(1), into=hidden, kind="mul")
    one.activated(call, hidden, 2)
    call("binary", output, hidden, into=hidden, kind="mul")


def _gru_step(call: Calls, op: nn.RecurrentOp, one: Direction, row: Local) -> None:
    """Gates in the order update, reset, hidden: h = z * h + (1 - z) * new = z * (h - new) + new"""
    (hidden,) = one.states
    both = one.recurrent(call, hidden, 0, 2)
    call("binary", both, one.gate(call, row, 0, 2), into=both, kind="add")
    one.activated(call, both, 0)
    update, reset = (one.gate(call, both, number) for number in range(2))
    if isinstance(op, nn.Gru) and op.linear_before_reset:
        new = one.recurrent(call, hidden, 2, 1)
        call("binary", reset, new, into=new, kind="mul")
    else:
        call("binary", reset, hidden, into=reset, kind="mul")
        new = one.recurrent(call, reset, 2, 1)
    call("binary", new, one.gate(call, row, 2), into=new, kind="add")
    one.activated(call, new, 1)
    call("binary", hidden, new, into=hidden, kind="sub")
    call("binary", update, hidden, into=hidden, kind="mul")
    call("binary", hidden, new, into=hidden, kind="add")


def _rnn_step(call: Calls, _op: nn.RecurrentOp, one: Direction, row: Local) -> None:
    """h = f(x w + h r + b)"""
    (hidden,) = one.states
    new = one.recurrent(call, hidden, 0, 1)
    call("binary", new, row, into=hidden, kind="add")
    one.activated(call, hidden, 0)


def _layer(
    code: Code,
    op: nn.RecurrentOp,
    x: Operand,
    w: Operand,
    r: Operand,
    b: Operand,
    initial: Sequence[Operand],
    step: Step,
) -> None:
    """Leaves outputs and final states on the stack, as a tuple."""
    if not isinstance(w, np.ndarray) or not isinstance(r, np.ndarray) or not isinstance(b, np.ndarray | None):
        raise Unsupported("a recurrent layer over several samples or of unknown length needs constant weights")
    call = Calls(code)
    rows, hidden = w.shape[1], op.hidden_size
    sizes = call("shape_of", x)
    time, batch = call("gather", sizes, np.int64(0), axis=0), call("gather", sizes, ints((1,)), axis=0)
    shape = call("concat", [batch, ints((hidden,))], axis=0)
    nothing = call("concat", [ints((0,)), shape], axis=0)
    names = [FUNCTIONS[str(name).lower()] for name in op.activations]
    outputs, finals = [], []
    for number in range(op.directions):
        biases = np.zeros(2 * rows, np.float32) if b is None else b[number]
        states = [
            call("constant_of_shape", shape, np.float32(0))
            if state is None
            else call("gather", state, np.int64(number), axis=0)
            for state in initial
        ]
        functions = names[number * op.functions : (number + 1) * op.functions]
        one = Direction(np.ascontiguousarray(r[number].T), biases[rows:], functions, states)
        inputs = call("mat_mul", x, np.ascontiguousarray(w[number].T))
        call("binary", inputs, np.ascontiguousarray(biases[:rows]), into=inputs, kind="add")
        whole = call("constant_of_shape", nothing, np.float32(0))
        _steps(call, op, one, inputs, time, whole, step, op.direction == "reverse" or number == 1)
        outputs.append(call("unsqueeze", whole, ints((1,)), into=whole))
        finals.append([call("unsqueeze", state, ints((0,)), into=state) for state in states])
    results = [call("concat", outputs, axis=1)]
    results += [call("concat", list(ends), axis=0) for ends in zip(*finals, strict=True)]
    code.push(results)
    call.release()


def _steps(
    call: Calls,
    op: nn.RecurrentOp,
    one: Direction,
    inputs: Local,
    time: Local,
    whole: Local,
    step: Step,
    backwards: bool,
) -> None:
    """All steps of one direction; the hidden states are collected in `whole`."""

    def body(counter: Local, _end: Label) -> None:
        place = counter
        if backwards:
            place = call("binary", time, counter, kind="sub")
            call("binary", place, np.int64(1), into=place, kind="sub")
        step(call, op, one, call("gather", inputs, place, axis=0))
        row = call("unsqueeze", one.states[0], ints((0,)))
        call("concat", [row, whole] if backwards else [whole, row], into=whole, axis=0)

    call.loop(time, body)
