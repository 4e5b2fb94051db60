"""KPU operations to a version 5 file that holds a k210 module and nothing else.

On entry: one function of buffers (`kpu-bufferize`) whose inputs and outputs are bytes (`kpu-expose-bytes`). On exit: a
kmodel that does not depend on the numbers of stack machine functions, which differ from runtime to runtime.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...dialects import kpu, nn
from ...dialects.function import buffers_of, entry_function
from ...dialects.mlir import ir
from ...dialects.ods import Op
from ...dialects.tensors import dtype_of, static_shape
from ...passes.kpu.rules import REASON
from ...passes.rewriter import users
from ...runtime.kmodel.build5 import Tensor, build_kmodel
from ...runtime.kpu.assembler import Assembler
from ..buffers import address_of, source_of, steps_of
from ..stackvm.interface import names_of
from ..unsupported import Unsupported, refuse
from .layer import layer_of, map_shape

CROSSINGS = (nn.Quantize, nn.Dequantize)
"""What stands between the KPU and an operation of the host."""


def emit_portable(module: ir.Module, producer: str) -> bytes:
    """The kmodel of a network that the KPU computes alone.

    Raises `UnsupportedError` K0602 that lists what it does not compute.
    """
    function = entry_function(module)
    block = function.regions[0].blocks[0]
    inputs, outputs = buffers_of(function)
    origins = [_origin(output) for output in outputs]
    body = steps_of(block)
    _check_all_on_kpu(body, block.operations[len(block.operations) - 1], inputs, origins)
    assembler = Assembler()
    code = assembler.function(*([_bytes(value) for value in values] for values in (inputs, outputs)))
    places = dict(zip(inputs, code.inputs, strict=True))
    for op in body:
        if isinstance(op, kpu.UploadInto):
            code.upload(places[op.source], address_of(op.target), map_shape(op.target))
        elif isinstance(op, kpu.Conv2DInto):
            code.convolution(*layer_of(op))
        elif isinstance(op, kpu.DownloadInto):
            for origin, target in zip(origins, code.outputs, strict=True):
                if origin == op.target:
                    code.download(address_of(op.source), target, map_shape(op.source))
    return build_kmodel([assembler.module()], names_of(function, producer))


def _bytes(value: ir.Value) -> Tensor:
    return Tensor("u8", static_shape(value))


def _origin(output: ir.Value) -> ir.Value:
    """The buffer of an output, or the one that it is a copy of."""
    return next((source_of(user.value) for user in users(output) if isinstance(user, kpu.Store)), output)


def _check_all_on_kpu(body: Sequence[Any], end: Any, inputs: Sequence[ir.Value], origins: Sequence[ir.Value]) -> None:
    """Refuse operations of the host, uploads of what is no input, and outputs that do not come from the KPU."""
    host = [op for op in body if not isinstance(op, kpu.BufferOp)]
    found = [op for op in host if not isinstance(op, CROSSINGS)] or host
    problems = [(op, Unsupported(_why(op))) for op in found]
    uploads = [op for op in body if isinstance(op, kpu.UploadInto) and op.source not in inputs]
    if uploads and not problems:
        problems = [(op, Unsupported("it is a constant, or was brought back to be reshaped")) for op in uploads]
    downloads = [op.target for op in body if isinstance(op, kpu.DownloadInto)]
    loose = [origin for origin in origins if origin not in downloads]
    if loose and not problems:
        problems.append((end, Unsupported(f"{len(loose)} outputs are not computed by the KPU")))
    refuse(
        problems,
        "a portable kmodel for the k210 holds what the KPU computes and nothing else; it",
        "end the network before these operations and compute them in your program, or compile without --portable: "
        "then the host computes them",
    )


def _why(op: Op) -> str:
    """The rule of the KPU that an operation broke, or what else is known."""
    if REASON in op.attributes:
        _, sentence, got, _ = (text.value for text in op.attributes[REASON])
        return f"{sentence} Here: {got}"
    if isinstance(op, CROSSINGS):
        return "what it reads or makes is wanted as real numbers, too"
    if isinstance(op, nn.Transpose):
        return "it moves bytes in main memory (--input-type uint8 --input-layout NCHW for images that come in)"
    types = [dtype_of(value) for value in op.operation.operands]
    return "it moves bytes in main memory" if types and types[0] == np.uint8 else "the host computes it"
