"""What relocations write into code, for each machine.

Each kind is a function of the bytes, where in them it writes, the address `place` of that, and the `value` to refer to.
KmodelError K0410 when the value is out of reach. Sources: the psABIs of x86-64, AArch64 and RISC-V.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping

from .elf import refused

Kind = Callable[[bytearray, int, int, int], None]


def _fits(value: int, bits: int) -> int:
    """The value, if it is a signed number of so many bits."""
    if not -(1 << (bits - 1)) <= value < 1 << (bits - 1):
        raise refused(f"a relocation is out of reach: {value:#x} does not fit {bits} bits")
    return value


def _word(code: bytearray, at: int) -> int:
    if at + 4 > len(code):
        raise refused("a relocation lies outside its section")
    return int.from_bytes(code[at : at + 4], "little")


def _patch(code: bytearray, at: int, mask: int, bits: int) -> None:
    """Put bits into an instruction, in place of those under the mask."""
    word = _word(code, at) & ~mask | bits & mask
    code[at : at + 4] = word.to_bytes(4, "little")


def _absolute(code: bytearray, at: int, place: int, value: int) -> None:
    if at + 8 > len(code):
        raise refused("a relocation lies outside its section")
    struct.pack_into("<Q", code, at, value % (1 << 64))


def _relative(code: bytearray, at: int, place: int, value: int) -> None:
    _patch(code, at, 0xFFFFFFFF, _fits(value - place, 32))


def _arm_branch(code: bytearray, at: int, place: int, value: int) -> None:
    distance = _fits(value - place, 28)
    if distance % 4:
        raise refused("a branch leads between instructions")
    _patch(code, at, 0x03FFFFFF, distance >> 2)


def _arm_page(code: bytearray, at: int, place: int, value: int) -> None:
    pages = _fits((value >> 12) - (place >> 12), 21)
    _patch(code, at, 0x60FFFFE0, (pages & 3) << 29 | (pages >> 2 & 0x7FFFF) << 5)


def _arm_offset(log2: int) -> Kind:
    """The place of an element of `2**log2` bytes in its page."""

    def apply(code: bytearray, at: int, place: int, value: int) -> None:
        offset = value & 0xFFF
        if offset % (1 << log2):
            raise refused(f"an element of {1 << log2} bytes lies at {offset:#x}")
        _patch(code, at, 0x003FFC00, offset >> log2 << 10)

    return apply


def _riscv_upper(code: bytearray, at: int, place: int, value: int) -> None:
    _patch(code, at, 0xFFFFF000, _fits(value - place + 0x800, 32))


def _riscv_lower(code: bytearray, at: int, place: int, value: int) -> None:
    """`place` is that of the instruction with the upper half."""
    _patch(code, at, 0xFFF00000, (value - place) << 20)


def _riscv_lower_store(code: bytearray, at: int, place: int, value: int) -> None:
    low = value - place
    _patch(code, at, 0xFE000F80, (low >> 5 & 0x7F) << 25 | (low & 0x1F) << 7)


def _riscv_call(code: bytearray, at: int, place: int, value: int) -> None:
    _riscv_upper(code, at, place, value)
    _riscv_lower(code, at + 4, place, value)


def _riscv_add(code: bytearray, at: int, place: int, value: int) -> None:
    _patch(code, at, 0xFFFFFFFF, _word(code, at) + value)


def _riscv_subtract(code: bytearray, at: int, place: int, value: int) -> None:
    _patch(code, at, 0xFFFFFFFF, _word(code, at) - value)


KINDS: Mapping[str, Mapping[int, Kind]] = {
    "x86_64": {1: _absolute, 2: _relative, 4: _relative},
    "aarch64": {
        257: _absolute, 261: _relative, 275: _arm_page, 277: _arm_offset(0), 278: _arm_offset(0), 282: _arm_branch,
        283: _arm_branch, 284: _arm_offset(1), 285: _arm_offset(2), 286: _arm_offset(3), 299: _arm_offset(4),
    },
    "riscv64": {
        2: _absolute, 18: _riscv_call, 19: _riscv_call, 23: _riscv_upper, 24: _riscv_lower, 25: _riscv_lower_store,
        35: _riscv_add, 39: _riscv_subtract, 57: _relative,
    },
}  # fmt: skip
"""By machine and the number of the relocation's type."""

UPPER, LOWER = 23, (24, 25)
"""RISC-V: the symbol of the lower half is the instruction with the upper half, whose value it shares."""

STUBS = {
    "x86_64": "ff2502000000 cccc",  # jmp *2(%rip)
    "aarch64": "50000058 00021fd6",  # ldr x16, #8; br x16
    "riscv64": "170e0000 033e0e01 67000e00 13000000",  # auipc t3, 0; ld t3, 16(t3); jr t3; nop
}
"""Code that jumps to the address behind it: functions elsewhere may be out of reach of a call."""
