"""Sliding windows over N x C x H x W images, cut at the edges."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...errors import ExecutionError
from ..kernels.convolution import sliding_windows
from ..machine import Array
from .memory import MEMORY_LIMIT

REDUCERS: dict[str, tuple[Any, float]] = {
    "mean": (np.add, 0.0),
    "sum": (np.add, 0.0),
    "min": (np.minimum, np.inf),
    "max": (np.maximum, -np.inf),
}
"""How two numbers become one, and the number that changes nothing."""


def reducer(code: int, names: tuple[str, ...]) -> str:
    """The name of a reduction; ExecutionError K0504 for a code that does not exist."""
    if code >= len(names):
        raise ExecutionError("K0504", cause=f"operation {code} does not exist: expected 0 to {len(names) - 1}")
    return names[code]


def room(*dims: int) -> None:
    """ExecutionError K0505 when an intermediate result takes too much memory."""
    if math.prod(dims) * 8 > MEMORY_LIMIT:
        raise ExecutionError("K0505", cause=f"an intermediate result of {dims} takes more than {MEMORY_LIMIT} bytes")


def check_padding(x: Array, *widths: tuple[int, ...]) -> None:
    """That height and width of `x` can be padded by (before, after): ExecutionError K0504, K0505."""
    if min(map(min, widths)) < 0:
        raise ExecutionError("K0504", cause=f"a window has negative padding {list(widths)}")
    room(*x.shape[:2], *(size + sum(edges) for size, edges in zip(x.shape[2:], widths, strict=True)))


def pool(
    x: Array, kind: str, init: float, sizes: tuple[int, ...], kernel: tuple[int, ...], strides: tuple[int, ...],
    dilations: tuple[int, ...], before: tuple[int, ...],
) -> Array:  # fmt: skip
    """Reduce `sizes` (height, width) windows, starting from `init`; means divide by the elements inside the image."""
    combine, neutral = REDUCERS[kind]
    windows = _windows(x, neutral, sizes, kernel, strides, dilations, before)
    result = combine(combine.reduce(windows, axis=(4, 5)), np.float32(init))
    if kind == "mean":
        ones = np.ones((1, 1, *x.shape[2:]), np.float32)
        result = result / _windows(ones, 0.0, sizes, kernel, strides, dilations, before).sum(axis=(4, 5))
    return np.asarray(result, np.float32)


def _windows(
    x: Array, neutral: float, sizes: tuple[int, ...], kernel: tuple[int, ...], strides: tuple[int, ...],
    dilations: tuple[int, ...], before: tuple[int, ...],
) -> Array:  # fmt: skip
    """N x C x sizes x kernel; beyond the image there is `neutral`."""
    widths = []
    for axis in range(2):
        reach = (sizes[axis] - 1) * strides[axis] + dilations[axis] * (kernel[axis] - 1) + 1
        widths.append((before[axis], max(0, reach - before[axis] - x.shape[2 + axis])))
    check_padding(x, *widths)
    padded = np.pad(x, [(0, 0), (0, 0), *widths], constant_values=neutral)
    return sliding_windows(padded, kernel, strides, dilations)[:, :, : sizes[0], : sizes[1]]
