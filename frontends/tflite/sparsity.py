"""From the elements that a sparse constant stores to all of them.

Dimensions, and blocks of those, are stored in an order of their own: a dense one has all its indices, of a sparse one a
segment for each index before it says which.
"""

from typing import Any

import numpy as np

import tflite

from ...dialects.tensors import Array

LIMIT = 1 << 28
"""Elements of the largest sparse tensor."""
_VECTORS = {
    tflite.SparseIndexVector.Int32Vector: tflite.Int32Vector,
    tflite.SparseIndexVector.Uint16Vector: tflite.Uint16Vector,
    tflite.SparseIndexVector.Uint8Vector: tflite.Uint8Vector,
}


def densified(stored: Array, shape: tuple[int, ...], sparsity: Any) -> Array:
    """The constant with zeros in it. Raises `ValueError` or `IndexError` for parameters that cannot be.

    Source: FormatConverter in tensorflow/lite/kernels/internal/utils/sparsity_format_converter.cc.
    """
    rank, limit = len(shape), int(np.prod(shape))
    order = [sparsity.TraversalOrder(i) for i in range(sparsity.TraversalOrderLength())]
    blocked = [sparsity.BlockMap(i) for i in range(sparsity.BlockMapLength())]
    if limit > LIMIT:
        raise ValueError(f"a sparse tensor has {limit} elements")
    if sorted(order) != list(range(rank + len(blocked))) or len(order) != sparsity.DimMetadataLength():
        raise ValueError("the dimensions of a sparse tensor are no order")
    if any(not 0 <= axis < rank for axis in blocked):
        raise ValueError("the blocks of a sparse tensor lie along unknown dimensions")
    place, indices, sizes = np.zeros(1, np.int64), np.zeros((len(order), 1), np.int64), {}
    for level, axis in enumerate(order):
        dimension = sparsity.DimMetadata(level)
        if dimension.Format() == tflite.DimensionType.DENSE:
            sizes[axis] = dimension.DenseSize()
            counts, starts = np.full(len(place), sizes[axis]), place * sizes[axis]
        else:
            segments = _integers(dimension.ArraySegmentsType(), dimension.ArraySegments())
            starts, counts = segments[place], segments[place + 1] - segments[place]
        if counts.min(initial=0) < 0 or counts.sum() > limit:
            raise ValueError("a sparse tensor has more elements than its shape")
        within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        place, indices = np.repeat(starts, counts) + within, np.repeat(indices, counts, axis=1)
        if dimension.Format() != tflite.DimensionType.DENSE:
            indices[level] = _integers(dimension.ArrayIndicesType(), dimension.ArrayIndices())[place]
        else:
            indices[level] = within
    whole = {axis: indices[level] for level, axis in enumerate(order)}
    spots = [whole[axis] for axis in range(rank)]
    for block, axis in enumerate(blocked):
        spots[axis] = spots[axis] * sizes[rank + block] + whole[rank + block]
    result = np.zeros(shape, stored.dtype)
    result[tuple(spots)] = stored[place]
    return result


def _integers(kind: int, table: Any) -> Array:
    """One of the vectors that a dimension's indices may be stored in."""
    vector = _VECTORS[kind]()
    vector.Init(table.Bytes, table.Pos)
    values: Array = vector.ValuesAsNumpy()
    return values.astype(np.int64)
