"""Reductions, searches, scans and the softmax family."""

import numpy as np

from ...dialects import nn
from ...dialects.mlir import ir
from ...dialects.nn.extents import dims_of, extent_of, product, reshape
from ...dialects.ods import require
from ...dialects.tensors import dtype_of, shape_of
from ..builder import Unsupported
from ..converter import Form
from .node import Node, Output, converter

_KINDS = {
    "ReduceL1": "l1",
    "ReduceL2": "l2",
    "ReduceLogSum": "log_sum",
    "ReduceLogSumExp": "log_sum_exp",
    "ReduceMax": "max",
    "ReduceMean": "mean",
    "ReduceMin": "min",
    "ReduceProd": "prod",
    "ReduceSum": "sum",
    "ReduceSumSquare": "sum_square",
}


@converter(*_KINDS, builds={name: Form(nn.Reduce, kind) for name, kind in _KINDS.items()})
def _reduce(node: Node) -> Output:
    axes = node.ints(1, "axes")
    if not axes:
        # nothing is summed up, but logarithms and squares are still taken
        axes = () if node.attribute("noop_with_empty_axes", 0) else tuple(range(node.rank()))
    keepdims = bool(node.attribute("keepdims", 1))
    return nn.Reduce(node.input(0), kind=_KINDS[node.operator], axes=axes, keepdims=keepdims).output


@converter("ArgMax", "ArgMin", builds=nn.ArgReduce)
def arg_reduce(node: Node) -> Output:
    return nn.ArgReduce(
        node.input(0),
        kind=node.operator.lower(),
        axis=node.attribute("axis", 0),
        keepdims=bool(node.attribute("keepdims", 1)),
        select_last_index=bool(node.attribute("select_last_index", 0)),
    ).output


@converter("CumSum", builds=nn.Cumsum)
def cumsum(node: Node) -> Output:
    """The axis must be constant."""
    axis = int(node.constant_scalar(1, "axis"))
    exclusive, reverse = bool(node.attribute("exclusive", 0)), bool(node.attribute("reverse", 0))
    return nn.Cumsum(node.input(0), axis=axis, exclusive=exclusive, reverse=reverse).output


@converter("CumProd", builds=(nn.Slice, nn.Concat, nn.Mul))
def cumprod(node: Node) -> Output:
    """The axis must be constant, and its size be known."""
    value, axis = node.input(0), int(node.constant_scalar(1, "axis"))
    require(-node.rank() <= axis < node.rank(), f"axis {axis} is out of range for rank {node.rank()}")
    size = node.shape()[axis]
    if size is None:
        raise Unsupported(f"dimension {axis} is not known", "give it with --shape or --dim")
    reverse = bool(node.attribute("reverse", 0))
    if node.attribute("exclusive", 0):
        value = _shifted(node, value, axis, 1, reverse)
    step = 1
    while step < size:  # after each round an element is the product of 2, 4, 8, ... elements
        value = nn.Mul(value, _shifted(node, value, axis, step, reverse)).output
        step *= 2
    return value


def _shifted(node: Node, value: ir.Value, axis: int, step: int, reverse: bool) -> ir.Value:
    """The elements moved along an axis, with ones where they came from."""
    shape = [dim or 0 for dim in shape_of(value)]
    size, shape[axis] = shape[axis], step
    start = step if reverse else 0
    kept = nn.Slice(value, starts=(start,), ends=(start + size - step,), axes=(axis,), steps=(1,)).output
    ones = node.new_constant(np.ones(shape), dtype_of(value))
    return nn.concat([kept, ones] if reverse else [ones, kept], axis)


@converter("Det", builds=(nn.Slice, nn.Concat, nn.Mul, nn.Sub, nn.Squeeze))
def det(node: Node) -> Output:
    """Matrices of up to 4 x 4."""
    rows, columns = node.shape()[-2:] if node.rank() >= 2 else (0, 1)
    require(rows == columns, f"needs square matrices, got {rows} x {columns}")
    if rows is None:
        raise Unsupported("the size of the matrices is not known", "give it with --shape or --dim")
    if not 0 < rows <= 4:
        raise Unsupported(f"matrices of {rows} rows are not supported, only of 1 to 4")
    return nn.Squeeze(_determinant(node.input(0), rows), axes=(-2, -1)).output


def _determinant(matrix: ir.Value, size: int) -> ir.Value:
    """By the first row, and the determinants of what is left without it and one column."""
    if size == 1:
        return matrix
    columns = [nn.Slice(matrix, starts=(i,), ends=(i + 1,), axes=(-1,), steps=(1,)).output for i in range(size)]
    total = None
    for i, column in enumerate(columns):
        top = nn.Slice(column, starts=(0,), ends=(1,), axes=(-2,), steps=(1,)).output
        others = nn.concat([*columns[:i], *columns[i + 1 :]], -1)
        minor = nn.Slice(others, starts=(1,), ends=(size,), axes=(-2,), steps=(1,)).output
        term = nn.Mul(top, _determinant(minor, size - 1)).output
        total = term if total is None else (nn.Sub if i % 2 else nn.Add)(total, term).output
    assert total is not None
    return total


@converter("TopK", builds=nn.Topk, forms={"k that is computed": nn.DynamicTopk})
def topk(node: Node) -> Output:
    how = {
        "axis": node.attribute("axis", -1),
        "largest": bool(node.attribute("largest", 1)),
        "sorted": bool(node.attribute("sorted", 1)),
    }
    if "k" not in node.attributes and node.constant(1) is None:
        computed = nn.DynamicTopk(node.input(0), node.input(1), **how)
        return [computed.output, computed.indices]
    k = node.attribute("k") if "k" in node.attributes else int(node.constant_scalar(1, "k"))
    top = nn.Topk(node.input(0), k=k, **how)
    return [top.output, top.indices]


@converter(
    "Softmax",
    "LogSoftmax",
    "Hardmax",
    builds={"Softmax": nn.Softmax, "LogSoftmax": nn.LogSoftmax, "Hardmax": nn.Hardmax},
    forms={"several dimensions as one": nn.Reshape},
)
def softmax(node: Node) -> Output:
    """Before opset 13 the dimensions from `axis` on count as one; if these are several, their sizes must be known."""
    op = {"Softmax": nn.Softmax, "LogSoftmax": nn.LogSoftmax, "Hardmax": nn.Hardmax}[node.operator]
    value, shape = node.input(0), node.shape()
    if node.opset >= 13:
        return op(value, axis=node.attribute("axis", -1)).output
    axis = node.axis("axis", 1, len(shape))
    if nn.known_product(shape[axis + 1 :]) == 1:
        return op(value, axis=axis).output
    rows = nn.known_product(shape[:axis])
    flat = reshape(value, [product(dims_of(value, range(axis))) if rows is None else rows, -1])
    return reshape(op(flat, axis=1).output, [extent_of(value, i) for i in range(len(shape))])
