"""Long short-term memory of integers; see `nn.integer_lstm`."""

import numpy as np

from .arrays import Array
from .fixed_point import HIGHEST, divided, limited, multiplied, normalised, sigmoid, tanh

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
    norms: Array | None = None,
    *,
    x_zero_point: int,
    h_zero_point: int,
    hidden_zero_point: int,
    w_factors: Array,
    r_factors: Array,
    p_factors: Array,
    hidden_factor: Array,
    projection_factors: Array,
    norm_factors: Array,
    norm_guards: Array,
    cell_bits: int,
    cell_clip: int | None,
    projection_clip: int | None,
    input_forget: bool,
) -> tuple[Array, Array, Array]:
    """Outputs, final hidden state, final cell state.

    Factors take the sums of each row to what goes into gates, or to steps of h; `hidden_factor` takes products with 30
    bits behind the point to steps of what the output gate lets through. `cell_bits` are those of c before the point.
    `norm_factors` and `norm_guards` are those of `fixed_point.normalised`, for all rows or each of them.
    """
    h, c = initial_h.astype(np.int64), initial_c.astype(np.int64)
    names = GATES[1:] if input_forget else GATES
    limit = HIGHEST if cell_clip is None else cell_clip
    driven = multiplied(_sums(x, x_zero_point, w) + (b if norms is None else 0), w_factors)
    outputs = np.zeros((*x.shape[:2], h.shape[-1]), np.int8)

    def seen(inputs: dict[str, Array], name: str, cell: Array) -> Array:
        """What goes into the function of a gate."""
        value, hidden = inputs[name], cell.shape[-1]
        rows = slice(names.index(name) * hidden, (names.index(name) + 1) * hidden)
        if p is not None and name != "cell":
            factors = np.broadcast_to(p_factors, p.shape)[rows]
            value = limited(value + multiplied(p[rows].astype(np.int64) * cell, factors))
        if norms is None:
            return value
        factors, guards = (np.broadcast_to(array, norms.shape)[rows] for array in (norm_factors, norm_guards))
        return normalised(value, norms[rows].astype(np.int64), b[rows].astype(np.int64), factors, guards[:1])

    for step, now in enumerate(limited(driven)):
        kept = multiplied(_sums(h, h_zero_point, r), r_factors)
        inputs = dict(zip(names, np.split(limited(now + kept), len(names), axis=-1), strict=True))
        f = sigmoid(seen(inputs, "forget", c), GATE_BITS)
        i = HIGHEST - f if input_forget else sigmoid(seen(inputs, "input", c), GATE_BITS)
        added = divided(i * tanh(seen(inputs, "cell", c), GATE_BITS), 15 + cell_bits)
        c = np.clip(limited(divided(f * c, 15) + added), -limit, limit)
        products = sigmoid(seen(inputs, "output", c), GATE_BITS) * tanh(c, cell_bits)
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
