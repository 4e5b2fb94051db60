"""Products of batches of matrices, for machines that multiply one matrix by one other."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np

from ..dialects import nn
from ..dialects.tensors import static_shape
from .unsupported import Unsupported, floats

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Products:
    """What an nn.matmul consists of: products of `rows` x `depth` by `depth` x `columns`."""

    left: Shape
    right: Shape
    batch: Shape

    @classmethod
    def of(cls, op: nn.Matmul, most: int) -> "Products":
        """`Unsupported` when it is not of float32, or has more products than `most`."""
        floats(op.lhs, op.rhs)
        left, right = static_shape(op.lhs), static_shape(op.rhs)
        left = (1, *left) if len(left) == 1 else left
        right = (*right, 1) if len(right) == 1 else right
        if len(right) == 2:
            left = (math.prod(left[:-1]), left[-1])
        batch = np.broadcast_shapes(left[:-2], right[:-2])
        if math.prod(batch) > most:
            raise Unsupported(f"{math.prod(batch)} products of matrices in one are not supported, only {most}")
        return cls(left, right, batch)

    @property
    def sizes(self) -> tuple[int, int, int]:
        """Rows, depth and columns of each product."""
        return self.left[-2], self.left[-1], self.right[-1]

    def places(self) -> Iterator[tuple[int, int, int]]:
        """Which matrix of the left operand, of the right one and of the result each product takes."""
        for number, index in enumerate(product(*map(range, self.batch))):
            yield _matrix(self.left, index), _matrix(self.right, index), number


def _matrix(shape: Shape, index: Shape) -> int:
    """The number of a matrix in an operand of that shape, which repeats what it has one of."""
    own = index[len(index) - (len(shape) - 2) :]
    number = 0
    for size, place in zip(shape[:-2], own, strict=True):
        number = number * size + (0 if size == 1 else place)
    return number
