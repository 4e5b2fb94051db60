"""Transposed convolutions as convolutions of phases, against onnxruntime."""

from itertools import product

import numpy as np
import onnxruntime
import pytest
from onnx import helper, numpy_helper

from kpuc.dialects import mlir
from kpuc.dialects.evaluate import evaluate
from kpuc.dialects.function import entry_function
from kpuc.frontends.onnx import import_onnx
from kpuc.passes.pipeline import parse_pipeline

CASES = list(product((1, 2, 3, 4, 5), (2, 3), ((0, 0, 0, 0), (1, 0, 1, 0), (1, 1, 1, 1), (2, 1, 0, 1)), (0, 1)))


def model_of(kernel, stride, padding, extra, group=1):
    generator = np.random.default_rng(kernel * 10 + stride)
    weight = generator.normal(size=(4, 2, kernel, kernel)).astype(np.float32)
    bias = generator.normal(size=2 * group).astype(np.float32)
    node = helper.make_node(
        "ConvTranspose", ["x", "w", "b"], ["y"], strides=[stride] * 2, pads=list(padding), output_padding=[extra] * 2,
        group=group,
    )  # fmt: skip
    graph = helper.make_graph(
        [node],
        "g",
        [helper.make_tensor_value_info("x", 1, (1, 4, 5, 6))],
        [helper.make_tensor_value_info("y", 1, None)],
        [numpy_helper.from_array(weight, "w"), numpy_helper.from_array(bias, "b")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def prepared(model, x):
    """The names of the operations after the pass, and what they compute."""
    with mlir.context():
        module = import_onnx(model)
        parse_pipeline("builtin.module(kpu-prepare)").run(module)
        names = [op.operation.name for op in entry_function(module).regions[0].blocks[0].operations]
        return names, evaluate(module, [x])[0]


@pytest.mark.parametrize(("kernel", "stride", "padding", "extra"), CASES)
def test_against_onnxruntime(kernel, stride, padding, extra):
    model = model_of(kernel, stride, padding, extra)
    x = np.random.default_rng(1).normal(size=(1, 4, 5, 6)).astype(np.float32)
    try:
        session = onnxruntime.InferenceSession(model.SerializeToString())
    except onnxruntime.capi.onnxruntime_pybind11_state.Fail as error:
        pytest.skip(f"onnxruntime refuses it: {error}"[:100])
    (expected,) = session.run(None, {"x": x})
    names, actual = prepared(model, x)
    np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-5)
    if padding == (0, 0, 0, 0) and not extra:
        assert "nn.conv_transpose" not in names
        assert "nn.depth_to_space" in names


@pytest.mark.parametrize(("stride", "group"), [(1, 1), (2, 2)])
def test_others_stay(stride, group):
    model = model_of(3, stride, (0, 0, 0, 0), 0, group)
    names, _ = prepared(model, np.zeros((1, 4, 5, 6), np.float32))
    assert "nn.conv_transpose" in names
