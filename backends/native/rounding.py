"""Rounding of f32 to integers without an instruction for it, in registers."""

from __future__ import annotations

import numpy as np

from .arithmetic import Arithmetic
from .evaluation import Scalars

MAGIC = np.float32(1.5 * 2.0**23)
"""Added to a number of magnitude below `SMALL`, it leaves no bits for a fraction: the sum is rounded to even, and its
bits, as an integer, are those of this number plus the rounded one."""
SMALL = 2.0**22
HALF = np.nextafter(np.float32(0.5), np.float32(0.0))
"""Added before a fraction is cut off: with a half itself, the number before 0.5 would become 1."""


def rounded_to_integer(scalars: Scalars, number: str, away: bool) -> str:
    """The nearest i32 of a f32 of magnitude below `SMALL`, halves to even or away from zero."""
    whole = Arithmetic(scalars, "i32")
    if away:
        return rounded_away(scalars, number)
    return whole.sub(rounded_to_even(scalars, number), whole.number(int(MAGIC.view(np.int32))))


def rounded_away(scalars: Scalars, number: str) -> str:
    """The nearest i32 of a f32, halves away from zero."""
    real = Arithmetic(scalars, "f32")
    half = real.copy_sign(real.number(float(HALF)), number)
    return real.cast("arith.fptosi", real.add(number, half), Arithmetic(scalars, "i32"))


def rounded_to_even(scalars: Scalars, number: str) -> str:
    """The nearest i32 of a f32, halves to even, plus the bits of `MAGIC`."""
    real = Arithmetic(scalars, "f32")
    return real.cast("arith.bitcast", real.add(number, real.number(float(MAGIC))), Arithmetic(scalars, "i32"))
