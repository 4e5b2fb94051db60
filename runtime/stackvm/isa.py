"""What an instruction set of the stack machine is made of, for every kmodel version.

An `Isa` is one table. The assembler encodes from it, the disassembler and the interpreters decode from it, so that no
second place knows how long an instruction is. Immediates are packed, unaligned and little-endian.

Entry: tables given as data. Exit: `encode` gives bytes, `decode` gives a `Decoded` or raises KmodelError.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from ...errors import KmodelError

Value = int | float | bool | str | bytes | tuple[str, ...]
"""An immediate, decoded: an enumeration is the name of its member."""

Kind = Literal["u8", "i8", "u16", "i16", "u32", "i32", "u64", "i64", "f32", "bool", "cstr", "strings", "bytes"]
"""`cstr`: zero-terminated text; `strings`: cstrs closed by an empty one; `bytes`: u32 count, then the bytes."""

_FORMATS: dict[str, struct.Struct] = {
    kind: struct.Struct("<" + letter)
    for kind, letter in {
        "u8": "B", "i8": "b", "u16": "H", "i16": "h", "u32": "I", "i32": "i", "u64": "Q", "i64": "q",
        "f32": "f", "bool": "B",
    }.items()
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Enumeration:
    """A closed set of named codes, e.g. `Enumeration("binary", {"add": 0, ...})`."""

    name: str
    codes: Mapping[str, int]
    names: Mapping[int, str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", {code: name for name, code in self.codes.items()})


def enumeration(name: str, *members: str) -> Enumeration:
    """An enumeration whose members are numbered from 0."""
    return Enumeration(name, {member: code for code, member in enumerate(members)})


@dataclass(frozen=True)
class Field:
    """One immediate of an instruction."""

    name: str
    kind: Kind
    enum: Enumeration | None = None


@dataclass(frozen=True)
class Instruction:
    """One opcode: `name` is its mnemonic in capitals, `supported` whether the vendor's runtime executes it."""

    code: int
    name: str
    fields: tuple[Field, ...] = ()
    supported: bool = True


def instruction(code: int, name: str, *fields: tuple[str, Kind], supported: bool = True) -> Instruction:
    """An instruction with immediates given as (name, kind)."""
    return Instruction(code, name, tuple(Field(*field) for field in fields), supported)


def plain(first: int, *names: str, supported: bool = True) -> tuple[Instruction, ...]:
    """Instructions without immediates, numbered from `first`."""
    return tuple(Instruction(first + index, name, (), supported) for index, name in enumerate(names))


def typed(first: int, stem: str, *suffixes: str, supported: bool = True) -> tuple[Instruction, ...]:
    """Instructions STEM_SUFFIX without immediates, numbered from `first`."""
    return plain(first, *(f"{stem}_{suffix}" for suffix in suffixes), supported=supported)


SIGNED = ("I1", "I2", "I4", "I")
UNSIGNED = ("U1", "U2", "U4", "U")
REAL = ("BR2", "R4")
"""Suffixes of typed instructions: integers of 1, 2, 4 bytes and of a pointer's size, bfloat16 and float32."""


@dataclass(frozen=True)
class TensorFunction:
    """One function behind the TENSOR opcode.

    `fields` follow the u16 function id in the text; `operands` are taken from the stack, operand 0 popped first.
    """

    id: int
    name: str
    fields: tuple[Field, ...] = ()
    operands: tuple[str, ...] = ()
    supported: bool = True


@dataclass(frozen=True)
class Decoded:
    """One instruction as it stands in the text; `function` is given for tensor instructions."""

    at: int
    size: int
    instruction: Instruction
    function: TensorFunction | None
    values: Mapping[str, Value]

    @property
    def end(self) -> int:
        """Offset of the byte behind the instruction."""
        return self.at + self.size

    def __str__(self) -> str:
        name = self.instruction.name if self.function is None else f"{self.instruction.name}.{self.function.name}"
        return " ".join([name, *(f"{key}={_printed(value)}" for key, value in self.values.items())])


def _printed(value: Value) -> str:
    if isinstance(value, bytes):
        return f"<{len(value)} bytes>"
    return repr(value) if isinstance(value, tuple) else str(value)


def undecodable(at: int, cause: str) -> KmodelError:
    """The error of code that cannot be decoded at byte `at`."""
    return KmodelError("K0406", where=f"stackvm text, byte {at}", cause=cause)


