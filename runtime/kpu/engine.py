"""Runs the functions of a k210 module with numpy: what the KPU computes, bit for bit.

Entry: a module of a decoded kmodel, trusted or not. Exit: the function's outputs, or an error: KmodelError K0401 or
K0406 for code that cannot be decoded, ExecutionError K0504 or K0505 for what is wrong with the execution. KPU RAM and
scratch memory live as long as the engine does, as in the vendor's runtimes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ...errors import ExecutionError
from ..kmodel.elements import V5_NAMES, numpy_dtype
from ..kmodel.k210 import Command, Conv2d, Copy, Download, Upload, commands
from ..kmodel.section import find
from ..kmodel.v5 import LOCATION_NAMES, Function, MemoryRange, Module
from ..machine import Array, Linker
from .layer import Layer, weights_shape
from .layout import LINE, RAM_BYTES, Layout
from .tables import ACTIVATION_BYTES, Activation, BatchNorm

MEMORY_LIMIT = 1 << 28
"""Bytes that a module may ask for as scratch, and a function as outputs; the chip has 8 MiB in all."""


@dataclass
class Call:
    """One call of a function: its tensors as bytes."""

    function: Function
    inputs: Sequence[Array]
    outputs: Sequence[Array]


@dataclass(frozen=True)
class Step:
    """A layer with the maps that it reads and writes: `source` and `target` are views of KPU RAM."""

    layer: Layer
    given: Layout
    made: Layout
    source: Array
    target: Array
    work: int


class Engine:
    """One k210 module. Functions are decoded, and layers with constant weights prepared, when they first run."""

    def __init__(self, module: Module, link: Linker, index: int) -> None:
        scratch = module.pool("data")
        if scratch > MEMORY_LIMIT:
            cause = f"module {index} asks for {scratch} bytes of scratch memory, at most {MEMORY_LIMIT} are given"
            raise ExecutionError("K0505", cause=cause)
        self.module, self.index = module, index
        self._link = link
        self.ram = np.zeros(RAM_BYTES, np.uint8)
        rdata = find(module.sections, ".rdata")
        self._rdata = np.frombuffer(b"" if rdata is None else rdata.body, np.uint8)
        self._data = np.zeros(scratch, np.uint8)
        self._decoded: dict[int, list[Command]] = {}
        self._steps: dict[tuple[int, int], Step] = {}
        # byte and layout of the maps that were last written to KPU RAM, and they; None once anything else was
        self._newest: tuple[tuple[int, Layout], Array] | None = None

    def call(self, function: int, arguments: Sequence[Array]) -> tuple[Array, ...]:
        """Outputs of a function."""
        if not 0 <= function < len(self.module.functions):
            raise ExecutionError("K0504", cause=f"function {function} of module {self.index} does not exist")
        called = self.module.functions[function]
        outputs = _outputs(called)
        given = [_bytes_of(np.ascontiguousarray(one)) for one in _checked(called, arguments)]
        call = Call(called, given, [_bytes_of(one) for one in outputs])
        if function not in self._decoded:
            self._decoded[function] = list(commands(self.module.text(called)))
        for number, command in enumerate(self._decoded[function]):
            with self._link.timed(f"k210 {type(command).__name__.lower()}"):
                self._execute(call, command, (function, number))
        return outputs

    def _execute(self, call: Call, command: Command, key: tuple[int, int]) -> None:
        if isinstance(command, Conv2d):
            self._convolve(call, command, key)
        elif isinstance(command, Copy):
            self._copy(call, command)
        elif isinstance(command, Upload):
            self._upload(call, command)
        else:
            self._download(call, command)

    def _memory(self, call: Call, place: MemoryRange, written: bool = False) -> tuple[Array, int]:
        """The memory of a location, and the offset in it. Tensors are found by exactly where they start."""
        location = LOCATION_NAMES.get(place.location, "")
        if location in ("input", "output"):
            parameters = call.function.inputs if location == "input" else call.function.outputs
            tensors = call.inputs if location == "input" else call.outputs
            for parameter, tensor in zip(parameters, tensors, strict=True):
                if parameter.range.start == place.start and not (written and location == "input"):
                    return tensor, 0
            raise ExecutionError("K0504", cause=f"no {location} that can be used starts at {place.start}")
        if written and location == "kpu":
            self._newest = None
        memories = {"data": self._data, "kpu": self.ram, "rdata": self._rdata}
        if location not in memories or (written and location == "rdata"):
            raise ExecutionError("K0504", cause=f"memory location {place.location} cannot be used for that")
        return memories[location], place.start

    def _bytes(self, call: Call, place: MemoryRange, size: int, written: bool = False) -> Array:
        """`size` bytes from a place on; what the file states as size does not count, as in the vendor's runtime."""
        memory, start = self._memory(call, place, written)
        return _inside(memory, start, size)

    def _upload(self, call: Call, command: Upload) -> None:
        layout, size = _layout(command.shape), math.prod(command.shape)
        self._link.spend(layout.bytes)
        maps = self._bytes(call, command.source, size).reshape(command.shape).copy()
        layout.store(self._bytes(call, command.target, layout.bytes, True), 0, maps)
        if LOCATION_NAMES.get(command.target.location) == "kpu":
            self._newest = (command.target.start, layout), maps

    def _download(self, call: Call, command: Download) -> None:
        layout, size = _layout(command.shape), math.prod(command.shape)
        self._link.spend(layout.bytes)
        lines = self._bytes(call, command.source, layout.bytes)
        in_ram = LOCATION_NAMES.get(command.source.location) == "kpu"
        maps = self._maps(lines, command.source.start, layout) if in_ram else layout.load(lines, 0)
        self._bytes(call, command.target, size, True).reshape(command.shape)[...] = maps

    def _copy(self, call: Call, command: Copy) -> None:
        if command.source.datatype not in V5_NAMES:
            raise ExecutionError("K0504", cause=f"element type code {command.source.datatype} does not exist")
        size = numpy_dtype(V5_NAMES[command.source.datatype]).itemsize
        self._link.spend(math.prod(command.shape) * size)
        source = self._strided(call, command.source, command.shape, command.source_strides, size, False)
        target = self._strided(call, command.target, command.shape, command.target_strides, size, True)
        target[...] = source.copy() if np.may_share_memory(source, target) else source

    def _strided(self, call: Call, place: MemoryRange, shape: tuple[int, ...], strides: tuple[int, ...],
                 size: int, written: bool) -> Array:  # fmt: skip
        """Elements of `size` bytes as an array (*shape, size)."""
        last = sum((dim - 1) * step for dim, step in zip(shape, strides, strict=True))
        flat = self._bytes(call, place, (last + 1) * size if all(shape) else 0, written)
        steps = (*(step * size for step in strides), 1)
        return np.lib.stride_tricks.as_strided(flat, (*shape, size), steps, writeable=written)

    def _convolve(self, call: Call, command: Conv2d, key: tuple[int, int]) -> None:
        """Run the layer at `key`: (function, command). It is kept if its parameters are constants."""
        step = self._steps.get(key)
        if step is None:
            step = self._step(call, command)
            parameters = command.weights, command.batch_norm, command.activation
            if all(LOCATION_NAMES.get(one.location) == "rdata" for one in parameters):
                self._steps[key] = step
        self._link.spend(step.work)
        arguments = step.layer.arguments
        maps = self._maps(step.source, arguments.image_src_addr * LINE, step.given)
        made = [step.layer.run(one) for one in maps]
        results = made[0][None] if len(made) == 1 else np.stack(made)
        step.made.store(step.target, 0, results)
        self._newest = (arguments.image_dst_addr * LINE, step.made), results
        if command.output.bytes:
            self._bytes(call, command.output, results.size, True)[...] = results.reshape(-1)

    def _maps(self, lines: Array, start: int, layout: Layout) -> Array:
        """What lies in `lines`, from byte `start` of KPU RAM on. Often it was just written and need not be loaded."""
        if self._newest is not None and self._newest[0] == (start, layout):
            return self._newest[1]
        return layout.load(lines, 0)

    def _step(self, call: Call, command: Conv2d) -> Step:
        arguments, batches = command.arguments, command.batches
        if batches == 0:
            raise ExecutionError("K0504", cause="a KPU layer has no batches")
        given, made = Layout(arguments.input_shape(batches)), Layout(arguments.output_shape(batches))
        source = _inside(self.ram, arguments.image_src_addr * LINE, given.bytes)
        target = _inside(self.ram, arguments.image_dst_addr * LINE, made.bytes)
        shape = weights_shape(arguments)
        self._link.spend(math.prod(shape))
        weights = self._bytes(call, command.weights, math.prod(shape))
        norm = BatchNorm.unpack(self._bytes(call, command.batch_norm, 8 * shape[0]).tobytes())
        activation = Activation.unpack(self._bytes(call, command.activation, ACTIVATION_BYTES).tobytes())
        layer = Layer.of(arguments, weights, norm, activation)
        return Step(layer, given, made, source, target, layer.work * batches)


