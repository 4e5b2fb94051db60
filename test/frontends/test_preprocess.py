"""Preprocessing in the model: against the same steps written with numpy, onnxruntime and Pillow, and on the kmodel in
our simulator and in the vendor's runtime."""

import itertools

import numpy as np
import onnx
import onnxruntime
import pytest
from click.testing import CliRunner
from networks import SHIPPED, relative_error
from onnx import TensorProto, helper, numpy_helper
from PIL import Image
from vendor import run_in_vendor_runtime

import kpuc
from kpuc.dialects import mlir
from kpuc.dialects.evaluate import evaluate
from kpuc.dialects.function import entry_function, set_names
from kpuc.dialects.mlir import ir
from kpuc.errors import OptionError
from kpuc.frontends.dataset import open_dataset
from kpuc.frontends.onnx import import_onnx
from kpuc.frontends.preprocess import Frame, Preprocessing
from kpuc.frontends.preprocess_ops import insert_preprocessing
from kpuc.passes.pipeline import parse_pipeline
from kpuc.passes.quant.calibrate import calibrate, network_inputs
from kpuc.passes.quant.ranges import MinMax
from kpuc.pipelines import PIPELINE
from kpuc.tools.cli.main import cli

FASHION, FASHION_TFLITE = SHIPPED / "fashion_dscnn.onnx", SHIPPED / "fashion_dscnn.tflite"
GENERATOR = np.random.default_rng(7)


def network(shape, dtype="f32"):
    """A network that gives back its input."""
    tensor = f"tensor<{'x'.join(map(str, shape))}x{dtype}>"
    return ir.Module.parse(f"func.func @main(%x: {tensor}) -> {tensor} {{ return %x : {tensor} }}")


def preprocess(array, shape, layout="NCHW", **options):
    """What a network of this input shape and layout gets from `array`."""
    with mlir.context(), ir.Location.unknown():
        module = network(shape)
        insert_preprocessing(module, Preprocessing.of(**options), layout)
        module.operation.verify()
        (before,) = evaluate(module, [array])
        parse_pipeline(PIPELINE).run(module)
        (after,) = evaluate(module, [array])
    np.testing.assert_allclose(after, before, rtol=1e-6, atol=1e-6)
    return before


def image(*shape, dtype="uint8"):
    info = np.iinfo(dtype)
    return GENERATOR.integers(info.min, info.max + 1, shape).astype(dtype)


