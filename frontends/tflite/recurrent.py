"""Recurrent layers.

Their states are variables. A layer that sees one step a run continues where the last run ended; a layer that sees a
whole sequence starts from zero in every run, as the layers do that converters make it from (LiteRT does so behind
`reset_all_variables`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import tflite

from ...dialects import nn
from ...dialects.mlir import ir
from ...dialects.tensors import Array, shape_of
from ..builder import Unsupported
from . import quantization
from .loader import Quantization
from .node import Node, Output, activated, converter

HIDDEN, CELL = 18, 19
"""The variables of an LSTM among its inputs."""


@converter("SVDF", builds=(nn.Matmul, nn.Reshape, nn.Slice, nn.Concat, nn.Mul, nn.Reduce, nn.Add))
def svdf(node: Node) -> Output:
    """Each filter is a vector over the features times one over the last steps: y = sum_t w_time[t] * (w x)[t].

    Source: Nakkiran et al., Compressing deep neural networks using a rank-constrained topology, 2015.
    """
    rank, activation = node.options("SVDFOptions", "Rank", "FusedActivationFunction")
    weight, over_time = node.transposed(1, (1, 0)), node.input(2)
    filters, steps = node.constant(2).shape
    batch = node.shape()[0]
    if batch is None or rank < 1 or filters % rank:
        raise Unsupported(f"{filters} filters of rank {rank} for {batch} samples", "give the shape with --shape")
    now = nn.Reshape(nn.Matmul(node.input(0), weight).output, shape=(batch, filters, 1)).output
    before = nn.Reshape(node.state(4), shape=(batch, filters, steps)).output
    kept = nn.Slice(before, starts=(1,), ends=(steps,), axes=(2,), steps=(1,)).output
    flat = nn.Reshape(nn.concat([kept, now], 2), shape=(batch, filters * steps)).output
    memory = nn.Reshape(node.update(4, flat), shape=(batch, filters, steps)).output
    weighed = nn.Reshape(nn.Mul(memory, over_time).output, shape=(batch, filters // rank, rank * steps)).output
    result = nn.Reduce(weighed, kind="sum", axes=(2,), keepdims=False).output
    if node.optional(3) is not None:
        result = nn.Add(result, node.input(3)).output
    return activated(result, activation)


@dataclass(frozen=True)
class Gates:
    """Weights, recurrent weights, biases and peepholes; gates as in `nn.lstm`: input, output, forget, cell."""

    weight: Array
    recurrent: Array
    bias: Array
    peepholes: Array | None


@converter(
    "UNIDIRECTIONAL_SEQUENCE_LSTM",
    builds=(nn.Lstm, nn.Squeeze),
    forms={
        "what it remembers": nn.Unsqueeze,
        "integers": nn.IntegerLstm,
    },
)
def lstm(node: Node) -> Output:
    """Without projection and layer normalisation."""
    activation, cell_clip, proj_clip, time_major = node.options(
        "UnidirectionalSequenceLSTMOptions", "FusedActivationFunction", "CellClip", "ProjClip", "TimeMajor"
    )
    if any(node.optional(index) is not None for index in (16, 17, *range(20, 24))) or proj_clip:
        raise Unsupported("projection and layer normalisation are not supported")
    if activation != tflite.ActivationFunctionType.TANH:
        raise Unsupported("only LSTM with tanh is supported")
    whole = node.outputs[0].quantization is not None
    value = node.whole(0) if whole else node.input(0)
    value = value if time_major else nn.Transpose(value, permutation=(1, 0, 2)).output
    if whole:
        result = _integer_lstm(node, value, cell_clip)
    else:
        result = float_lstm(node, value, gates_of(node), cell_clip)
    return result if time_major else nn.Transpose(result, permutation=(1, 0, 2)).output


def float_lstm(
    node: Node,
    value: ir.Value,
    gates: Gates,
    cell_clip: float,
    *,
    states: tuple[int, int] = (HIDDEN, CELL),
    direction: Literal["forward", "reverse"] = "forward",
) -> ir.Value:
    """The hidden states of all steps, steps first; `states` are the variables among the inputs."""
    streaming = shape_of(value)[0] == 1
    before = [nn.Unsqueeze(node.state(i), axes=(0,)).output if streaming else None for i in states]
    peepholes = gates.peepholes
    result = nn.Lstm(
        value,
        node.new_constant(gates.weight[None]),
        node.new_constant(gates.recurrent[None]),
        node.new_constant(np.concatenate([gates.bias, np.zeros_like(gates.bias)])[None]),
        None,
        *before,
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
    if streaming:
        for variable, last in zip(states, (result.y_h, result.y_c), strict=True):
            node.update(variable, nn.Squeeze(last, axes=(0,)).output)
    return nn.Squeeze(result.y, axes=(1,)).output


def _integer_lstm(node: Node, value: ir.Value, cell_clip: float) -> ir.Value:
    """The same of integers alone: those of the hidden states of all steps, steps first."""
    steps, batch, _ = shape_of(value)
    if steps is None or batch is None:
        raise Unsupported("a quantised LSTM needs a known shape", "give the shape with --shape")
    h, c = ((node.whole_state if steps == 1 else node.untouched)(index) for index in (HIDDEN, CELL))
    coupled = node.optional(1) is None
    order = (3, 1, 2) if coupled else (0, 3, 1, 2)  # input, output, forget, cell
    peepholes = (2, 1) if coupled else (0, 2, 1)  # input, output, forget
    result = nn.IntegerLstm(
        value,
        _stacked(node, [1 + gate for gate in order]),
        _stacked(node, [5 + gate for gate in order]),
        node.new_constant(np.concatenate([node.ints(12 + gate) for gate in order]), np.int32),
        h,
        c,
        None if node.optional(10) is None else _stacked(node, [9 + gate for gate in peepholes]),
        input_forget=coupled,
        cell_clip=int(min(cell_clip / _quantization(node, CELL).scale[0], 2**15 - 1)) or None,
    )
    if steps == 1:
        node.update(HIDDEN, result.y_h)
        node.update(CELL, result.y_c)
    return quantization.stored(result.y)


def _quantization(node: Node, index: int) -> Quantization:
    tensor = node.tensors[index] if index < len(node.tensors) else None
    if tensor is None or tensor.quantization is None or len(tensor.quantization.scale) > 1:
        raise Unsupported(f"input {index} is not quantised with one scale")
    return tensor.quantization


def _stacked(node: Node, indices: Sequence[int]) -> ir.Value:
    """Quantised constants on top of each other, each with its own scale."""
    stored: list[Array] = []
    scales: list[float] = []
    for index in indices:
        parameters, tensor = _quantization(node, index), node.tensors[index]
        if tensor is None or tensor.data is None:
            raise Unsupported(f"input {index} is computed by the network; only constants are supported")
        if any(parameters.zero_point):
            raise Unsupported(f"input {index} has a zero point of {parameters.zero_point[0]}; only 0 is supported")
        stored.append(tensor.data)
        scales += parameters.scale * len(tensor.data)
    whole = Quantization(tuple(scales), (0,) * len(scales), 0)
    return quantization.as_quantised(node.new_constant(np.concatenate(stored)), whole)


def gates_of(node: Node, offset: int = 0) -> Gates:
    """The parameters of a layer, which begin `offset` behind their usual place among the inputs.

    Without an input gate it is one minus the forget gate: the sigmoid of what goes into that, negated.
    """
    coupled = node.optional(offset + 1) is None
    order = (1 if coupled else 0, 3, 1, 2)  # input, output, forget, cell

    def gather(first: int, gates: tuple[int, ...]) -> Array:
        parts = [node.constant(offset + first + gate) for gate in gates]
        return np.concatenate([-parts[0], *parts[1:]] if coupled else parts)

    peepholes = None
    if node.optional(offset + 10) is not None:
        peepholes = gather(9, (1 if coupled else 0, 2, 1))  # input, output, forget
    return Gates(gather(1, order), gather(5, order), gather(12, order), peepholes)
