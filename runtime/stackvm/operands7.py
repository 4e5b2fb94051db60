"""Reading the operands of version 7 tensor functions: values come as tensors, tuples, quantisation parameters or null.

Entry: whatever code put on the stack. Exit: the Python value that a kernel takes, or ExecutionError.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from ...errors import ExecutionError
from ..machine import Array

TENSOR_LIMIT = 2**31
"""Bytes that one result may take; code that asks for more is not executed."""

WORK_LIMIT = 2**37
"""Multiplications or comparisons of one call."""


@dataclass(frozen=True)
class QuantParam:
    """real = (q - zero_point) * scale"""

    zero_point: int
    scale: float


Object = Array | tuple["Object", ...] | QuantParam | None
"""A value that tensor functions take and give."""


def array(value: Object) -> Array:
    """A tensor."""
    if not isinstance(value, np.ndarray):
        raise ExecutionError("K0503", cause=f"an operand is {kind_of(value)}, expected a tensor")
    return value


def arrays(value: Object) -> tuple[Array, ...]:
    """A tuple of tensors; a single tensor is a tuple of one."""
    return tuple(array(one) for one in value) if isinstance(value, tuple) else (array(value),)


def quant_param(value: Object) -> QuantParam:
    """Quantisation parameters."""
    if not isinstance(value, QuantParam):
        raise ExecutionError("K0503", cause=f"an operand is {kind_of(value)}, expected quantisation parameters")
    return value


def kind_of(value: object) -> str:
    """What a value is, for messages."""
    if isinstance(value, np.ndarray):
        return f"a tensor {value.dtype.name}{list(value.shape)}"
    names = {tuple: "a tuple", type(None): "null", QuantParam: "quantisation parameters", int: "a number"}
    return names.get(type(value), f"a {type(value).__name__}")


def ints(value: Object) -> tuple[int, ...]:
    """A vector of integers, of any integer dtype."""
    return tuple(int(one) for one in array(value).reshape(-1).tolist())


def integer(value: Object) -> int:
    """A scalar, or the only element of a vector."""
    return int(array(value).item())


def real(value: Object) -> float:
    """A scalar, or the only element of a vector."""
    return float(array(value).item())


def flag(value: Object) -> bool:
    """A scalar of any dtype."""
    return bool(array(value).item())


def begins_ends(value: Object) -> tuple[int, ...]:
    """[[before, after], ...] in the order of the kernels: all begins, then all ends."""
    pairs = array(value).reshape(-1, 2).tolist()
    return (*(int(pair[0]) for pair in pairs), *(int(pair[1]) for pair in pairs))


def axis_of(value: Object | int, rank: int) -> int:
    """An axis counted from the front."""
    axis = value if isinstance(value, int) else integer(value)
    if not -rank <= axis < max(rank, 1):
        raise ExecutionError("K0503", cause=f"axis {axis} does not exist in a tensor of rank {rank}")
    return axis % max(rank, 1)


def room(shape: Iterable[int], itemsize: int = 8) -> tuple[int, ...]:
    """The shape, once it is known that a tensor of it may be made: ExecutionError K0505 otherwise."""
    dims = tuple(int(dim) for dim in shape)
    if min(dims, default=0) < 0:
        raise ExecutionError("K0503", cause=f"a tensor cannot have shape {list(dims)}")
    if math.prod(dims) * itemsize > TENSOR_LIMIT:
        cause = f"a result of shape {list(dims)} takes more than {TENSOR_LIMIT} bytes"
        raise ExecutionError("K0505", cause=cause)
    return dims


def positive(value: Object) -> tuple[int, ...]:
    """Strides, dilations, extents: integers of at least 1."""
    numbers = ints(value)
    if min(numbers, default=1) < 1:
        raise ExecutionError("K0503", cause=f"{list(numbers)} where numbers of at least 1 are needed")
    return numbers


def work(*factors: int) -> None:
    """ExecutionError K0505 when one call would take more than WORK_LIMIT steps of arithmetic."""
    if math.prod(factors) > WORK_LIMIT:
        cause = f"one call takes {math.prod(factors)} operations, the limit is {WORK_LIMIT}"
        raise ExecutionError("K0505", cause=cause)


def int64(values: Iterable[int]) -> Array:
    """Shapes as the functions return them."""
    return np.asarray(tuple(values), np.int64)
