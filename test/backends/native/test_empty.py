"""Tensors without elements inside of a network, as machine code."""

import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

import kpuc


def test_products_and_sums_of_nothing():
    """A slice of no rows or no columns is multiplied: results without elements, and sums over none."""
    bounds = {"zero": 0, "one": 1, "axis0": 0, "axis1": 1}
    graph = helper.make_graph(
        [
            helper.make_node("Slice", ["x", "zero", "zero", "axis0"], ["rows"]),
            helper.make_node("Slice", ["x", "zero", "zero", "axis1"], ["columns"]),
            helper.make_node("MatMul", ["rows", "x"], ["none"]),
            helper.make_node("Relu", ["none"], ["relu"]),
            helper.make_node("MatMul", ["columns", "rows"], ["zeros"]),
            helper.make_node("Concat", ["relu", "zeros", "x"], ["y"], axis=0),
        ],
        "nothing",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [3, 3])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [6, 3])],
        [numpy_helper.from_array(np.array([value]), name) for name, value in bounds.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString()
    x = np.arange(9, dtype=np.float32).reshape(3, 3)
    (expected,) = onnxruntime.InferenceSession(model).run(None, {"x": x})
    (got,) = kpuc.Simulator(kpuc.compile(model)).run(x).values()
    assert np.array_equal(got, expected)
