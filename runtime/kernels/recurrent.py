"""Recurrent layers. Shapes and gate orders as in ONNX; see `nn.lstm`, `nn.gru`, `nn.rnn`."""

from collections.abc import Callable, Sequence

import numpy as np

from . import activation
from .arrays import Array

Function = Callable[[Array], Array]


def _function(name: str, alpha: float, beta: float) -> Function:
    """An activation by its ONNX name."""
    table: dict[str, Function] = {
        "sigmoid": activation.sigmoid,
        "tanh": np.tanh,
        "relu": activation.relu,
        "affine": lambda x: alpha * x + beta,
        "leakyrelu": lambda x: activation.leaky_relu(x, alpha=alpha),
        "thresholdedrelu": lambda x: activation.thresholded_relu(x, alpha=alpha),
        "scaledtanh": lambda x: alpha * np.tanh(beta * x),
        "hardsigmoid": lambda x: activation.hard_sigmoid(x, alpha=alpha, beta=beta),
        "elu": lambda x: activation.elu(x, alpha=alpha),
        "softsign": activation.softsign,
        "softplus": activation.softplus,
    }
    return table[name.lower()]


_DEFAULTS: dict[str, tuple[float, ...]] = {
    "affine": (1.0, 0.0),
    "leakyrelu": (0.01,),
    "thresholdedrelu": (1.0,),
    "scaledtanh": (1.0, 1.0),
    "hardsigmoid": (0.2, 0.5),
    "elu": (1.0,),
}


def with_parameters(
    names: Sequence[str], alpha: Sequence[float], beta: Sequence[float]
) -> list[tuple[str, float, float]]:
    """The activations of all directions with alpha and beta, which are handed out in order to those that take them;
    missing ones have ONNX's defaults."""
    alphas, betas = list(alpha), list(beta)
    found = []
    for name in names:
        defaults = _DEFAULTS.get(name.lower(), ())
        first = alphas.pop(0) if defaults and alphas else (*defaults, 0.0)[0]
        second = betas.pop(0) if len(defaults) > 1 and betas else (*defaults, 0.0, 0.0)[1]
        found.append((name.lower(), first, second))
    return found


def _functions(names: Sequence[str], alpha: Sequence[float], beta: Sequence[float]) -> list[Function]:
    """The activations of all directions."""
    return [_function(*one) for one in with_parameters(names, alpha, beta)]


def _limit(x: Array, clip: float | None) -> Array:
    return x if clip is None else np.clip(x, -clip, clip).astype(x.dtype)


class _Direction:
    """One pass over the sequence: `step(x, states) -> states`, of which the first is the output."""

    def __init__(self, step: Callable[[Array, list[Array]], list[Array]], reverse: bool) -> None:
        self.step, self.reverse = step, reverse

    def run(self, x: Array, lengths: Array | None, states: list[Array]) -> tuple[Array, list[Array]]:
        """Outputs (time x batch x hidden) and final states; entries beyond a sample's length are zero."""
        time, batch = x.shape[:2]
        counts = np.full(batch, time) if lengths is None else lengths
        outputs = np.zeros((time, batch, states[0].shape[-1]), x.dtype)
        rows = np.arange(batch)
        for t in range(time):
            active = t < counts
            at = np.where(active, counts - 1 - t, 0) if self.reverse else np.full(batch, t)
            moved = self.step(x[at, rows], states)
            states = [np.where(active[:, None], new, old) for new, old in zip(moved, states, strict=True)]
            outputs[at[active], rows[active]] = states[0][active]
        return outputs, states


def _run(
    directions: Sequence[_Direction],
    x: Array,
    lengths: Array | None,
    initial: Sequence[Array | None],
    hidden: int,
    layout: int,
) -> tuple[Array, ...]:
    """Run every direction and stack outputs and final states in ONNX's layouts."""
    x = x.transpose(1, 0, 2) if layout else x
    batch = x.shape[1]
    outputs, finals = [], []
    for d, direction in enumerate(directions):
        states = []
        for state in initial:
            if state is None:
                states.append(np.zeros((batch, hidden), x.dtype))
            else:
                states.append(state[:, d] if layout else state[d])
        output, final = direction.run(x, lengths, states)
        outputs.append(output)
        finals.append(final)
    y = np.stack(outputs, axis=1)
    ends = [np.stack([final[i] for final in finals]) for i in range(len(initial))]
    if layout:
        return (y.transpose(2, 0, 1, 3), *(end.transpose(1, 0, 2) for end in ends))
    return (y, *ends)


