"""Objects that are not what they should be, and relocations one by one."""

from __future__ import annotations

import ctypes
import struct
from dataclasses import replace

import numpy as np
import pytest
from native_networks import network_object

from kpuc.errors import ExecutionError, KmodelError
from kpuc.runtime.native.code import Code, resolve
from kpuc.runtime.native.elf import ALLOC, EXECUTE, NOBITS, WRITE, FileHeader, SectionHeader, read_object
from kpuc.runtime.native.link import Image
from kpuc.runtime.native.relocations import KINDS

X86 = "x86-64-v3"
PAGE = 4096


def sections(data: bytes) -> list[tuple[int, SectionHeader]]:
    """The headers of all sections, with where they are."""
    header = FileHeader.read(data)
    places = [header.sections_at + index * SectionHeader.size for index in range(header.sections)]
    return [(at, SectionHeader.read(data, at)) for at in places]


def changed(data: bytes, kind: int, **fields: int) -> bytes:
    """The object with other values in the header of the first section of a type."""
    at, header = next((at, header) for at, header in sections(data) if header.type == kind)
    return data[:at] + replace(header, **fields).write() + data[at + SectionHeader.size :]


@pytest.mark.parametrize(("kind", "fields", "words"), [
    (1, {"flags": ALLOC | WRITE | EXECUTE}, "both written and executed"),
    (1, {"flags": ALLOC | EXECUTE | 0x400}, "a section of type 1"),
    (1, {"alignment": 3}, "aligned to 3 bytes"),
    (1, {"alignment": 1 << 20}, "aligned to 1048576 bytes"),
    (1, {"type": NOBITS, "bytes": 1 << 40}, "a section of type 8"),
    (4, {"type": 9}, "without addends"),
    (4, {"bytes": 25}, "a table of 25 bytes"),
    (2, {"type": 0}, "one table of symbols"),
    (2, {"link": 99}, "one table of symbols"),
])  # fmt: skip
def test_sections_that_are_not_taken(kind: int, fields: dict[str, int], words: str) -> None:
    with pytest.raises(KmodelError, match="K0410") as caught:
        read_object(changed(network_object(X86), kind, **fields))
    assert words in caught.value.cause


@pytest.mark.parametrize(
    ("kind", "fields"), [(1, {"offset": 1 << 60}), (2, {"offset": 1 << 20}), (4, {"bytes": 48000})]
)
def test_sections_outside_the_file(kind: int, fields: dict[str, int]) -> None:
    with pytest.raises(KmodelError, match="K0401"):
        read_object(changed(network_object(X86), kind, **fields))


def test_zeros_need_no_bytes() -> None:
    made = read_object(changed(network_object(X86), 1, type=NOBITS))
    assert (len(made.parts[0].body), made.parts[0].size > 0) == (0, True)


def test_files_of_other_kinds() -> None:
    data = bytearray(network_object(X86))
    for at, value in ((4, 1), (5, 2), (16, 3), (18, 3)):  # 32 bits, big-endian, a library, another machine
        other = bytearray(data)
        other[at] = value
        with pytest.raises(KmodelError, match="K0410"):
            read_object(bytes(other))
    for size in (0, 63, len(data) - 1):
        with pytest.raises(KmodelError, match="K0401"):
            read_object(bytes(data[:size]))


def test_functions_that_may_not_be_called() -> None:
    data = network_object(X86).replace(b"\0sched_yield\0", b"\0execve\0\0\0\0\0\0")
    with pytest.raises(KmodelError, match="'execve', which machine code of a kmodel may not"):
        Image(read_object(data), PAGE)


def test_functions_that_are_missing() -> None:
    with pytest.raises(KmodelError, match="it has no function kpuc_run"):
        Code(network_object(X86).replace(b"\0kpuc_run\0", b"\0kpuc_ran\0"))
    with pytest.raises(ExecutionError, match="K0510"):
        resolve("kpuc_no_such_function")


def test_exported_functions_are_code() -> None:
    """A name that stands for data, or for what is behind the code, is no function."""
    code = network_object(X86)
    assert "kpuc_run" in read_object(code).functions
    assert not read_object(changed(code, 1, flags=ALLOC)).functions
    with pytest.raises(KmodelError, match="lies outside its section"):
        read_object(changed(code, 1, bytes=0))


def test_names_have_an_end() -> None:
    long = network_object(X86).replace(b"\0sched_yield\0", b"\0sched_yield\xff")
    at, names = next((at, header) for at, header in sections(long) if header.type == 3)
    tail = len(long)
    filled = long + b"x" * 3000
    moved = replace(names, offset=tail, bytes=3000).write()
    with pytest.raises(KmodelError, match="too long"):
        read_object(filled[:at] + moved + filled[at + SectionHeader.size :])


