"""Preprocessing that differs between inputs, whole shapes and permutations; and the layout of outputs."""

import numpy as np
import onnx
import onnxruntime
import pytest
from click.testing import CliRunner
from networks import SHIPPED
from onnx_writer import OnnxWriter

import kpuc
from kpuc.errors import OptionError
from kpuc.frontends.preprocess import Preprocessing
from kpuc.tools.cli.main import cli

RANDOM = np.random.default_rng(21)
BYTES = RANDOM.integers(0, 256, (1, 6, 6, 3)).astype(np.uint8)
FLOATS = RANDOM.standard_normal((1, 3, 6, 6)).astype(np.float32)
CLOSE = {"rtol": 1e-5, "atol": 1e-5}


@pytest.fixture(scope="module")
def two():
    """A network of two images: its bytes, and what onnxruntime computes."""
    net = OnnxWriter(8)
    x, y = net.input(1, 3, 6, 6), net.input(1, 3, 6, 6)
    model = net.model(net.op("Add", net.conv(x, 2), net.conv(y, 2)), net.op("Flatten", y))
    session = onnxruntime.InferenceSession(model)
    return model, lambda x0, x1: session.run(None, {"x0": np.float32(x0), "x1": np.float32(x1)})


@pytest.mark.parametrize("target", ["cpu", "k210", "k230", "k510"])
def test_inputs_that_differ(two, target):
    model, expected = two
    kmodel = kpuc.compile(
        model,
        target,
        input_type={"x1": "uint8"},
        input_layout={"x1": "NHWC"},
        input_range={"x1": (0, 1)},
        mean={"x0": 0.5, "x1": (0.1, 0.2, 0.3)},
        std=2,
    )
    assert [(info.dtype, info.shape) for info in kmodel.inputs] == [
        (np.float32, (1, 3, 6, 6)),
        (np.uint8, (1, 6, 6, 3)),
    ]
    image = (BYTES / 255 - np.float32([0.1, 0.2, 0.3])) / 2
    for got, wanted in zip(
        kpuc.Simulator(kmodel).run(FLOATS, BYTES).values(),
        expected((FLOATS - 0.5) / 2, image.transpose(0, 3, 1, 2)),
        strict=True,
    ):
        np.testing.assert_allclose(got, wanted, **CLOSE)


def test_inputs_of_different_sizes(two):
    """Each has a letterbox of its own; the first keeps its size."""
    model, expected = two
    kmodel = kpuc.compile(
        model, "k230", input_shape={"x0": (1, 3, 6, 6), "x1": (1, 3, 3, 6)}, letterbox_value={"x1": 0.25}
    )
    framed = np.full((1, 3, 6, 6), 0.25, np.float32)
    framed[:, :, 1:4] = FLOATS[:, :, :3]
    got, _ = kpuc.Simulator(kmodel).run(FLOATS, np.ascontiguousarray(FLOATS[:, :, :3])).values()
    np.testing.assert_allclose(got, expected(FLOATS, framed)[0], **CLOSE)


@pytest.mark.parametrize("order", [(0, 3, 1, 2), (0, 2, 1, 3), (0, 1, 3, 2)])
@pytest.mark.parametrize("form", [",".join, tuple, list], ids=["text", "tuple", "list"])
def test_layouts_that_are_permutations(two, order, form):
    model, expected = two
    layout = form(map(str, order)) if form == ",".join else form(order)
    kmodel = kpuc.compile(model, "k230", input_layout=layout, swap_rb=True)
    given = RANDOM.standard_normal([(1, 3, 6, 6)[order.index(axis)] for axis in range(4)]).astype(np.float32)
    inner = given.transpose(order)[:, ::-1]
    got, _ = kpuc.Simulator(kmodel).run(given, given).values()
    np.testing.assert_allclose(got, expected(inner, inner)[0], **CLOSE)


@pytest.mark.parametrize("model", ["fashion_dscnn.onnx", "fashion_dscnn.tflite"])
@pytest.mark.parametrize("layout", ["NCHW", "0,3,1,2"])
def test_a_tflite_network_takes_every_layout(model, layout):
    """The TFLite file is the same network: a permutation leads to its images' channels first."""
    x = RANDOM.integers(0, 256, (1, 28, 28, 1) if layout != "NCHW" else (1, 1, 28, 28)).astype(np.uint8)
    kmodel = kpuc.compile(SHIPPED / model, "k230", input_type="uint8", input_layout=layout, mean=127.5, std=127.5)
    real = (x.reshape(1, 1, 28, 28).astype(np.float32) - 127.5) / 127.5
    (expected,) = onnxruntime.InferenceSession(SHIPPED / "fashion_dscnn.onnx").run(None, {"input": real})
    (got,) = kpuc.Simulator(kmodel).run(x).values()
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-4)


def test_rows_are_permuted_too():
    net = OnnxWriter(9)
    model = net.model(net.op("Relu", net.input(2, 3, 4)))
    given = RANDOM.standard_normal((4, 2, 3)).astype(np.float32)
    kmodel = kpuc.compile(model, "k230", input_layout="1,2,0", output_layout="2,1,0")
    (got,) = kpuc.Simulator(kmodel).run(given).values()
    np.testing.assert_array_equal(got, np.maximum(given.transpose(1, 2, 0), 0).transpose(2, 1, 0))


