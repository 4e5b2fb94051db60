"""Writes k210 modules: functions of KPU commands, and the constants they need.

    asm = Assembler()
    code = asm.function([Tensor("u8", (1, 3, 32, 32))], [Tensor("u8", (1, 8, 32, 32))])
    code.upload(code.inputs[0], 0, (1, 3, 32, 32))
    arguments = layer_arguments(0, 6144, (1, 3, 32, 32), 8, kernel=3, input_zero=128)
    code.convolution(arguments, weights, batch_norm, activation)
    code.download(6144, code.outputs[0], (1, 8, 32, 32))
    data = build_kmodel([asm.module()])

Addresses in KPU RAM are in bytes and multiples of 64. Entry: values that fit (KmodelError K0407 otherwise). Exit: a v5
Module; the same calls give the same bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...errors import KmodelError
from ..kmodel.build5 import Place, Tensor, build_module, places
from ..kmodel.k210 import NOWHERE, Command, Conv2d, Copy, Download, Upload
from ..kmodel.v5 import Module
from ..stackvm.pool import ConstantPool
from .layout import LINE, RAM_BYTES, Layout
from .registers import LayerArguments
from .tables import ACTIVATION_ALIGNMENT, Activation, BatchNorm

Array = np.ndarray[Any, np.dtype[Any]]
Shape = tuple[int, int, int, int]


class Code:
    """The commands of one function."""

    def __init__(self, inputs: Sequence[Tensor], outputs: Sequence[Tensor], pool: ConstantPool) -> None:
        self.input_tensors, self.output_tensors = tuple(inputs), tuple(outputs)
        self.inputs = places("input", self.input_tensors)
        self.outputs = places("output", self.output_tensors)
        self.commands: list[Command] = []
        self._pool = pool

    def constant(self, data: bytes, alignment: int = 8) -> Place:
        """Where a constant of the module lies."""
        return Place("rdata", self._pool.add(data, alignment))

    def upload(self, source: Place, target: int, shape: Shape) -> None:
        """Dense uint8 maps (n, c, h, w) at `source` go to byte `target` of KPU RAM."""
        size = int(np.prod(shape))
        self.commands.append(Upload(source=source.range("u8", size), target=_in_ram(target, shape), shape=shape))

    def download(self, source: int, target: Place, shape: Shape) -> None:
        """The inverse of `upload`."""
        size = int(np.prod(shape))
        self.commands.append(Download(source=_in_ram(source, shape), target=target.range("u8", size), shape=shape))

    def convolution(
        self,
        arguments: LayerArguments,
        weights: Array,
        batch_norm: BatchNorm,
        activation: Activation,
        *,
        batches: int = 1,
        output: Place | None = None,
    ) -> None:
        """A layer; uint8 `weights` are (outputs, inputs, k, k), or (channels, k, k) for depthwise ones.

        `output`: where the result also goes in main memory, dense; `arguments.send_data_out` says whether there is one.
        """
        inputs, outputs = arguments.i_ch_num + 1, arguments.o_ch_num + 1
        taps = (9 if arguments.kernel_type else 1) * (1 if arguments.depth_wise_layer else inputs)
        _check("weights", weights.size == outputs * taps, f"{weights.size} weights, expected {outputs * taps}")
        _check("weights", weights.dtype == np.uint8, f"weights are {weights.dtype.name}, expected uint8")
        rows = len(batch_norm.mul)
        _check("batch_norm", rows == outputs, f"{rows} rows of batch norm for {outputs} channels")
        wanted = bool(arguments.send_data_out)
        _check("output", wanted == (output is not None), "a main memory output needs send_data_out, and only that does")
        self.commands.append(
            Conv2d(
                weights=self.constant(np.ascontiguousarray(weights).tobytes()).range("u8", weights.size),
                batch_norm=self.constant(batch_norm.pack()).range("u64", 8 * outputs),
                activation=self.constant(activation.pack(), ACTIVATION_ALIGNMENT).range("u8", 144),
                output=NOWHERE if output is None else output.range("u8", int(np.prod(arguments.output_shape(batches)))),
                batches=batches,
                registers=arguments.pack(),
            )
        )

    def copy(self, element: str, shape: Shape, source: Place, source_strides: Shape, target: Place,
             target_strides: Shape) -> None:  # fmt: skip
        """Copy elements in main memory; strides in elements."""
        size = int(np.prod(shape)) * Tensor(element, ()).bytes
        self.commands.append(
            Copy(
                source=source.range(element, size), target=target.range(element, size), shape=shape,
                source_strides=source_strides, target_strides=target_strides,
            )
        )  # fmt: skip

    def text(self) -> bytes:
        """The code."""
        return b"".join(one.write() for one in self.commands)


class Assembler:
    """One k210 module; function 0 is the entry of a model made of it alone, with uint8 inputs and outputs."""

    def __init__(self) -> None:
        self.pool = ConstantPool()
        self.functions: list[Code] = []

    def function(self, inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> Code:
        """A new function."""
        code = Code(inputs, outputs, self.pool)
        self.functions.append(code)
        return code

    def module(self, scratch: int = 0) -> Module:
        """The module; `scratch`: bytes of main memory (location "data") that its functions use."""
        return build_module("k210", self.functions, self.pool.write(), {"data": scratch, "kpu": RAM_BYTES})


def _in_ram(address: int, shape: Shape) -> Any:
    size = Layout(shape).bytes
    _check("address", address % LINE == 0, f"byte {address} of KPU RAM is not a multiple of {LINE}")
    inside = 0 <= address <= RAM_BYTES - size
    _check("address", inside, f"{size} bytes at byte {address} do not lie in {RAM_BYTES} bytes of RAM")
    return Place("kpu", address).range("u8", size)


def _check(field: str, holds: bool, cause: str) -> None:
    if not holds:
        raise KmodelError("K0407", where=f"KPU code, {field}", cause=cause)
