"""Reductions, searches and scans along axes."""

from collections.abc import Sequence
from typing import Literal

from ..mlir import ir
from ..ods import F64, I64, Bool, I64Array, Operand, Result, require
from ..tensors import Shape, shape_of, tensor_type
from .base import ElementwiseOp, NNOp, normalize_axes, normalize_axis


def reduced_shape(shape: Shape, axes: tuple[int, ...], keepdims: bool) -> Shape:
    """The shape without `axes`, or with 1 in their places."""
    return tuple(1 if i in axes else dim for i, dim in enumerate(shape) if keepdims or i not in axes)


class Reduce(NNOp, name="reduce"):
    """Combines all elements along `axes`; with `keepdims` the axes stay, as 1.

    l1: sum |x|; l2: sqrt(sum x^2); log_sum: log(sum x); log_sum_exp: log(sum e^x); sum_square: sum x^2.
    Source: ONNX ReduceSum-13 and its family.
    """

    input: Operand
    output: Result
    kind: Literal["sum", "mean", "max", "min", "prod", "l1", "l2", "log_sum", "log_sum_exp", "sum_square"]
    axes: I64Array
    keepdims: Bool

    def infer(self) -> ir.Type:
        shape = shape_of(self.input)
        return tensor_type(reduced_shape(shape, normalize_axes(self.axes, len(shape)), self.keepdims), self.input)


class ArgReduce(NNOp, name="arg_reduce"):
    """The index (i64) of the largest or smallest element along `axis`, the first or the last of equal ones.

    Source: ONNX ArgMax-13, ArgMin-13.
    """

    input: Operand
    output: Result
    kind: Literal["argmax", "argmin"]
    axis: I64
    keepdims: Bool
    select_last_index: Bool

    def infer(self) -> ir.Type:
        shape = shape_of(self.input)
        return tensor_type(reduced_shape(shape, (normalize_axis(self.axis, len(shape)),), self.keepdims), "int64")


class Cumsum(ElementwiseOp, name="cumsum"):
    """Running sums along `axis`; `exclusive` leaves out the element itself, `reverse` starts at the end.

    Source: ONNX CumSum-14.
    """

    axis: I64
    exclusive: Bool
    reverse: Bool

    def verify(self) -> None:
        normalize_axis(self.axis, len(shape_of(self.input)))


class Topk(NNOp, name="topk"):
    """The `k` largest (or smallest) elements along `axis` and their indices (i64).

    Of equal elements the one with the lower index comes first. Source: ONNX TopK-11 with constant k.
    """

    input: Operand
    output: Result
    indices: Result
    k: I64
    axis: I64
    largest: Bool
    sorted: Bool

    def infer(self) -> Sequence[ir.Type]:
        shape = list(shape_of(self.input))
        axis = normalize_axis(self.axis, len(shape))
        dim = shape[axis]
        require(self.k >= 0 and (dim is None or self.k <= dim), f"k is {self.k}, but axis {axis} has {dim} elements")
        shape[axis] = self.k
        return [tensor_type(shape, self.input), tensor_type(shape, "int64")]


class SoftmaxOp(ElementwiseOp):
    """Base of the operations that normalise along one axis."""

    axis: I64

    def verify(self) -> None:
        normalize_axis(self.axis, len(shape_of(self.input)))


class Softmax(SoftmaxOp, name="softmax"):
    """y = e^x / sum(e^x) along `axis`.  Source: ONNX Softmax-13."""


class LogSoftmax(SoftmaxOp, name="log_softmax"):
    """y = log(e^x / sum(e^x)) along `axis`.  Source: ONNX LogSoftmax-13."""


class Hardmax(SoftmaxOp, name="hardmax"):
    """y = 1 at the first maximum along `axis`, else 0.  Source: ONNX Hardmax-13."""


class LpNorm(SoftmaxOp, name="lp_norm"):
    """y = x / (sum |x|^p)^(1/p) along `axis`, p is 1 or 2.  Source: ONNX LpNormalization-22."""

    p: I64

    def verify(self) -> None:
        super().verify()
        require(self.p in (1, 2), f"p is {self.p}, expected 1 or 2")


class Lrn(ElementwiseOp, name="lrn"):
    """y = x / (bias + alpha / size * sum of squares of `size` neighbouring channels)^beta.  Source: ONNX LRN-13."""

    alpha: F64
    beta: F64
    bias: F64
    size: I64

    def verify(self) -> None:
        require(len(shape_of(self.input)) >= 2, f"input is {self.input.type}, expected N x C x ...")
        require(self.size > 0, f"size is {self.size}, expected a positive number")
