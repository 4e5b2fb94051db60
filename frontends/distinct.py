"""The different slices of a tensor along an axis; how many they are depends on the data."""

import numpy as np

from ..dialects import nn
from ..dialects.mlir import ir
from ..dialects.nn.extents import dims_of, extent_of, product, reshape
from ..dialects.tensors import element_type, shape_of
from .builder import NetworkBuilder

MOST = np.iinfo(np.int64).max


def places(condition: ir.Value) -> ir.Value:
    """Where a vector is true."""
    return nn.Reshape(nn.NonZero(condition).output, shape=(-1,)).output


def part(value: ir.Value, start: int, end: int) -> ir.Value:
    """Some elements of a vector."""
    return nn.Slice(value, starts=(start,), ends=(end,), axes=(0,), steps=(1,)).output


def ascending(value: ir.Value, count: ir.Value) -> tuple[ir.Value, ir.Value]:
    """A vector in order, and where its elements were."""
    top = nn.DynamicTopk(value, count, axis=0, largest=False, sorted=True)
    return top.output, top.indices


def distinct(builder: NetworkBuilder, value: ir.Value, axis: int, in_order: bool) -> list[ir.Value]:
    """The slices that differ, where each is first, which one each slice is, and how often each is there.

    They are in the order of their elements, or of their first places. Every slice is compared with every other one.
    """
    rank = len(shape_of(value))
    count = extent_of(value, axis)
    front = nn.Transpose(value, permutation=(axis, *(i for i in range(rank) if i != axis))).output
    rest = product(dims_of(value, [i for i in range(rank) if i != axis])) if rank > 1 else 1
    rows = reshape(front, [count, rest])
    size = nn.Reshape(dims_of(value, (axis,)), shape=()).output
    numbers = nn.Range(builder.constant(np.array(0)), size, builder.constant(np.array(1))).output
    first = places(nn.Equal(_first(_same(rows, rows), 1), numbers).output)
    different = nn.Gather(rows, first, axis=0, batch_dims=0).output
    if in_order:
        order = ascending(_ranks(different), dims_of(first, (0,)))[1]
        first, different = (nn.Gather(one, order, axis=0, batch_dims=0).output for one in (first, different))
    same = _same(different, rows)
    counts = nn.Reduce(same, kind="sum", axes=(1,), keepdims=False).output
    result = nn.Gather(value, first, axis=axis, batch_dims=0).output
    whole = nn.Cast(counts, to=element_type(np.int64), saturate=True).output
    return [result, first, _first(same, 0), whole]


def _as_float(condition: ir.Value) -> ir.Value:
    return nn.Cast(condition, to=element_type(np.float32), saturate=True).output


def _first(condition: ir.Value, axis: int) -> ir.Value:
    """The first 1 along an axis."""
    return nn.ArgReduce(condition, kind="argmax", axis=axis, keepdims=False, select_last_index=False).output


def _pairs(rows: ir.Value, others: ir.Value) -> tuple[ir.Value, ir.Value]:
    """Two matrices so that each row meets each of the others."""
    return nn.Unsqueeze(rows, axes=(1,)).output, nn.Unsqueeze(others, axes=(0,)).output


def _same(rows: ir.Value, others: ir.Value) -> ir.Value:
    """1 where a row (dimension 0) equals another one (dimension 1), else 0."""
    equal = _as_float(nn.Equal(*_pairs(rows, others)).output)
    return nn.Reduce(equal, kind="min", axes=(2,), keepdims=False).output


def _ranks(rows: ir.Value) -> ir.Value:
    """How many rows come before each in the order of words: the first elements that differ decide."""
    pairs = _pairs(rows, rows)
    unequal = _as_float(nn.NotEqual(*pairs).output)
    place = nn.ArgReduce(unequal, kind="argmax", axis=2, keepdims=True, select_last_index=False).output
    larger = nn.GatherElements(_as_float(nn.Greater(*pairs).output), place, axis=2).output
    return nn.Reduce(larger, kind="sum", axes=(1, 2), keepdims=False).output