def _inside(memory: Array, start: int, size: int) -> Array:
    if size > len(memory) - start:
        cause = f"{size} bytes at byte {start} do not lie in a memory of {len(memory)} bytes"
        raise ExecutionError("K0504", cause=cause)
    return memory[start : start + size]


@lru_cache(maxsize=1024)
def _layout(shape: tuple[int, ...]) -> Layout:
    """Shapes of maps have no dimension of 0."""
    if 0 in shape:
        raise ExecutionError("K0504", cause=f"maps cannot have shape {list(shape)}")
    n, channels, height, width = shape
    return Layout((n, channels, height, width))


def _outputs(function: Function) -> tuple[Array, ...]:
    """Zeros; the vendor's runtime leaves what was in memory."""
    size = sum(math.prod(one.shape) * numpy_dtype(one.element).itemsize for one in function.outputs)
    if size > MEMORY_LIMIT:
        raise ExecutionError("K0505", cause=f"a KPU function has {size} bytes of outputs, more than {MEMORY_LIMIT}")
    return tuple(np.zeros(one.shape, numpy_dtype(one.element)) for one in function.outputs)


def _checked(function: Function, arguments: Sequence[Array]) -> Sequence[Array]:
    wanted = [(numpy_dtype(one.element), one.shape) for one in function.inputs]
    given = [(one.dtype, one.shape) for one in arguments]
    if wanted != given:
        raise ExecutionError("K0504", cause=f"a KPU function of {wanted} is called with {given}")
    return arguments


def _bytes_of(array: Array) -> Array:
    return array.reshape(-1).view(np.uint8)
