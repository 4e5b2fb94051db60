"""Quantised operators of onnxruntime's own, against onnxruntime: most bytes are equal, others one step away.

It computes some of them with tables and integers of its own precision, which is what the bounds are for.
"""

import numpy as np
import pytest
from onnx import helper
from single_node import network, reference, run

from kpuc.errors import KpucError
from kpuc.frontends.onnx.node import CONTRIBUTED, MICROSOFT

RANDOM = np.random.default_rng(0)
SCALE, ZERO = np.float32(0.0317), np.uint8(120)
RESULT = (np.float32(0.0437), np.uint8(100))


def bytes_(*shape, dtype=np.uint8):
    info = np.iinfo(dtype)
    return RANDOM.integers(info.min, info.max, shape, dtype, endpoint=True)


def one(*shape, dtype=np.uint8, scale=SCALE, zero=ZERO):
    """A tensor with its scale and its zero point."""
    return [bytes_(*shape, dtype=dtype), np.float32(scale), np.asarray(zero, dtype)]


IMAGE = (1, 4, 6, 8)
CASES = {
    "QLinearAdd": ([*one(*IMAGE), *one(*IMAGE, scale=0.0511, zero=7), *RESULT], {}),
    "QLinearMul": ([*one(*IMAGE), *one(1, 4, 1, 1, scale=0.01, zero=7), *RESULT], {}),
    "QLinearSigmoid": ([*one(*IMAGE), np.float32(1 / 256), np.uint8(0)], {}),
    "QLinearLeakyRelu": ([*one(*IMAGE), *RESULT], {"alpha": 0.1}),
    "QLinearAveragePool": (
        [*one(*IMAGE), np.float32(0.0213), np.uint8(100)], {"kernel_shape": [3, 3], "pads": [1] * 4},
    ),
    "QLinearGlobalAveragePool": ([*one(1, 40, 6, 8), np.float32(0.01), np.uint8(100)], {}),
    "QLinearSoftmax": ([*one(3, 20, scale=0.01), np.float32(1 / 1024), np.uint8(0)], {"axis": -1, "since": 13}),
    "QLinearConcat": ([*RESULT, *one(*IMAGE), *one(1, 2, 6, 8, scale=0.0511, zero=7)], {"axis": 1}),
    "QGemm": (
        [
            *one(3, 20), *one(20, 30, dtype=np.int8, scale=0.01, zero=0),
            np.arange(-1500, 1500, 100, dtype=np.int32), np.float32(0.3), np.uint8(100),
        ],
        {"alpha": 0.5},
    ),
}  # fmt: skip


def is_data(array):
    return array.dtype.kind in "iu" and array.ndim > 1


def made(operator, inputs, since=None, **attributes):
    """A model of one node, and what to feed it; `since` is the attribute `opset`."""
    constant = [number for number, array in enumerate(inputs) if not is_data(array)]
    if operator == "QGemm":
        constant.append(3)
    model, feed = network(operator, inputs, constant=constant, domain=MICROSOFT, **attributes)
    if since is not None:
        model.graph.node[0].attribute.append(helper.make_attribute("opset", since))
    return model, feed


def bias():
    return bytes_(30, dtype=np.int16).astype(np.int32) // 8


def assert_close(model, feed):
    (expected,), (actual,) = reference(model, feed), run(model, feed)
    assert (actual.dtype, actual.shape) == (expected.dtype, expected.shape)
    away = np.abs(actual.astype(int) - expected.astype(int))
    assert away.max() <= 1
    assert np.mean(away == 0) >= 0.98
    assert len(np.unique(expected)) > 20  # not saturated


def test_every_operator_has_a_case():
    assert set(CASES) == set(CONTRIBUTED)


@pytest.mark.parametrize("operator", CASES)
def test_operator(operator):
    inputs, attributes = CASES[operator]
    assert_close(*made(operator, inputs, **attributes))


def test_signed_bytes():
    inputs = [*one(*IMAGE, dtype=np.int8, zero=-3), *one(*IMAGE, dtype=np.int8, zero=5), np.float32(0.05), np.int8(-9)]
    assert_close(*made("QLinearAdd", inputs))


def test_products_with_a_scale_a_column():
    scales = RANDOM.uniform(0.001, 0.02, 30).astype(np.float32)
    weight = [bytes_(30, 20, dtype=np.int8), scales, np.zeros(30, np.int8)]
    assert_close(*made("QGemm", [*one(3, 20), *weight, bias(), np.float32(0.3), np.uint8(90)], transB=1))


def test_products_that_are_not_rounded():
    model, feed = made("QGemm", [*one(3, 20), *one(20, 30, dtype=np.int8, scale=0.01, zero=0)])
    (expected,), (actual,) = reference(model, feed), run(model, feed)
    np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("operator", "inputs", "attributes", "words"), [
    ("QLinearAdd", [*one(*IMAGE), *one(*IMAGE)], {}, "scale and zero point must be constant"),
    ("QLinearAveragePool", [*one(*IMAGE), *RESULT], {"kernel_shape": [3, 3], "channels_last": 1}, "channels that come"),
    ("QLinearSigmoid", [bytes_(2, 2), np.float32([1, 2]), np.uint8([1, 2]), *RESULT], {}, "2 scales"),
    ("QLinearWhere", [*one(*IMAGE)], {}, "com.microsoft"),
])  # fmt: skip
def test_what_is_refused(operator, inputs, attributes, words):
    model, feed = made(operator, inputs, **attributes)
    with pytest.raises(KpucError, match=words):
        run(model, feed)
