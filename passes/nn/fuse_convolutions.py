"""Absorb what surrounds a convolution into it.

On entry: `nn` on float tensors, constants folded. On exit no batch normalisation, constant scale or shift per channel,
clamp or ReLU stands directly behind a convolution that only it uses, and (with `fold_pad`) no zero padding before one.
"""

import math
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from ...dialects import nn
from ...dialects.mlir import ir
from ...dialects.tensors import Array, dtype_of, shape_of
from ..pipeline import register_pass
from ..rewriter import NO_MATCH, Match, Pattern, Rewriter, has_one_use, pattern, producer, rewrite_module
from .integer_weights import dequantised, stored_constant

Convolution = nn.Conv | nn.ConvTranspose


def convolution_behind(value: ir.Value) -> Convolution | None:
    """The convolution that computes a value, if nothing else uses it and its result is not limited yet."""
    conv = producer(value, nn.Conv) or producer(value, nn.ConvTranspose)
    return conv if conv is not None and has_one_use(value) and conv.clamp is None else None


def scaled(conv: Convolution, scale: Array, shift: Array) -> ir.Value | None:
    """conv(x) * scale + shift, per output channel, as one convolution; None when its parameters are not constant."""
    bias = nn.constant_value(conv.bias)
    if conv.bias is not None and bias is None:
        return None
    channels = shape_of(conv.output)[1] or 0
    scale = np.broadcast_to(scale.astype(np.float64).reshape(-1), channels)
    shift = np.broadcast_to(shift.astype(np.float64).reshape(-1), channels)
    new_weight = _scaled_weight(conv, scale) if stored_constant(conv.weight) is None else _rescaled(conv, scale)
    if new_weight is None:
        return None
    offset = (0 if bias is None else bias) * scale + shift
    new_bias = nn.Constant(value=np.asarray(offset, dtype_of(conv.weight))).output
    return conv.rebuild(conv.input, new_weight, new_bias).output


