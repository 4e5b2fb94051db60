"""Resampling: one small matrix of weights for each dimension that changes."""

import math
from typing import Any

import numpy as np

from .arrays import Array, in_float32


def dynamic_resize(input: Array, sizes: Array | None, *, scales: tuple[float, ...] | None, **how: Any) -> Array:
    """`resize` to computed sizes, or to floor(dimension * scale)."""
    shape = input.shape
    if scales is None:
        sizes = np.zeros(0, np.int64) if sizes is None else sizes
        scales = tuple(size / dim for size, dim in zip(sizes.tolist(), shape, strict=True))
        extents = tuple(sizes.tolist())
    else:
        extents = tuple(math.floor(dim * scale) for dim, scale in zip(shape, scales, strict=True))
    return resize(input, sizes=extents, scales=scales, extrapolation_value=0.0, **how)


@in_float32
def resize(
    input: Array,
    *,
    sizes: tuple[int, ...],
    scales: tuple[float, ...],
    mode: str,
    coordinate: str,
    nearest_mode: str,
    cubic_coeff_a: float,
    exclude_outside: bool,
    extrapolation_value: float,
    antialias: bool,
    roi: tuple[float, ...] | None = None,
) -> Array:
    """Resample every dimension to `sizes`; modes as in ONNX Resize-19. Integers round half to even."""
    x = input
    outside = np.zeros(sizes, bool)
    crop = coordinate == "tf_crop_and_resize"
    for axis, (size, scale) in enumerate(zip(sizes, scales, strict=True)):
        extent = input.shape[axis]
        if size == extent and scale == 1.0 and not crop:
            continue
        bounds = (roi[axis], roi[len(sizes) + axis]) if roi is not None else (0.0, 1.0)
        positions = source_positions(size, extent, scale, coordinate, bounds)
        if crop:
            beyond = (positions < 0) | (positions > extent - 1)
            outside |= beyond.reshape([-1 if i == axis else 1 for i in range(len(sizes))])
        if mode == "nearest":
            x = np.take(x, nearest_indices(positions, extent, nearest_mode), axis=axis)
        else:
            shrink = min(scale, 1.0) if antialias else 1.0
            weights = filter_matrix(positions, extent, mode, cubic_coeff_a, exclude_outside, shrink)
            x = np.moveaxis(np.tensordot(weights.astype(np.float32), x, axes=(1, axis)), 0, axis)
    if crop:
        x = np.where(outside, np.asarray(extrapolation_value, x.dtype), x)
    if input.dtype.kind in "iu" and x.dtype.kind == "f":
        info = np.iinfo(input.dtype)
        return np.clip(np.rint(x), info.min, info.max).astype(input.dtype)
    return x.astype(input.dtype)


def source_positions(size: int, extent: int, scale: float, coordinate: str, bounds: tuple[float, float]) -> Array:
    """Where each of `size` results lies in an input of `extent` elements (float32, as onnxruntime computes it)."""
    x = np.arange(size, dtype=np.float32)
    factor = np.float32(scale)
    half = np.float32(0.5)
    if coordinate == "asymmetric":
        return np.asarray(x / factor)
    if coordinate == "align_corners":
        return np.zeros_like(x) if size == 1 else np.asarray(x * np.float32(extent - 1) / np.float32(size - 1))
    if coordinate == "pytorch_half_pixel" and size == 1:
        return np.zeros_like(x)
    if coordinate == "tf_half_pixel_for_nn":
        return np.asarray((x + half) / factor)
    if coordinate == "tf_crop_and_resize":
        start, end = (np.float32(bound) for bound in bounds)
        if size == 1:
            return np.full_like(x, half * (start + end) * np.float32(extent - 1))
        return np.asarray(
            start * np.float32(extent - 1) + x * (end - start) * np.float32(extent - 1) / np.float32(size - 1)
        )
    if coordinate == "half_pixel_symmetric":
        adjustment = np.float32(size) / (factor * np.float32(extent))
        centre = np.float32(extent) / 2
        return np.asarray(centre * (1 - adjustment) + (x + half) / factor - half)
    return np.asarray((x + half) / factor - half)


def nearest_indices(positions: Array, extent: int, nearest_mode: str) -> Array:
    """The input element that each position takes."""
    half = np.float32(0.5)
    rounded = {
        "round_prefer_floor": lambda: np.ceil(positions - half),
        "round_prefer_ceil": lambda: np.floor(positions + half),
        "floor": lambda: np.floor(positions),
        "ceil": lambda: np.ceil(positions),
    }[nearest_mode]()
    return np.clip(rounded, 0, extent - 1).astype(np.int64)


def filter_matrix(
    positions: Array, extent: int, mode: str, cubic_coeff_a: float, exclude_outside: bool, shrink: float
) -> Array:
    """The weights (results x input elements) of linear or cubic interpolation; taps beyond the edge repeat it.

    `shrink` below 1 widens the filter by 1 / shrink, which is what antialiasing does.
    """
    support = 1 if mode == "linear" else 2
    first = math.floor(-support / shrink) + 1
    taps = np.arange(first, support + 1 - first if shrink < 1 else support + 1)
    base = np.floor(positions).astype(np.int64)
    fraction = (positions - base.astype(positions.dtype)).astype(np.float64)[:, None]
    index = base[:, None] + taps[None]
    distance = np.abs(taps[None] - fraction) * shrink
    weights = np.maximum(1 - distance, 0) if mode == "linear" else _cubic(distance, cubic_coeff_a)
    if exclude_outside:
        weights = np.where((index < 0) | (index >= extent), 0, weights)
    if exclude_outside or shrink < 1:
        weights = weights / np.sum(weights, axis=1, keepdims=True)
    matrix = np.zeros((len(positions), extent))
    rows = np.broadcast_to(np.arange(len(positions))[:, None], index.shape)
    np.add.at(matrix, (rows, np.clip(index, 0, extent - 1)), weights)
    return matrix


def _cubic(distance: Array, a: float) -> Array:
    """Keys' cubic kernel."""
    d = distance
    near = ((a + 2) * d - (a + 3)) * d * d + 1
    far = ((a * d - 5 * a) * d + 8 * a) * d - 4 * a
    return np.where(d <= 1, near, np.where(d < 2, far, 0))
