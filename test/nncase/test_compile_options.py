"""The effect of each field of CompileOptions: the test of a field is called after it."""

import io
import re
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import vendor19
from onnx import helper
from scripts import DATA

import kpuc
import kpuc.nncase as nncase
from kpuc.errors import ExecutionError, KpucError, OptionError
from kpuc.nncase.field import NoEffectWarning

RANDOM = np.random.default_rng(11)
FLOATS = RANDOM.standard_normal((1, 3, 8, 8)).astype(np.float32)
BYTES = RANDOM.integers(0, 256, (1, 3, 8, 8)).astype(np.uint8)
CLOSE = {"rtol": 1e-5, "atol": 1e-5}
CAMERA = {"preprocess": True, "input_type": "uint8", "input_range": [0, 1]}


def expected(array, network="image.onnx"):
    """What onnxruntime computes."""
    session = onnxruntime.InferenceSession(DATA / network)
    return session.run(None, {session.get_inputs()[0].name: np.ascontiguousarray(array, np.float32)})[0]


def samples(*rows, **fields):
    """Options of a quantisation with samples, a row an input."""
    ptq = nncase.PTQTensorOptions()
    ptq.samples_count = len(rows[0])
    ptq.set_tensor_data([list(row) for row in rows])
    for name, value in fields.items():
        setattr(ptq, name, value)
    return ptq


@pytest.mark.parametrize(
    ("target", "kind"), [("cpu", "native"), ("k210", "stackvm"), ("k230", "stackvm"), ("k510", "stackvm")]
)
def test_target(build, run, target, kind):
    (got,) = run(build("image.onnx", target=target), FLOATS)
    np.testing.assert_allclose(got, expected(FLOATS), **CLOSE)
    assert f"kind: {kind}" in Path("tmp/kmodel.asm").read_text()


def test_preprocess(build, run):
    """Without it, the fields that it is about do not count."""
    fields = {"input_type": "uint8", "input_range": [0, 1], "swapRB": True, "mean": [1, 2, 3]}
    off, on = (build("image.onnx", preprocess=preprocess, **fields) for preprocess in (False, True))
    np.testing.assert_allclose(run(off, FLOATS)[0], expected(FLOATS), **CLOSE)
    assert (off.get_input_desc(0).dtype, on.get_input_desc(0).dtype) == (np.float32, np.uint8)


def test_swapRB(build, run):
    (got,) = run(build("image.onnx", preprocess=True, swapRB=True), FLOATS)
    np.testing.assert_allclose(got, expected(FLOATS[:, ::-1]), **CLOSE)


@pytest.mark.parametrize(
    ("kind", "dtype"), [("uint8", "uint8"), ("int8", "int8"), ("float32", "float32"), ("default", "float32")]
)
def test_input_type(build, run, kind, dtype):
    simulator = build("image.onnx", preprocess=True, input_type=kind, input_range=[0, 1])
    assert simulator.get_input_desc(0).dtype == dtype
    given = BYTES.astype(dtype)
    (got,) = run(simulator, given)
    np.testing.assert_allclose(got, expected(given if dtype == "float32" else given / 255), **CLOSE)


def test_input_type_default_of_a_quantised_network(build):
    ptq = samples([BYTES, 255 - BYTES])
    assert (
        build("image.onnx", ptq, target="k210", preprocess=True, input_type="default").get_input_desc(0).dtype
        == np.uint8
    )


def test_input_shape(build, run):
    """An image of half the size is doubled; dimensions that cannot be are refused."""
    simulator = build("image.onnx", preprocess=True, input_shape=[1, 3, 4, 4])
    assert simulator.get_input_shape(0) == [1, 3, 4, 4]
    (got,) = run(simulator, np.full((1, 3, 4, 4), 0.5, np.float32))
    np.testing.assert_allclose(got, expected(np.full((1, 3, 8, 8), 0.5)), **CLOSE)
    with pytest.raises(OptionError, match="input shape 1,4,8,8 does not fit the network's 1,3,8,8"):
        build("image.onnx", preprocess=True, input_shape=(1, 4, 8, 8))


@pytest.mark.parametrize(
    ("span", "scale", "zero"), [([0, 1], 1 / 255, 0), ([-1, 1], 2 / 255, 128), ([0, 255], 1, 0), ([], 1 / 255, 0)]
)
def test_input_range(build, run, span, scale, zero):
    (got,) = run(build("image.onnx", **{**CAMERA, "input_range": span}), BYTES)
    np.testing.assert_allclose(got, expected((BYTES.astype(np.float64) - zero) * scale), rtol=1e-4, atol=1e-4)


