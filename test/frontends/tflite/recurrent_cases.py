"""Recurrent layers."""

import numpy as np
from single_operator import case, normal

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


CASES = [
    lstm(2, 5, 3, 4),
    lstm(2, 5, 3, 4, time_major=True),
    lstm(1, 7, 3, 4, cell_clip=0.3),
]
