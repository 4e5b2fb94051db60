"""Whole networks against onnxruntime and LiteRT: the nn evaluator, our simulator, and the vendor's runtimes on the same
bytes, in version 7 (k230) and 5 (k510).

The measure is the largest difference relative to the largest magnitude of an output; the bound is 1e-4: networks add
up thousands of float32 roundings in different orders.
"""

from functools import cache

import numpy as np
import onnxruntime
import pytest
from ai_edge_litert.interpreter import Interpreter
from networks import SHAPES, SHIPPED, find_models, relative_error
from PIL import Image
from vendor import run_in_vendor_runtime
from vendor19 import simulate, skip_without

import kpuc
from kpuc.dialects import mlir
from kpuc.dialects.evaluate import evaluate
from kpuc.dialects.function import entry_function
from kpuc.frontends.onnx import import_onnx
from kpuc.frontends.tflite import import_tflite
from kpuc.passes.pipeline import parse_pipeline
from kpuc.pipelines import PIPELINE

BOUND = 1e-4
CONVOLUTIONAL = {"fashion_dscnn", "fsdd_kws_dscnn", "cifar10_mbv2", "mlperf_resnet8_fp32", "mlperf_vww_fp32"}
PHOTO = {"mlsd_tiny_320": "photos/sk_coffee.jpg"}
STROKES = {"ppocrv4_det"}
"""Networks that answer next to nothing to noise, so that rounding is all there is to compare (onnxruntime then differs
from itself by 5e-4 when its graph optimisations are turned off): they are shown a photo, or text-like strokes."""
SAMPLE_RATE = 16000
"""Hertz: the only integer that a network takes."""


@cache
def reference(path):
    """Inputs by name, and onnxruntime's outputs."""
    onnxruntime.set_default_logger_severity(3)
    session = onnxruntime.InferenceSession(str(path))
    generator = np.random.default_rng(0)
    feed = {}
    for value in session.get_inputs():
        shape = SHAPES.get(path.stem, {}).get(value.name, [1 if isinstance(n, str) else n for n in value.shape])
        if value.type == "tensor(int64)":
            feed[value.name] = np.full(shape, SAMPLE_RATE)
        elif path.stem in PHOTO:
            feed[value.name] = photo(path.parent / PHOTO[path.stem], shape)
        else:
            feed[value.name] = strokes(shape) if path.stem in STROKES else noise(generator, shape)
    return feed, session.run(None, feed)


def noise(generator, shape):
    return (generator.random(shape) * 2 - 1).astype(np.float32)


