"""Gathering, scattering and selecting by index."""

from collections.abc import Callable

import numpy as np

from .arrays import Array

_COMBINE: dict[str, Callable[..., None]] = {
    "add": np.add.at,
    "mul": np.multiply.at,
    "max": np.maximum.at,
    "min": np.minimum.at,
}


def from_front(indices: Array, size: int) -> Array:
    """Indices into `size` elements, negative ones counted from the front too; raises IndexError when out of range."""
    outside = (indices < -size) | (indices >= size)
    if outside.any():
        raise IndexError(f"index {indices[outside][0]} is out of range for {size} elements")
    return np.where(indices < 0, indices + size, indices)


def gather(input: Array, indices: Array, *, axis: int, batch_dims: int) -> Array:
    """The slices of `axis` that `indices` names; negative ones count from the end."""
    index = from_front(indices, input.shape[axis])
    if batch_dims == 0:
        return np.take(input, index, axis=axis)
    batch = input.shape[:batch_dims]
    rows = [
        gather(input[position], index[position], axis=axis % input.ndim - batch_dims, batch_dims=0)
        for position in np.ndindex(*batch)
    ]
    return np.stack(rows).reshape(*batch, *rows[0].shape)


def gather_elements(input: Array, indices: Array, *, axis: int) -> Array:
    """One element for each index, along `axis`."""
    index = from_front(indices, input.shape[axis])
    return input[_element_positions(index, axis)]


def _element_positions(index: Array, axis: int) -> tuple[Array, ...]:
    positions: list[Array] = list(np.indices(index.shape, sparse=True))
    positions[axis] = index
    return tuple(positions)


def _tuples(indices: Array, dims: tuple[int, ...]) -> tuple[Array, ...]:
    return tuple(from_front(indices[..., i], dims[i]) for i in range(indices.shape[-1]))


def gather_nd(input: Array, indices: Array, *, batch_dims: int) -> Array:
    """The slices at index tuples; the first `batch_dims` dimensions go together."""
    batch = np.indices(indices.shape[:-1], sparse=True)[:batch_dims]
    return input[(*batch, *_tuples(indices, input.shape[batch_dims:]))]


def scatter_elements(input: Array, indices: Array, updates: Array, *, axis: int, reduction: str) -> Array:
    """A copy with single elements replaced or combined."""
    index = from_front(indices, input.shape[axis])
    return _scatter(input, _element_positions(index, axis), updates, reduction)


def scatter_nd(input: Array, indices: Array, updates: Array, *, reduction: str) -> Array:
    """A copy with the slices at index tuples replaced or combined."""
    return _scatter(input, _tuples(indices, input.shape), updates, reduction)


def _scatter(input: Array, positions: tuple[Array, ...], updates: Array, reduction: str) -> Array:
    result = input.copy()
    if reduction == "none":
        result[positions] = updates
    else:
        _COMBINE[reduction](result, positions, updates)
    return result


def one_hot(indices: Array, values: Array, *, depth: int, axis: int) -> Array:
    """values[1] where the position along the new axis is the index, else values[0]."""
    index = np.asarray(indices, np.int64)
    index = np.where(index < 0, index + depth, index)
    position = axis % (index.ndim + 1)
    classes = np.arange(depth).reshape([depth if i == position else 1 for i in range(index.ndim + 1)])
    return np.where(np.expand_dims(index, position) == classes, values[1], values[0]).astype(values.dtype)


def non_zero(input: Array) -> Array:
    """The indices of all elements that are not zero, one row a dimension."""
    return np.stack(np.nonzero(np.atleast_1d(input))[: max(input.ndim, 1)]).astype(np.int64)[: input.ndim]
