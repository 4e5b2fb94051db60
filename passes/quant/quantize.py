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
from ...dialects.ranges import REAL, Range, value_bits
from ...dialects.tensors import Array, shape_of
from ...errors import PassError
from ..nn.integer_weights import dequantised
from ..pipeline import register_pass
from .affine import NARROWEST, asymmetric
from .stored import Stored, is_product
from .weights import channel_axis, stated_bits, stated_reach

BITS = {"uint8": 8, "int8": 8, "int16": 16}
"""The types that values are quantised to."""
TYPES = {8: "uint8", 16: "int16"}
"""Those of values that have other bits than the rest."""
WEIGHT_BITS = {"int8": 8, "int16": 16, "int4": 4}
"""The types that weights are quantised to; int4 is kept in int8."""
LARGEST_BIAS = 2.0**30
"""Steps of a sum of products that a bias may be, so that 32 bits hold both."""


@register_pass
@dataclass(frozen=True)
class Quantize:
    """Keep the data of convolutions and products as integers, and what leads to them; needs ranges.

    activations: the type of values that are computed: uint8, int8 or int16, each over its range, 0 among its numbers.
    weights: the type of weights, around 0: int8, int16 or, to try how rounding can be done, int4.
    """

    name: ClassVar[str] = "nn-quantize"
    activations: str = "uint8"
    weights: str = "int8"

    def apply(self, module: ir.Module) -> None:
        for option, value, valid in (
            ("activations", self.activations, BITS),
            ("weights", self.weights, WEIGHT_BITS),
        ):
            if value not in valid:
                cause = f"option '{option}' of pass '{self.name}' is '{value}', expected {' or '.join(valid)}"
                raise PassError("K0303", cause=cause)
        stored = Stored.of(module)
        ranges, bits = stored.ranges(), stored.bits(BITS[self.activations])
        real = {}
        for value, behind in _places(module):
            if value in ranges:
                with ir.InsertionPoint(behind), _location(value):
                    real[value] = self._rounded(value, ranges[value], bits[value])
        for reader, value in stored.readers:
            if is_product(reader):
                scale = asymmetric(ranges[value], bits[value]).scale
                quantise_weight(reader, scale, weight_bits(reader, WEIGHT_BITS[self.weights], value))
            for number, operand in enumerate(reader.operation.operands):
                if operand == value and (number == 0 or not is_product(reader)):
                    reader.operation.operands[number] = real[value]

    def _rounded(self, value: ir.Value, span: Range, bits: int) -> ir.Value:
        """A value, quantised and dequantised."""
        affine = asymmetric(span, bits)
        dtype = np.dtype(self.activations if bits == BITS[self.activations] else TYPES[bits])
        zero = affine.zero_point + int(np.iinfo(dtype).min)
        type_ = nn.quantized_tensor_type(shape_of(value), [affine.scale], [zero], -1, dtype)
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


def quantise_weight(op: Any, scale: float, bits: int = 8) -> None:
    """Let a product have a dequantised constant as its weight, a scale an output channel; `scale` is its data's.

    The scale is the magnitude of the channel's weights, or what is stated instead, / 127, for 8 bits, but large enough
    for the bias to be a number of steps of the sum that 32 bits hold. Nothing is done if the weight shall stay real.
    """
    weight = nn.constant_value(op.operation.operands[1])
    assert weight is not None
    if bits == REAL:
        return
    with op.location, ir.InsertionPoint(op):
        op.operation.operands[1] = rounded_weight(
            weight, channel_axis(op), _least_scale(op, scale), bits, stated_reach(op)
        )


def weight_bits(op: Any, usual: int, data: ir.Value) -> int:
    """The bits of a product's weight: what is stated, or the usual, but not fewer than are stated of its data."""
    return stated_bits(op) or max(usual, value_bits(data) or 0)


def weight_scales(op: Any, scale: float, bits: int = 8) -> Array:
    """The scales of a product's weight, one a channel; `scale` is its data's."""
    weight = nn.constant_value(op.operation.operands[1])
    assert weight is not None
    return _scales(weight, channel_axis(op), _least_scale(op, scale), bits, stated_reach(op))


def _least_scale(op: Any, scale: float) -> Array | float:
    """The least scale of each channel's weights that the bias allows."""
    bias = None if isinstance(op, nn.Matmul) else nn.constant_value(op.bias)
    if bias is None:
        return 0.0
    least = np.abs(bias.astype(np.float64)) / (scale * LARGEST_BIAS)
    return least if isinstance(op, nn.Conv) else least.reshape(op.groups, -1).max(axis=0)


def rounded_weight(
    weight: Array, axis: int, least: Array | float, bits: int = 8, reach: Array | None = None
) -> ir.Value:
    """A weight rounded to i8, i16 if it has 16 bits, symmetrically, with a scale an entry of an axis, none below
    `least`; integers reach to `reach`, or as far as the entry's weights."""
    limit, dtype = 2 ** (bits - 1) - 1, np.dtype(np.int8 if bits <= 8 else np.int16)
    scales = _scales(weight, axis, least, bits, reach)
    shape = [-1 if number == axis else 1 for number in range(weight.ndim)]
    steps = np.clip(np.rint(weight / scales.reshape(shape)), -limit, limit).astype(dtype)
    zeros = (0,) * scales.size
    parameters = nn.QuantizationParameters(tuple(scales.tolist()), zeros, axis, dtype)
    return dequantised(steps, parameters)


def _scales(weight: Array, axis: int, least: Array | float, bits: int, reach: Array | None) -> Array:
    others = tuple(number for number in range(weight.ndim) if number != axis)
    if reach is None:
        reach = np.abs(weight.astype(np.float64)).max(axis=others, initial=0.0)
    scales = np.maximum(np.where(reach > 0, reach, NARROWEST) / (2 ** (bits - 1) - 1), least)
    return np.asarray(np.maximum(scales, np.finfo(np.float32).tiny), np.float32)
