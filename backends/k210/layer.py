"""A layer of the KPU as every kmodel version states it: registers, weights and tables."""

from typing import Any

import numpy as np

from ...dialects import kpu, nn
from ...dialects.mlir import ir
from ...dialects.tensors import Array, static_shape
from ...passes.kpu.plan import layout_of
from ...passes.rewriter import users
from ...runtime.kpu.registers import LayerArguments, layer_arguments
from ...runtime.kpu.tables import Activation, BatchNorm
from ..buffers import address_of
from ..unsupported import Unsupported

Shape = tuple[int, int, int, int]


def map_shape(value: ir.Value) -> Shape:
    """Shape (n, c, h, w) of a map."""
    batch, channels, height, width = static_shape(value)
    return batch, channels, height, width


def layer_of(op: kpu.Conv2DInto) -> tuple[LayerArguments, Array, BatchNorm, Activation]:
    """What assemblers of all versions take. Maps that lie behind each other have unused channels where one does not
    fill its last line."""
    weight, norm, lines = (nn.constant_value(value) for value in (op.weight, op.norm, op.lines))
    assert weight is not None and norm is not None and lines is not None
    if len(op.inputs) > 1:
        weight = _spread(weight, [layout_of(value) for value in op.inputs], op.weight_zero)
    _, _, height, width = map_shape(op.inputs[0])
    channels = weight.shape[0] if op.depthwise else weight.shape[1]
    arguments = layer_arguments(
        address_of(op.inputs[0]),
        address_of(op.target),
        (1, channels, height, width),
        weight.shape[0],
        kernel=op.kernel,
        depthwise=op.depthwise,
        pool=op.pool,
        input_zero=op.input_zero,
        weight_zero=op.weight_zero,
    )
    mul, shift, add = norm.T
    start, line_mul, line_shift, line_add = lines.T
    return (
        arguments,
        weight,
        BatchNorm(mul=mul, shift=shift, add=add),
        Activation(start=start, mul=line_mul, shift=line_shift, add=line_add),
    )


def downloaded(maps: ir.Value) -> ir.Value | None:
    """The buffer in main memory that a layer's result is wanted in, too."""
    return next((user.target for user in users(maps) if isinstance(user, kpu.DownloadInto)), None)


def require_layer(op: kpu.DownloadInto) -> None:
    """`Unsupported` unless a download is part of a layer, as it is in files of versions 3 and 4."""
    if not any(isinstance(user, kpu.Conv2DInto) and user.target == op.source for user in users(op.source)):
        raise Unsupported("only what a layer computes can be brought back to main memory")


def _spread(weight: Array, layouts: list[Any], zero: int) -> Array:
    """Weights with zeros for the channels that fill up the last line of each map but the last."""
    parts, first = [], 0
    for layout in layouts:
        channels = layout.shape[1]
        parts.append(weight[:, first : first + channels])
        first += channels
        unused = -channels % layout.groups
        if unused and layout is not layouts[-1]:
            parts.append(np.full((weight.shape[0], unused, *weight.shape[2:]), zero, np.uint8))
    return np.concatenate(parts, axis=1)
