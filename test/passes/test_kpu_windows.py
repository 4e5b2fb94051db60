"""Maximum poolings that the KPU does not have, as chains of layers, against onnxruntime."""

import numpy as np
import onnxruntime
import pytest
from onnx import helper, numpy_helper

from kpuc.dialects import kpu, mlir
from kpuc.dialects.evaluate import evaluate
from kpuc.dialects.function import entry_function
from kpuc.frontends.onnx import import_onnx
from kpuc.passes.pipeline import parse_pipeline
from kpuc.passes.quant.calibrate import calibrate
from kpuc.passes.quant.calibration import annotate
from kpuc.passes.quant.ranges import MinMax

SIZE = (1, 8, 12, 13)
CASES = [  # kernel, stride, pads, ceil_mode
    (3, 1, (1, 1, 1, 1), 0),
    (5, 1, (2, 2, 2, 2), 0),
    (9, 1, (4, 4, 4, 4), 0),
    (3, 2, (1, 1, 1, 1), 0),
    (3, 2, (0, 0, 1, 1), 0),
    (3, 2, (0, 0, 0, 0), 1),
    (2, 1, (0, 0, 0, 0), 0),
    (4, 3, (1, 1, 0, 0), 0),
]


def network(kernel, stride, pads, ceil_mode, function):
    edges = {"pads": list(pads), "ceil_mode": ceil_mode}
    weight = np.random.default_rng(0).normal(size=(8, 8, 1, 1)).astype(np.float32)
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"]),
        helper.make_node(function, ["c"], ["f"]),
        helper.make_node("MaxPool", ["f"], ["y"], kernel_shape=[kernel] * 2, strides=[stride] * 2, **edges),
    ]
    inputs, outputs = (helper.make_tensor_value_info(name, 1, shape) for name, shape in (("x", SIZE), ("y", None)))
    graph = helper.make_graph(nodes, "g", [inputs], [outputs], [numpy_helper.from_array(weight, "w")])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@pytest.mark.parametrize("function", ["Relu", "Tanh"])
@pytest.mark.parametrize(("kernel", "stride", "pads", "ceil_mode"), CASES)
def test_against_onnxruntime(kernel, stride, pads, ceil_mode, function):
    """Tanh, with its negative numbers, is sampled: 1e-4 is what that leaves."""
    model = network(kernel, stride, pads, ceil_mode, function)
    x = np.random.default_rng(1).normal(size=SIZE).astype(np.float32)
    x[0, :, :2] -= 2  # so that the maximum of windows at the edge is negative somewhere
    (expected,) = onnxruntime.InferenceSession(model.SerializeToString()).run(None, {"x": x})
    with mlir.context():
        module = import_onnx(model)
        parse_pipeline("builtin.module(nn-canonicalize,nn-fuse-convolutions,kpu-prepare)").run(module)
        annotate(module, calibrate(module, [{"x": x}], MinMax))
        parse_pipeline("builtin.module(kpu-form-layers)").run(module)
        operations = [op.operation.name for op in entry_function(module).regions[0].blocks[0].operations]
        (actual,) = evaluate(module, [x])
    padded_and_strided = stride > 1 and pads[0] > 0  # few windows, and a way over the host: it had better stay there
    assert ("nn.max_pool" in operations) == padded_and_strided
    assert kpu.Layer.OPERATION_NAME in operations
    np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-4)
