"""Quantised operators against onnxruntime: equal but for values that lie halfway between two steps."""

import numpy as np
import pytest
from onnx import TensorProto
from single_node import assert_as_onnxruntime, network, normal, reference, run, text

from kpuc.errors import ModelError

X = normal(2, 3, 4, 5)
RANDOM = np.random.default_rng(0)


def bytes_(*shape, dtype=np.uint8):
    info = np.iinfo(dtype)
    return RANDOM.integers(info.min, info.max, shape, dtype, endpoint=True)


@pytest.mark.parametrize(
    ("inputs", "options"),
    [
        ([X, np.float32(0.1), np.uint8(128)], {"opset": 10}),
        ([X, np.float32(0.02)], {"opset": 13}),
        ([X, np.float32([0.1, 0.2, 0.3]), np.int8([1, 2, 3])], {"opset": 13, "axis": 1}),
        ([X, np.float32([0.1] * 5), np.int8([0] * 5)], {"opset": 13, "axis": -1}),
        ([X.astype(np.float16), np.float16(0.1), np.int8(3)], {"opset": 19}),
        ([X, np.float32(0.001), np.uint16(30)], {"opset": 21}),
        ([X, np.float32(0.001), np.int16(-30)], {"opset": 21}),
        ([X, np.float32(0.1)], {"opset": 21, "output_dtype": TensorProto.INT8}),
    ],
)
def test_quantize(inputs, options):
    assert_as_onnxruntime(*network("QuantizeLinear", inputs, constant=(1, 2), **options))


@pytest.mark.parametrize(
    ("inputs", "options"),
    [
        ([bytes_(3, 4), np.float32(0.1), np.uint8(128)], {"opset": 10}),
        ([bytes_(3, 4, dtype=np.int8), np.float32([0.1, 0.2, 0.3])], {"opset": 13, "axis": 0}),
        ([bytes_(3, 4, dtype=np.int32), np.float32(1e-6)], {"opset": 13}),
        ([bytes_(3, 4, dtype=np.int8), np.float16(0.1), np.int8(3)], {"opset": 19}),
        ([bytes_(3, 4, dtype=np.uint16), np.float32(0.1), np.uint16(3)], {"opset": 21}),
    ],
)
def test_dequantize(inputs, options):
    bound = 1e-3 if inputs[1].dtype == np.float16 else 1e-6
    assert_as_onnxruntime(*network("DequantizeLinear", inputs, constant=(1, 2), **options), bound=bound)


def assert_within_one_step(model, feed):
    """At most one of a thousand values may fall to the other side of a half: sums are rounded differently."""
    (expected,), (actual,) = reference(model, feed), run(model, feed)
    assert (actual.dtype, actual.shape) == (expected.dtype, expected.shape)
    steps = np.abs(actual.astype(int) - expected.astype(int))
    assert steps.max() <= 1
    assert np.count_nonzero(steps) <= max(1, steps.size // 1000)
    assert len(np.unique(expected)) > 20  # not saturated


@pytest.mark.parametrize("per_channel", [False, True])
@pytest.mark.parametrize("biased", [False, True])
def test_qlinear_conv(per_channel, biased):
    weight = bytes_(6, 3, 3, 3, dtype=np.int8)
    scale = np.linspace(0.001, 0.003, 6, dtype=np.float32) if per_channel else np.float32(0.002)
    zero = np.zeros(6, np.int8) if per_channel else np.int8(0)
    bias = RANDOM.integers(-2000, 2000, 6, np.int32) if biased else None
    inputs = [bytes_(1, 3, 12, 12), np.float32(0.02), np.uint8(120), weight, scale, zero]
    inputs += [np.float32(0.05), np.uint8(128), bias]
    constant = tuple(range(1, 9))
    assert_within_one_step(
        *network("QLinearConv", inputs, opset=13, constant=constant, pads=[1, 1, 1, 1], strides=[2, 2])
    )


def test_qlinear_matmul():
    inputs = [bytes_(5, 16), np.float32(0.02), np.uint8(120), bytes_(16, 7), np.float32(0.01), np.uint8(130)]
    inputs += [np.float32(0.1), np.uint8(128)]
    assert_within_one_step(*network("QLinearMatMul", inputs, opset=10, constant=tuple(range(1, 8))))


def test_matmul_integer():
    inputs = [bytes_(5, 16), bytes_(16, 7), np.uint8(120), np.uint8(130)]
    assert_as_onnxruntime(*network("MatMulInteger", inputs, opset=10, constant=(1, 2, 3)))


def test_conv_integer():
    inputs = [bytes_(1, 3, 8, 8), bytes_(4, 3, 3, 3), np.uint8(120), np.uint8(130)]
    assert_as_onnxruntime(*network("ConvInteger", inputs, opset=10, constant=(1, 2, 3), pads=[1, 1, 1, 1]))


@pytest.mark.parametrize("shift", [-3.0, 0.0, 3.0])
def test_dynamic_quantize(shift):
    assert_as_onnxruntime(*network("DynamicQuantizeLinear", [X + np.float32(shift)], opset=11, outputs=3))


def test_parameters_are_in_the_type():
    model, _ = network("QuantizeLinear", [X, np.float32(0.5), np.uint8(128)], constant=(1, 2), opset=13)
    assert "!quant.uniform<u8:f32, 5.000000e-01:128>" in text(model)


def test_computed_parameters_are_operands():
    assert_as_onnxruntime(*network("QuantizeLinear", [X, np.float32(0.5), np.uint8(128)], opset=13))


@pytest.mark.parametrize("scale", [0.0, -1.0, np.nan, np.inf])
def test_scales_that_are_no_scales(scale):
    model, _ = network("QuantizeLinear", [X, np.float32(scale), np.uint8(0)], constant=(1, 2), opset=13)
    with pytest.raises(ModelError, match=r"K0104.*scale"):
        text(model)


def test_scales_of_the_wrong_number():
    model, _ = network("QuantizeLinear", [X, np.float32([1, 2]), np.uint8([0, 0])], constant=(1, 2), opset=13)
    with pytest.raises(ModelError, match=r"K0104.*2 scales for 3 entries of axis 1"):
        text(model)
