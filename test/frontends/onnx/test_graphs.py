"""What is around the nodes: sources, external data, names, functions, shapes that are computed, refusals."""

import io

import numpy as np
import onnx
import pytest
from networks import SHIPPED
from onnx import TensorProto, helper, numpy_helper
from single_node import ints, network, normal, run, text

from kpuc.dialects import mlir
from kpuc.dialects.evaluate import evaluate
from kpuc.errors import KpucError, ModelError, OptionError, UnsupportedError
from kpuc.frontends.onnx import import_onnx, supported_operators

PATH = SHIPPED / "fashion_dscnn.onnx"


def graph(nodes, inputs, outputs=("y",), initializers=(), opset=17, **options):
    """A model with float inputs `name: shape`; a shape of None leaves the rank open."""
    made = helper.make_graph(
        list(nodes),
        "net",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in inputs.items()],
        [onnx.ValueInfoProto(name=name) for name in outputs],
        [numpy_helper.from_array(np.asarray(array), name) for name, array in dict(initializers).items()],
    )
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", opset)], ir_version=10, **options)


def refuse(model, kind, match, **options):
    with mlir.context(), pytest.raises(kind, match=match) as caught:
        import_onnx(model, **options)
    return str(caught.value)


class TestSources:
    def test_all_kinds_give_the_same_network(self):
        data = PATH.read_bytes()
        stream = io.BytesIO(data)
        expected = text(PATH)
        for source in (str(PATH), data, bytearray(data), memoryview(data), stream, onnx.load(PATH)):
            assert text(source) == expected

    def test_a_stream_of_text(self):
        refuse(io.StringIO("x"), ModelError, r"K0100.*text")

    @pytest.mark.parametrize("path", ["nosuch.onnx", "a\0b", SHIPPED], ids=["missing", "nul", "folder"])
    def test_paths_that_cannot_be_read(self, path):
        refuse(path, ModelError, "K0100")

    @pytest.mark.parametrize(
        ("data", "what"),
        [(b"PK\x03\x04....", "zip"), (b"\0\0\0\0TFL3", "TFLite"), (b"\x89HDF...", "HDF5"), (b"LDMK....", "kmodel")],
    )
    def test_other_formats_are_named(self, data, what):
        refuse(data, ModelError, f"K0101.*{what}")

    def test_every_truncation_is_refused_or_complete(self):
        data = PATH.read_bytes()
        for length in range(0, len(data), 997):
            refuse(data[:length], KpucError, "K01")

    def test_the_given_model_is_not_changed(self, tmp_path):
        onnx.save_model(
            onnx.load(PATH), tmp_path / "a.onnx", save_as_external_data=True, location="a.bin", size_threshold=0
        )
        model = onnx.load(tmp_path / "a.onnx", load_external_data=False)
        before = model.SerializeToString()
        text(model, external_data=tmp_path)
        assert model.SerializeToString() == before


class TestExternalData:
    def model(self, location, **entries):
        model = graph([helper.make_node("Add", ["x", "w"], ["y"])], {"x": [4]}, initializers={"w": normal(4)})
        (tensor,) = model.graph.initializer
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        for key, value in {"location": location, **entries}.items():
            tensor.external_data.add(key=key, value=str(value))
        return model

    def test_loaded_from_the_given_folder(self, tmp_path):
        weights = normal(4)
        (tmp_path / "w.bin").write_bytes(b"....." + weights.tobytes())
        model = self.model("w.bin", offset=5, length=16)
        with mlir.context():
            module = import_onnx(model, external_data=tmp_path)
            (result,) = evaluate(module, [np.ones(4, np.float32)])
        np.testing.assert_array_equal(result, weights + 1)

    def test_without_a_folder(self):
        assert "external_data" in refuse(self.model("w.bin").SerializeToString(), ModelError, "K0102")

    @pytest.mark.parametrize("location", ["../secret", "/etc/passwd", "sub/../../secret", "", ".", "link"])
    def test_no_way_out_of_the_folder(self, tmp_path, location):
        inside = tmp_path / "inside"
        inside.mkdir()
        (tmp_path / "secret").write_bytes(b"0123456789abcdef")
        (inside / "link").symlink_to(tmp_path / "secret")
        refuse(self.model(location, length=16), ModelError, "K0102", external_data=inside)

    @pytest.mark.parametrize("entries", [{"offset": 9}, {"length": 2**40}, {"offset": -1}, {"length": "x"}])
    def test_bounds(self, tmp_path, entries):
        (tmp_path / "w.bin").write_bytes(bytes(16))
        refuse(self.model("w.bin", **entries), ModelError, "K010[23]", external_data=tmp_path)

    def test_a_file_that_is_too_short(self, tmp_path):
        (tmp_path / "w.bin").write_bytes(bytes(7))
        refuse(self.model("w.bin"), ModelError, "K010[23]", external_data=tmp_path)


