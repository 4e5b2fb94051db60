"""Networks of one operation, made in Python."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from kpuc.dialects.mlir import ir
from kpuc.dialects.tensors import tensor_type
from kpuc.frontends.builder import NetworkBuilder


@dataclass(frozen=True)
class Case:
    """`write` makes operations from the values of the inputs and returns the results; `bound` is relative."""

    name: str
    write: Callable[..., Any]
    inputs: tuple[np.ndarray, ...]
    bound: float

    def module(self) -> ir.Module:
        """Inside of an MLIR context."""
        builder = NetworkBuilder(self.name)
        with ir.Location.unknown():
            types = [tensor_type(one.shape, one.dtype) for one in self.inputs]
            values = builder.start([(f"x{i}", type_) for i, type_ in enumerate(types)])
        with builder.node("op"):
            made = self.write(*values)
        results = list(made.operation.results) if hasattr(made, "operation") else list(made)
        return builder.finish([(f"y{i}", value) for i, value in enumerate(results)])
