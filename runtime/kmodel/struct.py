"""Binary layouts as declarations: one class states a record's fields, and both reading and writing follow from it.

    @struct(size=8)
    class MempoolDesc(Record):
        location: U8
        reserved: Raw3 = b"\\0\\0\\0"
        bytes: U32

Entry: any buffer, trusted or not. Exit: `read` gives a record or raises KmodelError that names offset and field; it
never reads outside the buffer and never allocates more than the record.
"""

from __future__ import annotations

import dataclasses
import struct as packing
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, TypeVar, get_args, get_type_hints

from ...errors import KmodelError

if TYPE_CHECKING:
    from typing_extensions import Self, dataclass_transform
else:

    def dataclass_transform(**_options: Any) -> Callable[[Any], Any]:
        """Tells type checkers what `struct` does; nothing happens when the program runs."""
        return lambda decorated: decorated


Buffer = bytes | bytearray | memoryview


@dataclasses.dataclass(frozen=True)
class Scalar:
    """A number, in the notation of the standard library's struct module."""

    letter: str


@dataclasses.dataclass(frozen=True)
class Text:
    """ASCII text in a fixed number of bytes, padded with zeros and closed by at least one."""

    size: int


@dataclasses.dataclass(frozen=True)
class Raw:
    """Bytes that are kept as they are."""

    size: int


@dataclasses.dataclass(frozen=True)
class Many:
    """A tuple of `count` numbers of one kind."""

    letter: str
    count: int


@dataclasses.dataclass(frozen=True)
class Inner:
    """Another record, in place."""

    record: type[Record]


U8 = Annotated[int, Scalar("B")]
U16 = Annotated[int, Scalar("H")]
U32 = Annotated[int, Scalar("I")]
U64 = Annotated[int, Scalar("Q")]
I32 = Annotated[int, Scalar("i")]
F32 = Annotated[float, Scalar("f")]
Name16 = Annotated[str, Text(16)]
Raw3 = Annotated[bytes, Raw(3)]
Raw4 = Annotated[bytes, Raw(4)]
U32x2 = Annotated[tuple[int, ...], Many("I", 2)]
U32x3 = Annotated[tuple[int, ...], Many("I", 3)]
U32x4 = Annotated[tuple[int, ...], Many("I", 4)]
I32x2 = Annotated[tuple[int, ...], Many("i", 2)]
I32x4 = Annotated[tuple[int, ...], Many("i", 4)]
I32x8 = Annotated[tuple[int, ...], Many("i", 8)]
U64x12 = Annotated[tuple[int, ...], Many("Q", 12)]


def const(value: int, *, init: Literal[False] = False) -> Any:
    """A field that always has this value; a file with another one is rejected."""
    return dataclasses.field(default=value, init=init, metadata={"const": value})


@dataclasses.dataclass(frozen=True)
class Place:
    """Where a field lies in its record and how it is coded."""

    name: str
    offset: int
    coding: Scalar | Text | Raw | Many | Inner
    layout: packing.Struct
    const: int | None


class Record:
    """A fixed-size piece of a binary file; subclasses are declared with `@struct`."""

    places: ClassVar[tuple[Place, ...]]
    size: ClassVar[int]
    code: ClassVar[str]

    @classmethod
    def read(cls, buffer: Buffer, at: int = 0) -> Self:
        """The record at byte `at`. KmodelError K0401 when it is cut off, K0402 when a field cannot have its value."""
        values: dict[str, Any] = {}
        for place in cls.places:
            where = at + place.offset
            require_bytes(buffer, where, place.layout.size, f"{cls.__name__}.{place.name}")
            if isinstance(place.coding, Inner):
                values[place.name] = place.coding.record.read(buffer, where)
                continue
            stored = place.layout.unpack_from(buffer, where)
            value = stored if isinstance(place.coding, Many) else _decoded(place, stored[0], where, cls.__name__)
            if place.const is None:
                values[place.name] = value
        return cls(**values)

    def write(self) -> bytes:
        """The bytes that `read` takes; KmodelError K0408 when a value does not fit its field."""
        return b"".join(_encoded(place, getattr(self, place.name), type(self).__name__) for place in self.places)