class TestSteps:
    def test_bytes_are_what_they_stand_for(self):
        x = image(1, 3, 4, 5)
        np.testing.assert_array_equal(preprocess(x, (1, 3, 4, 5), input_type="uint8"), x.astype(np.float32))

    # scale and zero point by hand, from the formulas of the vendor's 2.x compiler
    @pytest.mark.parametrize(
        ("span", "scale", "zero"),
        [((0, 1), 1 / 255, 0), ((-1, 1), 2 / 255, 128), ((-1, 0), 1 / 255, 255), ((-0.5, 1.5), 2 / 255, 64)],
    )
    @pytest.mark.parametrize("dtype", ["uint8", "int8"])
    def test_range(self, span, scale, zero, dtype):
        x = image(1, 3, 4, 5, dtype=dtype)
        got = preprocess(x, x.shape, input_type=dtype, input_range=span)
        np.testing.assert_allclose(got, (x.astype(np.float64) - zero) * scale, rtol=1e-6, atol=1e-7)

    @pytest.mark.parametrize("outer", ["NCHW", "NHWC"])
    @pytest.mark.parametrize("inner", ["NCHW", "NHWC"])
    @pytest.mark.parametrize("swap", [False, True])
    def test_layouts(self, outer, inner, swap):
        x = image(1, 3, 4, 5)
        expected = x[:, ::-1] if swap else x
        shape = {"NCHW": (1, 3, 4, 5), "NHWC": (1, 4, 5, 3)}[inner]
        given = x if outer == "NCHW" else np.ascontiguousarray(x.transpose(0, 2, 3, 1))
        expected = expected if inner == "NCHW" else expected.transpose(0, 2, 3, 1)
        got = preprocess(given, shape, inner, input_type="uint8", input_layout=outer, swap_rb=swap)
        np.testing.assert_array_equal(got, expected)
        got = preprocess(given, shape, input_type="uint8", input_layout=outer, swap_rb=swap, model_layout=inner)
        np.testing.assert_array_equal(got, expected)

    def test_the_layout_stays_without_being_asked(self):
        x = image(1, 4, 5, 3)
        got = preprocess(x, x.shape, "NHWC", input_type="uint8", mean=[1, 2, 3], std=[4, 5, 6])
        np.testing.assert_allclose(got, (x - np.float32([1, 2, 3])) / np.float32([4, 5, 6]), rtol=1e-6)

    def test_mean_and_std(self):
        x = GENERATOR.standard_normal((2, 3, 4, 5)).astype(np.float32)
        column = lambda *numbers: np.float32(numbers).reshape(1, -1, 1, 1)  # noqa: E731
        got = preprocess(x, x.shape, mean=[1, 2, 3], std=[4, 5, 6])
        np.testing.assert_allclose(got, (x - column(1, 2, 3)) / column(4, 5, 6), rtol=1e-6)
        np.testing.assert_allclose(preprocess(x, x.shape, mean=2), x - np.float32(2), rtol=1e-6)
        np.testing.assert_allclose(preprocess(x, x.shape, mean=(1, 2, 3), std=2), (x - column(1, 2, 3)) / 2, rtol=1e-6)
        vector = GENERATOR.standard_normal((2, 7)).astype(np.float32)
        np.testing.assert_allclose(preprocess(vector, (2, 7), mean=2, std=0.5), (vector - 2) / 0.5, rtol=1e-6)

    def test_nothing_to_do_changes_nothing(self):
        with mlir.context(), ir.Location.unknown():
            module = network((1, 3, 4, 5))
            before = str(module)
            insert_preprocessing(module, Preprocessing(model_layout="NHWC"))
            insert_preprocessing(module, Preprocessing(input_layout="NCHW", mean=(0,), std=(1, 1, 1), letterbox=(4, 5)))
            assert str(module) == before


class TestLetterbox:
    @pytest.mark.parametrize(
        ("frame", "target", "expected"),
        [
            ((480, 640), (320, 320), Frame(240, 320, 40, 40, 0, 0)),
            ((640, 480), (320, 320), Frame(320, 240, 0, 0, 40, 40)),
            ((4, 6), (4, 7), Frame(4, 6, 0, 0, 0, 1)),  # the odd column goes to the right
            ((3, 2), (6, 7), Frame(6, 4, 0, 0, 1, 2)),
            ((5, 4), (2, 2), Frame(2, 2, 0, 0, 0, 0)),  # 1.6 columns
        ],
    )
    def test_where_the_image_lies(self, frame, target, expected):
        assert Frame.around(frame, target) == expected

    @pytest.mark.parametrize(("frame", "target"), [*itertools.product([(9, 14), (20, 6), (8, 8)], repeat=2)])
    def test_it_fills_the_target(self, frame, target):
        found = Frame.around(frame, target)
        assert (found.top + found.height + found.bottom, found.left + found.width + found.right) == target
        assert min(found.top, found.bottom, found.left, found.right) >= 0
        assert target[0] == found.height or target[1] == found.width

    @pytest.mark.parametrize("target", [(30, 33), (64, 40), (12, 12)])
    def test_larger_against_pillow(self, target):
        """Pillow interpolates like this where it enlarges."""
        x = image(1, 12, 11, 3)
        got = preprocess(
            x, (1, 3, *target), input_type="uint8", input_layout="NHWC", letterbox=(12, 11), letterbox_value=114
        )
        frame = Frame.around((12, 11), target)
        expected = np.full((3, *target), 114, np.float32)
        for channel in range(3):
            plane = Image.fromarray(x[0, :, :, channel].astype(np.float32))
            scaled = plane.resize((frame.width, frame.height), Image.Resampling.BILINEAR)
            expected[channel, frame.top : frame.top + frame.height, frame.left : frame.left + frame.width] = np.asarray(
                scaled
            )
        np.testing.assert_allclose(got[0], expected, rtol=1e-5, atol=1e-3)

    def test_the_value_goes_through_mean_and_std(self):
        x = image(1, 3, 4, 4)
        got = preprocess(x, (1, 3, 4, 6), input_type="uint8", letterbox=(4, 4), letterbox_value=100, mean=50, std=10)
        np.testing.assert_array_equal(got[..., 0], np.full((1, 3, 4), 5))
        np.testing.assert_allclose(got[..., 1:5], (x - np.float32(50)) / 10, rtol=1e-6)