def test_input_file(tmp_path, run):
    """Weights that are not in the file are looked for beside it."""
    model = onnx.load(DATA / "image.onnx")
    onnx.save(model, tmp_path / "net.onnx", save_as_external_data=True, location="net.weights", size_threshold=0)
    content = (tmp_path / "net.onnx").read_bytes()
    assert (tmp_path / "net.weights").exists()

    def build_from(path):
        options = nncase.CompileOptions()
        options.input_file = path
        options.target = "k230"
        compiler = nncase.Compiler(options)
        compiler.import_onnx(content, nncase.ImportOptions())
        compiler.compile()
        simulator = nncase.Simulator()
        simulator.load_model(compiler.gencode_tobytes())
        return simulator

    np.testing.assert_allclose(run(build_from(tmp_path / "net.onnx"), FLOATS)[0], expected(FLOATS), **CLOSE)
    with pytest.raises(KpucError, match="weights are in external files"):
        build_from("")


def column(*numbers):
    return np.float32(numbers).reshape(1, -1, 1, 1)


def test_mean(build, run):
    (got,) = run(build("image.onnx", preprocess=True, mean=[0.5, 0.25, 1]), FLOATS)
    np.testing.assert_allclose(got, expected(FLOATS - column(0.5, 0.25, 1)), **CLOSE)
    (got,) = run(build("image.onnx", preprocess=True, mean=np.array([2.0])), FLOATS)
    np.testing.assert_allclose(got, expected(FLOATS - 2), **CLOSE)
    with pytest.raises(OptionError, match="mean has 2 entries, the input 3 channels"):
        build("image.onnx", preprocess=True, mean=[1, 2])
    with pytest.raises(OptionError, match="mean is empty"):
        build("image.onnx", preprocess=True, mean=[])


def test_std(build, run):
    (got,) = run(build("image.onnx", preprocess=True, std=(0.5, 0.25, 2)), FLOATS)
    np.testing.assert_allclose(got, expected(FLOATS / column(0.5, 0.25, 2)), **CLOSE)
    with pytest.raises(OptionError, match="contains 0"):
        build("image.onnx", preprocess=True, std=[0, 1, 1])


@pytest.mark.parametrize(
    ("layout", "order"), [("NCHW", (0, 1, 2, 3)), ("NHWC", (0, 2, 3, 1)), ("0,3,2,1", (0, 3, 2, 1)), ("", (0, 1, 2, 3))]
)
def test_input_layout(build, run, layout, order):
    simulator = build("image.onnx", preprocess=True, input_layout=layout)
    (got,) = run(simulator, np.ascontiguousarray(FLOATS.transpose(order)))
    np.testing.assert_allclose(got, expected(FLOATS), **CLOSE)


@pytest.mark.parametrize(
    ("layout", "order"), [("NCHW", (0, 1, 2, 3)), ("NHWC", (0, 2, 3, 1)), ("0,3,2,1", (0, 3, 2, 1)), ("", (0, 1, 2, 3))]
)
def test_output_layout(build, run, layout, order):
    given = FLOATS[:, :, :6, :5].copy()
    (got,) = run(build("map.onnx", preprocess=True, output_layout=layout), given)
    np.testing.assert_allclose(got, expected(given, "map.onnx").transpose(order), **CLOSE)


def test_output_layout_leaves_outputs_alone_that_are_no_images(build, run):
    """nncase 2.11 ends the process."""
    given = FLOATS[:, :, :6, :6].copy()
    image, row = run(build("two_outputs.onnx", preprocess=True, output_layout="NHWC"), given)
    assert (image.shape, row.shape) == ((1, 6, 6, 2), (1, 2))
    np.testing.assert_allclose(image, expected(given, "two_outputs.onnx").transpose(0, 2, 3, 1), **CLOSE)


def test_letterbox_value(build, run):
    """nncase 2.11 fills with 0 here, where a convolution follows."""
    given = FLOATS[:, :, :4].copy()
    (got,) = run(build("image.onnx", preprocess=True, input_shape=[1, 3, 4, 8], letterbox_value=0.5), given)
    framed = np.full((1, 3, 8, 8), 0.5, np.float32)
    framed[:, :, 2:6] = given
    np.testing.assert_allclose(got, expected(framed), **CLOSE)
    with pytest.raises(OptionError, match="letterbox_value needs an input_shape"):
        build("image.onnx", preprocess=True, letterbox_value=1)


