"""The random numbers of version 7 code: those of the C++ standard library that the vendor's runtimes are built with.

A minimal-standard linear congruential generator (factor 16807, modulus 2**31 - 1); normal numbers by the polar method.
The same seed gives the same numbers, here and in the vendor's runtime.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import islice

import numpy as np

from ..machine import Array

FACTOR, MODULUS = 16807, 2**31 - 1


def _canonical(seed: float) -> Iterator[np.float32]:
    """Numbers in [0, 1)."""
    state = int(seed) % MODULUS or 1
    while True:
        state = state * FACTOR % MODULUS
        yield np.float32(state - 1) / np.float32(MODULUS - 1)


def _normal(seed: float) -> Iterator[float]:
    source = _canonical(seed)
    one, two = np.float32(1), np.float32(2)
    while True:
        x, y = two * next(source) - one, two * next(source) - one
        radius = x * x + y * y
        if 0 < radius <= 1:
            factor = math.sqrt(-2 * math.log(radius) / radius)
            yield float(y) * factor
            yield float(x) * factor


def uniform(shape: tuple[int, ...], low: float, high: float, seed: float) -> Array:
    """float32 numbers between `low` and `high`."""
    count = math.prod(shape)
    numbers = np.fromiter(islice(_canonical(seed), count), np.float32, count)
    return (numbers * np.float32(high - low) + np.float32(low)).reshape(shape)


def normal(shape: tuple[int, ...], mean: float, scale: float, seed: float) -> Array:
    """float32 numbers of a normal distribution."""
    count = math.prod(shape)
    numbers = np.fromiter(islice(_normal(seed), count), np.float32, count)
    return (numbers * np.float32(scale) + np.float32(mean)).reshape(shape)
