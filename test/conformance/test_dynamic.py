"""Networks with open dimensions: one kmodel, run with inputs of several shapes, beside onnxruntime, LiteRT, and the
vendor's runtime on the same bytes.

The measure is the largest difference relative to the largest magnitude of an output.
"""

from functools import cache

import numpy as np
import onnxruntime
import pytest
from ai_edge_litert.interpreter import Interpreter
from networks import find_models, relative_error
from onnx import TensorProto, helper
from test_models import strokes
from tflite_writer import GraphSpec, OperatorSpec, TensorSpec, write
from vendor import run_in_vendor_runtime

import kpuc
from kpuc.errors import ExecutionError, OptionError, UnsupportedError

BOUND = 1e-4
"""Networks add up thousands of float32 roundings in different orders."""


def noise(*shape, seed=0):
    return (np.random.default_rng(seed).random(shape) * 2 - 1).astype(np.float32)


NETWORKS = {
    "basic_pitch": [{"serving_default_input_2:0": noise(batch, 43844, 1)} for batch in (1, 2)],
    "ppocr_cls": [{"x": noise(2, 3, 48, 192)}, {"x": noise(1, 3, 64, 100)}],
    "ppocrv4_det": [{"x": strokes((1, 3, 64, 96))}, {"x": strokes((2, 3, 128, 160))}],
    "ppocrv4_rec": [{"x": noise(1, 3, 48, 320)}, {"x": noise(2, 3, 48, 100)}],
    "silero_vad_op15": [
        {"input": noise(batch, 576), "state": noise(2, batch, 128), "sr": np.array(16000)} for batch in (1, 3)
    ],
}
"""Inputs of trained networks, of two shapes at least."""


@cache
def reference(path):
    """What onnxruntime computes for each of the network's inputs."""
    session = onnxruntime.InferenceSession(str(path))
    return [session.run(None, feed) for feed in NETWORKS[path.stem]]


@cache
def kmodel(path):
    return kpuc.compile(path)


def cases():
    return [pytest.param(path, id=path.stem) for path in find_models(".onnx") if path.stem in NETWORKS]


@pytest.mark.parametrize("path", cases())
def test_trained_network(path):
    simulator = kpuc.Simulator(kmodel(path))
    for feed, expected in zip(NETWORKS[path.stem], reference(path), strict=True):
        outputs = list(simulator.run(feed).values())
        assert [one.shape for one in outputs] == [one.shape for one in expected]
        assert max(map(relative_error, expected, outputs)) < BOUND


@pytest.mark.slow
@pytest.mark.parametrize("path", cases())
def test_trained_network_in_the_vendor_runtime(path):
    feeds = NETWORKS[path.stem]
    results = run_in_vendor_runtime(
        [(kmodel(path).data, list(feed.values()), len(reference(path)[0])) for feed in feeds]
    )
    for result, expected in zip(results, reference(path), strict=True):
        assert not isinstance(result, str), result
        assert max(map(relative_error, expected, result)) < BOUND


def convolution(signature):
    """A TFLite network as a converter writes it for one sample: convolution, mean, fully connected."""
    random = np.random.default_rng(5)
    tensors = [
        TensorSpec("x", "float32", (1, 6, 6, 2), signature=signature),
        TensorSpec("w", "float32", (3, 3, 3, 2), random.standard_normal((3, 3, 3, 2)).astype(np.float32)),
        TensorSpec("b", "float32", (3,), np.float32([0.5, -0.5, 0])),
        TensorSpec("c", "float32", (1, 6, 6, 3), signature=(*signature[:3], 3)),
        TensorSpec("axes", "int32", (2,), np.int32([1, 2])),
        TensorSpec("m", "float32", (1, 3), signature=(signature[0], 3)),
        TensorSpec("f", "float32", (4, 3), random.standard_normal((4, 3)).astype(np.float32)),
        TensorSpec("y", "float32", (1, 4), signature=(signature[0], 4)),
    ]
    same = {"StrideH": 1, "StrideW": 1, "DilationHFactor": 1, "DilationWFactor": 1}
    operators = [
        OperatorSpec("CONV_2D", [0, 1, 2], [3], "Conv2DOptions", same),
        OperatorSpec("MEAN", [3, 4], [5], "ReducerOptions"),
        OperatorSpec("FULLY_CONNECTED", [5, 6, -1], [7], "FullyConnectedOptions"),
    ]
    return write(GraphSpec(tensors, operators, [0], [7]))


