"""`kpu` operations and a few of `nn` to kmodel version 3, which every K210 firmware reads.

On entry: one function of buffers (`kpu-bufferize`), downloads right behind their layers; outputs have offsets in main
memory. The one input is an image in bytes in KPU memory (`kpu-expose-bytes`), or what a matrix is multiplied with. On
exit: a file in which nothing is allocated when it runs.
"""

from collections.abc import Sequence
from typing import Any

from ...dialects import kpu, nn
from ...dialects.function import buffers_of, entry_function
from ...dialects.mlir import ir
from ...runtime.kmodel.builder3 import Builder
from ...runtime.kmodel.layers3 import K210Upload
from ...runtime.kpu.layout import LINE
from ..buffers import address_of, source_of, steps_of
from ..unsupported import Unsupported, refuse
from .layer import downloaded, layer_of, map_shape, require_layer
from .layers3 import EMITTERS, Writer

MACHINE = "firmware for kmodel version 3"
REMEDY = "compile for another version (--kmodel 4 or 5), or change the network there"


def emit3(module: ir.Module) -> bytes:
    """The kmodel of a network.

    Raises `UnsupportedError` K0602 that lists every operation which firmware cannot compute.
    """
    function = entry_function(module)
    block = function.regions[0].blocks[0]
    inputs, outputs = buffers_of(function)
    body = steps_of(block)
    writer = Writer(Builder())
    problems = _beginning(function, inputs, body) or _emitted(writer, body[:1])
    if problems:
        missing = Unsupported("it has no such layer")
        others = [op for op in body[1:] if not isinstance(op, kpu.BufferOp)]
        problems += [(op, missing) for op in others if type(op) not in EMITTERS]
    else:
        problems = _emitted(writer, body[1:])
    if not problems:
        problems = _outputs(writer, outputs, block.operations[len(block.operations) - 1])
    refuse(problems, MACHINE, REMEDY)
    return writer.builder.write()


def _beginning(function: Any, inputs: Sequence[ir.Value], body: Sequence[Any]) -> list[tuple[Any, Unsupported]]:
    """What is wrong with how a network begins, if anything: firmware puts its one input where the first layer reads."""
    if len(inputs) != 1 or not body:
        return [(function, Unsupported(f"it has {len(inputs)} inputs and {len(body)} layers; one input is read"))]
    first = body[0]
    if isinstance(first, nn.Conv | nn.Matmul) and source_of(first.operation.operands[0]) == inputs[0]:
        return []
    if isinstance(first, kpu.UploadInto):
        return [(first, Unsupported("the input goes into KPU memory and can be used nowhere else"))]
    if isinstance(first, kpu.Conv2DInto) and list(first.inputs) == inputs:
        return []
    why = "a network has to begin with a layer of the KPU or a product with a matrix"
    if isinstance(first, nn.Transpose):
        why += ": the image has to come channels first (--input-type uint8 --input-layout NCHW)"
    return [(first, Unsupported(why))]


def _emitted(writer: Writer, body: Sequence[Any]) -> list[tuple[Any, Unsupported]]:
    """Write operations; those that cannot be written."""
    problems = []
    for op in body:
        try:
            _emit(writer, op)
        except Unsupported as error:
            problems.append((op, error))
    return problems


def _emit(writer: Writer, op: Any) -> None:
    if isinstance(op, kpu.UploadInto):
        _, channels, height, width = map_shape(op.target)
        shape = {"width": width, "height": height, "channels": channels}
        line = address_of(op.target) // LINE
        writer.builder.add(K210Upload(input=writer.at(op.source), kpu_output=line, **shape))
    elif isinstance(op, kpu.Conv2DInto):
        download = downloaded(op.target)
        writer.builder.k210_conv(*layer_of(op), output=None if download is None else writer.at(download))
    elif isinstance(op, kpu.DownloadInto):
        require_layer(op)
    elif not isinstance(op, kpu.Store):
        emit = EMITTERS.get(type(op))
        if emit is None:
            raise Unsupported("it has no such layer")
        emit(writer, op)


def _outputs(writer: Writer, outputs: Sequence[ir.Value], end: Any) -> list[tuple[Any, Unsupported]]:
    """Declare the outputs; those that are in no place of main memory."""
    try:
        for value in outputs:
            if kpu.offset_of(value) is None:
                raise Unsupported("an output is a constant, or what goes into the KPU")
            writer.builder.output(writer.at(value), kpu.bytes_of(value))
    except Unsupported as error:
        return [(end, error)]
    return []
