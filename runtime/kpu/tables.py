"""The two tables of a layer: a batch norm for each output channel, and the activation's lines.

Entry: integers or arrays of them; KmodelError K0407 names a field that cannot hold its value. Exit: the bytes that the
KPU reads, with unused bits 0 (nncase leaves what was in memory there, so its files differ from run to run).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ...errors import KmodelError
from ..kmodel.bits import BitField
from ..kmodel.struct import Buffer

Array = np.ndarray[Any, np.dtype[Any]]
Column = Sequence[int] | Array

NORM_FIELDS = {
    "mul": BitField(0, 0, 24, signed=True),
    "add": BitField(0, 24, 32, signed=True),
    "shift": BitField(0, 56, 4),
}
LINE_FIELDS = {
    "shift": BitField(0, 0, 8),
    "mul": BitField(0, 8, 16, signed=True),
    "start": BitField(0, 24, 36, signed=True),
}
SEGMENTS = 16
ACTIVATION_BYTES = 144
ACTIVATION_ALIGNMENT = 256
"""The KPU fetches activation tables from such addresses only."""
LOWEST, HIGHEST = LINE_FIELDS["start"].lowest, LINE_FIELDS["start"].highest
SHIFT = 43
"""The largest shift of an activation line that the chip has."""


@dataclass(frozen=True)
class BatchNorm:
    """v = (acc * mul >> shift) + add, a row a channel; `columns` has "mul", "shift" and "add" as int64 arrays."""

    mul: Column
    shift: Column
    add: Column

    @cached_property
    def columns(self) -> dict[str, Array]:
        return {name: np.asarray(getattr(self, name), np.int64) for name in NORM_FIELDS}

    def pack(self) -> bytes:
        """8 bytes a channel."""
        return _words(self.columns, NORM_FIELDS, "BatchNorm")

    @classmethod
    def unpack(cls, data: Buffer) -> BatchNorm:
        """The inverse; `data` has 8 bytes a channel."""
        words = np.frombuffer(data, "<i8")
        return cls(**{name: field.extract(words) for name, field in NORM_FIELDS.items()})


@dataclass(frozen=True)
class Activation:
    """y = clamp(rounded((v - start) * mul >> shift) + add) of the last line whose start is less than v; 16 lines.

    `columns` has "start", "mul", "shift" and "add" as int64 arrays.
    """

    start: Column
    mul: Column
    shift: Column
    add: Column

    @cached_property
    def columns(self) -> dict[str, Array]:
        return {name: np.asarray(getattr(self, name), np.int64) for name in (*LINE_FIELDS, "add")}

    def line_of(self, values: Array) -> Array:
        """The highest line whose start is less than the value; -1 if there is none."""
        start = self.columns["start"]
        if self._ascending:
            return np.searchsorted(start, values, side="left") - 1
        line = np.full(values.shape, -1)
        for index, one in enumerate(start):
            line[values > one] = index
        return line

    @cached_property
    def _ascending(self) -> bool:
        start = self.columns["start"]
        return bool(np.all(start[1:] >= start[:-1]))

    def pack(self) -> bytes:
        """144 bytes. The first line starts at LOWEST, so that one applies to every value; starts never fall."""
        columns = self.columns
        for name, values in columns.items():
            _check(name, len(values) == SEGMENTS, f"has {len(values)} lines, expected {SEGMENTS}")
        start, shift = columns["start"], columns["shift"]
        _check("start", start[0] == LOWEST, f"begins with {start[0]}, expected {LOWEST}")
        _check("start", self._ascending, "falls from one line to the next")
        _check("shift", int(shift.max()) <= SHIFT, f"is {shift.max()}, at most {SHIFT} are possible")
        adds = BitField(0, 0, 8).insert(columns["add"], "Activation.add")
        return _words(columns, LINE_FIELDS, "Activation") + bytes(adds.astype(np.uint8))

    @classmethod
    def unpack(cls, data: Buffer) -> Activation:
        """The inverse; `data` has 144 bytes. Whatever they say is taken."""
        words = np.frombuffer(data, "<i8", SEGMENTS)
        adds = np.frombuffer(data, np.uint8, SEGMENTS, 8 * SEGMENTS)
        return cls(add=adds, **{name: field.extract(words) for name, field in LINE_FIELDS.items()})


def _words(columns: dict[str, Array], fields: dict[str, BitField], owner: str) -> bytes:
    parts = [field.insert(columns[name], f"{owner}.{name}") for name, field in fields.items()]
    words: Array = np.bitwise_or.reduce(parts)
    return bytes(words.astype("<i8").tobytes())


def _check(field: str, holds: bool, cause: str) -> None:
    if not holds:
        raise KmodelError("K0407", where=f"Activation.{field}", cause=cause)
