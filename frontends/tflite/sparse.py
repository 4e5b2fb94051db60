"""Constants of which a TFLite file holds only some elements, and where they are.

The dimensions are walked in an order that the file chooses; one may be walked as blocks, and then within a block. Each
of these levels has either all of its places, or lists of those that are there, a list for every place of the levels
above. Entry: a table of an untrusted file. Exit: all elements, or ValueError.
Source: tensorflow/lite/schema/schema.fbs, SparsityParameters.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tflite

from ...dialects.tensors import Array

MOST_ELEMENTS = 1 << 25
"""Of one constant: a few bytes of a file can stand for any number of zeros."""
INDICES = {
    tflite.SparseIndexVector.Int32Vector: tflite.Int32Vector,
    tflite.SparseIndexVector.Uint16Vector: tflite.Uint16Vector,
    tflite.SparseIndexVector.Uint8Vector: tflite.Uint8Vector,
}


@dataclass(frozen=True)
class Level:
    """How many places a level has, and, if not all are there, the lists: where each begins, and their places."""

    size: int
    segments: Array | None = None
    indices: Array | None = None

    def below(self, count: int) -> tuple[Array, Array]:
        """Of `count` places of the levels above, which one each place here belongs to, and its number."""
        if self.segments is None or self.indices is None:
            return np.repeat(np.arange(count), self.size), np.tile(np.arange(self.size), count)
        lengths = np.diff(self.segments)
        if len(lengths) != count or self.segments[0] != 0 or lengths.min(initial=0) < 0:
            raise ValueError("the lists of a sparse tensor do not follow one another")
        if self.segments[-1] != len(self.indices) or not _within(self.indices, self.size):
            raise ValueError("a sparse tensor has elements outside of its shape")
        return np.repeat(np.arange(count), lengths), self.indices


def dense(table: Any, raw: bytes, dtype: np.dtype[Any], shape: tuple[int, ...]) -> Array:
    """All elements of a constant of which the file holds `raw`; those that it does not hold are zeros."""
    order = [int(axis) for axis in table.TraversalOrderAsNumpy()] if table.TraversalOrderLength() else []
    blocked = [int(axis) for axis in table.BlockMapAsNumpy()] if table.BlockMapLength() else []
    rank = len(shape)
    if sorted(order) != list(range(rank + len(blocked))) or table.DimMetadataLength() != len(order):
        raise ValueError("a sparse tensor does not say how its dimensions are walked")
    if len(set(blocked)) < len(blocked) or not _within(np.asarray(blocked, np.int64), rank):
        raise ValueError("a sparse tensor has blocks along dimensions that it does not have")
    if math.prod(shape) > MOST_ELEMENTS:
        raise ValueError(f"a sparse tensor has more than {MOST_ELEMENTS} elements")
    stored = {axis: table.DimMetadata(number) for number, axis in enumerate(order)}
    sizes, steps = _walk(shape, blocked, [stored[rank + number].DenseSize() for number in range(len(blocked))])
    places = np.zeros(1, np.int64)
    for axis in order:
        above, numbers = _level(stored[axis], sizes[axis]).below(len(places))
        places = places[above] + numbers * steps[axis]
    elements = np.zeros(math.prod(shape), dtype)
    elements[places] = np.frombuffer(raw, dtype).reshape(len(places))
    return elements.reshape(shape)


def _walk(shape: tuple[int, ...], blocked: Sequence[int], blocks: Sequence[int]) -> tuple[list[int], list[int]]:
    """Places of each dimension, counted in blocks where it has some, and then of each block; and how many elements lie
    between one place and the next."""
    sizes, steps = list(shape), [math.prod(shape[axis + 1 :]) for axis in range(len(shape))]
    for axis, size in zip(blocked, blocks, strict=True):
        if size < 1 or sizes[axis] % size:
            raise ValueError(f"a sparse tensor has blocks of {size} along {sizes[axis]} elements")
        sizes[axis] //= size
        steps.append(steps[axis])
        steps[axis] *= size
    return [*sizes, *blocks], steps


def _level(table: Any, size: int) -> Level:
    if table.Format() == tflite.DimensionType.DENSE:
        if table.DenseSize() != size:
            raise ValueError(f"a sparse tensor has {table.DenseSize()} places where its shape has {size}")
        return Level(size)
    segments = _numbers(table.ArraySegmentsType(), table.ArraySegments())
    indices = _numbers(table.ArrayIndicesType(), table.ArrayIndices())
    if not len(segments):
        raise ValueError("a sparse tensor has no lists")
    return Level(size, segments, indices)


def _numbers(kind: int, union: Any) -> Array:
    vector = INDICES[kind]()
    vector.Init(union.Bytes, union.Pos)
    return np.asarray(vector.ValuesAsNumpy() if vector.ValuesLength() else (), np.int64)


def _within(numbers: Array, size: int) -> bool:
    return bool(((numbers >= 0) & (numbers < size)).all())
