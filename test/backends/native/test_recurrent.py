"""Recurrent layers against numpy: directions, samples, lengths, states, layouts, activations, weights known or not."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from native_groups import Trial, check
from native_harness import X86_64_V3, X86_64_V4_VNNI

from kpuc.dialects import nn

# Sums of a few dozen products below 1, errors of activations of a few units, both once a step.
ERROR = 2e-6
LAYERS = {nn.Rnn: (1, ["Tanh"]), nn.Gru: (3, ["Sigmoid", "Tanh"]), nn.Lstm: (4, ["Sigmoid", "Tanh", "Tanh"])}
OPTIONS: dict[Any, list[dict[str, Any]]] = {
    nn.Rnn: [{}],
    nn.Gru: [{"linear_before_reset": False}, {"linear_before_reset": True}],
    nn.Lstm: [{"input_forget": False, "cell_clip": None}, {"input_forget": True, "cell_clip": 0.3}],
}


def trial(
    op: Any,
    time: int,
    batch: int,
    width: int,
    hidden: int,
    direction: str = "forward",
    layout: int = 0,
    known: bool = True,
    full: bool = True,
    lengths: bool = False,
    **more: Any,
) -> Trial:
    """full: with biases, initial states and peepholes. known: weights are constants."""
    gates, activations = LAYERS[op]
    directions = 2 if direction == "bidirectional" else 1
    generator = np.random.default_rng(hidden)

    def numbers(*shape: int) -> np.ndarray:
        return generator.uniform(-0.5, 0.5, shape).astype(np.float32)

    state = (directions, batch, hidden) if layout == 0 else (batch, directions, hidden)
    arrays: dict[str, Any] = {
        "x": numbers(*((time, batch, width) if layout == 0 else (batch, time, width))),
        "w": numbers(directions, gates * hidden, width),
        "r": numbers(directions, gates * hidden, hidden) * np.float32(2 * hidden**-0.5),  # errors do not grow by steps
        "b": numbers(directions, 2 * gates * hidden) if full else None,
        "sequence_lens": np.arange(batch, dtype=np.int32) % time + 1 if lengths else None,
        "initial_h": numbers(*state) if full else None,
    }
    if op is nn.Lstm:
        arrays["initial_c"] = numbers(*state) if full else None
        arrays["p"] = numbers(directions, 3 * hidden) if full else None
    fixed = {name for name, array in arrays.items() if array is not None and known and name in "wrbp"}
    given = [name for name, array in arrays.items() if array is not None and name not in fixed]
    options = {"activations": activations * directions, "activation_alpha": [], "activation_beta": [], "clip": None}
    options = {**options, **OPTIONS[op][0], **more}

    def write(*values: Any) -> Any:
        operands: dict[str, Any] = dict.fromkeys(arrays)
        operands.update(zip(given, values, strict=True))
        operands.update({name: nn.Constant(value=arrays[name]).output for name in fixed})
        x, w, r, b, lens, h, *rest = operands.values()
        states = dict(zip(("initial_c", "p"), rest, strict=False))
        return op(x, w, r, b, lens, h, **states, direction=direction, hidden_size=hidden, layout=layout, **options)

    name = f"{op.__name__} {time}x{batch}x{width} {hidden} {direction} {layout} {known} {full} {lengths} {more}"
    return Trial(name, write, tuple(arrays[name] for name in given), ERROR)


@pytest.mark.parametrize("spec", [X86_64_V4_VNNI, X86_64_V3], ids=lambda spec: spec.name)
@pytest.mark.parametrize("op", LAYERS)
def test_layers(op, spec):
    trials = []
    for number, more in enumerate(OPTIONS[op]):
        trials.append(trial(op, 1, 1, 5, 32, full=False, **more))
        trials.append(trial(op, 4, 3, 7, 20, "bidirectional", layout=number, **more))
        trials.append(trial(op, 5, 2, 3, 70, "reverse", layout=1 - number, known=False, **more))
        trials.append(trial(op, 4, 4, 6, 9, "bidirectional", lengths=True, clip=0.4, **more))
    check(trials, spec)


def test_activations():
    parameters = {"Affine": (0.5, 0.25), "LeakyRelu": (0.125,), "ThresholdedRelu": (0.1,), "ScaledTanh": (0.7, 1.3)}
    parameters |= {"HardSigmoid": (0.25, 0.5), "Elu": (0.75,)}
    names = [*parameters, "Sigmoid", "Tanh", "Relu", "Softsign", "Softplus"]
    trials = []
    for pair in itertools.pairwise(names):
        for given in (True, False):
            chosen = list(pair)
            alpha = [parameters[name][0] for name in chosen if name in parameters] if given else []
            beta = [parameters[name][1] for name in chosen if len(parameters.get(name, ())) > 1] if given else []
            trials.append(
                trial(
                    nn.Gru, 2, 1, 3, 8, activations=chosen, activation_alpha=alpha, activation_beta=beta,
                    linear_before_reset=True,
                )
            )  # fmt: skip
    check(trials)