RELU = helper.make_node("Relu", ["x"], ["y"], name="/head/Relu")


class TestNames:
    def test_locations(self):
        model = graph([RELU, helper.make_node("Neg", ["y"], ["z"])], {"x": [4]}, ["z"])
        with mlir.context():
            places = import_onnx(model).operation.get_asm(enable_debug_info=True)
        assert '"net: /head/Relu"' in places
        assert '"net: Neg(z)"' in places

    def test_two_inputs(self):
        model = graph([RELU], {"x": [4]})
        model.graph.input.append(model.graph.input[0])
        refuse(model, ModelError, r"K0103.*two inputs 'x'")

    def test_two_initializers(self):
        model = graph([helper.make_node("Add", ["x", "w"], ["y"])], {"x": [4]}, initializers={"w": normal(4)})
        model.graph.initializer.append(model.graph.initializer[0])
        refuse(model, ModelError, r"K0103.*two initializers 'w'")

    def test_two_outputs(self):
        refuse(graph([RELU], {"x": [4]}, ["y", "y"]), ModelError, r"K0103.*two outputs 'y'")

    def test_a_node_that_redefines_an_input(self):
        refuse(graph([helper.make_node("Relu", ["x"], ["x"])], {"x": [4]}, ["x"]), ModelError, r"K0103.*defined twice")

    def test_an_output_that_nothing_defines(self):
        refuse(graph([RELU], {"x": [4]}, ["z"]), ModelError, r"K0103.*output 'z' is not defined")

    def test_inputs_with_an_initializer_are_constants(self):
        node = helper.make_node("Add", ["x", "w"], ["y"])
        assert "(%arg0: tensor<4xf32>" in text(graph([node], {"x": [4], "w": [4]}, initializers={"w": normal(4)}))

    def test_long_chains_in_reverse(self):
        nodes = [helper.make_node("Relu", [f"v{i}"], [f"v{i + 1}"]) for i in range(3000)]
        model = graph([*reversed(nodes), helper.make_node("Relu", ["x"], ["v0"])], {"x": [4]}, ["v3000"])
        assert text(model).count("nn.relu") == 3001


def test_functions_of_the_model_are_inlined():
    body = [helper.make_node("Mul", ["a", "a"], ["b"]), helper.make_node("Relu", ["b"], ["c"])]
    function = helper.make_function("mine", "F", ["a"], ["c"], body, [helper.make_opsetid("", 17)])
    model = graph([helper.make_node("F", ["x"], ["y"], domain="mine")], {"x": [4]}, functions=[function])
    model.opset_import.append(helper.make_opsetid("mine", 1))
    assert "nn.mul" in text(model)
    np.testing.assert_array_equal(run(model, {"x": np.float32([-2, 0, 1, 3])})[0], [4, 0, 1, 9])


