"""Let a network take and return the bytes that the KPU computes with, instead of the real numbers they stand for.

On entry: `kpu-quantize` is done. On exit: inputs that only `nn.quantize` used are of the quantised type, and so are
outputs that `nn.dequantize` made; the types in the function's signature say what the bytes stand for.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ...dialects import nn
from ...dialects.function import entry_function, inputs_of, outputs_of
from ...dialects.mlir import ir, safe_erase
from ..pipeline import register_pass
from ..rewriter import producer, users


@register_pass
@dataclass(frozen=True)
class ExposeBytes:
    """Make inputs that are quantised first, and outputs that are dequantised last, bytes of the caller.

    outputs: whether outputs are to be bytes too.
    """

    name: ClassVar[str] = "kpu-expose-bytes"
    outputs: bool = True

    def apply(self, module: ir.Module) -> None:
        function = entry_function(module)
        block = function.regions[0].blocks[0]
        for argument in block.arguments:
            _expose(argument)
        end = block.operations[len(block.operations) - 1]
        for number, value in enumerate(end.operation.operands):
            made = producer(value, nn.Dequantize)
            if self.outputs and made is not None and is_bytes(made.input.type):
                end.operation.operands[number] = made.input
        signature = [[value.type for value in values] for values in (block.arguments, end.operation.operands)]
        function.attributes["function_type"] = ir.TypeAttr.get(ir.FunctionType.get(*signature))


def is_bytes(type_: ir.Type) -> bool:
    """Whether a type is that of unsigned bytes with one scale."""
    stated = nn.quantization_parameters(type_)
    return stated is not None and stated.dtype == np.uint8 and stated.axis == -1


def _expose(argument: ir.Value) -> None:
    """Give an input the type that all its users quantise it to, if there is one."""
    found = users(argument)
    types = {str(user.output.type) for user in found if isinstance(user, nn.Quantize)}
    if len(types) != 1 or not all(isinstance(user, nn.Quantize) for user in found):
        return
    type_ = found[0].output.type
    if not is_bytes(type_):
        return
    argument.set_type(type_)
    for user in found:
        user.output.replace_all_uses_with(argument)
        safe_erase(user.operation)


def stated_bytes(module: ir.Module) -> dict[str, dict[str, dict[str, Any]]]:
    """What bytes q that go in and come out stand for, (q - zero_point) * scale, by name; others are not listed."""
    function = entry_function(module)
    return {
        kind: {
            one.name: {"scale": stated.scale[0], "zero_point": stated.zero_point[0]}
            for one in parameters
            if is_bytes(one.type) and (stated := nn.quantization_parameters(one.type)) is not None
        }
        for kind, parameters in (("inputs", inputs_of(function)), ("outputs", outputs_of(function)))
    }
