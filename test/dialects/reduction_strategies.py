"""Reductions, searches, scans, normalisations and products."""

import numpy as np
from drawn_case import Case, axis_of, flags, floats, integers, node, shape, some_axes
from hypothesis import strategies as st

from kpuc.dialects import nn

KINDS = {
    "sum": "Sum",
    "mean": "Mean",
    "max": "Max",
    "min": "Min",
    "prod": "Prod",
    "l1": "L1",
    "l2": "L2",
    "log_sum": "LogSum",
    "log_sum_exp": "LogSumExp",
    "sum_square": "SumSquare",
}


@st.composite
def reduce(draw):
    kind = draw(st.sampled_from(list(KINDS)))
    dims = shape(draw, 1, 4, least=1)
    axes, keep = some_axes(draw, len(dims)), draw(st.booleans())
    if kind in ("sum", "mean", "max", "min", "prod", "l1", "sum_square") and draw(st.booleans()):
        x = integers(draw, dims, -5, 5, draw(st.sampled_from(["int32", "int64"])))
    else:
        x = floats(draw, dims, 0.1 if kind == "log_sum" else -4)
    expected = node(f"Reduce{KINDS[kind]}", x, np.array(axes, np.int64), keepdims=int(keep), noop_with_empty_axes=1)
    return Case(nn.Reduce, [x], expected, {"kind": kind, "axes": axes, "keepdims": keep})


@st.composite
def reduce_flags(draw):
    kind, x = draw(st.sampled_from(["max", "min"])), flags(draw, shape(draw, 1, 3, least=1))
    axes, keep = some_axes(draw, x.ndim, 1), draw(st.booleans())
    expected = node(f"Reduce{KINDS[kind]}", x, np.array(axes), keepdims=int(keep))
    return Case(nn.Reduce, [x], expected, {"kind": kind, "axes": axes, "keepdims": keep})


@st.composite
def arg_reduce(draw):
    kind = draw(st.sampled_from(["argmax", "argmin"]))
    x = integers(draw, shape(draw, 1, 4, least=1), -2, 2, draw(st.sampled_from(["float32", "int32"])))
    axis, keep, last = axis_of(draw, x.ndim), draw(st.booleans()), draw(st.booleans())
    operator = {"argmax": "ArgMax", "argmin": "ArgMin"}[kind]
    expected = node(operator, x, axis=axis, keepdims=int(keep), select_last_index=int(last))
    return Case(nn.ArgReduce, [x], expected, {"kind": kind, "axis": axis, "keepdims": keep, "select_last_index": last})


@st.composite
def cumsum(draw):
    x = floats(draw, shape(draw, 1)) if draw(st.booleans()) else integers(draw, shape(draw, 1), -9, 9)
    axis, exclusive, reverse = axis_of(draw, x.ndim), draw(st.booleans()), draw(st.booleans())
    expected = node("CumSum", x, np.array(axis), exclusive=int(exclusive), reverse=int(reverse))
    return Case(nn.Cumsum, [x], expected, {"axis": axis, "exclusive": exclusive, "reverse": reverse})


@st.composite
def topk(draw):
    kind = draw(st.sampled_from(["float32", "int64", "int32"]))
    x = integers(draw, shape(draw, 1, 4, least=1, most=6), -3, 3, kind)
    axis, largest = axis_of(draw, x.ndim), draw(st.booleans())
    k = draw(st.integers(1, x.shape[axis]))
    expected = node("TopK", x, np.array([k]), outputs=2, axis=axis, largest=int(largest), sorted=1)
    return Case(nn.Topk, [x], expected, {"k": k, "axis": axis, "largest": largest, "sorted": True})


@st.composite
def dynamic_topk(draw):
    static = draw(topk())
    attributes = dict(static.attributes)
    k = np.array([attributes.pop("k")])
    known = (1,) if draw(st.booleans()) else ()
    operands = [*static.operands, k]
    return Case(nn.DynamicTopk, operands, static.expected, attributes, constant=known, static=(1,), open_result=True)


def along_axis(op, operator, **choices):
    """An operation with an axis and further attributes, one of `choices` each."""

    @st.composite
    def strategy(draw):
        x = floats(draw, shape(draw, 1))
        given = {"axis": axis_of(draw, x.ndim), **{name: draw(st.sampled_from(v)) for name, v in choices.items()}}
        return Case(op, [x], node(operator, x, **given), given)

    return strategy()


@st.composite
def lrn(draw):
    x = floats(draw, shape(draw, 4, 4, least=1))
    given = {
        "alpha": 0.5,
        "beta": 0.75,
        "bias": draw(st.sampled_from([1.0, 2.0])),
        "size": draw(st.sampled_from([1, 3, 5])),
    }
    return Case(nn.Lrn, [x], node("LRN", x, **given), given)


def channels(draw, x, count, positive=()):
    """Vectors of one value a channel of `x`."""
    return [floats(draw, x.shape[1:2], 0.1 if i in positive else -2) for i in range(count)]


