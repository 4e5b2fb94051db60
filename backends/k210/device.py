"""Writes KPU operations as functions of a k210 module, and the calls of them into the stack machine's code.

On entry: `kpu` operations on buffers, in their order. Operations between which the host does nothing are one function:
what it uploads are its inputs, what it downloads its outputs.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ...dialects import kpu
from ...dialects.mlir import ir
from ...runtime.kmodel.build5 import Place, Tensor
from ...runtime.kmodel.v5 import Module
from ...runtime.kpu.assembler import Assembler
from ...runtime.stackvm.assembler5 import Code
from ..buffers import address_of, source_of
from .layer import layer_of, map_shape

MODULE = 1
"""The number of the k210 module in the file: the stack machine's comes first."""


@dataclass
class Device:
    """Collects operations until the host has something to do; `place` says where a value lies in main memory."""

    code: Code
    place: Callable[[ir.Value], Place]
    assembler: Assembler = field(default_factory=Assembler)
    waiting: list[Any] = field(default_factory=list)

    def add(self, op: kpu.BufferOp) -> None:
        """Let an operation be part of the next function: of another than the one whose result it reads."""
        written = {source_of(other.target) for other in self.waiting if isinstance(other, kpu.DownloadInto)}
        if isinstance(op, kpu.UploadInto) and source_of(op.source) in written:
            self.finish()
        self.waiting.append(op)

    def finish(self) -> None:
        """Write the function of what was collected, and call it."""
        if not self.waiting:
            return
        uploads = [op for op in self.waiting if isinstance(op, kpu.UploadInto)]
        downloads = [op for op in self.waiting if isinstance(op, kpu.DownloadInto)]
        sources = [Tensor("u8", map_shape(op.target)) for op in uploads]
        targets = [Tensor("u8", map_shape(op.source)) for op in downloads]
        function = self.assembler.function(sources, targets)
        inputs = dict(zip((op.target for op in uploads), function.inputs, strict=True))
        outputs = dict(zip((op.target for op in downloads), function.outputs, strict=True))
        for op in self.waiting:
            if isinstance(op, kpu.UploadInto):
                function.upload(inputs[op.target], address_of(op.target), map_shape(op.target))
            elif isinstance(op, kpu.DownloadInto):
                function.download(address_of(op.source), outputs[op.target], map_shape(op.source))
            else:
                function.convolution(*layer_of(op))
        self.code.call(
            MODULE,
            len(self.assembler.functions) - 1,
            [(self.place(op.source), tensor) for op, tensor in zip(uploads, sources, strict=True)],
            [(self.place(op.target), tensor) for op, tensor in zip(downloads, targets, strict=True)],
        )
        self.waiting.clear()

    def modules(self) -> list[Module]:
        """The k210 module, if there is anything in it."""
        return [self.assembler.module()] if self.assembler.functions else []
