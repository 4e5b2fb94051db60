"""What took how long: which rows there are, and that their seconds are those that went by."""

import json
from time import perf_counter

import numpy as np
import pytest
from click.testing import CliRunner
from onnx_writer import OnnxWriter

import kpuc
from kpuc.runtime.profile import Profile
from kpuc.tools.cli.main import cli


def network():
    net = OnnxWriter(1)
    hidden = net.op("Softmax", net.conv(net.input(1, 3, 32, 32), 16, (3, 3)), axis=1)
    return net, net.model(net.op("Sigmoid", hidden))


NET, MODEL = network()
(SAMPLE,) = NET.samples(1)


def measured(**given):
    """The rows of two runs, and the seconds that went by."""
    simulator = kpuc.Simulator(kpuc.compile(MODEL, **given).data)
    simulator.run(SAMPLE["x0"])
    simulator.profile = Profile()
    start = perf_counter()
    for _ in range(2):
        simulator.run(SAMPLE["x0"])
    return simulator.profile, perf_counter() - start


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"target": "k230"}, {"conv2d": 2, "softmax": 2}),
        ({"target": "k510"}, {"conv2d": 2}),
        ({"target": "k210", "calibration": NET.samples(2)}, {"k210 conv2d": 2, "k210 upload": 2, "quantize": 2}),
        ({"target": "k210", "calibration": NET.samples(2), "kmodel": 4}, {"kpu_conv2d": 2, "quantize": 2}),
    ],
)
def test_rows(given, expected):
    profile, seconds = measured(**given)
    counts = {name.lower(): row.calls for name, row in profile.rows.items()}
    assert counts.items() >= expected.items()
    total = sum(row.seconds for row in profile.rows.values())
    assert 0 < total <= seconds


@pytest.mark.parametrize("threads", [1, 2])
def test_each_step_of_machine_code_has_a_row(threads):
    """Together they give what a whole run gives."""
    simulator = kpuc.Simulator(kpuc.compile(MODEL, "cpu").data, threads=threads)
    expected = simulator.run(SAMPLE["x0"])
    simulator.profile = Profile()
    found = simulator.run(SAMPLE["x0"])
    rows = simulator.profile.rows
    operations = [part.split()[0] for name in rows for part in name.split(": ", 1)[1].split(", ")]
    assert [one for one in operations if one != "nn.transpose"] == ["nn.conv", "nn.softmax", "nn.sigmoid"]
    assert [row.calls for row in rows.values()] == [1] * len(rows)
    for name, array in expected.items():
        np.testing.assert_array_equal(found[name], array)


def test_nothing_is_measured_unless_asked_for():
    simulator = kpuc.Simulator(kpuc.compile(MODEL, "k230").data)
    simulator.run(SAMPLE["x0"])
    assert simulator.profile is None


def test_table():
    profile = Profile()
    for name, count in (("short", 1), ("often", 3)):
        for _ in range(count):
            with profile.measure(name):
                pass
    profile.rows["short"].seconds, profile.rows["often"].seconds = 0.25, 0.75
    lines = [line.split() for line in str(profile).splitlines()]
    assert lines == [["calls", "ms", "share"], ["often", "3", "750.000", "75.0%"], ["short", "1", "250.000", "25.0%"],
                     ["total", "4", "1000.000"]]  # fmt: skip


def test_long_names_are_cut():
    profile = Profile()
    for name in ("short", "x" * 200):
        with profile.measure(name):
            pass
    head, *rows = str(profile).splitlines()
    assert {len(row) for row in rows[:2]} == {len(head)}
    assert len(head) == 80 + 28
    assert any(row.startswith("x" * 77 + "... ") for row in rows)


def test_what_fails_counts():
    profile = Profile()
    with pytest.raises(ZeroDivisionError), profile.measure("a"):
        1 / 0  # noqa: B018
    assert profile.rows["a"].calls == 1


def test_command(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    kpuc.compile(MODEL, "k230").save("a.kmodel")
    np.savez("in.npz", **SAMPLE)
    arguments = ["run", "a.kmodel", "--input", "in.npz", "--output", "out.npz", "--profile"]
    result = CliRunner().invoke(cli, arguments, catch_exceptions=False)
    assert any(line.split()[:2] == ["conv2d", "1"] for line in result.output.splitlines())
    facts = json.loads(CliRunner().invoke(cli, [*arguments, "--json"], catch_exceptions=False).output)
    assert facts["profile"]["conv2d"]["calls"] == 1
