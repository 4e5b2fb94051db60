"""What stays on the host of a K210 is said with its reason: in the report, to the user, in the list of operations."""

import json

import numpy as np
import onnx
import pytest
from click.testing import CliRunner
from onnx import TensorProto, helper
from onnx_writer import OnnxWriter

import kpuc
from kpuc.passes.kpu.rules import RULES
from kpuc.tools.cli.main import cli

IMAGE = (1, 128, 16, 16)


@pytest.fixture(scope="module")
def network():
    """A 3x3 convolution, which is legal, and one of 5x5, for which 9 copies of 128 channels are too many."""
    random = np.random.default_rng(0)
    shapes = {"w3": (128, 128, 3, 3), "w5": (4, 128, 5, 5)}
    weights = [
        helper.make_tensor(name, TensorProto.FLOAT, shape, random.standard_normal(shape).astype(np.float32).ravel())
        for name, shape in shapes.items()
    ]
    nodes = [
        helper.make_node("Conv", ["x", "w3"], ["a"], name="/stem/Conv", pads=[1] * 4),
        helper.make_node("Conv", ["a", "w5"], ["y"], name="/wide/Conv", pads=[2] * 4),
    ]
    given = helper.make_tensor_value_info("x", TensorProto.FLOAT, IMAGE)
    made = helper.make_tensor_value_info("y", TensorProto.FLOAT, (1, 4, 16, 16))
    graph = helper.make_graph(nodes, "net", [given], [made], weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


@pytest.fixture(scope="module")
def samples():
    return np.random.default_rng(1).standard_normal((2, *IMAGE[1:])).astype(np.float32)


def test_the_report_has_the_rule_that_an_operation_broke(network, samples):
    (item,) = kpuc.compile(network, "k210", calibration=samples).report["host"]
    assert item["where"].endswith("/wide/Conv")
    assert (item["operation"], item["rule"]) == ("nn.conv", "K210-CONV-COPIES")
    assert item["got"] == "9 copies of 128 channels"
    assert item["sentence"] == next(one.sentence for one in RULES if one.code == "K210-CONV-COPIES")
    assert item["milliseconds"] == pytest.approx(4 * 16 * 16 * 128 * 25 * 20 / 400e3)


def test_other_targets_have_no_such_report(network):
    assert "host" not in kpuc.compile(network, "k230").report


def test_a_network_that_the_kpu_computes_has_nothing_to_say(network, samples):
    legal = onnx.ModelProto()
    legal.CopyFrom(network)
    del legal.graph.node[1]
    legal.graph.output[0].CopyFrom(helper.make_tensor_value_info("a", TensorProto.FLOAT, IMAGE))
    assert kpuc.compile(legal, "k210", calibration=samples).report["host"] == []


def test_the_user_reads_rule_value_and_remedy(network, samples, tmp_path):
    onnx.save(network, tmp_path / "net.onnx")
    np.savez(tmp_path / "samples.npz", x=samples)
    command = ["compile", "net.onnx", "-o", "net.kmodel", "--target", "k210", "--calibration", "samples.npz"]
    command = [str(tmp_path / word) if "." in word else word for word in command]
    done = CliRunner().invoke(cli, command, catch_exceptions=False)
    assert done.exit_code == 0
    lines = done.stderr.splitlines()
    assert lines[0].startswith("warning[K210-CONV-COPIES] net.onnx: /wide/Conv runs on the CPU (est. 164 ms of ")
    assert lines[1].startswith("  rule  Kernels are 1x1 or 3x3; larger ones read shifted copies of the map")
    assert lines[2] == "  got   9 copies of 128 channels"
    assert lines[3].startswith("  help  ")
    assert "warning" not in done.stdout


@pytest.mark.parametrize(("size", "warned"), [(1300, True), (1200, False)])
def test_a_file_that_the_chip_has_no_room_for(size, warned, tmp_path):
    net = OnnxWriter(0)
    (tmp_path / "net.onnx").write_bytes(net.model(net.dense(net.input(1, size), size, size)))
    command = ["compile", str(tmp_path / "net.onnx"), "-o", str(tmp_path / "net.kmodel"), "--target", "k210"]
    done = CliRunner().invoke(cli, command, catch_exceptions=False)
    assert done.exit_code == 0
    assert done.stderr.startswith("warning: the file and its values need ") == warned
    assert ("a K210 has 6291456" in done.stderr) == warned


def test_ops_lists_every_rule_beside_the_operations_of_the_target():
    done = CliRunner().invoke(cli, ["ops", "--target", "k210", "--json"], catch_exceptions=False)
    tables = json.loads(done.output)
    assert {row["rule"] for row in tables["rules"]} == {rule.code for rule in RULES}
    assert all(row["sentence"].endswith(".") for row in tables["rules"])
    assert all(row["k210"] for row in tables["targets"])
    other = CliRunner().invoke(cli, ["ops", "--target", "k230", "--json"], catch_exceptions=False)
    assert "rules" not in json.loads(other.output)