def _scaled_weight(conv: Convolution, scale: Array) -> ir.Value | None:
    """The weights times a factor an output channel; None when they are not constant."""
    weight = nn.constant_value(conv.weight)
    if weight is None:
        return None
    if isinstance(conv, nn.Conv):
        factors = scale.reshape(-1, *(1,) * (weight.ndim - 1))
    else:
        rows, per_group = weight.shape[:2]
        groups = np.repeat(scale.reshape(conv.groups, per_group), rows // conv.groups, axis=0)
        factors = groups.reshape(rows, per_group, *(1,) * (weight.ndim - 2))
    return nn.Constant(value=(weight * factors).astype(weight.dtype)).output


def _rescaled(conv: Convolution, scale: Array) -> ir.Value | None:
    """Integer weights that stand for numbers times a factor an output channel; None when no scales can say so."""
    found, axis = stored_constant(conv.weight), 0 if isinstance(conv, nn.Conv) else 1
    assert found is not None
    stored, parameters = found
    if np.all(scale == 1):
        return conv.weight
    if np.any(scale <= 0) or parameters.axis not in (-1, axis) or stored.shape[axis] != scale.size:
        return None
    scales = tuple((np.asarray(parameters.scale) * scale).astype(np.float32).tolist())
    zeros = tuple(np.broadcast_to(parameters.zero_point, scale.size).tolist())
    return dequantised(stored, replace(parameters, scale=scales, zero_point=zeros, axis=axis))


def channel_constant(value: ir.Value, rank: int) -> Array | None:
    """A constant that has one value a channel (or one for all) when broadcast against N x C x ..., as a vector."""
    array = nn.constant_value(value)
    if array is None or array.ndim > rank:
        return None
    shape = (1,) * (rank - array.ndim) + array.shape
    per_channel = all(dim == 1 for axis, dim in enumerate(shape) if axis != 1)
    return array.reshape(-1) if per_channel else None


@pattern(nn.BatchNorm)
def fold_batch_norm(op: nn.BatchNorm, rewriter: Rewriter) -> Match:
    """(conv(x, w) + b - mean) / sqrt(var + eps) * scale + bias, with weights w * s and bias b * s + t."""
    conv = convolution_behind(op.input)
    values = [nn.constant_value(value) for value in (op.scale, op.bias, op.mean, op.variance)]
    if conv is None or any(value is None for value in values):
        return NO_MATCH
    gain, bias, mean, variance = (np.asarray(value, np.float64) for value in values)
    scale = gain / np.sqrt(variance + op.epsilon)
    result = scaled(conv, scale, bias - mean * scale)
    return NO_MATCH if result is None else rewriter.replace(op, result)


@pattern(nn.Mul)
def fold_scale(op: nn.Mul, rewriter: Rewriter) -> Match:
    """conv(x, w) * s == conv(x, w * s) for a constant s per channel."""
    return _fold_channel_constant(op, rewriter)


@pattern(nn.Add)
def fold_bias(op: nn.Add, rewriter: Rewriter) -> Match:
    """conv(x, w) + t, with t as the bias, for a constant t per channel."""
    return _fold_channel_constant(op, rewriter)


@pattern(nn.Sub)
def fold_negative_bias(op: nn.Sub, rewriter: Rewriter) -> Match:
    """conv(x, w) - t, with -t as the bias, for a constant t per channel."""
    return _fold_channel_constant(op, rewriter)


@pattern(nn.Div)
def fold_divisor(op: nn.Div, rewriter: Rewriter) -> Match:
    """conv(x, w) / s == conv(x, w / s) for a constant s per channel."""
    return _fold_channel_constant(op, rewriter)


def _fold_channel_constant(op: nn.BinaryOp, rewriter: Rewriter) -> Match:
    conv = convolution_behind(op.lhs)
    if conv is None or op.lhs.type != op.output.type:
        return NO_MATCH
    constant = channel_constant(op.rhs, len(shape_of(op.lhs)))
    if constant is None or constant.dtype.kind != "f" or (isinstance(op, nn.Div) and not np.all(constant)):
        return NO_MATCH
    one, zero, wide = np.ones(1), np.zeros(1), constant.astype(np.float64)
    scale = wide if isinstance(op, nn.Mul) else 1 / wide if isinstance(op, nn.Div) else one
    shift = wide if isinstance(op, nn.Add) else -wide if isinstance(op, nn.Sub) else zero
    result = scaled(conv, scale, shift)
    return NO_MATCH if result is None else rewriter.replace(op, result)


@pattern(nn.Relu)
def fuse_relu(op: nn.Relu, rewriter: Rewriter) -> Match:
    """relu(conv(x)) is a convolution clamped to [0, inf]."""
    conv = convolution_behind(op.input)
    return NO_MATCH if conv is None else rewriter.replace(op, _clamped(conv, 0.0, math.inf))


@pattern(nn.Clamp)
def fuse_clamp(op: nn.Clamp, rewriter: Rewriter) -> Match:
    """clamp(conv(x)) is a clamped convolution."""
    conv = convolution_behind(op.input)
    return NO_MATCH if conv is None else rewriter.replace(op, _clamped(conv, op.min, op.max))


def _clamped(conv: Convolution, low: float, high: float) -> ir.Value:
    return conv.rebuild(conv.input, conv.weight, conv.bias, clamp=(low, high)).output


@pattern(nn.Conv)
def fold_zero_pad(op: nn.Conv, rewriter: Rewriter) -> Match:
    """conv(pad(x)) == conv(x) with more padding, when the pad adds zeros to spatial dimensions only.

    Any other value must stay: a convolution pads with zeros. A transpose may stand between.
    """
    rank = len(shape_of(op.input))
    transpose = producer(op.input, nn.Transpose)
    order = tuple(range(rank)) if transpose is None else transpose.permutation
    pad = producer(op.input if transpose is None else transpose.input, nn.Pad)
    if pad is None or pad.mode != "constant" or pad.value != 0 or min(pad.padding) < 0:
        return NO_MATCH
    begins, ends = (tuple(pad.padding[first + axis] for axis in order) for first in (0, rank))
    if any(begins[:2]) or any(ends[:2]):
        return NO_MATCH
    source = pad.input if transpose is None else nn.Transpose(pad.input, permutation=order).output
    padding = tuple(own + more for own, more in zip(op.padding, begins[2:] + ends[2:], strict=True))
    return rewriter.replace(op, op.rebuild(source, op.weight, op.bias, padding=padding).output)


FUSIONS: tuple[Pattern[Any], ...] = (
    fold_batch_norm,
    fold_scale,
    fold_bias,
    fold_negative_bias,
    fold_divisor,
    fuse_relu,
    fuse_clamp,
)


@register_pass
@dataclass(frozen=True)
class FuseConvolutions:
    """Absorb batch-norm, scale, bias, clamp and zero padding into convolutions."""

    name: ClassVar[str] = "nn-fuse-convolutions"
    fold_pad: bool = True

    def apply(self, module: ir.Module) -> None:
        rewrite_module(module, [*FUSIONS, *([fold_zero_pad] if self.fold_pad else [])])
