"""TFLite operators that put elements at places that indices name, or find places."""

import math
from collections.abc import Sequence

import numpy as np

from ...dialects import nn
from ...dialects.mlir import ir
from ...dialects.nn.extents import as_int64
from ...dialects.tensors import Array, dtype_of, element_type, shape_of
from ..builder import Unsupported
from .node import STATE_LIMIT, Node, Output, converter

SEGMENTS: dict[str, str] = {"SUM": "add", "PROD": "mul", "MAX": "max", "MIN": "min"}


def _known(node: Node, index: int) -> tuple[int, ...]:
    shape = node.shape(index)
    if None in shape:
        raise Unsupported(f"the shape of input {index} is not known", "give it with --shape")
    return tuple(dim or 0 for dim in shape)


def _bounded(shape: Sequence[int]) -> Sequence[int]:
    """A shape that a file states, unless it is too large to be meant."""
    if math.prod(shape) > STATE_LIMIT:
        raise Unsupported(f"{math.prod(shape)} elements are more than {STATE_LIMIT}")
    return shape


def _filled(node: Node, shape: Sequence[int], number: float, like: ir.Value) -> ir.Value:
    return node.new_constant(np.full(_bounded(shape), number, dtype_of(like)))


@converter("SCATTER_ND", builds=(nn.Cast, nn.ScatterNd))
def scatter_nd(node: Node) -> Output:
    """Zeros, and what is put to one place is added up."""
    updates = node.input(1)
    zeros = _filled(node, node.ints(2), 0, updates)
    places = nn.constant_value(node.input(0))
    alone = places is not None and len(np.unique(rows := places.reshape(-1, places.shape[-1]), axis=0)) == len(rows)
    reduction = "none" if alone or dtype_of(updates).kind == "b" else "add"
    return nn.ScatterNd(zeros, as_int64(node.input(0)), updates, reduction=reduction).output


@converter("SPARSE_TO_DENSE", builds=(nn.Cast, nn.Reshape, nn.Expand, nn.ScatterNd))
def sparse_to_dense(node: Node) -> Output:
    """Indices are a scalar, a vector for a result of one dimension, or rows."""
    places, shape = as_int64(node.input(0)), node.ints(1)
    count = (_known(node, 0) or (1,))[0]
    default = nn.Expand(node.input(3), shape=_bounded(shape)).output
    places = nn.Reshape(places, shape=(count, len(shape))).output
    values = nn.Expand(node.input(2), shape=(count,)).output if node.rank(2) == 0 else node.input(2)
    return nn.ScatterNd(node.builder.folded(default), places, node.builder.folded(values), reduction="none").output


@converter("SEGMENT_SUM", builds=nn.ScatterNd)
def segment_sum(node: Node) -> Output:
    ids = node.constant(1).astype(np.int64)
    data, rest = node.input(0), _known(node, 0)[1:]
    zeros = _filled(node, (int(ids[-1]) + 1 if ids.size else 0, *rest), 0, data)
    return nn.ScatterNd(zeros, node.new_constant(ids[:, None]), data, reduction="add").output


@converter(
    *(f"UNSORTED_SEGMENT_{kind}" for kind in SEGMENTS),
    builds=(nn.Cast, nn.Less, nn.Where, nn.Reshape, nn.ScatterNd, nn.Slice),
)
def unsorted_segment(node: Node) -> Output:
    """What has a negative number is left out: it goes to a row of its own, which is cut off."""
    kind, data = node.operator.rpartition("_")[2], node.input(0)
    (count,) = node.ints(2)
    ids, numbers = _known(node, 1), as_int64(node.input(1))
    rest, zero = _known(node, 0)[len(ids) :], node.like(0, numbers)
    dtype = dtype_of(data)
    info = np.finfo(dtype) if dtype.kind == "f" else np.iinfo(dtype)
    first = {"SUM": 0, "PROD": 1, "MAX": info.min, "MIN": info.max}[kind]
    kept = nn.Where(nn.Less(numbers, zero).output, node.like(count, numbers), numbers).output
    total = int(np.prod(ids))
    rows, places = nn.Reshape(data, shape=(total, *rest)).output, nn.Reshape(kept, shape=(total, 1)).output
    start = _filled(node, (count + 1, *rest), first, data)
    result = nn.ScatterNd(start, places, rows, reduction=SEGMENTS[kind]).output
    return nn.Slice(result, starts=(0,), ends=(count,), axes=(0,), steps=(1,)).output


