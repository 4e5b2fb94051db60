"""The ten forms of pooling that end a KPU layer.

Entry: uint8 maps (c, h, w). Exit: uint8 maps (c, h // stride, w // stride).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class Pool:
    """`code` is the register's value; kind "sample" takes column `column` of each square's first row."""

    code: int
    name: str
    kind: Literal["max", "mean", "sample"]
    window: int
    stride: int
    column: int = 0

    def output(self, height: int, width: int) -> tuple[int, int]:
        """Height and width of the result."""
        return height // self.stride, width // self.stride

    def sampled(self, maps: Array) -> Array:
        """What a pool of kind "sample" keeps of (..., h, w): a view. The KPU computes the rest in vain."""
        height, width = self.output(*maps.shape[-2:])
        step = self.stride
        return maps[..., : height * step : step, self.column : self.column + (width - 1) * step + 1 : step]

    def apply(self, maps: Array) -> Array:
        """The pooled maps. Beyond the edge, maxima see 0, means the last row or column."""
        if self.kind == "sample":
            return self.sampled(maps)
        height, width = self.output(*maps.shape[-2:])
        reach = [size - 1 for size in (height * self.stride, width * self.stride)]
        beyond = [(0, max(0, last + self.window - self.stride + 1 - size))
                  for last, size in zip(reach, maps.shape[-2:], strict=True)]  # fmt: skip
        if any(after for _, after in beyond):
            maps = np.pad(maps, [(0, 0), *beyond], mode="constant" if self.kind == "max" else "edge")
        combine, kind = (np.maximum, np.uint8) if self.kind == "max" else (np.add, np.uint16)
        rows = maps[:, : reach[0] + 1 : self.stride].astype(kind)
        for y in range(1, self.window):
            combine(rows, maps[:, y : y + reach[0] + 1 : self.stride], out=rows)
        result = rows[:, :, : reach[1] + 1 : self.stride].copy()
        for x in range(1, self.window):
            combine(result, rows[:, :, x : x + reach[1] + 1 : self.stride], out=result)
        return result if self.kind == "max" else (result // self.window**2).astype(np.uint8)


POOLS = tuple(
    Pool(code, name, kind, window, stride, column)  # type: ignore[arg-type]  # the kinds are among those
    for code, (name, kind, window, stride, column) in enumerate((
        ("none", "sample", 1, 1, 0),
        ("max2s2", "max", 2, 2, 0),
        ("mean2s2", "mean", 2, 2, 0),
        ("max4s4", "max", 4, 4, 0),
        ("mean4s4", "mean", 4, 4, 0),
        ("left_top2s2", "sample", 2, 2, 0),
        ("right_top2s2", "sample", 2, 2, 1),
        ("left_top4s4", "sample", 4, 4, 0),
        ("mean2s1", "mean", 2, 1, 0),
        ("max2s1", "max", 2, 1, 0),
    ))
)  # fmt: skip
"""By their code."""
POOL_BY_NAME = {one.name: one for one in POOLS}
