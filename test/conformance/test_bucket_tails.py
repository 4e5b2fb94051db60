"""Ranges of sizes for networks that join what is padded: detectors, whose places of all sizes lie in one row.

Expected is what onnxruntime gives for padded inputs where the padding can still be cut off, which is done here, and what
follows: by numpy, or by onnxruntime as a network of its own.
"""

from pathlib import Path

import numpy as np
import onnx
import pytest
from detector import detector
from networks import find_models, relative_error
from onnx_writer import OnnxWriter
from PIL import Image
from test_buckets import FORMS, agree, bucket, padded, random, session
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
    spread = writer.op("Softmax", writer.op("Reshape", boxes, writer.constant([1, 4, BINS, -1])), axis=2)
    bins = writer.constant(np.arange(BINS, dtype=np.float32).reshape(1, 1, BINS, 1))
    sides = writer.op("ReduceSum", writer.op("Mul", spread, bins), writer.constant([2]), keepdims=0)
    near, far = (writer.op("Slice", sides, *(writer.constant([n]) for n in (at, at + 2, 1))) for at in (0, 2))
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