@converter("DYNAMIC_UPDATE_SLICE", builds=(nn.Cast, nn.Maximum, nn.Minimum, nn.Add, nn.ScatterNd))
def dynamic_update_slice(node: Node) -> Output:
    """The slice is moved so far that it fits."""
    value, update, starts = node.input(0), node.input(1), as_int64(node.input(2))
    shape, size = _known(node, 0), _known(node, 1)
    if 0 in size:
        return value
    room = node.new_constant([a - b for a, b in zip(shape, size, strict=True)], np.int64)
    starts = nn.Maximum(nn.Minimum(starts, room).output, node.like(0, starts)).output
    grid = node.new_constant(np.moveaxis(np.indices(_bounded(size)), 0, -1), np.int64)
    places = node.builder.folded(nn.Add(grid, starts).output)
    return nn.ScatterNd(value, places, update, reduction="none").output


@converter("WHERE", builds=nn.NonZero)
def where(node: Node) -> Output:
    """The places of what is not zero, a row each."""
    return nn.Transpose(nn.NonZero(node.input(0)).output, permutation=(1, 0)).output


@converter("MATRIX_DIAG", builds=(nn.Unsqueeze, nn.Where))
def matrix_diag(node: Node) -> Output:
    value, size = node.input(0), _known(node, 0)[-1]
    _bounded((size, size))
    rows = nn.Unsqueeze(value, axes=(node.rank(),)).output
    return nn.Where(node.new_constant(np.eye(size, dtype=bool)), rows, node.like(0, value)).output


@converter("MATRIX_SET_DIAG", builds=(nn.Unsqueeze, nn.Where), forms={"matrices that are not square": nn.Pad})
def matrix_set_diag(node: Node) -> Output:
    (*_, height, width), rank = _known(node, 0), node.rank()
    _bounded((height, width))
    diagonal = node.input(1)
    missing = width - (shape_of(diagonal)[-1] or 0)
    if missing > 0:
        padding = (0,) * (2 * rank - 3) + (missing,)
        diagonal = nn.Pad(diagonal, padding=padding, mode="constant", value=0.0).output
    columns = nn.Unsqueeze(diagonal, axes=(rank - 2,)).output
    return nn.Where(node.new_constant(np.eye(height, width, dtype=bool)), columns, node.input(0)).output


@converter("REVERSE_SEQUENCE", builds=nn.ReverseSequence, forms={"lengths of 32 bits": nn.Cast})
def reverse_sequence(node: Node) -> Output:
    time, batch = node.options("ReverseSequenceOptions", "SeqDim", "BatchDim")
    return nn.ReverseSequence(node.input(0), as_int64(node.input(1)), batch_axis=batch, time_axis=time).output


@converter("BUCKETIZE", builds=(nn.Unsqueeze, nn.GreaterEqual, nn.Cast, nn.Reduce), integers=True)
def bucketize(node: Node) -> Output:
    """How many boundaries a number is not below."""
    (count,) = node.options("BucketizeOptions", "BoundariesLength")
    bounds: Array = node.options("BucketizeOptions", "BoundariesAsNumpy")[0] if count else np.zeros(0, np.float32)
    value = nn.Unsqueeze(node.input(0), axes=(node.rank(),)).output
    if dtype_of(value).kind != "f":
        value = nn.Cast(value, to=element_type(np.float32), saturate=True).output
    above = nn.GreaterEqual(value, node.new_constant(bounds, dtype_of(value))).output
    ones = nn.Cast(above, to=element_type(np.int32), saturate=True).output
    return nn.Reduce(ones, kind="sum", axes=(node.rank(),), keepdims=False).output


@converter("BROADCAST_ARGS")
def broadcast_args(node: Node) -> Output:
    both = (node.ints(0), node.ints(1))
    return node.new_constant(np.broadcast_shapes(*both), dtype_of(node.input(0)))


@converter("ONE_HOT", builds=(nn.Unsqueeze, nn.Equal, nn.Where))
def one_hot(node: Node) -> Output:
    """Whatever is not in 0..depth-1 is off, negative indices too: `nn.one_hot` would count those from the end."""
    (axis,) = node.options("OneHotOptions", "Axis")
    (depth,) = node.ints(1)
    axis = axis % (node.rank() + 1)
    places = np.arange(depth).reshape(-1, *(1,) * (node.rank() - axis))
    indices = nn.Unsqueeze(node.input(0), axes=(axis,)).output
    hit = nn.Equal(indices, node.new_constant(places, dtype_of(indices))).output
    return nn.Where(hit, node.input(2), node.input(3)).output
