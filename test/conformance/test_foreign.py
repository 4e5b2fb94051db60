"""Whole networks as machine code for other machines, under qemu, against onnxruntime and LiteRT."""

import numpy as np
import pytest
from foreign import CPUS, run_elsewhere
from networks import SHIPPED, relative_error
from test_models import BOUND, given

import kpuc
from kpuc.dialects import mlir
from kpuc.dialects.evaluate import evaluate
from kpuc.frontends.tflite import import_tflite

FLOAT = (SHIPPED / "fashion_dscnn.onnx", SHIPPED / "fashion_dscnn.tflite")
BYTES = SHIPPED / "fashion_dscnn_int8.tflite"


@pytest.mark.parametrize("cpu", CPUS)
@pytest.mark.parametrize("path", FLOAT, ids=lambda path: path.name)
def test_float(path, cpu):
    feed, expected = given(path)
    outputs = run_elsewhere(cpu, kpuc.compile(path, cpu=cpu), list(feed.values()))
    assert max(map(relative_error, expected, outputs)) < BOUND


ROUNDING = pytest.mark.skip(reason="qemu 7 ends at vfcvt.rtz.x.f.v, with which RISC-V's vectors round")


@pytest.mark.parametrize("cpu", [pytest.param(cpu, marks=[ROUNDING] if cpu == "riscv64-v" else []) for cpu in CPUS])
def test_bytes_are_the_same_on_every_machine(cpu):
    """Sums of integers are exact, and no number that is rounded lies within float error of a half: to the last bit."""
    image = np.random.default_rng(0).integers(-128, 128, (1, 28, 28, 1)).astype(np.int8)
    with mlir.context():
        expected = evaluate(import_tflite(BYTES), [image])
    outputs = run_elsewhere(cpu, kpuc.compile(BYTES, cpu=cpu), [image])
    for one, other in zip(outputs, expected, strict=True):
        assert np.array_equal(one, other)
