"""StableHLO's gathering and scattering of slices, whose dimensions lie anywhere in operand, indices and result."""

import math
from collections.abc import Sequence

import numpy as np

from ...dialects import nn
from ...dialects.mlir import ir
from ...dialects.nn.extents import as_int64
from ...dialects.tensors import element_type, shape_of
from ..builder import Unsupported
from .node import STATE_LIMIT, Node, Output, converter
from .windows import combination, extents

REDUCTIONS = {None: "none", "sum": "add", "prod": "mul", "min": "min", "max": "max"}
"""What `nn.scatter_nd` calls the kinds of `nn.reduce`."""


def _elements(node: Node, starts: ir.Value, sizes: Sequence[int]) -> ir.Value:
    """The index tuples of all elements of slices: starts' dimensions but the last, those of a slice, the tuple."""
    rank, depth = len(shape_of(starts)), len(sizes)
    if math.prod(sizes) > STATE_LIMIT:
        raise Unsupported(f"slices of {math.prod(sizes)} elements are larger than {STATE_LIMIT}")
    grid = node.new_constant(np.moveaxis(np.indices(sizes), 0, -1), np.int64)
    corners = nn.Unsqueeze(starts, axes=range(rank - 1, rank - 1 + depth)).output
    return node.builder.folded(nn.Add(node.builder.folded(corners), grid).output)


def _starts(node: Node, index: int, axis: int) -> ir.Value:
    """The indices of slices, with their tuples in the last dimension."""
    starts, rank = as_int64(node.input(index)), node.rank(index)
    if not 0 <= axis < rank:
        raise Unsupported(f"indices of {rank} dimensions have no dimension {axis} that lists those of a place")
    return _ordered(node, starts, [*(i for i in range(rank) if i != axis), axis])


def _ordered(node: Node, value: ir.Value, order: Sequence[int]) -> ir.Value:
    return node.builder.folded(nn.Transpose(value, permutation=order).output)


@converter(
    "STABLEHLO_GATHER",
    builds=(nn.Cast, nn.Minimum, nn.Maximum, nn.Unsqueeze, nn.Add, nn.GatherNd, nn.Squeeze),
    forms={"parts of dimensions that no index names": nn.Slice},
)
def gather(node: Node) -> Output:
    """Slices are moved so far that they fit."""
    table = "StablehloGatherOptions"
    offsets, collapsed, named, sizes = node.vectors(
        table, "OffsetDims", "CollapsedSliceDims", "StartIndexMap", "SliceSizes"
    )
    (axis,) = node.options(table, "IndexVectorDim")
    value, shape = node.input(0), extents(node.input(0))
    rest = [dim for dim in range(len(shape)) if dim not in named]
    if any(sizes[dim] != shape[dim] for dim in rest):
        ends, steps = [sizes[dim] for dim in rest], (1,) * len(rest)
        value = nn.Slice(value, starts=(0,) * len(rest), ends=ends, axes=rest, steps=steps).output
    starts = _starts(node, 1, axis)
    room = node.new_constant([shape[dim] - sizes[dim] for dim in named], np.int64)
    starts = nn.Maximum(nn.Minimum(starts, room).output, node.like(0, starts)).output
    places = _elements(node, node.builder.folded(starts), [sizes[dim] for dim in named])
    found = nn.GatherNd(_ordered(node, value, [*named, *rest]), places, batch_dims=0).output
    outer = len(shape_of(starts)) - 1
    dims = [*named, *rest]
    gone = [outer + dims.index(dim) for dim in collapsed]
    found = nn.Squeeze(found, axes=gone).output if gone else found
    kept = [dim for dim in dims if dim not in collapsed]
    batches = [dim for dim in range(outer + len(kept)) if dim not in offsets]
    source = dict(zip(batches, range(outer), strict=True))
    source |= zip(offsets, (outer + kept.index(dim) for dim in sorted(kept)), strict=True)
    order = [source[dim] for dim in range(outer + len(kept))]
    return nn.Transpose(found, permutation=order).output


@converter(
    "STABLEHLO_SCATTER",
    builds=(nn.Reshape, nn.Pad, nn.ScatterNd, nn.Slice),
    forms={
        "indices that are computed": (
            *(nn.Cast, nn.Unsqueeze, nn.Add, nn.Less, nn.GreaterEqual, nn.LogicalAnd, nn.Reduce, nn.Greater, nn.Where),
        )
    },
)
def scatter(node: Node) -> Output:
    """What would lie outside is left out."""
    table = "StablehloScatterOptions"
    inner, inserted, named = node.vectors(table, "UpdateWindowDims", "InsertedWindowDims", "ScatterDimsToOperandDims")
    axis, graph = node.options(table, "IndexVectorDim", "UpdateComputationSubgraphIndex")
    reduction, shape, given = REDUCTIONS[combination(node, graph)], extents(node.input(0)), extents(node.input(2))
    source = dict(zip((dim for dim in range(len(shape)) if dim not in inserted), inner, strict=True))
    sizes = [given[source[dim]] if dim in source else 1 for dim in range(len(shape))]
    rest = [dim for dim in range(len(shape)) if dim not in named]
    partial = next((dim for dim in rest if sizes[dim] != shape[dim]), None)
    if partial is not None:
        raise Unsupported(f"updates of a part of dimension {partial}, which no index names, are not supported")
    dims = [*named, *rest]
    outer = [dim for dim in range(len(given)) if dim not in inner]
    places = _elements(node, _starts(node, 1, axis), [sizes[dim] for dim in named])
    places = _or_behind(node, places, [shape[dim] for dim in named])
    updates = _ordered(node, node.input(2), [*outer, *(source[dim] for dim in dims if dim in source)])
    updates = nn.Reshape(updates, shape=[*(given[dim] for dim in outer), *(sizes[dim] for dim in dims)]).output
    value = _ordered(node, node.input(0), dims)
    longer = nn.Pad(value, padding=[int(i == len(dims)) for i in range(2 * len(dims))], mode="constant", value=0.0)
    result = nn.ScatterNd(longer.output, places, updates, reduction=reduction).output
    result = nn.Slice(result, starts=(0,), ends=(shape[dims[0]],), axes=(0,), steps=(1,)).output
    return nn.Transpose(result, permutation=[dims.index(dim) for dim in range(len(dims))]).output


def _or_behind(node: Node, places: ir.Value, sizes: Sequence[int]) -> ir.Value:
    """Places, or that behind the end of the first dimension for those that are outside."""
    behind = np.array([sizes[0], *(0 for _ in sizes[1:])], np.int64)
    known = nn.constant_value(places)
    if known is not None:
        inside = ((known >= 0) & (known < np.array(sizes))).all(axis=-1, keepdims=True)
        return node.new_constant(np.where(inside, known, behind))
    bounds = node.new_constant(sizes, np.int64)
    fits = nn.LogicalAnd(nn.Less(places, bounds).output, nn.GreaterEqual(places, node.like(0, places)).output).output
    numbers = nn.Cast(fits, to=element_type(np.float32), saturate=True).output
    least = nn.Reduce(numbers, kind="min", axes=(-1,), keepdims=True).output
    inside = nn.Greater(least, node.like(0.5, least)).output
    return nn.Where(inside, places, node.new_constant(behind)).output