def reference_session(model, options, frame, channels):
    """onnxruntime on the network with the steps in front, as ONNX operators."""
    source = onnx.load(model)
    inner = source.graph.input[0]
    target = tuple(dim.dim_value for dim in inner.type.tensor_type.shape.dim)[2:]
    nodes, constants = [], []
    value = "camera"

    def step(operator, *others, **attributes):
        nonlocal value
        names = []
        for other in others:
            names.append(f"p{len(constants)}" if other is not None else "")
            if other is not None:
                constants.append(numpy_helper.from_array(np.asarray(other), names[-1]))
        nodes.append(helper.make_node(operator, [value, *names], [f"v{len(nodes)}"], **attributes))
        value = nodes[-1].output[0]

    step("Transpose", perm=[0, 3, 1, 2])
    step("DequantizeLinear", np.float32(options.scale), np.uint8(options.zero_point))
    placed = Frame.around(frame, target)
    sizes = np.int64([1, channels, placed.height, placed.width])
    step("Resize", None, None, sizes, mode="linear", coordinate_transformation_mode="half_pixel")
    pads = np.int64([0, 0, placed.top, placed.left, 0, 0, placed.bottom, placed.right])
    step("Pad", pads, np.float32(options.letterbox_value))
    step("Sub", np.float32(options.mean).reshape(1, -1, 1, 1))
    step("Div", np.float32(options.std).reshape(1, -1, 1, 1))
    nodes.append(helper.make_node("Identity", [value], [inner.name]))
    for node in reversed(nodes):
        source.graph.node.insert(0, node)
    source.graph.initializer.extend(constants)
    del source.graph.input[:]
    source.graph.input.append(helper.make_tensor_value_info("camera", TensorProto.UINT8, [1, *frame, channels]))
    return onnxruntime.InferenceSession(source.SerializeToString())


CAMERA = {
    "input_type": "uint8",
    "input_range": (0, 1),
    "input_layout": "NHWC",
    "mean": 0.2860,
    "std": 0.3530,
    "letterbox": (48, 30),
    "letterbox_value": 0.25,
}


