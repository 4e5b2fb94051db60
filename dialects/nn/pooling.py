"""Pooling over any number of spatial dimensions."""

from collections.abc import Sequence

from ..mlir import ir
from ..ods import I64, Bool, I64Array, Operand, Result, require
from ..tensors import Shape, shape_of, tensor_type
from .base import NNOp, require_length
from .window import window_extents


class PoolOp(NNOp):
    """Base of the pooling operations: a window slides over the spatial dimensions of N x C x spatial."""

    input: Operand
    output: Result
    kernel: I64Array
    strides: I64Array
    dilations: I64Array
    padding: I64Array
    ceil_mode: Bool

    def output_shape(self) -> Shape:
        """N x C x the number of windows along each spatial dimension."""
        batch, channels, *sizes = shape_of(self.input)
        require_length(self.kernel, len(sizes), "kernel")
        require(all(extent > 0 for extent in self.kernel), f"kernel {self.kernel} must be positive")
        extents = window_extents(sizes, self.kernel, self.strides, self.dilations, self.padding, self.ceil_mode)
        return (batch, channels, *extents)

    def infer(self) -> ir.Type | Sequence[ir.Type]:
        require(len(shape_of(self.input)) >= 3, f"input is {self.input.type}, expected N x C x spatial dimensions")
        return tensor_type(self.output_shape(), self.input)


class MaxPool(PoolOp, name="max_pool"):
    """The largest element of each window; padding never wins.  Source: ONNX MaxPool-22."""

    on_storage = True


class MaxPoolWithIndices(PoolOp, name="max_pool_with_indices"):
    """As `max_pool`, and where each maximum was found, as an index into the flattened input.

    With `storage_order` 1 the indices count the last two dimensions column by column. Source: ONNX MaxPool-22.
    """

    indices: Result
    storage_order: I64

    def infer(self) -> Sequence[ir.Type]:
        shape = self.output_shape()
        return [tensor_type(shape, self.input), tensor_type(shape, "int64")]


class AvgPool(PoolOp, name="avg_pool"):
    """The mean of each window, of its valid elements only unless `count_include_pad`.  Source: ONNX AveragePool-22."""

    count_include_pad: Bool


class LpPool(PoolOp, name="lp_pool"):
    """The p-norm of each window: (sum |x|^p)^(1/p).  Source: ONNX LpPool-22."""

    p: I64

    def verify(self) -> None:
        require(self.p > 0, f"p is {self.p}, expected a positive number")
