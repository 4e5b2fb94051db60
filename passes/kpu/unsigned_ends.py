"""Let a network take bytes without a sign where it takes int8, and give them, or real numbers, where it gives int8.

Firmware knows bytes and real numbers only. On entry: canonical `nn`. On exit inputs and outputs of int8 that stand for
real numbers are bytes that are 128 more, as the types in the function's signature say; outputs may be the real numbers.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ...dialects import nn
from ...dialects.function import entry_function
from ...dialects.mlir import ir, safe_erase
from ...dialects.tensors import shape_of
from ..pipeline import register_pass
from ..rewriter import producer, users

SHIFT = 128


@register_pass
@dataclass(frozen=True)
class UnsignedEnds:
    """Make bytes of inputs and outputs that are int8.

    outputs: whether outputs become bytes; else they become the real numbers that these stand for.
    """

    name: ClassVar[str] = "kpu-unsigned-ends"
    outputs: bool = True

    def apply(self, module: ir.Module) -> None:
        function = entry_function(module)
        block = function.regions[0].blocks[0]
        for argument in block.arguments:
            _take_bytes(argument)
        end = block.operations[len(block.operations) - 1]
        for number, value in enumerate(end.operation.operands):
            cast = producer(value, nn.StorageCast)
            quantize = None if cast is None else producer(cast.input, nn.Quantize)
            type_ = None if quantize is None else _unsigned(quantize.output)
            if quantize is None or type_ is None:
                continue
            with ir.InsertionPoint(end), quantize.location:
                made = quantize.rebuild(quantize.input, results=[type_]).output
                end.operation.operands[number] = made if self.outputs else nn.Dequantize(made).output
        signature = [[value.type for value in values] for values in (block.arguments, end.operation.operands)]
        function.attributes["function_type"] = ir.TypeAttr.get(ir.FunctionType.get(*signature))


def _unsigned(value: ir.Value) -> ir.Type | None:
    """The type of a value's numbers without a sign; None unless they are of int8 with one scale."""
    stated = nn.quantization_parameters(value.type)
    if stated is None or stated.axis != -1 or stated.dtype != np.int8:
        return None
    return nn.quantized_tensor_type(shape_of(value), stated.scale, [stated.zero_point[0] + SHIFT], -1, np.uint8)


def _take_bytes(argument: ir.Value) -> None:
    """Give an input the type of bytes, if all that uses it dequantises it from one type."""
    casts = users(argument)
    types = {str(user.output.type) for user in casts if isinstance(user, nn.StorageCast)}
    if len(types) != 1 or not all(isinstance(user, nn.StorageCast) for user in casts):
        return
    reals = [user for cast in casts for user in users(cast.output)]
    type_ = _unsigned(casts[0].output)
    if type_ is None or not all(isinstance(user, nn.Dequantize) for user in reals):
        return
    argument.set_type(type_)
    for real in reals:
        with ir.InsertionPoint(real), real.location:
            real.output.replace_all_uses_with(nn.Dequantize(argument).output)
        safe_erase(real.operation)
    for cast in casts:
        safe_erase(cast.operation)