class TestNetworks:
    frame = image(1, 48, 30, 1)

    @pytest.fixture(scope="class")
    @classmethod
    def expected(cls):
        session = reference_session(FASHION, Preprocessing.of(**CAMERA), (48, 30), 1)
        return session.run(None, {"camera": cls.frame})[0]

    @pytest.mark.parametrize("model", [FASHION, FASHION_TFLITE], ids=["onnx", "tflite"])
    @pytest.mark.parametrize("target", ["cpu", "k230"])
    def test_a_camera_against_onnxruntime(self, expected, model, target):
        """The TFLite file is the same network, so its outputs are too."""
        kmodel = kpuc.compile(model, target=target, portable=target == "cpu", **CAMERA)
        (info,) = kmodel.inputs
        assert (info.dtype, info.shape) == (np.uint8, (1, 48, 30, 1))
        (got,) = kpuc.Simulator(kmodel).run(self.frame).values()
        assert relative_error(expected, got) < 1e-5
        (theirs,) = run_in_vendor_runtime([(kmodel.data, [self.frame], 1)])[0]
        assert relative_error(expected, theirs) < 1e-5

    @pytest.mark.parametrize("dtype", ["uint8", "int8"])
    @pytest.mark.parametrize("span", [(0, 1), (-1, 1)])
    def test_every_integer_in_the_vendors_runtime(self, dtype, span):
        x = np.arange(28 * 28).astype(dtype).reshape(1, 1, 28, 28)
        kmodel = kpuc.compile(FASHION, target="k230", input_type=dtype, input_range=span)
        zero, scale = (128, 2 / 255) if span[0] else (0, 1 / 255)
        real = ((x.astype(np.float64) - zero) * scale).astype(np.float32)
        (expected,) = onnxruntime.InferenceSession(FASHION).run(None, {"input": real})
        (got,) = kpuc.Simulator(kmodel).run(x).values()
        (theirs,) = run_in_vendor_runtime([(kmodel.data, [x], 1)])[0]
        assert relative_error(expected, got) < 1e-5
        assert relative_error(expected, theirs) < 1e-5

    def test_three_channels_in_the_vendors_runtime(self, tmp_path):
        """Swapped, normalised by channel, framed: a convolution that gives the image back shows it."""
        weight = np.eye(3, dtype=np.float32).reshape(3, 3, 1, 1)
        graph = helper.make_graph(
            [helper.make_node("Conv", ["x", "w"], ["y"])],
            "g",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 20, 24])],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 3, 20, 24])],
            [numpy_helper.from_array(weight, "w")],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
        x = image(1, 20, 16, 3)
        mean, std = np.float32([123.7, 116.3, 103.5]), np.float32([58.4, 57.1, 57.4])
        kmodel = kpuc.compile(
            model, "k230", input_type="uint8", input_layout="NHWC", swap_rb=True, mean=mean, std=std, letterbox=(20, 16)
        )
        expected = np.zeros((1, 20, 24, 3), np.float32)
        expected[:, :, 4:20] = x[..., ::-1]
        expected = ((expected - mean) / std).transpose(0, 3, 1, 2)
        (got,) = kpuc.Simulator(kmodel).run(x).values()
        (theirs,) = run_in_vendor_runtime([(kmodel.data, [x], 1)])[0]
        assert relative_error(expected, got) < 1e-6
        assert relative_error(expected, theirs) < 1e-6

    def test_calibration_takes_what_goes_in(self):
        with mlir.context():
            module = import_onnx(FASHION)
            insert_preprocessing(module, Preprocessing.of(**CAMERA))
            dataset = open_dataset(np.concatenate([self.frame, 255 - self.frame]), network_inputs(module))
            calibration = calibrate(module, dataset, MinMax)
        assert "input input" not in calibration.ranges  # bytes: their range is stated, not measured
        assert calibration.ranges["nn.dequantize preprocess input"] == pytest.approx((0, 1), abs=0.05)

    def test_the_command(self, tmp_path):
        Image.fromarray(self.frame[0, :, :, 0]).save(tmp_path / "frame.png")
        options = ["--input-type=uint8", "--input-range=0,1", "--input-layout=NHWC", "--mean=0.2860", "--std=0.3530"]
        options += ["--letterbox=48x30", "--letterbox-value=0.25", "--target=k230"]
        done = CliRunner().invoke(cli, ["compile", str(FASHION), "-o", str(tmp_path / "a.kmodel"), *options])
        assert done.exit_code == 0, done.output
        assert (tmp_path / "a.kmodel").read_bytes() == kpuc.compile(FASHION, "k230", **CAMERA).data
        command = ["run", tmp_path / "a.kmodel", "--input", tmp_path / "frame.png", "--output", tmp_path / "o.npz"]
        done = CliRunner().invoke(cli, [str(part) for part in command])
        assert done.exit_code == 0, done.output
        (expected,) = kpuc.Simulator(tmp_path / "a.kmodel").run(self.frame).values()
        np.testing.assert_array_equal(np.load(tmp_path / "o.npz")["logits"], expected)


