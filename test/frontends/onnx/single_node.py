"""Networks of one node, imported and evaluated beside onnxruntime."""

import numpy as np
import onnxruntime
from networks import relative_error
from onnx import ModelProto, ValueInfoProto, helper, numpy_helper

from kpuc.dialects import mlir
from kpuc.dialects.evaluate import evaluate
from kpuc.frontends.onnx import import_onnx

BOUND = 1e-5
"""Largest difference relative to an output's largest magnitude: some float32 roundings in a different order."""


def normal(*shape, seed=0):
    """Float32 noise, the same in every run."""
    return np.random.default_rng([seed, *shape]).standard_normal(shape).astype(np.float32)


def ints(*values):
    return np.array(values, np.int64)


def network(operator, inputs, *, opset=17, constant=(), outputs=1, domain="", **attributes):
    """A model of one node, and what to feed it.

    `inputs` are arrays, or None where one is absent; those at the positions `constant` become initializers.
    """
    names = ["" if array is None else f"i{k}" for k, array in enumerate(inputs)]
    present = [(k, name, array) for k, (name, array) in enumerate(zip(names, inputs, strict=True)) if name]
    results = [f"o{k}" for k in range(outputs)] if isinstance(outputs, int) else outputs
    graph = helper.make_graph(
        [helper.make_node(operator, names, results, domain=domain, **attributes)],
        "net",
        [
            helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)
            for k, name, array in present
            if k not in constant
        ],
        [ValueInfoProto(name=name) for name in results if name],
        [numpy_helper.from_array(np.asarray(array), name) for k, name, array in present if k in constant],
    )
    opsets = [helper.make_opsetid("", opset), *([helper.make_opsetid(domain, 1)] if domain else [])]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=10)
    return model, {name: np.asarray(array) for k, name, array in present if k not in constant}


def run(model: ModelProto, feed):
    """Our outputs."""
    with mlir.context():
        return evaluate(import_onnx(model), list(feed.values()))


def text(model: ModelProto, **options):
    """The imported module as text."""
    with mlir.context():
        return str(import_onnx(model, **options))


def reference(model: ModelProto, feed):
    """onnxruntime's outputs, without its graph optimisations."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return session.run(None, feed)


def assert_as_onnxruntime(model: ModelProto, feed, bound=BOUND):
    """Same number of outputs, same types and shapes; integers equal, floats within the bound."""
    expected, actual = reference(model, feed), run(model, feed)
    assert len(actual) == len(expected)
    for ours, theirs in zip(actual, expected, strict=True):
        assert (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape)
        if theirs.dtype.kind == "f":
            assert relative_error(theirs, ours) <= bound
        else:
            np.testing.assert_array_equal(ours, theirs)
