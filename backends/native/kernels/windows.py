"""How the windows of convolutions and pooling lie over images, and whether a buffer's halo holds all they read."""

from __future__ import annotations

from dataclasses import dataclass

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
    def of(
        cls, kernel: tuple[int, ...], strides: tuple[int, ...], dilations: tuple[int, ...], padding: tuple[int, ...]
    ) -> Window:
        """From the attributes of an operation on N x C x H x W."""
        (kh, kw), (sh, sw), (dh, dw), (top, left) = kernel, strides, dilations, padding[:2]
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
