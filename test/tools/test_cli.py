"""The kpuc command, as a user types it."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from accumulator import accumulator
from click.testing import CliRunner
from native_networks import network_inputs, network_kmodel, network_result
from networks import SHIPPED
from onnx import TensorProto, helper
from onnx_writer import OnnxWriter
from PIL import Image
from tflite_writer import write

from kpuc.backends.native.target import host
from kpuc.tools.cli.main import cli
from kpuc.tools.cli.run import npz

FASHION = SHIPPED / "fashion_dscnn.onnx"


@pytest.fixture
def kpuc():
    def run(*arguments):
        return CliRunner().invoke(cli, [str(argument) for argument in arguments], catch_exceptions=False)

    return run


@pytest.fixture(scope="module")
def kmodel(tmp_path_factory):
    path = tmp_path_factory.mktemp("kmodel") / "fashion.kmodel"
    CliRunner().invoke(cli, ["compile", str(FASHION), "-o", str(path), "--target", "k230"], catch_exceptions=False)
    return path


def test_compile_says_what_it_made(kpuc, tmp_path):
    done = kpuc("compile", FASHION, "-o", tmp_path / "a.kmodel", "--json", "--report", tmp_path / "r.json")
    facts = json.loads(done.output)
    assert done.exit_code == 0
    assert facts["bytes"] == (tmp_path / "a.kmodel").stat().st_size
    assert facts["outputs"] == ["logits: float32 [1, 10]"]
    assert json.loads((tmp_path / "r.json").read_text())["target"] == "cpu"


def test_compile_says_which_cpus_the_code_is_for(kpuc, tmp_path):
    options = ("--cpu", "aarch64,x86-64-v3", "--json")
    facts = json.loads(kpuc("compile", FASHION, "-o", tmp_path / "a.kmodel", *options).output)
    assert facts["cpus"] == ["aarch64", "x86-64-v3"]
    said = kpuc("compile", FASHION, "-o", tmp_path / "a.kmodel", "--cpu", "aarch64").output
    assert "kmodel v7 for cpu, machine code for aarch64\n" in said
    assert "machine code" not in kpuc("compile", FASHION, "-o", tmp_path / "a.kmodel", "--target", "k230").output


def test_dump_ir_writes_a_file_for_each_pass_that_changed_something(kpuc, tmp_path):
    kpuc("compile", FASHION, "-o", tmp_path / "a.kmodel", "--dump-ir", tmp_path / "ir")
    names = sorted(path.name for path in (tmp_path / "ir").iterdir())
    assert names[0] == "000_import.mlir"
    assert any("nn-fuse-convolutions" in name for name in names)


def test_a_range_of_sizes(kpuc, tmp_path):
    writer = OnnxWriter(0)
    (tmp_path / "net.onnx").write_bytes(writer.model(writer.op("Relu", writer.dense(writer.input("rows", 5), 5, 3))))
    asked = ("compile", tmp_path / "net.onnx", "-o", tmp_path / "net.kmodel", "--dim", "rows=2:9")
    said = kpuc(*asked, "--segments", 3, "--dump-ir", tmp_path / "ir").output
    assert "  input   x0: float32 [?, 5]\n" in said
    assert [line for line in said.splitlines() if "segment" in line] == [
        f"  segment rows up to {size}" for size in (4, 6, 9)
    ]
    folders = sorted(path.name for path in (tmp_path / "ir").iterdir() if path.is_dir())
    assert folders == ["rows=4", "rows=6", "rows=9"]
    assert all((tmp_path / "ir" / folder / "000_import.mlir").exists() for folder in folders)
    described = json.loads(kpuc("inspect", tmp_path / "net.kmodel", "--json").output)
    assert (described["dims"], described["ranges"]) == ({"x0": ["rows", ""]}, {"rows": [2, 9]})
    for rows in (3, 9):
        np.save(tmp_path / "in.npy", np.ones((rows, 5), np.float32))
        done = kpuc("run", tmp_path / "net.kmodel", "--input", tmp_path / "in.npy", "--output", tmp_path / "out.npz")
        assert done.exit_code == 0, done.output
        assert next(iter(np.load(tmp_path / "out.npz").values())).shape == (rows, 3)
    np.save(tmp_path / "in.npy", np.ones((10, 5), np.float32))
    done = kpuc("run", tmp_path / "net.kmodel", "--input", tmp_path / "in.npy", "--output", tmp_path / "out.npz")
    assert done.exit_code == 1 and "'rows' must be from 2 to 9" in done.output
    assert "neither NAME=N nor NAME=MIN:MAX" in kpuc(*asked[:-1], "rows=2-9").output


def test_run_computes_what_onnxruntime_computes(kpuc, kmodel, tmp_path):
    array = np.random.default_rng(0).random((1, 1, 28, 28), dtype=np.float32)
    np.savez(tmp_path / "in.npz", input=array)
    np.save(tmp_path / "in.npy", array)
    array.tofile(tmp_path / "in.raw")
    expected = onnxruntime.InferenceSession(str(FASHION)).run(None, {"input": array})[0]
    for name in ("in.npz", "in.npy", "in.raw"):
        done = kpuc("run", kmodel, "--input", tmp_path / name, "--output", tmp_path / "out.npz")
        assert done.exit_code == 0, done.output
        np.testing.assert_allclose(np.load(tmp_path / "out.npz")["logits"], expected, rtol=1e-4, atol=1e-4)


def test_machine_code_can_be_forbidden(kpuc, tmp_path):
    path = tmp_path / "native.kmodel"
    path.write_bytes(network_kmodel(host().name))
    np.savez(tmp_path / "in.npz", **dict(zip("xy", network_inputs(), strict=True)))
    command = ["run", path, "--input", tmp_path / "in.npz", "--output", tmp_path / "out.npz", "--threads", 2]
    refused = kpuc(*command, "--no-trust")
    assert refused.exit_code == 1 and "error[K0508]" in refused.output
    assert not (tmp_path / "out.npz").exists()
    assert kpuc(*command).exit_code == 0
    np.testing.assert_allclose(np.load(tmp_path / "out.npz")["sums"], network_result(*network_inputs()), rtol=1e-5)


def test_states_start_with_their_first_values(kpuc, tmp_path):
    """The running sum of a TFLite network's input."""
    (tmp_path / "sum.tflite").write_bytes(write(*accumulator(np.float32([10, 20, 30]))))
    assert kpuc("compile", tmp_path / "sum.tflite", "-o", tmp_path / "sum.kmodel").exit_code == 0
    assert json.loads(kpuc("inspect", tmp_path / "sum.kmodel", "--json").output)["states"] == ["total"]
    np.save(tmp_path / "x.npy", np.float32([1, 2, 3]))
    run = ("run", tmp_path / "sum.kmodel", "--output", tmp_path / "out.npz", "--input")
    assert kpuc(*run, tmp_path / "x.npy").exit_code == 0
    first = dict(np.load(tmp_path / "out.npz"))
    assert {name: list(array) for name, array in first.items()} == {"after": [11, 22, 33], "total": [11, 22, 33]}
    np.savez(tmp_path / "next.npz", x=np.float32([1, 2, 3]), total=first["total"])
    assert kpuc(*run, tmp_path / "next.npz").exit_code == 0
    assert list(np.load(tmp_path / "out.npz")["after"]) == [12, 24, 36]


