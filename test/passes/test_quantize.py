"""Networks that are quantised with measured ranges: as accurate as in floating point, as evaluated and as a kmodel."""

import os
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from networks import SHIPPED, relative_error

import kpuc
from kpuc.backends.stackvm.emit7 import emit7
from kpuc.dialects import mlir, nn
from kpuc.dialects.evaluate import Program
from kpuc.dialects.mlir import ir
from kpuc.frontends.onnx import import_onnx
from kpuc.passes.pipeline import parse_pipeline
from kpuc.passes.quant.calibration import annotate
from kpuc.passes.quant.methods import measure_ranges
from kpuc.passes.quant.quantize import rounded_weight
from kpuc.pipelines import PIPELINE, QUANTIZE_PIPELINES, STACKVM_PIPELINE

SAMPLES, TESTS = 64, 1000
POINTS = 0.005
DECIBELS = 25
"""Signal to noise ratio of the logits; measured: 26 to 37 dB."""


def given(name, array):
    """What a network takes, of the arrays in its file: pixels in -1 ... 1, channels first; spectra as they are."""
    if name == "fsdd_kws_dscnn":
        return array[:, None].astype(np.float32)
    scaled = array.astype(np.float32) / 127.5 - 1
    return np.ascontiguousarray(scaled[:, None] if scaled.ndim == 3 else scaled.transpose(0, 3, 1, 2))


def data(name):
    """Arrays to calibrate with, others to test with, and the labels of those."""
    folder = os.environ.get("KPUC_MODELS")
    if not folder:
        pytest.skip("KPUC_MODELS does not name a folder with labelled data")
    with np.load(Path(folder) / "data" / f"{name}_test.npz") as arrays:
        return given(name, arrays["calib"][:SAMPLES]), given(name, arrays["x"][:TESTS]), arrays["y"][:TESTS]


def quantised(path, calibration, text):
    """The network with ranges measured on arrays, and then lowered."""
    module = import_onnx(path)
    parse_pipeline(PIPELINE).run(module)
    annotate(module, measure_ranges(module, [{"input": one[None]} for one in calibration]))
    parse_pipeline(text).run(module)
    return module


def decibels(expected, actual):
    return 10 * np.log10(np.mean(expected**2) / np.mean((actual - expected) ** 2))


@pytest.mark.parametrize("activations", ["u8", "i8"])
@pytest.mark.parametrize("name", ["fashion_dscnn", "fsdd_kws_dscnn", "cifar10_mbv2"])
def test_top1_is_as_good_as_the_float_networks(name, activations):
    calibration, x, labels = data(name)
    path = Path(os.environ["KPUC_MODELS"]) / f"{name}.onnx"
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    exact = np.concatenate([session.run(None, {session.get_inputs()[0].name: one[None]})[0] for one in x])
    with mlir.context():
        program = Program(quantised(path, calibration, QUANTIZE_PIPELINES[activations]))
        made = np.concatenate([program.run([one[None]])[0] for one in x])
    right, wanted = ((scores.argmax(axis=1) == labels).mean() for scores in (made, exact))
    assert right >= wanted - POINTS
    assert decibels(exact, made) >= DECIBELS


def test_a_stack_machine_computes_the_same():
    """Weights of real numbers, and data rounded to 8 bits: sums that are rounded otherwise may be a step apart."""
    path, images = SHIPPED / "fashion_dscnn.onnx", np.random.default_rng(0).uniform(-1, 1, (4, 1, 28, 28))
    images = images.astype(np.float32)
    with mlir.context():
        module = quantised(path, images, QUANTIZE_PIPELINES["u8"])
        expected = [Program(module).run([one[None]])[0] for one in images]
        plain = quantised(path, images, "builtin.module(nn-quantize)")
        parse_pipeline(STACKVM_PIPELINE).run(plain)
        simulator = kpuc.Simulator(emit7(plain, "test"))
    for one, wanted in zip(images, expected, strict=True):
        (actual,) = simulator.run(one[None]).values()
        assert relative_error(wanted, actual) <= 0.01


@pytest.mark.parametrize("axis", [0, 1])
def test_weights_are_rounded_to_the_nearest_step(axis):
    weight = np.random.default_rng(axis).normal(0, 1, (5, 4, 3)).astype(np.float32)
    weight[(slice(None),) * axis + (2,)] = 0
    least = np.where(np.arange(weight.shape[axis]) == 3, 0.1, 0.0)
    with mlir.context(), ir.Location.unknown():
        module = ir.Module.create()
        with ir.InsertionPoint(module.body):
            value = rounded_weight(weight, axis, least)
        parameters = nn.quantization_parameters(value.owner.operands[0].type)
        stored = nn.constant_value(value.owner.operands[0])
        assert (parameters.axis, parameters.dtype, set(parameters.zero_point)) == (axis, np.int8, {0})
        scale = np.float32(parameters.scale)
        others = tuple(i for i in range(3) if i != axis)
        reach = np.abs(weight).max(axis=others)
        np.testing.assert_allclose(scale[[0, 1]], reach[[0, 1]] / 127, rtol=1e-6)
        assert scale[3] == np.float32(0.1)
        assert scale[2] > 0
        steps = scale.reshape([-1 if i == axis else 1 for i in range(3)])
        assert np.all(np.abs(stored * steps - weight) <= steps * 0.5001)
        assert np.abs(stored).max() == 127
