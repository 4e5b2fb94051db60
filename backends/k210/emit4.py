"""`kpu` and basic `nn` operations to kmodel version 4, which all K210 firmware of 2020 and later reads but Maixduino's.

On entry: operations that nodes have (`nn-decompose-nodes`), downloads right behind their layers, maps with offsets in
KPU memory, everything else, inputs and outputs too, with places in the one main memory. On exit: a file in which
nothing is allocated when it runs.
"""

import math
from typing import Any

from ...dialects import kpu, nn
from ...dialects.function import entry_function
from ...dialects.mlir import ir
from ...dialects.tensors import static_shape
from ...passes.buffers.plan import ALIASES, INPUTS, root, uploaded
from ...passes.kpu.plan import offset_of
from ...passes.rewriter import producer, users
from ...runtime.kmodel.builder4 import Builder
from ...runtime.kmodel.fields4 import NOWHERE, place
from ...runtime.kmodel.nodes4 import KpuUpload
from ..unsupported import Unsupported, check_static, refuse
from .layer import layer_of, map_shape
from .nodes4 import AXES, EMITTERS, four
from .writer4 import Places, Writer

MACHINE = "firmware for kmodel version 4"


def emit4(module: ir.Module) -> bytes:
    """The kmodel of a network.

    Raises `UnsupportedError` K0602 that lists every operation which firmware cannot compute, K0603 for dimensions that
    are not known.
    """
    function = entry_function(module)
    block = function.regions[0].blocks[0]
    *body, end = (op for op in block.operations if not isinstance(op, nn.Constant))
    check_static(block, body)
    builder = Builder()
    places = Places(builder)
    writer = Writer(builder, places)
    problems: list[tuple[Any, Unsupported]] = []
    try:
        for argument, offset in zip(block.arguments, function.attributes[INPUTS], strict=True):
            _declare(builder, places, argument, offset)
    except Unsupported as error:
        problems.append((function, error))
    for op in body:
        if isinstance(op, ALIASES):
            continue
        places.plan(op)
        try:
            _emit(writer, op)
        except Unsupported as error:
            problems.append((op, error))
    try:
        for value in end.operation.operands:
            if root(value) not in places.offsets:
                raise Unsupported("an output is a constant, or what goes into the KPU")
            builder.output(places(value))
    except Unsupported as error:
        problems.append((end, error))
    refuse(problems, MACHINE, "compile for another version (--kmodel 5), or change the network there")
    return builder.write()


def _declare(builder: Builder, places: Places, argument: ir.Value, offset: int) -> None:
    """An input: in main memory, or in KPU memory, where firmware lays out the caller's image itself."""
    upload = uploaded(argument) if offset < 0 else None
    if upload is not None:
        maps = map_shape(upload.output)
        builder.input(place("kpu", "u8", offset_of(upload.output), math.prod(maps)), maps)
        return
    places.offsets[argument] = offset
    shape = static_shape(argument)
    front = len(shape) - AXES + 1
    dims = (math.prod(shape[:front]), *shape[front:]) if front > 1 else shape
    builder.input(places(argument), four(dims))


def _emit(writer: Writer, op: Any) -> None:
    if isinstance(op, kpu.Upload):
        _upload(writer, op)
    elif isinstance(op, kpu.Conv2D):
        download = next((user for user in users(op.output) if isinstance(user, kpu.Download)), None)
        if download is not None:
            writer.at.plan(download)
        writer.builder.kpu_conv2d(*layer_of(op), output=NOWHERE if download is None else writer.at(download.output))
    elif isinstance(op, kpu.Download):
        if producer(op.input, kpu.Conv2D) is None:
            raise Unsupported("only what a layer computes can be brought back to main memory")
    elif not isinstance(op, kpu.Select):
        emit = EMITTERS.get(type(op))
        if emit is None:
            raise Unsupported("it has no such function")
        emit(writer, op)


def _upload(writer: Writer, op: kpu.Upload) -> None:
    """Nothing to do for an input that firmware has uploaded."""
    source = root(op.input)
    if isinstance(source, ir.BlockArgument) and source not in writer.at.offsets:
        return
    target = place("kpu", "u8", offset_of(op.output), math.prod(static_shape(op.output)))
    writer.builder.add(KpuUpload(input=writer.at(op.input), output=target, shape=map_shape(op.output)))
