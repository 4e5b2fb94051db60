"""How the windows of convolutions and pooling lie over images, and whether a buffer's halo holds all they read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ....dialects import nn
from ....dialects.tensors import static_shape
from ..buffer import Buffer
from ..text import Index, Text


@dataclass(frozen=True)
class Window:
    """Windows over the rows and columns of an image; each pair is (along rows, along columns).

    padding: how far the first window begins before the image (top, left).
    """

    kernel: tuple[int, int]
    strides: tuple[int, int]
    dilations: tuple[int, int]
    padding: tuple[int, int]

    @classmethod
    def of(cls, op: Any) -> Window:
        """Of a convolution or pooling over N x C x H x W."""
        (kh, kw), (sh, sw), (dh, dw), (top, left) = op.kernel, op.strides, op.dilations, op.padding[:2]
        return cls((kh, kw), (sh, sw), (dh, dw), (top, left))

    @property
    def taps(self) -> int:
        """The positions of one window."""
        return self.kernel[0] * self.kernel[1]

    def reach(self, axis: int, count: int) -> int:
        """The position behind the last one that `count` windows read along an axis, from the image's first on."""
        return (
            (count - 1) * self.strides[axis] - self.padding[axis] + self.dilations[axis] * (self.kernel[axis] - 1) + 1
        )

    def inside(self, buffer: Buffer, counts: tuple[int, ...]) -> bool:
        """Whether all that `counts` (rows, columns) of windows read lies within the buffer's memory."""
        return all(
            buffer.before[2 + axis] >= self.padding[axis]
            and buffer.shape[2 + axis] + buffer.halo[2 + axis] >= self.reach(axis, counts[axis])
            for axis in (0, 1)
        )

    def within_image(self, shape: tuple[int, ...], counts: tuple[int, ...]) -> bool:
        """Whether the windows read nothing beside the image."""
        return self.padding == (0, 0) and all(self.reach(axis, counts[axis]) <= shape[2 + axis] for axis in (0, 1))

    def first(self, text: Text, axis: int, number: Index) -> Index:
        """The position of a window's first tap along an axis."""
        return text.add(text.mul(number, self.strides[axis]), -self.padding[axis])

    def clip(self, text: Text, axis: int, first: Index, size: int) -> tuple[Index, Index]:
        """Which taps of a window that begins at `first` lie within `size` positions: from, and to below."""
        kernel, dilation = self.kernel[axis], self.dilations[axis]
        before, room = _not_negative(text, text.sub(0, first)), _not_negative(text, text.sub(size, first))
        low = text.div(text.add(before, dilation - 1), dilation)
        return low, text.minimum(text.div(text.add(room, dilation - 1), dilation), kernel)


def _not_negative(text: Text, value: Index) -> Index:
    if isinstance(value, int):
        return max(value, 0)
    return text.let(f"arith.maxsi {value}, {text.index(0)} : index")


@dataclass(frozen=True)
class Phase:
    """The results of a transposed convolution at every stride-th place from `first` on, as windows over its input.

    first, strides: (rows, columns). counts: how many results there are. taps: by axis, which of the kernel's positions
    the windows have, in their order; perhaps none.
    """

    window: Window
    first: tuple[int, int]
    strides: tuple[int, int]
    counts: tuple[int, int]
    taps: tuple[tuple[int, ...], tuple[int, ...]]


def phases_of(conv: nn.ConvTranspose) -> list[Phase]:
    """All results of a transposed convolution: those that meet the same taps are a phase.

    y[i * stride + k * dilation - padding] has x[i] * w[k]: for results y = q * stride + first, these are the taps with
    k * dilation = first + padding modulo the stride, and i = q + (first + padding - k * dilation) / stride.
    """
    along = [_phases_along(conv, axis) for axis in (0, 1)]
    return [
        Phase(
            Window((len(rows[1]), len(columns[1])), (1, 1), (rows[3], columns[3]), (rows[2], columns[2])),
            (rows[0], columns[0]),
            (conv.strides[0], conv.strides[1]),
            (rows[4], columns[4]),
            (rows[1], columns[1]),
        )
        for rows in along[0]
        for columns in along[1]
    ]


def _phases_along(conv: nn.ConvTranspose, axis: int) -> list[tuple[int, tuple[int, ...], int, int, int]]:
    """By phase along an axis: first result, taps from the window's first position on, padding, dilation, count."""
    kernel, size = static_shape(conv.weight)[2 + axis], static_shape(conv.output)[2 + axis]
    stride, dilation, padding = conv.strides[axis], conv.dilations[axis], conv.padding[axis]
    found = []
    for first in range(min(stride, size)):
        taps = [k for k in reversed(range(kernel)) if (first + padding - k * dilation) % stride == 0]
        offsets = [(first + padding - k * dilation) // stride for k in taps] or [0]
        step = offsets[1] - offsets[0] if len(offsets) > 1 else 1
        found.append((first, tuple(taps), -offsets[0], step, -(-(size - first) // stride)))
    return found


def finds_zeros(conv: nn.Conv, image: Buffer, zero: float) -> bool:
    """Whether a buffer of a convolution's input holds all that windows read, and beside the image what stands for 0."""
    window, counts = Window.of(conv), static_shape(conv.output)[2:]
    return (image.fill == zero or window.within_image(image.shape, counts)) and window.inside(image, counts)


def has_constant_bias(conv: nn.Conv | nn.ConvTranspose) -> bool:
    """Whether what is added to each channel is known, or nothing."""
    return conv.bias is None or nn.constant_value(conv.bias) is not None


def halo_of(windows: Sequence[tuple[Window, tuple[int, ...]]], shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """How many rows above, columns left, rows below and columns right of an image so many windows of each kind read."""
    before = [max(0, *(window.padding[axis] for window, _ in windows)) for axis in (0, 1)]
    behind = [
        max(0, *(window.reach(axis, counts[axis]) - shape[2 + axis] for window, counts in windows)) for axis in (0, 1)
    ]
    return (before[0], before[1], behind[0], behind[1])


def needed_halo(op: nn.Conv | nn.ConvTranspose) -> tuple[int, int, int, int]:
    """How many rows above, columns left, rows below and columns right of its input a convolution reads."""
    if isinstance(op, nn.ConvTranspose):
        phases = [(phase.window, phase.counts) for phase in phases_of(op)]
        return halo_of(phases, static_shape(op.input))
    return halo_of([(Window.of(op), static_shape(op.output)[2:])], static_shape(op.input))
