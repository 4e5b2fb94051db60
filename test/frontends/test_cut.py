"""Parts of networks: what the named values need, and nothing else."""

import numpy as np
import onnx
import onnxruntime
import pytest
from click.testing import CliRunner
from onnx_writer import OnnxWriter
from tflite_writer import GraphSpec, OperatorSpec, TensorSpec, write

import kpuc
from kpuc.errors import OptionError
from kpuc.tools.cli.main import cli


def network():
    """Two branches of an input each; the second ends in an operator that is not supported."""
    net = OnnxWriter(7)
    first, second = net.input(1, 2, 4, 4), net.input(1, 2, 4, 4)
    first = net.conv(first, 3)
    relu = net.op("Relu", first)
    second = net.op("NotAnOperator", net.conv(second, 3))
    return net, first, relu, second


NET, CONV, RELU, DET = network()
MODEL = NET.model(RELU, DET)


def test_the_rest_is_left_out():
    """The other input and the operator that is not supported are not needed."""
    with pytest.raises(kpuc.KpucError, match="NotAnOperator"):
        kpuc.compile(MODEL, "k230")
    kmodel = kpuc.compile(MODEL, "k230", outputs=[RELU, CONV])
    assert [info.name for info in kmodel.inputs] == ["x0"]
    assert [info.name for info in kmodel.outputs] == [RELU, CONV]
    part = onnx.load_from_string(MODEL)
    del part.graph.output[:], part.graph.node[-1]
    part.graph.output.extend(onnx.ValueInfoProto(name=name) for name in (RELU, CONV))
    (sample, *_) = NET.samples(1)
    wanted = onnxruntime.InferenceSession(part.SerializeToString()).run(None, sample)
    got = kpuc.Simulator(kmodel.data).run(sample["x0"])
    for one, other in zip(got.values(), wanted, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


def test_the_callers_model_stays_as_it_is():
    model = onnx.load_from_string(MODEL)
    kpuc.compile(model, "k230", outputs=[RELU])
    assert model.SerializeToString() == onnx.load_from_string(MODEL).SerializeToString()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (RELU.upper(), f"no node computes '{RELU.upper()}', which shall be an output\n.*did you mean '{RELU}'"),
        ("x0", "no node computes 'x0'"),
        ("nothing like it", "there are: v0, v1, v2, v3"),
    ],
)
def test_names_that_are_not_there(name, text):
    with pytest.raises(OptionError, match=text):
        kpuc.compile(MODEL, "k230", outputs=[name])


def test_a_tflite_network():
    tensors = [TensorSpec(name, "float32", (1, 4)) for name in ("a", "b", "c", "d")]
    operators = [OperatorSpec(kind, (n,), (n + 1,)) for n, kind in enumerate(("RELU", "EXP", "NEG"))]
    model = write(GraphSpec(tensors, operators, (0,), (3,)))
    kmodel = kpuc.compile(model, "k230", outputs=["c", "b"])
    assert [info.name for info in kmodel.outputs] == ["c", "b"]
    x = np.float32([[-1, 0, 1, 2]])
    got = list(kpuc.Simulator(kmodel.data).run(x).values())
    np.testing.assert_allclose(got[0], np.exp(np.maximum(x, 0)), rtol=1e-6)
    np.testing.assert_array_equal(got[1], np.maximum(x, 0))
    with pytest.raises(OptionError, match=r"no operator computes 'a'.*\n.*there are: b, c, d"):
        kpuc.compile(model, "k230", outputs=["a"])


def test_command(tmp_path):
    (tmp_path / "net.onnx").write_bytes(MODEL)
    paths = str(tmp_path / "net.onnx"), "-o", str(tmp_path / "a.kmodel")
    arguments = ["compile", *paths, "--target", "k230", "--output-name", CONV, "--output-name", RELU]
    result = CliRunner().invoke(cli, arguments, catch_exceptions=False)
    assert result.exit_code == 0
    lines = [line.split()[1].rstrip(":") for line in result.output.splitlines() if line.startswith("  output")]
    assert lines == [CONV, RELU]
