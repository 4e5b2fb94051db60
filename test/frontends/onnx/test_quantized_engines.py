"""Quantised operators, onnxruntime's own and the standard's, on every engine, beside onnxruntime.

Results are within one step, and nearly all equal.
"""

import numpy as np
import onnx
import pytest
from engines import ENGINES
from single_node import network, normal, reference

from kpuc.errors import UnsupportedError

EXACT = 0.99
"""The least part of results that have to be equal; others lie halfway between two steps."""
DOMAIN = "com.microsoft"


def noise(*shape, dtype=np.uint8, seed=0):
    info = np.iinfo(dtype)
    return np.random.default_rng([seed, *shape]).integers(info.min, info.max, shape, dtype, endpoint=True)


def operand(values, scale, zero):
    """Integers, scale and zero point."""
    return [values, np.float32(scale), values.dtype.type(zero)]


def parameters(scale, zero, dtype):
    return [np.float32(scale), np.dtype(dtype).type(zero)]


def assert_close(model, feed, engine):
    for expected, actual in zip(reference(model, feed), ENGINES[engine](model, feed), strict=True):
        assert_near(expected, actual)


def assert_near(expected, actual):
    assert (actual.dtype, actual.shape) == (expected.dtype, expected.shape)
    if expected.dtype == np.int32:
        np.testing.assert_array_equal(actual, expected)
        return
    if expected.dtype.kind == "f":
        np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-4)
        return
    steps = np.abs(actual.astype(int) - expected.astype(int))
    assert steps.max() <= 1
    assert np.mean(steps == 0) >= EXACT
    assert len(np.unique(expected)) > min(20, (expected.size - 1) // 4)  # not saturated


ZEROS = {np.uint8: (120, 130, 128), np.int8: (-5, 7, 3)}
"""Zero points of two operands and of the result."""
STANDARD = {"QLinearConv", "QLinearMatMul", "MatMulInteger", "ConvInteger", "DynamicQuantizeLinear"}
"""Operators of the standard; the others are onnxruntime's own."""
CASES = {}


def add_cases(name, operator, make, constant=None, **attributes):
    """A case for each type; `make(dtype, zeros)` gives the inputs, all but the integers are constant."""
    for dtype, zeros in ZEROS.items():
        inputs = make(dtype, zeros)
        fixed = constant if constant is not None else [k for k, one in enumerate(inputs) if one is None or one.ndim < 2]
        CASES[f"{name}-{np.dtype(dtype).name}"] = (operator, inputs, tuple(fixed), attributes)


SHAPE = (2, 6, 5, 7)
for _operator, _scale in (("QLinearAdd", 0.0407), ("QLinearMul", 0.0511)):
    add_cases(
        _operator,
        _operator,
        lambda dtype, zeros, scale=_scale: [
            *operand(noise(*SHAPE, dtype=dtype), 0.0213, zeros[0]),
            *operand(noise(6, 5, 7, dtype=dtype, seed=1), 0.0317, zeros[1]),
            *parameters(scale, zeros[2], dtype),
        ],
    )
add_cases(
    "QLinearAdd-constant",
    "QLinearAdd",
    lambda dtype, zeros: [
        *operand(noise(*SHAPE, dtype=dtype), 0.0213, zeros[0]),
        *operand(noise(1, 6, 1, 1, dtype=dtype, seed=1), 0.0317, zeros[1]),
        *parameters(0.0407, zeros[2], dtype),
    ],
    constant=range(1, 8),
)


def unary(scale):
    return lambda dtype, zeros: [
        *operand(noise(*SHAPE, dtype=dtype), 0.0317, zeros[0]),
        *parameters(scale, zeros[2], dtype),
    ]


add_cases("QLinearSigmoid", "QLinearSigmoid", unary(1 / 256))
add_cases("QLinearLeakyRelu", "QLinearLeakyRelu", unary(0.0331), alpha=0.2)
add_cases("QLinearSoftmax", "QLinearSoftmax", unary(1 / 200), opset=13, axis=-1)
add_cases("QLinearGlobalAveragePool", "QLinearGlobalAveragePool", unary(0.00337))
add_cases(
    "QLinearAveragePool",
    "QLinearAveragePool",
    unary(0.0229),
    kernel_shape=[3, 3],
    strides=[2, 1],
    pads=[1, 1, 1, 1],
    count_include_pad=1,
)
add_cases("QLinearAveragePool-plain", "QLinearAveragePool", unary(0.0229), kernel_shape=[2, 2])
add_cases(
    "QLinearConcat",
    "QLinearConcat",
    lambda dtype, zeros: [
        *parameters(0.0317, zeros[2], dtype),
        *operand(noise(*SHAPE, dtype=dtype), 0.0213, zeros[0]),
        *operand(noise(2, 3, 5, 7, dtype=dtype), 0.0317, zeros[1]),
    ],
    axis=1,
)
add_cases(
    "QLinearWhere",
    "QLinearWhere",
    lambda dtype, zeros: [
        np.random.default_rng(0).integers(0, 2, SHAPE).astype(bool),
        *operand(noise(*SHAPE, dtype=dtype), 0.0213, zeros[0]),
        *operand(noise(*SHAPE, dtype=dtype, seed=1), 0.0317, zeros[1]),
        *parameters(0.0317, zeros[2], dtype),
    ],
)


def gemm(rows, columns, scale, result=True, bias=True):
    def make(dtype, zeros):
        inputs = [
            *operand(noise(9, 16, dtype=dtype), 0.0213, zeros[0]),
            *operand(noise(rows, columns, dtype=dtype, seed=1), 0.0113, zeros[1]),
        ]
        inputs[4] = np.float32(scale)
        inputs[5] = np.full(np.shape(scale), zeros[1], dtype)
        inputs.append(noise(7, dtype=np.int16).astype(np.int32) if bias else None)
        return [*inputs, *parameters(0.1571, zeros[2], dtype)] if result else inputs

    return make


add_cases("QGemm", "QGemm", gemm(16, 7, 0.0113), range(1, 9))
add_cases("QGemm-transposed", "QGemm", gemm(7, 16, 0.0113), range(1, 9), transB=1)
add_cases("QGemm-columns", "QGemm", gemm(16, 7, np.linspace(0.005, 0.0213, 7)), range(1, 9))
add_cases("QGemm-plain", "QGemm", gemm(16, 7, 0.0113, bias=False), range(1, 9))
add_cases("QGemm-float", "QGemm", gemm(16, 7, 0.0113, result=False), range(1, 7), alpha=0.5)
add_cases(
    "MatMulIntegerToFloat",
    "MatMulIntegerToFloat",
    lambda dtype, zeros: [
        noise(9, 16, dtype=dtype),
        noise(16, 7, dtype=dtype, seed=1),
        np.float32(0.02),
        np.linspace(0.005, 0.0213, 7).astype(np.float32),
        dtype(zeros[0]),
        np.full(7, zeros[1], dtype),
        normal(7),
    ],
    range(1, 7),
)
for _dtype in (np.uint8, np.int8):
    CASES[f"DynamicQuantizeMatMul-{np.dtype(_dtype).name}"] = (
        "DynamicQuantizeMatMul",
        [normal(9, 16), noise(16, 7, dtype=_dtype), np.float32(0.0113), _dtype(3), normal(7)],
        (1, 2, 3, 4),
        {},
    )
for _dtype in (np.uint8, np.int8, np.uint16, np.int16):
    CASES[f"QuantizeLinear-{np.dtype(_dtype).name}"] = (
        "QuantizeLinear",
        [normal(9, 16), *parameters(0.02 if _dtype in ZEROS else 0.0001, 3, _dtype)],
        (1, 2),
        {},
    )
    CASES[f"DequantizeLinear-{np.dtype(_dtype).name}"] = (
        "DequantizeLinear",
        [noise(9, 16, dtype=_dtype), *parameters(0.0213, 3, _dtype)],
        (1, 2),
        {},
    )


def convolution(weights, scale, groups=1):
    def make(dtype, zeros):
        zero = np.full(np.shape(scale), 0 if np.ndim(scale) else 3, weights)
        inputs = [
            *operand(noise(2, 6, 9, 8, dtype=dtype), 0.0213, zeros[0]),
            noise(8, 6 // groups, 3, 3, dtype=weights),
            np.float32(scale),
            zero,
            *parameters(0.2, zeros[2], dtype),
        ]
        return [*inputs, noise(8, dtype=np.int16).astype(np.int32)]

    return make


_SCALES = np.linspace(0.001, 0.003, 8)
for _name, _weights, _scale, _groups in (
    ("tensor", np.int8, 0.002, 1),
    ("channels", np.int8, _SCALES, 1),
    ("groups", np.int8, _SCALES, 2),
):
    _options = {"pads": [1, 0, 1, 2], "strides": [2, 1], "group": _groups}
    add_cases(f"QLinearConv-{_name}", "QLinearConv", convolution(_weights, _scale, _groups), range(1, 9), **_options)


for _name, _operator, _options in (
    ("QLinearConv-last", "QLinearConv", {"pads": [1, 0, 1, 2], "strides": [2, 1]}),
    ("QLinearAveragePool-last", "QLinearAveragePool", {"kernel_shape": [2, 3]}),
    ("QLinearGlobalAveragePool-last", "QLinearGlobalAveragePool", {}),
):
    _first = noise(2, 9, 8, 6)
    _inputs = convolution(np.int8, _SCALES)(np.uint8, ZEROS[np.uint8])
    _inputs[0] = _first
    if _operator != "QLinearConv":
        _inputs = [*operand(_first, 0.0213, 120), *parameters(0.0117, 120, np.uint8)]
    _fixed = tuple(range(1, len(_inputs)))
    CASES[_name] = (_operator, _inputs, _fixed, {**_options, "channels_last": 1})


def product(scale):
    """Weights have scales a column."""

    def make(dtype, zeros):
        inputs = [
            *operand(noise(3, 9, 16, dtype=dtype), 0.0213, zeros[0]),
            *operand(noise(16, 7, dtype=dtype), 0.01, 3),
            *parameters(0.157, zeros[2], dtype),
        ]
        inputs[4], inputs[5] = np.float32(scale), np.full(np.shape(scale), zeros[1], dtype)
        return inputs

    return make


add_cases("QLinearMatMul", "QLinearMatMul", product(0.0113), range(1, 8))
add_cases("QLinearMatMul-columns", "QLinearMatMul", product(np.linspace(0.005, 0.02, 7)), range(1, 8))
add_cases(
    "MatMulInteger",
    "MatMulInteger",
    lambda dtype, zeros: [
        noise(9, 16, dtype=dtype),
        noise(16, 7, dtype=np.int8),
        dtype(zeros[0]),
        np.arange(-3, 4, dtype=np.int8),
    ],
    range(1, 4),
)
add_cases(
    "ConvInteger",
    "ConvInteger",
    lambda dtype, zeros: [
        noise(2, 6, 9, 8, dtype=dtype),
        noise(8, 3, 3, 3, dtype=dtype),
        dtype(zeros[0]),
        dtype(zeros[1]),
    ],
    range(1, 4),
    group=2,
    pads=[1, 1, 1, 1],
)
CASES["DynamicQuantizeLinear"] = ("DynamicQuantizeLinear", [normal(9, 16)], (), {})


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", CASES)
def test_as_onnxruntime(name, engine):
    operator, inputs, constant, attributes = CASES[name]
    own = operator not in STANDARD or "channels_last" in attributes
    plain = {key: value for key, value in attributes.items() if key != "opset"}
    outputs = 3 if operator == "DynamicQuantizeLinear" else 1
    model, feed = network(operator, inputs, constant=constant, domain=DOMAIN if own else "", outputs=outputs, **plain)
    if "opset" in attributes:  # an attribute of the operator's
        model.graph.node[0].attribute.append(onnx.helper.make_attribute("opset", attributes["opset"]))
    if own:
        model.opset_import.add(domain=DOMAIN, version=1)
    assert_close(model, feed, engine)


def test_parameters_that_are_computed_are_refused():
    inputs = [*operand(noise(2, 3), 0.1, 3), *operand(noise(2, 3), 0.1, 3), *parameters(0.1, 3, np.uint8)]
    model, feed = network("QLinearAdd", inputs, constant=(2, 3, 4, 5, 6, 7), domain=DOMAIN)
    with pytest.raises(UnsupportedError, match=r"K0110.*\n.*com.microsoft.QLinearAdd at .*must be constant"):
        ENGINES["evaluator"](model, feed)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("columns", [False, True])
@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
def test_lstm(direction, columns, engine):
    """Weights are 8 bits in both; what they are multiplied with is rounded by onnxruntime only."""
    count, width, hidden = 1 + (direction == "bidirectional"), 6, 4
    sizes = (count, 4 * hidden) if columns else (count,)
    scales = np.random.default_rng(0).uniform(0.005, 0.01, sizes).astype(np.float32)
    zeros = np.zeros(sizes, np.int8)
    weights = [noise(count, rows, 4 * hidden, dtype=np.int8, seed=rows) for rows in (width, hidden)]
    inputs = [normal(5, 2, width), *weights, normal(count, 8 * hidden), None, None, None, None]
    inputs += [scales, zeros, scales, zeros]
    options = {"direction": direction, "hidden_size": hidden, "outputs": 3, "domain": DOMAIN}
    model, feed = network("DynamicQuantizeLSTM", inputs, constant=tuple(range(1, 12)), **options)
    model.opset_import.add(domain=DOMAIN, version=1)
    for expected, actual in zip(reference(model, feed), ENGINES[engine](model, feed), strict=True):
        assert (actual.dtype, actual.shape) == (expected.dtype, expected.shape)
        np.testing.assert_allclose(actual, expected, atol=0.03)