class TestOutputs:
    @pytest.mark.parametrize("target", ["cpu", "k210", "k230", "k510"])
    @pytest.mark.parametrize("layout", ["NHWC", (0, 2, 3, 1)])
    def test_images_only(self, two, target, layout):
        model, expected = two
        kmodel = kpuc.compile(model, target, output_layout=layout)
        assert [info.shape for info in kmodel.outputs] == [(1, 6, 6, 2), (1, 108)]
        image, row = kpuc.Simulator(kmodel).run(FLOATS, FLOATS).values()
        wanted = expected(FLOATS, FLOATS)
        np.testing.assert_allclose(image, wanted[0].transpose(0, 2, 3, 1), **CLOSE)
        np.testing.assert_allclose(row, wanted[1], **CLOSE)

    def test_by_name(self, two):
        model, _ = two
        names = [info.name for info in kpuc.compile(model, "k230").outputs]
        kmodel = kpuc.compile(model, "k230", output_layout={names[1]: "1,0"})
        assert [info.shape for info in kmodel.outputs] == [(1, 2, 6, 6), (108, 1)]

    def test_the_command(self, two, tmp_path):
        (tmp_path / "net.onnx").write_bytes(two[0])
        command = ["compile", str(tmp_path / "net.onnx"), "-o", str(tmp_path / "net.kmodel"), "--target", "k230"]
        done = CliRunner().invoke(cli, [*command, "--output-layout", "NHWC", "--input-layout", "0,3,1,2"])
        assert done.exit_code == 0, done.output
        expected = kpuc.compile(two[0], "k230", output_layout="NHWC", input_layout="NHWC").data
        assert (tmp_path / "net.kmodel").read_bytes() == expected


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"mean": {"x2": 1}}, "no input 'x2' can be preprocessed; .* are: 'x0', 'x1'"),
        ({"input_shape": (1, 3, 6)}, "input 'x0': input shape 1,3,6 does not fit the network's 1,3,6,6"),
        ({"input_shape": (2, 3, 6, 6)}, "does not fit the network's 1,3,6,6, where height and width may differ"),
        ({"input_shape": (1, 3, 6, 0)}, "input shape 1,3,6,0 is not made of sizes"),
        ({"input_shape": (1, 3, 6, 6), "letterbox": (6, 6)}, "letterbox and input shape both say"),
        ({"input_layout": "0,1,2"}, "input layout 0,1,2 is for 3 dimensions, the inputs have"),
        ({"input_layout": "0,1,1,2"}, "is neither one of NCHW, NHWC nor a permutation"),
        ({"output_layout": "nhwc"}, "output layout 'nhwc' is neither one of NCHW, NHWC nor a permutation"),
        ({"output_layout": "0,2,1"}, "output layout 0,2,1 fits no output"),
        ({"output_layout": {"y": "NHWC"}}, "there is no output 'y' whose layout can change; there are: 'v2', 'v3'"),
        ({"output_layout": {"v3": "NHWC"}}, "output 'v3': layout NHWC does not fit tensor<1x108xf32>"),
    ],
)
def test_what_does_not_fit(two, given, text):
    with pytest.raises(OptionError, match=text) as caught:
        kpuc.compile(two[0], "k230", **given)
    assert caught.value.code == "K0716"


def test_options_by_input():
    found = Preprocessing.per_input(mean={"a": 1, "b": 2}, std=3, input_type={"b": "int8"})
    assert found == {
        "": Preprocessing(std=(3.0,)),
        "a": Preprocessing(mean=(1.0,), std=(3.0,)),
        "b": Preprocessing(mean=(2.0,), std=(3.0,), input_type="int8"),
    }


@pytest.mark.parametrize("target", ["cpu", "k210", "k230", "k510"])
def test_quantised_inputs_count_as_real_numbers(target):
    """fashion_dscnn_int8 takes (pixel / 127.5 - 1) / 0.00784 - 1: pixels less 127.5 and less 1, halves away from 0."""
    path = SHIPPED / "fashion_dscnn_int8.tflite"
    kmodel = kpuc.compile(path, target, input_type="uint8", mean=127.5, std=127.5, input_layout="NCHW", quant="none")
    pixels = RANDOM.integers(0, 256, (1, 1, 28, 28)).astype(np.uint8)
    own = kpuc.Simulator(kpuc.compile(path, target, quant="none"))
    steps = np.floor(np.abs(pixels - 127.5) + 0.5) * np.sign(pixels - 127.5) - 1
    integers = np.clip(steps, -128, 127).astype(np.int8).reshape(1, 28, 28, 1)
    (got,), (wanted,) = (list(one.values()) for one in (kpuc.Simulator(kmodel).run(pixels), own.run(integers)))
    assert [(info.dtype, info.shape) for info in kmodel.inputs] == [(np.uint8, (1, 1, 28, 28))]
    assert np.abs(got.astype(int) - wanted.astype(int)).max() <= 2  # float32 rounds some of the halves down


def test_integers_that_stand_for_nothing_are_not_preprocessed():
    net = OnnxWriter(3)
    x = net.input(1, 3, 6, 6)
    model = onnx.load_from_string(net.model(net.op("Cast", x, to=onnx.TensorProto.FLOAT)))
    model.graph.input[0].type.tensor_type.elem_type = onnx.TensorProto.UINT8
    with pytest.raises(OptionError, match="no input of the network is of type float32"):
        kpuc.compile(model, "k230", mean=1)
