"""Sensitive layers keep more bits: which ones, what that is worth, and that kmodels compute so on every target.

Outputs are compared with onnxruntime's, on other samples than those that layers were chosen with.
"""

import json

import numpy as np
import onnxruntime
import pytest
from click.testing import CliRunner
from sensitive import MODEL, NET
from vendor19 import simulate, skip_without

import kpuc
from kpuc.errors import KpucError, OptionError
from kpuc.tools.cli.main import cli

SENSITIVE = "Relu_v3"
TARGETS = [{"target": "cpu"}, {"target": "cpu", "portable": True}, {"target": "k230"}, {"target": "k510"},
           {"target": "k210"}]  # fmt: skip


SAMPLES, OTHERS = NET.samples(12), NET.samples(6)
SESSION = onnxruntime.InferenceSession(MODEL)
EXPECTED = [SESSION.run(None, sample)[0] for sample in OTHERS]


def compiled(**given):
    return kpuc.compile(MODEL, **{"calibration": SAMPLES, "calibration_method": "minmax", **given})


def decibels(kmodel):
    simulator = kpuc.Simulator(kmodel.data)
    got = [next(iter(simulator.run(sample).values())) for sample in OTHERS]
    noise = sum(((one - other) ** 2).sum() for one, other in zip(got, EXPECTED, strict=True))
    return 10 * np.log10(sum((one**2).sum() for one in EXPECTED) / noise)


@pytest.mark.parametrize("target", TARGETS, ids=str)
def test_the_sensitive_layer_alone_keeps_more(target):
    plain, mixed = compiled(**target), compiled(**target, mixed=30)
    report = mixed.report["mixed"]
    assert [one["name"] for one in report["kept"]] == [SENSITIVE]
    assert (report["layers"], report["type"]) == (4, "f32" if target in TARGETS[::4] else "i16")
    before, after = decibels(plain), decibels(mixed)
    assert before < 27 < 30 < after
    assert report["decibels"]["before"] == pytest.approx(before, abs=2)
    assert report["decibels"]["after"] == pytest.approx(after, abs=2)
    assert "mixed" not in plain.report


def test_more_layers_are_kept_for_more_decibels_the_dearest_first():
    reports = [compiled(target="k210", mixed=wanted).report["mixed"] for wanted in (5, 30, 36)]
    assert [len(report["kept"]) for report in reports] == [0, 1, 2]
    costs = [one["decibels"] for one in reports[2]["kept"]]
    assert costs == sorted(costs)
    for report in reports:
        assert report["decibels"]["after"] >= report["decibels"]["wanted"]
    assert reports[1]["decibels"]["after"] < 36  # so the second layer was needed


def test_what_cannot_be_had_stops_where_gain_ends():
    """The layers that 16 bits help are kept; the ratio stays finite, as 16 bits round, too."""
    report = compiled(target="k230", mixed=200).report["mixed"]
    assert report["layers"] == len(report["kept"]) == 4
    assert 50 < report["decibels"]["after"] < 100


@pytest.mark.parametrize("target", ["cpu", "k230", "k210"])
def test_ranges_say_what_was_chosen(target, tmp_path):
    mixed = compiled(target=target, mixed=30)
    assert list(mixed.calibration.bits.values()) == [16 if target == "k230" else 32]
    mixed.calibration.save(tmp_path / "r.json")
    again = kpuc.compile(MODEL, target, ranges=tmp_path / "r.json")
    assert again.data == mixed.data != compiled(target=target).data


def test_kept_layers_are_computed_by_the_host_of_a_k210():
    (stays,) = compiled(target="k210", mixed=30).report["host"]
    assert (stays["rule"], stays["where"].partition(": ")[2]) == ("K210-CONV-REAL", SENSITIVE)
    assert compiled(target="k210").report["host"] == []


def test_the_vendors_runtime_computes_the_same():
    """Layers on the KPU and on the host, in one kmodel."""
    skip_without()
    kmodel = compiled(target="k210", mixed=30)
    simulator = kpuc.Simulator(kmodel.data)
    (sample, *_) = OTHERS
    ((theirs,),) = simulate([(kmodel.data, list(sample.values()))])
    np.testing.assert_array_equal(next(iter(simulator.run(sample).values())), theirs)


