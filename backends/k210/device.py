"""Writes KPU operations as functions of a k210 module, and the calls of them into the stack machine's code.

On entry: `kpu` operations in their order, maps with offsets in KPU memory, bytes in main memory with places. Operations
between which the host does nothing are one function: what it uploads are its inputs, what it downloads its outputs.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...dialects import kpu, nn
from ...dialects.mlir import ir
from ...dialects.tensors import Array, static_shape
from ...passes.kpu.plan import layout_of, offset_of
from ...runtime.kmodel.build5 import Place, Tensor
from ...runtime.kmodel.v5 import Module
from ...runtime.kpu.assembler import Assembler
from ...runtime.kpu.registers import layer_arguments
from ...runtime.kpu.tables import Activation, BatchNorm
from ...runtime.stackvm.assembler5 import Code

MODULE = 1
"""The number of the k210 module in the file: the stack machine's comes first."""
Shape = tuple[int, int, int, int]


def map_shape(value: ir.Value) -> Shape:
    """Shape (n, c, h, w) of a map."""
    batch, channels, height, width = static_shape(value)
    return batch, channels, height, width


@dataclass
class Device:
    """Collects operations until the host has something to do; `place` says where a value lies in main memory."""

    code: Code
    place: Callable[[ir.Value], Place]
    assembler: Assembler = field(default_factory=Assembler)
    waiting: list[Any] = field(default_factory=list)

    def add(self, op: kpu.KPUOp) -> None:
        """Let an operation be part of the next function."""
        if not isinstance(op, kpu.Select):
            self.waiting.append(op)

    def finish(self) -> None:
        """Write the function of what was collected, and call it."""
        if not self.waiting:
            return
        uploads = [op for op in self.waiting if isinstance(op, kpu.Upload)]
        downloads = [op for op in self.waiting if isinstance(op, kpu.Download)]
        sources = [Tensor("u8", map_shape(op.input)) for op in uploads]
        targets = [Tensor("u8", map_shape(op.output)) for op in downloads]
        function = self.assembler.function(sources, targets)
        inputs = dict(zip((op.output for op in uploads), function.inputs, strict=True))
        outputs = dict(zip((op.output for op in downloads), function.outputs, strict=True))
        for op in self.waiting:
            if isinstance(op, kpu.Upload):
                function.upload(inputs[op.output], offset_of(op.output), map_shape(op.output))
            elif isinstance(op, kpu.Download):
                function.download(offset_of(op.input), outputs[op.output], map_shape(op.input))
            else:
                _write_layer(function, op)
        self.code.call(
            MODULE,
            len(self.assembler.functions) - 1,
            [(self.place(op.input), tensor) for op, tensor in zip(uploads, sources, strict=True)],
            [(self.place(op.output), tensor) for op, tensor in zip(downloads, targets, strict=True)],
        )
        self.waiting.clear()

    def modules(self) -> list[Module]:
        """The k210 module, if there is anything in it."""
        return [self.assembler.module()] if self.assembler.functions else []


def _write_layer(function: Any, op: kpu.Conv2D) -> None:
    """A layer. Maps that lie behind each other have unused channels where one does not fill its last line."""
    weight, norm, lines = (nn.constant_value(value) for value in (op.weight, op.norm, op.lines))
    assert weight is not None and norm is not None and lines is not None
    if len(op.inputs) > 1:
        weight = _spread(weight, [layout_of(value) for value in op.inputs])
    _, _, height, width = map_shape(op.inputs[0])
    channels = weight.shape[0] if op.depthwise else weight.shape[1]
    arguments = layer_arguments(
        offset_of(op.inputs[0]),
        offset_of(op.output),
        (1, channels, height, width),
        weight.shape[0],
        kernel=op.kernel,
        depthwise=op.depthwise,
        pool=op.pool,
        input_zero=op.input_zero,
        weight_zero=kpu.WEIGHT_ZERO,
    )
    mul, shift, add = norm.T
    start, line_mul, line_shift, line_add = lines.T
    function.convolution(
        arguments,
        weight,
        BatchNorm(mul=mul, shift=shift, add=add),
        Activation(start=start, mul=line_mul, shift=line_shift, add=line_add),
    )


def _spread(weight: Array, layouts: list[Any]) -> Array:
    """Weights with zeros for the channels that fill up the last line of each map but the last."""
    parts, first = [], 0
    for layout in layouts:
        channels = layout.shape[1]
        parts.append(weight[:, first : first + channels])
        first += channels
        unused = -channels % layout.groups
        if unused and layout is not layouts[-1]:
            parts.append(np.full((weight.shape[0], unused, *weight.shape[2:]), kpu.WEIGHT_ZERO, np.uint8))
    return np.concatenate(parts, axis=1)