def test_run_takes_images(kpuc, kmodel, tmp_path):
    Image.new("RGB", (56, 56), (255, 255, 255)).save(tmp_path / "white.png")
    done = kpuc("run", kmodel, "--input", tmp_path / "white.png", "--output", tmp_path / "out.npz", "--json")
    assert json.loads(done.output)["outputs"] == [{"name": "logits", "dtype": "float32", "shape": [1, 10]}]
    expected = onnxruntime.InferenceSession(str(FASHION)).run(None, {"input": np.ones((1, 1, 28, 28), np.float32)})[0]
    np.testing.assert_allclose(np.load(tmp_path / "out.npz")["logits"], expected, rtol=1e-4, atol=1e-4)


def test_inspect_shows_the_code(kpuc, kmodel):
    text = kpuc("inspect", kmodel).output
    assert "TENSOR.conv2d" in text
    assert json.loads(kpuc("inspect", kmodel, "--json").output)["version"] == 7


def test_ops_lists_operators_and_targets(kpuc):
    tables = json.loads(kpuc("ops", "--json").output)
    assert any(row["operator"] == "Conv" for row in tables["onnx"])
    assert all(row["k230"] for row in json.loads(kpuc("ops", "--target", "k230", "--json").output)["targets"])


def test_doctor_finds_everything(kpuc):
    assert kpuc("doctor").exit_code == 0
    assert all(row["ok"] for row in json.loads(kpuc("doctor", "--json").output))


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("compile", "nosuch.onnx", "-o", "x"), "K0100"),
        (("compile", __file__, "-o", "x"), "K0101"),
        (("compile", FASHION, "-o", "x", "--target", "z80"), "K0701"),
        (("compile", FASHION, "-o", "x", "--target", "k230", "--kmodel", "5"), "K0703"),
        (("compile", FASHION, "-o", "x", "--runtime", "1.9"), "K0704"),
        (("compile", FASHION, "-o", "/nosuch/x"), "K0705"),
        (("compile", FASHION, "-o", "x", "--shape", "inputt=1,1,28,28"), "K0105"),
        (("compile", FASHION, "-o", "x", "--shape", "input=1,1,32,32"), "K0105"),
        (("compile", FASHION, "-o", "x", "--dim", "batch=1"), "K0105"),
        (("compile", FASHION, "-o", "x", "--quant", "u4"), "K0720"),
        (("run", FASHION, "--input", "x.npy", "--output", "y"), "K0403"),
        (("inspect", "nosuch.kmodel"), "K0403"),
        (("ops", "--target", "z80"), "K0701"),
    ],
)
def test_mistakes_are_sentences(kpuc, tmp_path, monkeypatch, arguments, code):
    monkeypatch.chdir(tmp_path)
    done = kpuc(*arguments)
    assert done.exit_code == 1
    assert f"error[{code}]" in done.output
    assert list(tmp_path.iterdir()) == [], "a half-written file is left"


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("a.npz", b"PK\x03\x04 no archive", "a.npz: cannot be read: File is not a zip file"),
        ("a.npz", None, "a.npz: cannot be read: No such file or directory"),
        ("a.npy", b"\x93NUMPY", "a.npy: cannot be read: "),
        ("a.png", b"no image", "a.png: is not an image: "),
        ("a.png", None, "a.png: cannot be read: No such file or directory"),
        ("a.bin", b"12345678", "a.bin: 2 elements do not fit input: float32 [1, 1, 28, 28]"),
    ],
)
def test_input_files_that_cannot_be_read(kpuc, kmodel, tmp_path, name, content, sentence):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    done = kpuc("run", kmodel, "--input", tmp_path / name, "--output", tmp_path / "out.npz")
    assert done.exit_code == 1
    assert done.output.startswith(f"error[K0706] {tmp_path}/{sentence}")
    assert not (tmp_path / "out.npz").exists()