def test_dump_asm(build, dumped):
    build("image.onnx", dump_asm=False)
    assert dumped() == []
    build("image.onnx")
    assert dumped() == ["tmp/kmodel.asm"]
    assert "TENSOR.conv2d" in Path("tmp/kmodel.asm").read_text()


def test_dump_asm_of_machine_code(build, dumped):
    build("image.onnx", target="cpu")
    asm, listing = map(Path, sorted(dumped()))
    assert (asm.name, listing.parent) == ("kmodel.asm", Path("tmp"))
    assert re.search(r"^(#|//)   step_\d+: nn.conv at model.onnx: \w+", listing.read_text(), re.MULTILINE)


def test_dump_ir(build, dumped):
    build("image.onnx", dump_asm=False, dump_ir=True)
    files = dumped()
    assert files[0] == "tmp/000_import.mlir"
    assert files[1] == "tmp/001_nn-fuse-convolutions.mlir"
    assert ["nn.relu" in Path(name).read_text() for name in files[:2]] == [True, False]


def test_dump_ir_of_a_planned_network(build):
    """Where buffers lie, in the memory of each kind, and what for."""
    build("image.onnx", samples([FLOATS, -FLOATS]), target="k210", dump_ir=True)
    text = Path("tmp/memory.txt").read_text()
    assert re.search(r"the KPU's memory: .*\n(.*\n)*? +0 +\d+ +\d+-\d+  1x3x8x8xui8  model.onnx: Relu_v1\n", text)
    assert "main memory: " in text


def test_dump_dir(build, dumped):
    build("image.onnx", dump_dir=Path("elsewhere/deep"))
    assert dumped() == ["elsewhere/deep/kmodel.asm"]


def symbolic(*dims):
    """A network with named dimensions: the mean of a row, and it."""
    x = helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, list(dims))
    y = helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, None)
    node = helper.make_node("ReduceMean", ["x"], ["y"], axes=[1])
    model = helper.make_model(
        helper.make_graph([node], "net", [x], [y]), opset_imports=[helper.make_opsetid("", 13)], ir_version=8
    )
    return model.SerializeToString()


def bucketed(target="k230", **fields):
    """A simulator of that network."""
    options = nncase.CompileOptions()
    options.target = target
    for name, value in fields.items():
        setattr(options, name, value)
    compiler = nncase.Compiler(options)
    compiler.import_onnx(symbolic("n", "m"), nncase.ImportOptions())
    compiler.compile()
    simulator = nncase.Simulator()
    simulator.load_model(compiler.gencode_tobytes())
    return simulator


def test_shape_bucket_fix_var_map(run):
    simulator = bucketed(shape_bucket_enable=True, shape_bucket_fix_var_map={"n": 2, "m": 3})
    assert simulator.get_input_shape(0) == [2, 3]
    (got,) = run(simulator, np.float32([[1, 2, 3], [4, 5, 6]]))
    assert got.ravel().tolist() == [2, 5]
    ranges = {"n": [1, 4], "m": [1, 8]}
    fields = {"shape_bucket_enable": True, "shape_bucket_range_info": ranges}
    assert bucketed(**fields, shape_bucket_fix_var_map={"m": 3}).get_input_shape(0) == [-1, 3]


@pytest.mark.parametrize("target", ["cpu", "k230"])
def test_shape_bucket_range_info(run, target):
    """Rows are computed on their own, whatever their number; a range of one size is that size."""
    ranges = {"n": [2, 2], "m": [3, 3]}
    assert bucketed(shape_bucket_enable=True, shape_bucket_range_info=ranges).get_input_shape(0) == [2, 3]
    simulator = bucketed(target, shape_bucket_enable=True, shape_bucket_range_info={"n": [2, 5], "m": [3, 3]})
    assert (simulator.get_input_shape(0), simulator.get_output_shape(0)) == ([-1, 3], [-1, 1])
    for rows in (2, 3, 4, 5):
        array = np.arange(3 * rows, dtype=np.float32).reshape(rows, 3)
        (got,) = run(simulator, array)
        np.testing.assert_allclose(got, array.mean(1, keepdims=True), **CLOSE)
    with pytest.raises(ExecutionError, match=r"K0502.*is 6, but 'n' must be from 2 to 5"):
        run(simulator, np.zeros((6, 3), np.float32))


