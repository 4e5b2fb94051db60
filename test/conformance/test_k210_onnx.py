"""ONNX networks that onnxruntime quantised, in both of its forms, on the K210 without calibration data.

Noise never lies halfway between two of the input's bytes, as pixels do: there, runtimes differ from the first layer on.
"""

import numpy as np
import onnxruntime
import pytest
from networks import SHIPPED
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

import kpuc

IMAGES = np.random.default_rng(0).uniform(-1, 1, (16, 1, 1, 28, 28)).astype(np.float32)
SIGNED, UNSIGNED = QuantType.QInt8, QuantType.QUInt8


class Images(CalibrationDataReader):
    """Samples for onnxruntime to calibrate with."""

    def __init__(self):
        self.left = iter([{"input": one} for one in IMAGES[:4]])

    def get_next(self):
        return next(self.left, None)


def quantised(folder, form, values, weights, per_channel):
    prepared, made = folder / "prepared.onnx", folder / "quantised.onnx"
    quant_pre_process(SHIPPED / "fashion_dscnn.onnx", prepared, skip_symbolic_shape=True)
    quantize_static(
        prepared, made, Images(), quant_format=form, per_channel=per_channel, activation_type=values,
        weight_type=weights,
    )  # fmt: skip
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
