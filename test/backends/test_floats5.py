"""Networks of float16 and float64 as version 5: what they compute, here and by the vendor, and what users are told."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from vendor19 import simulate, skip_without

import kpuc
from kpuc import onnx_backend
from kpuc.runtime.analysis import analyze
from kpuc.runtime.kmodel import read_kmodel

RANDOM = np.random.default_rng(3)
KINDS = {TensorProto.FLOAT16: (np.float16, 2e-3), TensorProto.DOUBLE: (np.float64, 1e-5)}
"""Element type -> numpy's, and a bound for errors: two steps of float16, and those of float32."""
RUNTIMES = {None: "1.9", "1.1.0": "1.1"}


def model(kind: int, *nodes: tuple[str, list[str], str, dict], shape: tuple[int, ...] = (2, 3, 5, 5)) -> bytes:
    """A network from an image x to y with random weights w and b."""
    dtype = KINDS[kind][0] if kind in KINDS else np.float32
    random = np.random.default_rng(4)
    constants = {"w": random.normal(size=(4, 3, 3, 3)) / 5, "b": random.normal(size=(4, 1, 1))}
    graph = helper.make_graph(
        [helper.make_node(op, inputs, [output], **attributes) for op, inputs, output, attributes in nodes],
        "network",
        [helper.make_tensor_value_info("x", kind, shape)],
        [helper.make_tensor_value_info("y", kind, None)],
        [numpy_helper.from_array(value.astype(dtype), name) for name, value in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9).SerializeToString()


COMPUTING = (
    ("Conv", ["x", "w"], "c", {}),
    ("Add", ["c", "b"], "a", {}),
    ("Relu", ["a"], "r", {}),
    ("Transpose", ["r"], "t", {"perm": [0, 2, 3, 1]}),
    ("Softmax", ["t"], "y", {"axis": -1}),
)
MOVING = (("Transpose", ["x"], "t", {"perm": [0, 2, 3, 1]}), ("Concat", ["t", "t"], "y", {"axis": 1}))


@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.parametrize("kind", KINDS)
def test_a_network_computes_what_it_does_with_numpy(kind: int, runtime: str | None) -> None:
    skip_without(RUNTIMES[runtime])
    dtype, bound = KINDS[kind]
    data, x = model(kind, *COMPUTING), RANDOM.normal(size=(2, 3, 5, 5)).astype(dtype)
    (expected,) = onnx_backend.prepare(onnx.load_from_string(data), engine="evaluator").run([x])
    made = kpuc.compile(data, kmodel=5, runtime=runtime).data
    (ours,) = kpuc.Simulator(made).run(x).values()
    (theirs,) = simulate([(made, [x])], RUNTIMES[runtime])[0]
    assert ours.dtype == theirs.dtype == dtype
    np.testing.assert_allclose(ours, expected, atol=bound)
    np.testing.assert_allclose(theirs, expected, atol=bound)


def test_float64_that_is_computed_with_gets_a_note() -> None:
    (note,) = kpuc.compile(model(TensorProto.DOUBLE, *COMPUTING), kmodel=5).report["notes"]
    assert note == "version 5 computes float64 in float32: results have its precision and its range"


@pytest.mark.parametrize(
    ("kind", "nodes", "options"),
    [
        (TensorProto.DOUBLE, MOVING, {"kmodel": 5}),
        (TensorProto.FLOAT16, COMPUTING, {"kmodel": 5}),
        (TensorProto.DOUBLE, COMPUTING, {"portable": True}),
    ],
    ids=["only moved", "float16", "version 7"],
)
def test_others_do_not(kind: int, nodes: tuple, options: dict) -> None:
    assert "notes" not in kpuc.compile(model(kind, *nodes), **options).report


def test_float64_is_moved_bit_for_bit() -> None:
    x = RANDOM.normal(size=(2, 3, 5, 5))
    moved = np.moveaxis(x, 1, -1)
    (result,) = kpuc.Simulator(kpuc.compile(model(TensorProto.DOUBLE, *MOVING), kmodel=5).data).run(x).values()
    np.testing.assert_array_equal(result, np.concatenate([moved, moved], 1))


POOL = {"kernel_shape": [2, 2], "strides": [2, 2]}
LAYERS = (("Conv", ["x", "w"], "c", {"pads": [1] * 4}), ("Relu", ["c"], "r", {}), ("MaxPool", ["r"], "y", POOL))


@pytest.mark.parametrize("kind", KINDS)
def test_layers_of_a_k210_compute_the_same_as_of_float32(kind: int) -> None:
    """They compute in 8 bits in any case; what goes in and comes out keeps its type."""
    samples = [{"x": RANDOM.normal(size=(1, 3, 16, 16)).astype(np.float32)} for _ in range(3)]
    made = [
        kpuc.compile(
            model(one, *LAYERS, shape=(1, 3, 16, 16)),
            "k210",
            calibration=[
                {"x": sample["x"].astype(KINDS[one][0] if one in KINDS else np.float32)} for sample in samples
            ],
        )
        for one in (kind, TensorProto.FLOAT)
    ]
    others, plain = ([step.kind for step in analyze(read_kmodel(one.data)).steps] for one in made)
    assert "layer" in plain and others == ["loops", *plain, "loops"]
    (result,) = kpuc.Simulator(made[0].data).run(samples[0]["x"].astype(KINDS[kind][0])).values()
    (expected,) = kpuc.Simulator(made[1].data).run(samples[0]["x"]).values()
    assert result.dtype == KINDS[kind][0]
    np.testing.assert_allclose(result, expected, atol=0.05)
