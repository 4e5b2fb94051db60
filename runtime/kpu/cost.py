"""What a KPU layer and the ways to KPU RAM and back cost: the cycle model of the K210.

The core fact: a line of 64 bytes for one output channel is a cycle, for 1x1 and 3x3 kernels alike. Maps that do not
fill their lines waste the rest, and a pooling that keeps one pixel in four computes all four. Entry: shapes of legal
layers. Exit: a `Cost`; numbers and sources are in `runtime.cycles`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..cycles import (
    DEPTHWISE_LAYER,
    DEPTHWISE_LINE,
    DOWNLOAD,
    KPU_COPY,
    RESULT,
    UPLOAD,
    UPLOAD_DMA,
    WEIGHT_1X1,
    WEIGHT_3X3,
    Cost,
)
from ..cycles import LINE as READ
from .layout import LINE, Layout
from .pooling import POOL_BY_NAME, POOLS
from .registers import LayerArguments

Shape = tuple[int, ...]


@dataclass(frozen=True)
class LayerWork:
    """A layer that reads maps `shape` (n, c, h, w) and computes `channels`; `pool` names one of `pooling.POOLS`."""

    shape: tuple[int, int, int, int]
    channels: int
    kernel: int
    depthwise: bool = False
    pool: str = "none"

    @classmethod
    def of(cls, arguments: LayerArguments, batches: int) -> LayerWork:
        """What registers ask for; unknown poolings count as none."""
        code = arguments.pool_type
        return cls(
            shape=arguments.input_shape(max(1, batches)),
            channels=arguments.o_ch_num + 1,
            kernel=3 if arguments.kernel_type else 1,
            depthwise=bool(arguments.depth_wise_layer),
            pool=POOLS[code].name if code < len(POOLS) else "none",
        )

    @property
    def weights(self) -> int:
        """Bytes of weights."""
        return self.kernel**2 * self.channels * (1 if self.depthwise else self.shape[1])

    @property
    def lanes(self) -> float:
        """The share of the bytes in the lines it reads that are pixels."""
        return math.prod(self.shape) / Layout(self.shape).bytes

    @property
    def macs(self) -> int:
        """Multiply-adds whose result is kept: those of pixels that the pool drops do not count."""
        batches, _, height, width = self.shape
        pool = POOL_BY_NAME[self.pool]
        dropped = pool.stride**2 if pool.kind == "sample" else 1
        return batches * height * width * self.weights // dropped

    @property
    def cost(self) -> Cost:
        """Of all items of the batch, with what starts the layer."""
        batches, inputs, height, width = self.shape
        given, made = Layout((1, inputs, height, width)), Layout((1, self.channels, height, width))
        if self.depthwise:
            return (batches * given.lines) * DEPTHWISE_LINE + batches * DEPTHWISE_LAYER
        weight = WEIGHT_1X1 if self.kernel == 1 else WEIGHT_3X3
        reading = (batches * given.lines * self.channels) * READ
        return reading + (batches * self.weights) * weight + (batches * made.lines) * RESULT


def upload(shape: Shape) -> Cost:
    """Dense maps (n, c, h, w) into KPU RAM: by DMA if rows are whole lines, else byte by byte."""
    return math.prod(shape) * (UPLOAD_DMA if shape[-1] % LINE == 0 else UPLOAD)


def download(shape: Shape) -> Cost:
    """Maps (n, c, h, w) out of KPU RAM."""
    return math.prod(shape) * DOWNLOAD


def copy(shape: Shape) -> Cost:
    """A strided copy in main memory that a KPU function asks for."""
    return math.prod(shape) * KPU_COPY
