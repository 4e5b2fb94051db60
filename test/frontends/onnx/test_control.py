"""If, Loop and Scan that shapes and constants decide, beside onnxruntime; see test_choices for what data decides."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from single_node import BOUND, normal, reference, run, text
from test_graphs import graph, refuse

from kpuc.dialects import mlir
from kpuc.errors import ModelError, UnsupportedError
from kpuc.frontends import builder
from kpuc.frontends.onnx import import_onnx, supported_operators

X = normal(2, 3)


def node(operator, inputs, outputs, **attributes):
    return helper.make_node(operator, inputs.split(), outputs.split(), **attributes)


def value(name, kind=TensorProto.FLOAT, shape=None):
    return helper.make_tensor_value_info(name, kind, shape)


def body(nodes, outputs, inputs=(), initializers=()):
    """A graph inside; `inputs` and `outputs` are names of floats, or values."""
    described = [[value(one) if isinstance(one, str) else one for one in names] for names in (inputs, outputs)]
    tensors = [numpy_helper.from_array(np.asarray(array), name) for name, array in dict(initializers).items()]
    return helper.make_graph(list(nodes), "inside", *described, tensors)


def loop_body(nodes, outputs, states=(), **options):
    """The body of a loop that goes on until its trip count."""
    inputs = [value("i", TensorProto.INT64, []), value("go", TensorProto.BOOL, []), *states]
    outputs = [value("go_on", TensorProto.BOOL, []), *outputs]
    if not any("go_on" in one.output for one in nodes):
        nodes = [node("Identity", "go", "go_on"), *nodes]
    return body(nodes, outputs, inputs, **options)


def choose(condition, then, otherwise, outputs="y", **options):
    return node("If", condition, outputs, then_branch=then, else_branch=otherwise, **options)


RELU = body([node("Relu", "x", "r", name="inner")], ["r"])
NEG = body([node("Neg", "x", "n")], ["n"])


def agrees(model, operations=None):
    """Our outputs are onnxruntime's; `operations` are those that are left, but for the arithmetic of conditions."""
    feed = {"x": X}
    for ours, theirs in zip(run(model, feed), reference(model, feed), strict=True):
        assert (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape)
        np.testing.assert_allclose(ours, theirs, rtol=BOUND, atol=BOUND)
    if operations is not None:
        lines = [line.split('"')[1] for line in text(model).splitlines() if '= "nn.' in line]
        assert [line for line in lines if line in ("nn.relu", "nn.neg", "nn.add")] == operations