def test_functions_of_the_library_are_found() -> None:
    cosine = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_double)(resolve("cos"))
    assert cosine(0.5) == np.cos(0.5)


def test_what_is_executed_and_what_is_read_are_on_pages_of_their_own() -> None:
    image = Image(read_object(network_object(X86)), PAGE)
    assert image.executable > 0 and image.readable > 0 and image.size == image.executable + image.readable
    for part, offset in zip(image.object.parts, image.offsets, strict=True):
        assert (offset < image.executable) == part.executable
        assert offset % part.alignment == 0
    ends = sorted((at, at + part.size) for part, at in zip(image.object.parts, image.offsets, strict=True))
    ends += [(at, at + 16) for at in image.stubs.values()]
    for (_, end), (start, _) in zip(sorted(ends), sorted(ends)[1:], strict=False):
        assert end <= start


@pytest.mark.parametrize(("machine", "kind", "place", "value"), [
    ("x86_64", 2, 0, 1 << 31), ("x86_64", 4, 1 << 32, 0), ("aarch64", 283, 0, 1 << 27), ("aarch64", 275, 0, 1 << 32),
    ("aarch64", 283, 0, 2), ("aarch64", 285, 0, 2), ("aarch64", 299, 0, 8), ("riscv64", 19, 0, (1 << 31) - 0x800),
    ("riscv64", 23, 1 << 32, 0),
])  # fmt: skip
def test_out_of_reach(machine: str, kind: int, place: int, value: int) -> None:
    with pytest.raises(KmodelError, match="K0410"):
        KINDS[machine][kind](bytearray(16), 0, place, value)


@pytest.mark.parametrize(("machine", "kind"), [(machine, kind) for machine in KINDS for kind in KINDS[machine]])
def test_no_relocation_writes_beyond_its_section(machine: str, kind: int) -> None:
    code = bytearray(16)
    for at in (14, 16, 1 << 40):
        with pytest.raises(KmodelError, match="K0410"):
            KINDS[machine][kind](code, at, 0, 0)
    assert len(code) == 16


def word(machine: str, kind: int, instruction: int, place: int, value: int) -> int:
    """An instruction after a relocation."""
    code = bytearray(struct.pack("<Q", instruction))
    KINDS[machine][kind](code, 0, place, value)
    return int(struct.unpack("<Q", code)[0])


def test_relocations_by_hand() -> None:
    """Encodings read off the manuals: `bl`, `adrp x0`, `ldr q0, [x1]`, `auipc`/`jalr`, `auipc a0`, `sw`."""
    assert word("aarch64", 283, 0x94000000, 0x1000, 0x0FFC) == 0x97FFFFFF
    assert word("aarch64", 275, 0x90000000, 0x1234, 0x6000) == 0x90000000 | 1 << 29 | 1 << 5
    assert word("aarch64", 299, 0x3DC00020, 0, 0x1230) == 0x3DC00020 | 0x23 << 10
    assert word("aarch64", 277, 0x91000000, 0, 0x1FFF) == 0x91000000 | 0xFFF << 10
    assert word("riscv64", 19, 0x000080E700000097, 0, 0x1800) == 0x800080E700002097
    assert word("riscv64", 23, 0x00000517, 0x1000, 0x0800) == 0x00000517
    assert word("riscv64", 25, 0x00052023, 0, 0x7FF) == 0x00052023 | 0x3F << 25 | 0x1F << 7
    assert word("riscv64", 35, 5, 0, 7) == 12 and word("riscv64", 39, 5, 0, 7) == 0xFFFFFFFE
    assert word("x86_64", 2, 0, 0x1000, 0x0FFC) == 0xFFFFFFFC
    assert word("x86_64", 1, 0, 0x1000, 0x123456789A) == 0x123456789A


def test_the_lower_half_of_an_address_needs_the_upper_half() -> None:
    made = read_object(network_object("riscv64-v"))
    uppers = [one for one in made.relocations if one.type == 23]
    assert uppers
    without = replace(made, relocations=tuple(one for one in made.relocations if one.type != 23))
    with pytest.raises(KmodelError, match="no upper half"):
        Image(without, PAGE).link(0, lambda _: 0)


def test_unknown_relocations() -> None:
    made = read_object(network_object(X86))
    strange = replace(made, relocations=(replace(made.relocations[0], type=42),))
    with pytest.raises(KmodelError, match="type 42"):
        Image(strange, PAGE).link(0, lambda _: 0)
