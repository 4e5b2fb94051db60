"""Inputs whose sizes are within ranges: what a kmodel says of them, checked before it is run.

The kmodel's code checks the same; here the sentence tells what was given.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..errors import ExecutionError
from .kmodel.names import Names
from .machine import Array, TensorInfo


@dataclass(frozen=True)
class SizeRanges:
    """What dimensions are called, by input ("" for those of one size), and the range of each name."""

    dims: Mapping[str, Sequence[str]]
    ranges: Mapping[str, tuple[int, int]]

    @classmethod
    def of(cls, names: Names | None) -> SizeRanges | None:
        """What the names of a kmodel say, or None when they say nothing of sizes."""
        return cls(names.dims, names.ranges) if names is not None and names.ranges else None

    def check(self, infos: Sequence[TensorInfo], arrays: Sequence[Array]) -> None:
        """Raise `ExecutionError` K0502 for a size out of its range, or that is not the same wherever it occurs."""
        first: dict[str, tuple[int, str]] = {}
        for info, array in zip(infos, arrays, strict=True):
            for axis, (symbol, size) in enumerate(zip(self.dims.get(info.name, ()), array.shape, strict=False)):
                if symbol not in self.ranges:
                    continue
                place = f"dimension {axis} of input {info.name!r}"
                low, high = self.ranges[symbol]
                if not low <= size <= high:
                    cause = f"{place} is {size}, but '{symbol}' must be from {low} to {high}"
                    raise ExecutionError("K0502", cause=cause, remedy="compile the network for another range")
                known, where = first.setdefault(symbol, (size, place))
                if known != size:
                    cause = f"{place} is {size}, but {where} is {known}: both are '{symbol}'"
                    raise ExecutionError("K0502", cause=cause)
