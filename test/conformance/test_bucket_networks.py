"""Ranges of sizes for TFLite networks, beside LiteRT, and for trained networks, beside onnxruntime."""

import numpy as np
import onnxruntime
import pytest
from networks import find_models, relative_error
from test_buckets import FORMS, bucket, padded, random
from test_dynamic import convolution, litert
from vendor import run_in_vendor_runtime

import kpuc
from kpuc.runtime import Simulator

BOUND = 1e-4
"""Networks add up thousands of float32 roundings in different orders."""


@pytest.mark.parametrize("form", FORMS)
def test_tflite_batches(form):
    """Samples of a batch are computed on their own: padding does not matter."""
    data = convolution((-1, 6, 6, 2))
    kmodel = kpuc.compile(data, dims={"-1": (1, 5)}, **FORMS[form])
    assert (kmodel.inputs[0].shape, kmodel.outputs[0].shape) == ((-1, 6, 6, 2), (-1, 4))
    for batch in (1, 2, 3, 5):
        x = random((batch, 6, 6, 2), batch)
        results = [Simulator(kmodel.data).run(x)["y"]]
        if form != "native":
            results += run_in_vendor_runtime([(kmodel.data, [x], 1)])[0]
        for got in results:
            assert got.shape == (batch, 4)
            assert relative_error(litert(data, x), got) < BOUND


@pytest.mark.parametrize("form", FORMS)
def test_tflite_images(form):
    """The mean sees the padding, and the convolution as far as it reaches: as LiteRT with a padded image."""
    data = convolution((1, 6, -1, 2))
    kmodel = kpuc.compile(data, dims={"-1": (4, 9)}, segments=2, **FORMS[form])
    for width in (4, 6, 7, 9):
        x = random((1, 6, width, 2), width)
        expected = litert(data, padded(x, (1, 6, bucket(width, 4, 9, 2), 2)))
        results = [Simulator(kmodel.data).run(x)["y"]]
        if form != "native":
            results += run_in_vendor_runtime([(kmodel.data, [x], 1)])[0]
        assert max(relative_error(expected, got) for got in results) < BOUND


def trained(name):
    return next((path for path in find_models(".onnx") if path.stem == name), None)


def page(shape):
    """Dark strokes on a light ground, in rows like text."""
    widths = np.random.default_rng(0)
    image = np.full(shape, 2.2, np.float32)
    for row in range(8, shape[2] - 12, 24):
        for column in range(6, shape[3] - 8, 7):
            image[:, :, row : row + 10, column : column + widths.integers(2, 6)] *= -1
    return image


TEXT = {"dims": {"p2o.DynamicDimension.0": 1, "p2o.DynamicDimension.1": (64, 320)}, "shapes": {"x": (1, 3, 48, None)}}
PAGES = {"dims": {f"p2o.DynamicDimension.{i}": size for i, size in enumerate((1, (64, 128), 96))}}
VOICE = {"dims": {"batch": (1, 4), "sequence": 512}}
NETWORKS = {
    "ppocrv4_rec": (
        TEXT,
        [((1, 3, 48, size), (1, 3, 48, upper)) for size, upper in ((64, 192), (192, 192), (200, 320))],
    ),
    "ppocrv4_det": (PAGES, [((1, 3, size, 96), (1, 3, upper, 96)) for size, upper in ((64, 96), (96, 96), (128, 128))]),
}
"""What is asked for, and shapes of inputs with those that they are padded to."""


@pytest.mark.slow
@pytest.mark.parametrize("form", ["native", "portable"])
@pytest.mark.parametrize("name", NETWORKS)
def test_trained_network(name, form):
    path = trained(name)
    if path is None:
        pytest.skip("KPUC_MODELS does not name a folder with this network")
    options, shapes = NETWORKS[name]
    kmodel = kpuc.compile(path, **options, **FORMS[form])
    assert len(kmodel.data) < 1.5 * path.stat().st_size
    simulator, session = Simulator(kmodel.data), onnxruntime.InferenceSession(path)
    for shape, whole in shapes:
        x = page(shape)
        (plain,), (expected,) = (session.run(None, {"x": one}) for one in (x, padded(x, whole)))
        (got,) = simulator.run(x).values()
        assert got.shape == plain.shape
        assert got.max() > 0.3  # something was found
        assert relative_error(expected[tuple(slice(size) for size in plain.shape)], got) < BOUND
    if form == "portable":
        (theirs,) = run_in_vendor_runtime([(kmodel.data, [x], 1)])
        assert relative_error(got, theirs[0]) < BOUND


@pytest.mark.slow
def test_network_with_a_state():
    """Voices of a batch are heard on their own, and remembered from run to run."""
    path = trained("silero_vad_op15")
    if path is None:
        pytest.skip("KPUC_MODELS does not name a folder with this network")
    simulator = Simulator(kpuc.compile(path, **VOICE).data)
    session = onnxruntime.InferenceSession(path)
    for batch in (1, 2, 3, 4):
        feed = {"state": np.zeros((2, batch, 128), np.float32), "sr": np.array(16000)}
        ours = theirs = feed
        for step in range(3):
            sound = random((batch, 512), step)
            wanted = session.run(None, {**theirs, "input": sound})
            got = list(simulator.run({**ours, "input": sound}).values())
            assert max(map(relative_error, wanted, got)) < BOUND
            ours, theirs = {**feed, "state": got[1]}, {**feed, "state": wanted[1]}
