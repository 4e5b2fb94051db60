"""If and Loop that data decides, beside onnxruntime: on the evaluator, as machine code and on the stack machine."""

import numpy as np
import pytest
from engines import ENGINES, EVERY_ENGINE
from onnx import TensorProto, helper, numpy_helper
from single_node import BOUND, reference, text
from test_control import NEG, RELU, body, choose, loop_body, node, value
from test_graphs import graph, refuse

from kpuc.errors import UnsupportedError
from kpuc.frontends.builder import ROUNDS

POSITIVE = [node("ReduceSum", "x", "sum", keepdims=0), node("Greater", "sum zero", "c")]
"""Whether the input's sum is positive."""
X = [np.full((2, 3), number, np.float32) for number in (2, -1)]


@pytest.fixture(params=EVERY_ENGINE)
def agrees(request):
    """Asserts that an engine computes what onnxruntime computes."""

    def check(model, feeds=tuple({"x": x} for x in X)):
        for feed in feeds:
            for ours, theirs in zip(EVERY_ENGINE[request.param](model, feed), reference(model, feed), strict=True):
                assert (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape)
                np.testing.assert_allclose(ours, theirs, rtol=BOUND, atol=BOUND)

    return check


def decided(*nodes, outputs=("y",), **initializers):
    return graph([*POSITIVE, *nodes], {"x": [2, 3]}, outputs, {"zero": np.float32(0), **initializers})


class TestIf:
    def test_both_branches(self, agrees):
        model = decided(choose("c", RELU, NEG))
        agrees(model)
        assert all(one in text(model) for one in ("nn.relu", "nn.neg", "nn.where"))

    def test_a_condition_of_one_element_and_any_rank(self, agrees):
        inner = [body([node("ReduceMax" if high else "ReduceMin", "x", "r", keepdims=0)], ["r"]) for high in (1, 0)]
        shaped = node("Reshape", "c shape", "c2")
        agrees(decided(shaped, choose("c2", *inner), shape=np.int64([1, 1])))

    def test_several_results_one_of_which_is_the_same(self, agrees):
        same = node("Identity", "sum", "same")
        inner = [body([node(name, "x", "r"), same], ["r", "same"]) for name in ("Abs", "Neg")]
        agrees(decided(choose("c", *inner, "y z"), outputs=("y", "z")))

    def test_nested(self, agrees):
        larger = node("Greater", "sum two", "d")
        inner = body([larger, choose("d", RELU, NEG, "z")], ["z"])
        model = decided(choose("c", inner, RELU), two=np.float32(10))
        agrees(model, [{"x": np.full((2, 3), number, np.float32)} for number in (-1, 1, 3)])

    def test_a_random_condition(self):
        nodes = [node("RandomUniform", "", "m", shape=[1]), node("Cast", "m", "c", to=TensorProto.BOOL)]
        assert "nn.where" in text(graph([*nodes, choose("c", RELU, NEG)], {"x": [2, 3]}))


class TestWhatFailsWhereItIsNotTaken:
    @pytest.mark.parametrize("agrees", ENGINES, indirect=True)
    def test_an_index_out_of_range(self, agrees):
        """The sum says which row: -6 is none."""
        index = [node("Div", "sum twelve", "part"), node("Cast", "part", "row", to=TensorProto.INT64)]
        rows = [
            node("Concat", "x x", "four", axis=0),
            node("Sub", "row one", "place"),
            node("Gather", "four place", "r"),
        ]
        first = body([node("Gather", "x one", "r2", axis=0)], ["r2"])
        model = decided(*index, choose("c", body(rows, ["r"]), first), twelve=np.float32(12), one=np.int64(1))
        agrees(model, [{"x": np.full((2, 3), number, np.float32)} for number in (2, 8, -100)])

    @pytest.mark.parametrize("agrees", ENGINES, indirect=True)
    def test_a_division_by_zero(self, agrees):
        whole = node("Cast", "sum", "n", to=TensorProto.INT32)
        q = value("q", TensorProto.INT32, [])
        halves = body([node("Div", "hundred n", "q")], [q])
        model = decided(whole, choose("c", halves, body([node("Neg", "n", "q")], [q])), hundred=np.int32(100))
        agrees(model, [{"x": np.full((2, 3), number, np.float32)} for number in (2, 0, -1)])
        assert text(model).count("nn.where") == 2

    def test_an_index_of_the_network_is_left_alone(self):
        inner = body([node("Gather", "x row", "r")], ["r"])
        made = text(decided(choose("c", inner, inner), row=np.int64(1)))
        assert made.count("nn.where") == 1

    def test_a_shape_that_is_computed(self):
        shape = [node("Cast", "sum", "n", to=TensorProto.INT64), node("Reshape", "n six", "to")]
        inner = [*shape, node("Reshape", "x to", "r"), node("ReduceMax", "r", "m", keepdims=0)]
        model = decided(
            choose("c", body(inner, ["m"]), body([node("Neg", "sum", "m")], ["m"]), name="fork"), six=np.int64([1])
        )
        said = refuse(model, UnsupportedError, "K0110")
        assert "If at fork: nn.dynamic_reshape with computed operands could fail in a branch" in said

    def test_a_range_that_is_computed(self):
        inner = [node("Range", "nought sum one", "r"), node("ReduceMax", "r", "m", keepdims=0)]
        other = body([node("Neg", "sum", "m")], ["m"])
        model = decided(choose("c", body(inner, ["m"]), other), nought=np.float32(0), one=np.float32(1))
        assert "nn.range with computed operands could fail" in refuse(model, UnsupportedError, "K0110")


