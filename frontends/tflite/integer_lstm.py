"""LSTM layers of integers: activations and weights of 8 bits, cells and gates of 16."""

from collections.abc import Sequence

import numpy as np

from ...dialects import nn
from ...dialects.mlir import ir
from ...dialects.tensors import Array, shape_of
from ..builder import Unsupported
from . import quantization
from .loader import Quantization, Tensor
from .lstm import CELL, HIDDEN, NORMS
from .node import Node

PROJECTION = 16
"""The weights of projection among the inputs; behind them is its bias."""
INTERMEDIATES = 5
"""Tensors between the parts of a layer whose gates have 16 bits."""


def integer_lstm(node: Node, value: ir.Value, cell_clip: float, projection_clip: float) -> ir.Value:
    """The integers of the hidden states of all steps, steps first."""
    steps, batch, _ = shape_of(value)
    if steps is None or batch is None:
        raise Unsupported("a quantised LSTM needs a known shape", "give the shape with --shape")
    if len(node.intermediates) != INTERMEDIATES:
        raise Unsupported("only gates of 16 bits are supported")
    projected = node.optional(PROJECTION) is not None
    if projected and node.optional(10) is not None:
        raise Unsupported("peepholes of integers with projection are not supported: LiteRT sees to some of them only")
    h, c = ((node.whole_state if steps == 1 else node.first_state)(index) for index in (HIDDEN, CELL))
    hidden = _quantization(node.intermediates[-1], "the last intermediate tensor")
    h_scale, c_scale = (_quantization(node.tensors[index], f"input {index}").scale[0] for index in (HIDDEN, CELL))
    coupled = node.optional(1) is None
    order = (3, 1, 2) if coupled else (0, 3, 1, 2)  # input, output, forget, cell
    normed = node.optional(NORMS + 1) is not None
    peepholes = (2, 1) if coupled else (0, 2, 1)  # input, output, forget
    result = nn.IntegerLstm(
        value,
        _stacked(node, [1 + gate for gate in order]),
        _stacked(node, [5 + gate for gate in order]),
        node.new_constant(np.concatenate([node.ints(12 + gate) for gate in order]), np.int32),
        h,
        c,
        None if node.optional(10) is None else _stacked(node, [9 + gate for gate in peepholes]),
        _stacked(node, [PROJECTION]) if projected else None,
        None if node.optional(PROJECTION + 1) is None else node.new_constant(node.ints(PROJECTION + 1), np.int32),
        _stacked(node, [NORMS + gate for gate in order]) if normed else None,
        input_forget=coupled,
        gate_scales=[_gate_scale(node, gate) if normed else 2.0**-12 for gate in order],
        cell_clip=int(min(cell_clip / c_scale, 2**15 - 1)) or None,
        hidden_scale=hidden.scale[0],
        # LiteRT stores what is to be projected less its zero point, and all else plus its own.
        hidden_zero_point=-hidden.zero_point[0] if projected else hidden.zero_point[0],
        projection_clip=(int(min(projection_clip / h_scale, 127)) or None) if projected else None,
    )
    if steps == 1:
        node.update(HIDDEN, result.y_h)
        node.update(CELL, result.y_c)
    return quantization.stored(result.y)


def _quantization(tensor: Tensor | None, name: str) -> Quantization:
    if tensor is None or tensor.quantization is None or len(tensor.quantization.scale) > 1:
        raise Unsupported(f"{name} is not quantised with one scale")
    return tensor.quantization


def _gate_scale(node: Node, gate: int) -> float:
    return _quantization(node.intermediates[gate], f"intermediate tensor {gate}").scale[0]


def _stacked(node: Node, indices: Sequence[int]) -> ir.Value:
    """Quantised constants on top of each other, each with its own scale."""
    stored: list[Array] = []
    scales: list[float] = []
    for index in indices:
        tensor = node.tensors[index]
        parameters = _quantization(tensor, f"input {index}")
        if tensor is None or tensor.data is None:
            raise Unsupported(f"input {index} is computed by the network; only constants are supported")
        if any(parameters.zero_point):
            raise Unsupported(f"input {index} has a zero point of {parameters.zero_point[0]}; only 0 is supported")
        stored.append(tensor.data)
        scales += parameters.scale * len(tensor.data)
    whole = Quantization(tuple(scales), (0,) * len(scales), 0)
    return quantization.as_quantised(node.new_constant(np.concatenate(stored)), whole)