class TestShapes:
    NODES = (
        helper.make_node("Shape", ["x"], ["s"]),
        helper.make_node("Gather", ["s", "zero"], ["n"]),
        helper.make_node("Unsqueeze", ["n", "axis"], ["n1"]),
        helper.make_node("Concat", ["n1", "rest"], ["target"], axis=0),
        helper.make_node("Reshape", ["x", "target"], ["y"]),
    )
    CONSTANTS = {"zero": np.array(0), "axis": ints(0), "rest": ints(-1)}  # noqa: RUF012

    def test_arithmetic_on_known_shapes_ends_here(self):
        made = text(graph(self.NODES, {"x": [2, 3, 4]}, initializers=self.CONSTANTS))
        assert "nn.dynamic_reshape" not in made
        assert "tensor<2x12xf32>" in made

    def test_arithmetic_on_unknown_shapes_stays(self):
        model = graph(self.NODES, {"x": ["n", 3, 4]}, initializers=self.CONSTANTS)
        assert "nn.dynamic_reshape" in text(model)
        assert "nn.dynamic_reshape" not in text(model, dims={"n": 5})
        values = normal(5, 3, 4)
        np.testing.assert_array_equal(run(model, {"x": values})[0], values.reshape(5, 12))

    @pytest.mark.parametrize(("target", "shape"), [((0, -1), "?x12"), ((0, 2, 6), "?x2x6"), ((-1, 12), "?x12")])
    def test_reshape_keeps_an_unknown_batch(self, target, shape):
        node = helper.make_node("Reshape", ["x", "t"], ["y"])
        made = text(graph([node], {"x": ["n", 3, 4]}, initializers={"t": ints(*target)}))
        assert f"-> tensor<{shape}xf32>" in made
        assert "dynamic" not in made

    def test_reshape_that_keeps_several_unknown_dimensions(self):
        node = helper.make_node("Reshape", ["x", "t"], ["y"])
        model = graph([node], {"x": ["n", 4, "w"]}, initializers={"t": ints(0, 2, 2, -1)})
        values = normal(3, 4, 5)
        np.testing.assert_array_equal(run(model, {"x": values})[0], values.reshape(3, 2, 2, 5))

    @pytest.mark.parametrize("shape", [["n", 3, 4], ["n", 3, "w"]])
    def test_flatten_of_unknown_dimensions(self, shape):
        model = graph([helper.make_node("Flatten", ["x"], ["y"])], {"x": shape})
        np.testing.assert_array_equal(run(model, {"x": normal(2, 3, 4)})[0], normal(2, 3, 4).reshape(2, 12))

    def test_value_info_is_not_trusted(self):
        model = graph([RELU], {"x": [4]})
        model.graph.value_info.append(helper.make_tensor_value_info("y", TensorProto.INT64, [7, 7]))
        assert "-> tensor<4xf32>" in text(model)

    def test_a_symbol_is_set_everywhere(self):
        model = graph([helper.make_node("Add", ["x", "z"], ["y"])], {"x": ["n", 4], "z": ["n", 4]})
        assert "(%arg0: tensor<2x4xf32>" in (made := text(model, dims={"n": 2}))
        assert "%arg1: tensor<2x4xf32>" in made

    def test_an_open_rank_is_given_by_the_caller(self):
        model = graph([RELU], {"x": None})
        assert "--shape x=" in refuse(model, UnsupportedError, r"K0113.*rank")
        assert "tensor<2x3xf32>" in text(model, shapes={"x": (2, 3)})

    @pytest.mark.parametrize("size", [0, -1])
    def test_sizes_that_are_no_sizes(self, size):
        model = graph([RELU], {"x": ["n", 4]})
        refuse(model, OptionError, "K0105", dims={"n": size})
        refuse(model, OptionError, "K0105", shapes={"x": (size, 4)})

    def test_valid_names_are_listed(self):
        model = graph([RELU], {"x": ["batch", 4]})
        assert "batch" in refuse(model, OptionError, "K0105", dims={"n": 1})
        assert ": x" in refuse(model, OptionError, "K0105", shapes={"z": (1, 4)})


