"""Integers as outputs: what they stand for is what the network computes, on every target."""

import numpy as np
import onnxruntime
import pytest
from onnx_writer import OnnxWriter

import kpuc
from kpuc.errors import OptionError


def network():
    """A map and its sizes, which are integers anyway."""
    net = OnnxWriter(8)
    value = net.op("Relu", net.conv(net.input(1, 3, 8, 8), 4, (3, 3)))
    return net, net.model(value)


NET, MODEL = network()
SAMPLES = NET.samples(6)
TARGETS = [{"target": "cpu"}, {"target": "cpu", "portable": True}, {"target": "k230"}, {"target": "k510"},
           {"target": "k210"}]  # fmt: skip


def exact(sample):
    return onnxruntime.InferenceSession(MODEL).run(None, sample)[0]


@pytest.mark.parametrize("target", TARGETS, ids=str)
@pytest.mark.parametrize("kind", ["uint8", "int8"])
def test_of_a_float_network(target, kind):
    """The range is given; what lies beyond saturates. Halves apart, the integers are exact."""
    kmodel = kpuc.compile(MODEL, **target, output_type=kind, output_range=[0, 0.5])
    ((name, stated),) = kmodel.report["quantisation"]["outputs"].items()
    assert stated == {"scale": float(np.float32(0.5 / 255)), "zero_point": int(np.iinfo(kind).min)}
    got = kpuc.Simulator(kmodel.data).run(SAMPLES[0])[name]
    assert got.dtype == kind == kmodel.outputs[0].dtype
    real = exact(SAMPLES[0]) / stated["scale"]
    wanted = np.clip(np.rint(real), 0, 255)
    clear = np.abs(real - np.floor(real) - 0.5) > 1e-3
    np.testing.assert_array_equal((got.astype(int) - stated["zero_point"])[clear], wanted[clear])
    assert (wanted == 255).any() and (wanted == 0).any()


@pytest.mark.parametrize("target", TARGETS, ids=str)
def test_of_a_quantised_network(target):
    """Over what was measured."""
    given = {"calibration": SAMPLES, "calibration_method": "minmax"}
    kmodel = kpuc.compile(MODEL, **target, output_type="uint8", **given)
    ((name, stated),) = kmodel.report["quantisation"]["outputs"].items()
    high = max(exact(sample).max() for sample in SAMPLES)
    assert stated["scale"] == pytest.approx(high / 255, rel=1e-5)
    got = kpuc.Simulator(kmodel.data).run(SAMPLES[0])[name].astype(float) * stated["scale"]
    assert np.abs(got - exact(SAMPLES[0])).max() < 0.02 * high


def test_mixed_layers_are_chosen_by_real_outputs():
    given = {"calibration": SAMPLES, "calibration_method": "minmax", "mixed": 60, "target": "k230"}
    plain, integers = kpuc.compile(MODEL, **given), kpuc.compile(MODEL, **given, output_type="uint8")
    assert plain.report["mixed"] == integers.report["mixed"]


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"output_type": "int16"}, "outputs cannot be int16, only float32, uint8, int8"),
        ({"output_range": [0, 1]}, "but not the integers that it is for"),
        ({"output_type": "uint8", "output_range": [1, 0]}, "the range of outputs is 1.0, 0.0, expected two numbers"),
        ({"output_type": "uint8", "output_range": [1]}, "expected two numbers"),
        ({"output_type": "uint8"}, "shall be uint8, but its range is not known"),
        (
            {"output_type": "uint8", "target": "k210", "portable": True, "calibration": SAMPLES},
            "returns the KPU's bytes already",
        ),
    ],
)
def test_mistakes(given, text):
    with pytest.raises(OptionError, match=text):
        kpuc.compile(MODEL, **given)
