"""The sums of a KPU convolution, through floating-point matrix products that are exact.

The KPU adds products of bytes, sums of bytes times `arg_x`, and constants. Without a shift of the former they are one
sum of x * (w + arg_x). Floating-point numbers hold every integer up to 2**24 (float32) or 2**53 (float64), and no
partial sum of a channel exceeds 255 * sum|w + arg_x|, in whatever order a matrix product adds: where this bound is
small enough, the result is exact. In float64 it always is: 255 * 9 * 1024 * (2**23 + 255) < 2**45.

Entry: uint8 maps (c, h, w) and weights. Exit: whole numbers (outputs, h', w') in float32 or float64.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .pooling import Pool

Array = np.ndarray[Any, np.dtype[Any]]
EXACT = 1 << 24


@dataclass(frozen=True)
class Convolution:
    """sum of x * weights over a window; `weights`: whole numbers (outputs, inputs, k, k); depthwise (channels, 1, k, k)

    `pool` of kind "sample" says which pixels are needed; of other kinds, all are computed.
    """

    weights: Array
    depthwise: bool
    pad_value: int
    pool: Pool

    @property
    def largest(self) -> Array:
        """The largest magnitude that a sum can have, by output channel; int64."""
        magnitudes: Array = np.abs(self.weights.astype(np.int64)).sum(axis=(1, 2, 3))
        return 255 * magnitudes

    def prepared(self) -> Convolution:
        """The same with weights of the narrowest type that is exact."""
        kind = np.float32 if self.largest.max(initial=0) <= EXACT else np.float64
        return Convolution(self.weights.astype(kind), self.depthwise, self.pad_value, self.pool)

    def sums(self, maps: Array) -> Array:
        """The sums at the pixels that the pool needs."""
        if self.weights.shape[2] == 1:
            return self._pointwise(maps)
        channels, height, width = maps.shape
        padded = np.full((channels, height + 2, width + 2), self.pad_value, self.weights.dtype)
        padded[:, 1:-1, 1:-1] = maps
        windows = [self._needed(padded[:, y : y + height, x : x + width]) for y in range(3) for x in range(3)]
        return self._depthwise(windows) if self.depthwise else self._full(windows)

    def _needed(self, maps: Array) -> Array:
        return self.pool.sampled(maps) if self.pool.kind == "sample" else maps

    def _pointwise(self, maps: Array) -> Array:
        needed = self._needed(maps)
        columns = np.ascontiguousarray(needed, self.weights.dtype).reshape(len(maps), -1)
        if self.depthwise:
            sums = columns * self.weights.reshape(-1, 1)
        else:
            sums = self.weights.reshape(len(self.weights), -1) @ columns
        return sums.reshape(-1, *needed.shape[1:])

    def _full(self, windows: list[Array]) -> Array:
        """One matrix product of the weights and all windows."""
        channels, height, width = windows[0].shape
        columns = np.empty((channels, 9, height, width), self.weights.dtype)
        for tap, window in enumerate(windows):
            columns[:, tap] = window
        sums = self.weights.reshape(len(self.weights), -1) @ columns.reshape(channels * 9, -1)
        return sums.reshape(-1, height, width)

    def _depthwise(self, windows: list[Array]) -> Array:
        taps = self.weights.reshape(-1, 9, 1, 1)
        sums = windows[0] * taps[:, 0]
        product = np.empty_like(sums)
        for tap in range(1, 9):
            np.multiply(windows[tap], taps[:, tap], out=product)
            sums += product
        return sums
