"""One kmodel for a range of shapes computes what onnxruntime does with padded inputs, cut to the shape that it gives.

Portable kmodels are also run in the vendor's runtime.
"""

import io
import math

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx_writer import OnnxWriter
from vendor import run_in_vendor_runtime

import kpuc
from kpuc.errors import ExecutionError, ModelError, OptionError, UnsupportedError
from kpuc.runtime import Simulator

FORMS = {"native": {}, "portable": {"portable": True}, "k230": {"target": "k230"}}


def session(model):
    return onnxruntime.InferenceSession(model)


def bucket(size, low, high, segments):
    """The size that a segment has for this one: the upper end of its part of the range."""
    return next(
        upper for upper in (low + (high - low) * part // segments for part in range(1, segments + 1)) if size <= upper
    )


def padded(array, shape):
    return np.pad(array, [(0, want - have) for want, have in zip(shape, array.shape, strict=True)])


def random(shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def expected(model, inputs, shapes):
    """Outputs for inputs padded to these shapes, cut to those of the outputs for the inputs themselves."""
    run, names = session(model), [one.name for one in session(model).get_inputs()]
    plain = run.run(None, dict(zip(names, inputs, strict=True)))
    whole = run.run(None, {name: padded(one, shape) for name, one, shape in zip(names, inputs, shapes, strict=True)})
    return [one[tuple(slice(size) for size in own.shape)] for one, own in zip(whole, plain, strict=True)]


def agree(kmodel, inputs, wanted, vendor=False):
    results = [list(Simulator(kmodel.data).run(*inputs).values())]
    if vendor:
        results += run_in_vendor_runtime([(kmodel.data, list(inputs), len(wanted))])
    for got in results:
        assert not isinstance(got, str), got
        assert [one.shape for one in got] == [one.shape for one in wanted]
        for one, want in zip(got, wanted, strict=True):
            np.testing.assert_allclose(one, want, rtol=1e-4, atol=2e-5)


def image_network():
    """Convolutions, pooling that rounds up, two outputs of different strides."""
    writer = OnnxWriter(0)
    x = writer.input(1, 3, 12, "W")
    half = writer.op("Relu", writer.conv(x, 16, (3, 3), strides=(2, 2), pads=(1, 1, 1, 1)))
    fine = writer.conv(half, 8, (3, 3), pads=(1, 1, 1, 1))
    coarse = writer.op("MaxPool", fine, kernel_shape=(2, 2), strides=(2, 2), ceil_mode=1)
    return writer.model(fine, coarse)


@pytest.mark.parametrize("form", FORMS)
def test_images(form):
    model = image_network()
    kmodel = kpuc.compile(model, dims={"W": (5, 21)}, segments=3, **FORMS[form])
    assert [info.shape for info in kmodel.inputs] == [(1, 3, 12, -1)]
    assert [info.shape for info in kmodel.outputs] == [(1, 8, 6, -1), (1, 8, 3, -1)]
    for width in (5, 7, 10, 11, 15, 16, 20, 21):
        x = random((1, 3, 12, width), width)
        wanted = expected(model, [x], [(1, 3, 12, bucket(width, 5, 21, 3))])
        agree(kmodel, [x], wanted, vendor=form != "native")


def two_symbols():
    """Two inputs that share a name, and one more name: rows n, columns m."""
    nodes = [
        helper.make_node("Concat", ["a", "b"], ["j"], axis=1),
        helper.make_node("MatMul", ["j", "w"], ["p"]),
        helper.make_node("Transpose", ["c"], ["t"], perm=[1, 0]),
        helper.make_node("MatMul", ["p", "t"], ["y"]),
        helper.make_node("ReduceSum", ["j", "one"], ["s"], keepdims=0),
    ]
    shapes = {"a": ["n", 4], "b": ["n", 2], "c": ["m", 3]}
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in shapes.items()],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in "ys"],
        [numpy_helper.from_array(random((6, 3)), "w"), numpy_helper.from_array(np.array([1]), "one")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9).SerializeToString()


@pytest.mark.parametrize("form", FORMS)
def test_two_symbols(form):
    """Rows are computed on their own: the outputs are those without padding, too."""
    model = two_symbols()
    kmodel = kpuc.compile(model, dims={"n": (1, 9), "m": (2, 6)}, **FORMS[form])
    assert kmodel.report["buckets"] == [{"n": n, "m": m} for n in (5, 9) for m in (4, 6)]
    for n, m in ((1, 2), (5, 4), (5, 5), (6, 4), (9, 6)):
        inputs = [random((n, 4), 1), random((n, 2), 2), random((m, 3), 3)]
        wanted = session(model).run(None, dict(zip("abc", inputs, strict=True)))
        agree(kmodel, inputs, wanted, vendor=form != "native")


