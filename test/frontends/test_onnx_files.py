"""Damaged and unsupported ONNX files, symbolic shapes."""

import contextlib
import math

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import SHIPPED
from onnx import TensorProto, helper

from kpuc.dialects import mlir
from kpuc.dialects.evaluate import evaluate
from kpuc.dialects.function import entry_function
from kpuc.errors import KpucError, ModelError, OptionError, UnsupportedError
from kpuc.frontends.onnx import import_onnx

DATA = (SHIPPED / "fsdd_kws_dscnn.onnx").read_bytes()


def load(source, **options):
    with mlir.context():
        module = import_onnx(source, **options)  # its function does not keep it alive
        return str(entry_function(module).type)


def network(*nodes, inputs=(("x", ["n", 4]),), outputs=("y",), opset=17):
    graph = helper.make_graph(
        list(nodes),
        "net",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in inputs],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])


def test_symbolic_dimensions():
    relu = network(helper.make_node("Relu", ["x"], ["y"]))
    assert load(relu) == "(tensor<?x4xf32>) -> tensor<?x4xf32>"
    assert load(relu, dims={"n": 2}) == "(tensor<2x4xf32>) -> tensor<2x4xf32>"
    assert load(relu, shapes={"x": (3, 4)}) == "(tensor<3x4xf32>) -> tensor<3x4xf32>"


@pytest.mark.parametrize(
    "options", [{"dims": {"m": 1}}, {"shapes": {"z": (1, 4)}}, {"shapes": {"x": (1, 5)}}, {"shapes": {"x": (4,)}}]
)
def test_shapes_that_do_not_fit(options):
    with pytest.raises(OptionError, match="K0105"):
        load(network(helper.make_node("Relu", ["x"], ["y"])), **options)


def test_all_unsupported_operators_are_reported_at_once():
    nodes = [
        helper.make_node("NoSuchA", ["x"], ["a"], name="first"),
        helper.make_node("NoSuchB", ["x"], ["b"], name="second"),
        helper.make_node("Add", ["a", "b"], ["y"], name="third"),
    ]
    with pytest.raises(UnsupportedError, match="K0110") as caught:
        load(network(*nodes))
    text = str(caught.value)
    assert "2 operators" in text
    assert "NoSuchA at first" in text
    assert "NoSuchB at second" in text
    assert "third" not in text


def test_errors_name_the_node():
    node = helper.make_node("MatMul", ["x", "x"], ["y"], name="/head/MatMul")
    with pytest.raises(ModelError, match=r"K0104.*/head/MatMul.*columns meet"):
        load(network(node, inputs=(("x", [2, 3]),)))


def test_nodes_in_any_order():
    nodes = [helper.make_node("Relu", ["a"], ["y"]), helper.make_node("Neg", ["x"], ["a"])]
    assert load(network(*nodes), dims={"n": 1}) == "(tensor<1x4xf32>) -> tensor<1x4xf32>"


@pytest.mark.parametrize(
    "nodes",
    [
        [helper.make_node("Relu", ["y"], ["a"]), helper.make_node("Relu", ["a"], ["y"])],
        [helper.make_node("Relu", ["nosuch"], ["y"])],
        [helper.make_node("Relu", ["x"], ["y"]), helper.make_node("Neg", ["x"], ["y"])],
    ],
    ids=["cycle", "undefined", "twice"],
)
def test_inconsistent_graphs(nodes):
    with pytest.raises(ModelError, match="K0103"):
        load(network(*nodes))


@pytest.mark.parametrize(("operator", "opset"), [("Relu", 99), ("Selu", 5), ("Identity", 0)])
def test_opsets_out_of_range(operator, opset):
    with pytest.raises(UnsupportedError, match="K0112"):
        load(network(helper.make_node(operator, ["x"], ["y"]), opset=opset))


def test_old_opsets_are_taken_where_no_operator_has_changed():
    load(network(helper.make_node("Relu", ["x"], ["y"]), opset=6))


def test_external_data_is_found_beside_the_model(tmp_path):
    model = onnx.load_from_string(DATA)
    onnx.save_model(model, tmp_path / "a.onnx", save_as_external_data=True, location="a.data", size_threshold=0)
    assert load(tmp_path / "a.onnx").startswith("(tensor<1x1x40x49xf32>)")
    (tmp_path / "a.data").unlink()
    with pytest.raises(ModelError, match="K0102"):
        load(tmp_path / "a.onnx")


@pytest.mark.parametrize("data", [b"", b"x", b"TFL3" * 9, b"\xff" * 64])
def test_no_onnx(data):
    with pytest.raises(ModelError, match="K0101"):
        load(data)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.integers(0, 3000), st.integers(0, 255))
def test_flipped_bytes_never_crash(at, value):
    damaged = bytearray(DATA)
    damaged[-at] = value
    with contextlib.suppress(KpucError):
        load(bytes(damaged))


@pytest.mark.slow
def test_weights_of_more_than_two_gibibytes(tmp_path):
    """More than protobuf can hold in a message: three matrices in a file of zeros with holes, one number in each."""
    rows, columns = 4, 3 << 24
    nodes, tensors, last = [], [], "x"
    with (tmp_path / "w.data").open("wb") as file:
        for i in range(3):
            start = i * rows * columns * 4
            file.seek(start + 4 * 7)
            file.write(np.float32(i + 1).tobytes())
            tensors.append(external_tensor(f"w{i}", (rows, columns), "w.data", start))
            nodes.append(helper.make_node("Gather", [f"w{i}", "i"], [f"g{i}"], axis=1))
            nodes.append(helper.make_node("Add", [last, f"g{i}"], [last := f"y{i}"]))
        file.truncate(3 * rows * columns * 4)
    assert (tmp_path / "w.data").stat().st_size > 2**31
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [rows, 2])
    i = helper.make_tensor_value_info("i", TensorProto.INT64, [2])
    graph = helper.make_graph(nodes, "net", [x, i], [onnx.ValueInfoProto(name=last)], tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    (tmp_path / "a.onnx").write_bytes(model.SerializeToString())
    with mlir.context():
        network = import_onnx(tmp_path / "a.onnx")
        (result,) = evaluate(network, [np.ones((rows, 2), np.float32), np.array([7, -1])])
    assert result.tolist() == [[7, 1], [1, 1], [1, 1], [1, 1]]


def external_tensor(name, shape, location, offset):
    tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=shape, data_location=TensorProto.EXTERNAL)
    for key, value in (("location", location), ("offset", offset), ("length", 4 * math.prod(shape))):
        tensor.external_data.add(key=key, value=str(value))
    return tensor
