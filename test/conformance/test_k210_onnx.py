"""ONNX networks that onnxruntime quantised, in both of its forms, on the K210 without calibration data.

Noise never lies halfway between two of the input's bytes, as pixels do: there, runtimes differ from the first layer on.
"""

import numpy as np
import onnxruntime
import pytest
from kpu_networks import FAMILIES, network
from networks import SHIPPED, relative_error
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

import kpuc

IMAGES = np.random.default_rng(0).uniform(-1, 1, (16, 1, 1, 28, 28)).astype(np.float32)
SIGNED, UNSIGNED = QuantType.QInt8, QuantType.QUInt8


class Samples(CalibrationDataReader):
    """What onnxruntime calibrates with."""

    def __init__(self, samples):
        self.left = iter(samples)

    def get_next(self):
        return next(self.left, None)


def quantised(folder, form, values, weights, per_channel):
    prepared, made = folder / "prepared.onnx", folder / "quantised.onnx"
    quant_pre_process(SHIPPED / "fashion_dscnn.onnx", prepared, skip_symbolic_shape=True)
    calibration = Samples([{"input": one} for one in IMAGES[:4]])
    kinds = {"activation_type": values, "weight_type": weights, "per_channel": per_channel}
    quantize_static(prepared, made, calibration, quant_format=form, **kinds)
    return made


@pytest.mark.parametrize(("values", "weights", "per_channel", "equal", "steps"), [
    pytest.param(UNSIGNED, SIGNED, True, 0.8, 1, id="u8s8-channels"),
    pytest.param(SIGNED, SIGNED, False, 0.8, 1, id="s8s8"),
    pytest.param(UNSIGNED, UNSIGNED, False, 0.8, 1, id="u8u8"),
])  # fmt: skip
@pytest.mark.parametrize("form", [QuantFormat.QDQ, QuantFormat.QOperator], ids=lambda form: form.name)
def test_logits(tmp_path, form, values, weights, per_channel, equal, steps):
    file = quantised(tmp_path, form, values, weights, per_channel)
    kmodel = kpuc.compile(file, target="k210")
    assert (kmodel.report["quant"], kmodel.calibration) == ("u8", None)
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    simulator = kpuc.Simulator(kmodel.data)
    theirs = np.concatenate([session.run(None, {"input": one})[0] for one in IMAGES])
    ours = np.concatenate([next(iter(simulator.run(one).values())) for one in IMAGES])
    different = np.diff(np.unique(theirs))
    step = different[different > 1e-4].min()
    away = np.rint(np.abs(ours - theirs) / step)
    assert np.mean(away == 0) >= equal
    assert away.max() <= steps


@pytest.mark.parametrize(
    "seed", range(2 * len(FAMILIES)), ids=lambda seed: f"{FAMILIES[seed % len(FAMILIES)].__name__}-{seed}"
)
def test_random_networks(tmp_path, seed):
    """The bound is what was seen, not derived: two in three stay below 0.02."""
    net, model = network(seed)
    samples, file = net.samples(3), tmp_path / "quantised.onnx"
    (tmp_path / "float.onnx").write_bytes(model)
    quantize_static(tmp_path / "float.onnx", file, Samples(samples), weight_type=SIGNED)
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    kmodel = kpuc.compile(file, target="k210")
    assert kmodel.report["quant"] == "u8"
    assert "K210-CONV-RANGE" not in {one["rule"] for one in kmodel.report["host"]}
    made = kpuc.Simulator(kmodel.data).run(samples[0]).values()
    for ours, theirs in zip(made, session.run(None, samples[0]), strict=True):
        assert relative_error(theirs, ours) < 0.06