def strokes(shape):
    """Black bars on white, in rows."""
    rows, columns = np.mgrid[0 : shape[2], 0 : shape[3]]
    ink = (rows // 20 % 2 == 0) & (columns // 3 % 3 == 0)
    return np.broadcast_to(np.where(ink, -1, 1), shape).astype(np.float32)


def photo(path, shape):
    """A photo in 0..255, channels last, the fourth channel one."""
    pixels = np.asarray(Image.open(path).convert("RGB").resize((shape[2], shape[1])), np.float32)
    return np.concatenate([pixels, np.ones((*pixels.shape[:2], shape[3] - 3), np.float32)], axis=-1)[None]


def shapes_of(path, feed):
    return {name: array.shape for name, array in feed.items()}


@cache
def kmodel(path):
    feed, _ = reference(path)
    return kpuc.compile(path, target="k230", shapes=shapes_of(path, feed))


@pytest.mark.parametrize("path", find_models(".onnx"), ids=lambda path: path.stem)
class TestOnnx:
    def test_evaluator(self, path):
        feed, expected = reference(path)
        with mlir.context():
            actual = evaluate(import_onnx(path, shapes=shapes_of(path, feed)), list(feed.values()))
        assert max(map(relative_error, expected, actual)) < BOUND

    def test_simulator(self, path):
        feed, expected = reference(path)
        outputs = kpuc.Simulator(kmodel(path)).run(feed)
        assert max(map(relative_error, expected, outputs.values())) < BOUND

    def test_same_bytes_again(self, path):
        feed, _ = reference(path)
        again = kpuc.compile(path, target="cpu", portable=True, shapes=shapes_of(path, feed))
        assert again.data == kmodel(path).data


@cache
def lite_reference(path):
    """Inputs by name, and LiteRT's outputs."""
    interpreter = Interpreter(str(path))
    interpreter.allocate_tensors()
    generator = np.random.default_rng(0)
    feed = {}
    for details in interpreter.get_input_details():
        feed[details["name"]] = noise(generator, details["shape"])
        interpreter.set_tensor(details["index"], feed[details["name"]])
    interpreter.invoke()
    return feed, [interpreter.get_tensor(details["index"]) for details in interpreter.get_output_details()]


@cache
def lite_kmodel(path):
    return kpuc.compile(path, target="k230")


def body(path):
    """The names of the operations that are left of a TFLite network after the common pipeline."""
    with mlir.context():
        module = import_tflite(path)
        parse_pipeline(PIPELINE).run(module)
        return [op.operation.name for op in entry_function(module).regions[0].blocks[0].operations]


@pytest.mark.parametrize("path", find_models(".tflite"), ids=lambda path: path.stem)
class TestTflite:
    def test_evaluator(self, path):
        feed, expected = lite_reference(path)
        with mlir.context():
            actual = evaluate(import_tflite(path), list(feed.values()))
        assert max(map(relative_error, expected, actual)) < BOUND

    def test_simulator(self, path):
        feed, expected = lite_reference(path)
        outputs = kpuc.Simulator(lite_kmodel(path)).run(*feed.values())
        assert max(map(relative_error, expected, outputs.values())) < BOUND


@pytest.mark.parametrize(
    "path", [p for p in find_models(".tflite") if p.stem in CONVOLUTIONAL], ids=lambda path: path.stem
)
def test_convolutional_networks_end_without_transposes_inside(path):
    names = body(path)
    inside = names[names.index("nn.conv") : len(names) - names[::-1].index("nn.conv")]
    assert "nn.transpose" not in inside


def vendor_cases():
    """The vendor's interpreters need seconds for most networks: those that do not ship are slow."""
    return [
        pytest.param(path, id=path.name, marks=[] if path.parent == SHIPPED else [pytest.mark.slow])
        for path in networks()
    ]


def networks():
    return [*find_models(".onnx"), *find_models(".tflite")]


def given(path):
    """Inputs by name, and what another engine computes."""
    return lite_reference(path) if path.suffix == ".tflite" else reference(path)


@pytest.mark.parametrize("path", networks(), ids=lambda path: path.name)
def test_machine_code(path):
    """Against the other engine, whatever the number of threads, and from the same bytes each time it is compiled."""
    feed, expected = given(path)
    shapes = {} if path.suffix == ".tflite" else shapes_of(path, feed)
    made = kpuc.compile(path, shapes=shapes)
    one, two = (kpuc.Simulator(made, threads=threads).run(*feed.values()) for threads in (1, 2))
    assert max(map(relative_error, expected, one.values())) < BOUND
    assert all(np.array_equal(a, b, equal_nan=True) for a, b in zip(one.values(), two.values(), strict=True))
    assert kpuc.compile(path, shapes=shapes).data == made.data


@pytest.mark.parametrize("path", vendor_cases())
def test_vendor_runtime(path):
    feed, expected = given(path)
    data = (lite_kmodel(path) if path.suffix == ".tflite" else kmodel(path)).data
    (result,) = run_in_vendor_runtime([(data, list(feed.values()), len(expected))])
    assert not isinstance(result, str), result
    assert max(map(relative_error, expected, result)) < BOUND


@cache
def version5(path, runtime=None):
    shapes = {} if path.suffix == ".tflite" else shapes_of(path, given(path)[0])
    return kpuc.compile(path, target="k510", runtime=runtime, shapes=shapes)


@pytest.mark.parametrize("path", networks(), ids=lambda path: path.name)
def test_version_5(path):
    feed, expected = given(path)
    outputs = kpuc.Simulator(version5(path)).run(*feed.values())
    assert max(map(relative_error, expected, outputs.values())) < BOUND


@pytest.mark.parametrize("path", vendor_cases())
def test_version_5_in_the_vendor_runtime(path):
    assert_vendor_agrees(path, version5(path).data, "1.9")


def assert_vendor_agrees(path, data, release):
    skip_without(release)
    feed, expected = given(path)
    (result,) = simulate([(data, list(feed.values()))], release)
    assert not isinstance(result, str), result
    assert max(map(relative_error, expected, result)) < BOUND


SHIPPED_NETWORKS = [path for path in networks() if path.parent == SHIPPED]


@pytest.mark.parametrize("path", SHIPPED_NETWORKS, ids=lambda path: path.name)
@pytest.mark.parametrize("runtime", ["1.1.0", "1.0.0-beta2"])
def test_early_dialects(path, runtime):
    feed, expected = given(path)
    outputs = kpuc.Simulator(version5(path, runtime)).run(*feed.values())
    assert max(map(relative_error, expected, outputs.values())) < BOUND


@pytest.mark.parametrize("path", SHIPPED_NETWORKS, ids=lambda path: path.name)
def test_early_dialect_in_the_vendor_runtime(path):
    assert_vendor_agrees(path, version5(path, "1.1.0").data, "1.1")


def test_cpu_in_version_5_is_what_k510_is():
    path = SHIPPED / "fashion_dscnn.onnx"
    assert kpuc.compile(path, target="cpu", kmodel=5).data == version5(path).data
