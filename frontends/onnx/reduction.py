"""Reductions, searches, scans and the softmax family."""

from ...dialects import nn
from ...dialects.nn.extents import dims_of, extent_of, product, reshape
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


@converter(*_KINDS, builds=nn.Reduce)
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
