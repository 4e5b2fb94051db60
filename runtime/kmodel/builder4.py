"""Assembles files of kmodel version 4 that the vendor's runtimes take: aligned, inside their memories.

Entry: nodes in the order of execution, with memory planned by the caller. Exit: a Model, or the bytes of a file; what
the format or the board's runtime cannot do is refused with KmodelError K0408.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ...errors import KmodelError
from ..kpu.layout import LINE, RAM_BYTES, Layout
from ..kpu.registers import LayerArguments
from ..kpu.stored import stored
from ..kpu.tables import ACTIVATION_ALIGNMENT, Activation, BatchNorm
from ..machine import Array
from .bodies import ALIGNMENT, Shape, Step, padded, placed
from .elements import element_name, numpy_dtype
from .fields4 import LOCATION_NAMES, LOCATIONS, NOWHERE, MemoryRange, Node, nodes, place, ranges_in
from .nodes4 import Concat, Conv2DTranspose, KpuConv2D, KpuUpload
from .struct import align
from .v4 import TARGETS, Input, Model, write

WORD = 8
"""Maps go between main memory and KPU RAM in words of so many bytes, where their width allows it."""


@dataclass
class Builder:
    """Assembles a version 4 file that every runtime takes, node by node.

        builder = Builder()
        builder.input(place("kpu", "u8", 0, 3 * 32 * 32), (1, 3, 32, 32))
        arguments = layer_arguments(0, 6144, (1, 3, 32, 32), 8, kernel=3)
        quantized = place("main", "u8", 0, 8 * 32 * 32)
        builder.kpu_conv2d(arguments, weights, batch_norm, activation, output=quantized)
        result = place("main", "f32", 8192, 8 * 32 * 32)
        builder.add(Dequantize(input=quantized, output=result, zero_point=0, scale=16.0))
        builder.output(result)
        data = builder.write()

    The size of main memory is the end of the highest range in it.
    """

    target: str = "k210"
    _inputs: list[Input] = field(default_factory=list)
    _outputs: list[MemoryRange] = field(default_factory=list)
    _constants: bytearray = field(default_factory=bytearray)
    _steps: list[Callable[[int], Step]] = field(default_factory=list)
    _main: int = 0

    def constant(self, array: Any) -> MemoryRange:
        """Store an array of float32 or uint8 in the section of constants."""
        given = np.asarray(array)
        start = len(self._constants)
        made = place("const", element_name(given.dtype), start, given.size)
        self._constants += padded(np.ascontiguousarray(given).tobytes())
        return made

    def input(self, where: MemoryRange, shape: Sequence[int]) -> MemoryRange:
        """Declare an input, NCHW. Runtimes in C fill only the first one."""
        dims = tuple(shape)
        if len(dims) != 4 or math.prod(dims) * numpy_dtype(where.element_name).itemsize != where.bytes:
            raise _refused("input", f"shape {list(dims)} is not one of four dimensions in {where.bytes} bytes")
        if where.location not in (LOCATIONS["main"], LOCATIONS["kpu"]):
            raise _refused("input", "an input lies in main memory or in KPU RAM")
        self._check("input", where, dims)
        self._inputs.append(Input(where, dims))
        return where

    def output(self, where: MemoryRange) -> MemoryRange:
        """Declare an output, which lies in main memory; a range that no node writes is the caller's mistake."""
        if where.location != LOCATIONS["main"]:
            raise _refused("output", "an output lies in main memory")
        self._check("output", where)
        self._outputs.append(where)
        return where

    def add(self, fields: Node, *arrays: Any) -> MemoryRange:
        """Add any node but kpu_conv2d, with the arrays of its kind in their order; the range that it writes."""
        kind = nodes.kind_of(fields)
        if isinstance(fields, KpuConv2D):
            raise _refused(kind.name, "the place of its arrays depends on the file: use kpu_conv2d()")
        if isinstance(fields, Conv2DTranspose) and np.any(arrays[1]):
            raise _refused(kind.name, "the vendor's kernel does not add a bias: add it with a binary node")
        if isinstance(fields, KpuUpload):
            self._needs_kpu(kind.name)
        sources = fields.sources() if not isinstance(fields, Concat) else ranges_in(arrays[0])
        shape = fields.result()
        for one in (*sources, fields.target):
            self._check(kind.name, one, shape, WORD if isinstance(fields, KpuUpload) else 1)
        if fields.target.location == LOCATIONS["const"]:
            raise _refused(kind.name, "constants cannot be written")
        if shape is not None and _needed(fields, shape) > fields.target.bytes:
            raise _refused(kind.name, f"a result of shape {list(shape)} does not fit {fields.target}")
        body = padded(nodes.write(fields, *arrays))
        self._steps.append(lambda _at: Step(kind.code, body))
        return fields.target

    def kpu_conv2d(
        self, arguments: LayerArguments, weights: Array, batch_norm: BatchNorm, activation: Activation,
        *, batches: int = 1, output: MemoryRange = NOWHERE,
    ) -> MemoryRange:  # fmt: skip
        """Add a layer of the KPU; uint8 `weights` are (outputs, inputs, k, k), or (channels, k, k) for depthwise ones.

        `output`: where the result also goes in main memory, dense; NOWHERE: it stays in KPU RAM, where `arguments` say.
        """
        self._needs_kpu("kpu_conv2d")
        shape = arguments.output_shape(batches)
        if output.bytes:
            self._check("kpu_conv2d", output, unit=WORD)
            if output.location != LOCATIONS["main"] or output.bytes != math.prod(shape) or output.element_name != "u8":
                raise _refused("kpu_conv2d", f"a result of u8{list(shape)} does not go to {output}")
        norm, table, kernels = stored(arguments, weights, batch_norm, activation, batches)
        sent = replace(arguments, send_data_out=int(output.bytes > 0))
        self._steps.append(lambda at: _kpu_step(sent, (norm, table, kernels), batches, output, at))
        return output

    def _needs_kpu(self, what: str) -> None:
        if self.target != "k210":
            raise _refused(what, f"target {self.target} has no KPU")

    def _check(self, what: str, one: MemoryRange, shape: Shape | None = None, unit: int = 1) -> None:
        """That a range lies inside its memory, aligned; in KPU RAM, the rows of `shape` take more than its bytes."""
        location, end = LOCATION_NAMES.get(one.location, "nowhere"), one.start + one.bytes
        unit = max(unit, numpy_dtype(one.element_name).itemsize)
        limit = {"const": len(self._constants), "main": 2**32 - 1}.get(location, -1)
        if location == "kpu":
            self._needs_kpu(what)
            if shape is None or len(shape) != 4 or one.element_name != "u8":
                raise _refused(what, f"KPU RAM holds maps of u8, not {one}")
            n, channels, height, width = shape
            end, unit, limit = one.start + Layout((n, channels, height, width)).bytes, LINE, RAM_BYTES
        if end > limit or one.start % unit:
            raise _refused(what, f"{one} has to end at or before {limit} and to start at a multiple of {unit}")
        if location == "main":
            self._main = max(self._main, end)

    def build(self) -> Model:
        """The model; KmodelError K0408 for a target that does not exist."""
        if self.target not in TARGETS:
            raise _refused("target", f"{self.target!r} is not one of {', '.join(TARGETS)}")
        main = align(self._main, ALIGNMENT)
        empty = Model(TARGETS[self.target], tuple(self._inputs), tuple(self._outputs), bytes(self._constants), (), main)
        return replace(empty, steps=placed(self._steps, empty.position()))

    def write(self) -> bytes:
        """The file, to be loaded at an address that is a multiple of 256."""
        return write(self.build())


def _refused(where: str, cause: str) -> KmodelError:
    return KmodelError("K0408", where=f"kmodel v4, {where}", cause=cause)


def _needed(fields: Node, shape: Shape) -> int:
    """Bytes of a result: dense, whatever the layout of KPU RAM adds is checked by its own limits."""
    return math.prod(shape) * numpy_dtype(fields.target.element_name).itemsize


def _kpu_step(
    arguments: LayerArguments, arrays: Sequence[Array], batches: int, output: MemoryRange, position: int
) -> Step:
    """A layer whose body lies at byte `position` of the file: each array is aligned in terms of the file."""
    at, gaps = position + KpuConv2D.size, {}
    for register, array in zip(("bwsx_base_addr", "active_addr", "para_start_addr"), arrays, strict=True):
        gaps[register] = align(at, ACTIVATION_ALIGNMENT) - at
        at += gaps[register] + array.nbytes
    fields = KpuConv2D(output=output, batches=batches, registers=replace(arguments, **gaps).pack())
    return Step(nodes.kind_of(fields).code, padded(nodes.write(fields, *arrays)))
