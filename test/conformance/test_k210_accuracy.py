"""Top-1 of quantised K210 kmodels beside the float networks, on data that calibration has not seen."""

import os
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

import kpuc

SAMPLES = 64
POINTS = 0.005


def given(name, array):
    """What a network takes, of the arrays in its file: pixels in -1 ... 1, channels first; spectra as they are."""
    if name == "fsdd_kws_dscnn":
        return array[:, None].astype(np.float32)
    scaled = array.astype(np.float32) / 127.5 - 1
    return np.ascontiguousarray(scaled[:, None] if scaled.ndim == 3 else scaled.transpose(0, 3, 1, 2))


@pytest.mark.parametrize("name", [
    "fashion_dscnn",
    pytest.param("fsdd_kws_dscnn", marks=pytest.mark.slow),
    pytest.param("cifar10_mbv2", marks=pytest.mark.slow),
])  # fmt: skip
def test_top1_is_as_good_as_the_float_networks(name):
    folder = os.environ.get("KPUC_MODELS")
    if not folder:
        pytest.skip("KPUC_MODELS does not name a folder with labelled data")
    path = Path(folder) / f"{name}.onnx"
    with np.load(Path(folder) / "data" / f"{name}_test.npz") as arrays:
        x, labels, calibration = given(name, arrays["x"]), arrays["y"], given(name, arrays["calib"][:SAMPLES])
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    source = session.get_inputs()[0].name
    exact = np.concatenate([session.run(None, {source: one[None]})[0] for one in x])
    simulator = kpuc.Simulator(kpuc.compile(path, target="k210", calibration=calibration).data)
    made = np.concatenate([next(iter(simulator.run(one[None]).values())) for one in x])
    right, wanted = ((scores.argmax(axis=1) == labels).mean() for scores in (made, exact))
    assert right >= wanted - POINTS
    assert (made.argmax(axis=1) == exact.argmax(axis=1)).mean() >= 0.985
    assert np.mean(exact**2) / np.mean((made - exact) ** 2) >= 10**2.7, "less than 27 dB between signal and noise"
