"""Between the integers that a TFLite file stores and the real numbers they stand for.

A quantised tensor is a value whose element type is `!quant.uniform` with the file's own parameters. Operators compute
with real numbers between `nn.dequantize` and `nn.quantize`; the interface of the network stays integer.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal, TypeAlias

import numpy as np

from ...dialects import nn
from ...dialects.mlir import ir
from ...dialects.tensors import Array, dtype_of, shape_of
from ..builder import NetworkBuilder, Unsupported
from .loader import Quantization, Tensor

Ties: TypeAlias = Literal["even", "away", "outwards"]
"""Where halves are rounded to: see `nn.quantize`."""
_STORABLE = ("int8", "uint8", "int16", "int32")
"""Integers that a quantised element type can store: MLIR's limit is 32 bits."""


def is_quantised(value: ir.Value) -> bool:
    """Whether a value's element type says what its integers stand for."""
    return nn.quantization_parameters(value.type) is not None


def as_quantised(value: ir.Value, parameters: Quantization) -> ir.Value:
    """Plain integers as what they stand for."""
    type_ = nn.quantized_tensor_type(
        shape_of(value), parameters.scale, parameters.zero_point, parameters.axis, dtype_of(value)
    )
    return nn.StorageCast(value, results=[type_]).output


def stored(value: ir.Value) -> ir.Value:
    """The integers of a quantised value; any other as it is."""
    return nn.StorageCast(value).output if is_quantised(value) else value


def real(value: ir.Value) -> ir.Value:
    """What a quantised value stands for, in f32; any other as it is."""
    return nn.Dequantize(value).output if is_quantised(value) else value


def quantise(value: ir.Value, tensor: Tensor, ties: Ties | None = None) -> ir.Value:
    """A computed value as the tensor that the file declares: real numbers are quantised, integers are its storage.

    `ties` says where halves are rounded to; without it, as LiteRT does most often for the type.
    """
    parameters = tensor.quantization
    if parameters is None or is_quantised(value):
        return value
    if dtype_of(value).kind != "f":
        return as_quantised(value, parameters) if dtype_of(value).name == tensor.dtype else value
    if tensor.dtype not in _STORABLE:
        raise Unsupported(f"results that are quantised to {tensor.dtype} are not supported")
    type_ = nn.quantized_tensor_type(
        shape_of(value), parameters.scale, parameters.zero_point, parameters.axis, tensor.dtype
    )
    ties = ties or ("even" if tensor.dtype in ("int8", "uint8") else "away")
    return nn.Quantize(value, ties=ties, results=[type_]).output


def constant(builder: NetworkBuilder, tensor: Tensor, permutation: Sequence[int] | None = None) -> ir.Value:
    """A constant of the file, transposed; a quantised one keeps its integers and parameters.

    Integers of 64 bits, which biases of 16-bit networks have, are narrowed to 32 when they fit, and else become reals.
    """
    data, parameters = tensor.data, tensor.quantization
    assert data is not None
    if permutation is not None:
        data = np.ascontiguousarray(data.transpose(permutation))
        parameters = None if parameters is None else parameters.permuted(permutation)
    if parameters is None:
        return builder.constant(data)
    if data.dtype == np.int64:
        if not _fits(data, np.int32):
            return builder.constant(parameters.dequantize(data))
        data = data.astype(np.int32)
    return as_quantised(builder.constant(data), parameters)


def short_factors(given: Tensor, weight: Tensor, result: Tensor) -> Array | None:
    """What LiteRT multiplies the sums of a layer with results of 16 bits by, relative to the exact factors.

    It keeps 15 bits of each factor, given * weight / result. Source: MultiplyByQuantizedMultiplier of int64 in
    tensorflow/lite/kernels/internal/common.cc.
    """
    if result.dtype != "int16" or not (given.quantization and weight.quantization and result.quantization):
        return None
    exact = np.asarray(weight.quantization.scale) * (given.quantization.scale[0] / result.quantization.scale[0])
    fractions, exponents = np.frexp(exact)
    kept = np.minimum(np.floor(fractions * 2**15 + 0.5), 2**15 - 1)
    factors: Array = np.ldexp(kept, exponents - 15) / exact
    return factors


def rescaled(tensor: Tensor, factors: Array) -> Tensor:
    """A tensor whose scales are multiplied."""
    if tensor.quantization is None:
        return tensor
    scale = tuple((np.asarray(tensor.quantization.scale) * factors).tolist())
    zero_point = tensor.quantization.zero_point * (len(scale) // len(tensor.quantization.zero_point))
    return replace(tensor, quantization=replace(tensor.quantization, scale=scale, zero_point=zero_point))


def _fits(data: Array, dtype: type[np.integer]) -> bool:
    info = np.iinfo(dtype)
    return bool(data.size == 0 or (data.min() >= info.min and data.max() <= info.max))
