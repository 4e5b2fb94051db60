"""Constants, and tensors that depend on shapes only."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..mlir import ir
from ..ods import F64, I64, Bool, Elements, ElementType, Operand, Result, Violation, require
from ..tensors import Array, dtype_of, elements_to_numpy, shape_of, tensor_type
from .base import NNOp, require_rank, require_same_elements


class Constant(NNOp, name="constant"):
    """A tensor of known values."""

    output: Result
    value: Elements

    def infer(self) -> ir.Type:
        return tensor_type(np.shape(self.value), np.asarray(self.value).dtype)

    def verify(self) -> None:
        stored = self.attributes["value"].type
        if stored != self.output.type:
            raise Violation(f"holds {stored}, but its type is {self.output.type}")

    @property
    def evaluator(self) -> Callable[..., Array]:
        return lambda value: value


def constant_value(value: ir.Value | None) -> Array | None:
    """The elements of a value that a `nn.constant` defines, be it as the storage of a quantised one; else None."""
    if value is None or not isinstance(value.owner, ir.Operation | ir.OpView):
        return None
    if value.owner.name == "nn.storage_cast":
        return constant_value(value.owner.operands[0])
    if value.owner.name != Constant.OPERATION_NAME:
        return None
    return elements_to_numpy(value.owner.attributes["value"])


def constant_ints(value: ir.Value | None) -> tuple[int, ...] | None:
    """The elements of a constant vector or scalar as integers, else None."""
    array = constant_value(value)
    return None if array is None else tuple(int(item) for item in array.reshape(-1))


class Cast(NNOp, name="cast"):
    """Converts to another element type: floats to integers truncate, to booleans compare with 0.

    `saturate` limits what does not fit into narrow float types. Source: ONNX Cast-24.
    """

    input: Operand
    output: Result
    to: ElementType
    saturate: Bool

    def infer(self) -> ir.Type:
        return tensor_type(shape_of(self.input), self.to)

    @property
    def evaluator_arguments(self) -> dict[str, Any]:
        return {"to": dtype_of(self.to), "saturate": self.saturate}


class Bitcast(NNOp, name="bitcast"):
    """The same bits as another element type of that width; a boolean is a byte 0 or 1, and true where any bit is set.

    Source: ONNX BitCast-26, TFLite BITCAST.
    """

    input: Operand
    output: Result
    to: ElementType

    def infer(self) -> ir.Type:
        return tensor_type(shape_of(self.input), self.to)

    def verify(self) -> None:
        widths = [dtype_of(type_).itemsize * 8 for type_ in (self.input, self.to)]
        require(widths[0] == widths[1], f"needs a type of {widths[0]} bits, got {self.to} of {widths[1]}")

    @property
    def evaluator_arguments(self) -> dict[str, Any]:
        return {"to": dtype_of(self.to)}


class Fill(NNOp, name="fill"):
    """A tensor of the shape that the operand holds, every element `value`.  Source: ONNX ConstantOfShape-24."""

    shape: Operand
    output: Result
    value: F64
    dtype: ElementType

    def infer(self) -> ir.Type:
        require_rank(self.shape, 1, "shape")
        dims = constant_ints(self.shape)
        rank = shape_of(self.shape)[0]
        require(dims is not None or rank is not None, "the length of the shape operand must be known")
        require(min(dims or (0,)) >= 0, f"shape {dims} must not be negative")
        return tensor_type(dims if dims is not None else [None] * (rank or 0), self.dtype)

    @property
    def evaluator_arguments(self) -> dict[str, Any]:
        return {"value": self.value, "dtype": dtype_of(self.dtype)}


class ShapeOf(NNOp, name="shape"):
    """The dimensions `start` to `end` (exclusive; absent: to the last) of the input, as i64.  Source: ONNX Shape-15."""

    on_storage = True

    input: Operand
    output: Result
    start: I64
    end: I64 | None

    def infer(self) -> ir.Type:
        rank = len(shape_of(self.input))
        return tensor_type((len(range(rank)[slice(self.start, self.end)]),), "int64")


class Size(NNOp, name="size"):
    """The number of elements of the input, as a scalar i64.  Source: ONNX Size-13."""

    on_storage = True

    input: Operand
    output: Result

    def infer(self) -> ir.Type:
        return tensor_type((), "int64")


class Range(NNOp, name="range"):
    """start, start + delta, start + 2 delta, ... before limit; all scalars.  Source: ONNX Range-11."""

    start: Operand
    limit: Operand
    delta: Operand
    output: Result

    def infer(self) -> ir.Type:
        require_same_elements(self.start, self.limit, self.delta)
        bounds = [constant_value(value) for value in (self.start, self.limit, self.delta)]
        for value in (self.start, self.limit, self.delta):
            require_rank(value, 0, "an operand")
        if any(array is None for array in bounds):
            return tensor_type((None,), self.start)
        start, limit, delta = (array.item() for array in bounds if array is not None)
        require(delta != 0, "delta is 0")
        length = (limit - start) / delta
        require(math.isfinite(length) and length < 2**63, f"from {start} to {limit} by {delta} has no length")
        return tensor_type((max(math.ceil(length), 0),), self.start)