def lstm(
    x: Array,
    w: Array,
    r: Array,
    b: Array | None,
    sequence_lens: Array | None = None,
    initial_h: Array | None = None,
    initial_c: Array | None = None,
    p: Array | None = None,
    *,
    direction: str,
    hidden_size: int,
    activations: Sequence[str],
    activation_alpha: Sequence[float],
    activation_beta: Sequence[float],
    clip: float | None,
    input_forget: bool,
    layout: int,
    cell_clip: float | None = None,
) -> tuple[Array, ...]:
    """Outputs, final hidden state, final cell state."""
    functions = _functions(activations, activation_alpha, activation_beta)

    def make(d: int) -> _Direction:
        f, g, h = functions[3 * d : 3 * d + 3]
        bias = 0 if b is None else b[d, : 4 * hidden_size] + b[d, 4 * hidden_size :]
        peep = np.zeros((3, hidden_size), x.dtype) if p is None else p[d].reshape(3, hidden_size)

        def step(now: Array, states: list[Array]) -> list[Array]:
            hidden, cell = states
            gates = now @ w[d].T + hidden @ r[d].T + bias
            i, o, forget, c = np.split(gates, 4, axis=1)
            i = f(_limit(i + peep[0] * cell, clip))
            forget = 1 - i if input_forget else f(_limit(forget + peep[2] * cell, clip))
            cell = _limit(forget * cell + i * g(_limit(c, clip)), cell_clip)
            o = f(_limit(o + peep[1] * cell, clip))
            return [o * h(cell), cell]

        return _Direction(step, direction == "reverse" or d == 1)

    made = [make(d) for d in range(w.shape[0])]
    return _run(made, x, sequence_lens, (initial_h, initial_c), hidden_size, layout)


def gru(
    x: Array,
    w: Array,
    r: Array,
    b: Array | None,
    sequence_lens: Array | None = None,
    initial_h: Array | None = None,
    *,
    direction: str,
    hidden_size: int,
    activations: Sequence[str],
    activation_alpha: Sequence[float],
    activation_beta: Sequence[float],
    clip: float | None,
    linear_before_reset: bool,
    layout: int,
) -> tuple[Array, ...]:
    """Outputs and final hidden state."""
    functions = _functions(activations, activation_alpha, activation_beta)

    def make(d: int) -> _Direction:
        f, g = functions[2 * d : 2 * d + 2]
        both = np.zeros(6 * hidden_size, x.dtype) if b is None else b[d]
        wz, wr, wh = np.split(w[d], 3)
        rz, rr, rh = np.split(r[d], 3)
        bz, br, bh, cz, cr, ch = np.split(both, 6)

        def step(now: Array, states: list[Array]) -> list[Array]:
            (hidden,) = states
            z = f(_limit(now @ wz.T + hidden @ rz.T + bz + cz, clip))
            reset = f(_limit(now @ wr.T + hidden @ rr.T + br + cr, clip))
            if linear_before_reset:
                inner = now @ wh.T + reset * (hidden @ rh.T + ch) + bh
            else:
                inner = now @ wh.T + (reset * hidden) @ rh.T + ch + bh
            return [(1 - z) * g(_limit(inner, clip)) + z * hidden]

        return _Direction(step, direction == "reverse" or d == 1)

    made = [make(d) for d in range(w.shape[0])]
    return _run(made, x, sequence_lens, (initial_h,), hidden_size, layout)


def rnn(
    x: Array,
    w: Array,
    r: Array,
    b: Array | None,
    sequence_lens: Array | None = None,
    initial_h: Array | None = None,
    *,
    direction: str,
    hidden_size: int,
    activations: Sequence[str],
    activation_alpha: Sequence[float],
    activation_beta: Sequence[float],
    clip: float | None,
    layout: int,
) -> tuple[Array, ...]:
    """Outputs and final hidden state."""
    functions = _functions(activations, activation_alpha, activation_beta)

    def make(d: int) -> _Direction:
        bias = 0 if b is None else b[d, :hidden_size] + b[d, hidden_size:]

        def step(now: Array, states: list[Array]) -> list[Array]:
            return [functions[d](_limit(now @ w[d].T + states[0] @ r[d].T + bias, clip))]

        return _Direction(step, direction == "reverse" or d == 1)

    made = [make(d) for d in range(w.shape[0])]
    return _run(made, x, sequence_lens, (initial_h,), hidden_size, layout)
