"""What operations on buffers do: bytes of memories, read and written where the plan has put them.

On entry: memories are uint8 arrays. On exit: a buffer that was written holds the bytes that it was given.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..kpu.layout import Layout
from .arrays import Array
from .kpu import conv2d


@dataclass(frozen=True)
class Region:
    """`shape` elements of `dtype` from byte `offset` of a memory on: dense, or as `layout` says if there is one."""

    memory: Array
    offset: int
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    layout: Layout | None = None

    @classmethod
    def of(cls, array: Array) -> "Region":
        """An array in a memory of its own."""
        return cls(np.ascontiguousarray(array).reshape(-1).view(np.uint8), 0, array.shape, array.dtype)

    @property
    def bytes(self) -> int:
        """What it takes in its memory."""
        if self.layout is not None:
            return self.layout.bytes
        return int(np.prod(self.shape, dtype=np.int64)) * self.dtype.itemsize

    def read(self) -> Array:
        """A copy of what it holds."""
        if self.layout is not None:
            return self.layout.load(self.memory, self.offset)
        data = self.memory[self.offset : self.offset + self.bytes].copy()
        return data.view(self.dtype).reshape(self.shape)

    def write(self, array: Array) -> None:
        """Let it hold the bytes of an array that has as many, whatever its elements and shape."""
        data = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
        if self.layout is not None:
            self.layout.store(self.memory, self.offset, data.reshape(self.shape))
        else:
            self.memory[self.offset : self.offset + self.bytes] = data


def load(source: Region, dtype: np.dtype[Any], shape: tuple[int, ...]) -> Array:
    """The bytes of a buffer as a tensor; see `kpu.load`."""
    return source.read().reshape(-1).view(dtype).reshape(shape)


def store(value: Array, working: Region | None, target: Region) -> tuple[()]:
    """See `kpu.store`."""
    target.write(value)
    return ()


def copy(source: Region, target: Region) -> tuple[()]:
    """The bytes of one buffer into another one, which may be of another layout; see `kpu.upload_into`."""
    target.write(source.read())
    return ()


def conv2d_into(*operands: Any, **attributes: Any) -> tuple[()]:
    """uint8 maps in KPU memory, weight, norm, lines, and the map to be written; see `kpu.conv2d_into`."""
    *inputs, weight, norm, lines, target = operands
    maps = [one.read() for one in inputs]
    target.write(conv2d(*maps, weight, norm, lines, **attributes))
    return ()
