"""Looking up rows by numbers, and the different numbers that there are."""

import math

import numpy as np

from ...dialects import nn
from ...dialects.mlir import ir
from ..builder import Unsupported
from ..converter import Form
from ..distinct import distinct
from .elementwise import cast_to
from .loader import DTYPES
from .node import Node, Output, converter
from .windows import extents

MOST_WEIGHTS = 1 << 20
"""Of the matrix that sums rows."""
SUM, MEAN, SQRTN = range(3)
"""The kinds of CombinerType in the schema."""


@converter("EMBEDDING_LOOKUP", builds=Form(nn.Gather, "by computed indices"))
def embedding_lookup(node: Node) -> Output:
    return nn.Gather(node.input(1), node.input(0), axis=0, batch_dims=0).output


@converter(
    "EMBEDDING_LOOKUP_SPARSE",
    builds=(nn.Slice, nn.Equal, nn.Where, nn.Gather, nn.Reshape, nn.Matmul),
    forms={"means": (nn.Reduce, nn.Div), "places of several dimensions": (nn.Mul, nn.Add), "lengths": nn.Sqrt},
)
def embedding_lookup_sparse(node: Node) -> Output:
    """Weighted sums of rows. The shape must be constant, and how many rows there are be known: a product with a matrix
    that holds each weight at its result."""
    (combiner,) = node.options("EmbeddingLookupSparseOptions", "Combiner")
    sizes, (count, depth) = node.ints(2), extents(node.input(1))
    if len(sizes) != depth or depth < 2:
        raise Unsupported(f"indices of {depth} dimensions for a shape of {len(sizes)} are not supported")
    shape, (_, *inner) = sizes[:-1], extents(node.input(4))
    rows = math.prod(shape)
    if rows * count > MOST_WEIGHTS or combiner not in (SUM, MEAN, SQRTN):
        raise Unsupported(f"{rows} sums of {count} rows, or combiner {combiner}, are not supported")
    places = _column(node, 0, math.prod(shape[1:]))
    for axis in range(1, depth - 1):
        places = nn.Add(places, _column(node, axis, math.prod(shape[axis + 1 :]))).output
    here = nn.Equal(nn.Reshape(places, shape=(1, count)).output, node.new_constant(np.arange(rows)[:, None], np.int32))
    weights = nn.Where(here.output, node.input(3), node.like(0, node.input(3))).output
    found = nn.Gather(node.input(4), node.input(0), axis=0, batch_dims=0).output
    total = nn.Matmul(weights, nn.Reshape(found, shape=(count, math.prod(inner))).output).output
    if combiner != SUM:
        kind = "sum" if combiner == MEAN else "l2"
        whole = nn.Reduce(weights, kind=kind, axes=(1,), keepdims=True).output
        none = nn.Equal(whole, node.like(0, whole)).output
        total = nn.Div(total, nn.Where(none, node.like(1, whole), whole).output).output
    return nn.Reshape(total, shape=(*shape, *inner)).output


def _column(node: Node, axis: int, stride: int) -> ir.Value:
    """What the indices of a dimension add to the number of a result."""
    column = nn.Slice(node.input(1), starts=(axis,), ends=(axis + 1,), axes=(1,), steps=(1,)).output
    return column if stride == 1 else nn.Mul(column, node.like(stride, column)).output


@converter(
    "HASHTABLE_LOOKUP",
    builds=(nn.Unsqueeze, nn.Equal, nn.Cast, nn.ArgReduce, nn.Reduce, nn.Greater, nn.Gather, nn.Where),
)
def hashtable_lookup(node: Node) -> Output:
    """Rows by their keys; zeros where there is no such key."""
    keys, table = node.input(1), node.input(2)
    wanted = nn.Unsqueeze(node.input(0), axes=(1,)).output
    same = cast_to(nn.Equal(wanted, keys).output, "float32")
    place = nn.ArgReduce(same, kind="argmax", axis=1, keepdims=False, select_last_index=False).output
    found = nn.Greater(nn.Reduce(same, kind="max", axes=(1,), keepdims=False).output, node.like(0.5, same)).output
    rows = nn.Gather(table, place, axis=0, batch_dims=0).output
    rank = node.rank(2)
    wide = nn.Unsqueeze(found, axes=range(1, rank)).output if rank > 1 else found
    return [nn.Where(wide, rows, node.like(0, rows)).output, cast_to(found, "uint8")]


@converter(
    "UNIQUE",
    builds=(
        *(nn.Reshape, nn.Unsqueeze, nn.ShapeOf, nn.Range, nn.Equal, nn.Cast),
        *(nn.Reduce, nn.ArgReduce, nn.NonZero, nn.Gather),
    ),
)
def unique(node: Node) -> Output:
    """In the order of their first places."""
    (kind,) = node.options("UniqueOptions", "IdxOutType")
    values, _, numbers, _ = distinct(node.builder, node.input(0), 0, in_order=False)
    return [values, cast_to(numbers, DTYPES.get(kind, ""))]
