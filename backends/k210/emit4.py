"""`kpu` and basic `nn` operations to kmodel version 4, which all K210 firmware of 2020 and later reads but Maixduino's.

On entry: one function of buffers (`kpu-bufferize`), operations that nodes have (`nn-decompose-nodes`), downloads right
behind their layers; inputs and outputs, too, have offsets in the one main memory. On exit: a file in which nothing is
allocated when it runs.
"""

import math
from typing import Any

from ...dialects import kpu
from ...dialects.function import buffers_of, entry_function
from ...dialects.mlir import ir
from ...dialects.tensors import static_shape
from ...runtime.kmodel.builder4 import Builder
from ...runtime.kmodel.fields4 import NOWHERE, MemoryRange, place
from ...runtime.kmodel.nodes4 import KpuUpload
from ..buffers import address_of, steps_of
from ..unsupported import Unsupported, refuse
from .layer import downloaded, layer_of, map_shape, require_layer
from .nodes4 import AXES, EMITTERS, four
from .writer4 import Places, Writer

MACHINE = "firmware for kmodel version 4"


def emit4(module: ir.Module) -> bytes:
    """The kmodel of a network.

    Raises `UnsupportedError` K0602 that lists every operation which firmware cannot compute.
    """
    function = entry_function(module)
    block = function.regions[0].blocks[0]
    inputs, outputs = buffers_of(function)
    builder = Builder()
    places = Places(builder)
    writer = Writer(builder, places)
    problems: list[tuple[Any, Unsupported]] = []
    try:
        for value in inputs:
            _declare(builder, places, value)
    except Unsupported as error:
        problems.append((function, error))
    for op in steps_of(block):
        try:
            _emit(writer, op)
        except Unsupported as error:
            problems.append((op, error))
    try:
        for value in outputs:
            if kpu.offset_of(value) is None:
                raise Unsupported("an output is a constant, or what goes into the KPU")
            builder.output(places(value))
    except Unsupported as error:
        problems.append((block.operations[len(block.operations) - 1], error))
    refuse(problems, MACHINE, "compile for another version (--kmodel 5), or change the network there")
    return builder.write()


def _declare(builder: Builder, places: Places, argument: ir.Value) -> None:
    """An input: in main memory, or in KPU memory, where firmware lays out the caller's image itself."""
    if kpu.space_of(argument) == "ram":
        builder.input(_map_place(argument), map_shape(argument))
        return
    shape = static_shape(argument)
    front = len(shape) - AXES + 1
    dims = (math.prod(shape[:front]), *shape[front:]) if front > 1 else shape
    builder.input(places(argument), four(dims))


def _emit(writer: Writer, op: Any) -> None:
    if isinstance(op, kpu.UploadInto):
        fields = KpuUpload(input=writer.at(op.source), output=_map_place(op.target), shape=map_shape(op.target))
        writer.builder.add(fields)
    elif isinstance(op, kpu.Conv2DInto):
        download = downloaded(op.target)
        writer.builder.kpu_conv2d(*layer_of(op), output=NOWHERE if download is None else writer.at(download))
    elif isinstance(op, kpu.DownloadInto):
        require_layer(op)
    elif not isinstance(op, kpu.Store):
        emit = EMITTERS.get(type(op))
        if emit is None:
            raise Unsupported("it has no such function")
        emit(writer, op)


def _map_place(buffer: ir.Value) -> MemoryRange:
    return place("kpu", "u8", address_of(buffer), math.prod(static_shape(buffer)))