class TestRefusals:
    @pytest.mark.parametrize(
        ("options", "text"),
        [
            ({"input_type": "uint16"}, "there is no input type 'uint16'; there are: float32, uint8, int8"),
            ({"input_layout": "nhwc"}, "input layout 'nhwc' is neither one of NCHW, NHWC nor a permutation"),
            ({"model_layout": "CHWN"}, "model layout 'CHWN' is not one of NCHW, NHWC"),
            ({"input_range": (0, 1)}, "input range 0,1 says what integers stand for, but the input is of type float32"),
            ({"input_type": "uint8", "input_range": (0.2, 0.8)}, "does not contain 0"),
            ({"input_type": "uint8", "input_range": (0.2, 0.8)}, "nncase takes it as 0,0.8"),
            ({"input_type": "uint8", "input_range": (1, 0)}, "does not contain 0"),
            ({"input_type": "uint8", "input_range": (0, 0)}, "input range 0,0 is narrower than 0.01"),
            ({"input_type": "uint8", "input_range": (0, 1, 2)}, "is not two numbers"),
            ({"input_type": "uint8", "input_range": (0, np.inf)}, "input range 0,inf is not two numbers"),
            ({"mean": "a"}, "mean 'a' is not made of numbers"),
            ({"mean": np.nan}, "mean nan is not finite"),
            ({"std": (1, 0, 1)}, "std 1,0,1 contains 0"),
            ({"mean": (1, 2, 3), "std": (1, 2)}, "mean 1,2,3 and std 1,2 are for different channels"),
            ({"letterbox": (3,)}, "letterbox 3 is not a height and a width"),
            ({"letterbox": (0, 4)}, "letterbox 0,4 is not a height and a width"),
            ({"letterbox_value": 3}, "a letterbox value needs a letterbox"),
            ({"letterbox": (4, 4), "letterbox_value": np.inf}, "letterbox value inf is not finite"),
        ],
    )
    def test_contradictions(self, options, text):
        with pytest.raises(OptionError) as caught:
            Preprocessing.of(**options)
        assert caught.value.code == "K0716"
        assert text in str(caught.value)

    @pytest.mark.parametrize(
        ("shape", "dtype", "options", "text"),
        [
            ((1, 3, 4, 5), "f16", {"mean": 1}, "no input of the network is of type float32"),
            ((3, 4), "f32", {"input_layout": "NHWC"}, "input layout is for images, but no input has four dimensions"),
            ((3, 4), "f32", {"swap_rb": True}, "swapping red and blue is for images"),
            ((3, 4), "f32", {"letterbox": (3, 4)}, "letterbox is for images"),
            ((3, 4), "f32", {"mean": (1, 2)}, "input 'input0': mean has 2 entries, the input no channels"),
            ((1, 3, 4, 5), "f32", {"std": (1, 2)}, "std has 2 entries, the input 3 channels"),
            ((1, 5, 4, 5), "f32", {"swap_rb": True}, "red and blue of 5 channels cannot be swapped"),
            (
                (1, 3, "?", 5),
                "f32",
                {"letterbox": (3, 4)},
                "a letterbox needs a static shape",
            ),
        ],
    )
    def test_steps_that_do_not_fit(self, shape, dtype, options, text):
        with mlir.context(), ir.Location.unknown(), pytest.raises(OptionError) as caught:
            insert_preprocessing(network(shape, dtype), Preprocessing.of(**options))
        assert caught.value.code == "K0716"
        assert text in str(caught.value)

    @pytest.mark.parametrize(
        ("options", "code", "text"),
        [
            (["--mean", "1,x"], 2, "'1,x' is not NUMBER,NUMBER,..."),
            (["--letterbox", "3"], 1, "letterbox 3 is not a height and a width"),
            (["--letterbox", "3,4"], 2, "'3,4' is not HEIGHTxWIDTH"),
            (["--input-type", "u8"], 1, "there is no input type 'u8'"),
        ],
    )
    def test_on_the_command_line(self, tmp_path, options, code, text):
        done = CliRunner().invoke(cli, ["compile", str(FASHION), "-o", str(tmp_path / "a"), *options])
        assert done.exit_code == code
        assert text in done.output
        assert not list(tmp_path.iterdir())


def test_states_and_integers_stay():
    text = """func.func @main(%x: tensor<2xf32>, %s: tensor<2xf32>, %i: tensor<2xi32>)
        -> (tensor<2xf32>, tensor<2xi32>) {
      %0 = "nn.add"(%x, %s) : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
      %1 = "nn.mul"(%0, %x) : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
      return %1, %i : tensor<2xf32>, tensor<2xi32> }"""
    with mlir.context(), ir.Location.unknown():
        module = ir.Module.parse(text)
        set_names(entry_function(module), ["x", "s", "i"], ["s", "i"], {"s": np.float32([1, 2])})
        insert_preprocessing(module, Preprocessing("uint8", mean=(2.0,)))
        module.operation.verify()
        assert [str(info) for info in network_inputs(module)] == ["x: uint8 [2]", "s: float32 [2]", "i: int32 [2]"]
        result, _ = evaluate(module, [np.uint8([3, 4]), np.float32([1, 1]), np.int32([0, 0])])
    np.testing.assert_array_equal(result, [(1 + 1) * 1, (2 + 1) * 2])
