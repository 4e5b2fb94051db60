"""Loops that list an arithmetic progression, with a trip count that data decides, beside onnxruntime."""

import numpy as np
import pytest
from engines import ENGINES
from onnx import TensorProto
from single_node import reference
from test_control import loop_body, node, value
from test_graphs import graph, refuse

from kpuc.errors import UnsupportedError

STATE = value("s", shape=[])
OUTPUTS = [value("t"), value("l")]


def network(*nodes, step=0.75):
    """A loop of a rounds, if b is positive."""
    inner = loop_body([*nodes, node("Identity", "s", "l")], OUTPUTS, [STATE])
    outer = [
        node("Cast", "a", "n", to=TensorProto.INT64),
        node("Greater", "b zero", "go"),
        node("Loop", "n go first", "last listed", body=inner),
    ]
    numbers = {"zero": np.float32(0), "first": np.float32(-2), "step": np.asarray(step, np.float32)}
    return graph(outer, {"a": [], "b": []}, ("last", "listed"), numbers, opset=18)


def fed(a, b):
    return {"a": np.array(a, np.float32), "b": np.array(b, np.float32)}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("added", ["s step", "step s"])
@pytest.mark.parametrize("given", [(5, 1), (1, 1), (0, 1), (-3, 1), (5, -1)], ids=str)
def test_a_computed_trip_count(engine, added, given):
    model, feed = network(node("Add", added, "t")), fed(*given)
    for ours, theirs in zip(ENGINES[engine](model, feed), reference(model, feed), strict=True):
        assert (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape)
        np.testing.assert_allclose(ours, theirs, rtol=1e-6)


@pytest.mark.parametrize("engine", ENGINES)
def test_without_a_condition(engine):
    model, feed = network(node("Add", "s step", "t")), fed(3, -1)
    for one in model.graph.node:
        if one.op_type == "Loop":
            one.input[1] = ""
    for ours, theirs in zip(ENGINES[engine](model, feed), reference(model, feed), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6)


@pytest.mark.parametrize(
    "nodes",
    [
        [node("Mul", "s step", "t")],
        [node("Add", "s s", "t")],
        [node("Cast", "i", "c", to=1), node("Add", "s c", "t")],
        [node("Add", "s step", "t"), node("Neg", "t", "unused")],
    ],
    ids=["products", "doubles", "of the round's number", "more nodes"],
)
def test_other_loops(nodes):
    assert "its trip count depends on input 'a'" in refuse(network(*nodes), UnsupportedError, "K0110")


def test_a_step_of_more_elements():
    said = refuse(network(node("Add", "s step", "t"), step=[1, 2]), UnsupportedError, "K0110")
    assert "its trip count depends on input 'a'" in said
