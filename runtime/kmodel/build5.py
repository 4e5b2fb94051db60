"""What all writers of version 5 code share: tensors and their places, and a module made of functions.

Entry: the code of functions, constants, sizes of memories. Exit: a v5 Module, or the bytes of a kmodel; the same calls
give the same bytes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from .elements import V5_CODES, numpy_dtype
from .names import Names, attach
from .section import Section
from .struct import align
from .v5 import LOCATIONS, Function, MemoryRange, MempoolDesc, Model, Module, Parameter, write


@dataclass(frozen=True)
class Place:
    """The address of a tensor; `location` is one of kmodel.v5.LOCATIONS, `offset` in bytes."""

    location: str
    offset: int

    def moved(self, size: int) -> Place:
        """The address `size` bytes further."""
        return Place(self.location, self.offset + size)

    def range(self, element: str, size: int) -> MemoryRange:
        """`size` bytes from here, as files state it."""
        return MemoryRange(location=LOCATIONS[self.location], datatype=V5_CODES[element], start=self.offset, bytes=size)


@dataclass(frozen=True)
class Tensor:
    """An input or output of a function."""

    element: str
    shape: tuple[int, ...]

    @property
    def bytes(self) -> int:
        """Its size, dense."""
        return math.prod(self.shape) * numpy_dtype(self.element).itemsize


def places(location: str, tensors: Sequence[Tensor]) -> tuple[Place, ...]:
    """One tensor behind the other, each at a multiple of 8."""
    found, offset = [], 0
    for tensor in tensors:
        found.append(Place(location, offset))
        offset += max(align(tensor.bytes, 8), 8)
    return tuple(found)


class FunctionCode(Protocol):
    """A function that a writer has made."""

    input_tensors: tuple[Tensor, ...]
    output_tensors: tuple[Tensor, ...]
    inputs: tuple[Place, ...]
    outputs: tuple[Place, ...]

    def text(self) -> bytes:
        """Its code."""
        ...


def build_module(kind: str, codes: Sequence[FunctionCode], rdata: bytes, pools: Mapping[str, int]) -> Module:
    """A module; `pools` are the bytes of its memories besides rdata, by location in ascending order."""
    text, functions = bytearray(), []
    for code in codes:
        body = code.text()
        inputs, outputs = _parameters(code.input_tensors, code.inputs), _parameters(code.output_tensors, code.outputs)
        functions.append(Function(inputs, outputs, len(text), len(body)))
        text += body
    rdata = rdata.ljust(align(len(rdata), 8), b"\0")
    sizes = {"rdata": len(rdata), **{name: align(size, 8) for name, size in pools.items()}}
    descs = tuple(MempoolDesc(location=LOCATIONS[name], bytes=size) for name, size in sizes.items())
    return Module(kind, tuple(functions), (Section(".rdata", rdata), Section(".text", bytes(text))), descs)


def _parameters(tensors: Sequence[Tensor], found: Sequence[Place]) -> tuple[Parameter, ...]:
    return tuple(
        Parameter(place.range(tensor.element, tensor.bytes), tensor.shape)
        for tensor, place in zip(tensors, found, strict=True)
    )


def build_kmodel(modules: Sequence[Module], names: Names | None = None) -> bytes:
    """The file; function 0 of the first module is its entry. `names` go into it if given."""
    model = Model(tuple(modules))
    return write(model if names is None else attach(model, names))
