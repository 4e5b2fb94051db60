"""Pseudo-random tensors: numpy's PCG64, seeded with the bits of the seed."""

from __future__ import annotations

from typing import Any

import numpy as np

from .arrays import Array


def _generator(seed: float) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(int(np.float32(seed).view(np.uint32))))


def random_uniform(*, shape: tuple[int, ...], low: float, high: float, seed: float, dtype: np.dtype[Any]) -> Array:
    """Uniform in [low, high)."""
    return _generator(seed).uniform(low, high, shape).astype(dtype)


def random_normal(*, shape: tuple[int, ...], mean: float, scale: float, seed: float, dtype: np.dtype[Any]) -> Array:
    """Normal with this mean and standard deviation."""
    return _generator(seed).normal(mean, scale, shape).astype(dtype)
