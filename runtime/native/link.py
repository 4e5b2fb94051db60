"""Objects into images: where each part lies in memory, and relocations resolved.

Entry: an Object. Exit: bytes for a given address, ordered by what may be done with them: executed, read, written; each
of these begins a page of its own. Functions of the C library are reached through stubs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

from ..kmodel.struct import align
from .elf import Object, Part, Relocation, Symbol, refused
from .relocations import KINDS, LOWER, STUBS, UPPER
from .symbols import ALLOWED

Resolver = Callable[[str], int]
"""The address of a function by its name."""


@dataclass
class Image:
    """An object's layout in memory, with pages of `page` bytes.

    It begins with `executable` bytes that are executed, then `readable` ones that are only read; what is written
    follows. All are whole pages. `size` is that of all of it.
    """

    object: Object
    page: int
    offsets: list[int] = field(init=False)
    stubs: dict[str, int] = field(init=False)
    executable: int = field(init=False)
    readable: int = field(init=False)
    size: int = field(init=False)

    def __post_init__(self) -> None:
        self.offsets = [0] * len(self.object.parts)
        end = self._place(0, lambda part: part.executable)
        self.stubs = {}
        end = align(end, 8)
        for name in self.undefined:
            self.stubs[name] = end
            end += len(self._stub) + 8
        self.executable = align(end, self.page)
        end = align(self._place(self.executable, lambda part: not part.executable and not part.writable), self.page)
        self.readable = end - self.executable
        self.size = align(self._place(end, lambda part: part.writable), self.page)

    def _place(self, at: int, belongs: Callable[[Part], bool]) -> int:
        for index, part in enumerate(self.object.parts):
            if belongs(part):
                self.offsets[index] = align(at, part.alignment)
                at = self.offsets[index] + part.size
        return at

    @cached_property
    def _stub(self) -> bytes:
        return bytes.fromhex(STUBS[self.object.machine])

    @cached_property
    def undefined(self) -> list[str]:
        """The functions that it calls elsewhere. KmodelError K0410 for one that it may not call."""
        names = dict.fromkeys(one.symbol.name for one in self.object.relocations if one.symbol.part is None)
        for name in names:
            if name not in ALLOWED:
                raise refused(f"it calls {name!r}, which machine code of a kmodel may not")
        return list(names)

    def offset(self, symbol: Symbol) -> int:
        """Where a symbol lies in the image: a stub, if it is defined elsewhere."""
        return self.stubs[symbol.name] if symbol.part is None else self.offsets[symbol.part] + symbol.value

    def link(self, address: int, resolve: Resolver) -> bytearray:
        """The bytes for memory at `address`, which begins a page. KmodelError K0410 for relocations of other kinds."""
        image = bytearray(self.size)
        for part, code in zip(self.offsets, self._relocated(address), strict=True):
            image[part : part + len(code)] = code
        for name, at in self.stubs.items():
            image[at : at + len(self._stub) + 8] = self._stub + resolve(name).to_bytes(8, "little")
        return image

    def _relocated(self, address: int) -> list[bytearray]:
        """The bodies of all parts, each relocated in its own bounds."""
        bodies = [bytearray(part.body) for part in self.object.parts]
        uppers = {
            self.offsets[one.part] + one.offset: self.offset(one.symbol) + one.addend
            for one in self.object.relocations
            if self.object.machine == "riscv64" and one.type == UPPER
        }
        for one in self.object.relocations:
            kind = KINDS[self.object.machine].get(one.type)
            if kind is None:
                raise refused(f"a relocation is of type {one.type}, which is not supported")
            place, value = self._ends(one, uppers)
            kind(bodies[one.part], one.offset, address + place, address + value)
        return bodies

    def _ends(self, one: Relocation, uppers: dict[int, int]) -> tuple[int, int]:
        """Where a relocation starts to count, and what it refers to, in the image."""
        if self.object.machine == "riscv64" and one.type in LOWER:
            place = self.offset(one.symbol)
            if place not in uppers:
                raise refused("the lower half of an address has no upper half")
            return place, uppers[place]
        return self.offsets[one.part] + one.offset, self.offset(one.symbol) + one.addend
