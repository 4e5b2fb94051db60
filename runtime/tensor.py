"""Tensors as the vendor's Python API hands them around: a thin cover over a numpy array."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import ExecutionError, KmodelError
from .kmodel.elements import element_name
from .machine import Array


class RuntimeTensor:
    """A tensor of an element type that kmodels can hold. It shares memory with the array it was made from."""

    def __init__(self, array: Array) -> None:
        self._array = array

    @classmethod
    def from_numpy(cls, array: Any) -> RuntimeTensor:
        """A tensor of a numpy array; ExecutionError K0502 for a dtype that kmodels cannot hold."""
        made = np.asarray(array)
        try:
            element_name(made.dtype)
        except KmodelError as error:
            raise ExecutionError("K0502", cause=error.cause) from error
        return cls(made if made.flags.c_contiguous else np.ascontiguousarray(made))

    def to_numpy(self) -> Array:
        """The array, not a copy."""
        return self._array

    def copy_to(self, other: RuntimeTensor) -> None:
        """Overwrite another tensor; ExecutionError K0502 unless it has the same dtype and shape and can be written."""
        if (self.dtype, self.shape) != (other.dtype, other.shape) or not other._array.flags.writeable:
            raise ExecutionError("K0502", cause=f"{self} cannot be copied to {other}")
        other._array[...] = self._array

    @property
    def dtype(self) -> np.dtype[Any]:
        """The numpy dtype."""
        return self._array.dtype

    @property
    def shape(self) -> tuple[int, ...]:
        """The dimensions."""
        return tuple(self._array.shape)

    def __repr__(self) -> str:
        return f"RuntimeTensor({self.dtype.name}{list(self.shape)})"
