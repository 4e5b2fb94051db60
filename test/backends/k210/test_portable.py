"""Kmodels of a k210 module alone: bytes in, bytes out, the same in our simulator and in the vendor's."""

import json

import numpy as np
import onnxruntime
import pytest
import vendor19
from click.testing import CliRunner
from networks import SHIPPED
from small import Net, classifier, residual, two_inputs

import kpuc
from kpuc.errors import OptionError, UnsupportedError
from kpuc.runtime.kmodel import read_kmodel
from kpuc.tools.cli.main import cli


def compiled(made, **options):
    net, model = made
    return kpuc.compile(model, target="k210", portable=True, calibration=net.samples(), **options)


def as_bytes(real, stated):
    return np.clip(np.rint(real / stated["scale"]) + stated["zero_point"], 0, 255).astype(np.uint8)


def as_real(data, stated):
    return (data.astype(np.float32) - stated["zero_point"]) * stated["scale"]


def feed(net, kmodel, number=0):
    """The bytes of a calibration sample."""
    sample, stated = net.samples()[number], kmodel.report["quantisation"]["inputs"]
    return {name: as_bytes(array, stated[name]) for name, array in sample.items()}


@pytest.mark.parametrize("make", [residual, two_inputs])
def test_bytes_stand_for_what_the_report_says(make):
    net, model = make(0)
    kmodel = compiled((net, model))
    modules = read_kmodel(kmodel.data).modules
    assert [module.kind for module in modules] == ["k210"]
    assert {str(info.dtype) for info in (*kmodel.inputs, *kmodel.outputs)} == {"uint8"}
    results = kpuc.Simulator(kmodel).run(feed(net, kmodel))
    expected = onnxruntime.InferenceSession(model.SerializeToString()).run(None, net.samples()[0])
    for want, (name, data) in zip(expected, results.items(), strict=True):
        found = as_real(data, kmodel.report["quantisation"]["outputs"][name])
        error = np.sqrt(np.mean((want - found) ** 2) / np.mean(want**2))
        assert error < 0.06, f"{name}: {error}"


def test_it_is_the_same_every_time():
    assert compiled(residual(1)).data == compiled(residual(1)).data


@pytest.mark.slow
@pytest.mark.parametrize("release", ["1.9", "1.1"])
def test_the_vendors_runtimes_compute_the_same_bytes(release):
    vendor19.skip_without(release)
    jobs, ours = [], []
    for seed, make in enumerate([residual, residual, two_inputs]):
        made = make(seed)
        kmodel = compiled(made)
        given = feed(made[0], kmodel)
        jobs.append((kmodel.data, [given[info.name] for info in kmodel.inputs]))
        ours.append(kpuc.Simulator(kmodel).run(given))
    for theirs, mine in zip(vendor19.simulate(jobs, release), ours, strict=True):
        assert not isinstance(theirs, str), theirs
        for one, other in zip(theirs, mine.values(), strict=True):
            np.testing.assert_array_equal(one.reshape(other.shape), other)


def test_a_cameras_bytes_go_in_as_they_are():
    _, model = residual(2)
    images = np.random.default_rng(0).integers(0, 256, (4, 3, 16, 16), np.uint8)
    options = {"input_type": "uint8", "mean": 127.5, "std": 64.0}
    kmodel = kpuc.compile(model, target="k210", portable=True, calibration=images, **options)
    real = (images[:1].astype(np.float32) - 127.5) / 64
    expected = onnxruntime.InferenceSession(model.SerializeToString()).run(None, {"x0": real})
    results = kpuc.Simulator(kmodel).run({"x0": images[:1]})
    for want, (name, data) in zip(expected, results.items(), strict=True):
        found = as_real(data, kmodel.report["quantisation"]["outputs"][name])
        assert np.sqrt(np.mean((want - found) ** 2) / np.mean(want**2)) < 0.06


def test_all_that_the_host_would_compute_is_listed():
    with pytest.raises(UnsupportedError, match="K0602") as caught:
        compiled(classifier(0))
    text = str(caught.value)
    assert all(word in text for word in ("nn.reduce", "nn.softmax", "compile without --portable"))
    assert "nn.dequantize" not in text


def test_an_output_that_the_kpu_does_not_compute():
    net, _ = residual(0)
    with pytest.raises(UnsupportedError, match="wanted as real numbers, too"):
        compiled((net, net.model(net.nodes[0].output[0], net.add("Identity", "x0"))))


def test_maps_that_are_reshaped_on_the_way():
    """There was a KeyError: they would have to go through main memory."""
    net = Net(0, (1, 4, 16, 16))
    shape = net.constant(np.array([1, 32, 8, 8]))
    reshaped = net.add("Reshape", net.conv("x0", 4, 8), shape)
    with pytest.raises(UnsupportedError, match=r"K0602.*\n  kpu.upload_into at .*brought back to be reshaped"):
        compiled((net, net.model(net.conv(reshaped, 32, 8))))


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"kmodel": 4}, "of version 5, not 4"),
        ({"calibration": None}, "nothing is quantised"),
    ],
)
def test_options_that_do_not_go_together(options, text):
    net, model = residual(0)
    given = {"calibration": net.samples(), **options}
    with pytest.raises(OptionError, match=text) as caught:
        kpuc.compile(model, target="k210", portable=True, **given)
    assert caught.value.code == "K0722"


def test_the_command_line_says_what_bytes_stand_for(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    net, model = residual(0)
    (tmp_path / "net.onnx").write_bytes(model.SerializeToString())
    np.save("data.npy", np.concatenate([sample["x0"] for sample in net.samples()]))
    command = ["compile", "net.onnx", "-o", "net.kmodel", "--target", "k210", "--portable", "--calibration", "data.npy"]
    done = CliRunner().invoke(cli, command, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    assert done.output.count(": real = (byte - ") == 3
    facts = json.loads(CliRunner().invoke(cli, [*command, "--json"]).output)
    assert set(facts["quantisation"]["inputs"]["x0"]) == {"scale", "zero_point"}
    refused = CliRunner().invoke(cli, ["compile", str(SHIPPED / "fashion_dscnn.onnx"), *command[2:-1], "none.npy"])
    assert refused.exit_code == 1
    assert "error[K" in refused.output
