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
COLUMNS = 1 << 18
"""Numbers that windows are copied to at a time, so that they stay in the cache."""


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

    def _full(self, maps: Array) -> Array:
        height, row = self._pixels(maps)
        sums: Array = self.weights.reshape(len(self.weights), -1) @ self._windows(maps).reshape(-1, height * row)
        return sums.reshape(-1, height, row)

    def _depthwise(self, maps: Array) -> Array:
        """A vector times a matrix for each channel."""
        taps, height, row = self.weights.reshape(-1, 1, 9), *self._pixels(maps)
        sums = np.empty((len(maps), 1, height * row), self.weights.dtype)
        step = max(1, COLUMNS // (9 * height * row))
        for first in range(0, len(maps), step):
            some = slice(first, first + step)
            np.matmul(taps[some], self._windows(maps[some]).reshape(-1, 9, height * row), out=sums[some])
        return sums.reshape(-1, height, row)

    def _pixels(self, maps: Array) -> tuple[int, int]:
        """Height and width of what has windows. Whole rows of the padded maps are copied fastest, since these follow on
        each other: a step in the window is a step in the row."""
        height, width = maps.shape[1:]
        stride = self.pool.stride if self.pool.kind == "sample" else 1
        return (height, width + 2) if stride == 1 else self.pool.output(height, width)

    def _windows(self, maps: Array) -> Array:
        """(c, 3, 3, *pixels): what is in each place of the pixels' windows."""
        channels, height, width = maps.shape
        flat = np.full((channels, (height + 2) * (width + 2) + 2), self.pad_value, self.weights.dtype)
        flat[:, :-2].reshape(channels, height + 2, width + 2)[:, 1:-1, 1:-1] = maps
        channel, item = flat.strides
        row, stride = (width + 2) * item, self.pool.stride if self.pool.kind == "sample" else 1
        shape, steps = (channels, 3, 3, *self._pixels(maps)), (channel, row, item, stride * row, stride * item)
        return np.ascontiguousarray(np.ndarray(shape, flat.dtype, flat, self.pool.column * item, steps))
