"""kpuc as a backend of the onnx package: what its users may rely on beyond the package's own tests."""

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.backend.base import Backend
from onnx.backend.test.runner import BackendIsNotSupposedToImplementIt

from kpuc import onnx_backend
from kpuc.errors import ExecutionError, KpucError, OptionError

X = np.arange(6, dtype=np.float32).reshape(2, 3)


def network(operator, inputs, initializers=(), **attributes):
    """One node; `inputs` are arrays by name, of which the network takes those that are not initializers."""
    graph = helper.make_graph(
        [helper.make_node(operator, list(inputs), ["y"], **attributes)],
        "net",
        [
            helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)
            for name, array in inputs.items()
        ],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(inputs[name], name) for name in initializers],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)


@pytest.mark.parametrize("engine", onnx_backend.ENGINES)
def test_every_engine_takes_every_form_of_inputs(engine):
    rep = onnx_backend.prepare(network("Neg", {"x": X}), "CPU", engine=engine)
    for given in ([X], (X,), X, {"x": X}):
        (result,) = rep.run(given)
        np.testing.assert_array_equal(result, -X)
    assert (rep.kmodel is None) == (engine == "evaluator")


def test_options_are_those_of_compile():
    model = network("Neg", {"x": X})
    rep = onnx_backend.prepare(model, target="k510")
    assert rep.kmodel is not None and rep.kmodel[4] == 5  # the version
    with pytest.raises(OptionError, match="K0701"):
        onnx_backend.prepare(model, target="nosuch")


def test_known_inputs_may_change():
    rep = onnx_backend.prepare(network("ReduceSum", {"x": X, "axes": np.array([0])}))
    made = []
    for axis in (0, 1, 1):
        (result,) = rep.run([X, np.array([axis])])
        np.testing.assert_array_equal(result, X.sum(axis, keepdims=True))
        assert rep.known["axes"].tolist() == [axis]
        made.append(rep.kmodel)
    assert made[0] is not made[1] and made[1] is made[2], "compiled once for the same values"


def test_initializers_are_no_inputs():
    rep = onnx_backend.prepare(network("Reshape", {"x": X, "shape": np.array([3, 2])}, ["shape"]))
    np.testing.assert_array_equal(rep.run([X])[0], X.reshape(3, 2))
    assert not rep.known


def test_one_node():
    node = helper.make_node("Add", ["a", "b"], ["y"])
    (result,) = onnx_backend.run_node(node, [X, X], outputs_info=[(np.float32, X.shape)])
    np.testing.assert_array_equal(result, X + X)
    (result,) = onnx_backend.run_node(helper.make_node("Relu", ["x"], ["y"]), [-X], opset_version=13)
    np.testing.assert_array_equal(result, np.zeros_like(X))


def test_refusals_are_ours_and_the_test_runners():
    model = network("StringNormalizer", {"x": X})
    assert not onnx_backend.is_compatible(model)
    with pytest.raises(BackendIsNotSupposedToImplementIt) as caught:
        onnx_backend.prepare(model)
    assert isinstance(caught.value, KpucError)
    assert caught.value.code == "K0110"


def test_values_do_not_always_help():
    rep = onnx_backend.prepare(network("StringConcat", {"x": X, "y0": X}))
    with pytest.raises(onnx_backend.NotSupportedError, match="StringConcat"):
        rep.run([X, X])


@pytest.mark.parametrize("given", [[], [X, X], {"z": X}])
def test_inputs_that_are_not_the_networks(given):
    rep = onnx_backend.prepare(network("Neg", {"x": X}), engine="evaluator")
    with pytest.raises(ExecutionError, match=r"K0502.*x"):
        rep.run(given)


def test_devices_and_engines():
    assert issubclass(onnx_backend.KpucBackend, Backend)
    assert onnx_backend.supports_device("CPU") and not onnx_backend.supports_device("CUDA")
    with pytest.raises(BackendIsNotSupposedToImplementIt, match="CUDA"):
        onnx_backend.prepare(network("Neg", {"x": X}), "CUDA")
    with pytest.raises(OptionError, match=r"K0701.*evaluator"):
        onnx_backend.prepare(network("Neg", {"x": X}), engine="nosuch")
