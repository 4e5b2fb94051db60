"""LLVM IR as older LLVMs read it: the MLIR bindings carry LLVM 24, llvmlite carries LLVM 22.

They differ in how they write floating-point numbers. LLVM 24 writes the shortest decimal that means the number in its
type, or `f0x` and its bits, or +inf, +qnan; LLVM 22 takes decimals only when they are exact, so here all become bits.
A literal's type is the last one that is named before it in the text.
"""

from __future__ import annotations

import re
import struct

import numpy as np

TOKEN = re.compile(
    r"(?<![\w.%@!$-])(?:(?P<type>half|bfloat|float|double)\b"
    r"|f0x(?P<bits>[0-9A-F]+)\b"
    r"|(?P<number>[+-]?\d+\.\d+e[+-]\d+\b|[+-](?:inf|qnan)\b))"
)
BITS = {"half": 16, "bfloat": 16, "float": 32, "double": 64}


def older(text: str) -> str:
    """The text with all floating-point literals in a form that every LLVM reads."""
    type_ = "double"

    def rewrite(match: re.Match[str]) -> str:
        nonlocal type_
        if match["type"]:
            type_ = match["type"]
            return match[0]
        bits = int(match["bits"], 16) if match["bits"] else _bits(type_, match["number"].replace("q", ""))
        return _literal(type_, bits)

    return TOKEN.sub(rewrite, text)


def _bits(type_: str, number: str) -> int:
    """What a number, in decimal, is in memory."""
    if type_ == "bfloat":
        upper, lower = divmod(_bits("float", number), 1 << 16)
        return upper + (lower > 0x8000 or (lower == 0x8000 and upper % 2 == 1))
    array = np.array(number, f"f{BITS[type_] // 8}")
    return int(array.view(f"u{array.itemsize}"))


def _literal(type_: str, bits: int) -> str:
    """A number by its bits; those of a float are the ones that it would have as a double."""
    if type_ == "half":
        return f"0xH{bits:04X}"
    if type_ == "bfloat":
        return f"0xR{bits:04X}"
    if type_ == "float":
        (value,) = struct.unpack("<f", struct.pack("<I", bits))
        if value != value:  # the conversion would change what a NaN carries
            return f"0x{(bits >> 31) << 63 | 0x7FF << 52 | (bits & 0x7FFFFF) << 29:016X}"
        (bits,) = struct.unpack("<Q", struct.pack("<d", value))
    return f"0x{bits:016X}"
