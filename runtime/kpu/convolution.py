"""The sums of a KPU convolution, through floating-point arithmetic that is exact.

The KPU adds products of bytes, sums of bytes times `arg_x`, and constants. Without a shift of the former they are one
sum of x * (w + arg_x). Floating-point numbers hold every integer up to 2**24 (float32) or 2**53 (float64), and no
partial sum of a channel exceeds 255 * sum|w + arg_x|, in whatever order a matrix product adds: where this bound is
small enough, the result is exact. In float64 it always is: 255 * 9 * 1024 * (2**23 + 255) < 2**45.

Entry: uint8 maps (c, h, w) and weights. Exit: whole numbers (outputs, h', row) in float32 or float64; rows may be
longer than what is needed of them: the rest are sums too, of windows that reach around the edge.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .pooling import Pool

Array = np.ndarray[Any, np.dtype[Any]]
EXACT = 1 << 24
BLOCK = 1 << 15
"""Numbers that are worked on at a time, so that they stay in the cache."""


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
    def bounds(self) -> tuple[Array, Array]:
        """The smallest and the largest sum of each output channel; int64. Partial sums do not exceed them either."""
        weights = self.weights.astype(np.int64).reshape(len(self.weights), -1)
        return 255 * np.minimum(weights, 0).sum(axis=1), 255 * np.maximum(weights, 0).sum(axis=1)

    def prepared(self) -> Convolution:
        """The same with weights of the narrowest type that is exact."""
        low, high = self.bounds
        kind = np.float32 if (high - low).max(initial=0) <= EXACT else np.float64
        return Convolution(self.weights.astype(kind), self.depthwise, self.pad_value, self.pool)

    def sums(self, maps: Array) -> Array:
        """The sums at the pixels that the pool needs; see `needed`."""
        if self.weights.shape[2] == 1:
            return self._pointwise(self._sampled(maps))
        if self.pool.kind == "sample" and self.pool.stride > 1:
            return self._sampled_windows(maps)
        return self._depthwise(maps) if self.depthwise else self._full(maps)

    def needed(self, rows: Array, width: int) -> Array:
        """What is needed of rows that are as long as those of `sums`; `width` is that of the input maps."""
        return rows[..., : width // self.pool.stride if self.pool.kind == "sample" else width]

    def _sampled(self, maps: Array) -> Array:
        return self.pool.sampled(maps) if self.pool.kind == "sample" else maps

    def _pointwise(self, maps: Array) -> Array:
        columns = np.ascontiguousarray(maps, self.weights.dtype).reshape(len(maps), -1)
        if self.depthwise:
            sums = columns * self.weights.reshape(-1, 1)
        else:
            sums = self.weights.reshape(len(self.weights), -1) @ columns
        return sums.reshape(-1, *maps.shape[1:])

    def _padded(self, maps: Array) -> Array:
        """(c, (h + 2) * (w + 2) + 2): rows behind each other, so that a step in the window is a step in the row."""
        channels, height, width = maps.shape
        flat = np.empty((channels, (height + 2) * (width + 2) + 2), self.weights.dtype)
        padded = flat[:, :-2].reshape(channels, height + 2, width + 2)
        padded[:, 1:-1, 1:-1] = maps
        padded[:, [0, -1]] = self.pad_value
        padded[:, 1:-1, [0, -1]] = self.pad_value
        flat[:, -2:] = self.pad_value
        return flat

    def _sampled_windows(self, maps: Array) -> Array:
        """Windows around some pixels only."""
        channels, height, width = maps.shape
        padded = self._padded(maps)[:, :-2].reshape(channels, height + 2, width + 2)
        windows = [self._sampled(padded[:, y : y + height, x : x + width]) for y in range(3) for x in range(3)]
        columns = np.stack(windows, axis=1)
        if self.depthwise:
            sums: Array = (columns * self.weights.reshape(-1, 9, 1, 1)).sum(axis=1)
            return sums
        return self._product(columns.reshape(channels * 9, -1)).reshape(-1, *windows[0].shape[1:])

    def _product(self, columns: Array) -> Array:
        sums: Array = self.weights.reshape(len(self.weights), -1) @ columns
        return sums

    def _full(self, maps: Array) -> Array:
        channels, height, width = maps.shape
        flat, row = self._padded(maps), width + 2
        columns = np.empty((channels, 9, height * row), self.weights.dtype)
        for tap in range(9):
            start = tap // 3 * row + tap % 3
            columns[:, tap] = flat[:, start : start + height * row]
        return self._product(columns.reshape(channels * 9, -1)).reshape(-1, height, row)

    def _depthwise(self, maps: Array) -> Array:
        channels, height, width = maps.shape
        row, taps = width + 2, self.weights.reshape(-1, 9, 1)
        sums = np.empty((channels, height * row), self.weights.dtype)
        step = max(1, BLOCK // (height * row))
        product = np.empty_like(sums[:step])
        for first in range(0, channels, step):
            some = slice(first, first + step)
            flat, total = self._padded(maps[some]), sums[some]
            np.multiply(flat[:, : height * row], taps[some, 0], out=total)
            for tap in range(1, 9):
                start = tap // 3 * row + tap % 3
                part = np.multiply(flat[:, start : start + height * row], taps[some, tap], out=product[: len(flat)])
                total += part
        return sums.reshape(-1, height, row)