def test_rounding_leaves_kept_layers_to_16_bits():
    """SQuant moves weights of layers of 8 bits by steps of 8 bits, of the kept layer by those of 16."""
    kmodel = compiled(target="k230", mixed=30, rounding="squant")
    assert decibels(kmodel) > 30


def test_command(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.onnx").write_bytes(MODEL)
    np.savez("samples.npz", x0=np.concatenate([sample["x0"] for sample in SAMPLES]))
    arguments = ["compile", "net.onnx", "-o", "net.kmodel", "--target", "k210", "--calibration", "samples.npz"]
    result = CliRunner().invoke(cli, [*arguments, "--mixed", "30", "--report", "r.json"], catch_exceptions=False)
    assert result.exit_code == 0
    facts = json.loads((tmp_path / "r.json").read_text())["mixed"]["decibels"]
    wanted = f"1 of 4 layers stay f32; outputs have {facts['before']:.1f} dB without, {facts['after']:.1f} dB with them"
    assert wanted in result.output
    assert SENSITIVE in result.output


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"mixed": 0}, "mixed is 0, expected the decibels that outputs shall have"),
        ({"mixed": 30, "quant": "i16"}, "all have them already"),
        ({"mixed": 30, "calibration": None, "ranges": "r.json", "calibration_method": "auto"}, "none is given"),
        ({"mixed": 30, "target": "k210", "portable": True}, "left to the K210's processor"),
        ({"mixed": 30, "target": "k210", "kmodel": 4}, "left to the K210's processor"),
    ],
)
def test_mistakes(given, text):
    with pytest.raises(OptionError, match=text):
        compiled(**given)


def test_ranges_of_16_bits_are_refused_for_the_k210(tmp_path):
    compiled(target="k230", mixed=30).calibration.save(tmp_path / "r.json")
    with pytest.raises(OptionError, match="shall have 16 bits, but the KPU computes with 8"):
        kpuc.compile(MODEL, "k210", ranges=tmp_path / "r.json")


@pytest.mark.parametrize(
    ("table", "text"),
    [
        ('"bits": ["a"]', "'bits' is no table of its values' bits, each 8, 16, 32"),
        ('"bits": {"nosuch": 16}', "'bits' is no table"),
        ('"bits": {"input x0": 12}', "'bits' is no table"),
        ('"weights": 3', "'weights' is no table of its products' weights, each their 'reach' and 'bits'"),
        ('"weights": {"nosuch": {}}', "'weights' is no table"),
        ('"weights": {"nn.conv Relu_v1": {"reach": 3}}', "'weights' is no table"),
        ('"weights": {"nn.conv Relu_v1": {"bits": 4}}', "'weights' is no table"),
        ('"weights": {"nn.conv Relu_v1": {"reach": [1.0]}}', "1 ranges are given of a weight of 8 output channels"),
    ],
)
def test_files_of_ranges_that_make_no_sense(table, text, tmp_path):
    path = tmp_path / "r.json"
    compiled(target="k230").calibration.save(path)
    path.write_text(path.read_text().replace('"ranges":', f'{table}, "ranges":'))
    with pytest.raises(KpucError, match=text):
        kpuc.compile(MODEL, "k230", ranges=path)


def test_the_reach_of_weights_in_a_file_of_ranges(tmp_path):
    """Steps of a weight that are a hundred times as large make another error; what was read is written again."""
    path = tmp_path / "r.json"
    kmodel = compiled(target="k230", quant="i16")
    kmodel.calibration.save(path)
    reach = [100.0] * 4
    path.write_text(
        path.read_text().replace('"ranges":', f'"weights": {{"nn.conv Conv_v6": {{"reach": {reach}}}}}, "ranges":')
    )
    coarse = kpuc.compile(MODEL, "k230", quant="i16", ranges=path)
    assert decibels(coarse) < 10 < decibels(kmodel) - 10
    coarse.calibration.save(tmp_path / "again.json")
    assert kpuc.compile(MODEL, "k230", quant="i16", ranges=tmp_path / "again.json").data == coarse.data