@pytest.mark.parametrize("form", FORMS)
def test_sizes_out_of_range(form):
    kmodel = kpuc.compile(two_symbols(), dims={"n": (2, 9), "m": 3}, **FORMS[form])
    simulator = Simulator(kmodel.data)
    rest = [random((3, 3), 3)]
    for n in (1, 10):
        inputs = [random((n, 4)), random((n, 2)), *rest]
        with pytest.raises(ExecutionError, match=rf"K0502.*input 'a' is {n}, but 'n' must be from 2 to 9"):
            simulator.run(*inputs)
    inputs = [random((4, 4)), random((3, 2)), *rest]
    with pytest.raises(ExecutionError, match=r"input 'b' is 3, but dimension 0 of input 'a' is 4: both are 'n'"):
        simulator.run(*inputs)


def test_sizes_out_of_range_elsewhere():
    """The code itself checks: the vendor's runtime refuses, and so does an interpreter that knows no names."""
    kmodel = kpuc.compile(two_symbols(), dims={"n": (2, 9), "m": 3}, portable=True)
    rest = random((3, 3), 3)
    jobs = [[random((n, 4)), random((m, 2)), rest] for n, m in ((2, 2), (1, 1), (10, 10), (4, 3))]
    good, *bad = run_in_vendor_runtime([(kmodel.data, inputs, 2) for inputs in jobs])
    assert not isinstance(good, str)
    assert bad == ["Invalid argument"] * 3
    from kpuc.runtime.kmodel import read_kmodel
    from kpuc.runtime.stackvm.interpreter7 import Interpreter

    (module,) = read_kmodel(kmodel.data).modules
    for inputs, words in zip(jobs[1:], ("'n', must be from 2 to 9",) * 2 + ("must be of one size",), strict=True):
        with pytest.raises(ExecutionError, match=words):
            Interpreter(module).call(0, inputs)


@pytest.mark.parametrize("form", FORMS)
def test_weights_are_shared(form):
    """Three segments are a few kilobytes larger than one network, not two networks."""
    writer = OnnxWriter(1)
    x = writer.input("n", 512)
    model = writer.model(writer.dense(writer.op("Relu", writer.dense(x, 512, 512)), 512, 256))
    weights = 4 * (512 * 512 + 512 * 256)
    kmodel = kpuc.compile(model, dims={"n": (16, 64)}, segments=3, **FORMS[form])
    assert weights < len(kmodel.data) < 1.2 * weights
    x = random((20, 512))
    agree(kmodel, [x], session(model).run(None, {"x0": x}))


def test_segments_of_other_kinds():
    """A range of fewer sizes than segments has one a size."""
    writer = OnnxWriter(1)
    model = writer.model(writer.op("Relu", writer.input("n", 3)))
    kmodel = kpuc.compile(model, dims={"n": (2, 4)}, segments=8)
    assert [one["n"] for one in kmodel.report["buckets"]] == [2, 3, 4]
    assert kpuc.compile(model, dims={"n": (3, 3)}).inputs[0].shape == (3, 3)
    assert math.prod(kpuc.compile(model, dims={"n": [2, 4]}, segments=1).inputs[0].shape) == -3


def quantised(samples, **options):
    return kpuc.compile(image_network(), dims={"W": (5, 21)}, segments=3, calibration=samples, **options)


@pytest.mark.parametrize("form", FORMS)
def test_quantised(form):
    """All segments have the ranges that were measured at the largest size, and compute as one network with them."""
    samples = [{"x0": random((1, 3, 12, width), width)} for width in (5, 9, 14, 21)]
    kmodel = quantised(samples, **FORMS[form])
    for width, size in ((6, 10), (15, 15), (21, 21)):
        x = random((1, 3, 12, width), 100 + width)
        alone = kpuc.compile(
            image_network(), dims={"W": size}, ranges=lambda *_: kmodel.calibration, **FORMS[form]
        )  # fmt: skip
        whole = Simulator(alone.data).run(padded(x, (1, 3, 12, size))).values()
        plain = session(image_network()).run(None, {"x0": x})
        wanted = [one[tuple(slice(n) for n in own.shape)] for one, own in zip(whole, plain, strict=True)]
        got = list(Simulator(kmodel.data).run(x).values())
        for one, want, real in zip(got, wanted, expected(image_network(), [x], [(1, 3, 12, size)]), strict=True):
            np.testing.assert_array_equal(one, want)
            noise = np.square(one - real).sum() / np.square(real).sum()
            assert 1e-9 < noise < 1e-2
    if form != "native":
        (theirs,) = run_in_vendor_runtime([(kmodel.data, [x], 2)])
        assert [np.abs(a - b).max() < 0.1 for a, b in zip(theirs, got, strict=True)] == [True, True]