RecordT = TypeVar("RecordT", bound=Record)


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(const, dataclasses.field))
def struct(*, size: int, endian: Literal["little"] = "little") -> Callable[[type[RecordT]], type[RecordT]]:
    """Make a frozen keyword-only dataclass with a layout of exactly `size` bytes out of an annotated Record class."""

    def declare(cls: type[RecordT]) -> type[RecordT]:
        made = dataclasses.dataclass(frozen=True, kw_only=True)(cls)
        hints = get_type_hints(made, include_extras=True)
        places, offset = [], 0
        for one in dataclasses.fields(made):  # type: ignore[arg-type]  # the decorator above made it one
            coding = get_args(hints[one.name])[1]
            layout = packing.Struct("<" + _letters(coding))
            places.append(Place(one.name, offset, coding, layout, one.metadata.get("const")))
            offset += layout.size
        if offset != size:
            raise TypeError(f"{cls.__name__} is {offset} bytes long, declared as {size}")
        made.places, made.size = tuple(places), size
        return made

    return declare


def _letters(coding: Scalar | Text | Raw | Many | Inner) -> str:
    """The notation of the standard library's struct module."""
    if isinstance(coding, Scalar):
        return coding.letter
    if isinstance(coding, Many):
        return f"{coding.count}{coding.letter}"
    return f"{coding.record.size if isinstance(coding, Inner) else coding.size}s"


def _decoded(place: Place, value: Any, where: int, owner: str) -> Any:
    if place.const is not None and value != place.const:
        raise misfit(where, f"{owner}.{place.name}", f"is {value:#x}, expected {place.const:#x}")
    if isinstance(place.coding, Text):
        text, _, padding = value.partition(b"\0")
        if len(text) == place.coding.size or padding.strip(b"\0") or not text.isascii():
            raise misfit(where, f"{owner}.{place.name}", f"is {value!r}, expected ASCII text padded with zeros")
        return text.decode("ascii")
    return value


def _encoded(place: Place, value: Any, owner: str) -> bytes:
    field = f"{owner}.{place.name}"
    if isinstance(place.coding, Text):
        if not value.isascii() or "\0" in value or len(value) >= place.coding.size:
            limit = place.coding.size - 1
            raise KmodelError("K0408", where=field, cause=f"{value!r} is not ASCII text of at most {limit} bytes")
        return bytes(value.encode("ascii").ljust(place.coding.size, b"\0"))
    if isinstance(place.coding, Inner):
        return bytes(value.write())
    if isinstance(place.coding, Raw) and len(value) != place.coding.size:
        raise KmodelError("K0408", where=field, cause=f"{len(value)} bytes, expected {place.coding.size}")
    try:
        return place.layout.pack(*value) if isinstance(place.coding, Many) else place.layout.pack(value)
    except (packing.error, OverflowError) as error:
        raise KmodelError("K0408", where=field, cause=f"{value!r} does not fit") from error


def misfit(at: int, field: str, cause: str) -> KmodelError:
    """The error of a value that does not fit: `cause` continues a sentence that begins with the field's name."""
    return KmodelError("K0402", where=f"kmodel, byte {at}", cause=f"{field} {cause}")


def require_bytes(buffer: Buffer, at: int, count: int, field: str) -> None:
    """KmodelError K0401 unless `count` bytes lie at `at`; call it before using a count that a file states."""
    if at < 0 or count < 0 or at + count > len(buffer):
        cause = f"{field} needs {count} bytes, but the file has {max(0, len(buffer) - at)} left"
        raise KmodelError("K0401", where=f"kmodel, byte {at}", cause=cause, remedy="the file is cut off or damaged")


def read_u32s(buffer: Buffer, at: int, count: int, field: str) -> tuple[int, ...]:
    """`count` 32-bit numbers from `at`."""
    require_bytes(buffer, at, 4 * count, field)
    return packing.unpack_from(f"<{count}I", buffer, at)


def align(value: int, alignment: int) -> int:
    """`value` rounded up to a multiple of `alignment`."""
    return -(-value // alignment) * alignment
