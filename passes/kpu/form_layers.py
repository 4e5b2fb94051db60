"""Make layers of what the KPU can compute.

On entry: float `nn`, prepared and annotated with ranges. On exit every convolution that breaks no rule is a
`kpu.layer`, with what follows it (activation, pooling) inside where that is possible, and sums and joined maps are
layers too. What stays `nn` runs on the host; slices and paddings between layers are the host's, and patterns bring them
to where they cost least.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ...dialects import kpu, nn, ranges
from ...dialects.function import entry_function
from ...dialects.mlir import ir
from ...dialects.ranges import Range, value_bits, value_range
from ...dialects.tensors import Array, shape_of, static_shape
from ...runtime.kpu.registers import CHANNELS
from ..pipeline import register_pass
from ..quant.weights import stated_bits
from ..rewriter import NO_MATCH, Match, Pattern, Rewriter, has_one_use, pattern, producer, rewrite_module
from . import build
from .activation import clamp_knots, composed, knots_of
from .affine import AFFINE
from .gather import dense, gathered, placed
from .join import JOINING, is_of_layers, put_into_one
from .portions import PORTIONS
from .rounding import rounding_of_layer
from .rules import LEAST, REAL, axes_of, broken_rule, is_bounded, is_map, record
from .sink import BEHIND_SLICES, SINKING
from .slopes import CHANNELWISE, slopes_behind
from .windows import maximum_of_windows


@pattern(nn.Conv)
def convolution(op: nn.Conv, rewriter: Rewriter) -> Match:
    """A convolution is a layer at every pixel, of which a slice takes those that are wanted."""
    broken = broken_rule(op)
    if broken is not None:
        record(op, broken[0].code, broken[0].sentence, broken[1])
        return NO_MATCH
    axes = axes_of(op)
    room = [axis.room for axis in axes]
    begins = [before for before, _ in room]
    sizes = [max(LEAST, before + axis.size + after) for axis, (before, after) in zip(axes, room, strict=True)]
    if any(begins) or any(size > axis.size for size, axis in zip(sizes, axes, strict=True)):
        sizes = [max(size, axis.stride * axis.output) for size, axis in zip(sizes, axes, strict=True)]
    value = op.input
    if tuple(sizes) != static_shape(value)[2:]:
        ends = [size - axis.size - begin for size, axis, begin in zip(sizes, axes, begins, strict=True)]
        value = build.padded(value, begins, ends)
    weight, depthwise = _weights(op)
    weight = weight[:, :, axes[0].used][:, :, :, axes[1].used]
    span = value_range(op.output)
    activation = None if op.clamp is None else clamp_knots(*op.clamp)
    bias = nn.constant_value(op.bias)
    if all(axis.is_plain for axis in axes):
        made = build.layer([value], placed(axes, weight), bias, span, depthwise=depthwise, activation=activation)
    else:
        made = gathered(value, axes, weight, bias, span, depthwise=depthwise, activation=activation)
    starts = [axis.phase + begin for axis, begin in zip(axes, begins, strict=True)]
    strides = [axis.stride for axis in axes]
    outputs = static_shape(op.output)[2:]
    if tuple(starts) != (0, 0) or tuple(strides) != (1, 1) or outputs != static_shape(made)[2:]:
        made = build.sliced(made, starts, outputs, strides, span)
    return rewriter.replace(op, made)


def _weights(op: nn.Conv) -> tuple[Array, bool]:
    """Weights O x C x kernel, or C x 1 x kernel of a depthwise convolution: other groups become blocks of zeros."""
    weight = nn.constant_value(op.weight)
    assert weight is not None
    inputs, outputs = static_shape(op.input)[1], weight.shape[0]
    if op.groups == inputs == outputs and op.groups > 1:
        return weight, True
    return (weight if op.groups == 1 else dense(weight, op.groups)), False


@pattern(nn.ElementwiseOp)
def activation_behind(op: nn.ElementwiseOp, rewriter: Rewriter) -> Match:
    """f(layer(x)) is a layer whose activation ends with f"""
    return _activate(op, op.input, rewriter)


@pattern(nn.BinaryOp)
def scaling_behind(op: nn.BinaryOp, rewriter: Rewriter) -> Match:
    """layer(x) * a, + a or - a for one number a"""
    return _activate(op, op.lhs, rewriter)


def _activate(op: Any, value: ir.Value, rewriter: Rewriter) -> Match:
    layer = producer(value, kpu.Layer)
    knots = knots_of(op, value_range(value))
    if layer is None or knots is None or layer.pool != "none" or not has_one_use(value) or not is_bounded(op.output):
        return NO_MATCH
    if layer.activation is not None:
        knots = composed(layer.activation, knots)
    return rewriter.replace(op, build.again(layer, value_range(op.output), activation=knots))


@pattern(nn.PoolOp, benefit=2)
def pooling_behind(op: nn.PoolOp, rewriter: Rewriter) -> Match:
    """pool(layer(x)) of 2x2 or 4x4 squares ends the layer, or one that only copies: depthwise layers cannot pool"""
    form = pool_name(op)
    value = op.input
    if form is None or not is_of_layers(value) or not is_bounded(op.output):
        return NO_MATCH
    # bytes are averaged: they must hold what is averaged, which reaches farther than means do
    span = value_range(value if form.startswith("mean") else op.output)
    return rewriter.replace(op, end_with(value, form, span))


def pool_name(op: nn.PoolOp) -> str | None:
    """The KPU's name of a pooling, None when it has none; a pooled map has at least 4 x 4 pixels."""
    kind = {"nn.max_pool": "max", "nn.avg_pool": "mean"}.get(op.OPERATION_NAME)
    if kind is None or op.ceil_mode or any(op.padding) or op.kernel != op.strides or set(op.dilations) != {1}:
        return None
    if op.kernel not in ((2, 2), (4, 4)) or min(static_shape(op.output)[2:]) < LEAST:
        return None
    return f"{kind}{op.kernel[0]}s{op.kernel[0]}"