def repeated(inner, trips=6, condition="", states="x", outputs="y", **initializers):
    made = helper.make_node("Loop", ["trips", condition, *states.split()], outputs.split(), body=inner, name="loop")
    return graph([made], {"x": [2, 3]}, outputs.split(), {"trips": np.int64(trips), **initializers})


DOUBLED = [
    node("Add", "s s", "t"),
    node("ReduceSum", "t", "total", keepdims=0),
    node("Less", "total limit", "go_on"),
]
"""Doubles its state until the sum reaches a limit."""
LIMIT = {"limit": np.float32(40)}
FEEDS = [{"x": np.full((2, 3), number, np.float32)} for number in (0.5, 1, 4, 30, -1)]


class TestLoop:
    def test_ended_by_data(self, agrees):
        inner = loop_body(DOUBLED, ["t"], [value("s")], initializers=LIMIT)
        agrees(repeated(inner), FEEDS)
        agrees(repeated(inner, trips=3), FEEDS)

    def test_a_first_condition_that_data_decides(self, agrees):
        inner = loop_body(DOUBLED, ["t"], [value("s")], initializers=LIMIT)
        model = repeated(inner, condition="c", zero=np.float32(0))
        for one in reversed(POSITIVE):
            model.graph.node.insert(0, one)
        agrees(model, FEEDS)

    @pytest.mark.parametrize("agrees", ENGINES, indirect=True)
    def test_the_number_of_the_round_bounds_it(self, agrees):
        """Without a trip count; the counter is a state."""
        nodes = [*DOUBLED[:2], node("Less", "total limit", "low"), node("Add", "k one", "k2")]
        nodes += [node("Less", "k2 five", "few"), node("And", "few low", "go_on")]
        inner = loop_body(
            nodes,
            ["t", value("k2", TensorProto.INT64, [])],
            [value("s"), value("k", TensorProto.INT64, [])],
            initializers={**LIMIT, "five": np.int64(5)},
        )
        model = repeated(inner, condition="", states="x nought", outputs="y z", nought=np.int64(0), one=np.int64(1))
        model.graph.node[0].input[0] = ""
        model.graph.node[0].input[1] = "start"
        model.graph.initializer.append(numpy_helper.from_array(np.array(True), "start"))
        agrees(model, FEEDS)

    def test_an_index_that_is_out_of_range_behind_the_end(self, agrees):
        """Row by row while they are positive; the third there is not."""
        nodes = [node("Gather", "x i", "row"), node("Add", "s row", "t"), node("ReduceMin", "row", "least", keepdims=0)]
        nodes += [node("Greater", "least zero", "positive"), node("Less", "i bound", "inside")]
        nodes += [node("And", "inside positive", "go_on")]
        inner = loop_body(nodes, ["t"], [value("s")], initializers={"zero": np.float32(0), "bound": np.int64(1)})
        agrees(repeated(inner, states="first", first=np.zeros(3, np.float32)), FEEDS)

    @pytest.mark.parametrize("trips", [ROUNDS + 1, 2**62])
    def test_no_bound(self, trips):
        inner = loop_body(DOUBLED, ["t"], [value("s")], initializers=LIMIT)
        said = refuse(repeated(inner, trips=trips), UnsupportedError, "K0110")
        assert "Loop at loop: its condition depends on input 'x'; it must be known" in said

    def test_scan_outputs(self):
        inner = loop_body([*DOUBLED, node("Neg", "t", "u")], ["t", "u"], [value("s")], initializers=LIMIT)
        said = refuse(repeated(inner, outputs="y z"), UnsupportedError, "K0110")
        assert "how often it runs depends on input 'x', and with it the size of 'u'" in said

    def test_states_that_grow(self):
        nodes = [node("Concat", "s s", "t", axis=0), *DOUBLED[1:]]
        said = refuse(repeated(loop_body(nodes, ["t"], [value("s")], initializers=LIMIT)), UnsupportedError, "K0110")
        assert "a state changes between tensor<8x3xf32> and tensor<4x3xf32>" in said
