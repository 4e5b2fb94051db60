"""How maps lie in KPU RAM: 2 MiB in lines of 64 bytes.

Narrow maps share lines: up to width 16 four channels, up to width 32 two; wider rows take one line or more each.
Entry: dense uint8 arrays (n, c, h, w). Exit: the same bytes in RAM, or back. Bytes of a line that belong to no pixel
are left alone. Source: k210 module of kmodel v5, nncase 1.9.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]
LINE = 64
"""Bytes of a line; maps begin at multiples of it."""
RAM_BYTES = 1 << 21


@dataclass(frozen=True)
class Layout:
    """The layout of maps of shape (n, c, h, w)."""

    shape: tuple[int, int, int, int]

    @cached_property
    def groups(self) -> int:
        """Channels that share a line."""
        width = self.shape[3]
        return 4 if width <= 16 else 2 if width <= 32 else 1

    @property
    def row_length(self) -> int:
        """Lines of a row."""
        return -(-self.shape[3] // LINE)

    @property
    def row_pitch(self) -> int:
        """Bytes between channels inside a line."""
        return LINE // self.groups

    @property
    def channel_lines(self) -> int:
        """Lines between one group of channels and the next."""
        return self.row_length * self.shape[2]

    @property
    def batch_lines(self) -> int:
        """Lines of one item of the batch."""
        return self.channel_lines * -(-self.shape[1] // self.groups)

    @property
    def lines(self) -> int:
        """Lines of all."""
        return self.shape[0] * self.batch_lines

    @cached_property
    def bytes(self) -> int:
        """Bytes of all, a multiple of LINE."""
        return self.lines * LINE

    def _rows(self, ram: Array, at: int) -> Array:
        """View (n, blocks of channels, h, groups, w)."""
        n, _, height, width = self.shape
        pitch = self.row_length * LINE // self.groups
        return ram[at : at + self.bytes].reshape(n, -1, height, self.groups, pitch)[..., :width]

    def store(self, ram: Array, at: int, maps: Array) -> None:
        """Write dense `maps` to byte `at` of `ram` (uint8), which must have room for them."""
        n, channels, height, width = self.shape
        rows, groups = self._rows(ram, at), self.groups
        full, rest = divmod(channels, groups)
        whole = maps[:, : full * groups].reshape(n, full, groups, height, width)
        rows[:, :full] = whole.transpose(0, 1, 3, 2, 4)
        if rest:
            rows[:, full, :, :rest] = maps[:, full * groups :].transpose(0, 2, 1, 3)

    def load(self, ram: Array, at: int) -> Array:
        """The maps at byte `at` of `ram`; possibly a view of it."""
        n, channels, height, width = self.shape
        return self._rows(ram, at).transpose(0, 1, 3, 2, 4).reshape(n, -1, height, width)[:, :channels]
