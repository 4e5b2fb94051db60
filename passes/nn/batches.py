"""What moves between batch and pixels, and gathers batch by batch, as reshapes, transposes and plain gathering."""

import math

import numpy as np

from ...dialects import nn
from ...dialects.tensors import dtype_of, element_type, is_static, static_shape
from ..rewriter import NO_MATCH, Match, Rewriter, pattern


@pattern(nn.SpaceToBatch)
def space_to_batch(op: nn.SpaceToBatch, rewriter: Rewriter) -> Match:
    """Padding, a reshape to blocks, a transpose, a reshape."""
    if not is_static(op.input):
        return NO_MATCH
    rank, value = len(op.block), op.input
    if any(op.padding):
        amounts = (0, 0, *op.padding[:rank], 0, 0, *op.padding[rank:])
        value = nn.Pad(value, padding=amounts, mode="constant", value=0.0).output
    n, c, *sizes = static_shape(value)
    outer = [size // block for size, block in zip(sizes, op.block, strict=True)]
    blocks = nn.Reshape(
        value, shape=(n, c, *(one for pair in zip(outer, op.block, strict=True) for one in pair))
    ).output
    order = (*(3 + 2 * i for i in range(rank)), 0, 1, *(2 + 2 * i for i in range(rank)))
    moved = nn.Transpose(blocks, permutation=order).output
    return rewriter.replace(op, nn.Reshape(moved, shape=(n * math.prod(op.block), c, *outer)).output)


@pattern(nn.BatchToSpace)
def batch_to_space(op: nn.BatchToSpace, rewriter: Rewriter) -> Match:
    """A reshape to blocks, a transpose, a reshape, a slice."""
    if not is_static(op.input):
        return NO_MATCH
    rank = len(op.block)
    n, c, *sizes = static_shape(op.input)
    batch = n // math.prod(op.block)
    blocks = nn.Reshape(op.input, shape=(*op.block, batch, c, *sizes)).output
    order = (rank, rank + 1, *(axis for i in range(rank) for axis in (rank + 2 + i, i)))
    full = [size * block for size, block in zip(sizes, op.block, strict=True)]
    whole = nn.Reshape(nn.Transpose(blocks, permutation=order).output, shape=(batch, c, *full)).output
    if not any(op.crops):
        return rewriter.replace(op, whole)
    ends = [size - crop for size, crop in zip(full, op.crops[rank:], strict=True)]
    axes = range(2, 2 + rank)
    return rewriter.replace(op, nn.Slice(whole, starts=op.crops[:rank], ends=ends, axes=axes, steps=(1,) * rank).output)


@pattern(nn.Gather)
def gather_in_batches(op: nn.Gather, rewriter: Rewriter) -> Match:
    """All batches as one, whose indices begin where their batch does."""
    if op.batch_dims == 0 or not (is_static(op.input) and is_static(op.indices)):
        return NO_MATCH
    shape, rank = static_shape(op.input), op.batch_dims
    axis = op.axis % len(shape)
    order = (*range(rank), axis, *(i for i in range(rank, len(shape)) if i != axis))
    batches, size = math.prod(shape[:rank]), shape[axis]
    rest = [shape[i] for i in order[rank + 1 :]]
    flat = nn.Reshape(nn.Transpose(op.input, permutation=order).output, shape=(batches * size, *rest)).output
    indices = nn.Cast(op.indices, to=element_type(np.int64), saturate=True).output
    if dtype_of(op.indices) == np.int64:
        indices = op.indices
    negative = nn.Less(indices, nn.Constant(value=np.int64(0)).output).output
    counted = nn.Where(negative, nn.Add(indices, nn.Constant(value=np.int64(size)).output).output, indices).output
    wanted = static_shape(op.indices)
    starts = (np.arange(batches) * size).reshape(*shape[:rank], *(1,) * (len(wanted) - rank))
    places = nn.Add(counted, nn.Constant(value=starts).output).output
    taken = nn.Gather(flat, places, axis=0, batch_dims=0).output
    # The indices' own dimensions go where the axis was: behind those before it.
    before, own = axis - rank, len(wanted) - rank
    back = (
        *range(rank),
        *(rank + own + i for i in range(before)),
        *(rank + i for i in range(own)),
        *(rank + own + i for i in range(before, len(rest))),
    )
    return rewriter.replace(op, nn.Transpose(taken, permutation=back).output)
