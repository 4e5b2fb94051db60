"""Recurrent layers.

Their states are variables. A layer that sees one step a run continues where the last run ended; a layer that sees a
whole sequence starts from zero in every run, as the layers do that converters make it from.
"""

import numpy as np
import tflite

from ...dialects import nn
from ..builder import Unsupported
from .node import Node, Output, activated, converter


@converter("SVDF")
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


@converter("UNIDIRECTIONAL_SEQUENCE_LSTM")
def lstm(node: Node) -> Output:
    """Without projection and layer normalisation."""
    activation, cell_clip, proj_clip, time_major = node.options(
        "UnidirectionalSequenceLSTMOptions", "FusedActivationFunction", "CellClip", "ProjClip", "TimeMajor"
    )
    if any(node.optional(index) is not None for index in (16, 17, *range(20, 24))) or proj_clip:
        raise Unsupported("projection and layer normalisation are not supported")
    if activation != tflite.ActivationFunctionType.TANH:
        raise Unsupported("only LSTM with tanh is supported")
    w, r, b, p = _gates(node)
    hidden = r.shape[1]
    value = node.input(0) if time_major else nn.Transpose(node.input(0), permutation=(1, 0, 2)).output
    streaming = node.shape()[0 if time_major else 1] == 1
    states = [nn.Unsqueeze(node.state(i), axes=(0,)).output if streaming else None for i in (18, 19)]
    result = nn.Lstm(
        value,
        node.new_constant(w[None]),
        node.new_constant(r[None]),
        node.new_constant(np.concatenate([b, np.zeros_like(b)])[None]),
        None,
        *states,
        None if p is None else node.new_constant(p[None]),
        direction="forward",
        hidden_size=hidden,
        activations=("Sigmoid", "Tanh", "Tanh"),
        activation_alpha=(),
        activation_beta=(),
        layout=0,
        input_forget=False,
        cell_clip=cell_clip or None,
    )
    if streaming:
        for index, state in ((18, result.y_h), (19, result.y_c)):
            node.update(index, nn.Squeeze(state, axes=(0,)).output)
    squeezed = nn.Squeeze(result.y, axes=(1,)).output
    return squeezed if time_major else nn.Transpose(squeezed, permutation=(1, 0, 2)).output


def _gates(node: Node) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray | None]:
    """Weights, recurrent weights, biases and peepholes with the gates in the order of `nn.lstm`.

    Without an input gate it is one minus the forget gate: the sigmoid of what goes into that, negated.
    """
    coupled = node.optional(1) is None
    order = (1 if coupled else 0, 3, 1, 2)  # input, output, forget, cell
    signs = (-1.0 if coupled else 1.0, 1.0, 1.0, 1.0)

    def gather(first: int, gates: tuple[int, ...]) -> np.ndarray:
        parts = [node.constant(first + gate) * np.float32(sign) for gate, sign in zip(gates, signs, strict=False)]
        return np.concatenate(parts)

    peepholes = None
    if node.optional(10) is not None:
        peepholes = gather(9, (1 if coupled else 0, 2, 1))  # input, output, forget
    return gather(1, order), gather(5, order), gather(12, order), peepholes
