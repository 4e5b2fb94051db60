"""Ranges of sizes for networks that join what is padded: detectors, whose places of all sizes lie in one row.

Expected is what onnxruntime gives for padded inputs where the padding can still be cut off, and what numpy makes of it;
or, where padding has no influence, what onnxruntime gives for the inputs themselves.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from accumulator import accumulator
from detector import detector
from networks import find_models, relative_error
from onnx_writer import OnnxWriter
from PIL import Image
from test_buckets import FORMS, agree, bucket, padded, random, session
from test_dynamic import litert
from tflite_writer import GraphSpec, OperatorSpec, Quantization, TensorSpec, write
from vendor import run_in_vendor_runtime

import kpuc
from kpuc.errors import OptionError, UnsupportedError
from kpuc.runtime import Simulator

PHOTOS = Path(__file__).parent.parent.parent / "examples" / "photos"
CLASSES, BINS, STRIDES = 3, 4, (2, 4)
SIZES = [(8, 8), (12, 16), (16, 20), (20, 24), (24, 24)]
RANGE = {"h": (8, 24), "w": (8, 24)}


def grid_of(writer, image):
    """Column and row of each place, as PyTorch exports it: (1, 2, places)."""
    zero, one = writer.constant(0), writer.constant(1)
    sizes = [writer.op("Gather", writer.op("Shape", image), writer.constant(axis)) for axis in (2, 3)]
    rows, columns = (writer.op("Range", zero, size, one) for size in sizes)
    rows = writer.op("Unsqueeze", rows, writer.constant([1]))
    shape = writer.op("Concat", *(writer.op("Unsqueeze", size, writer.constant([0])) for size in sizes), axis=0)
    parts = [
        writer.op("Reshape", writer.op("Expand", part, shape), writer.constant([1, 1, -1])) for part in (columns, rows)
    ]
    return writer.op("Cast", writer.op("Concat", *parts, axis=1), to=onnx.TensorProto.FLOAT)


def distances(writer, boxes):
    """What distributions over BINS distances, one behind the other, expect: (1, 4 * BINS, places) to (1, 4, places)."""
    apart = writer.op("Reshape", boxes, writer.constant([1, 4, BINS, -1]))
    spread = writer.op("Softmax", writer.op("Transpose", apart, perm=[0, 2, 1, 3]), axis=1)
    bins = writer.constant(np.arange(BINS, dtype=np.float32).reshape(1, BINS, 1, 1))
    return writer.op("Reshape", writer.op("Conv", spread, bins), writer.constant([1, 4, -1]))


def two_heads(kernel):
    """A detector as YOLOv8 is one, and the convolutions' results that its tail begins with.

    Places of two grids, each with a distribution over distances to four sides, and classes; the grids are computed from
    the sizes of what the heads give, as PyTorch exports it.
    """
    writer = OnnxWriter(0)
    pads = [kernel // 2] * 4
    x = writer.op("Relu", writer.conv(writer.input(1, 3, "h", "w"), 8, (kernel, kernel), pads=pads))
    ends, rows, grids = [], [], []
    for _ in STRIDES:
        x = writer.op("AveragePool", x, kernel_shape=(2, 2), strides=(2, 2))
        ends.append(writer.conv(x, 4 * BINS + CLASSES, (kernel, kernel), pads=pads))
        rows.append(writer.op("Reshape", ends[-1], writer.constant([1, 4 * BINS + CLASSES, -1])))
        grids.append(grid_of(writer, ends[-1]))
    whole, grid = writer.op("Concat", *rows, axis=2), writer.op("Concat", *grids, axis=2)
    boxes = writer.op("Slice", whole, *(writer.constant([n]) for n in (0, 4 * BINS, 1)))
    classes = writer.op("Slice", whole, *(writer.constant([n]) for n in (4 * BINS, 4 * BINS + CLASSES, 1)))
    sides = distances(writer, boxes)
    half = writer.op("Div", writer.op("Shape", sides, start=1, end=2), writer.constant([2]))
    start, end, axis = (writer.constant([n]) for n in (0, 4, 1))
    near, far = writer.op("Slice", sides, start, half, axis), writer.op("Slice", sides, half, end, axis)
    corners = writer.op("Sub", grid, near), writer.op("Add", grid, far)
    return writer.model(writer.op("Concat", *corners, writer.op("Sigmoid", classes), axis=1)), ends


def joined(heads):
    """What follows the heads, in numpy."""
    grids = [np.stack(np.indices(head.shape[2:])[::-1]).reshape(1, 2, -1) for head in heads]
    grid = np.concatenate(grids, axis=2)
    whole = np.concatenate([head.reshape(*head.shape[:2], -1) for head in heads], axis=2)
    spread = np.exp(whole[:, : 4 * BINS].reshape(1, 4, BINS, -1))
    sides = (spread * np.arange(BINS).reshape(1, 1, BINS, 1)).sum(axis=2) / spread.sum(axis=2)
    classes = 1 / (1 + np.exp(-whole[:, 4 * BINS :]))
    return np.concatenate([grid - sides[:, :2], grid + sides[:, 2:], classes], axis=1).astype(np.float32)


def values(model, names, feed):
    """What onnxruntime computes for some values of a network."""
    network = onnx.load_model_from_string(model)
    del network.graph.output[:]
    network.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
    return session(network.SerializeToString()).run(None, feed)


@pytest.mark.parametrize("form", FORMS)
def test_two_heads(form):
    model, ends = two_heads(3)
    kmodel = kpuc.compile(model, dims=RANGE, segments=2, **FORMS[form])
    assert kmodel.outputs[0].shape == (1, 4 + CLASSES, -1)
    (note,) = kmodel.report["notes"]
    assert note.startswith(f"what follows '{ends[0]}', '{ends[1]}' is computed at the sizes of the inputs")
    for height, width in SIZES:
        x = random((1, 3, height, width), height)
        whole = padded(x, (1, 3, *(bucket(size, 8, 24, 2) for size in (height, width))))
        heads = [
            head[:, :, : height // stride, : width // stride]
            for head, stride in zip(values(model, ends, {"x0": whole}), STRIDES, strict=True)
        ]
        agree(kmodel, [x], [joined(heads)], vendor=form != "native")


@pytest.mark.parametrize("form", FORMS)
def test_places_that_see_no_others(form):
    """Convolutions with windows of one: as for the inputs themselves, grids included."""
    model, _ = two_heads(1)
    kmodel = kpuc.compile(model, dims=RANGE, segments=3, **FORMS[form])
    for height, width in SIZES:
        x = random((1, 3, height, width), height)
        agree(kmodel, [x], session(model).run(None, {"x0": x}), vendor=form != "native")


def opened(path):
    """A trained detector for images of any size: what its file says of sizes, taken out."""
    network = onnx.load(path)
    for axis, symbol in ((2, "h"), (3, "w")):
        network.graph.input[0].type.tensor_type.shape.dim[axis].dim_param = symbol
    network.graph.output[0].type.tensor_type.ClearField("shape")
    del network.graph.value_info[:]
    return network.SerializeToString()


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMS)
def test_trained_detector(form):
    """YOLOX, which was trained to find the pieces of captchas, on a photo of other things."""
    path = next((path for path in find_models(".onnx") if path.stem == "yolox_captcha_det"), None)
    if path is None:
        pytest.skip("KPUC_MODELS does not name a folder with this network")
    model, ends = opened(path), ["798", "824", "850"]
    kmodel = kpuc.compile(model, dims={"h": (64, 128), "w": 96}, segments=2, **FORMS[form])
    photo = np.asarray(Image.open(PHOTOS / "coffee.jpg").convert("RGB").resize((96, 128)), np.float32)
    for height in (64, 96, 128):
        x = photo.transpose(2, 0, 1)[None, ::-1, :height].copy()
        whole = padded(x, (1, 3, bucket(height, 64, 128, 2), 96))
        heads = [
            head[:, :, : height // stride].reshape(1, 6, -1)
            for head, stride in zip(values(model, ends, {"images": whole}), (8, 16, 32), strict=True)
        ]
        wanted = np.concatenate(heads, axis=2).transpose(0, 2, 1)
        results = [list(Simulator(kmodel.data).run(x).values())]
        if form == "k230" and height == 64:
            results += run_in_vendor_runtime([(kmodel.data, [x], 1)])
        for (got,) in results:
            assert got.shape == wanted.shape
            assert relative_error(wanted, got) < 1e-4


@pytest.mark.parametrize("form", FORMS)
def test_detector_of_things(form):
    """Its convolutions take what is outside of an image for zeros: nothing changes with the padding."""
    model = detector(is_open=True)
    dims = {"batch": 1, "height": (32, 96), "width": (48, 96)}
    kmodel = kpuc.compile(model, dims=dims, segments=2, input_type="uint8", std=255, **FORMS[form])
    photo = Image.open(PHOTOS / "astronaut.jpg").convert("RGB")
    for height, width in ((32, 48), (56, 72), (64, 96), (96, 96)):
        x = np.asarray(photo.resize((width, height))).transpose(2, 0, 1)[None].copy()
        x[:, 2, 8:28, 12:36] = 250
        (wanted,) = session(model).run(None, {"image": x.astype(np.float32) / 255})
        assert wanted[0, 4:].max() > 0.8  # something is found
        agree(kmodel, [x], [wanted], vendor=form == "k230")


def rows_of(writer, image, channels):
    """An image as rows: (1, channels, places)."""
    return writer.op("Reshape", image, writer.constant([1, channels, -1]))


def image_and_rows():
    writer = OnnxWriter(0)
    image = writer.op("Relu", writer.conv(writer.input(1, 3, "h", "w"), 4))
    return writer.model(image, rows_of(writer, writer.op("Sigmoid", image), 4))


@pytest.mark.parametrize("form", FORMS)
def test_outputs_of_both_kinds(form):
    """One is cut, the other computed behind the segments; the layout is that of outputs, not of what goes on."""
    model, x = image_and_rows(), random((1, 3, 10, 13))
    kmodel = kpuc.compile(model, dims=RANGE, output_layout="NHWC", **FORMS[form])
    assert [info.shape for info in kmodel.outputs] == [(1, -1, -1, 4), (1, 4, -1)]
    image, rows = session(model).run(None, {"x0": x})
    agree(kmodel, [x], [image.transpose(0, 2, 3, 1), rows], vendor=form != "native")


@pytest.mark.parametrize("form", FORMS)
def test_input_that_only_the_tail_takes(form):
    writer = OnnxWriter(0)
    rows = rows_of(writer, writer.op("Relu", writer.conv(writer.input(1, 3, "h", "w"), 2)), 2)
    model = writer.model(writer.op("Concat", rows, writer.input(1, 2, "n"), axis=2))
    kmodel = kpuc.compile(model, dims={**RANGE, "n": (1, 4)}, **FORMS[form])
    inputs = [random((1, 3, 10, 13)), random((1, 2, 3))]
    wanted = session(model).run(None, {"x0": inputs[0], "x1": inputs[1]})
    agree(kmodel, inputs, wanted, vendor=form != "native")
    assert [info.name for info in kpuc.compile(model, dims=RANGE, outputs=[rows]).inputs] == ["x0"]


@pytest.mark.parametrize("form", FORMS)
def test_sizes_in_a_tail(form):
    """Numbers of elements and sizes of what a segment does not even give are those of the inputs."""
    writer = OnnxWriter(0)
    x = writer.input(1, 3, "h", "w")
    image = writer.op("Relu", writer.conv(x, 3))
    rows = rows_of(writer, writer.op("Sigmoid", image), 3)
    count = writer.op("Cast", writer.op("Size", image), to=onnx.TensorProto.FLOAT)
    width = writer.op("Cast", writer.op("Shape", x, start=3), to=onnx.TensorProto.FLOAT)
    model = writer.model(writer.op("Add", writer.op("Mul", rows, count), width))
    kmodel = kpuc.compile(model, dims=RANGE, **FORMS[form])
    x = random((1, 3, 10, 13))
    agree(kmodel, [x], session(model).run(None, {"x0": x}), vendor=form != "native")


@pytest.mark.parametrize("form", FORMS)
def test_boxes_of_several_kinds(form):
    """Images (samples, kinds * 6, h, w) to rows (samples, kinds * h * w, 6), as YOLOv5 exports it: cut behind the last
    operation that keeps rows and columns apart."""
    writer = OnnxWriter(0)
    fine = writer.conv(writer.input("b", 3, "h", "w"), 18)
    rows, ends = [], []
    for image in (fine, writer.conv(writer.op("MaxPool", fine, kernel_shape=(2, 2), strides=(2, 2)), 18)):
        shape = writer.op("Shape", image)
        samples, *sides = (writer.op("Gather", shape, writer.constant([axis])) for axis in (0, 2, 3))
        apart = writer.op("Concat", samples, writer.constant([3]), writer.constant([6]), *sides, axis=0)
        boxes = writer.op("Transpose", writer.op("Reshape", image, apart), perm=[0, 1, 3, 4, 2])
        ends.append(writer.op("Sigmoid", boxes))
        together = writer.op("Concat", samples, writer.constant([-1]), writer.constant([6]), axis=0)
        rows.append(writer.op("Reshape", ends[-1], together))
    model = writer.model(writer.op("Concat", *rows, axis=1))
    kmodel = kpuc.compile(model, dims={"b": (1, 3), **RANGE}, **FORMS[form])
    assert f"what follows '{ends[0]}', '{ends[1]}' is" in kmodel.report["notes"][0]
    for shape in ((1, 3, 8, 24), (2, 3, 16, 18), (3, 3, 22, 12)):
        x = random(shape)
        agree(kmodel, [x], session(model).run(None, {"x0": x}), vendor=form != "native")


@pytest.mark.parametrize("form", FORMS)
def test_boxes_that_stay(form):
    """The size of the output depends on data, which only the tail sees."""
    writer = OnnxWriter(0)
    image = writer.op("Relu", writer.conv(writer.input(1, 3, "h", "w"), 5))
    boxes, scores = (
        writer.op("Slice", rows_of(writer, image, 5), *(writer.constant([n]) for n in (start, end, 1)))
        for start, end in ((0, 4), (4, 5))
    )
    limits = [writer.constant(np.array([limit])) for limit in (9, np.float32(0.5), np.float32(0.1))]
    boxes = writer.op("Transpose", boxes, perm=[0, 2, 1])
    network = onnx.load_model_from_string(writer.model(writer.op("NonMaxSuppression", boxes, scores, *limits)))
    network.graph.output[0].type.tensor_type.elem_type = onnx.TensorProto.INT64
    model = network.SerializeToString()
    kmodel = kpuc.compile(model, dims=RANGE, **FORMS[form])
    for height, width in SIZES[1:3]:
        x = random((1, 3, height, width), 7)
        (wanted,) = session(model).run(None, {"x0": x})
        assert 1 < len(wanted) <= 9
        agree(kmodel, [x], [wanted], vendor=form != "native")


@pytest.mark.parametrize("form", FORMS)
def test_quantised(form):
    """Heads are quantised, and the tail computes in floats with what they give."""
    model, _ = two_heads(1)
    samples = [{"x0": random((1, 3, *size), size[0])} for size in SIZES]
    kmodel = kpuc.compile(model, dims=RANGE, calibration=samples, **FORMS[form])
    x = random((1, 3, 12, 10), 99)
    (got,), (wanted,) = Simulator(kmodel.data).run(x).values(), session(model).run(None, {"x0": x})
    assert got.shape == wanted.shape
    assert 1e-9 < np.square(got - wanted).sum() / np.square(wanted).sum() < 2e-3
    with pytest.raises(OptionError, match=r"K0716.*behind the segments.*\(what follows 'v3', 'v22'\) stay real"):
        kpuc.compile(model, dims=RANGE, calibration=samples, output_type="uint8", **FORMS[form])


def tflite_heads(kind):
    """A TFLite network (1, 6, w, 2) to (1, places, 3): a convolution, and its greatest values, as rows."""
    generator = np.random.default_rng(5)
    weight, bias = generator.standard_normal((3, 1, 1, 2)).astype(np.float32), np.float32([0.5, -0.5, 0])
    scales = {"x": 0.05, "w": 0.02, "b": 0.05 * 0.02}
    if kind == "int8":
        weight, bias = np.round(weight * 40).astype(np.int8), np.round(bias * 1000).astype(np.int32)

    def tensor(name, shape, data=None, **given):
        scale = Quantization((scales.get(name, 0.0437),), (0,)) if kind == "int8" else None
        return TensorSpec(name, kind if data is None else data.dtype.name, shape, data, scale, **given)

    tensors = [
        tensor("x", (1, 6, 6, 2), signature=(1, 6, -1, 2)),
        tensor("w", (3, 1, 1, 2), weight),
        tensor("b", (3,), bias),
        tensor("fine", (1, 6, 6, 3), signature=(1, 6, -1, 3)),
        tensor("coarse", (1, 3, 3, 3), signature=(1, 3, -1, 3)),
        TensorSpec("shape", "int32", (3,), np.int32([1, -1, 3])),
        *(tensor(name, (1, size, 3), signature=(1, -1, 3)) for name, size in (("a", 36), ("c", 9), ("y", 45))),
    ]
    stride = {"StrideH": 1, "StrideW": 1, "DilationHFactor": 1, "DilationWFactor": 1}
    pool = {"StrideH": 2, "StrideW": 2, "FilterHeight": 2, "FilterWidth": 2}
    operators = [
        OperatorSpec("CONV_2D", [0, 1, 2], [3], "Conv2DOptions", stride),
        OperatorSpec("MAX_POOL_2D", [3], [4], "Pool2DOptions", pool),
        OperatorSpec("RESHAPE", [3, 5], [6], "ReshapeOptions"),
        OperatorSpec("RESHAPE", [4, 5], [7], "ReshapeOptions"),
        OperatorSpec("CONCATENATION", [6, 7], [8], "ConcatenationOptions", {"Axis": 1}),
    ]
    return GraphSpec(tensors, operators, [0], [8])


@pytest.mark.parametrize("kind", ["float32", "int8"])
@pytest.mark.parametrize("form", FORMS)
def test_tflite(form, kind):
    data = write(tflite_heads(kind))
    kmodel = kpuc.compile(data, dims={"-1": (4, 10)}, **FORMS[form])
    assert kmodel.report["notes"][0].startswith("what follows 'fine', 'coarse' is computed")
    for width in (4, 6, 10):
        x = (random((1, 6, width, 2)) * (40 if kind == "int8" else 1)).astype(kind)
        agree(kmodel, [x], [litert(data, x)], vendor=form != "native")


def test_network_with_a_state():
    """What is remembered comes out of a segment, which it would have to leave beside its end."""
    heads, (remembers, first) = tflite_heads("float32"), accumulator(np.ones(3, np.float32))
    begin = len(heads.tensors)
    moved = [
        replace(one, inputs=[begin + n for n in one.inputs], outputs=[begin + n for n in one.outputs])
        for one in remembers.operators
    ]
    tensors = [*heads.tensors, *(replace(one, name=f"state {one.name}") for one in remembers.tensors)]
    graph = GraphSpec(tensors, [*heads.operators, *moved], [0, begin + 1], [8, begin + 3])
    data = write(graph, first)
    with pytest.raises(UnsupportedError, match=r"K0606.* y: .*joins"):
        kpuc.compile(data, dims={"-1": (4, 10)})
    assert kpuc.compile(data, dims={"-1": 6}).states


@pytest.mark.parametrize("form", FORMS)
def test_tail_that_cannot_be_computed(form):
    """Version 7 has no function for it, and what it is written out with needs its sizes."""
    writer = OnnxWriter(0)
    rows = rows_of(writer, writer.op("Relu", writer.input(1, 3, "h", "w")), 3)
    product = writer.op("Einsum", rows, rows, equation="abc,adc->abdc")
    model = writer.model(product)
    words = rf"(?s)K0602.*nn.einsum at model.onnx: Einsum_{product}: .*help  it is computed behind the segments"
    with pytest.raises(UnsupportedError, match=words):
        kpuc.compile(model, dims=RANGE, **FORMS[form])
