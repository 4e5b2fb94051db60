"""Reductions, searches, scans and the softmax family."""

import numpy as np

from ...dialects import nn
from ...dialects.nn.extents import dims_of, product
from ...dialects.tensors import dtype_of, element_type
from ..builder import Unsupported
from .loader import DTYPES
from .node import REGISTRY, Node, Output, converter

_KINDS = {"MEAN": "mean", "SUM": "sum", "REDUCE_MAX": "max", "REDUCE_MIN": "min", "REDUCE_PROD": "prod"}


def _reduce(node: Node) -> Output:
    (keepdims,) = node.options("ReducerOptions", "KeepDims")
    """Axes may be named twice; the mean of integers is rounded towards zero."""
    value, kind, rank = node.input(0), _KINDS[node.operator], node.rank()
    axes = tuple(dict.fromkeys(axis % rank if -rank <= axis < rank else axis for axis in node.ints(1)))
    if kind == "mean" and dtype_of(value).kind in "iu":
        total = nn.Reduce(value, kind="sum", axes=axes, keepdims=bool(keepdims)).output
        count = nn.known_product(tuple(node.shape()[axis] for axis in axes))
        if count is None:
            many = nn.Reshape(product(dims_of(value, axes)), shape=()).output
            return nn.Div(total, nn.Cast(many, to=element_type(dtype_of(value)), saturate=True).output).output
        return nn.Div(total, node.like(count, value)).output
    return nn.Reduce(value, kind=kind, axes=axes, keepdims=bool(keepdims)).output


REGISTRY.update(dict.fromkeys(_KINDS, _reduce))


@converter("ARG_MAX", "ARG_MIN")
def arg_reduce(node: Node) -> Output:
    maximum = node.operator == "ARG_MAX"
    (target,) = node.options("ArgMaxOptions" if maximum else "ArgMinOptions", "OutputType")
    (axis,) = node.ints(1)
    kind = "argmax" if maximum else "argmin"
    index = nn.ArgReduce(node.input(0), kind=kind, axis=axis, keepdims=False, select_last_index=False).output
    if DTYPES.get(target) == "int64":
        return index
    return nn.Cast(index, to=element_type(np.int32), saturate=True).output


@converter("SOFTMAX")
def softmax(node: Node) -> Output:
    (beta,) = node.options("SoftmaxOptions", "Beta")
    value = node.input(0)
    if beta != 1.0:
        value = nn.Mul(value, node.like(beta, value)).output
    return nn.Softmax(value, axis=node.rank() - 1).output


@converter("LOG_SOFTMAX")
def log_softmax(node: Node) -> Output:
    return nn.LogSoftmax(node.input(0), axis=node.rank() - 1).output


@converter("CUMSUM")
def cumsum(node: Node) -> Output:
    exclusive, reverse = node.options("CumsumOptions", "Exclusive", "Reverse")
    (axis,) = node.ints(1)
    return nn.Cumsum(node.input(0), axis=axis, exclusive=bool(exclusive), reverse=bool(reverse)).output


@converter("TOPK_V2")
def topk(node: Node) -> Output:
    if node.rank() < 1:
        raise Unsupported("a scalar has no largest elements")
    k = node.computed(1)
    top: nn.Topk | nn.DynamicTopk
    if k is None:
        top = nn.Topk(node.input(0), k=node.ints(1)[0], axis=-1, largest=True, sorted=True)
    else:
        top = nn.DynamicTopk(node.input(0), k, axis=-1, largest=True, sorted=True)
    return [top.output, nn.Cast(top.indices, to=element_type(np.int32), saturate=True).output]
