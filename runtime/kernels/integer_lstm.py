"""Long short-term memory of integers; see `nn.integer_lstm`."""

import numpy as np

from .arrays import Array
from .fixed_point import HIGHEST, divided, limited, multiplied, sigmoid, tanh

GATES = ("input", "output", "forget", "cell")
GATE_BITS = 3
"""Bits before the point of what goes into a gate."""


def integer_lstm(
    x: Array,
    w: Array,
    r: Array,
    b: Array,
    initial_h: Array,
    initial_c: Array,
    p: Array | None = None,
    projection: Array | None = None,
    projection_bias: Array | None = None,
    *,
    x_zero_point: int,
    h_zero_point: int,
    hidden_zero_point: int,
    w_factors: Array,
    r_factors: Array,
    p_factors: Array,
    hidden_factor: Array,
    projection_factors: Array,
    cell_bits: int,
    cell_clip: int | None,
    projection_clip: int | None,
    input_forget: bool,
) -> tuple[Array, Array, Array]:
    """Outputs, final hidden state, final cell state.

    Factors take the sums of each row to what goes into gates, or to steps of h; `hidden_factor` takes products with 30
    bits behind the point to steps of what the output gate lets through. `cell_bits` are those of c before the point.
    """
    h, c = initial_h.astype(np.int64), initial_c.astype(np.int64)
    names = GATES[1:] if input_forget else GATES
    limit = HIGHEST if cell_clip is None else cell_clip
    driven = multiplied(_sums(x, x_zero_point, w) + b, w_factors)
    outputs = np.zeros((*x.shape[:2], h.shape[-1]), np.int8)

    def gate(inputs: dict[str, Array], name: str, cell: Array) -> Array:
        """What a gate with a sigmoid lets through."""
        seen = inputs[name]
        if p is not None:
            rows = slice(names.index(name) * cell.shape[-1], (names.index(name) + 1) * cell.shape[-1])
            factors = np.broadcast_to(p_factors, p.shape)[rows]
            seen = limited(seen + multiplied(p[rows].astype(np.int64) * cell, factors))
        return sigmoid(seen, GATE_BITS)

    for step, now in enumerate(limited(driven)):
        kept = multiplied(_sums(h, h_zero_point, r), r_factors)
        inputs = dict(zip(names, np.split(limited(now + kept), len(names), axis=-1), strict=True))
        f = gate(inputs, "forget", c)
        i = HIGHEST - f if input_forget else gate(inputs, "input", c)
        added = divided(i * tanh(inputs["cell"], GATE_BITS), 15 + cell_bits)
        c = np.clip(limited(divided(f * c, 15) + added), -limit, limit)
        products = gate(inputs, "output", c) * tanh(c, cell_bits)
        h = np.clip(multiplied(products, hidden_factor) + hidden_zero_point, -128, 127)
        if projection is not None:
            sums = _sums(h, hidden_zero_point, projection) + (0 if projection_bias is None else projection_bias)
            h = np.clip(multiplied(sums, projection_factors) + h_zero_point, -128, 127)
            h = h if projection_clip is None else np.clip(h, -projection_clip, projection_clip)
        outputs[step] = h
    return outputs, h.astype(np.int8), c.astype(np.int16)


def _sums(stored: Array, zero_point: int, weight: Array) -> Array:
    """The sums of products of integers with the rows of a weight."""
    result: Array = (stored.astype(np.int64) - zero_point) @ weight.T.astype(np.int64)
    return result