class TestIf:
    @pytest.mark.parametrize(("condition", "left"), [(True, "nn.relu"), (False, "nn.neg")])
    def test_constant_condition(self, condition, left):
        model = graph([choose("c", RELU, NEG)], {"x": [2, 3]}, initializers={"c": condition})
        agrees(model, [left])

    def test_condition_from_a_shape(self):
        nodes = [node("Size", "x", "many"), node("Equal", "many six", "c"), choose("c", RELU, NEG)]
        agrees(graph(nodes, {"x": [2, 3]}, initializers={"six": np.int64(6)}), ["nn.relu"])

    def test_branches_of_other_shapes(self):
        flat = body([node("Flatten", "x", "f", axis=0)], ["f"])
        agrees(graph([choose("c", flat, NEG)], {"x": [2, 3]}, initializers={"c": True}))

    def test_several_outputs(self):
        both = body([node("Relu", "x", "r"), node("Neg", "x", "n")], ["n", "r", "x2"])
        both.node.append(node("Identity", "x", "x2"))
        nodes = [choose("c", both, both, "a b d"), node("Sub", "a b", "e"), node("Add", "e d", "y")]
        agrees(graph(nodes, {"x": [2, 3]}, initializers={"c": False}))

    def test_captured_values_and_own_initializers(self):
        inner = body([node("Add", "a w", "s"), node("Mul", "s v", "p")], ["p"], initializers={"v": normal(3)})
        nodes = [node("Relu", "x", "a"), choose("c", inner, NEG)]
        agrees(graph(nodes, {"x": [2, 3]}, initializers={"c": True, "w": normal(2, 3, seed=1)}))

    def test_a_producer_of_a_captured_value_behind(self):
        inner = body([node("Neg", "a", "n")], ["n"])
        model = graph([choose("c", inner, inner), node("Relu", "x", "a")], {"x": [2, 3]}, initializers={"c": True})
        (result,) = run(model, {"x": X})
        np.testing.assert_array_equal(result, -np.maximum(X, 0))

    def test_nested(self):
        inner = body([choose("c", RELU, NEG, "z", name="second"), node("Neg", "z", "m")], ["m"])
        model = graph([choose("c", inner, NEG, name="first")], {"x": [2, 3]}, initializers={"c": True})
        agrees(model, ["nn.relu", "nn.neg"])

    def test_a_branch_that_gives_what_is_outside(self):
        nodes = [choose("c", body([], ["x"]), NEG, "a"), node("Relu", "a", "y")]
        (result,) = run(graph(nodes, {"x": [2, 3]}, initializers={"c": True}), {"x": X})
        np.testing.assert_array_equal(result, np.maximum(X, 0))

    def test_nodes_are_called_by_their_way(self):
        bad = body([node("NoSuch", "x", "r", name="odd"), node("NoSuch", "x", "s", name="/own/path")], ["r"])
        middle = body([choose("c", bad, NEG, "z", name="second")], ["z"])
        nodes = [choose("c", middle, NEG, "a", name="first"), node("Relu", "a", "y")]
        said = refuse(graph(nodes, {"x": [2, 3]}, initializers={"c": True}), UnsupportedError, "K0110")
        assert "2 operators" in said
        assert "NoSuch at first/then/second/then/odd:" in said
        assert "NoSuch at /own/path:" in said

    def test_locations(self):
        model = graph([choose("c", RELU, NEG, name="first")], {"x": [2, 3]}, initializers={"c": True})
        with mlir.context():
            places = import_onnx(model).operation.get_asm(enable_debug_info=True)
        assert '"net: first/then/inner"' in places

    def test_the_branch_that_is_not_taken_may_hold_anything(self):
        bad = body([node("NoSuch", "x", "r", name="odd")], ["r"])
        assert "nn.neg" in text(graph([choose("c", bad, NEG)], {"x": [2, 3]}, initializers={"c": False}))

    def test_errors_inside_name_the_node(self):
        bad = body([node("MatMul", "x x", "r", name="product")], ["r"])
        model = graph([choose("c", bad, NEG, name="first")], {"x": [2, 3]}, initializers={"c": True})
        refuse(model, ModelError, r"K0104.*first/then/product")

    def test_a_node_that_takes_what_cannot_be_imported(self):
        inner = body([node("Neg", "a", "n")], ["n"])
        nodes = [node("NoSuch", "x", "a"), choose("c", inner, inner)]
        said = refuse(graph(nodes, {"x": [2, 3]}, initializers={"c": True}), UnsupportedError, "K0110")
        assert "1 operator cannot" in said


class TestRefusals:
    def test_branches_of_different_shapes_that_an_input_decides(self):
        nodes = [node("ReduceMax", "x", "m", keepdims=0), node("Cast", "m", "c", to=TensorProto.BOOL)]
        flat = body([node("Flatten", "x", "f", axis=0)], ["f"])
        model = graph([*nodes, choose("c", RELU, flat, name="fork")], {"x": [2, 3]})
        said = refuse(model, UnsupportedError, "K0110")
        assert "If at fork: its condition depends on input 'x', so that both branches are computed, but they" in said
        assert "tensor<2x3xf32> and tensor<1x6xf32>" in said

    def test_a_condition_that_an_open_shape_decides(self):
        nodes = [node("Size", "x", "many"), node("Equal", "many six", "c"), choose("c", RELU, NEG)]
        model = graph(nodes, {"x": ["n", 3]}, initializers={"six": np.int64(6)})
        said = refuse(model, UnsupportedError, "K0110")
        assert "its condition depends on the shape of input 'x'" in said
        assert "--dim" in said
        assert "nn.relu" in text(model, dims={"n": 2})

    def test_a_trip_count_that_an_input_decides(self):
        nodes = [node("ReduceMax", "x", "m", keepdims=0), node("Cast", "m", "n", to=TensorProto.INT64)]
        inner = loop_body([node("Relu", "s", "t")], ["t"], [value("s")])
        model = graph([*nodes, helper.make_node("Loop", ["n", "", "x"], ["y"], body=inner)], {"x": [2, 3]})
        assert "its trip count depends on input 'x'" in refuse(model, UnsupportedError, "K0110")

    @pytest.mark.parametrize("size", [0, 2])
    def test_a_condition_of_other_sizes(self, size):
        model = graph([choose("c", RELU, NEG)], {"x": [2, 3]}, initializers={"c": [True] * size or np.zeros(0, bool)})
        refuse(model, ModelError, rf"K0104.*condition has {size} elements")


