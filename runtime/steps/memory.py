"""The memories of a running list of steps: main memory, KPU RAM, and the constants of version 4.

Entry: addresses from a file, trusted or not. Exit: views inside a memory, or ExecutionError K0504, K0505. Main memory
and KPU RAM are zeros before each run; on a board they hold what was there.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np

from ...errors import ExecutionError, KmodelError, KpucError
from ..kpu.layout import LINE, RAM_BYTES, Layout
from ..machine import Array
from ..stackvm.scalars import FAULTS

MEMORY_LIMIT = 1 << 28
"""Bytes of main memory that a file may ask for; the chip has 6 MiB."""
WORK_LIMIT = 1 << 37
"""Elements computed times operands of each, in one run."""
Shape = tuple[int, ...]


@dataclass
class Memories:
    """What the steps of one run see."""

    main: Array
    constants: Array = field(default_factory=lambda: np.empty(0, np.uint8))
    ram: Array = field(default_factory=lambda: np.zeros(RAM_BYTES, np.uint8))
    work: int = WORK_LIMIT

    def spend(self, *factors: int) -> None:
        """Count work before it is done; ExecutionError K0505 when it is too much."""
        self.work -= math.prod(factors)
        if self.work < 0:
            raise ExecutionError("K0505", cause=f"the kmodel takes more than {WORK_LIMIT} operations")

    def tensor(self, memory: Array, start: int, dtype: np.dtype[np.generic] | type, shape: Shape) -> Array:
        """A dense tensor in place, `start` in bytes."""
        if min(shape, default=0) < 0:
            raise ExecutionError("K0504", cause=f"a tensor cannot have shape {list(shape)}")
        size = math.prod(shape) * np.dtype(dtype).itemsize
        if start < 0 or start + size > len(memory):
            cause = f"{size} bytes at byte {start} do not lie in a memory of {len(memory)} bytes"
            raise ExecutionError("K0504", cause=cause)
        self.spend(size)
        return memory[start : start + size].view(dtype).reshape(shape)

    def maps(self, start: int, shape: Shape) -> tuple[Layout, Array]:
        """Maps in KPU RAM: how they lie, and the bytes where they do."""
        if len(shape) != 4 or min(shape) < 1 or start % LINE:
            raise ExecutionError("K0504", cause=f"maps of shape {list(shape)} at byte {start} cannot lie in KPU RAM")
        n, channels, height, width = shape
        layout = Layout((n, channels, height, width))
        return layout, self.tensor(self.ram, start, np.uint8, (layout.bytes,))

    def upload(self, start: int, maps: Array) -> None:
        """Dense maps (n, c, h, w) to byte `start` of KPU RAM."""
        layout, lines = self.maps(start, maps.shape)
        layout.store(lines, 0, maps)


def main_memory(size: int) -> Array:
    """Zeros; ExecutionError K0505 when a file asks for too much."""
    if size > MEMORY_LIMIT:
        cause = f"the kmodel asks for {size} bytes of main memory, at most {MEMORY_LIMIT} are given"
        raise ExecutionError("K0505", cause=cause)
    return np.zeros(size, np.uint8)


@contextmanager
def located(where: str) -> Iterator[None]:
    """Give errors of a step its place, and make errors of what numpy raises when operands do not fit together."""
    try:
        yield
    except FAULTS as error:
        raise ExecutionError("K0503", where=where, cause=f"the operands do not fit together: {error}") from error
    except KpucError as error:
        kind = KmodelError if isinstance(error, KmodelError) else ExecutionError
        raise kind(error.code, where=where, cause=error.cause, remedy=error.remedy) from error
