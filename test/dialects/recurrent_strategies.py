"""Recurrent layers."""

import numpy as np
from drawn_case import Case, floats, integers, node
from hypothesis import strategies as st

from kpuc.dialects import nn

ACTIVATIONS = ("Sigmoid", "Tanh", "Relu", "HardSigmoid", "LeakyRelu", "Elu", "Softsign", "Softplus", "ThresholdedRelu")
PARAMETERS = {"HardSigmoid": (0.25, 0.5), "LeakyRelu": (0.125,), "Elu": (0.75,), "ThresholdedRelu": (0.5,)}
LAYERS = {nn.Rnn: ("RNN", 1, 1, 1), nn.Gru: ("GRU", 3, 2, 1), nn.Lstm: ("LSTM", 4, 3, 2)}
"""ONNX's operator; how many gates, activations a direction, and states there are."""


def recurrent(op):
    operator, gates, functions, states = LAYERS[op]

    @st.composite
    def strategy(draw):
        time, batch, width, hidden = (draw(st.integers(1, 3)) for _ in range(4))
        direction = draw(st.sampled_from(["forward", "reverse", "bidirectional"]))
        directions = 2 if direction == "bidirectional" else 1
        x = floats(draw, (time, batch, width), -1, 1)
        operands = [
            x,
            floats(draw, (directions, gates * hidden, width), -1, 1),
            floats(draw, (directions, gates * hidden, hidden), -1, 1),
            optional(draw, (directions, 2 * gates * hidden)),
            integers(draw, (batch,), 1, time, np.int32) if draw(st.booleans()) else None,
            *(optional(draw, (directions, batch, hidden)) for _ in range(states)),
        ]
        if op is nn.Lstm:
            operands.append(optional(draw, (directions, 3 * hidden)))
        names = [draw(st.sampled_from(ACTIVATIONS)) for _ in range(functions * directions)]
        attributes = {
            "direction": direction,
            "hidden_size": hidden,
            "activations": names,
            "activation_alpha": [PARAMETERS[name][0] for name in names if name in PARAMETERS],
            "activation_beta": [PARAMETERS[name][1] for name in names if len(PARAMETERS.get(name, ())) > 1],
        }
        if op is nn.Gru:
            attributes["linear_before_reset"] = draw(st.booleans())
        if op is nn.Lstm:
            attributes["input_forget"] = False  # onnxruntime couples the gates the other way round
        clip = draw(st.none() | st.just(0.5))
        given = {k: int(v) if isinstance(v, bool) else v for k, v in attributes.items() if v != []}
        given |= {} if clip is None else {"clip": clip}
        expected = node(operator, *operands, outputs=1 + states, **given)
        layout = draw(st.integers(0, 1))  # onnxruntime knows layout 0 only
        if layout:
            expected, operands = batch_first(expected, operands)
        return Case(op, operands, expected, {**attributes, "clip": clip, "layout": layout})

    return strategy()


def optional(draw, dims):
    return floats(draw, dims, -1, 1) if draw(st.booleans()) else None


def batch_first(expected, operands):
    """The same with the batch as first dimension of sequences and states."""

    def run():
        y, *ends = expected()
        return [y.transpose(2, 0, 1, 3), *(end.transpose(1, 0, 2) for end in ends)]

    x, w, r, b, lengths, *states = operands
    turned = [a.transpose(1, 0, 2) if a is not None and a.ndim == 3 else a for a in states]
    return run, [x.transpose(1, 0, 2), w, r, b, lengths, *turned]


STRATEGIES = {op: recurrent(op) for op in LAYERS}
