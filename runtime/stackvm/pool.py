"""The constants of a module: the bytes of its `.rdata` section."""

from __future__ import annotations

import hashlib

from ...errors import KmodelError
from ..kmodel.struct import align

LIMIT = 2**31 - 1
"""Bytes of all constants: code addresses them with a signed offset of 32 bits."""


class ConstantPool:
    """The bytes of `.rdata`; equal bytes are stored once."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0
        self._known: dict[tuple[bytes, int], int] = {}

    def __len__(self) -> int:
        return self._size

    def add(self, data: bytes, alignment: int = 8) -> int:
        """The offset of `data`, a multiple of `alignment`; KmodelError K0408 when no code can address it."""
        key = hashlib.sha256(data).digest(), len(data)
        offset = self._known.get(key)
        if offset is None or offset % alignment:
            offset = align(self._size, alignment)
            if offset + len(data) > LIMIT:
                cause = f"the constants take more than {LIMIT} bytes, which is as far as stackvm code can address"
                raise KmodelError("K0408", cause=cause, remedy="compile the network in parts")
            self._parts += [bytes(offset - self._size), data]
            self._size = offset + len(data)
            self._known[key] = offset
        return offset

    def write(self) -> bytes:
        """All constants at their offsets."""
        return b"".join(self._parts)
