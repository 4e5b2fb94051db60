"""Float sums in the order in which the vendor's version 5 runtimes add them.

What follows such a sum may round it to a byte, so that the last bit of a float decides about a step of the KPU's input:
matrix products that add in another order are not good enough. Source: nncase 1.9 on x86, which does not fuse
multiplications with additions.

Entry: float32 arrays. Exit: float32 sums, bit for bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..kernels.convolution import sliding_windows
from ..machine import Array

COLUMNS = 1 << 23
"""Elements of unrolled windows that are held at a time."""
BLOCK = 1 << 15
"""Sums that are made at a time, so that they stay in the cache."""
POSITIONS = 1 << 13


def convolved(
    value: Array, weights: Array, bias: Array, strides: tuple[int, int], dilations: tuple[int, int], groups: int
) -> Array:
    """bias, then the products of each input channel, row and column of the window.

    `value` (n, c, h, w) is padded; `weights` (outputs, c / groups, kh, kw).
    """
    windows = sliding_windows(value, weights.shape[2:], strides, dilations)
    batch, channels, height, width = windows.shape[:4]
    taps = weights.reshape(groups, len(weights) // groups, -1)
    result = np.empty((batch, len(weights), height, width), np.float32)
    rows = max(1, COLUMNS // max(1, channels * width * weights.shape[2] * weights.shape[3]))
    for item in range(batch):
        for top in range(0, height, rows):
            some = windows[item, :, top : top + rows].transpose(0, 3, 4, 1, 2)
            columns = some.reshape(groups, taps.shape[2], -1)
            sums = _products(taps, columns, bias.reshape(groups, -1))
            result[item, :, top : top + rows] = sums.reshape(len(weights), -1, width)
    return result


def _products(weights: Array, columns: Array, bias: Array) -> Array:
    """bias (g, o) + weights (g, o, k) * columns (g, k, p), added along k: (g, o, p)."""
    groups, outputs, taps = weights.shape
    sums = np.empty((groups, outputs, columns.shape[2]), np.float32)
    sums[...] = bias[:, :, None]
    across = max(1, BLOCK // max(1, min(columns.shape[2], POSITIONS)))
    some_groups, some_outputs = max(1, across // outputs), min(across, outputs)
    for group in range(0, groups, some_groups):
        for output in range(0, outputs, some_outputs):
            for first in range(0, columns.shape[2], POSITIONS):
                part = slice(group, group + some_groups), slice(output, output + some_outputs)
                total = sums[(*part, slice(first, first + POSITIONS))]
                product = np.empty_like(total)
                for tap in range(taps):
                    column = columns[part[0], None, tap, first : first + POSITIONS]
                    np.multiply(weights[(*part, slice(tap, tap + 1))], column, out=product)
                    total += product
    return sums


def added(values: Array, init: Any) -> Array:
    """`init` and the elements of the last axis, one after the other, in the type of `values`."""
    first = np.full((*values.shape[:-1], 1), init, values.dtype)
    sums: Array = np.add.accumulate(np.concatenate([first, values], axis=-1), axis=-1, dtype=values.dtype)[..., -1]
    return sums


def reduced(value: Array, axes: Sequence[int], keepdims: bool, init: Any) -> Array:
    """`init` and the elements along ascending `axes`, in the order of memory."""
    kept = [axis for axis in range(value.ndim) if axis not in axes]
    sums = added(value.transpose(*kept, *axes).reshape(*(value.shape[axis] for axis in kept), -1), init)
    return sums.reshape([1 if axis in axes else dim for axis, dim in enumerate(value.shape)]) if keepdims else sums
