"""Convolutions whose kernels the KPU does not have, as 3x3 layers over shifted copies of the map.

A copy costs a depthwise layer. The layer that reads the copies is dense, so a depthwise convolution is done in blocks
of channels: small ones waste less on zeros, large ones need fewer copies.
"""

from itertools import product

import numpy as np

from ...dialects.mlir import ir
from ...dialects.ods import MEMBERS
from ...dialects.ranges import Range
from ...dialects.tensors import Array, static_shape
from ...runtime.kpu.cost import LayerWork
from ...runtime.kpu.registers import CHANNELS
from . import build
from .geometry import Axis

BLOCK = 4
"""Channels of a block are a multiple of this: they fill their lines whatever the width."""
BYTE = 8
"""Cycles that a byte of weights may save: the zeros of blocks lie in main memory, of which the chip has 6 MB."""
Centre = tuple[int, int]


def placed(axes: tuple[Axis, Axis], weight: Array) -> Array:
    """The weights of taps that the map itself serves, as a 3x3 kernel, or 1x1 where that is all."""
    rows, columns = ([tap for _, tap in axis.reads()] for axis in axes)
    if set(rows) | set(columns) == {0}:
        return weight
    full = np.zeros((*weight.shape[:2], 3, 3), weight.dtype)
    full[:, :, np.array(rows)[:, None] + 1, np.array(columns) + 1] = weight
    return full


def dense(weight: Array, groups: int) -> Array:
    """Weights O x C/groups x kernel as O x C x kernel."""
    outputs, per_group = weight.shape[:2]
    full = np.zeros((outputs, per_group * groups, *weight.shape[2:]), weight.dtype)
    for group in range(groups):
        rows = slice(group * outputs // groups, (group + 1) * outputs // groups)
        full[rows, group * per_group : (group + 1) * per_group] = weight[rows]
    return full


def centres_of(axes: tuple[Axis, Axis]) -> list[Centre]:
    """The shifts of the copies that serve all taps."""
    rows, columns = ({centre for centre, _ in axis.reads()} for axis in axes)
    return sorted(product(rows, columns))


def gathered(
    value: ir.Value,
    axes: tuple[Axis, Axis],
    weight: Array,
    bias: Array | None,
    span: Range | None,
    *,
    depthwise: bool,
    activation: Array | None,
) -> ir.Value:
    """The convolution at every pixel, from shifted copies."""
    channels = static_shape(value)[1]
    size = block_size(static_shape(value), len(centres_of(axes))) if depthwise else channels
    bias = np.zeros(weight.shape[0]) if bias is None else bias
    made = []
    for first in range(0, channels, size):
        block = range(first, min(first + size, channels))
        own = dense(weight[block], len(block)) if depthwise else weight
        own_bias = bias[block] if depthwise else bias
        copies, kernel = _copies(build.selected(value, block), axes, own)
        made.append(build.layer(copies, kernel, own_bias, span, activation=activation))
    return build.joined(made, span)


def _copies(value: ir.Value, axes: tuple[Axis, Axis], weight: Array) -> tuple[list[ir.Value], Array]:
    """Shifted copies of a map, and the weights O x (copies * C) x 3 x 3 that read them."""
    outputs, channels = weight.shape[:2]
    rows, columns = (axis.reads() for axis in axes)
    copies, kernels = [], []
    for centre in centres_of(axes):
        kernel = np.zeros((outputs, channels, 3, 3), weight.dtype)
        for (i, (down, row)), (j, (right, column)) in product(enumerate(rows), enumerate(columns)):
            if (down, right) == centre:
                kernel[:, :, row + 1, column + 1] = weight[:, :, i, j]
        copies.append(build.shifted(value, *centre))
        kernels.append(kernel)
    return copies, np.concatenate(kernels, axis=1)


def block_size(shape: tuple[int, ...], copies: int) -> int:
    """The cheapest number of channels to compute together of a depthwise convolution, in at most MEMBERS blocks."""
    _, channels, height, width = shape

    def cycles(size: int) -> float:
        copy = LayerWork((1, size, height, width), size, 3, depthwise=True).cost.cycles
        layer = LayerWork((1, size * copies, height, width), size, 3).cost.cycles
        return -(-channels // size) * (copies * copy + layer + BYTE * 9 * copies * size**2)

    most = max(BLOCK, min(-(-channels // BLOCK) * BLOCK, CHANNELS // copies // BLOCK * BLOCK))
    least = -(-channels // (MEMBERS * BLOCK)) * BLOCK
    return min(range(least, most + 1, BLOCK), key=lambda size: (cycles(size), size))
