"""A function of machine code under construction, with what it is called with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...dialects.mlir import ir
from .buffer import BYTES, Buffer
from .text import Text

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, eq=False)
class Scratch:
    """Memory that kernels of one group share while they run one behind the other."""


@dataclass(frozen=True)
class Argument:
    """What a kernel is called with; `source` is a value of the network, a packed constant (an array), or scratch."""

    name: str
    buffer: Buffer
    source: Any
    written: bool = False


@dataclass
class Kernel:
    """A function `(memrefs..., lo, hi)` that does tasks lo to hi of `tasks`; tasks can run in any order, on any thread.

    family: what the function's name begins with. No two tasks write the same element, and none reads what another
    writes.
    """

    family: str
    text: Text = field(default_factory=Text)
    arguments: list[Argument] = field(default_factory=list)
    tasks: int = 1
    _packed: dict[tuple[Any, int, int], tuple[Buffer, Array]] = field(default_factory=dict)

    def operand(self, source: Any, buffer: Buffer, written: bool = False) -> str:
        """The name, with %, under which the function has a value, constant array or scratch memory."""
        for argument in self.arguments:
            if _same(argument.source, source) and argument.buffer == buffer:
                return f"%{argument.name}"
        name = f"a{len(self.arguments)}"
        self.arguments.append(Argument(name, buffer, source, written))
        return f"%{name}"

    def constant(self, array: Array, element: str | None = None) -> tuple[str, Buffer]:
        """A packed constant: its name, and its plain buffer."""
        element = element or f"{'f' if array.dtype.kind == 'f' else 'i'}{array.dtype.itemsize * 8}"
        assert BYTES[element] == array.dtype.itemsize
        buffer = Buffer.plain(element, array.shape)
        return self.operand(np.ascontiguousarray(array), buffer), buffer

    def packed(self, of: Any, array: Array, axis: int, lanes: int) -> tuple[Buffer, Array]:
        """A constant as it is read in vectors along an axis: this axis innermost, and with room for the last vector.
        `of` says which one it is."""
        key = (of, axis, lanes)
        if key not in self._packed:
            self._packed[key] = pack(array, axis, lanes)
        return self._packed[key]

    def function(self, name: str) -> str:
        """The text of the function."""
        return self.text.function(name, [(argument.name, argument.buffer.type) for argument in self.arguments])


def pack(array: Array, axis: int, lanes: int) -> tuple[Buffer, Array]:
    """An array with an axis innermost, filled up with zeros to whole vectors, and the buffer that says so."""
    stored = array.astype(np.int8) if array.dtype.kind == "b" else array
    axes, extents = list(range(array.ndim)), list(array.shape)
    if lanes > 1 and array.ndim and array.shape[axis] > 1:
        axes.append(axes.pop(axis))
        extents[axis] = -(-extents[axis] // lanes) * lanes
        stored = np.zeros(extents, stored.dtype)
        stored[tuple(slice(0, dim) for dim in array.shape)] = array
    element = f"{'f' if stored.dtype.kind == 'f' else 'i'}{stored.dtype.itemsize * 8}"
    buffer = Buffer(element, tuple(array.shape), tuple(axes), tuple(extents), (0,) * array.ndim)
    return buffer, np.ascontiguousarray(stored.transpose(axes))


def _same(a: Any, b: Any) -> bool:
    return a is b or (isinstance(a, ir.Value) and isinstance(b, ir.Value) and a == b)


def vector(lanes: int, element: str) -> str:
    """The type of `lanes` elements side by side: a vector, or with one lane the element itself."""
    return element if lanes == 1 else f"vector<{lanes}x{element}>"


def load(text: Text, name: str, buffer: Buffer, place: str, lanes: int = 1) -> str:
    """Read one element, or `lanes` of them side by side, at a place (`Buffer.at`)."""
    if lanes == 1:
        return text.let(f"memref.load {name}[{place}] : {buffer.type}")
    return text.let(f"vector.load {name}[{place}] : {buffer.type}, {vector(lanes, buffer.element)}")


def store(text: Text, value: str, name: str, buffer: Buffer, place: str, lanes: int = 1) -> None:
    """Write one element, or `lanes` of them side by side."""
    if lanes == 1:
        text.do(f"memref.store {value}, {name}[{place}] : {buffer.type}")
    else:
        text.do(f"vector.store {value}, {name}[{place}] : {buffer.type}, {vector(lanes, buffer.element)}")


def splat(text: Text, value: str, lanes: int, element: str) -> str:
    """A scalar in every lane."""
    return value if lanes == 1 else text.let(f"vector.broadcast {value} : {element} to {vector(lanes, element)}")


def split(extent: int, most: int) -> list[tuple[int, int]]:
    """An extent as (size, count) blocks of nearly equal sizes, none larger than `most`, the larger ones first."""
    blocks = -(-extent // most)
    small, more = divmod(extent, blocks)
    return [(size, count) for size, count in ((small + 1, more), (small, blocks - more)) if count]


def flatten(extents: Sequence[int]) -> int:
    """How many there are along several axes together."""
    result = 1
    for extent in extents:
        result *= extent
    return result
