"""Buffers as the planners see them: whole units instead of bytes, and who is alive together with whom."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Buffer:
    """Memory that is needed from step `start` up to, not including, step `end`.

    size: bytes, 0 is permitted.   alignment: bytes; the offset is a multiple of it.
    """

    name: str
    size: int
    start: int
    end: int
    alignment: int = 1

    def __post_init__(self) -> None:
        if self.size < 0 or self.end <= self.start or self.alignment < 1:
            raise ValueError(f"not a buffer: {self}")


@dataclass(frozen=True)
class Problem:
    """What to place, in units of `unit` bytes: every offset is a whole number of units, so sizes are rounded up.

    sizes, starts, ends, alignments: one entry a buffer, in the buffers' order.
    neighbours: for each buffer, those alive together with it (never itself), ascending.
    """

    unit: int
    sizes: list[int]
    starts: list[int]
    ends: list[int]
    alignments: list[int]
    neighbours: list[list[int]]

    @classmethod
    def of(cls, buffers: Sequence[Buffer]) -> Problem:
        """The problem of placing `buffers`.

        The unit is the greatest common divisor of the alignments: what rounding adds to a buffer could not have been
        used by another one, since that would have to begin at a multiple of the unit.
        """
        unit = math.gcd(*(buffer.alignment for buffer in buffers)) or 1
        sizes = [-(-buffer.size // unit) for buffer in buffers]
        starts = np.array([buffer.start for buffer in buffers], np.int64)
        ends = np.array([buffer.end for buffer in buffers], np.int64)
        solid = np.array([size > 0 for size in sizes], bool)
        together = (starts[:, None] < ends) & (starts < ends[:, None]) & solid[:, None] & solid
        np.fill_diagonal(together, False)
        neighbours: list[list[int]] = [np.flatnonzero(row).tolist() for row in together]
        alignments = [buffer.alignment // unit for buffer in buffers]
        return cls(unit, sizes, starts.tolist(), ends.tolist(), alignments, neighbours)

    def __len__(self) -> int:
        return len(self.sizes)

    def peak(self, offsets: Sequence[int]) -> int:
        """Units up to the top of the highest buffer."""
        return max((offset + size for offset, size in zip(offsets, self.sizes, strict=True)), default=0)

    def parts(self) -> list[list[int]]:
        """Buffers of some size, in groups that never meet: what is done to one group does not change another."""
        groups: list[list[int]] = []
        last = min(self.starts, default=0)
        for buffer in sorted((b for b in range(len(self)) if self.sizes[b]), key=lambda b: (self.starts[b], b)):
            if not groups or self.starts[buffer] >= last:
                groups.append([])
            groups[-1].append(buffer)
            last = max(last, self.ends[buffer])
        return groups

    def only(self, buffers: Sequence[int]) -> Problem:
        """The problem of these buffers alone, which get new numbers in this order."""
        number = {buffer: index for index, buffer in enumerate(buffers)}

        def of(values: list[int]) -> list[int]:
            return [values[buffer] for buffer in buffers]

        neighbours = [[number[other] for other in self.neighbours[buffer] if other in number] for buffer in buffers]
        return Problem(self.unit, of(self.sizes), of(self.starts), of(self.ends), of(self.alignments), neighbours)

    def bound(self) -> tuple[int, int]:
        """(units, step): the most that is alive at one step, and the first such step. No plan needs less."""
        steps = sorted(set(self.starts))
        if not steps:
            return 0, 0
        at = np.array(steps)[:, None]
        totals = ((np.array(self.starts) <= at) & (at < np.array(self.ends))) @ np.array(self.sizes, np.int64)
        worst = int(totals.argmax())
        return int(totals[worst]), steps[worst]
