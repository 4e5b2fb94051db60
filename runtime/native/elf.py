"""Relocatable ELF objects of 64 bits: what is in them, checked.

Entry: untrusted bytes. Exit: sections, symbols and relocations whose every offset lies where it may, or KmodelError
K0401, K0410. Only what code generators emit for self-contained functions is taken: no dynamic linking, no sections that
are written and executed, no thread-local or common symbols. Source: System V gABI, chapter 4.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from ...errors import KmodelError
from ..kmodel.struct import U16, U32, U64, Buffer, Raw, Record, require_bytes, struct

MACHINES = {62: "x86_64", 183: "aarch64", 243: "riscv64"}
IDENTITY = b"\x7fELF\x02\x01\x01"
"""64 bits, little-endian, version 1."""
RELOCATABLE = 1
PROGBITS, SYMTAB, STRTAB, RELA, NOBITS, REL = 1, 2, 3, 4, 8, 9
WRITE, ALLOC, EXECUTE, TLS = 1, 2, 4, 0x400
SYMBOL = np.dtype(
    [("name", "<u4"), ("info", "u1"), ("other", "u1"), ("section", "<u2"), ("value", "<u8"), ("size", "<u8")]
)
RELOCATION = np.dtype([("offset", "<u8"), ("type", "<u4"), ("symbol", "<u4"), ("addend", "<i8")])
MOST_SECTIONS = 0xFF00
MOST_BYTES = 1 << 28
"""Of an image: that of a large network has some 100 KiB."""
MOST_NAME = 1024


@struct(size=64)
class FileHeader(Record):
    """First bytes of an object."""

    identity: Annotated[bytes, Raw(16)]
    type: U16
    machine: U16
    version: U32
    entry: U64
    segments_at: U64
    sections_at: U64
    flags: U32
    header_size: U16
    segment_size: U16
    segments: U16
    section_size: U16
    sections: U16
    names: U16


@struct(size=64)
class SectionHeader(Record):
    """An entry of the table of sections."""

    name: U32
    type: U32
    flags: U64
    address: U64
    offset: U64
    bytes: U64
    link: U32
    info: U32
    alignment: U64
    entry_size: U64


@dataclass(frozen=True)
class Part:
    """A section that is in memory when the code runs; `body` is shorter than `size` where zeros follow."""

    body: Buffer
    size: int
    alignment: int
    writable: bool
    executable: bool


@dataclass(frozen=True)
class Symbol:
    """A place in a part, or, without one, the name of a function that is elsewhere; `size` is a function's bytes."""

    name: str
    part: int | None
    value: int
    size: int = 0


@dataclass(frozen=True)
class Relocation:
    """What the linker has to write at `offset` of a part; `type` is the machine's number."""

    part: int
    offset: int
    type: int
    symbol: Symbol
    addend: int


@dataclass(frozen=True)
class Object:
    """The parts, the relocations in order, the functions that others may call by name, and all functions in order."""

    machine: str
    parts: tuple[Part, ...]
    relocations: tuple[Relocation, ...]
    functions: dict[str, Symbol]
    code: tuple[Symbol, ...]


def refused(cause: str) -> KmodelError:
    """The error of an object that is not taken."""
    return KmodelError("K0410", where="kmodel, object file", cause=cause)


