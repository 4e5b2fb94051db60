"""Products of matrices and tensors."""

import numpy as np

from .arrays import Array, in_float32


@in_float32
def matmul(lhs: Array, rhs: Array) -> Array:
    """numpy.matmul; integers accumulate in their own dtype."""
    return np.asarray(np.matmul(lhs, rhs))


@in_float32
def einsum(*inputs: Array, equation: str) -> Array:
    """numpy.einsum"""
    return np.asarray(np.einsum(equation, *inputs, optimize=len(inputs) > 2), dtype=inputs[0].dtype)
