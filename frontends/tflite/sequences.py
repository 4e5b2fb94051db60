"""Plain recurrent layers, and layers that read a sequence both ways.

Their states are as those of `recurrent`: variables of a layer that sees one step a run, else they begin at zero.
"""

import numpy as np
import tflite

from ...dialects import nn
from ...dialects.mlir import ir
from ...dialects.tensors import shape_of
from ..builder import Unsupported
from .lstm import STEPS, float_lstm, gates_of
from .node import Node, Output, activated, converter
from .recurrent import any_lstm, is_of_integers

BACKWARD = 17
"""How far the parameters of the backward LSTM are behind those of the forward one, among the inputs."""
_FUNCTIONS = {
    tflite.ActivationFunctionType.NONE: "Affine",
    tflite.ActivationFunctionType.RELU: "Relu",
    tflite.ActivationFunctionType.TANH: "Tanh",
}


ONE_STEP = nn.Matmul, nn.Add, nn.Unsqueeze
"""What a sequence of one step becomes."""


@converter("RNN", builds=(nn.Matmul, nn.Add))
def rnn(node: Node) -> Output:
    (activation,) = node.options("RNNOptions", "FusedActivationFunction")
    return _step(node, node.input(0), 1, 4, activation)


def _step(node: Node, value: ir.Value, first: int, state: int, activation: int) -> ir.Value:
    """f(x w + h r + b); weights, recurrent weights and bias are inputs from `first` on."""
    driven = nn.Matmul(value, node.transposed(first, (1, 0))).output
    kept = nn.Matmul(node.state(state), node.transposed(first + 1, (1, 0))).output
    total = nn.Add(nn.Add(driven, kept).output, node.input(first + 2)).output
    return node.update(state, activated(total, activation))


@converter("UNIDIRECTIONAL_SEQUENCE_RNN", builds=(nn.Rnn, nn.Squeeze), forms={"one step": ONE_STEP})
def sequence_rnn(node: Node) -> Output:
    time_major, activation = node.options("SequenceRNNOptions", "TimeMajor", "FusedActivationFunction")
    return _untimed(_rnn(node, _timed(node, time_major), 1, 4, activation), time_major)


@converter(
    "BIDIRECTIONAL_SEQUENCE_RNN",
    builds=(nn.Rnn, nn.Squeeze),
    forms={"merged outputs": nn.Concat, "one step": ONE_STEP},
)
def bidirectional_rnn(node: Node) -> Output:
    time_major, activation, merge = node.options(
        "BidirectionalSequenceRNNOptions", "TimeMajor", "FusedActivationFunction", "MergeOutputs"
    )
    if any(node.optional(index) is not None for index in (9, 10, 11)):
        raise Unsupported("auxiliary inputs are not supported")
    value = _timed(node, time_major)
    forward, backward = (_rnn(node, value, first, first + 3, activation, backward=first > 1) for first in (1, 5))
    return _both(forward, backward, time_major, merge)


@converter(
    "BIDIRECTIONAL_SEQUENCE_LSTM",
    builds=(nn.Lstm, nn.Squeeze),
    forms={"merged outputs": nn.Concat, "projection": STEPS},
)
def bidirectional_lstm(node: Node) -> Output:
    """Without auxiliary inputs."""
    names = ("FusedActivationFunction", "CellClip", "ProjClip", "MergeOutputs", "TimeMajor")
    activation, cell_clip, proj_clip, merge, time_major = node.options("BidirectionalSequenceLSTMOptions", *names)
    if any(node.optional(index) is not None for index in range(39, 48)):
        raise Unsupported("auxiliary inputs are not supported")
    if activation != tflite.ActivationFunctionType.TANH:
        raise Unsupported("only LSTM with tanh is supported")
    value = _timed(node, time_major)
    gates = [gates_of(node, offset, norms=False) for offset in (0, BACKWARD)]
    forward = float_lstm(node, value, gates[0], cell_clip, proj_clip, states=(35, 36))
    backward = float_lstm(node, value, gates[1], cell_clip, proj_clip, states=(37, 38), direction="reverse")
    return _both(forward, backward, time_major, merge)


