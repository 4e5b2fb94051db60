"""Recurrent layers."""

import numpy as np
from quantised_cases import parameters, stored
from single_operator import case, normal
from tflite_writer import Quantization

TANH = 4


def lstm(batch, time, width, hidden, time_major=False, **options):
    """A layer without peepholes, projection and layer normalisation; its states are variables."""
    weights = [normal(hidden, width, seed=k, scale=0.5) for k in range(4)]
    recurrent = [normal(hidden, hidden, seed=k + 4, scale=0.5) for k in range(4)]
    biases = [normal(hidden, seed=k + 8) for k in range(4)]
    image = normal(time, batch, width) if time_major else normal(batch, time, width)
    state = np.zeros((batch, hidden), np.float32)
    inputs = [image, *weights, *recurrent, None, None, None, *biases, None, None, state, state]
    return case(
        "UNIDIRECTIONAL_SEQUENCE_LSTM",
        *inputs,
        *[None] * 4,
        constant=(*range(1, 9), *range(12, 16)),
        variables=(18, 19),
        fused_activation_function=TANH,
        time_major=time_major,
        **options,
    )


def quantised_lstm(batch, time, width, hidden, scale=0.5, **options):
    """The same with inputs, weights and hidden states of 8 bits, cells of 16 bits, gates of 16 bits in between."""
    source, kept, cell = parameters(-3, 3, "int8"), parameters(-1, 1, "int8"), Quantization((2.0**-11,), (0,))
    inputs, quantised = [stored(normal(batch, time, width), source, "int8")], {0: source}
    for k in range(8):
        weights = normal(hidden, width if k < 4 else hidden, seed=k, scale=scale if k < 4 else 0.5)
        quantised[k + 1] = Quantization((float(np.float32(np.abs(weights).max() / 127)),), (0,))
        inputs.append(stored(weights, quantised[k + 1], "int8"))
    inputs += [None] * 3
    for k in range(4):
        quantised[k + 12] = Quantization((source.scale[0] * quantised[k + 1].scale[0],), (0,))
        inputs.append(stored(normal(hidden, seed=k + 8), quantised[k + 12], "int32"))
    state = np.full((batch, hidden), kept.zero_point[0], np.int8)
    inputs += [None, None, state, np.zeros((batch, hidden), np.int16), *[None] * 4]
    nothing = ("float32", None)
    return case(
        "UNIDIRECTIONAL_SEQUENCE_LSTM",
        *inputs,
        constant=(*range(1, 9), *range(12, 16)),
        variables=(18, 19),
        outputs="int8",
        quantised={**quantised, 18: kept, 19: cell},
        results={0: kept},
        intermediates=(nothing, nothing, nothing, nothing, ("int8", kept)),
        fused_activation_function=TANH,
        **options,
    )


CASES = [
    lstm(2, 5, 3, 4),
    lstm(2, 5, 3, 4, time_major=True),
    lstm(1, 7, 3, 4, cell_clip=0.3),
    quantised_lstm(2, 7, 3, 4),
    quantised_lstm(1, 7, 3, 4, scale=8),  # gates saturate
]
