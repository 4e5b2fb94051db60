"""What an engine that executes one module of a kmodel looks like to the simulator and to other engines.

The simulator builds one engine a module. An engine that calls into another module asks the `Linker`; engines never
know each other. All state (scratch memory, registers) belongs to the engine object, none to Python modules.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from ..errors import ExecutionError
from .profile import Profile

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class TensorInfo:
    """A network's input or output. Dimensions of -1 are unknown before the run; `shape` is None if the rank is."""

    name: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...] | None

    def fits(self, shape: Sequence[int]) -> bool:
        """Whether an array of this shape is one."""
        if self.shape is None:
            return True
        return len(shape) == len(self.shape) and all(d in (-1, n) for n, d in zip(shape, self.shape, strict=True))

    def __str__(self) -> str:
        dims = "of any shape" if self.shape is None else str(list(self.shape)).replace("-1", "?")
        return f"{self.name}: {self.dtype.name} {dims}"


class Engine(Protocol):
    """Executes the functions of one module."""

    def call(self, function: int, arguments: Sequence[Array]) -> tuple[Array, ...]:
        """Results of function number `function`, in order; ExecutionError or KmodelError if it cannot be executed."""
        ...


WORK_LIMIT = 1 << 35
"""Multiplications and bytes moved by the KPU in one run; the largest networks for the K210 need about 2**32."""


@dataclass
class Linker:
    """How an engine calls a function of another module: `call` (module, function, arguments) gives the results.

    `work` is what the KPU may still do in this run, however many calls it is spread over. `threads` is how many an
    engine may use. `profile` collects what takes how long, if it is there.
    """

    call: Callable[[int, int, Sequence[Array]], tuple[Array, ...]]
    work: int = WORK_LIMIT
    threads: int = 1
    profile: Profile | None = None

    def timed(self, name: str) -> AbstractContextManager[None]:
        """Around what an engine computes, which the profile has a row for."""
        return nullcontext() if self.profile is None else self.profile.measure(name)

    def spend(self, work: int) -> None:
        """Take `work` off what is left; ExecutionError K0505 when there is not as much."""
        self.work -= work
        if self.work < 0:
            raise ExecutionError("K0505", cause=f"the KPU has to do more than {WORK_LIMIT} multiplications in a run")
