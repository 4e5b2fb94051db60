"""Whole networks that onnxruntime's quantiser and its optimiser made, on every engine beside onnxruntime.

Results differ where a sum lies halfway between two steps, and such steps go on to the next layers.
"""

from functools import cache

import numpy as np
import onnx
import onnxruntime
import pytest
from networks import find_models
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_dynamic, quantize_static

import kpuc
from kpuc.dialects import mlir
from kpuc.dialects.evaluate import evaluate
from kpuc.frontends.onnx import import_onnx

DSCNN, RESIDUAL = "fashion_dscnn", "cifar10_mbv2"
"""A chain of layers, and a network with sums."""
SHAPES = {DSCNN: (1, 28, 28), RESIDUAL: (3, 32, 32)}


def samples(name):
    return np.random.default_rng(0).uniform(-1, 1, (8, 1, *SHAPES[name])).astype(np.float32)


BOUND = 0.01
"""Of the largest result: a step or two of 8 bits."""
EXACT = 0.9
"""The least part of results that are equal."""
FORMS = {
    "qdq": {"quant_format": QuantFormat.QDQ, "activation_type": QuantType.QUInt8},
    "qdq-signed": {"quant_format": QuantFormat.QDQ, "activation_type": QuantType.QInt8, "per_channel": True},
    "operators": {"quant_format": QuantFormat.QOperator, "activation_type": QuantType.QUInt8},
    "operators-signed": {
        "quant_format": QuantFormat.QOperator,
        "activation_type": QuantType.QInt8,
        "per_channel": True,
    },
    "operators-unsigned-weights": {
        "quant_format": QuantFormat.QOperator,
        "activation_type": QuantType.QUInt8,
        "weight_type": QuantType.QUInt8,
    },
    "dynamic": None,
}


class Reader(CalibrationDataReader):
    """What the quantiser measures."""

    def __init__(self, path):
        name = onnx.load(path).graph.input[0].name
        self.items = iter([{name: sample} for sample in samples(path.stem)])

    def get_next(self):
        return next(self.items, None)


@pytest.fixture(scope="module")
def quantised(tmp_path_factory):
    """A network by its form."""
    folder = tmp_path_factory.mktemp("quantised")

    @cache
    def made(form, source):
        path, options = folder / f"{form}.onnx", FORMS[form]
        if options is None:
            quantize_dynamic(source, path, weight_type=QuantType.QUInt8)
        else:
            quantize_static(source, path, Reader(source), **{"weight_type": QuantType.QInt8, **options})
        return path.read_bytes()

    return made


LEVELS = onnxruntime.GraphOptimizationLevel


def optimised(data, path, level=LEVELS.ORT_ENABLE_EXTENDED):
    """The network as onnxruntime's optimiser writes it, with operators of its own."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = level
    options.optimized_model_filepath = str(path)
    options.log_severity_level = 4
    onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    return path.read_bytes()


def reference(data, array):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: array})[0]


def evaluated(data, array):
    with mlir.context():
        return evaluate(import_onnx(data), [array])[0]


def compiled(target):
    def run(data, array):
        (result,) = kpuc.Simulator(kpuc.compile(data, target=target)).run(array).values()
        return result

    return run


ENGINES = {"evaluator": evaluated, "cpu": compiled("cpu"), "k230": compiled("k230")}


def network(name):
    """The file of a network; the larger one may not be there."""
    path = next((path for path in find_models(".onnx") if path.stem == name), None)
    if path is None:
        pytest.skip(f"KPUC_MODELS has no {name}")
    return path


def assert_near(data, original, engine, name=DSCNN, exact=EXACT):
    for sample in samples(name)[:2]:
        expected, actual = reference(original, sample), ENGINES[engine](data, sample)
        assert (actual.dtype, actual.shape) == (expected.dtype, expected.shape)
        assert np.abs(actual - expected).max() <= BOUND * np.abs(expected).max()
        assert np.mean(actual == expected) >= exact


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("form", FORMS)
def test_quantised(form, engine, quantised):
    data = quantised(form, network(DSCNN))
    assert_near(data, data, engine)


@pytest.mark.parametrize("engine", ENGINES)
def test_sums(engine, quantised):
    data = quantised("operators", network(RESIDUAL))
    assert "QLinearAdd" in operators_of(data)
    assert_near(data, data, engine, RESIDUAL)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("form", ["qdq", "operators", "dynamic"])
def test_quantised_and_optimised(form, engine, quantised, tmp_path):
    original = quantised(form, network(DSCNN))
    assert_near(optimised(original, tmp_path / "optimised.onnx"), original, engine)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("form", ["qdq", "operators"])
def test_channels_behind_the_pixels(form, engine, quantised, tmp_path):
    original = quantised(form, network(DSCNN))
    data = optimised(original, tmp_path / "optimised.onnx", LEVELS.ORT_ENABLE_ALL)
    nodes = onnx.load_from_string(data).graph.node
    assert any(one.name == "channels_last" and one.i for node in nodes for one in node.attribute)
    assert_near(data, original, engine)


@pytest.mark.parametrize("engine", ENGINES)
def test_optimised(engine, tmp_path):
    source = network(DSCNN).read_bytes()
    data = optimised(source, tmp_path / "optimised.onnx")
    assert "FusedConv" in operators_of(data)
    assert_near(data, source, engine, exact=0)


def operators_of(data):
    return {node.op_type for node in onnx.load_from_string(data).graph.node}
