"""What an engine that executes one module of a kmodel looks like to the simulator and to other engines.

The simulator builds one engine a module. An engine that calls into another module asks the `Linker`; engines never
know each other. All state (scratch memory, registers) belongs to the engine object, none to Python modules.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class TensorInfo:
    """A network's input or output. Dimensions of -1 are unknown before the run; `shape` is None if the rank is."""

    name: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...] | None

    def __str__(self) -> str:
        dims = "of any shape" if self.shape is None else str(list(self.shape)).replace("-1", "?")
        return f"{self.name}: {self.dtype.name} {dims}"


class Engine(Protocol):
    """Executes the functions of one module."""

    def call(self, function: int, arguments: Sequence[Array]) -> tuple[Array, ...]:
        """Results of function number `function`, in order; ExecutionError or KmodelError if it cannot be executed."""
        ...


Linker = Callable[[int, int, Sequence[Array]], tuple[Array, ...]]
"""(module, function, arguments) -> results: how an engine calls a function of another module."""