def test_shape_bucket_range_info_for_chips_with_fixed_memory():
    with pytest.raises(OptionError, match=r"K0723.*version 5 for k210 take one shape only"):
        bucketed("k210", shape_bucket_enable=True, shape_bucket_range_info={"n": [2, 5], "m": [3, 3]})


def test_shape_bucket_segments_count(run):
    """How far a row is padded with zeros, which a mean sees, tells what segments there are."""
    for segments, ends in ((1, [8]), (2, [4, 8]), (4, [2, 4, 6, 8])):
        ranges = {"n": [1, 1], "m": [1, 8]}
        fields = {"shape_bucket_enable": True, "shape_bucket_range_info": ranges}
        simulator = bucketed(**fields, shape_bucket_segments_count=segments)
        for size in range(1, 9):
            (got,) = run(simulator, np.ones((1, size), np.float32))
            assert round(size / got.item()) == next(end for end in ends if size <= end)


def test_shape_bucket_enable(run):
    """Without it the dimensions stay open, whatever is said of them."""
    fields = {"shape_bucket_range_info": {"n": [2, 5], "m": [3, 3]}, "shape_bucket_fix_var_map": {"n": 2, "m": 3}}
    simulator = bucketed(**fields)
    assert simulator.get_input_shape(0) == [-1, -1]
    (got,) = run(simulator, np.float32([[1, 2, 3, 4]]))
    assert got.ravel().tolist() == [2.5]


def test_quant_type(build):
    """As 1.9 has it: int16 is not what the K210 has."""
    ptq = samples([FLOATS, -FLOATS])
    build("image.onnx", ptq, target="k210", quant_type="uint8")
    assert "kind: k210" in Path("tmp/kmodel.asm").read_text()
    with pytest.raises(OptionError, match="cannot be quantised to i8 for target k210, only to u8"):
        build("image.onnx", ptq, target="k210", quant_type="int8")
    with pytest.raises(
        OptionError, match=r"PTQTensorOptions\.quant_type is 'int16', but CompileOptions\.quant_type is 'int8'"
    ):
        build("image.onnx", samples([FLOATS], quant_type="int16"), target="k210", quant_type="int8")


def test_w_quant_type(build):
    with pytest.raises(OptionError, match="weights cannot be quantised to i16 for target k210"):
        build("image.onnx", samples([FLOATS, -FLOATS]), target="k210", w_quant_type="int16")


def test_model_layout(build, run):
    """The network's channels are last, whatever its file format: rows of 8 channels, here."""
    simulator = build("image.onnx", preprocess=True, model_layout="NHWC", input_layout="NCHW")
    assert simulator.get_input_shape(0) == [1, 8, 3, 8]
    given = np.ascontiguousarray(FLOATS.transpose(0, 3, 1, 2))
    np.testing.assert_allclose(run(simulator, given)[0], expected(FLOATS), **CLOSE)


@pytest.mark.parametrize("target", ["cpu", "k230", "k510", "k210"])
@pytest.mark.parametrize("kind", ["uint8", "int8"])
def test_output_type(build, run, target, kind):
    """Integers stand for what the same kmodel returns as real numbers, over the range of the samples' outputs."""
    (reals,) = run(build("image.onnx", samples([FLOATS] * 2 + [FLOATS * 2]), target=target), FLOATS)
    ptq = samples([FLOATS] * 2 + [FLOATS * 2], calibrate_method="NoClip", export_quant_scheme=True)
    simulator = build("image.onnx", ptq, target=target, output_type=kind)
    assert simulator.get_output_desc(0).dtype == kind
    high = max(expected(FLOATS * scale).max() for scale in (1, 2))
    (got,) = run(simulator, FLOATS)
    assert np.abs((got.astype(int) - np.iinfo(kind).min) * high / 255 - reals).max() < 0.02
    assert len(set(got.ravel().tolist())) > 2


def test_output_type_without_samples(build):
    """As in 1.9: of networks that are quantised only."""
    assert build("image.onnx", output_type="uint8").get_output_desc(0).dtype == np.float32


