"""What the vendor's compiler gets wrong, and kpuc must not: each against onnxruntime, through a version 7 kmodel."""

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

import kpuc

RANDOM = np.random.default_rng(3)


def network(nodes, shape, constants=(), outputs=("y",), opset=17):
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
        [numpy_helper.from_array(np.asarray(array), name) for name, array in constants],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def floats(*shape):
    return RANDOM.standard_normal(shape).astype(np.float32)


CASES = {
    "a padding of fives before a padded convolution": network(
        [
            helper.make_node("Pad", ["x", "pads", "five"], ["p"]),
            helper.make_node("Conv", ["p", "w"], ["y"], pads=[1, 1, 1, 1]),
        ],
        (1, 1, 6, 6),
        [("pads", np.array([0, 0, 1, 1, 0, 0, 1, 1])), ("five", np.float32(5)), ("w", floats(1, 1, 3, 3))],
    ),
    "a padding of fives before average pooling": network(
        [
            helper.make_node("Pad", ["x", "pads", "five"], ["p"]),
            helper.make_node("AveragePool", ["p"], ["y"], kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
        ],
        (1, 1, 6, 6),
        [("pads", np.array([0, 0, 1, 1, 0, 0, 1, 1])), ("five", np.float32(5))],
    ),
    "a padded maximum of negative numbers": network(
        [
            helper.make_node("Sub", ["x", "ten"], ["n"]),
            helper.make_node("MaxPool", ["n"], ["y"], kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
        ],
        (1, 2, 5, 5),
        [("ten", np.float32(10))],
    ),
    "the maximum of three": network(
        [helper.make_node("Max", ["x", "a", "b"], ["y"])], (2, 3), [("a", floats(2, 3)), ("b", floats(3) + 2)]
    ),
    "the minimum of three": network(
        [helper.make_node("Min", ["x", "a", "b"], ["y"])], (2, 3), [("a", floats(2, 3)), ("b", floats(3) - 2)]
    ),
    "linear upsampling": network(
        [helper.make_node("Upsample", ["x", "s"], ["y"], mode="linear")],
        (1, 1, 4, 4),
        [("s", np.array([1, 1, 2, 2], np.float32))],
        opset=9,
    ),
    "linear resizing by half pixels": network(
        [helper.make_node("Resize", ["x", "", "s"], ["y"], mode="linear")],
        (1, 2, 5, 5),
        [("s", np.array([1, 1, 2, 2], np.float32))],
    ),
    "rounding down": network([helper.make_node("Floor", ["x"], ["y"])], (3, 5)),
    "an LSTM of which one output is used": network(
        [helper.make_node("LSTM", ["x", "w", "r"], ["", "y"], hidden_size=4)],
        (5, 1, 3),
        [("w", floats(1, 16, 3)), ("r", floats(1, 16, 4))],
    ),
    "an LSTM in both directions over two samples": network(
        [helper.make_node("LSTM", ["x", "w", "r", "b"], ["y"], hidden_size=4, direction="bidirectional")],
        (5, 2, 3),
        [("w", floats(2, 16, 3)), ("r", floats(2, 16, 4)), ("b", floats(2, 32))],
    ),
    "a 1-D convolution without dilations": network(
        [helper.make_node("Conv", ["x", "w"], ["y"], kernel_shape=[3])], (1, 2, 9), [("w", floats(4, 2, 3))]
    ),
    "a transposed convolution with a ReLU": network(
        [helper.make_node("ConvTranspose", ["x", "w"], ["t"], strides=[2, 2]), helper.make_node("Relu", ["t"], ["y"])],
        (1, 3, 4, 4),
        [("w", floats(3, 2, 2, 2))],
    ),
}


@pytest.fixture(scope="module")
def vendor_results():
    from vendor import run_in_vendor_runtime

    jobs = []
    for model in CASES.values():
        shape = [dim.dim_value for dim in model.graph.input[0].type.tensor_type.shape.dim]
        jobs.append((kpuc.compile(model, target="k230").data, [floats(*shape)], 1))
    return dict(zip(CASES, zip(jobs, run_in_vendor_runtime(jobs), strict=True), strict=True))


@pytest.mark.parametrize("name", CASES)
def test_the_vendor_runtime_and_ours_agree_with_onnxruntime(name, vendor_results):
    (data, (x,), _), vendor = vendor_results[name]
    (expected,) = onnxruntime.InferenceSession(CASES[name].SerializeToString()).run(None, {"x": x})
    (ours,) = kpuc.Simulator(data).run(x).values()
    np.testing.assert_allclose(ours, expected, rtol=1e-5, atol=1e-5)
    assert not isinstance(vendor, str), vendor
    np.testing.assert_allclose(vendor[0], expected, rtol=1e-5, atol=1e-5)
