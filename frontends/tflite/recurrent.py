"""Recurrent layers.

Their states are variables. A layer that sees one step a run continues where the last run ended; a layer that sees a
whole sequence starts from zero in every run, as the layers do that converters make it from (LiteRT does so behind
`reset_all_variables`).
"""

import tflite

from ...dialects import nn
from ...dialects.mlir import ir
from ..builder import Unsupported
from .integer_lstm import integer_lstm
from .lstm import STEPS, float_lstm, gates_of
from .node import Node, Output, activated, converter


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


@converter(
    "UNIDIRECTIONAL_SEQUENCE_LSTM",
    builds=(nn.Lstm, nn.Squeeze),
    forms={"what it remembers": nn.Unsqueeze, "integers": nn.IntegerLstm, "projection or layer normalisation": STEPS},
)
def lstm(node: Node) -> Output:
    """Layers of integers have no peepholes beside projection."""
    activation, cell_clip, projection_clip, time_major = node.options(
        "UnidirectionalSequenceLSTMOptions", "FusedActivationFunction", "CellClip", "ProjClip", "TimeMajor"
    )
    if activation != tflite.ActivationFunctionType.TANH:
        raise Unsupported("only LSTM with tanh is supported")
    value = node.whole(0) if is_of_integers(node) else node.input(0)
    value = value if time_major else nn.Transpose(value, permutation=(1, 0, 2)).output
    result = any_lstm(node, value, cell_clip, projection_clip)
    return result if time_major else nn.Transpose(result, permutation=(1, 0, 2)).output


def is_of_integers(node: Node) -> bool:
    """Whether a layer computes integers from integers."""
    return node.outputs[0].quantization is not None


def any_lstm(node: Node, value: ir.Value, cell_clip: float, projection_clip: float) -> ir.Value:
    """The hidden states of all steps, steps first, of a layer of integers or of real numbers."""
    if is_of_integers(node):
        return integer_lstm(node, value, cell_clip, projection_clip)
    return float_lstm(node, value, gates_of(node), cell_clip, projection_clip)
