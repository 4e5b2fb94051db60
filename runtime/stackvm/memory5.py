"""The memories that version 5 code addresses: constants, scratch, and the tensors of the running function.

An address is a number: the memory's place in the list, times `SPACE`, plus the offset in bytes. So no arithmetic of
hostile code leads from one memory into another. Entry: any number. Exit: bytes inside a memory, or ExecutionError
K0504 that names address and size.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from operator import mul

import numpy as np

from ...errors import ExecutionError
from ..kmodel.elements import numpy_dtype
from ..kmodel.v5 import LOCATIONS, Parameter
from ..machine import Array

SPACE = 1 << 40
VIEWS = 1 << 14
"""Views that are kept at most."""
View = tuple[int, str, tuple[int, ...], tuple[int, ...]]
"""Address, element type, shape and strides."""


@lru_cache(maxsize=1024)
def dense(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Strides, in elements, of a row-major tensor."""
    return tuple(math.prod(shape[axis + 1 :]) for axis in range(len(shape)))


@dataclass
class Memory:
    """What one call of a function sees. `rdata` and inputs cannot be written.

    `views` are of `rdata` and `data`: they may be handed on to the next call, since making them takes long.
    """

    rdata: Array
    data: Array
    inputs: Sequence[Parameter]
    outputs: Sequence[Parameter]
    input_bytes: Sequence[Array]
    output_bytes: Sequence[Array]
    views: dict[View, Array] = field(default_factory=dict)
    buffers: list[memoryview] = field(init=False)
    """The bytes of each memory, by its place in the list."""
    _spaces: list[Array] = field(init=False)

    def __post_init__(self) -> None:
        self._spaces = [np.empty(0, np.uint8), self.rdata, self.data, *self.input_bytes, *self.output_bytes]
        self.buffers = list(map(memoryview, self._spaces))  # type: ignore[arg-type]  # arrays are buffers

    def address(self, location: int, offset: int) -> int:
        """What LEA_BUFFER pushes."""
        if location == LOCATIONS["rdata"]:
            return SPACE + offset
        if location == LOCATIONS["data"]:
            return 2 * SPACE + offset
        if location == LOCATIONS["input"]:
            return self._tensor(self.inputs, 3, offset)
        if location == LOCATIONS["output"]:
            return self._tensor(self.outputs, 3 + len(self.inputs), offset)
        raise ExecutionError("K0504", cause=f"memory location {location} cannot be addressed")

    def _tensor(self, parameters: Sequence[Parameter], first: int, offset: int) -> int:
        """The tensor that starts last, at or before `offset`."""
        starts = [(one.range.start, index) for index, one in enumerate(parameters) if one.range.start <= offset]
        if not starts:
            raise ExecutionError("K0504", cause=f"no tensor lies at offset {offset}")
        start, index = max(starts)
        return (first + index) * SPACE + offset - start

    def bytes(self, address: int, size: int) -> Array:
        """`size` bytes from `address` on."""
        space, offset = divmod(address, SPACE)
        if not 0 <= space < len(self._spaces) or not 0 <= size <= len(self._spaces[space]) - offset:
            raise ExecutionError("K0504", cause=f"{size} bytes at address {address:#x} lie outside of every tensor")
        return self._spaces[space][offset : offset + size]

    def view(self, address: int, element: str, shape: tuple[int, ...], strides: tuple[int, ...]) -> Array:
        """A tensor in place; `strides` in elements, not negative."""
        key = address, element, shape, strides
        view = self.views.get(key)
        if view is None:
            view = self._view(*key)
            if address < 3 * SPACE and len(self.views) < VIEWS:
                self.views[key] = view
        return view

    def _view(self, address: int, element: str, shape: tuple[int, ...], strides: tuple[int, ...]) -> Array:
        dtype = numpy_dtype(element)
        if len(shape) != len(strides):
            cause = f"a tensor of {len(shape)} dimensions has {len(strides)} strides"
            raise ExecutionError("K0504", cause=cause)
        if shape and min(*shape, *strides) < 0:
            raise ExecutionError("K0504", cause=f"shape {tuple(shape)} or strides {tuple(strides)} are negative")
        last = sum(map(mul, shape, strides)) - sum(strides)
        count = 0 if 0 in shape else last + 1
        place = self.bytes(address, count * dtype.itemsize)
        return np.ndarray(shape, dtype, place, 0, [step * dtype.itemsize for step in strides])
