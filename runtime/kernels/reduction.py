"""Reductions, searches and scans along axes."""

from typing import Any

import numpy as np

from .arrays import Array, in_float32


def reduce(input: Array, *, kind: str, axes: tuple[int, ...], keepdims: bool) -> Array:
    """Combine all elements along `axes`; kinds as in `nn.reduce`.

    Sums run in the operand's dtype (float16 in float32), as a result wider than the operand would not be repeatable
    elsewhere.
    """
    if not axes:
        axes = ()
    dtype = input.dtype
    x = input.astype(np.float32) if dtype == np.float16 else input
    if kind == "max":
        result = np.max(x, axis=axes, keepdims=keepdims, initial=_limits(x.dtype)[0])
    elif kind == "min":
        result = np.min(x, axis=axes, keepdims=keepdims, initial=_limits(x.dtype)[1])
    elif kind == "prod":
        result = np.prod(x, axis=axes, keepdims=keepdims, dtype=x.dtype)
    elif kind == "log_sum_exp":
        result = _log_sum_exp(x, axes, keepdims)
    else:
        terms = {"l1": np.abs, "l2": np.square, "sum_square": np.square}.get(kind, np.asarray)(x)
        result = np.sum(terms, axis=axes, keepdims=keepdims, dtype=x.dtype)
        if kind == "mean":
            count = np.prod([x.shape[axis] for axis in axes], dtype=np.int64)
            whole = count.astype(np.uint64) if x.dtype.kind == "u" else count
            result = result // whole if x.dtype.kind in "iu" else result / x.dtype.type(count)
        elif kind == "l2":
            result = np.sqrt(result)
        elif kind == "log_sum":
            result = np.log(result)
    return np.asarray(result).astype(dtype)


def _limits(dtype: np.dtype[Any]) -> tuple[float, float]:
    """The lowest and the highest number: what the maximum and the minimum of nothing are."""
    if dtype.kind == "f":
        return -np.inf, np.inf
    return (0, 1) if dtype.kind == "b" else (np.iinfo(dtype).min, np.iinfo(dtype).max)


def _log_sum_exp(x: Array, axes: tuple[int, ...], keepdims: bool) -> Array:
    top = np.max(x, axis=axes, keepdims=True, initial=_limits(x.dtype)[0])
    top = np.where(np.isfinite(top), top, 0) if x.dtype.kind == "f" else top
    total = np.log(np.sum(np.exp(x - top), axis=axes, keepdims=True)) + top
    return np.asarray(total if keepdims else np.squeeze(total, axis=axes))


def arg_reduce(input: Array, *, kind: str, axis: int, keepdims: bool, select_last_index: bool) -> Array:
    """The index (int64) of the largest or smallest element along `axis`."""
    search = np.argmax if kind == "argmax" else np.argmin
    if select_last_index:
        result = input.shape[axis] - 1 - search(np.flip(input, axis), axis=axis)
    else:
        result = search(input, axis=axis)
    return np.asarray(np.expand_dims(result, axis) if keepdims else result, np.int64)


@in_float32
def cumsum(input: Array, *, axis: int, exclusive: bool, reverse: bool) -> Array:
    """Running sums along `axis`."""
    x = np.flip(input, axis) if reverse else input
    total = np.cumsum(x, axis=axis, dtype=x.dtype)
    if exclusive:
        total = np.roll(total, 1, axis)
        first = [slice(None)] * x.ndim
        first[axis] = slice(0, 1)
        total[tuple(first)] = 0
    return np.flip(total, axis) if reverse else total


def topk(input: Array, *, k: int, axis: int, largest: bool, sorted: bool) -> tuple[Array, Array]:
    """The k largest or smallest elements and their indices; always in order, so `sorted` changes nothing."""
    keys = np.flip(input, axis) if largest else input
    order = np.argsort(keys, axis=axis, kind="stable")
    if largest:
        order = input.shape[axis] - 1 - np.flip(order, axis)
    indices = np.take(order, np.arange(k), axis=axis)
    return np.take_along_axis(input, indices, axis), indices.astype(np.int64)


def dynamic_topk(input: Array, k: Array, *, axis: int, largest: bool, sorted: bool) -> tuple[Array, Array]:
    """`topk` with a computed k."""
    return topk(input, k=int(k.item()), axis=axis, largest=largest, sorted=sorted)


@in_float32
def softmax(input: Array, *, axis: int) -> Array:
    """e^x / sum(e^x)"""
    powers = np.exp(input - np.max(input, axis=axis, keepdims=True, initial=-np.inf))
    return powers / np.sum(powers, axis=axis, keepdims=True)


@in_float32
def log_softmax(input: Array, *, axis: int) -> Array:
    """log(softmax(x))"""
    centred = input - np.max(input, axis=axis, keepdims=True, initial=-np.inf)
    return centred - np.log(np.sum(np.exp(centred), axis=axis, keepdims=True))


def hardmax(input: Array, *, axis: int) -> Array:
    """1 at the first maximum, else 0."""
    result = np.zeros_like(input)
    if input.size == 0:
        return result
    np.put_along_axis(result, np.expand_dims(np.argmax(input, axis=axis), axis), 1, axis)
    return result
