"""Quantised tensors."""

import math
from functools import partial

import numpy as np
from ai_edge_litert.interpreter import OpResolverType
from drawn_case import Case, floats, litert, node, shape, some_axes
from elementwise_strategies import any_integers
from hypothesis import strategies as st
from tflite_writer import Quantization

from kpuc.dialects import nn

STORAGE = ("uint8", "int8", "int16", "uint16")


def parameters(draw, dims, kind):
    """Scales and zero points of a type, for all or along an axis, and a function from a shape to the tensor type."""
    axis = draw(st.sampled_from([-1, *range(len(dims))]))
    count = 1 if axis < 0 else dims[axis]
    scale = floats(draw, (count,), 0.01, 0.2)
    zero = any_integers(draw, (count,), kind)
    stated = {"scale": scale.tolist(), "zero_point": zero.tolist(), "axis": axis, "dtype": kind}
    return axis, scale, zero, partial(nn.quantized_tensor_type, **stated)


def given(axis, scale, zero):
    """The parameters as ONNX takes them."""
    return (scale, zero, {"axis": axis}) if axis >= 0 else (scale[0], zero[0], {})


@st.composite
def quantize(draw):
    x, kind = floats(draw, shape(draw, 1, 4, least=1), -40, 40), draw(st.sampled_from(STORAGE))
    axis, scale, zero, make = parameters(draw, x.shape, kind)
    s, z, attributes = given(axis, scale, zero)
    return Case(nn.Quantize, [x], node("QuantizeLinear", x, s, z, **attributes), result_type=make)


@st.composite
def dequantize(draw):
    dims, kind = shape(draw, 1, 4, least=1), draw(st.sampled_from(STORAGE))
    q = any_integers(draw, dims, kind)
    axis, scale, zero, make = parameters(draw, dims, kind)
    s, z, attributes = given(axis, scale, zero)
    return Case(nn.Dequantize, [q], node("DequantizeLinear", q, s, z, **attributes), input_type=make)


@st.composite
def storage_cast(draw):
    dims, kind = shape(draw, 1, 4, least=1), draw(st.sampled_from(STORAGE))
    q = any_integers(draw, dims, kind)
    *_, make = parameters(draw, dims, kind)
    if draw(st.booleans()):
        return Case(nn.StorageCast, [q], node("Identity", q), input_type=make)
    return Case(nn.StorageCast, [q], node("Identity", q), result_type=make)


@st.composite
def round_dynamically(draw):
    """What a product with the unit matrix, in integers, leaves of rows in LiteRT."""
    x = floats(draw, shape(draw, 1, 4, least=1))
    axes = some_axes(draw, x.ndim, 1)
    along = [axis % x.ndim for axis in axes]
    order = [*(axis for axis in range(x.ndim) if axis not in along), *along]
    moved = x.transpose(order)
    rows = moved.reshape(-1, math.prod(x.shape[axis] for axis in along))
    run = litert(
        "FULLY_CONNECTED",
        rows,
        np.eye(rows.shape[1], dtype=np.int8),
        constant=(1,),
        quantised={1: Quantization((1.0,), (0,))},
        kernels=OpResolverType.BUILTIN,
    )

    def expected():
        return [run()[0].reshape(moved.shape).transpose(np.argsort(order))]

    return Case(nn.RoundDynamically, [x], expected, {"axes": axes})


STRATEGIES = {
    nn.Quantize: quantize(),
    nn.Dequantize: dequantize(),
    nn.StorageCast: storage_cast(),
    nn.RoundDynamically: round_dynamically(),
}
