"""Bring downloads to where their maps are made, for formats in which a layer writes to main memory itself.

On entry: operations in their final order. On exit every download stands directly behind the layer that makes its map.
"""

from dataclasses import dataclass
from typing import ClassVar

from ...dialects import kpu
from ...dialects.function import entry_function
from ...dialects.mlir import ir
from ..pipeline import register_pass


@register_pass
@dataclass(frozen=True)
class DownloadAtOnce:
    """Move downloads directly behind the layers that make their maps."""

    name: ClassVar[str] = "kpu-download-at-once"

    def apply(self, module: ir.Module) -> None:
        for op in list(entry_function(module).regions[0].blocks[0].operations):
            if isinstance(op, kpu.Download) and isinstance(op.input, ir.OpResult):
                op.operation.move_after(op.input.owner)
