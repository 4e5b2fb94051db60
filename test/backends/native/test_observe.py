"""Ranges measured by machine code against those of the evaluator."""

import numpy as np
import pytest
from networks import SHIPPED

import kpuc
from kpuc.backends.native.observe import ObservedProgram
from kpuc.dialects import mlir
from kpuc.dialects.evaluate import Program
from kpuc.errors import ExecutionError, OptionError
from kpuc.frontends.onnx import import_onnx
from kpuc.passes.quant.calibrate import calibrate
from kpuc.passes.quant.ranges import ESTIMATORS

MODEL = SHIPPED / "fashion_dscnn.onnx"


@pytest.fixture(scope="module")
def samples():
    random = np.random.default_rng(0)
    return [{"x": random.random((1, 1, 28, 28), np.float32)} for _ in range(4)]


@pytest.fixture(scope="module")
def module(samples):
    with mlir.context():
        yield import_onnx(MODEL)


def named(module, samples):
    from kpuc.passes.quant.calibrate import network_inputs

    (info,) = network_inputs(module)
    return [{info.name: sample["x"]} for sample in samples]


def test_ranges_are_those_of_the_evaluator(module, samples):
    given = named(module, samples)
    one, other = (
        calibrate(module, given, ESTIMATORS["minmax"], engine=engine) for engine in (Program, ObservedProgram)
    )
    assert one.ranges.keys() == other.ranges.keys()
    for name, span in one.ranges.items():
        assert other.ranges[name].low == pytest.approx(span.low, rel=1e-5, abs=1e-5)
        assert other.ranges[name].high == pytest.approx(span.high, rel=1e-5, abs=1e-5)


def test_values_cannot_be_replaced(module, samples):
    feed = [sample["x"] for sample in samples[:1]]
    with pytest.raises(ExecutionError, match="K0503"):
        ObservedProgram(module).run(feed, lambda op, arrays: list(arrays))


def test_an_unknown_engine_is_refused():
    with pytest.raises(OptionError, match="there is no calibration engine 'gpu'"):
        kpuc.compile(MODEL, "k210", calibration=np.ones((1, 1, 28, 28), np.float32), calibration_engine="gpu")
