"""Bring downloads to where their maps are made, for formats in which a layer writes to main memory itself.

On exit every download is of a whole map, and stands directly behind the layer that makes it. A later change of the
order undoes the latter.
"""

from dataclasses import dataclass
from typing import ClassVar

from ...dialects import kpu, nn
from ...dialects.function import entry_function
from ...dialects.mlir import ir, safe_erase
from ...dialects.tensors import static_shape
from ..pipeline import register_pass
from ..rewriter import producer


@register_pass
@dataclass(frozen=True)
class DownloadAtOnce:
    """Download whole maps, and directly behind the layers that make them."""

    name: ClassVar[str] = "kpu-download-at-once"

    def apply(self, module: ir.Module) -> None:
        for op in list(entry_function(module).regions[0].blocks[0].operations):
            if not isinstance(op, kpu.Download):
                continue
            if producer(op.input, kpu.Conv2D) is None:
                with ir.InsertionPoint(op), op.location:
                    op.output.replace_all_uses_with(_part(op))
                safe_erase(op.operation)
            else:
                op.operation.move_after(op.input.owner)


def _part(op: kpu.Download) -> ir.Value:
    """Channels of what the whole map holds, which is downloaded, or was uploaded."""
    first, count, value = 0, static_shape(op.output)[1], op.input
    while (select := producer(value, kpu.Select)) is not None:
        first, value = first + select.first, select.input
    upload = producer(value, kpu.Upload)
    if upload is None:
        whole = kpu.Download(value)
        whole.operation.move_after(value.owner)
        stored = whole.output
    else:
        stored = upload.input
    if count == static_shape(stored)[1]:
        return stored
    data = nn.StorageCast(stored).output
    part = nn.Slice(data, starts=(first,), ends=(first + count,), axes=(1,), steps=(1,)).output
    return nn.StorageCast(part, results=[op.output.type]).output
