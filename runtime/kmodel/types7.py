"""Type signatures of kmodel v7: the types of a function's parameters and result.

Entry: the bytes behind a function's header, or a type. Exit: a type and the offset behind it, or its bytes.
Source: kmodel v7, type signatures.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from ...errors import KmodelError
from .elements import V7_CODES, V7_NAMES
from .struct import Buffer, require_bytes

MAX_DEPTH = 16
MAX_RANK = 64
INVALID, ANY, TENSOR, TUPLE, CALLABLE, END = 0x00, 0x01, 0x02, 0x03, 0x04, 0xFF
POINTER, VALUE = 0xF0, 0xF1
QUANT_PARAM_UUID = bytes.fromhex("577b75326848e342b5f33bcdeee57010")


@dataclass(frozen=True)
class PointerType:
    """An address of elements."""

    element: DataType


@dataclass(frozen=True)
class ValueType:
    """An opaque value of `size` bytes, e.g. quantisation parameters."""

    uuid: bytes
    size: int


DataType = str | PointerType | ValueType
"""A primitive type by its name ("f32"), or one of the structured ones."""

QUANT_PARAM = ValueType(QUANT_PARAM_UUID, 8)
"""i32 zero_point, f32 scale."""


@dataclass(frozen=True)
class AnyType:
    """Anything."""


@dataclass(frozen=True)
class InvalidType:
    """A type that the compiler could not infer."""


@dataclass(frozen=True)
class TensorType:
    """`shape` () is a scalar; a dimension of None is not known before the run."""

    element: DataType
    shape: tuple[int | None, ...]


@dataclass(frozen=True)
class TupleType:
    """Several values, e.g. what a function with several results returns."""

    fields: tuple[Type, ...]


Type = TensorType | TupleType | AnyType | InvalidType


def write_type(type_: Type) -> bytes:
    """The signature of a type."""
    if isinstance(type_, AnyType):
        return bytes([ANY])
    if isinstance(type_, InvalidType):
        return bytes([INVALID])
    if isinstance(type_, TupleType):
        return bytes([TUPLE]) + b"".join(map(write_type, type_.fields)) + bytes([END])
    head = bytes([TENSOR]) + write_datatype(type_.element)
    if not type_.shape:
        return head + b"\0"
    return head + b"\1" + b"".join(map(_write_dim, type_.shape)) + bytes([END])


def _write_dim(dim: int | None) -> bytes:
    if dim is None:
        return b"\0"
    if not 0 <= dim < 2**31:
        raise KmodelError("K0408", cause=f"a dimension of {dim} does not fit a type signature")
    return b"\1" + struct.pack("<i", dim)


def write_datatype(data: DataType) -> bytes:
    """The signature of an element type; this is also what LDDATATYPE reads from `.rdata`."""
    if isinstance(data, PointerType):
        return bytes([POINTER]) + write_datatype(data.element)
    if isinstance(data, ValueType):
        return bytes([VALUE]) + data.uuid + struct.pack("<I", data.size)
    if data not in V7_CODES:
        raise KmodelError("K0408", cause=f"kmodel v7 has no element type {data}")
    return bytes([V7_CODES[data]])


def read_type(buffer: Buffer, at: int, depth: int = 0) -> tuple[Type, int]:
    """The type at byte `at`, and the offset behind it; KmodelError K0401 or K0404 with the offset."""
    code = _byte(buffer, at, "type")
    if code == ANY:
        return AnyType(), at + 1
    if code == INVALID:
        return InvalidType(), at + 1
    if code == TENSOR:
        return _read_tensor(buffer, at + 1)
    if code != TUPLE:
        raise _malformed(at, f"type code {code:#04x}")
    if depth == MAX_DEPTH:
        raise _malformed(at, f"tuples are nested deeper than {MAX_DEPTH}")
    fields: list[Type] = []
    at += 1
    while _byte(buffer, at, "field of a tuple type") != END:
        one, at = read_type(buffer, at, depth + 1)
        fields.append(one)
    return TupleType(tuple(fields)), at + 1


def _read_tensor(buffer: Buffer, at: int) -> tuple[TensorType, int]:
    element, at = read_datatype(buffer, at)
    has_dims = _byte(buffer, at, "shape kind")
    at += 1
    if not has_dims:
        return TensorType(element, ()), at
    shape: list[int | None] = []
    while (code := _byte(buffer, at, "dimension")) != END:
        if code > 1:
            raise _malformed(at, f"dimension code {code:#04x}")
        if len(shape) == MAX_RANK:
            raise _malformed(at, f"a tensor of more than {MAX_RANK} dimensions")
        dim: int | None = None
        if code == 1:
            require_bytes(buffer, at + 1, 4, "dimension")
            dim = struct.unpack_from("<i", buffer, at + 1)[0]
            if dim is not None and dim < 0:
                raise _malformed(at, f"a dimension of {dim}")
        shape.append(dim)
        at += 5 if code == 1 else 1
    return TensorType(element, tuple(shape)), at + 1


def read_datatype(buffer: Buffer, at: int, depth: int = 0) -> tuple[DataType, int]:
    """The element type at byte `at`, and the offset behind it."""
    code = _byte(buffer, at, "element type")
    if code in V7_NAMES:
        return V7_NAMES[code], at + 1
    if code == POINTER and depth < MAX_DEPTH:
        element, at = read_datatype(buffer, at + 1, depth + 1)
        return PointerType(element), at
    if code == VALUE:
        require_bytes(buffer, at + 1, 20, "value type")
        return ValueType(bytes(buffer[at + 1 : at + 17]), struct.unpack_from("<I", buffer, at + 17)[0]), at + 21
    raise _malformed(at, f"element type code {code:#04x}")


def _byte(buffer: Buffer, at: int, field: str) -> int:
    require_bytes(buffer, at, 1, field)
    return buffer[at]


def _malformed(at: int, cause: str) -> KmodelError:
    return KmodelError("K0404", where=f"kmodel, byte {at}", cause=f"type signature: {cause}")
