"""Weights that stay integers, because they are multiplied with integers.

Such a weight is `dequantize(storage_cast(constant))`, the constant of i8: what importers put behind it, transposes and
reshapes, is done to the constant. Constants of u8 are shifted, with their zero points, by 128: the numbers they stand
for are the same.
"""

import math
from dataclasses import replace

import numpy as np

from ...dialects import nn
from ...dialects.mlir import ir
from ...dialects.tensors import Array, static_shape
from ..rewriter import producer, users
from .storage import common_storage

PRODUCTS = (nn.Conv, nn.ConvTranspose, nn.Matmul)
"""Operations whose second operand is a weight."""
MOVES = (nn.Transpose, nn.Reshape, nn.Squeeze, nn.Unsqueeze)
"""What may stand between a weight and its product."""
BYTES = ("int8", "uint8")


def stays_integer(op: nn.Dequantize) -> bool:
    """Whether a dequantised constant is only used as a weight, of products with dequantised data."""
    if not _is_byte(op.input.type) or nn.constant_value(op.input) is None:
        return False
    waiting, uses = [op.output], 0
    while waiting:
        value = waiting.pop()
        for user in users(value):
            if isinstance(user, MOVES):
                waiting.append(user.output)
                continue
            operands = user.operation.operands
            if not isinstance(user, PRODUCTS) or operands[0] == value or not _is_byte(common_storage(operands[0])):
                return False
            uses += 1
    return uses > 0


def _is_byte(type_: ir.Type | None) -> bool:
    parameters = None if type_ is None else nn.quantization_parameters(type_)
    return parameters is not None and parameters.dtype.name in BYTES


def integer_weight(op: ir.OpView) -> ir.Value | None:
    """The result of an operation as a weight that stays integer, if it is one; None for any other."""
    if isinstance(op, nn.Dequantize):
        return _signed(op) if stays_integer(op) else None
    source = producer(op.input, nn.Dequantize) if isinstance(op, MOVES) else None
    return None if source is None or not stays_integer(source) else _moved(op, source)


def stored_constant(value: ir.Value) -> tuple[Array, nn.QuantizationParameters] | None:
    """The integers that a constant weight is dequantised from, and what they stand for; None for other values."""
    source = producer(value, nn.Dequantize)
    stored = None if source is None else nn.constant_value(source.input)
    parameters = None if source is None else nn.quantization_parameters(source.input.type)
    return None if stored is None or parameters is None else (stored, parameters)


def dequantised(stored: Array, parameters: nn.QuantizationParameters) -> ir.Value:
    """What constant integers stand for."""
    scale, zero, axis = parameters.scale, parameters.zero_point, parameters.axis
    type_ = nn.quantized_tensor_type(stored.shape, scale, zero, axis, stored.dtype)
    constant = nn.Constant(value=np.ascontiguousarray(stored)).output
    return nn.Dequantize(nn.StorageCast(constant, results=[type_]).output).output


def _signed(op: nn.Dequantize) -> ir.Value:
    """A dequantised constant with i8 as its storage."""
    found = stored_constant(op.output)
    assert found is not None
    stored, parameters = found
    if stored.dtype == np.int8:
        return op.output
    zeros = tuple(zero - 128 for zero in parameters.zero_point)
    return dequantised((stored.astype(np.int16) - 128).astype(np.int8), replace(parameters, zero_point=zeros))


def _moved(op: ir.OpView, source: nn.Dequantize) -> ir.Value:
    """A transposed or reshaped dequantised constant; of real numbers when its scales no longer go along one axis."""
    found = stored_constant(source.output)
    assert found is not None
    stored, parameters = found
    axis: int | None = parameters.axis
    if parameters.axis >= 0:
        axis = _axis_behind(op, parameters.axis)
    if axis is None:
        return nn.Constant(value=_rearranged(op, source.evaluate(stored))).output
    return dequantised(_rearranged(op, stored), replace(parameters, axis=axis))


def _rearranged(op: ir.OpView, array: Array) -> Array:
    return array.transpose(op.permutation) if isinstance(op, nn.Transpose) else array.reshape(static_shape(op.output))


def _axis_behind(op: ir.OpView, axis: int) -> int | None:
    """Which axis of its result an axis of an operation's operand becomes, if it still is one."""
    if isinstance(op, nn.Transpose):
        return op.permutation.index(axis)
    before, after = static_shape(op.input), static_shape(op.output)
    outside = math.prod(before[:axis])
    places = (place for place, dim in enumerate(after) if dim == before[axis] and math.prod(after[:place]) == outside)
    return next(places, None)
