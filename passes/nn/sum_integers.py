"""Products of quantised values as sums of the integers that store them, in floating point.

On entry: canonical `nn`, in which the weights of quantised networks are still integers (`nn-fold-constants` with
`integers`). On exit convolutions and matrix products of bytes whose results are quantised multiply integers, which f32
adds without rounding up to 2^24; the sum is multiplied by one factor, and rounded, once: as LiteRT's kernels for bytes
do it. What comes out no longer depends on the order in which a machine adds.
"""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ...dialects import nn
from ...dialects.mlir import ir
from ...dialects.tensors import Array, shape_of, tensor_type
from ..pipeline import register_pass
from ..rewriter import NO_MATCH, Match, Rewriter, has_one_use, pattern, producer, rewrite_module
from .integer_weights import BYTES, PRODUCTS, stored_constant
from .round_trips import quantize_of_dequantize
from .storage import common_storage

Product = nn.Conv | nn.ConvTranspose | nn.Matmul


@dataclass(frozen=True)
class Factors:
    """Bytes times constant bytes: the element type that data was dequantised from; weights less their zero points.

    scales: what one step of a sum stands for, for each output channel, or for all.
    """

    data: ir.Type
    weights: Array
    scales: Array

    @classmethod
    def of(cls, product: Product) -> "Factors | None":
        """The factors of a product, if both are bytes; its weights may have a scale for each output channel."""
        first, second = list(product.operation.operands)[:2]
        data, weight = common_storage(first), stored_constant(second)
        given = None if data is None else nn.quantization_parameters(data)
        if data is None or given is None or given.dtype.name not in BYTES or weight is None:
            return None
        stored, kept = weight
        if kept.axis not in (-1, _channels_of(product)) or stored.dtype.name not in BYTES:
            return None
        shape = [-1 if axis == kept.axis else 1 for axis in range(stored.ndim)]
        weights = stored.astype(np.float32) - np.asarray(kept.zero_point, np.float32).reshape(shape)
        return cls(data, weights, np.asarray(kept.scale) * given.scale[0])


def _channels_of(product: Product) -> int | None:
    """Which axis of its weights goes along the output channels, if one does."""
    if isinstance(product, nn.Matmul):
        return len(shape_of(product.rhs)) - 1
    if isinstance(product, nn.Conv):
        return 0
    return 1 if product.groups == 1 else None


def _limited(value: ir.Value) -> tuple[ir.Value, tuple[float, float]]:
    """What a value is a limited form of, and the limits."""
    limit = (producer(value, nn.Clamp) or producer(value, nn.Relu)) if has_one_use(value) else None
    if limit is None:
        return value, (-math.inf, math.inf)
    return limit.input, (limit.min, limit.max) if isinstance(limit, nn.Clamp) else (0.0, math.inf)


def _product(value: ir.Value) -> tuple[Product, ir.Value | None] | None:
    """The product that a value is, of which nothing else uses anything, and what is added to it."""
    added = producer(value, nn.Add) if has_one_use(value) else None
    if added is not None:
        matmul = producer(added.lhs, nn.Matmul)
        return (matmul, added.rhs) if matmul is not None and has_one_use(added.lhs) else None
    product = next(filter(None, (producer(value, kind) for kind in PRODUCTS)), None)
    if product is None or not has_one_use(value):
        return None
    return product, None if isinstance(product, nn.Matmul) else product.bias


@pattern(nn.Quantize)
def product_of_bytes(op: nn.Quantize, rewriter: Rewriter) -> Match:
    """quantize(x * w + b) == round(sum of integers * (scale of x * scale of w / scale of the result))"""
    result, (value, limits) = nn.quantization_parameters(op.output.type), _limited(op.input)
    if result is None or result.axis >= 0 or op.ties not in ("even", None) or (found := _product(value)) is None:
        return NO_MATCH
    product, added = found
    factors, bias = Factors.of(product), nn.constant_value(added)
    if factors is None or (added is not None and (bias is None or bias.ndim != 1)):
        return NO_MATCH
    if not isinstance(product, nn.Matmul) and product.clamp is not None:
        limits = (max(limits[0], product.clamp[0]), min(limits[1], product.clamp[1]))
    with product.location:
        sums = _sums(product, factors, None if bias is None else bias / factors.scales)
        (scale,), (zero,), info = result.scale, result.zero_point, np.iinfo(result.dtype)
        shape = (-1,) if isinstance(product, nn.Matmul) else (-1, *(1,) * (len(shape_of(sums)) - 2))
        steps = nn.Mul(sums, _real((factors.scales / scale).reshape(shape))).output
        low, high = np.clip(np.rint(np.asarray(limits) / scale), info.min - zero, info.max - zero).tolist()
        if (low, high) != (info.min - zero, info.max - zero):
            steps = nn.Clamp(steps, min=low, max=high).output
        if zero:  # added before, it would take digits off: what is just above a half would be one
            steps = nn.Round(steps).output
    counted = nn.quantized_tensor_type(shape_of(steps), (1.0,), (zero,), -1, result.dtype)
    stored = nn.StorageCast(nn.Quantize(steps, ties="even", results=[counted]).output).output
    return rewriter.replace(op, nn.StorageCast(stored, results=[op.output.type]).output)


def _real(numbers: Array) -> ir.Value:
    return nn.Constant(value=np.asarray(numbers, np.float32)).output


def _sums(product: Product, factors: Factors, bias: Array | None) -> ir.Value:
    """The same product of integers as f32; a bias is a number of steps, and a whole one where it was stored as such."""
    if bias is not None:
        whole = np.rint(bias)
        bias = np.where(np.abs(bias - whole) <= np.abs(whole) * 2.0**-21 + 2.0**-10, whole, bias)
    given, data = nn.quantization_parameters(factors.data), product.operation.operands[0]
    assert given is not None
    stored = nn.StorageCast(nn.Quantize(data, results=[tensor_type(shape_of(data), factors.data)]).output).output
    type_ = nn.quantized_tensor_type(shape_of(stored), (1.0,), given.zero_point, -1, given.dtype)
    numbers = nn.Dequantize(nn.StorageCast(stored, results=[type_]).output).output
    if isinstance(product, nn.Matmul):
        sums = nn.Matmul(numbers, _real(factors.weights)).output
        return sums if bias is None else nn.Add(sums, _real(bias)).output
    return product.rebuild(numbers, _real(factors.weights), None if bias is None else _real(bias), clamp=None).output


@register_pass
@dataclass(frozen=True)
class SumIntegers:
    """Multiply the integers that store bytes, instead of the numbers they stand for, and scale the sum."""

    name: ClassVar[str] = "nn-sum-integers"

    def apply(self, module: ir.Module) -> None:
        rewrite_module(module, [product_of_bytes, quantize_of_dequantize])