class Isa:
    """The table of one kmodel version; `tensor` is the opcode that introduces tensor functions."""

    def __init__(
        self, version: int, tensor: int, instructions: tuple[Instruction, ...], functions: tuple[TensorFunction, ...]
    ) -> None:
        self.version = version
        self.tensor = tensor
        self.by_code = {one.code: one for one in instructions}
        self.by_name = {one.name: one for one in instructions}
        self.function_by_id = {one.id: one for one in functions}
        self.function_by_name = {one.name: one for one in functions}

    def encode(self, name: str, **values: Value) -> bytes:
        """Bytes of the instruction `name` (not TENSOR) with its immediates by name.

        Raises KmodelError K0407 for an unknown name, a missing or surplus immediate, a value out of range.
        """
        one = self.by_name.get(name)
        if one is None or one.code == self.tensor:
            raise KmodelError("K0407", cause=f"stackvm v{self.version} has no instruction {name}")
        return bytes([one.code]) + _pack(name, one.fields, values)

    def encode_tensor(self, name: str, **values: Value) -> bytes:
        """Bytes of the TENSOR instruction of function `name`; errors as in `encode`."""
        function = self.function_by_name.get(name)
        if function is None:
            raise KmodelError("K0407", cause=f"stackvm v{self.version} has no tensor function {name}")
        return bytes([self.tensor]) + struct.pack("<H", function.id) + _pack(name, function.fields, values)

    def decode(self, text: memoryview | bytes, at: int) -> Decoded:
        """The instruction at byte `at` of `text`; KmodelError K0406 names the offset and the field."""
        code = int(_scalar(text, at, "u8", "opcode"))
        one = self.by_code.get(code)
        if one is None:
            raise undecodable(at, f"opcode {code} does not exist in version {self.version}")
        end, function, fields = at + 1, None, one.fields
        if code == self.tensor:
            number = int(_scalar(text, end, "u16", "function"))
            function = self.function_by_id.get(number)
            if function is None:
                raise undecodable(end, f"tensor function {number} does not exist in version {self.version}")
            end, fields = end + 2, function.fields
        values: dict[str, Value] = {}
        for immediate in fields:
            values[immediate.name], end = _unpack(text, end, immediate)
        return Decoded(at, end - at, one, function, values)

    def walk(self, text: memoryview | bytes) -> Iterator[Decoded]:
        """Every instruction of `text` in order; each takes at least a byte, so the walk ends."""
        at = 0
        while at < len(text):
            one = self.decode(text, at)
            yield one
            at = one.end


def _pack(owner: str, fields: tuple[Field, ...], values: Mapping[str, Value]) -> bytes:
    if {one.name for one in fields} != set(values):
        given, expected = ", ".join(values) or "none", ", ".join(one.name for one in fields) or "none"
        raise KmodelError("K0407", where=owner, cause=f"immediates are {given}, expected {expected}")
    return b"".join(_pack_one(owner, one, values[one.name]) for one in fields)


def _pack_one(owner: str, one: Field, value: Value) -> bytes:
    where = f"{owner}.{one.name}"
    if one.enum is not None and isinstance(value, str):
        if value not in one.enum.codes:
            raise KmodelError("K0407", where=where, cause=f"{one.enum.name} has no member {value}")
        value = one.enum.codes[value]
    if one.kind == "cstr" and isinstance(value, str):
        return _terminated(where, value)
    if one.kind == "strings" and isinstance(value, tuple) and all(value):
        return b"".join(_terminated(where, text) for text in value) + b"\0"
    if one.kind == "bytes" and isinstance(value, bytes):
        return struct.pack("<I", len(value)) + value
    try:
        return _FORMATS[one.kind].pack(value)
    except (KeyError, struct.error, OverflowError) as error:
        raise KmodelError("K0407", where=where, cause=f"{value!r} is not a value of {one.kind}") from error


def _terminated(where: str, text: str) -> bytes:
    if "\0" in text:
        raise KmodelError("K0407", where=where, cause=f"{text!r} contains a zero byte")
    return text.encode() + b"\0"


def _scalar(text: memoryview | bytes, at: int, kind: str, name: str) -> int | float:
    layout = _FORMATS[kind]
    if at + layout.size > len(text):
        raise undecodable(at, f"{name} ({kind}) ends behind the text of {len(text)} bytes")
    value: int | float = layout.unpack_from(text, at)[0]
    return value


def _unpack(text: memoryview | bytes, at: int, one: Field) -> tuple[Value, int]:
    """The immediate at `at`, and the offset behind it."""
    if one.kind == "cstr":
        return _text(text, at, one.name)
    if one.kind == "strings":
        names: list[str] = []
        name, at = _text(text, at, one.name)
        while name:
            names.append(name)
            name, at = _text(text, at, one.name)
        return tuple(names), at
    if one.kind == "bytes":
        count = int(_scalar(text, at, "u32", one.name))
        if at + 4 + count > len(text):
            raise undecodable(at, f"{one.name} of {count} bytes ends behind the text")
        return bytes(text[at + 4 : at + 4 + count]), at + 4 + count
    value = _scalar(text, at, one.kind, one.name)
    end = at + _FORMATS[one.kind].size
    if one.enum is not None:
        if value not in one.enum.names:
            raise undecodable(at, f"{one.name} is {value}, not a member of {one.enum.name}")
        return one.enum.names[int(value)], end
    return (bool(value) if one.kind == "bool" else value), end


def _text(text: memoryview | bytes, at: int, name: str) -> tuple[str, int]:
    """Zero-terminated UTF-8 text of at most 4096 bytes."""
    window = bytes(text[at : at + 4097])
    length = window.find(b"\0")
    if length < 0:
        raise undecodable(at, f"{name} has no terminating zero byte")
    try:
        return window[:length].decode(), at + length + 1
    except UnicodeDecodeError as error:
        raise undecodable(at, f"{name} is not UTF-8") from error
