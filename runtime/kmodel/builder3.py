"""Assembles files of kmodel version 3 that every K210 firmware takes: aligned, inside their memories.

Entry: layers in the order of execution, with memory planned by the caller. Exit: a Model, or the bytes of a file; what
the format or the firmware cannot do is refused with KmodelError K0408.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ...errors import KmodelError
from ..kpu.layout import LINE, RAM_BYTES, Layout
from ..kpu.registers import LayerArguments
from ..kpu.stored import stored
from ..kpu.tables import ACTIVATION_ALIGNMENT, Activation, BatchNorm
from ..machine import Array
from .bodies import ALIGNMENT, Step, padded, placed
from .layers3 import (
    ACTIVATIONS,
    TO_MAIN,
    AveragePool2D,
    FullyConnected,
    Joined,
    K210AddPadding,
    K210Conv,
    K210Upload,
    Layer,
    Span,
    joined,
    layers,
)
from .struct import align
from .v3 import Model, Output, write

PARAMETER_ALIGNMENT = 128
"""What weights and batch norm are aligned to, as offsets in the file."""

WORD = 8
"""Maps go between main memory and KPU RAM in words of so many bytes; the last one is written whole."""


@dataclass
class Builder:
    """Assembles a version 3 file, layer by layer.

        builder = Builder()
        arguments = layer_arguments(0, 6144, (1, 3, 32, 32), 8, kernel=3)
        builder.k210_conv(arguments, weights, batch_norm, activation, output=0)
        builder.add(Dequantize(input=0, output=8192, count=8 * 32 * 32, scale=0.0625, bias=0.0))
        builder.output(8192, 4 * 8 * 32 * 32)
        data = builder.write()

    Addresses are bytes of main memory, whose size is the end of what lies highest. The one input is what the first
    layer reads, so that has to be a convolution or fully connected; there are no batches and no constants. The only
    other operations are those of `layers3`.
    """

    _outputs: list[Output] = field(default_factory=list)
    _steps: list[Callable[[int], Step]] = field(default_factory=list)
    _main: int = 0
    _lines: int = 0

    def output(self, address: int, size: int) -> None:
        """Declare an output: `size` bytes of main memory."""
        self._reach(address + size)
        self._outputs.append(Output(address=address, bytes=size))

    def add(self, fields: Layer, *arrays: Any) -> None:
        """Add any layer but k210_conv, with the arrays of its kind."""
        kind = layers.kind_of(fields)
        if isinstance(fields, K210Conv):
            raise _refused(kind.name, "the place of its arrays depends on the file: use k210_conv()")
        if not self._steps and not isinstance(fields, FullyConnected):
            raise _refused(kind.name, "firmware begins with a k210_conv or fully_connected layer only")
        if isinstance(fields, AveragePool2D) and fields.activation:
            raise _refused(kind.name, "firmware ignores its activation")
        if isinstance(fields, FullyConnected) and fields.activation >= len(ACTIVATIONS):
            raise _refused(kind.name, f"activation {fields.activation} is not one of {', '.join(ACTIVATIONS)}")
        if isinstance(fields, K210AddPadding):
            self._in_ram(kind.name, fields.kpu_output, Layout((1, fields.channels, 4, 4)))
        if isinstance(fields, K210Upload):
            if fields.input % WORD:
                raise _refused(kind.name, f"its input at {fields.input} has to start at a multiple of {WORD}")
            self._in_ram(kind.name, fields.kpu_output, Layout((1, fields.channels, fields.height, fields.width)))
        body = padded(layers.write(fields, *arrays))
        self._writes(kind.name, joined(fields, arrays[0]) if isinstance(fields, Joined) else fields.written())
        self._steps.append(lambda _at: Step(kind.code, body))

    def k210_conv(
        self, arguments: LayerArguments, weights: Array, batch_norm: BatchNorm, activation: Activation,
        *, output: int | None = None,
    ) -> None:  # fmt: skip
        """Add a layer of the KPU; uint8 `weights` are (outputs, inputs, k, k), or (channels, k, k) for depthwise ones.

        `output`: the address where the result also goes in main memory, dense, its last 8 bytes written whole; None: it
        stays in KPU RAM, where `arguments` say.
        """
        norm, table, kernels = stored(arguments, weights, batch_norm, activation, 1)
        for start, shape in (
            (arguments.image_src_addr, arguments.input_shape(1)), (arguments.image_dst_addr, arguments.output_shape(1)),
        ):  # fmt: skip
            self._in_ram("k210_conv", start, Layout(shape))
        if output is not None:
            self._writes("k210_conv", Span(output, "u8", math.prod(arguments.output_shape(1))), WORD)
        sent = replace(arguments, send_data_out=int(output is not None))
        self._steps.append(lambda at: _conv_step(sent, (kernels, norm, table), output, at))

    def _in_ram(self, what: str, line: int, layout: Layout) -> None:
        if (line + layout.lines) * LINE > RAM_BYTES:
            raise _refused(what, f"{layout.lines} lines from line {line} on are not in KPU RAM")
        self._lines = max(self._lines, line + layout.lines)

    def _writes(self, what: str, span: Span | None, unit: int = 1) -> None:
        if span is None:
            return
        unit = max(unit, 4 if span.element == "f32" else 1)
        if span.address % unit:
            raise _refused(what, f"its output at {span.address} has to start at a multiple of {unit}")
        self._reach(span.end)

    def _reach(self, end: int) -> None:
        if end > 2**32 - ALIGNMENT:
            raise _refused("main memory", f"{end} bytes cannot be addressed")
        self._main = max(self._main, end)

    def build(self) -> Model:
        """The model; KmodelError K0408 when there is no layer or no output."""
        if not self._steps or not self._outputs:
            raise _refused("layers", "a file has at least one layer and one output")
        empty = Model(tuple(self._outputs), (), align(self._main, ALIGNMENT), self._lines)
        return replace(empty, steps=placed(self._steps, empty.position()))

    def write(self) -> bytes:
        """The file, to be loaded at an address that is a multiple of 256."""
        return write(self.build())


def _refused(where: str, cause: str) -> KmodelError:
    return KmodelError("K0408", where=f"kmodel v3, {where}", cause=cause)


def _conv_step(arguments: LayerArguments, arrays: tuple[Array, ...], output: int | None, position: int) -> Step:
    """A layer whose body lies at byte `position`: its offsets count from the start of the file."""
    registers_at = position + K210Conv.size
    data, places = np.asarray(arguments.pack(), "<u8").tobytes(), []
    for array, alignment in zip(arrays, (PARAMETER_ALIGNMENT, PARAMETER_ALIGNMENT, ACTIVATION_ALIGNMENT), strict=True):
        start = align(registers_at + len(data), alignment)
        places.append(start)
        data = data.ljust(start - registers_at, b"\0") + array.tobytes()
    fields = K210Conv(
        flags=0 if output is None else TO_MAIN, output=output or 0, registers_at=registers_at,
        weights_at=places[0], batch_norm_at=places[1], activation_at=places[2],
    )  # fmt: skip
    return Step(layers.kind_of(fields).code, padded(fields.write() + data))
