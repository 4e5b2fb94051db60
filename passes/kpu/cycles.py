"""What layers and ways between host and KPU cost, in cycles of 400 MHz. Source: published times of boards."""

import math

from ...runtime.kpu.layout import LINE, Layout

CALL = 6000
"""Of a KPU function."""
MOVE = 3
"""Of a byte that the host copies."""
UPLOAD, UPLOAD_DMA, DOWNLOAD = 26.5, 0.57, 34.0
"""Of a byte; by DMA if rows are whole lines."""

Shape = tuple[int, ...]


def layer(shape: Shape, channels: int, kernel: int, *, depthwise: bool) -> tuple[float, float]:
    """A layer that reads a map 1 x C x H x W and computes `channels`: cycles for all of its rows, and those however few
    rows it has."""
    _, inputs, height, width = shape
    given, made = Layout((1, inputs, height, width)), Layout((1, channels, height, width))
    if depthwise:
        return 1.89 * given.lines, 5800.0
    weight = 1.28 if kernel == 1 else 0.35
    return 1.066 * given.lines * channels + 0.98 * made.lines, weight * kernel**2 * inputs * channels


def upload(shape: Shape) -> float:
    """A map into KPU memory."""
    return math.prod(shape) * (UPLOAD_DMA if shape[-1] % LINE == 0 else UPLOAD)


def download(shape: Shape) -> float:
    """A map out of KPU memory."""
    return math.prod(shape) * DOWNLOAD


def move(shape: Shape) -> float:
    """A copy of a map's bytes on the host."""
    return math.prod(shape) * MOVE