@pytest.mark.parametrize("kind", ["uint8", "int8"])
@pytest.mark.parametrize("ends", [[0, 1], [-1, 1], [0.2, 1]])
def test_output_range(build, run, kind, ends):
    """The vendor's compiler makes the same of it, but for a step: ours rounds once, from more bits."""
    vendor19.skip_without()
    data = np.concatenate([RANDOM.standard_normal((1, 3, 8, 8)) for _ in range(6)]).astype(np.float32)
    fields = {"target": "k210", "output_type": kind, "output_range": ends}
    (theirs,) = vendor19.compile_models([((DATA / "image.onnx").read_bytes(), {**fields, "calibration": data})])
    ((expected_,),) = vendor19.simulate([(theirs, [data[:1]])])
    (got,) = run(
        build("image.onnx", samples([row[None] for row in data], calibrate_method="NoClip"), **fields), data[:1]
    )
    assert got.dtype == expected_.dtype == kind
    assert np.abs(got.astype(int) - expected_).max() <= 1
    assert len(set(got.ravel().tolist())) > 2


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("is_fpga", True, "kmodels are for chips"),
        ("benchmark_only", True, "kmodels compute what the network does"),
    ],
)
def test_refused_fields(name, value, text):
    """test_is_fpga, test_benchmark_only"""
    options = nncase.CompileOptions()
    setattr(options, name, getattr(options, name))  # what it is anyway
    with pytest.raises(OptionError, match=text):
        setattr(options, name, value)


@pytest.mark.parametrize(("name", "value"), [("split_w_to_act", True), ("use_mse_quant_w", True)])
def test_fields_without_effect(name, value):
    """test_split_w_to_act, test_use_mse_quant_w"""
    with pytest.warns(NoEffectWarning, match=f"CompileOptions.{name} has no effect"):
        setattr(nncase.CompileOptions(), name, value)


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("target", "k211", "one of 'cpu', 'k210', 'k230', 'k510'; did you mean 'k210'"),
        ("input_type", "float", "did you mean 'float32'"),
        ("input_type", np.uint8, "expected one of"),
        ("input_layout", "nhwc", "'NCHW', 'NHWC' or a permutation"),
        ("output_layout", "0,1,1", "a permutation"),
        ("mean", 0.5, "expected a list of numbers"),
        ("mean", ["a"], "expected a finite number"),
        ("std", [np.nan], "expected a finite number"),
        ("input_shape", [1, 3.5], "whole number"),
        ("input_shape", [1, 0], "at least 1"),
        ("preprocess", "yes", "True or False"),
        ("dump_dir", 3, "a path"),
        ("shape_bucket_range_info", {"n": [3, 2]}, "least, greatest"),
        ("shape_bucket_range_info", [1], "a dictionary"),
        ("model_layout", "HWC", "one of"),
    ],
)
def test_values_that_make_no_sense(name, value, text):
    with pytest.raises(OptionError, match=f"CompileOptions.{name} is .*{text}") as caught:
        setattr(nncase.CompileOptions(), name, value)
    assert caught.value.code == "K0731"


def test_lists_may_be_changed_in_place_and_belong_to_one_object(build, run):
    options = nncase.CompileOptions()
    options.mean[0] = 1.0
    assert options.mean == [1, 0, 0]
    assert nncase.CompileOptions().mean == [0, 0, 0]


def test_names_that_do_not_exist():
    options = nncase.CompileOptions()
    with pytest.raises(KpucError, match=r"CompileOptions has no attribute 'swap_rb'\n.*did you mean 'swapRB'"):
        options.swap_rb = True
    with pytest.raises(AttributeError, match="did you mean 'input_shape'"):
        options.inputshape  # noqa: B018
    assert not hasattr(options, "nothing_like_it")
    with pytest.raises(KpucError, match=r"kpuc\.nncase has no 'CompileOption'\n.*did you mean 'CompileOptions'"):
        nncase.CompileOption()


def test_a_stream_is_read_and_written(build):
    options = nncase.CompileOptions()
    options.target = "k230"
    compiler = nncase.Compiler(options)
    compiler.import_onnx(io.BytesIO((DATA / "image.onnx").read_bytes()), nncase.ImportOptions())
    compiler.compile()
    stream = io.BytesIO()
    compiler.gencode(stream)
    assert stream.getvalue() == compiler.gencode_tobytes() == kpuc.compile(DATA / "image.onnx", "k230").data