def litert(data, array):
    """What LiteRT computes for an input of another shape than the file's."""
    interpreter = Interpreter(model_content=data)
    interpreter.resize_tensor_input(interpreter.get_input_details()[0]["index"], array.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], array)
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])


def test_tflite_network_of_any_batch():
    data = convolution((-1, 6, 6, 2))
    made = kpuc.compile(data, dims={"-1": None})
    assert made.inputs[0].shape == (-1, 6, 6, 2)
    simulator = kpuc.Simulator(made)
    for batch in (1, 2, 5):
        array = noise(batch, 6, 6, 2, seed=batch)
        assert relative_error(litert(data, array), simulator.run(array)["y"]) < BOUND


def test_tflite_network_keeps_the_shape_that_it_was_converted_with():
    made = kpuc.compile(convolution((-1, 6, 6, 2)))
    assert made.inputs[0].shape == (1, 6, 6, 2)
    assert "notes" not in made.report


def relu(*dims):
    """x -> relu(x); a dimension that is a text is open, and called so."""
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, dims) for name in "xy"]
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", [values[0]], [values[1]])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9).SerializeToString()


SLOWER = "compiled to portable code, slower than machine code"


@pytest.mark.parametrize(
    ("dims", "notes"),
    [
        (("N", 3), [f"dimension 'N' of input 'x' is open: {SLOWER}; fix it with --dim N=..."]),
        ((2, "?"), [f"dimension 1 of input 'x' is open: {SLOWER}; fix it with --shape x=2,..."]),
        ((2, None), [f"dimension 1 of input 'x' is open: {SLOWER}; fix it with --shape x=2,..."]),
        (("N", "N"), [f"dimension 'N' of input 'x' is open: {SLOWER}; fix it with --dim N=..."]),
        ((None, "?"), [f"dimensions 0, 1 of input 'x' are open: {SLOWER}; fix them with --shape x=...,..."]),
        ((2, 3), None),
    ],
)
def test_the_report_says_what_is_open(dims, notes):
    assert kpuc.compile(relu(*dims)).report.get("notes") == notes


def test_what_is_portable_anyway_is_not_slower():
    notes = kpuc.compile(relu("N", 3), portable=True).report["notes"]
    assert notes == ["dimension 'N' of input 'x' is open; fix it with --dim N=..."]


def test_open_dimensions_give_portable_code():
    assert kpuc.compile(relu("N", 3)).data == kpuc.compile(relu("N", 3), portable=True).data


def test_what_portable_code_lacks_is_refused_with_the_way_out():
    """Einsum is written out for known sizes."""
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", "N"]) for name in "xy"]
    node = helper.make_node("Einsum", ["x", "x"], ["y"], equation="ij,jk->ik")
    graph = helper.make_graph([node], "g", [values[0]], [values[1]])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    with pytest.raises(UnsupportedError, match=r"(?s)K0602.*nn.einsum.*help  fix what is open \(--dim, --shape\)"):
        kpuc.compile(model)
    with pytest.raises(UnsupportedError, match=r"(?s)K0602.*nn.einsum.*help  see kpuc ops"):
        kpuc.compile(model, target="k230")


def test_a_dimension_can_stay_open_beside_one_that_is_fixed():
    made = kpuc.compile(relu("N", "M"), dims={"N": None, "M": 3})
    assert made.inputs[0].shape == (-1, 3)
    assert kpuc.compile(relu("N", "M"), shapes={"x": (None, 3)}).inputs == made.inputs


@pytest.mark.parametrize("options", [{"cpu": "x86-64-v3"}, {"triple": "riscv64-linux"}])
def test_machine_code_for_a_certain_cpu_needs_static_shapes(options):
    with pytest.raises(UnsupportedError, match=r"K0603.*has dimensions that are not known"):
        kpuc.compile(relu("N", 3), **options)


@pytest.mark.parametrize("target", ["k210", "k510"])
def test_targets_that_plan_memory_need_static_shapes(target):
    with pytest.raises(UnsupportedError, match=r"K0603.*has dimensions that are not known"):
        kpuc.compile(relu("N", 3), target=target)


@pytest.mark.parametrize("array", [noise(2, 4), noise(2), noise(2, 3).astype(np.float64)])
def test_an_input_that_does_not_fit_is_refused(array):
    with pytest.raises(ExecutionError, match=r"K0502.*expected x: float32 \[\?, 3\]"):
        kpuc.Simulator(kpuc.compile(relu("N", 3))).run(array)


def test_a_size_must_be_positive_or_open():
    with pytest.raises(OptionError, match="dimension 'N' cannot be 0"):
        kpuc.compile(relu("N", 3), dims={"N": 0})
