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
from .bodies import ALIGNMENT, Shape, padded
from .elements import element_name, numpy_dtype
from .fields4 import LOCATION_NAMES, LOCATIONS, NOWHERE, MemoryRange, Node, nodes, place, ranges_in
from .nodes4 import Concat, Conv2DTranspose, KpuConv2D, KpuUpload
from .struct import align
from .v4 import TARGETS, Input, Model, NodeHeader, Step, write

KPU_RAM = 1 << 21
"""Bytes of KPU RAM."""
TABLE_ALIGNMENT = 256
"""What the arrays of a KPU layer are aligned to, as offsets in the file."""


@dataclass
class Builder:
    """Assembles a version 4 file that every runtime takes, node by node.

        builder = Builder()
        image = builder.input(place("kpu", "u8", 0, 3 * 32 * 32), (1, 3, 32, 32))
        builder.kpu_conv2d(registers, batch_norm, activation, weights, output=place("main", "u8", 0, 16 * 16 * 8))
        builder.add(Dequantize(input=..., output=..., zero_point=0, scale=16.0))
        builder.output(place("main", "f32", 2048, 16 * 16 * 8))
        data = builder.write()

    Memory is planned by the caller; the size of main memory is the end of the highest range. What the format or the
    board's runtime cannot do is refused with KmodelError K0408: see `add`, `input` and `kpu_conv2d`.
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
        if where.location == LOCATIONS["kpu"] and where.element_name != "u8":
            raise _refused("input", "an input in KPU RAM has elements of u8")
        self._check("input", where)
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
        for one in (*sources, fields.target):
            self._check(kind.name, one)
        if fields.target.location == LOCATIONS["const"]:
            raise _refused(kind.name, "constants cannot be written")
        shape = fields.result()
        if shape is not None and _needed(fields, shape) > fields.target.bytes:
            raise _refused(kind.name, f"a result of shape {list(shape)} does not fit {fields.target}")
        body = padded(nodes.write(fields, *arrays))
        self._steps.append(lambda _at: Step(kind.code, body))
        return fields.target

    def kpu_conv2d(
        self, registers: Sequence[int], batch_norm: Any, activation: Any, weights: Any,
        output: MemoryRange = NOWHERE, batches: int = 1,
    ) -> MemoryRange:  # fmt: skip
        """Add a layer of the KPU.

        `registers`: the twelve argument words, the three addresses in them 0. `batch_norm`: uint64, one word an output
        channel; `activation`: 144 bytes; `weights`: uint8 [out, in (1 if depthwise), k, k]. `output`: where the result
        also goes, dense; NOWHERE: it stays in KPU RAM, at the address that the registers state.
        """
        self._needs_kpu("kpu_conv2d")
        fields = KpuConv2D(output=output, batches=batches, registers=tuple(registers))
        if any(fields.registers[word] >> 32 for word in (4, 5, 7)):
            raise _refused("kpu_conv2d", "an address is set in the registers: it is known only on the board")
        if output.bytes:
            self._check("kpu_conv2d", output)
            if output.location != LOCATIONS["main"] or output.bytes != math.prod(fields.result()):
                raise _refused("kpu_conv2d", f"a result of {list(fields.result())} does not go to {output}")
        arrays = np.asarray(batch_norm), np.asarray(activation), np.asarray(weights)
        nodes.write(fields, *arrays)
        self._steps.append(lambda at: _kpu_step(fields, arrays, at))
        return output

    def _needs_kpu(self, what: str) -> None:
        if self.target != "k210":
            raise _refused(what, f"target {self.target} has no KPU")

    def _check(self, what: str, one: MemoryRange) -> None:
        """That a range lies inside its memory, aligned."""
        location, end = LOCATION_NAMES.get(one.location, "nowhere"), one.start + one.bytes
        limit = {"const": len(self._constants), "main": 2**32 - 1, "kpu": KPU_RAM}.get(location, -1)
        if location == "kpu":
            self._needs_kpu(what)
        unit = 64 if location == "kpu" else numpy_dtype(one.element_name).itemsize
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
        at = empty.position() + NodeHeader.size * len(self._steps)
        steps: list[Step] = []
        for make in self._steps:
            steps.append(make(at))
            at += len(steps[-1].body)
        return replace(empty, steps=tuple(steps))

    def write(self) -> bytes:
        """The file, to be loaded at an address that is a multiple of 256."""
        return write(self.build())


def _refused(where: str, cause: str) -> KmodelError:
    return KmodelError("K0408", where=f"kmodel v4, {where}", cause=cause)


def _needed(fields: Node, shape: Shape) -> int:
    """Bytes of a result: dense, whatever the layout of KPU RAM adds is checked by its own limits."""
    return math.prod(shape) * numpy_dtype(fields.target.element_name).itemsize


def _kpu_step(fields: KpuConv2D, arrays: Sequence[Any], position: int) -> Step:
    """A layer whose body lies at byte `position` of the file: every array starts at a multiple of TABLE_ALIGNMENT."""
    registers, at = list(fields.registers), position + KpuConv2D.size
    for word, array in zip((4, 7, 5), arrays, strict=True):
        gap = align(at, TABLE_ALIGNMENT) - at
        registers[word] |= gap << 32
        at += gap + array.nbytes
    body = padded(nodes.write(replace(fields, registers=tuple(registers)), *arrays))
    return Step(nodes.kind_of(fields).code, body)
