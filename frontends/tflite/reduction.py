"""Reductions, searches, scans and the softmax family."""

import numpy as np

from ...dialects import nn
from ...dialects.nn.extents import dims_of, product
from ...dialects.tensors import dtype_of, element_type
from ..builder import Unsupported
from ..converter import Form
from .loader import DTYPES
from .node import Node, Output, converter, to_nchw, to_nhwc

_KINDS = {"MEAN": "mean", "SUM": "sum", "REDUCE_MAX": "max", "REDUCE_MIN": "min", "REDUCE_PROD": "prod"}


@converter(
    *_KINDS,
    builds={name: Form(nn.Reduce, kind) for name, kind in _KINDS.items()},
    forms={"the mean of integers": Form(nn.Div, "of integers")},
)
def _reduce(node: Node) -> Output:
    """Axes may be named twice; the mean of integers is rounded towards zero."""
    (keepdims,) = node.options("ReducerOptions", "KeepDims")
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


@converter("ARG_MAX", "ARG_MIN", builds=(nn.ArgReduce, nn.Cast))
def arg_reduce(node: Node) -> Output:
    maximum = node.operator == "ARG_MAX"
    (target,) = node.options("ArgMaxOptions" if maximum else "ArgMinOptions", "OutputType")
    (axis,) = node.ints(1)
    kind = "argmax" if maximum else "argmin"
    index = nn.ArgReduce(node.input(0), kind=kind, axis=axis, keepdims=False, select_last_index=False).output
    if DTYPES.get(target) == "int64":
        return index
    return nn.Cast(index, to=element_type(np.int32), saturate=True).output


@converter("SOFTMAX", builds=nn.Softmax, forms={"beta other than 1": nn.Mul})
def softmax(node: Node) -> Output:
    (beta,) = node.options("SoftmaxOptions", "Beta")
    value = node.input(0)
    if beta != 1.0:
        value = nn.Mul(value, node.like(beta, value)).output
    return nn.Softmax(value, axis=node.rank() - 1).output


@converter("LOG_SOFTMAX", builds=nn.LogSoftmax)
def log_softmax(node: Node) -> Output:
    return nn.LogSoftmax(node.input(0), axis=node.rank() - 1).output


@converter("CUMSUM", builds=nn.Cumsum)
def cumsum(node: Node) -> Output:
    exclusive, reverse = node.options("CumsumOptions", "Exclusive", "Reverse")
    (axis,) = node.ints(1)
    return nn.Cumsum(node.input(0), axis=axis, exclusive=bool(exclusive), reverse=bool(reverse)).output


@converter("TOPK_V2", builds=(nn.Topk, nn.Cast))
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


@converter("REDUCE_ANY", "REDUCE_ALL", builds=(nn.Cast, nn.Reduce, nn.Greater))
def reduce_flags(node: Node) -> Output:
    (keepdims,) = node.options("ReducerOptions", "KeepDims")
    numbers = nn.Cast(node.input(0), to=element_type(np.float32), saturate=True).output
    axes = tuple({axis % node.rank() for axis in node.ints(1)})
    kind = "max" if node.operator == "REDUCE_ANY" else "min"
    found = nn.Reduce(numbers, kind=kind, axes=axes, keepdims=bool(keepdims)).output
    return nn.Greater(found, node.like(0.5, found)).output


@converter("LOCAL_RESPONSE_NORMALIZATION", builds=nn.Lrn, forms={"beta 1": Form(nn.Lrn, "without a power")})
def local_response_normalization(node: Node) -> Output:
    """Over neighbouring channels, which are last."""
    names = ("Radius", "Bias", "Alpha", "Beta")
    radius, bias, alpha, beta = node.options("LocalResponseNormalizationOptions", *names)
    size = 2 * radius + 1
    return to_nhwc(nn.Lrn(to_nchw(node.input(0)), alpha=alpha * size, beta=beta, bias=bias, size=size).output)
