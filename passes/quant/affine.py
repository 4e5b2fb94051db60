"""From a range of real numbers to the scale and zero point of integers, by one rule for everything.

x = (q - zero_point) * scale.  Real zero is always representable: paddings, ReLU and absent channels depend on it.
"""

import math
from dataclasses import dataclass

import numpy as np

from ...dialects.ranges import Range
from ...dialects.tensors import Array

NARROWEST = 0.1
"""Width that the range of a tensor of zeros gets, as in the vendor's compiler."""
LEAST, GREATEST = float(np.finfo(np.float32).tiny), float(np.finfo(np.float32).max)


@dataclass(frozen=True)
class Affine:
    """How integers of `bits` stand for real numbers, `first` being the least integer (0, or -2^(bits-1))."""

    scale: float
    zero_point: int
    first: int
    bits: int

    def round_trip(self, values: Array) -> Array:
        """The values after they were quantised (halves to even, saturating) and dequantised, in their own type."""
        first = self.first - self.zero_point
        q = np.divide(values, values.dtype.type(self.scale))
        np.rint(q, out=q)
        np.clip(q, first, first + 2**self.bits - 1, out=q)
        q *= values.dtype.type(self.scale)
        return np.asarray(q)


def asymmetric(span: Range, bits: int = 8) -> Affine:
    """Unsigned integers over a range that is widened to contain 0.

    scale = float32((high - low) / (2^bits - 1)),  zero_point = -low * (2^bits - 1) / (high - low), halves away from 0
    (both as nncase 1.9 has them).
    """
    low, high = min(span.low, 0.0), max(span.high, 0.0)
    if high == low:
        high = low + NARROWEST
    steps = 2**bits - 1
    return Affine(_scale((high - low) / steps), math.floor(-low * steps / (high - low) + 0.5), 0, bits)


def symmetric(span: Range, bits: int = 8) -> Affine:
    """Signed integers around 0: scale = float32(max(|low|, |high|) / (2^(bits-1) - 1)), zero_point = 0."""
    reach = max(abs(span.low), abs(span.high)) or NARROWEST
    return Affine(_scale(reach / (2 ** (bits - 1) - 1)), 0, -(2 ** (bits - 1)), bits)


def _scale(value: float) -> float:
    """As float32, and never 0 or infinite: the least normal one for ranges of denormal numbers."""
    return float(np.float32(min(max(value, LEAST), GREATEST)))