def count(trips, inner, states="x", outputs="y", condition="", **initializers):
    """A model of one loop."""
    made = helper.make_node("Loop", ["trips", condition, *states.split()], outputs.split(), body=inner, name="loop")
    return graph([made], {"x": [2, 3]}, outputs.split(), {"trips": np.int64(trips), **initializers})


HALF = loop_body(
    [node("Mul", "s w", "t", name="half"), node("Relu", "t", "u")], ["t", "u"], [value("s")], initializers={"w": X}
)
"""Multiplies its state; scans the positive part."""


class TestLoop:
    def test_the_limit_is_documented(self):
        notes = {row["operator"]: row["note"] for row in supported_operators()}
        assert f"at most {builder.ROUNDS}" in notes["Loop"]
        assert f"at most {builder.ROUNDS}" in notes["Scan"]

    @pytest.mark.parametrize("trips", [1, 2, 5])
    def test_scan_outputs(self, trips):
        model = count(trips, HALF, outputs="y z")
        agrees(model)
        assert text(model).count('"nn.mul"') == trips

    def test_no_round(self):
        inner = loop_body(
            [node("Relu", "s", "t"), node("Neg", "s", "u")], ["t", value("u", shape=[2, 3])], [value("s")]
        )
        agrees(count(0, inner, outputs="y z"))
        agrees(count(5, inner, outputs="y z", condition="c", c=False))

    def test_no_round_of_an_open_shape(self):
        results = ["t", value("u", shape=["k", 3])]
        agrees(
            count(0, loop_body([node("Relu", "s", "t"), node("Neg", "s", "u")], results, [value("s")]), outputs="y z")
        )

    def test_no_round_and_no_declared_shape(self):
        said = refuse(count(-3, HALF, outputs="y z"), UnsupportedError, "K0110")
        assert "it runs no round, and the shape of its result 'u' is not declared" in said

    def test_the_number_of_the_round(self):
        nodes = [node("Cast", "i", "f", to=TensorProto.FLOAT), node("Add", "s f", "t")]
        agrees(count(4, loop_body(nodes, ["t"], [value("s")])), ["nn.add"] * 4)

    def test_the_condition_ends_it(self):
        nodes = [node("Less", "i last", "go_on"), node("Neg", "s", "t")]
        inner = loop_body(nodes, ["t"], [value("s")])
        agrees(count(10**9, inner, last=np.int64(2)), ["nn.neg"] * 3)
        model = count(0, inner, condition="c", last=np.int64(4), c=True)
        model.graph.node[0].input[0] = ""
        agrees(model, ["nn.neg"] * 5)

    def test_states_that_grow(self):
        inner = loop_body(
            [node("Concat", "s x", "t", axis=0)], [value("t", shape=["k", 3])], [value("s", shape=["m", 3])]
        )
        agrees(count(3, inner))

    def test_a_loop_in_a_loop_and_a_branch(self):
        small = loop_body([node("Add", "s2 x", "t2")], ["t2"], [value("s2")])
        small.input[0].name, small.input[1].name, small.output[0].name = "i2", "go2", "go_on2"
        small.node[0].CopyFrom(node("Identity", "go2", "go_on2"))
        inner = helper.make_node("Loop", ["i", "", "s"], ["t"], body=small)
        outer = loop_body([inner], ["t"], [value("s")])
        agrees(count(4, outer), ["nn.add"] * 6)
        made = count(4, outer)
        taken = body([made.graph.node[0]], ["y"])
        made.graph.node[0].CopyFrom(choose("c", taken, NEG, "z"))
        made.graph.output[0].name = "z"
        made.graph.initializer.append(numpy_helper.from_array(np.array(True), "c"))
        agrees(made, ["nn.add"] * 6)

    def test_rounds_are_in_the_names(self):
        inner = loop_body([node("NoSuch", "s", "t", name="odd")], ["t"], [value("s")])
        said = refuse(count(3, inner), UnsupportedError, "K0110")
        assert "1 operator cannot" in said
        assert "NoSuch at loop/0/odd" in said

    def test_a_huge_trip_count(self):
        inner = loop_body([node("Relu", "s", "t")], ["t"], [value("s")])
        said = refuse(count(2**62, inner), UnsupportedError, "K0110")
        assert f"Loop at loop: it has more than {builder.ROUNDS} rounds" in said

    def test_many_nodes_in_all(self, monkeypatch):
        monkeypatch.setattr(builder, "UNROLLED_NODES", 20)
        inner = loop_body([node("Relu", "s", "t")], ["t"], [value("s")])
        assert text(count(6, inner)).count('"nn.relu"') == 6  # a round counts its two nodes and itself
        said = refuse(count(7, inner), UnsupportedError, "K0110")
        assert "the unrolled loops of the network have more than 20 nodes" in said


