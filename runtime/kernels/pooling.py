"""Pooling over N spatial dimensions."""

from collections.abc import Sequence
from functools import reduce
from typing import Any

import numpy as np

from .arrays import Array, in_float32, padded
from .convolution import sliding_windows


def _extents(
    sizes: tuple[int, ...],
    kernel: tuple[int, ...],
    strides: tuple[int, ...],
    dilations: tuple[int, ...],
    padding: tuple[int, ...],
    ceil_mode: bool,
) -> list[int]:
    """How many windows fit; with `ceil_mode` a last one may hang over the end if it starts before it."""
    extents = []
    for i, size in enumerate(sizes):
        room = size + padding[i] + padding[len(sizes) + i] - dilations[i] * (kernel[i] - 1) - 1
        extent = (-(-room // strides[i]) if ceil_mode else room // strides[i]) + 1
        if ceil_mode and (extent - 1) * strides[i] >= size + padding[i]:
            extent -= 1
        extents.append(extent)
    return extents


def _reached(
    x: Array,
    extents: Sequence[int],
    kernel: tuple[int, ...],
    strides: tuple[int, ...],
    dilations: tuple[int, ...],
    padding: tuple[int, ...],
    value: float,
) -> Array:
    """The image, padded with `value` as far as `extents` windows reach."""
    widths = [(0, 0), (0, 0)]
    for i, extent in enumerate(extents):
        reach = (extent - 1) * strides[i] + dilations[i] * (kernel[i] - 1) + 1
        widths.append((padding[i], max(reach - x.shape[2 + i] - padding[i], 0)))
    return padded(x, widths, value)


def _windows(
    x: Array,
    kernel: tuple[int, ...],
    strides: tuple[int, ...],
    dilations: tuple[int, ...],
    padding: tuple[int, ...],
    ceil_mode: bool,
    value: float,
) -> Array:
    """A view N x C x positions x (all taps) of the image, padded with `value` as far as the windows reach."""
    extents = _extents(x.shape[2:], kernel, strides, dilations, padding, ceil_mode)
    whole = _reached(x, extents, kernel, strides, dilations, padding, value)
    windows = sliding_windows(whole, kernel, strides, dilations)
    return windows[(slice(None), slice(None), *(slice(0, extent) for extent in extents))]


def _tap_axes(rank: int) -> tuple[int, ...]:
    return tuple(range(2 + rank, 2 + 2 * rank))


def _lowest(dtype: np.dtype[Any]) -> float:
    return -np.inf if dtype.kind == "f" else float(np.iinfo(dtype).min)


@in_float32
def max_pool(
    input: Array,
    *,
    kernel: tuple[int, ...],
    strides: tuple[int, ...],
    dilations: tuple[int, ...],
    padding: tuple[int, ...],
    ceil_mode: bool,
) -> Array:
    """The largest element of each window, found axis by axis; padding never wins."""
    extents = _extents(input.shape[2:], kernel, strides, dilations, padding, ceil_mode)
    result = _reached(input, extents, kernel, strides, dilations, padding, _lowest(input.dtype))
    for i, (extent, stride, dilation) in enumerate(zip(extents, strides, dilations, strict=True)):
        before = (slice(None),) * (2 + i)
        firsts = range(0, kernel[i] * dilation, dilation)
        taps = [result[(*before, slice(first, first + (extent - 1) * stride + 1, stride))] for first in firsts]
        result = reduce(np.maximum, taps)
    return result


@in_float32
def max_pool_with_indices(
    input: Array,
    *,
    kernel: tuple[int, ...],
    strides: tuple[int, ...],
    dilations: tuple[int, ...],
    padding: tuple[int, ...],
    ceil_mode: bool,
    storage_order: int,
) -> tuple[Array, Array]:
    """As `max_pool`, with the place of each maximum in the flattened input."""
    rank = input.ndim - 2
    values = _windows(input, kernel, strides, dilations, padding, ceil_mode, _lowest(input.dtype))
    places = np.arange(input.size, dtype=np.int64).reshape(input.shape)
    if storage_order == 1:
        order = (*range(input.ndim - 2), input.ndim - 1, input.ndim - 2)
        swapped = [input.shape[axis] for axis in order]
        places = np.arange(input.size, dtype=np.int64).reshape(swapped).transpose(order)
    indices = _windows(places, kernel, strides, dilations, padding, ceil_mode, -1)
    flat = values.reshape(*values.shape[: 2 + rank], -1)
    found = indices.reshape(flat.shape)
    largest = (flat == np.max(flat, axis=-1, keepdims=True)) | (flat != flat)
    best = np.argmax(largest & (found >= 0), axis=-1)[..., None]  # padding is no element, even if it is as large
    return np.take_along_axis(flat, best, -1)[..., 0], np.take_along_axis(found, best, -1)[..., 0]


@in_float32
def avg_pool(
    input: Array,
    *,
    kernel: tuple[int, ...],
    strides: tuple[int, ...],
    dilations: tuple[int, ...],
    padding: tuple[int, ...],
    ceil_mode: bool,
    count_include_pad: bool,
) -> Array:
    """The mean of each window: of its valid elements, or with `count_include_pad` of the padding too.

    The mean of no elements, which dilated windows can have, is 0 as in onnxruntime.
    """
    rank = input.ndim - 2
    windows = _windows(input, kernel, strides, dilations, padding, ceil_mode, 0)
    total = np.sum(windows, axis=_tap_axes(rank), dtype=input.dtype)
    valid = np.ones((1, 1, *input.shape[2:]), input.dtype)
    if count_include_pad:
        valid = np.pad(valid, [(0, 0), (0, 0), *zip(padding[:rank], padding[rank:], strict=True)], constant_values=1)
        counts = _windows(valid, kernel, strides, dilations, (0,) * (2 * rank), ceil_mode, 0)
        counts = counts[(slice(None), slice(None), *(slice(0, n) for n in total.shape[2:]))]
    else:
        counts = _windows(valid, kernel, strides, dilations, padding, ceil_mode, 0)
    return total / np.maximum(np.sum(counts, axis=_tap_axes(rank), dtype=input.dtype), 1)


@in_float32
def lp_pool(
    input: Array,
    *,
    kernel: tuple[int, ...],
    strides: tuple[int, ...],
    dilations: tuple[int, ...],
    padding: tuple[int, ...],
    ceil_mode: bool,
    p: int,
) -> Array:
    """(sum |x|^p)^(1/p) of each window."""
    windows = _windows(np.abs(input) ** p, kernel, strides, dilations, padding, ceil_mode, 0)
    return np.sum(windows, axis=_tap_axes(input.ndim - 2), dtype=input.dtype) ** input.dtype.type(1 / p)
