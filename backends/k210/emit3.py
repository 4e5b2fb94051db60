"""`kpu` operations and a few of `nn` to kmodel version 3, which every K210 firmware reads.

On entry: downloads right behind their layers, maps with offsets in KPU memory, the rest with places in main memory.
The one input is an image in bytes that goes straight into KPU memory (`kpu-expose-bytes`), or what a matrix is
multiplied with. On exit: a file in which nothing is allocated when it runs.
"""

import math
from collections.abc import Sequence
from typing import Any

from ...dialects import kpu, nn
from ...dialects.function import entry_function
from ...dialects.mlir import ir
from ...dialects.tensors import dtype_of, static_shape
from ...passes.buffers.plan import ALIASES, INPUTS, root, uploaded
from ...passes.kpu.plan import offset_of
from ...passes.rewriter import producer, users
from ...runtime.kmodel.builder3 import Builder
from ...runtime.kmodel.layers3 import K210Upload
from ...runtime.kpu.layout import LINE
from ..unsupported import Unsupported, check_static, refuse
from .layer import layer_of, map_shape
from .layers3 import EMITTERS, Writer

MACHINE = "firmware for kmodel version 3"
REMEDY = "compile for another version (--kmodel 4 or 5), or change the network there"


def emit3(module: ir.Module) -> bytes:
    """The kmodel of a network.

    Raises `UnsupportedError` K0602 that lists every operation which firmware cannot compute, K0603 for dimensions that
    are not known.
    """
    function = entry_function(module)
    block = function.regions[0].blocks[0]
    *body, end = (op for op in block.operations if not isinstance(op, nn.Constant))
    check_static(block, body)
    body = [op for op in body if not isinstance(op, (kpu.Select, *ALIASES))]
    writer = Writer(Builder())
    for argument, offset in zip(block.arguments, function.attributes[INPUTS], strict=True):
        if offset >= 0:
            writer.offsets[argument] = offset
    problems = _beginning(function, block, body) or _emitted(writer, body[:1])
    if problems:
        missing = Unsupported("it has no such layer")
        others = [op for op in body[1:] if not isinstance(op, kpu.KPUOp)]
        problems += [(op, missing) for op in others if type(op) not in EMITTERS]
    else:
        problems = _emitted(writer, body[1:])
    if not problems:
        problems = _outputs(writer, end)
    refuse(problems, MACHINE, REMEDY)
    return writer.builder.write()


def _beginning(function: Any, block: ir.Block, body: Sequence[Any]) -> list[tuple[Any, Unsupported]]:
    """What is wrong with how a network begins, if anything: firmware puts its one input where the first layer reads."""
    if len(block.arguments) != 1 or not body:
        return [
            (function, Unsupported(f"it has {len(block.arguments)} inputs and {len(body)} layers; one input is read"))
        ]
    argument, first = block.arguments[0], body[0]
    if isinstance(first, nn.Conv | nn.Matmul) and root(first.operation.operands[0]) == argument:
        return []
    if isinstance(first, kpu.Upload) and uploaded(argument) is None:
        return [(first, Unsupported("the input goes into KPU memory and can be used nowhere else"))]
    if isinstance(first, kpu.Upload) and isinstance(body[1], kpu.Conv2D) and list(body[1].inputs) == [first.output]:
        return []
    why = "a network has to begin with a layer of the KPU or a product with a matrix"
    if isinstance(first, nn.Transpose):
        why += ": the image has to come channels first (--input-type uint8 --input-layout NCHW)"
    return [(first, Unsupported(why))]


def _emitted(writer: Writer, body: Sequence[Any]) -> list[tuple[Any, Unsupported]]:
    """Write operations; those that cannot be written."""
    problems = []
    for op in body:
        writer.plan(op)
        try:
            _emit(writer, op)
        except Unsupported as error:
            problems.append((op, error))
    return problems


def _emit(writer: Writer, op: Any) -> None:
    if isinstance(op, kpu.Upload):
        source = root(op.input)
        if isinstance(source, ir.OpResult) or source in writer.offsets:
            _, channels, height, width = map_shape(op.output)
            line = offset_of(op.output) // LINE
            shape = {"width": width, "height": height, "channels": channels}
            writer.builder.add(K210Upload(input=writer.at(op.input), kpu_output=line, **shape))
    elif isinstance(op, kpu.Conv2D):
        download = next((user for user in users(op.output) if isinstance(user, kpu.Download)), None)
        if download is not None:
            writer.plan(download)
        writer.builder.k210_conv(*layer_of(op), output=None if download is None else writer.at(download.output))
    elif isinstance(op, kpu.Download):
        if producer(op.input, kpu.Conv2D) is None:
            raise Unsupported("only what a layer computes can be brought back to main memory")
    else:
        emit = EMITTERS.get(type(op))
        if emit is None:
            raise Unsupported("it has no such layer")
        emit(writer, op)


def _outputs(writer: Writer, end: Any) -> list[tuple[Any, Unsupported]]:
    """Declare the outputs; those that are in no place of main memory."""
    try:
        for value in end.operation.operands:
            if root(value) not in writer.offsets:
                raise Unsupported("an output is a constant, or what goes into the KPU")
            size = math.prod(static_shape(value)) * dtype_of(value).itemsize
            writer.builder.output(writer.at(value), size)
    except Unsupported as error:
        return [(end, error)]
    return []