def scan(inner, inputs, outputs="y", opset=17, shape=(2, 3), **attributes):
    made = node("Scan", inputs, outputs, body=inner, name="scan", **attributes)
    return graph([made], {"x": shape}, outputs.split(), {"first": np.zeros(3, np.float32)}, opset=opset)


SUM = body([node("Add", "s p", "t"), node("Neg", "t", "u")], ["t", "u"], ["s", "p"])


class TestScan:
    def test_states_and_outputs(self):
        agrees(scan(SUM, "first x", "y z", num_scan_inputs=1))

    def test_axes_and_directions(self):
        inner = body([node("Neg", "p", "u"), node("Relu", "p", "v")], ["u", "v"], ["p"])
        for axis in (0, 1, -1):
            for backwards in (0, 1):
                agrees(
                    scan(
                        inner,
                        "x",
                        "y z",
                        num_scan_inputs=1,
                        scan_input_axes=[axis],
                        scan_input_directions=[backwards],
                        scan_output_axes=[axis, 0],
                        scan_output_directions=[0, 1],
                    )
                )

    def test_a_batch_in_opset_8(self):
        sums = body(
            SUM.node, [value("t", shape=[3]), value("u", shape=[3])], [value("s", shape=[3]), value("p", shape=[3])]
        )
        made = helper.make_node("Scan", ["", "first", "x"], ["y", "z"], body=sums, num_scan_inputs=1)
        model = graph([made], {"x": [2, 4, 3]}, ["y", "z"], {"first": np.zeros((2, 3), np.float32)}, opset=8)
        given = normal(2, 4, 3)
        last, negative = run(model, {"x": given})
        np.testing.assert_allclose(last, given.sum(1), rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(negative, -given.cumsum(1), rtol=1e-5, atol=1e-6)

    def test_an_open_length(self):
        said = refuse(scan(SUM, "first x", "y z", num_scan_inputs=1, shape=["n", 3]), UnsupportedError, "K0110")
        assert "its length depends on the shape of input 'x'" in said

    def test_an_open_length_inside(self):
        model = scan(SUM, "first a", "y z", num_scan_inputs=1, shape=["n", 3])
        model.graph.node.append(node("Relu", "x", "a"))
        said = refuse(model, UnsupportedError, "K0110")
        assert "its length depends on the shape of what is computed from input 'x'" in said

    @pytest.mark.parametrize("scanned", [-1, 0, 3, 2**40])
    def test_numbers_of_inputs_that_do_not_fit(self, scanned):
        refuse(scan(SUM, "first x", "y z", num_scan_inputs=scanned), ModelError, r"K010[34].*scan")

    def test_axes_out_of_range(self):
        model = scan(SUM, "first x", "y z", num_scan_inputs=1, scan_input_axes=[2])
        refuse(model, ModelError, r"K0104.*axis 2 is out of range")
        model = scan(SUM, "first x", "y z", num_scan_inputs=1, scan_output_axes=[7])
        refuse(model, ModelError, "K0104")


class TestDamage:
    def nested(self, depth):
        """A model of branches in branches: grown in place, because copying stops at a hundred messages."""
        model = graph([choose("c", NEG, NEG)], {"x": [2, 3]}, initializers={"c": True})
        node = model.graph.node[0]
        for _ in range(depth - 1):
            branch = next(one for one in node.attribute if one.name == "then_branch").g
            branch.node[0].CopyFrom(choose("c", NEG, NEG, "n"))
            node = branch.node[0]
        return model

    def test_depth(self):
        limit = builder.DEPTH
        assert "nn.neg" in text(self.nested(limit))
        refuse(self.nested(limit + 1), ModelError, rf"K0103.*more than {limit} deep")
        refuse(self.nested(200), ModelError, rf"K0103.*more than {limit} deep")

    def test_names_that_nothing_defines(self):
        bad = body([node("Neg", "nowhere", "n")], ["n"])
        model = graph([choose("c", bad, NEG, name="fork")], {"x": [2, 3]}, initializers={"c": True})
        refuse(model, ModelError, r"K0103.*fork.*'nowhere' is not defined")
        model = graph([choose("c", body([], ["nowhere"]), NEG)], {"x": [2, 3]}, initializers={"c": True})
        refuse(model, ModelError, r"K0103.*'nowhere' is not defined")

    def test_a_branch_does_not_define_names_outside(self):
        model = graph([choose("c", RELU, NEG, "a"), node("Neg", "r", "y")], {"x": [2, 3]}, initializers={"c": True})
        refuse(model, ModelError, r"K0103.*'r' is not defined")

    def test_cycles_through_a_branch(self):
        inner = body([node("Neg", "b", "n")], ["n"])
        model = graph([choose("c", inner, inner, "a"), node("Neg", "a", "b")], {"x": [2, 3]}, ["b"], {"c": True})
        refuse(model, ModelError, r"K0103.*cycle")

    def test_a_name_that_is_defined_twice_inside(self):
        twice = body([node("Neg", "x", "n"), node("Relu", "x", "n")], ["n"])
        model = graph([choose("c", twice, NEG)], {"x": [2, 3]}, initializers={"c": True})
        refuse(model, ModelError, r"K0103.*'n' is defined twice")

    def test_missing_graphs_and_results(self):
        lone = node("If", "c", "y", then_branch=RELU)
        refuse(graph([lone], {"x": [2, 3]}, initializers={"c": True}), ModelError, r"K0103.*else_branch")
        model = graph([choose("c", RELU, NEG, "y z")], {"x": [2, 3]}, initializers={"c": True})
        refuse(model, ModelError, r"K0104.*then_branch gives 1 results, the node has 2")
        refuse(count(1, body([], [])), ModelError, r"K0104.*its graph gives 0 results")
        refuse(count(1, body([], ["i", "s"], ["i", "s"])), ModelError, r"K0104.*takes 2 inputs, 3 are given")

    def test_names_that_are_no_text(self):
        model = graph([choose("c", RELU, NEG)], {"x": [2, 3]}, initializers={"c": True})
        data = model.SerializeToString().replace(b"inner", b"i\xffner")
        refuse(data, ModelError, "K0101.*UTF-8")

    def test_external_data_inside(self, tmp_path):
        weights = normal(2, 3, seed=2)
        inner = body([node("Add", "x w", "n")], ["n"], initializers={"w": weights})
        model = graph([choose("c", inner, NEG)], {"x": [2, 3]}, initializers={"c": True})
        (tensor,) = model.graph.node[0].attribute[0].g.initializer or model.graph.node[0].attribute[1].g.initializer
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value="w.bin")
        (tmp_path / "w.bin").write_bytes(weights.tobytes())
        path = tmp_path / "model.onnx"
        onnx.save(model, path)
        (result,) = run(path, {"x": X})
        np.testing.assert_array_equal(result, X + weights)


def test_a_function_with_a_branch():
    inner = [choose("c", body([node("Neg", "a", "n")], ["n"]), body([node("Relu", "a", "r")], ["r"]), "b")]
    function = helper.make_function("mine", "F", ["a", "c"], ["b"], inner, [helper.make_opsetid("", 17)])
    call = helper.make_node("F", ["x", "c"], ["y"], domain="mine")
    model = graph([call], {"x": [2, 3]}, initializers={"c": True}, functions=[function])
    model.opset_import.append(helper.make_opsetid("mine", 1))
    (result,) = run(model, {"x": X})
    np.testing.assert_array_equal(result, -X)
