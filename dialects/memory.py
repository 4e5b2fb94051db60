"""The memories that a function of buffers works in while it is evaluated.

On entry: values that are buffers (`kpu.buffer`, arguments), by slot. On exit: a region of bytes for each. Buffers whose
offsets in one memory are known share its bytes, as on the chip; an argument without an offset has a memory of its own.
"""

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from . import kpu
from .mlir import ir
from .tensors import dtype_of, static_shape

if TYPE_CHECKING:
    from ..runtime.kernels.memory import Region

UNWRITTEN = 0xA5
"""What every byte is before something is written there: no number that would pass for a result."""


@dataclass
class Memories:
    """Which buffers there are, each with its memory; and how many bytes each memory needs."""

    buffers: "dict[int, tuple[str | int, Region]]" = field(default_factory=dict)
    sizes: dict[str | int, int] = field(default_factory=dict)

    def add(self, slot: int, value: ir.Value) -> None:
        """Note a value, if it is a buffer."""
        if not isinstance(value.type, ir.MemRefType):
            return
        from ..runtime.kernels.memory import Region  # only now, because most functions are of tensors
        from ..runtime.kpu.layout import Layout

        offset, space, shape = kpu.offset_of(value), kpu.space_of(value), static_shape(value)
        layout = Layout((shape[0], shape[1], shape[2], shape[3])) if space == "ram" else None
        region = Region(np.empty(0, np.uint8), offset or 0, shape, dtype_of(value), layout)
        memory = slot if offset is None else space
        self.buffers[slot] = memory, region
        self.sizes[memory] = max(self.sizes.get(memory, 0), region.offset + region.bytes)

    def regions(self) -> "dict[int, Region]":
        """The buffers by slot, in new memories."""
        memories = {memory: np.full(size, UNWRITTEN, np.uint8) for memory, size in self.sizes.items()}
        return {slot: replace(region, memory=memories[memory]) for slot, (memory, region) in self.buffers.items()}