def test_samples_of_any_size():
    """Samples are padded with zeros to the largest size: as if the caller had done it."""
    samples = [{"x0": random((1, 3, 12, width), width)} for width in (5, 9, 14, 21)]
    whole = [{"x0": padded(one["x0"], (1, 3, 12, 21))} for one in samples]
    assert quantised(samples, portable=True).data == quantised(whole, portable=True).data
    with pytest.raises(OptionError, match=r"K0712.*sample 1: dimension 3 of input 'x0' is 22, but 'W' must be from 5"):
        quantised([samples[0], {"x0": random((1, 3, 12, 22))}])
    with pytest.raises(OptionError, match=r"K0712.*expected \[1, 3, 12, \?\]"):
        quantised([{"x0": random((1, 3, 11, 21))}])
    assert quantised(samples, rounding="squant", portable=True).data != quantised(samples, portable=True).data


@pytest.mark.parametrize("form", FORMS)
def test_weights_rounded_by_data(form):
    """All segments have the weights that AdaRound chose at the largest size, as it does for a network of that size."""
    samples = [{"x0": random((1, 3, 12, width), width)} for width in (5, 9, 14, 21)]
    whole = [{"x0": padded(one["x0"], (1, 3, 12, 21))} for one in samples]
    kmodel, nearest = (quantised(samples, rounding=how, **FORMS[form]) for how in ("adaround", "nearest"))
    alone = kpuc.compile(image_network(), dims={"W": 21}, calibration=whole, rounding="adaround", **FORMS[form])
    for width, columns in ((21, 11), (10, 4)):  # those of a smaller segment that do not see where it ends
        x = random((1, 3, 12, width), width)
        got, other = (next(iter(Simulator(one.data).run(x).values()))[..., :columns] for one in (kmodel, nearest))
        wanted = next(iter(Simulator(alone.data).run(padded(x, (1, 3, 12, 21))).values()))[..., :columns]
        np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-6)
        assert np.abs(got - other).max() > 1e-3


def test_preprocessing():
    """Bytes in another layout go in, and are padded as they are; sizes keep their names."""
    writer = OnnxWriter(0)
    x = writer.input(1, 3, "H", "W")
    model = writer.model(writer.conv(x, 8, (3, 3), strides=(2, 2), pads=(1, 1, 1, 1)))
    options = {"input_type": "uint8", "input_layout": "NHWC", "mean": [1, 2, 3], "std": 4, "output_layout": "NHWC"}
    kmodel = kpuc.compile(model, dims={"H": (4, 8), "W": (6, 20)}, **options)
    assert (kmodel.inputs[0].shape, kmodel.outputs[0].shape) == ((1, -1, -1, 3), (1, -1, -1, 8))
    for height, width, shape in ((4, 6, (6, 13)), (7, 13, (8, 13)), (8, 14, (8, 20))):
        given = np.random.default_rng(0).integers(0, 256, (1, height, width, 3)).astype(np.uint8)
        real = (padded(given, (1, *shape, 3)).transpose(0, 3, 1, 2) - np.float32([[[1]], [[2]], [[3]]])) / 4
        (whole,) = session(model).run(None, {"x0": real.astype(np.float32)})
        agree(kmodel, [given], [whole.transpose(0, 2, 3, 1)[:, : -(-height // 2), : -(-width // 2)]])
    with pytest.raises(ExecutionError, match=r"dimension 2 of input 'x0' is 21, but 'W' must be from 6 to 20"):
        Simulator(kmodel.data).run(np.zeros((1, 8, 21, 3), np.uint8))
    with pytest.raises(OptionError, match=r"K0716.*a letterbox needs a static shape"):
        kpuc.compile(model, dims={"H": (4, 8), "W": (6, 20)}, letterbox=(30, 40), input_type="uint8")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"target": "k210"}, "kmodels of version 5 for k210 take one shape only"),
        ({"target": "k510"}, "kmodels of version 5 for k510 take one shape only"),
        ({"kmodel": 5}, "kmodels of version 5 for cpu take one shape only"),
        ({"dims": {"n": (5, 2), "m": 3}}, "dimension 'n' cannot be from 5 to 2"),
        ({"dims": {"n": (0, 2), "m": 3}}, "dimension 'n' cannot be from 0 to 2"),
        ({"dims": {"n": (1, 2, 3), "m": 3}}, r"a pair, \(least, greatest\), not \[1, 2, 3\]"),
        ({"dims": {"n": 1, "m": 3}, "segments": 2}, "segments are given, but no range of sizes"),
        ({"segments": 0}, "0 segments cannot be had"),
        ({"dims": {"n": (1, 99), "m": (1, 99)}, "segments": 9}, "2 ranges of 9 segments make 81 forms"),
    ],
)
def test_ranges_that_cannot_be_had(options, words):
    with pytest.raises(OptionError, match=f"K0723.*{words}"):
        kpuc.compile(two_symbols(), **{"dims": {"n": (2, 9), "m": 3}, **options})


