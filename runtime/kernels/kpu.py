"""Layers of the K210's accelerator: in real numbers as the reference, and in integers as the chip has them."""

import numpy as np

from ..kpu.layer import Layer
from ..kpu.pooling import POOL_BY_NAME
from ..kpu.registers import layer_arguments
from ..kpu.tables import Activation, BatchNorm
from .arrays import Array
from .convolution import conv


def layer(*operands: Array, depthwise: bool, pool: str, activation: Array | None) -> Array:
    """float32 maps 1 x C x H x W, joined along channels, weight and bias; see `kpu.layer`."""
    *inputs, weight, bias = operands
    x = np.concatenate(inputs, axis=1)
    margin = weight.shape[2] // 2
    groups = x.shape[1] if depthwise else 1
    y = conv(x, weight, bias, strides=(1, 1), dilations=(1, 1), padding=(margin,) * 4, groups=groups)
    return pooled(y if activation is None else interpolated(y, activation), pool)


def interpolated(x: Array, knots: Array) -> Array:
    """The function through the points (knots[0], knots[1]), its outermost lines going on beyond."""
    xs, ys = knots.astype(np.float64)
    places = np.clip(np.searchsorted(xs, x, side="right") - 1, 0, xs.size - 2)
    slopes = np.diff(ys) / np.diff(xs)
    return np.asarray(ys[places] + (x - xs[places]) * slopes[places], x.dtype)


def pooled(maps: Array, pool: str) -> Array:
    """The pooling that ends a layer, on real numbers: means are not rounded, maxima see 0 beyond the edge."""
    form = POOL_BY_NAME[pool]
    height, width = form.output(*maps.shape[2:])
    step = form.stride
    if form.kind == "sample":
        return maps[:, :, : height * step : step, form.column : form.column + (width - 1) * step + 1 : step]
    reach = [(0, 0), (0, 0), *[(0, form.window - form.stride)] * 2]
    wide = np.pad(maps, reach, mode="constant" if form.kind == "max" else "edge")
    parts = [
        wide[:, :, y : y + (height - 1) * step + 1 : step, x : x + (width - 1) * step + 1 : step]
        for y in range(form.window)
        for x in range(form.window)
    ]
    stacked = np.stack(parts)
    return np.asarray(stacked.max(0) if form.kind == "max" else stacked.mean(0, dtype=maps.dtype))


def conv2d(*operands: Array, depthwise: bool, pool: str, input_zero: int, weight_zero: int) -> Array:
    """uint8 maps 1 x C x H x W, joined along channels, weight, norm and lines; see `kpu.conv2d`."""
    *inputs, weight, norm, lines = operands
    maps = np.concatenate(inputs, axis=1)
    kernel = weight.shape[2]
    arguments = layer_arguments(
        0, 0, maps.shape, weight.shape[0], kernel=kernel, depthwise=depthwise, pool=pool, input_zero=input_zero,
        weight_zero=weight_zero,
    )  # fmt: skip
    mul, shift, add = norm.T
    start, line_mul, line_shift, line_add = lines.T
    table = Activation(start=start, mul=line_mul, shift=line_shift, add=line_add)
    layer = Layer.of(arguments, weight, BatchNorm(mul=mul, shift=shift, add=add), table)
    return layer.run(maps[0])[None]
