"""Convolutions whose kernels the KPU does not have, as 3x3 layers over shifted copies of the map.

All copies of few channels are made by one layer, those of many by a depthwise layer each. The layer that reads the
copies is dense, so a depthwise convolution is done in blocks of channels: small ones waste less on zeros, large ones
need fewer layers.
"""

from collections.abc import Sequence
from itertools import product

import numpy as np

from ...dialects.mlir import ir
from ...dialects.ranges import Range
from ...dialects.tensors import Array, static_shape
from ...runtime.cycles import DEPTHWISE_LAYER
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
    channels, centres = static_shape(value)[1], centres_of(axes)
    size = block_size(static_shape(value), centres) if depthwise else channels
    bias = np.zeros(weight.shape[0]) if bias is None else bias
    made = []
    for first in range(0, channels, size):
        block = range(first, min(first + size, channels))
        own = dense(weight[block], len(block)) if depthwise else weight
        own_bias = bias[block] if depthwise else bias
        maps = copies(build.selected(value, block), centres, -(-channels // size))
        made.append(build.layer(maps, over_copies(axes, own), own_bias, span, activation=activation))
    return build.joined(made, span)


def over_copies(axes: tuple[Axis, Axis], weight: Array) -> Array:
    """The weights O x (copies * C) x 3 x 3 that read a map's copies."""
    rows, columns = (axis.reads() for axis in axes)
    kernels = []
    for centre in centres_of(axes):
        kernel = np.zeros((*weight.shape[:2], 3, 3), weight.dtype)
        for (i, (down, row)), (j, (right, column)) in product(enumerate(rows), enumerate(columns)):
            if (down, right) == centre:
                kernel[:, :, row + 1, column + 1] = weight[:, :, i, j]
        kernels.append(kernel)
    return np.concatenate(kernels, axis=1)


def copies(value: ir.Value, centres: Sequence[Centre], alike: int = 1) -> list[ir.Value]:
    """A map's copies, one behind the other; `alike` maps of a network share the weights that make them."""
    shape = static_shape(value)
    if cycles_apart(shape, centres) <= cycles_together(shape, centres, alike):
        return [build.shifted(value, *centre) for centre in centres]
    return [build.spread(value, centres)]


def cycles_apart(shape: tuple[int, ...], centres: Sequence[Centre]) -> float:
    """What copies cost that are shifted pixel by pixel, each in layers of its own."""
    _, channels, height, width = shape
    layer = LayerWork((1, channels, height, width), channels, 3, depthwise=True).cost.cycles
    return layer * sum(max(1, *map(abs, centre)) for centre in centres)


def cycles_together(shape: tuple[int, ...], centres: Sequence[Centre], alike: int) -> float:
    """What copies cost that one layer makes together, and others shift on."""
    _, channels, height, width = shape
    count = len(centres) * channels
    first = LayerWork((1, channels, height, width), count, 3)
    others = LayerWork((1, count, height, width), count, 3, depthwise=True).cost.cycles
    steps = max(abs(step) for centre in centres for step in centre)
    return dense_cycles(first) + BYTE * first.weights / alike + (steps - 1) * others


def dense_cycles(work: LayerWork) -> float:
    """What a layer costs, with its start, which costs as much as that of a depthwise one."""
    return work.cost.cycles + DEPTHWISE_LAYER.cycles


def block_size(shape: tuple[int, ...], centres: Sequence[Centre]) -> int:
    """The cheapest number of channels to compute together of a depthwise convolution."""
    _, channels, height, width = shape

    def cycles(size: int) -> float:
        blocks, own = -(-channels // size), (1, size, height, width)
        layer = LayerWork((1, size * len(centres), height, width), size, 3)
        made = min(cycles_apart(own, centres), cycles_together(own, centres, blocks))
        return blocks * (made + dense_cycles(layer) + BYTE * layer.weights)

    most = max(BLOCK, min(-(-channels // BLOCK) * BLOCK, CHANNELS // len(centres) // BLOCK * BLOCK))
    return min(range(BLOCK, most + 1, BLOCK), key=lambda size: (cycles(size), size))