def read_object(data: Buffer) -> Object:
    """The object in `data`."""
    header = FileHeader.read(data)
    if not header.identity.startswith(IDENTITY) or header.type != RELOCATABLE or header.machine not in MACHINES:
        raise refused("it is not a relocatable ELF file of 64 bits for x86-64, aarch64 or riscv64")
    if header.section_size != SectionHeader.size or header.sections > MOST_SECTIONS:
        raise refused(f"its {header.sections} sections have headers of {header.section_size} bytes")
    require_bytes(data, header.sections_at, header.sections * SectionHeader.size, "FileHeader.sections")
    sections = [
        SectionHeader.read(data, header.sections_at + index * SectionHeader.size) for index in range(header.sections)
    ]
    numbers: dict[int, int] = {}
    parts: list[Part] = []
    for index, section in enumerate(sections):
        if section.flags & ALLOC:
            numbers[index] = len(parts)
            parts.append(_part(data, section))
    if sum(part.size + part.alignment for part in parts) > MOST_BYTES:
        raise refused(f"it needs more than {MOST_BYTES} bytes of memory")
    symbols = _symbols(data, sections, numbers, parts)
    relocations = [
        one
        for section in sections
        if section.type in (REL, RELA) and section.info in numbers
        for one in _relocations(data, section, numbers[section.info], parts, symbols)
    ]
    inside = [
        (one, is_global)
        for one, is_global in symbols
        if one.part is not None and parts[one.part].executable and one.value < parts[one.part].size
    ]
    functions = {one.name: one for one, is_global in inside if is_global}
    code = sorted((one for one, _ in inside if one.size), key=lambda one: (one.part or 0, one.value))
    return Object(MACHINES[header.machine], tuple(parts), tuple(relocations), functions, tuple(code))


def _part(data: Buffer, section: SectionHeader) -> Part:
    if section.type not in (PROGBITS, NOBITS) or section.flags & TLS or section.bytes > MOST_BYTES:
        raise refused(f"a section of type {section.type}, flags {section.flags:#x} and {section.bytes} bytes")
    writable, executable = bool(section.flags & WRITE), bool(section.flags & EXECUTE)
    if writable and executable:
        raise refused("a section is both written and executed")
    alignment = max(1, section.alignment)
    if alignment & (alignment - 1) or alignment > 4096:
        raise refused(f"a section is aligned to {alignment} bytes")
    body: Buffer = b"" if section.type == NOBITS else _body(data, section)
    return Part(body, section.bytes, alignment, writable, executable)


def _body(data: Buffer, section: SectionHeader) -> memoryview:
    require_bytes(data, section.offset, section.bytes, "SectionHeader.bytes")
    return memoryview(data)[section.offset : section.offset + section.bytes]


def _table(data: Buffer, section: SectionHeader, dtype: np.dtype[Any]) -> list[Any]:
    body = _body(data, section)
    if len(body) % dtype.itemsize:
        raise refused(f"a table of {len(body)} bytes has entries of {dtype.itemsize}")
    rows: list[Any] = np.frombuffer(body, dtype).tolist()
    return rows


def _symbols(
    data: Buffer, sections: list[SectionHeader], numbers: dict[int, int], parts: list[Part]
) -> list[tuple[Symbol, bool]]:
    """Each symbol, and whether others may refer to it."""
    tables = [section for section in sections if section.type == SYMTAB]
    if len(tables) != 1 or tables[0].link >= len(sections):
        raise refused("it does not have one table of symbols")
    names = bytes(_body(data, sections[tables[0].link]))
    symbols = []
    for at, info, _other, section, value, size in _table(data, tables[0], SYMBOL):
        end = names.find(b"\0", at, at + MOST_NAME)
        if end < 0:
            raise refused("the name of a symbol lies outside its table, or is too long")
        name = names[at:end].decode("latin-1")
        part = numbers.get(section)
        if part is None:
            value = size = 0
        elif value + size > parts[part].size:
            raise refused(f"symbol {name!r} lies outside its section")
        symbols.append((Symbol(name, part, value, size), info >> 4 == 1))
    return symbols


def _relocations(
    data: Buffer, section: SectionHeader, part: int, parts: list[Part], symbols: list[tuple[Symbol, bool]]
) -> list[Relocation]:
    if section.type == REL:
        raise refused("relocations without addends are not supported")
    found = []
    for offset, type_, symbol, addend in _table(data, section, RELOCATION):
        if symbol >= len(symbols):
            raise refused(f"a relocation is for symbol {symbol} of {len(symbols)}")
        found.append(Relocation(part, offset, type_, symbols[symbol][0], addend))
    return found
