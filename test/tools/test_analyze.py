"""`kpuc analyze`, as a user types it."""

import json

import pytest
from assembled import whole_network
from click.testing import CliRunner

from kpuc.runtime.kmodel.types7 import TensorType
from kpuc.runtime.stackvm.assembler7 import Assembler
from kpuc.tools.cli.main import cli


@pytest.fixture
def kpuc():
    def run(*arguments):
        return CliRunner().invoke(cli, [str(argument) for argument in arguments], catch_exceptions=False)

    return run


@pytest.fixture
def kmodel(tmp_path):
    path = tmp_path / "net.kmodel"
    path.write_bytes(whole_network())
    return path


def rows(output):
    """The rows of the table of steps: their cells."""
    table = output[output.index("Steps") :]
    lines = [line for line in table.splitlines() if line.startswith("│")]
    return [[cell.strip() for cell in line[1:-1].split("│")] for line in lines]


def test_all_steps_in_order(kpuc, kmodel):
    done = kpuc("analyze", kmodel, "--all")
    assert done.exit_code == 0
    assert "image f32 1x3x32x32 -> maps f32 1x4x32x32" in done.output
    steps = [row[1] for row in rows(done.output)]
    expected = ["quantize", "call", "upload", "layer 3x3", "layer 1x1", "download", "dequantize", "conv2d"]
    assert steps == expected
    layer = rows(done.output)[3]
    assert layer[2:6] == ["1x3x32x32", "1x8x32x32", f"{32 * 32 * 3 * 8 * 9:,}", "75%"]


def test_the_most_expensive_steps_come_first(kpuc, kmodel):
    """Cycles: convolution 655360, download 278528, dequantize 99942, upload 81408."""
    done = kpuc("analyze", kmodel, "--top", "3")
    assert [row[1] for row in rows(done.output)] == ["conv2d", "download", "dequantize"]
    assert "3 of 8 steps" in done.output


def test_assumptions_are_marked(kpuc, kmodel):
    milliseconds = {row[1]: row[6] for row in rows(kpuc("analyze", kmodel, "--all").output)}
    assert milliseconds["conv2d"] == "1.638*"
    assert milliseconds["download"] == "0.696"


def test_bars_are_as_long_as_memory_is_used(kpuc, kmodel):
    """The peak, 16 KiB, is 16 characters."""
    bars = {row[1]: row[8] for row in rows(kpuc("analyze", kmodel, "--all").output)}
    assert bars["layer 1x1"] == "█" * 16 + " 16K"
    assert bars["layer 3x3"].rstrip("K 0123456789") == "█" * 12
    assert bars["conv2d"] == ""


def test_json_has_everything(kpuc, kmodel):
    facts = json.loads(kpuc("analyze", kmodel, "--json").output)
    assert len(facts["steps"]) == 8
    assert facts["bytes"]["kpu_ram"] == {"peak": 16384, "extent": 20480}


def test_what_is_no_terminal_gets_no_colours(kpuc, kmodel):
    assert "\x1b" not in kpuc("analyze", kmodel).output


def test_names_are_not_markup(kpuc, kmodel):
    kmodel.write_bytes(whole_network().replace(b"image", b"[red]"))
    assert "[red] f32 1x3x32x32" in kpuc("analyze", kmodel).output


def test_a_version_without_a_cost_model_is_refused(kpuc, tmp_path):
    path = tmp_path / "net.kmodel"
    asm = Assembler()
    asm.function([], TensorType("f32", (1,))).ret()
    path.write_bytes(asm.write())
    done = kpuc("analyze", path)
    assert done.exit_code == 1
    assert done.output.startswith("error[K0409] there is no cost model for kmodel version 7")
    assert json.loads(kpuc("analyze", path, "--json").output)["error"]["code"] == "K0409"
