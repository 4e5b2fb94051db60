"""The code of a k210 module: commands of fixed sizes, one behind the other, without branches.

Entry: the text of a function, trusted or not. Exit: commands; KmodelError K0401 or K0406 names the byte where there is
none. `commands_bytes(commands(text)) == text`. Source: k210 module of kmodel v5, the same in nncase 1.0 to 1.9.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Annotated

from ...errors import KmodelError
from ..kpu.registers import LayerArguments
from .struct import U8, U32, Buffer, Inner, Raw3, Record, U32x4, U64x12, const, struct
from .v5 import MemoryRange

Range = Annotated[MemoryRange, Inner(MemoryRange)]
NOWHERE = MemoryRange(location=0, datatype=0, start=0, bytes=0)


@struct(size=44)
class Upload(Record):
    """Dense uint8 maps of `shape` (n, c, h, w) in main memory become maps in KPU RAM."""

    opcode: U8 = const(0)
    reserved: Raw3 = b"\0\0\0"
    source: Range
    target: Range
    shape: U32x4


@struct(size=44)
class Download(Record):
    """Maps of `shape` (n, c, h, w) in KPU RAM become dense uint8 maps in main memory."""

    opcode: U8 = const(1)
    reserved: Raw3 = b"\0\0\0"
    source: Range
    target: Range
    shape: U32x4


@struct(size=152)
class Conv2d(Record):
    """A KPU layer; its result also goes to `output` in main memory, dense, if that has any bytes."""

    opcode: U8 = const(2)
    reserved: Raw3 = b"\0\0\0"
    weights: Range
    batch_norm: Range
    activation: Range
    output: Range
    batches: U32
    registers: U64x12

    @cached_property
    def arguments(self) -> LayerArguments:
        """The registers, decoded."""
        return LayerArguments.unpack(self.registers)


@struct(size=76)
class Copy(Record):
    """A strided copy in main memory; `source.datatype` gives the elements that strides count."""

    opcode: U8 = const(3)
    reserved: Raw3 = b"\0\0\0"
    source: Range
    target: Range
    shape: U32x4
    source_strides: U32x4
    target_strides: U32x4


Command = Upload | Download | Conv2d | Copy
COMMANDS: tuple[type[Command], ...] = (Upload, Download, Conv2d, Copy)
"""By opcode."""


def commands(text: Buffer) -> Iterator[Command]:
    """The commands of a function, in order."""
    at = 0
    while at < len(text):
        if text[at] >= len(COMMANDS):
            raise KmodelError("K0406", where=f"KPU code, byte {at}", cause=f"there is no command {text[at]}")
        one = COMMANDS[text[at]].read(text, at)
        yield one
        at += one.size
