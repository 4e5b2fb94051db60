"""Conversions, and tensors that depend on shapes only."""

from typing import Any

import numpy as np

from .arrays import Array


def cast(input: Array, *, to: np.dtype[Any], saturate: bool) -> Array:
    """Convert to another dtype: floats to integers truncate, to booleans compare with 0.

    What an integer dtype cannot hold is undefined in ONNX; here it wraps as in C where C defines it.
    """
    with np.errstate(invalid="ignore", over="ignore"):
        if input.dtype.kind == "f" and np.dtype(to).kind in "iu" and np.dtype(to).itemsize < 8:
            return input.astype(np.int64).astype(to)
        return input.astype(to)


def bitcast(input: Array, *, to: np.dtype[Any]) -> Array:
    """The same bits as another dtype of that size; as booleans, whether any bit is set."""
    return input.view(np.uint8) != 0 if to == np.bool_ else input.view(to)


def fill(shape: Array, *, value: float, dtype: np.dtype[Any]) -> Array:
    """A tensor of this shape, every element `value`."""
    return np.full(shape.tolist(), value, dtype)


def shape(input: Array, *, start: int, end: int | None) -> Array:
    """The dimensions from `start` to `end`."""
    return np.asarray(input.shape[start:end], np.int64)


def size(input: Array) -> Array:
    """The number of elements."""
    return np.asarray(input.size, np.int64)


def range(start: Array, limit: Array, delta: Array) -> Array:
    """start, start + delta, ... before limit."""
    count = max(int(np.ceil((limit.item() - start.item()) / delta.item())), 0)
    return np.asarray(start + np.arange(count, dtype=start.dtype) * delta, start.dtype).reshape(count)