@st.composite
def batch_norm(draw):
    x = floats(draw, shape(draw, 2, 4, least=1))
    operands = [x, *channels(draw, x, 4, positive=(3,))]
    expected = node("BatchNormalization", *operands, epsilon=0.01)
    return Case(nn.BatchNorm, operands, expected, {"epsilon": 0.01})


@st.composite
def instance_norm(draw):
    x = floats(draw, shape(draw, 3, 4, least=1))
    operands = [x, *channels(draw, x, 2)]
    return Case(nn.InstanceNorm, operands, node("InstanceNormalization", *operands, epsilon=0.01), {"epsilon": 0.01})


@st.composite
def group_norm(draw):
    groups = draw(st.integers(1, 3))
    n, c, *sizes = shape(draw, 3, 4, least=1, most=3)
    x = floats(draw, (n, groups * c, *sizes))
    operands = [x, *channels(draw, x, 2)]
    expected = node("GroupNormalization", *operands, num_groups=groups, epsilon=0.01)
    return Case(nn.GroupNorm, operands, expected, {"num_groups": groups, "epsilon": 0.01})


@st.composite
def layer_norm(draw):
    x = floats(draw, shape(draw, 1, 4, least=1))
    axis = axis_of(draw, x.ndim)
    scale = floats(draw, x.shape[axis:])
    bias = floats(draw, x.shape[axis:]) if draw(st.booleans()) else None
    expected = node("LayerNormalization", x, scale, bias, axis=axis, epsilon=0.01)
    return Case(nn.LayerNorm, [x, scale, bias], expected, {"axis": axis, "epsilon": 0.01})


@st.composite
def rms_norm(draw):
    x = floats(draw, shape(draw, 1, 4, least=1))
    axis = axis_of(draw, x.ndim)
    scale = floats(draw, x.shape[axis:])
    expected = node("RMSNormalization", x, scale, opset=23, engine="reference", axis=axis, epsilon=0.01)
    return Case(nn.RmsNorm, [x, scale], expected, {"axis": axis, "epsilon": 0.01})


@st.composite
def matmul(draw):
    inner, batch = draw(st.integers(0, 4)), shape(draw, 0, 2)
    ones = tuple(1 if draw(st.booleans()) else dim for dim in batch)[draw(st.integers(0, len(batch))) :]
    first, second = (batch, ones) if draw(st.booleans()) else (ones, batch)
    left, right = (*first, draw(st.integers(0, 4)), inner), (*second, inner, draw(st.integers(0, 4)))
    if draw(st.booleans()):
        left = left if draw(st.booleans()) else (inner,)
        right = (inner,) if draw(st.booleans()) else right
    lhs, rhs = floats(draw, left), floats(draw, right)
    return Case(nn.Matmul, [lhs, rhs], node("MatMul", lhs, rhs))


EQUATIONS = (
    "ij->ji",
    "ij->",
    "ii->i",
    "ii",
    "i,i->",
    "i,j->ij",
    "ij,jk->ik",
    "bij,bjk->bik",
    "bij,bkj",
    "...ij,...jk->...ik",
    "...i->...",
    "i...->i...",
    "...,...",
    "ij,j,i->",
    "bhwc,hkc->bhwk",
    "i j , j k -> i k",
)


@st.composite
def einsum(draw):
    equation = draw(st.sampled_from(EQUATIONS))
    sizes = {label: draw(st.integers(1, 3)) for label in "abcdefghijklmnopqrstuvwxyz"}
    dots = shape(draw, 0, 2, least=1, most=3)
    operands = []
    for term in equation.replace(" ", "").partition("->")[0].split(","):
        head, found, tail = term.partition("...")
        spread = dots if found else ()
        operands.append(floats(draw, (*(sizes[c] for c in head), *spread, *(sizes[c] for c in tail))))
    return Case(nn.Einsum, [operands], node("Einsum", *operands, equation=equation), {"equation": equation})


STRATEGIES = {
    nn.Reduce: reduce() | reduce_flags(),
    nn.ArgReduce: arg_reduce(),
    nn.Cumsum: cumsum(),
    nn.Topk: topk(),
    nn.DynamicTopk: dynamic_topk(),
    nn.Softmax: along_axis(nn.Softmax, "Softmax"),
    nn.LogSoftmax: along_axis(nn.LogSoftmax, "LogSoftmax"),
    nn.Hardmax: along_axis(nn.Hardmax, "Hardmax"),
    nn.LpNorm: along_axis(nn.LpNorm, "LpNormalization", p=[1, 2]),
    nn.Lrn: lrn(),
    nn.BatchNorm: batch_norm(),
    nn.InstanceNorm: instance_norm(),
    nn.GroupNorm: group_norm(),
    nn.LayerNorm: layer_norm(),
    nn.RmsNorm: rms_norm(),
    nn.Matmul: matmul(),
    nn.Einsum: einsum(),
}