def test_models_of_all_kinds(tmp_path):
    """A network is read once a segment, from wherever it is."""
    model, path = two_symbols(), tmp_path / "net.onnx"
    path.write_bytes(model)
    options = {"dims": {"n": (2, 9), "m": (1, 3)}, "portable": True}
    wanted = kpuc.compile(model, **options).data
    assert kpuc.compile(path, **options).data == wanted
    assert kpuc.compile(io.BytesIO(model), **options).data == wanted
    assert kpuc.compile(onnx.load_model_from_string(model), **options).data == wanted
    with pytest.raises(ModelError, match="gives text"):
        kpuc.compile(io.StringIO("text"), **options)


def unnamed():
    writer = OnnxWriter(0)
    return writer.model(writer.op("Add", writer.input(None, 3), writer.input("n", 3)))


def test_open_dimensions():
    with pytest.raises(OptionError, match=r"K0105.*'q'.*there are: m, n"):
        kpuc.compile(two_symbols(), dims={"q": (2, 9)})
    with pytest.raises(
        OptionError, match=r"K0105\] input 'c': dimension 0, 'm', has neither a size nor a range\n.*--dim 'm=MIN:MAX'"
    ):
        kpuc.compile(two_symbols(), dims={"n": (2, 9)})
    words = r"'x0': dimension 0, 'x0\[0\]', has neither.*\n.*--dim 'x0\[0\]=MIN:MAX', or .*--shape x0=N,3"
    with pytest.raises(OptionError, match=rf"K0105.*{words}"):
        kpuc.compile(unnamed(), dims={"n": (2, 9)})
    assert kpuc.compile(unnamed(), dims={"n": (2, 9)}, shapes={"x0": (1, 3)}).inputs[1].shape == (-1, 3)

    with pytest.raises(OptionError, match=r"K0105.*'n' has a range, but all inputs that have it are of one shape"):
        kpuc.compile(unnamed(), dims={"n": (2, 9)}, shapes={"x0": (1, 3), "x1": (4, 3)})
    made = kpuc.compile(unnamed(), dims={"n": (2, 9)}, shapes={"x0": (1, 3), "x1": (None, 3)})
    assert made.inputs[1].shape == (-1, 3)


@pytest.mark.parametrize("symbol", [None, "?"])
def test_dimensions_without_a_name(symbol):
    """They are called by input and axis."""
    writer = OnnxWriter(0)
    x, y = writer.input(symbol, 2, symbol), writer.input(symbol, 2, 1)
    model = writer.model(writer.op("Add", x, y))
    kmodel = kpuc.compile(model, dims={"x0[0]": (1, 3), "x0[2]": (4, 6), "x1[0]": 1})
    assert [info.shape for info in kmodel.inputs] == [(-1, 2, -1), (1, 2, 1)]
    inputs = [random((2, 2, 5)), random((1, 2, 1), 1)]
    agree(kmodel, inputs, session(model).run(None, {"x0": inputs[0], "x1": inputs[1]}))
    with pytest.raises(OptionError, match=r"there is no symbolic dimension 'x0\[1\]'; there are: .*x0\[0\], x0\[2\]"):
        kpuc.compile(model, dims={"x0[1]": (1, 3)})


def test_names_of_all_kinds():
    """Names go into messages of the code."""
    symbol, name = "größe/\x01 %s {n}", 'ein\'gang\n"0"'
    x, y = (
        helper.make_tensor_value_info(one, TensorProto.FLOAT, shape) for one, shape in ((name, [symbol]), ("y", None))
    )
    graph = helper.make_graph([helper.make_node("Relu", [name], ["y"])], "network", [x], [y])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    kmodel = kpuc.compile(model, dims={symbol: (2, 9)}, portable=True)
    agree(kmodel, [random((3,)) ** 2], [random((3,)) ** 2], vendor=True)
    with pytest.raises(ExecutionError, match="größe"):
        Simulator(kmodel.data).run(random((1,)))


