"""Quantises a network in which ranges are stated.

On entry: the canonical float network, with the ranges of its values. On exit every value that is kept as integers (see
`stored`) is quantised behind its operation, and what reads it as such reads it dequantised; weights that are multiplied
with integers are dequantised constants of i8, with a scale an output channel. `nn-move-quantized` brings that into its
simplest form. Inputs and outputs of the network stay real.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np

from ...dialects import nn
from ...dialects.function import entry_function
from ...dialects.mlir import ir
from ...dialects.ranges import Range
from ...dialects.tensors import Array, shape_of
from ...errors import PassError
from ..nn.integer_weights import dequantised
from ..pipeline import register_pass
from .affine import NARROWEST, asymmetric
from .stored import Stored, is_product

FIRST = {"uint8": 0, "int8": -128}
"""The least integer of each type that values are quantised to."""
LARGEST_BIAS = 2.0**30
"""Steps of a sum of products that a bias may be, so that 32 bits hold both."""


@register_pass
@dataclass(frozen=True)
class Quantize:
    """Keep the data of convolutions and products as integers, and what leads to them; needs ranges.

    activations: the type of values that are computed: uint8 or int8, each over its range, 0 among its numbers.
    """

    name: ClassVar[str] = "nn-quantize"
    activations: str = "uint8"

    def apply(self, module: ir.Module) -> None:
        if self.activations not in FIRST:
            valid = " or ".join(FIRST)
            cause = f"option 'activations' of pass '{self.name}' is '{self.activations}', expected {valid}"
            raise PassError("K0303", cause=cause)
        stored = Stored.of(module)
        ranges = stored.ranges()
        scales = {value: asymmetric(span).scale for value, span in ranges.items()}
        real = {}
        for value, behind in _places(module):
            if value in ranges:
                with ir.InsertionPoint(behind), _location(value):
                    real[value] = self._rounded(value, ranges[value])
        for reader, value in stored.readers:
            if is_product(reader):
                quantise_weight(reader, scales[value])
            for number, operand in enumerate(reader.operation.operands):
                if operand == value and (number == 0 or not is_product(reader)):
                    reader.operation.operands[number] = real[value]

    def _rounded(self, value: ir.Value, span: Range) -> ir.Value:
        """A value, quantised and dequantised."""
        affine = asymmetric(span)
        zero = affine.zero_point + FIRST[self.activations]
        type_ = nn.quantized_tensor_type(shape_of(value), [affine.scale], [zero], -1, np.dtype(self.activations))
        return nn.Dequantize(nn.Quantize(value, results=[type_]).output).output


def _places(module: ir.Module) -> Iterator[tuple[ir.Value, ir.OpView]]:
    """Every value of the entry function, and the operation before which it has been defined."""
    block = entry_function(module).regions[0].blocks[0]
    operations = list(block.operations)
    for argument in block.arguments:
        yield argument, operations[0]
    for op, behind in pairwise(operations):
        for value in op.operation.results:
            yield value, behind


def _location(value: ir.Value) -> ir.Location:
    owner = value.owner
    return owner.location if isinstance(value, ir.OpResult) else owner.owner.location


def quantise_weight(op: Any, scale: float) -> None:
    """Let a product have a dequantised constant of i8 as its weight, a scale an output channel; `scale` is its data's.

    The scale is the magnitude of the channel's weights / 127, but large enough for the bias to be a number of steps of
    the sum that 32 bits hold.
    """
    weight, bias = nn.constant_value(op.operation.operands[1]), None
    assert weight is not None
    axis = 0 if isinstance(op, nn.Conv) else 1
    if not isinstance(op, nn.Matmul):
        bias = nn.constant_value(op.bias)
    with op.location, ir.InsertionPoint(op):
        op.operation.operands[1] = rounded_weight(weight, axis, _least_scale(op, bias, scale))


def _least_scale(op: Any, bias: Array | None, scale: float) -> Array | float:
    """The least scale of each channel's weights that the bias allows."""
    if bias is None:
        return 0.0
    least = np.abs(bias.astype(np.float64)) / (scale * LARGEST_BIAS)
    return least if isinstance(op, nn.Conv) else least.reshape(op.groups, -1).max(axis=0)


def rounded_weight(weight: Array, axis: int, least: Array | float) -> ir.Value:
    """A weight rounded to i8, symmetrically, with a scale an entry of an axis, none below `least`."""
    others = tuple(number for number in range(weight.ndim) if number != axis)
    reach = np.abs(weight.astype(np.float64)).max(axis=others, initial=0.0)
    scales = np.maximum(np.where(reach > 0, reach, NARROWEST) / 127, least)
    scales = np.maximum(scales, np.finfo(np.float32).tiny).astype(np.float32)
    shape = [-1 if number == axis else 1 for number in range(weight.ndim)]
    steps = np.clip(np.rint(weight / scales.reshape(shape)), -127, 127).astype(np.int8)
    zeros = (0,) * scales.size
    parameters = nn.QuantizationParameters(tuple(scales.tolist()), zeros, axis, np.dtype(np.int8))
    return dequantised(steps, parameters)