def test_errors_in_kmodels_name_the_file(kpuc, kmodel, tmp_path):
    path = tmp_path / "cut.kmodel"
    path.write_bytes(kmodel.read_bytes()[:100])
    for arguments in (["inspect", path], ["run", path, "--input", "x.npy", "--output", tmp_path / "y.npz"]):
        assert "error[K0401] cut.kmodel, byte 32: ModuleHeader" in kpuc(*arguments).output


def test_outputs_of_any_name_are_saved():
    arrays = {"file": np.arange(3), "a/b:0": np.float32(1.5)}
    with np.load(io.BytesIO(npz(arrays))) as saved:
        assert {name: saved[name].tolist() for name in saved.files} == {"file": [0, 1, 2], "a/b:0": 1.5}


def test_devices_are_written_to_and_kept(kpuc):
    assert kpuc("compile", FASHION, "-o", os.devnull).exit_code == 0
    assert not Path(os.devnull).is_file()


@pytest.mark.parametrize("arguments", [("ops",), ("inspect", "{kmodel}"), ("doctor", "--json")], ids=" ".join)
def test_a_reader_that_has_seen_enough(kmodel, arguments):
    command = [sys.executable, "-c", "from kpuc.tools.cli.main import main; main()"]
    command += [argument.format(kmodel=kmodel) for argument in arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        assert process.stderr.read() == b""


def test_open_dimensions(kpuc, tmp_path):
    """A note on standard error; the file then takes inputs of several sizes."""
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", "M"]) for name in "xy"]
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", [values[0]], [values[1]])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    path, kmodel, output = tmp_path / "a.onnx", tmp_path / "a.kmodel", tmp_path / "y.npz"
    path.write_bytes(model.SerializeToString())
    done = kpuc("compile", path, "-o", kmodel, "--dim", "N=?", "--dim", "M=3")
    assert "  input   x: float32 [?, 3]" in done.stdout
    assert "note: dimension 'N' of input 'x' is open: compiled to portable code" in done.stderr
    for rows in (1, 4):
        np.save(tmp_path / "x.npy", -np.ones((rows, 3), np.float32))
        assert (
            f"y: float32 [{rows}, 3]" in kpuc("run", kmodel, "--input", tmp_path / "x.npy", "--output", output).output
        )
    assert "shape: [None, 3]" in kpuc("inspect", kmodel).output
    again = kpuc("compile", path, "-o", kmodel, "--shape", "x=?,3", "--json")
    assert json.loads(again.stdout)["notes"] == [done.stderr.removeprefix("note: ").strip()]
    assert "note" not in kpuc("compile", path, "-o", kmodel, "--dim", "N=2", "--dim", "M=3").stderr