def end_with(value: ir.Value, pool: str, span: Range | None, *, alone: bool = True) -> ir.Value:
    """A layer's result pooled, or those of joined ones: in the layer itself if only this uses it (`alone`: and what
    it is joined to), else in a layer that copies the result."""
    joined, layer = producer(value, nn.Concat), producer(value, kpu.Layer)
    alone = alone and has_one_use(value)
    if joined is not None:
        return build.joined([end_with(part, pool, span, alone=alone) for part in joined.inputs], span)
    assert layer is not None
    if layer.pool == "none" and not layer.depthwise and alone:
        return build.again(layer, span, pool=pool)
    return build.pooled(value, pool)


@pattern(nn.Add)
def sum_of_maps(op: nn.Add, rewriter: Rewriter) -> Match:
    """a + b of two maps, one of them a layer's: a 1x1 layer over both, one behind the other"""
    maps = [op.lhs, op.rhs]
    shapes = {static_shape(value) if None not in value.type.shape else () for value in (*maps, op.output)}
    if len(shapes) != 1 or not is_map(op.output) or not all(map(is_bounded, (op.output, *maps))):
        return NO_MATCH
    if not any(is_from_kpu(value) for value in maps):
        return NO_MATCH
    channels = static_shape(op.output)[1]
    if 2 * channels > CHANNELS:
        return NO_MATCH
    eye = build.identity(channels)
    if op.lhs == op.rhs:
        return rewriter.replace(op, build.layer([op.lhs], 2 * eye, None, value_range(op.output)))
    weight = np.concatenate([eye, eye], axis=1)
    return rewriter.replace(op, build.layer(maps, weight, None, value_range(op.output)))


def is_from_kpu(value: ir.Value) -> bool:
    """Whether a layer makes a value, or an operation that only moves what layers made, or scales its channels."""
    if producer(value, kpu.Layer) is not None:
        return True
    scaled = producer(value, nn.Mul)
    if scaled is not None:
        factors = [operand for operand in (scaled.lhs, scaled.rhs) if shape_of(operand)[2:] != (1, 1)]
        return len(factors) == 1 and is_from_kpu(factors[0])
    found: Any = value.owner.opview if isinstance(value, ir.OpResult) else None
    moved = isinstance(found, nn.Slice | nn.Pad | nn.Concat | nn.Resize)
    return moved and any(is_from_kpu(operand) for operand in found.operation.operands)


FORMING: tuple[Pattern[Any], ...] = (
    convolution,
    activation_behind,
    scaling_behind,
    slopes_behind,
    pooling_behind,
    maximum_of_windows,
    sum_of_maps,
    rounding_of_layer,
    *JOINING,
    *BEHIND_SLICES,
)


@register_pass
@dataclass(frozen=True)
class FormLayers:
    """Make layers of convolutions, sums and poolings, with their activations."""

    name: ClassVar[str] = "kpu-form-layers"

    def apply(self, module: ir.Module) -> None:
        for op in entry_function(module).regions[0].blocks[0].operations:
            if isinstance(op, nn.Conv) and ranges.REAL in (value_bits(op.input), stated_bits(op)):
                op.attributes[REAL] = ir.UnitAttr.get()  # patterns put other values, without bits, in its input's place
        rewrite_module(module, [*FORMING, *AFFINE])
        rewrite_module(module, [*SINKING, *JOINING, put_into_one, *PORTIONS, *CHANNELWISE, activation_behind])