def test_shapes_that_depend_on_data():
    nodes = [helper.make_node("NonZero", ["x"], ["z"]), helper.make_node("Cast", ["z"], ["y"], to=TensorProto.FLOAT)]
    x, y = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in (("x", ["n"]), ("y", None))
    )
    model = helper.make_model(
        helper.make_graph(nodes, "network", [x], [y]), opset_imports=[helper.make_opsetid("", 18)]
    )
    with pytest.raises(UnsupportedError, match=r"K0605.*NonZero.*shapes depend on the values"):
        kpuc.compile(model, dims={"n": (2, 9)}, portable=True)


@pytest.mark.parametrize("kind", ["Reshape", "Concat"])
def test_padding_between_elements(kind):
    """Pixels in one row, or images side by side: what is cut off would not be the padding, and nothing comes before."""
    writer = OnnxWriter(0)
    x = writer.input(1, 3, 6, "w")
    operands = (x, writer.constant([1, 3, -1])) if kind == "Reshape" else (x, x)
    joined = writer.op(kind, *operands, **({} if kind == "Reshape" else {"axis": 3}))
    model = writer.model(writer.op("Sigmoid", joined))
    with pytest.raises(UnsupportedError, match=rf"K0606.*{joined}: .*joins.*elements of output 'v1'"):
        kpuc.compile(model, dims={"w": (2, 9)}, portable=True)
    assert kpuc.compile(model, dims={"w": 9}, portable=True).outputs


@pytest.mark.parametrize("kind", ["INT64", "INT32", "UINT8", "INT8", "BOOL", "FLOAT16"])
@pytest.mark.parametrize("form", FORMS)
def test_elements_of_other_types(form, kind):
    x = helper.make_tensor_value_info("x", getattr(TensorProto, kind), ["n", "m"])
    y = helper.make_tensor_value_info("y", getattr(TensorProto, kind), None)
    node = helper.make_node("Transpose", ["x"], ["y"], perm=[1, 0])
    opset = [helper.make_opsetid("", 18)]
    model = helper.make_model(helper.make_graph([node], "network", [x], [y]), opset_imports=opset, ir_version=9)
    kmodel = kpuc.compile(model, dims={"n": (1, 4), "m": (2, 8)}, **FORMS[form])
    given = (random((3, 5)) * 3).astype(helper.tensor_dtype_to_np_dtype(getattr(TensorProto, kind)))
    agree(kmodel, [given], [given.T], vendor=form != "native")


def attention():
    """Tokens to features by one layer of attention with four heads, its shapes computed as exporters write it."""

    def node(kind, inputs, output, **attributes):
        return helper.make_node(kind, inputs.split(), [output], **attributes)

    nodes = [node("Gather", "table ids", "x")]
    for name, order in (("q", [0, 2, 1, 3]), ("k", [0, 2, 3, 1]), ("v", [0, 2, 1, 3])):
        nodes += [
            node("MatMul", f"x w{name}", f"{name}0"),
            node("Shape", f"{name}0", f"{name}s", end=2),
            node("Concat", f"{name}s heads", f"{name}t", axis=0),
            node("Reshape", f"{name}0 {name}t", f"{name}1"),
            node("Transpose", f"{name}1", name, perm=order),
        ]
    nodes += [
        node("MatMul", "q k", "scores"),
        node("Softmax", "scores", "a", axis=-1),
        node("MatMul", "a v", "o0"),
        node("Transpose", "o0", "o1", perm=[0, 2, 1, 3]),
        node("Concat", "qs flat", "ot", axis=0),
        node("Reshape", "o1 ot", "o2"),
        node("LayerNormalization", "o2 ones zeros", "y", axis=-1),
    ]
    constants = {name: random((16, 16), seed) for seed, name in enumerate(("wq", "wk", "wv"))}
    constants |= {"table": random((50, 16)), "heads": np.array([4, 4]), "flat": np.array([16])}
    constants |= {"ones": np.ones(16, np.float32), "zeros": np.zeros(16, np.float32)}
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info("ids", TensorProto.INT64, ["batch", "steps"])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9).SerializeToString()


@pytest.mark.parametrize("form", FORMS)
def test_attention(form):
    """Padded steps are token 0, and are attended to."""
    kmodel = kpuc.compile(attention(), dims={"batch": (1, 2), "steps": (4, 16)}, **FORMS[form])
    for batch, steps in ((1, 4), (2, 7), (1, 11), (2, 16)):
        ids = np.random.default_rng(steps).integers(1, 50, (batch, steps))
        whole = (bucket(batch, 1, 2, 2), bucket(steps, 4, 16, 2))
        agree(kmodel, [ids], expected(attention(), [ids], [whole]), vendor=form != "native")
