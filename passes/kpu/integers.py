"""The integers of one layer: weights, batch norm and activation table, from real numbers and the bytes around it.

With x = (q - zx) sx for each input and w = (r - 128) sw for each output channel, the accumulator times sw is the
convolution; sx differs from input to input and so goes into the weights before they are rounded. The batch norm takes
the accumulator to steps of `unit`, one for all channels, fine enough to lose nothing; the table takes those to the
output's bytes.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...dialects.kpu import WEIGHT_ZERO
from ...dialects.tensors import Array
from .fit import Code, activation_lines
from .given import Bytes

REACH = 1 << 30
"""The largest batch norm result, in steps: it has 32 bits for its own term, and 36 for all."""
STEPS = 127
MUL = (1 << 23) - 1
SHIFT = 15
LINEAR = np.array([[-1.0, 1.0], [-1.0, 1.0]])


@dataclass(frozen=True)
class Integers:
    """What `kpu.conv2d` holds: weight u8, norm int64 (O x 3), lines int64 (16 x 4); and the batch norm's step."""

    weight: Array
    norm: Array
    lines: Array
    unit: float


def integers(
    weight: Array,
    bias: Array,
    inputs: Sequence[tuple[Bytes, int]],
    output: Bytes,
    *,
    depthwise: bool,
    activation: Array | None,
    mean: int = 1,
) -> Integers:
    """The integers of a layer whose `inputs` have these parameters and numbers of channels.

    `mean`: how many bytes a mean that rounds down sums up afterwards, 1 for none.
    """
    zeros = np.concatenate([np.full(channels, known.zero) for known, channels in inputs])
    by_input = (-1, 1, 1, 1) if depthwise else (1, -1, 1, 1)
    in_steps, step = weight_steps(weight, input_scales(inputs).reshape(by_input))
    rounded = np.rint(in_steps)
    first = inputs[0][0].pad
    displaced = np.sum(rounded * (first - zeros.reshape(by_input)), axis=(1, 2, 3)) * step
    offset = bias.astype(np.float64) + displaced
    farthest = max(first, 255 - first)
    reach = np.abs(rounded).sum(axis=(1, 2, 3)) * farthest * step + np.abs(offset)
    unit = step_for(max(float(reach.max()), float(np.finfo(np.float32).tiny)) / REACH)
    norm = np.array([(*_multiplier(s / unit), round(o / unit)) for s, o in zip(step, offset, strict=True)], np.int64)
    code = Code(unit, output.affine, LINEAR if activation is None else activation, (mean - 1) / (2 * mean))
    return Integers((rounded + WEIGHT_ZERO).astype(np.uint8), norm, activation_lines(code), unit)


def input_scales(inputs: Sequence[tuple[Bytes, int]]) -> Array:
    """The scale of each input channel."""
    return np.concatenate([np.full(channels, known.scale) for known, channels in inputs])


def weight_steps(weight: Array, scales: Array) -> tuple[Array, Array]:
    """A weight for bytes of these scales, in the steps of each output channel; and the steps."""
    real = weight.astype(np.float64) * scales
    step = best_steps(real.reshape(len(real), -1))
    return real / step[:, None, None, None], step


def best_steps(rows: Array) -> Array:
    """The step of each row, of which its largest number is a whole one, at most 127: where rounding changes least.

    Rows that are whole multiples of a step already, as those of quantised networks, do not change at all; nor do those
    of few numbers by much, as those that weigh maps for a sum.
    """
    largest = np.maximum(np.abs(rows).max(axis=1, initial=0.0), np.finfo(np.float32).tiny)
    best, least = largest / STEPS, np.full(len(rows), np.inf)
    for count in range(STEPS, STEPS // 2, -1):
        steps = largest / count
        parts = rows / steps[:, None]
        errors = np.square(parts - np.rint(parts)).sum(axis=1) * steps**2
        better = errors < least
        best, least = np.where(better, steps, best), np.where(better, errors, least)
    return np.asarray(best)


def step_for(least: float) -> float:
    """The power of two that is not below a number: so layers that make bytes of one kind have tables in common."""
    return math.ldexp(1.0, math.frexp(least)[1])


def _multiplier(ratio: float) -> tuple[int, int]:
    """mul and shift, in the batch norm's bits, with mul / 2^shift nearest to a ratio."""
    shift = max(0, min(SHIFT, 23 - math.frexp(ratio)[1]))
    mul = round(math.ldexp(ratio, shift))
    return min(mul, MUL), shift
