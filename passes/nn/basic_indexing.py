"""Patterns of `nn-decompose-basic` for what picks elements by indices, and what finds them."""

import math
from typing import Any

import numpy as np

from ...dialects import nn
from ...dialects.mlir import ir
from ...dialects.tensors import dtype_of, is_static, shape_of, static_shape
from ...runtime import kernels
from ..rewriter import NO_MATCH, Match, Pattern, Rewriter, pattern
from .scalars import scalar, times

EXACT = 2**24
"""Integers up to this are exact in float32."""
TOPK_LIMIT = 16
"""How many elements a search is written out for."""


def as_numbers(value: ir.Value) -> ir.Value:
    """As float32: 0.0 and 1.0 for false and true."""
    return nn.Cast(value, to=ir.F32Type.get(), saturate=True).output


def _narrow(indices: ir.Value) -> ir.Value:
    return nn.Cast(indices, to=ir.IntegerType.get_signless(32), saturate=True).output


def _from_front(indices: ir.Value, size: int) -> ir.Value:
    """index + size * min(max(-index, 0), 1), as float32, which is exact up to EXACT"""
    numbers = as_numbers(indices)
    below = nn.Clamp(nn.Neg(numbers).output, min=0.0, max=1.0).output
    return nn.Add(numbers, times(below, size)).output


def _is_from_front(indices: ir.Value) -> bool:
    """Whether indices are what `_from_front` makes, narrowed."""
    for kind, operand in ((nn.Cast, 0), (nn.Add, 1), (nn.Mul, 0), (nn.Clamp, 0), (nn.Neg, 0)):
        if not isinstance(indices, ir.OpResult) or not isinstance(indices.owner.opview, kind):
            return False
        indices = indices.owner.operands[operand]
    return True


@pattern(nn.Gather)
def gather(op: nn.Gather, rewriter: Rewriter) -> Match:
    """Indices of 32 bits, counted from the front."""
    size, known = shape_of(op.input)[op.axis], nn.constant_value(op.indices)
    if size is None or _is_from_front(op.indices):
        return NO_MATCH
    if known is not None:
        front = np.where(known < 0, known + size, known).astype(np.int32)
        if known.dtype == np.int32 and (front == known).all():
            return NO_MATCH
        indices = nn.Constant(value=front).output
    elif size > EXACT:
        return NO_MATCH
    else:
        indices = _narrow(_from_front(op.indices, size))
    return rewriter.replace(op, nn.Gather(op.input, indices, axis=op.axis, batch_dims=op.batch_dims).output)


@pattern(nn.GatherElements)
def gather_elements(op: nn.GatherElements, rewriter: Rewriter) -> Match:
    """Elements of the flat tensor, each at its own position but for the axis."""
    if not (is_static(op.input) and is_static(op.indices)) or math.prod(static_shape(op.input)) > EXACT:
        return NO_MATCH
    shape = static_shape(op.input)
    axis = op.axis % len(shape)
    steps = [math.prod(shape[i + 1 :]) for i in range(len(shape))]
    grid = np.indices(static_shape(op.indices))
    base = sum(grid[i] * step for i, step in enumerate(steps) if i != axis) + np.zeros_like(grid[0])
    known = nn.constant_value(op.indices)
    if known is not None:
        front = np.where(known < 0, known + shape[axis], known)
        places = nn.Constant(value=(base + front * steps[axis]).astype(np.int32)).output
    else:
        moved = times(_from_front(op.indices, shape[axis]), steps[axis])
        places = _narrow(nn.Add(moved, nn.Constant(value=base.astype(np.float32)).output).output)
    flat = nn.Reshape(op.input, shape=(-1,)).output
    return rewriter.replace(op, nn.Gather(flat, places, axis=0, batch_dims=0).output)


@pattern(nn.Pad)
def pad(op: nn.Pad, rewriter: Rewriter) -> Match:
    """Indices of what is repeated, along one axis after the other: for elements of 8 bytes, which few machines pad."""
    rank, value = len(shape_of(op.input)), op.input
    if dtype_of(value).itemsize < 8 or op.mode in ("constant", "wrap") or not is_static(value) or min(op.padding) < 0:
        return NO_MATCH
    for axis, amounts in enumerate(zip(op.padding[:rank], op.padding[rank:], strict=True)):
        if any(amounts):
            places = kernels.pad(np.arange(static_shape(value)[axis]), padding=amounts, mode=op.mode, value=0)
            indices = nn.Constant(value=places.astype(np.int32)).output
            value = nn.Gather(value, indices, axis=axis, batch_dims=0).output
    return rewriter.replace(op, value)