@converter(
    "LSTM",
    builds=(nn.Concat, nn.Matmul, nn.Add, nn.Split, nn.Mul, nn.Sigmoid),
    forms={
        "the parameters of a sequence's layer": (nn.Unsqueeze, nn.Lstm, nn.Squeeze),
        "integers": (nn.Unsqueeze, nn.IntegerLstm, nn.Squeeze),
        "projection or layer normalisation": STEPS,
    },
)
def lstm_step(node: Node) -> Output:
    """One step, with the parameters of a sequence's layer or, in the basic form, all weights as one matrix."""
    activation, cell_clip, proj_clip, basic = node.options(
        "LSTMOptions", "FusedActivationFunction", "CellClip", "ProjClip", "KernelType"
    )
    if activation != tflite.ActivationFunctionType.TANH:
        raise Unsupported("only LSTM with tanh is supported")
    if basic:
        return _basic_lstm(node)
    value = node.whole(0) if is_of_integers(node) else node.input(0)
    result = any_lstm(node, nn.Unsqueeze(value, axes=(0,)).output, cell_clip, proj_clip)
    return nn.Squeeze(result, axes=(0,)).output


def _basic_lstm(node: Node) -> Output:
    """From the input, the last activation, weights, biases and the last state; gates: input, new, forget, output."""
    if node.outputs[0].quantization is not None:
        raise Unsupported("quantised LSTM of the basic kind is not supported")
    joined = nn.concat([node.input(0), node.input(1)], 1)
    total = nn.Add(nn.Matmul(joined, node.transposed(2, (1, 0))).output, node.input(3)).output
    width = (shape_of(total)[1] or 0) // 4
    i, new, f, o = nn.Split(total, axis=1, sizes=(width,) * 4).outputs
    kept = nn.Mul(nn.Sigmoid(f).output, node.input(4)).output
    added = nn.Mul(nn.Sigmoid(i).output, nn.Tanh(new).output).output
    state = nn.Add(kept, added).output
    result = nn.Mul(nn.Sigmoid(o).output, nn.Tanh(state).output).output
    return [result, state, joined, total]


def _rnn(node: Node, value: ir.Value, first: int, state: int, activation: int, *, backward: bool = False) -> ir.Value:
    """The states of all steps; weights, recurrent weights and bias are inputs from `first` on."""
    if shape_of(value)[0] == 1:
        step = _step(node, nn.Squeeze(value, axes=(0,)).output, first, state, activation)
        return nn.Unsqueeze(step, axes=(0,)).output
    if activation not in _FUNCTIONS:
        raise Unsupported(f"fused activation {activation} is not supported")
    weight, recurrent, bias = (node.constant(first + k) for k in range(3))
    linear = activation == tflite.ActivationFunctionType.NONE
    result = nn.Rnn(
        value,
        node.new_constant(weight[None]),
        node.new_constant(recurrent[None]),
        node.new_constant(np.concatenate([bias, np.zeros_like(bias)])[None]),
        direction="reverse" if backward else "forward",
        hidden_size=recurrent.shape[1],
        activations=(_FUNCTIONS[activation],),
        activation_alpha=(1.0,) if linear else (),
        activation_beta=(0.0,) if linear else (),
        layout=0,
    )
    return nn.Squeeze(result.y, axes=(1,)).output


def _timed(node: Node, time_major: bool) -> ir.Value:
    """The input, steps first."""
    return node.input(0) if time_major else nn.Transpose(node.input(0), permutation=(1, 0, 2)).output


def _untimed(value: ir.Value, time_major: bool) -> ir.Value:
    """A result, batches first if the input's are."""
    return value if time_major else nn.Transpose(value, permutation=(1, 0, 2)).output


def _both(forward: ir.Value, backward: ir.Value, time_major: bool, merge: bool) -> Output:
    if merge:
        return _untimed(nn.concat([forward, backward], 2), time_major)
    return [_untimed(value, time_major) for value in (forward, backward)]
