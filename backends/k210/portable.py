"""KPU operations to a version 5 file that holds a k210 module and nothing else.

On entry: one function whose inputs and outputs are bytes (`kpu-expose-bytes`), maps with offsets in KPU memory. On
exit: a kmodel that does not depend on the numbers of stack machine functions, which differ from runtime to runtime.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...dialects import kpu, nn
from ...dialects.function import entry_function
from ...dialects.mlir import ir
from ...dialects.ods import Op
from ...dialects.tensors import dtype_of, static_shape
from ...passes.buffers.plan import ALIASES, root
from ...passes.kpu.plan import offset_of
from ...passes.kpu.rules import REASON
from ...runtime.kmodel.build5 import Place, Tensor, build_kmodel
from ...runtime.kpu.assembler import Assembler, Code
from ..stackvm.interface import names_of
from ..unsupported import Unsupported, check_static, refuse
from .layer import layer_of, map_shape

CROSSINGS = (nn.Quantize, nn.Dequantize)
"""What stands between the KPU and an operation of the host."""


def emit_portable(module: ir.Module, producer: str) -> bytes:
    """The kmodel of a network that the KPU computes alone.

    Raises `UnsupportedError` K0602 that lists what it does not compute, K0603 for dimensions that are not known.
    """
    function = entry_function(module)
    block = function.regions[0].blocks[0]
    *body, end = (op for op in block.operations if not isinstance(op, nn.Constant))
    check_static(block, body)
    results = list(end.operation.operands)
    _check_all_on_kpu(body, end, results)
    assembler = Assembler()
    code = assembler.function(*([_bytes(value) for value in values] for values in (block.arguments, results)))
    inputs = dict(zip(block.arguments, code.inputs, strict=True))
    for op in body:
        if isinstance(op, kpu.Upload):
            code.upload(inputs[root(op.input)], offset_of(op.output), map_shape(op.output))
        elif isinstance(op, kpu.Conv2D):
            code.convolution(*layer_of(op))
        elif isinstance(op, kpu.Download):
            for target in _targets(op, results, code):
                code.download(offset_of(op.input), target, map_shape(op.input))
    return build_kmodel([assembler.module()], names_of(function, producer))


def _bytes(value: ir.Value) -> Tensor:
    return Tensor("u8", static_shape(value))


def _targets(op: kpu.Download, results: Sequence[ir.Value], code: Code) -> list[Place]:
    """The outputs that hold what is downloaded."""
    return [place for value, place in zip(results, code.outputs, strict=True) if root(value) == op.output]


def _check_all_on_kpu(body: Sequence[Any], end: Any, results: Sequence[ir.Value]) -> None:
    """Refuse operations of the host, and outputs that do not come from the KPU."""
    host = [op for op in body if not isinstance(op, (kpu.KPUOp, *ALIASES))]
    found = [op for op in host if not isinstance(op, CROSSINGS)] or host
    problems = [(op, Unsupported(_why(op))) for op in found]
    loose = [value for value in results if not _is_downloaded(value)]
    if loose and not problems:
        problems.append((end, Unsupported(f"{len(loose)} outputs are not computed by the KPU")))
    refuse(
        problems,
        "a portable kmodel for the k210 holds what the KPU computes and nothing else; it",
        "end the network before these operations and compute them in your program, or compile without --portable: "
        "then the host computes them",
    )


def _is_downloaded(value: ir.Value) -> bool:
    source = root(value)
    return isinstance(source, ir.OpResult) and isinstance(source.owner.opview, kpu.Download)


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