@pattern(nn.Trilu)
def trilu(op: nn.Trilu, rewriter: Rewriter) -> Match:
    """Elements of the flat tensor, and a zero behind them: for elements that the machine only moves."""
    if dtype_of(op.input) == np.float32 or not is_static(op.input):
        return NO_MATCH
    return rewriter.replace(op, gathered_triangle(op))


def gathered_triangle(op: nn.Trilu) -> ir.Value:
    """The triangle as elements of the flat tensor, and of a zero behind them."""
    shape = static_shape(op.input)
    count = math.prod(shape)
    kept = (np.triu if op.upper else np.tril)(np.ones(shape[-2:], bool), op.k)
    places = np.where(kept, np.arange(count).reshape(shape), count).astype(np.int32)
    zero = nn.Constant(value=np.zeros(1, dtype_of(op.input))).output
    flat = nn.concat([nn.Reshape(op.input, shape=(-1,)).output, zero], 0)
    return nn.Gather(flat, nn.Constant(value=places).output, axis=0, batch_dims=0).output


@pattern(nn.GatherNd)
def gather_nd(op: nn.GatherNd, rewriter: Rewriter) -> Match:
    """Constant tuples of 32 bits, counted from the front."""
    indices = nn.constant_value(op.indices)
    if indices is None or not is_static(op.input):
        return NO_MATCH
    sizes = np.array(static_shape(op.input)[op.batch_dims :][: indices.shape[-1]])
    front = np.where(indices < 0, indices + sizes, indices).astype(np.int32)
    if indices.dtype == np.int32 and (front == indices).all():
        return NO_MATCH
    return rewriter.replace(op, nn.GatherNd(op.input, nn.Constant(value=front).output, batch_dims=op.batch_dims).output)


@pattern(nn.OneHot)
def one_hot(op: nn.OneHot, rewriter: Rewriter) -> Match:
    """The second value where the place along the new axis is the index, else the first."""
    shape = shape_of(op.output)
    if dtype_of(op.values) != np.float32 or dtype_of(op.indices).kind not in "iu":
        return NO_MATCH
    axis = op.axis % len(shape)
    front = nn.Unsqueeze(_from_front(op.indices, op.depth), axes=(axis,)).output
    places = np.arange(op.depth, dtype=np.float32).reshape([-1 if i == axis else 1 for i in range(len(shape))])
    off, on = (nn.Slice(op.values, starts=(i,), ends=(i + 1,), axes=(0,), steps=(1,)).output for i in range(2))
    return rewriter.replace(op, nn.Where(nn.Equal(front, nn.Constant(value=places).output).output, on, off).output)


@pattern(nn.Hardmax)
def hardmax(op: nn.Hardmax, rewriter: Rewriter) -> Match:
    """1 where the index is that of the first maximum: the machine's own function marks all that are equal."""
    shape = shape_of(op.input)
    axis = op.axis % len(shape)
    if shape[axis] is None:
        return NO_MATCH
    first = nn.ArgReduce(op.input, kind="argmax", axis=axis, keepdims=True, select_last_index=False).output
    places = np.arange(static_shape(op.input)[axis]).reshape([-1 if i == axis else 1 for i in range(len(shape))])
    return rewriter.replace(op, as_numbers(nn.Equal(first, nn.Constant(value=places).output).output))


@pattern(nn.Topk)
def topk(op: nn.Topk, rewriter: Rewriter) -> Match:
    """The first of the best, then the first of the best without it, ...: the machine takes equal ones in any order."""
    shape = shape_of(op.input)
    axis = op.axis % len(shape)
    size = shape[axis]
    if dtype_of(op.input) != np.float32 or size is None or not 0 < op.k <= TOPK_LIMIT:
        return NO_MATCH
    kind, out = ("max", -np.inf) if op.largest else ("min", np.inf)
    places = nn.Constant(value=np.arange(size).reshape([-1 if i == axis else 1 for i in range(len(shape))])).output
    rest, values, indices = op.input, [], []
    for _ in range(op.k):
        index = nn.ArgReduce(rest, kind=f"arg{kind}", axis=axis, keepdims=True, select_last_index=False).output
        values.append(nn.Reduce(rest, kind=kind, axes=(axis,), keepdims=True).output)
        indices.append(index)
        rest = nn.Where(nn.Equal(index, places).output, scalar(out, rest), rest).output
    return rewriter.replace(op, nn.concat(values, axis), nn.concat(indices, axis))


PATTERNS: tuple[Pattern[Any], ...] = (gather, gather_elements, gather_nd, pad, trilu, one_hot, hardmax, topk)
