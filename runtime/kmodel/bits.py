"""Words made of bit fields, as declarations: where a field lies is stated once, reading and writing follow from it.

Entry: 64-bit words as Python integers, or as int64 arrays for tables. Exit: field values, or words; KmodelError K0407
names a field that cannot hold its value.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ...errors import KmodelError

if TYPE_CHECKING:
    from typing_extensions import Self


@dataclasses.dataclass(frozen=True)
class BitField:
    """`width` (at most 40) bits from bit `offset` on, of word `word`; signed ones are in two's complement."""

    word: int
    offset: int
    width: int
    signed: bool = False

    @cached_property
    def lowest(self) -> int:
        """The smallest value."""
        return -(1 << self.width - 1) if self.signed else 0

    @cached_property
    def highest(self) -> int:
        """The largest value."""
        return (1 << self.width - self.signed) - 1

    def extract(self, word: Any) -> Any:
        """The field's value in an integer or an int64 array of words."""
        raw = word >> self.offset & (1 << self.width) - 1
        return raw - (raw >> self.width - 1 << self.width) if self.signed else raw

    def insert(self, value: Any, name: str) -> Any:
        """The word that has only this field set; KmodelError K0407 when `value` does not fit into field `name`."""
        for extreme in (value.min(), value.max()) if isinstance(value, np.ndarray) else (value,):
            if not self.lowest <= extreme <= self.highest:
                cause = f"{extreme} does not fit: it holds {self.lowest} to {self.highest}"
                raise KmodelError("K0407", where=name, cause=cause)
        return (value & (1 << self.width) - 1) << self.offset


def bits(word: int, offset: int, width: int, *, signed: bool = False, default: int = 0) -> Any:
    """A field of a BitRecord."""
    return dataclasses.field(default=default, metadata={"bits": BitField(word, offset, width, signed)})


class BitRecord:
    """Some words of named bit fields. Subclasses are frozen dataclasses of `bits`; bits between fields are 0."""

    words: ClassVar[int]

    @classmethod
    @cache
    def bit_fields(cls) -> dict[str, BitField]:
        """Where each field lies."""
        return {one.name: one.metadata["bits"] for one in dataclasses.fields(cls)}  # type: ignore[arg-type]

    @classmethod
    def unpack(cls, words: Sequence[int]) -> Self:
        """The values in `cls.words` words."""
        return cls(**{name: field.extract(words[field.word]) for name, field in cls.bit_fields().items()})

    def pack(self) -> tuple[int, ...]:
        """The words; KmodelError K0407 when a value does not fit its field."""
        words, record = [0] * self.words, type(self).__name__
        for name, field in self.bit_fields().items():
            words[field.word] |= field.insert(getattr(self, name), f"{record}.{name}")
        return tuple(words)
