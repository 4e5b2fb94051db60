"""The matrices of Fourier transforms: what imported transforms multiply by."""

import numpy as np

from ..dialects.ods import require
from ..dialects.tensors import Array

MOST_LENGTH = 4096
"""Of a transform: its matrix has this many rows and columns."""


def transform(length: int, inverse: bool, one_sided: bool) -> Array:
    """What each part of each element adds to each part of each result: length x 2 x results x 2."""
    _require(length)
    count = length // 2 + 1 if one_sided else length
    angle = 2 * np.pi * (np.outer(np.arange(length), np.arange(count)) % length) / length
    cosine, sine = np.cos(angle), np.sin(angle) * (1 if inverse else -1)
    real, imaginary = np.stack([cosine, sine], -1), np.stack([-sine, cosine], -1)
    return np.stack([real, imaginary], 1) / (length if inverse else 1)


def inverse_one_sided(length: int) -> Array:
    """The same for real results of the non-negative frequencies: frequencies x 2 x length x 1."""
    _require(length)
    count = length // 2 + 1
    angle = 2 * np.pi * (np.outer(np.arange(count), np.arange(length)) % length) / length
    twice = np.full((count, 1), 2.0)
    twice[0] = 1
    if length % 2 == 0:
        twice[-1] = 1
    return np.stack([twice * np.cos(angle), -twice * np.sin(angle)], 1)[..., None] / length


def _require(length: int) -> None:
    require(0 < length <= MOST_LENGTH, f"a transform of length {length} is not supported, only up to {MOST_LENGTH}")