class TestRefusals:
    def test_problems_of_dependent_nodes_are_listed_too(self):
        nodes = [
            helper.make_node("NoSuch", ["x"], ["a"]),
            helper.make_node("SequenceConstruct", ["a"], ["b"], name="seq"),
            helper.make_node("Foo", ["b"], ["y"], name="far", domain="com.example"),
        ]
        said = refuse(graph(nodes, {"x": [4]}), UnsupportedError, "K0110")
        assert "3 operators" in said
        assert "NoSuch at NoSuch(a)" in said
        assert "seq: sequences" in said
        assert "far: operators of domain 'com.example'" in said

    @pytest.mark.parametrize(
        ("node", "match"),
        [
            (helper.make_node("MaxPool", ["x"], ["y"]), "kernel_shape"),
            (helper.make_node("Relu", ["x"], ["y"], alpha=1.0), "alpha"),
            (helper.make_node("Conv", ["x"], ["y"]), "input size"),
            (helper.make_node("Flatten", ["x"], ["y"], axis=0.5), "axis"),
        ],
        ids=["missing", "unknown", "inputs", "type"],
    )
    def test_malformed_nodes(self, node, match):
        refuse(graph([node], {"x": [1, 3, 8, 8]}, opset=17), ModelError, f"K0103.*{match}")

    def test_element_types(self):
        model, _ = network("And", [normal(3), normal(3)])
        refuse(model, ModelError, r"K0104.*input 0 is of type float.*takes bool")

    @pytest.mark.parametrize("kind", [TensorProto.STRING, TensorProto.INT4, TensorProto.FLOAT8E4M3FN])
    def test_tensors_of_other_types(self, kind):
        model = graph([helper.make_node("Add", ["x", "w"], ["y"])], {"x": [1]}, initializers={"w": normal(1)})
        model.graph.initializer[0].data_type = kind
        refuse(model, UnsupportedError, f"K0111.*{TensorProto.DataType.Name(kind)}")

    def test_tensors_that_are_too_short(self):
        model = graph([helper.make_node("Add", ["x", "w"], ["y"])], {"x": [4]}, initializers={"w": normal(4)})
        model.graph.initializer[0].dims[0] = 5
        refuse(model, ModelError, r"K0103.*'w'.*5 FLOAT")

    def test_inputs_that_are_no_tensors(self):
        model = graph([RELU], {"x": [4]})
        model.graph.input[0].type.CopyFrom(
            helper.make_sequence_type_proto(helper.make_tensor_type_proto(TensorProto.FLOAT, [4]))
        )
        refuse(model, UnsupportedError, r"K0113.*sequence")

    def test_training(self):
        model, _ = network("Dropout", [normal(4), np.float32(0.5), np.array(True)], constant=(1, 2))
        refuse(model, UnsupportedError, r"K0110.*\n.*training")

    def test_outputs_that_nothing_gives(self):
        inputs = [normal(1, 3, 4), *[normal(3)] * 4]
        model, _ = network("BatchNormalization", inputs, opset=9, outputs=5)
        refuse(model, UnsupportedError, r"K0110.*\n.*output 'o1'")

    def test_a_range_that_would_take_all_memory(self):
        model, _ = network("Range", [np.array(0), np.array(2**50), np.array(1)], constant=(0, 1, 2))
        refuse(model, ModelError, r"K0104.*too long")


def test_supported_operators():
    rows = {row["operator"]: row for row in supported_operators()}
    assert len(rows) >= 150
    assert rows["Conv"]["since"] == 7
    assert rows["Gelu"]["since"] == 20
    assert rows["Upsample"]["until"] == 9
    assert rows["Conv"]["until"] == onnx.defs.onnx_opset_version()
    assert all(onnx.defs.has(operator) for operator in rows if "." not in operator)


@pytest.mark.parametrize(("operator", "opset", "range_"), [("Gelu", 19, "20 to 28"), ("Upsample", 10, "7 to 9")])
def test_operators_of_other_opsets_are_refused(operator, opset, range_):
    model, _ = network(
        operator, [normal(1, 2, 3, 3), np.ones(4, np.float32)][: 1 if operator == "Gelu" else 2], opset=opset
    )
    refuse(model, UnsupportedError, rf"K0110.*\n.*one of opsets {range_}, the model uses {opset}")
