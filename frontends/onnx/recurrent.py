"""LSTM, GRU and RNN."""

from typing import Any

from ...dialects import nn
from .node import Node, Output, converter

_DEFAULTS = {"LSTM": ["Sigmoid", "Tanh", "Tanh"], "GRU": ["Sigmoid", "Tanh"], "RNN": ["Tanh"]}


def recurrent_attributes(node: Node, kind: str) -> dict[str, Any]:
    """The attributes of a recurrent operator: of an LSTM, GRU or RNN."""
    direction = node.attribute("direction", "forward")
    times = 2 if direction == "bidirectional" else 1
    return {
        "direction": direction,
        "hidden_size": node.attribute("hidden_size", node.shape(2)[-1] if node.rank(2) else None),
        "activations": node.attribute("activations", _DEFAULTS[kind] * times),
        "activation_alpha": node.floats("activation_alpha"),
        "activation_beta": node.floats("activation_beta"),
        "clip": node.attribute("clip", 0.0) if "clip" in node.attributes else None,
        "layout": node.attribute("layout", 0),
    }


@converter("LSTM", builds=nn.Lstm)
def lstm(node: Node) -> Output:
    operands = [node.optional(i) for i in range(8)]
    forget = bool(node.attribute("input_forget", 0))
    op = nn.Lstm(*operands, input_forget=forget, **recurrent_attributes(node, node.operator))
    return [op.y, op.y_h, op.y_c]


@converter("GRU", builds=nn.Gru)
def gru(node: Node) -> Output:
    operands = [node.optional(i) for i in range(6)]
    linear = bool(node.attribute("linear_before_reset", 0))
    op = nn.Gru(*operands, linear_before_reset=linear, **recurrent_attributes(node, node.operator))
    return [op.y, op.y_h]


@converter("RNN", builds=nn.Rnn)
def rnn(node: Node) -> Output:
    op = nn.Rnn(*[node.optional(i) for i in range(6)], **recurrent_attributes(node, node.operator))
    return [op.y, op.y_h]
