"""Which operations one kernel, or a short sequence of kernels, computes together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...dialects.mlir import ir
from .table import Table


@dataclass
class Group:
    """Operations in their order, of which `anchor` decides how they are computed.

    What lies before the anchor is computed where the anchor reads it, what lies behind is applied to its results
    before they are stored. Only `results` are stored.

    tables: how some values are looked up rather than computed.
    """

    anchor: Any
    operations: list[Any]
    results: list[ir.Value]
    tables: Mapping[ir.Value, Table] = field(default_factory=dict)
    inside: set[ir.Value] = field(init=False)

    def __post_init__(self) -> None:
        self.inside = {value for op in self.operations for value in op.operation.results}

    @property
    def inputs(self) -> list[ir.Value]:
        """What the group reads, each once, constants too."""
        read = (value for op in self.operations for value in op.operation.operands)
        return list(dict.fromkeys(value for value in read if value not in self.inside))

    @classmethod
    def of(cls, operations: Sequence[Any], anchor: Any | None = None) -> Group:
        """A group whose last operation's results are stored."""
        last = operations[-1]
        return cls(anchor or last, list(operations), list(last.operation.results))
