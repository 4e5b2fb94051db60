"""Results of 12 bits: a layer computed twice, once for its coarse steps and once for what is between them.

An activation table can be a saw: 15 teeth, in each of which the byte runs from 0 to 255. A second table tells in which
tooth a number is. Together they are 3840 steps, for results that the host goes on with in real numbers.
"""

from dataclasses import dataclass

import numpy as np

from ...dialects.ranges import Range
from ...dialects.tensors import Array
from ...runtime.kernels.kpu import interpolated
from ...runtime.kpu.tables import LOWEST, SEGMENTS
from ..quant.affine import Affine
from .fit import fixed_point

TEETH = SEGMENTS - 1
STEPS = 256


@dataclass(frozen=True)
class Saw:
    """Teeth of `width` (a real number each), `below` of them under zero."""

    width: float
    below: int

    @classmethod
    def of(cls, span: Range) -> "Saw":
        """The narrowest teeth that cover a range, zero between two of them."""
        low, high = max(-span.low, 0.0), max(span.high, 0.0)
        choices = []
        for below in range(TEETH + 1):
            above = TEETH - below
            if (below or low == 0) and (above or high == 0):
                choices.append(
                    (max(low / max(below, 1), high / max(above, 1), float(np.finfo(np.float32).tiny)), below)
                )
        width, below = min(choices)
        return cls(float(np.float32(width)), below)

    @property
    def coarse(self) -> Affine:
        """What the number of a tooth stands for."""
        return Affine(self.width, self.below, 0, 8)

    @property
    def fine(self) -> Affine:
        """What a step inside of a tooth stands for."""
        return Affine(self.width / STEPS, 0, 0, 8)

    def lines(self, unit: float, *, fine: bool) -> Array:
        """The activation table, for numbers that come in steps of `unit`."""
        mul, shift = fixed_point(unit * STEPS / self.width) if fine else (0, 0)
        rows = [(LOWEST, 0, 0, 0)]
        for tooth in range(TEETH):
            start = round((tooth - self.below) * self.width / unit)
            rows.append((start, mul, shift, 0 if fine else tooth))
        return np.array(rows, np.int64)


def is_identity(activation: Array | None, span: Range) -> bool:
    """Whether an activation leaves the numbers of a range as they are, and limits others to it."""
    if activation is None:
        return True
    inside = np.array([span.low, (span.low + span.high) / 2, span.high], np.float32)
    outside = interpolated(np.array([span.low - 1, span.high + 1], np.float32), activation)
    same = np.allclose(interpolated(inside, activation), inside, rtol=1e-6, atol=1e-6)
    return same and len(activation[0]) <= 4 and outside[0] >= span.low - 1 and outside[1] >= span.high
