"""Calibration data and ranges as a user gives them, with real files; a target's table says what is quantised."""

import io
import json
import re
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from click.testing import CliRunner
from networks import SHIPPED
from PIL import Image
from rich.progress import Progress
from vendor import run_in_vendor_runtime

import kpuc
from kpuc.dialects import mlir
from kpuc.errors import OptionError, PassError
from kpuc.frontends.onnx import import_onnx
from kpuc.passes.pipeline import parse_pipeline
from kpuc.passes.quant.calibration import Calibration, named_values
from kpuc.passes.quant.methods import METHODS
from kpuc.pipelines import PIPELINE
from kpuc.tools.cli.compile import compile_file
from kpuc.tools.cli.main import cli

FASHION = SHIPPED / "fashion_dscnn.onnx"
SPEECH = SHIPPED / "fsdd_kws_dscnn.onnx"
IMAGES = np.random.default_rng(0).random((6, 1, 28, 28), np.float32)
BYTES = np.random.default_rng(0).integers(0, 256, (6, 28, 28, 1), np.uint8)
CAMERA = {"input_type": "uint8", "input_layout": "NHWC", "mean": 127.5, "std": 127.5}


@pytest.fixture
def command(tmp_path, monkeypatch):
    """Compiles for k230 from the command line, in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments, model=FASHION):
        command = ["compile", str(model), "-o", "a.kmodel", "--target", "k230", *map(str, arguments)]
        return CliRunner().invoke(cli, command, catch_exceptions=False)

    return run


def compiled(data, target="k230", **given):
    return kpuc.compile(FASHION, target=target, calibration=data, **given)


class TestCompile:
    def test_ranges_are_stated_on_the_float_network_before_the_targets_own_passes(self, tmp_path):
        kmodel = compiled(IMAGES, calibration_method="minmax", dump_ir=tmp_path)
        files = sorted(tmp_path.iterdir())
        place = next(i for i, path in enumerate(files) if path.name.endswith("_calibrate.mlir"))
        before, text = (path.read_text() for path in files[place - 1 : place + 1])
        low, high = re.search(r"nn\.range = array<f64: (\S+), (\S+)>", text).groups()
        assert (np.float32(low), np.float32(high)) == (IMAGES.min(), IMAGES.max())
        assert text.count("nn.ranges = ") == len(re.findall(r'"nn\.(?!constant)', text))
        assert "nn.range" not in before
        with mlir.context():
            module = import_onnx(FASHION)
            parse_pipeline(PIPELINE).run(module)
            assert [name for name, _ in named_values(module)] == list(kmodel.calibration.ranges)

    @pytest.mark.parametrize("method", METHODS)
    def test_methods(self, method):
        kmodel = compiled(IMAGES, calibration_method=method)
        assert kmodel.calibration.samples == 6
        assert kmodel.calibration.estimator.startswith(method)
        assert kmodel.report["calibration"] == {"estimator": kmodel.calibration.estimator, "samples": 6}
        assert kmodel.report["quant"] == "u8"

    def test_synonyms(self):
        assert compiled(IMAGES, calibration_method="NoClip").calibration.estimator == "minmax"

    @pytest.mark.parametrize("method", ["l2", "", "mse 1.5", None, 3])
    def test_unknown_methods(self, method):
        with pytest.raises(OptionError, match=f"no calibration method '{method}'; there are: {', '.join(METHODS)}"):
            compiled(IMAGES, calibration_method=method)

    def test_all_forms_of_data_give_the_same_ranges(self, tmp_path):
        np.save(tmp_path / "a.npy", IMAGES)
        np.savez(tmp_path / "a.npz", input=IMAGES[:, None], labels=np.arange(6))
        forms = (
            IMAGES,
            {"input": IMAGES},
            [{"input": one[None]} for one in IMAGES],
            ({"input": one[None]} for one in IMAGES),
            tmp_path / "a.npy",
            str(tmp_path / "a.npz"),
        )
        found = [compiled(form).calibration for form in forms]
        assert all(one == found[0] for one in found)

    def test_samples_are_what_goes_into_the_kmodel(self):
        """With preprocessing in the model, bytes give the ranges that the numbers they stand for give."""
        given = compiled(BYTES, **CAMERA, calibration_method="minmax").calibration.ranges
        images = ((BYTES.astype(np.float32) - 127.5) / 127.5).transpose(0, 3, 1, 2)
        plain = compiled(images, calibration_method="minmax").calibration.ranges
        shared = [name for name in plain if name in given]
        assert len(shared) >= len(plain) - 1
        for name in shared:
            np.testing.assert_allclose(given[name], plain[name], rtol=1e-4, atol=1e-4)
        assert "input input" not in given  # bytes have no range

    def test_a_folder_of_images_with_preprocessing(self, tmp_path):
        for number, image in enumerate(BYTES):
            Image.fromarray(image[..., 0]).save(tmp_path / f"{number}.png")
        assert compiled(tmp_path, **CAMERA).calibration == compiled(BYTES, **CAMERA).calibration

    def test_progress(self):
        seen = []
        compiled(IMAGES, calibration_method="mse", progress=lambda *state: seen.append(state))
        assert seen == [(n, 6) for n in range(1, 7)]

    def test_ranges_of_a_file_are_those_that_were_measured(self, tmp_path):
        measured = compiled(IMAGES).calibration
        measured.save(tmp_path / "r.json")
        again = kpuc.compile(FASHION, target="k230", ranges=tmp_path / "r.json")
        assert again.calibration == measured
        with pytest.raises(PassError, match=r"K0718.*measured on another network"):
            kpuc.compile(SPEECH, target="k230", ranges=tmp_path / "r.json")
        with pytest.raises(PassError, match="K0718"):
            kpuc.compile(FASHION, target="k230", ranges=tmp_path / "r.json", **CAMERA)

    def test_it_is_the_same_every_time(self):
        one, other = compiled(IMAGES), compiled(IMAGES)
        assert (one.calibration, one.data) == (other.calibration, other.data)

    def test_float_is_the_default_and_can_be_asked_for(self):
        for given in ({}, {"quant": "none"}):
            kmodel = kpuc.compile(FASHION, target="k230", **given)
            assert (kmodel.report["quant"], kmodel.calibration) == ("none", None)
        assert compiled(IMAGES, quant="i8").report["quant"] == "i8"


class TestCommand:
    def test_calibrate_save_and_load(self, command, tmp_path):
        np.savez("a.npz", input=IMAGES)
        done = command("--calibration", "a.npz", "--calibration-method", "percentile", "--save-ranges", "r.json")
        assert done.exit_code == 0, done.output
        assert "ranges  percentile, 6 samples" in done.output
        assert Calibration.load("r.json").estimator == "percentile"
        done = command("--ranges", "r.json", "--json")
        assert json.loads(done.output)["calibration"] == {"estimator": "percentile", "samples": 6}

    def test_the_help_lists_the_methods(self, command):
        text = " ".join(command("--help").output.split()).replace("- ", "-")
        assert all(method in text for method in METHODS)

    @pytest.mark.parametrize(
        ("array", "code", "text"),
        [
            (IMAGES.astype(np.float64), "K0712", "sample 0: input 'input' is of type float64, expected float32"),
            (BYTES, "K0712", "is of type uint8, expected float32"),
            (IMAGES[:, :, :14], "K0712", "is of shape [1, 1, 14, 28], expected [1, 1, 28, 28]"),
            (IMAGES[0, 0], "K0712", "the array is of shape [28, 28], expected samples of [1, 1, 28, 28]"),
            (np.where(IMAGES > 0.999, np.nan, IMAGES), "K0713", "input 'input' is nan at"),
            (np.full_like(IMAGES, 0.5), "K0713", "input 'input' is 0.5 in every element of all 6 samples"),
            (IMAGES[:0], "K0714", "there is no sample"),
            (np.array(["a", "b"]), "K0712", "is of shape [2], expected samples"),
        ],
    )
    @pytest.mark.parametrize("suffix", ["npz", "npy"])
    def test_arrays_that_do_not_fit(self, command, tmp_path, suffix, array, code, text):
        if suffix == "npz":
            np.savez("a.npz", input=array)
        else:
            np.save("a.npy", array)
        done = command("--calibration", f"a.{suffix}")
        assert done.exit_code == 1
        assert f"error[{code}] a.{suffix}" in done.output
        assert text in done.output
        assert "help" in done.output or code == "K0714"
        assert [path.name for path in tmp_path.iterdir()] == [f"a.{suffix}"]

    @pytest.mark.parametrize(
        ("arguments", "code", "text"),
        [
            (("--calibration", "none.npz"), "K0710", "cannot be read: No such file"),
            (("--calibration", "nowhere"), "K0710", "does not exist"),
            (("--calibration", "text.npz"), "K0710", "cannot be read"),
            (("--calibration", "text.json"), "K0710", "is neither an .npz nor an .npy file"),
            (("--calibration", "empty"), "K0714", "there is no image in the folder"),
            (("--calibration", "other.npz"), "K0711", "there are arrays for: photo"),
            (("--calibration", "counts.npz"), "K0713", "is 0.0 in every element of all 1 samples"),
            (("--ranges", "none.json"), "K0717", "No such file"),
            (("--ranges", "text.json"), "K0717", "is not JSON"),
            (("--ranges", "text.json", "--calibration", "counts.npz"), "K0721", "ranges are given, and calibration"),
            (("--calibration", "counts.npz", "--calibration-method", "l2"), "K0719", ", ".join(METHODS)),
            (("--calibration-method", "kld"), "K0721", "no calibration data"),
            (("--calibration", "counts.npz", "--quant", "none"), "K0721", "nothing shall be quantised"),
            (("--quant", "u8"), "K0721", "needs calibration data"),
            (("--calibration", "counts.npz", "--quant", "f8"), "K0720", "f8 for target k230, only to u8, i8, i16"),
            (("--save-ranges", "r.json"), "K0721", "without calibration data"),
            (("--ranges", "text.json", "--save-ranges", "r.json"), "K0721", "without calibration data"),
            (("--calibration", "good.npz", "--save-ranges", "no/r.json"), "K0705", "cannot be written"),
        ],
    )
    def test_mistakes_are_sentences(self, command, tmp_path, arguments, code, text):
        (tmp_path / "empty").mkdir()
        for name in ("text.npz", "text.json"):
            (tmp_path / name).write_text("no data")
        np.savez("other.npz", photo=IMAGES)
        np.savez("counts.npz", input=np.zeros((1, 1, 28, 28), np.float32))
        np.savez("good.npz", input=IMAGES)
        files = sorted(tmp_path.iterdir())
        done = command(*arguments)
        assert done.exit_code == 1
        assert f"error[{code}]" in done.output
        assert text in done.output
        assert sorted(tmp_path.iterdir()) == files, "a half-written file is left"

    @pytest.mark.parametrize(("terminal", "as_json"), [(True, False), (True, True), (False, False)])
    def test_only_a_terminal_sees_progress(self, tmp_path, monkeypatch, terminal, as_json):
        stream = io.StringIO()
        stream.isatty = lambda: terminal
        steps = []
        monkeypatch.setattr(sys, "stderr", stream)
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setattr(Progress, "update", lambda self, task, **state: steps.append(state))
        output = tmp_path / "a.kmodel"
        options = {"target": "k230", "calibration": IMAGES, "calibration_method": "mse"}
        compile_file(str(FASHION), str(output), report=None, as_json=as_json, save_ranges=None, **options)
        assert output.exists()
        if terminal and not as_json:
            assert "compiling fashion_dscnn.onnx for k230" in stream.getvalue()
            assert [s["completed"] for s in steps if "completed" in s] == [1, 2, 3, 4, 5, 6]
        else:
            assert (stream.getvalue(), steps) == ("", [])


class TestTypes:
    """Targets that compute in floating point do so with the numbers that integers stand for."""

    def decibels(self, exact, kmodel):
        got = np.concatenate([kpuc.Simulator(kmodel).run(image[None])["logits"] for image in IMAGES])
        return 10 * np.log10((exact**2).sum() / ((got - exact) ** 2).sum())

    @pytest.fixture(scope="class")
    @classmethod
    def exact(cls):
        session = onnxruntime.InferenceSession(FASHION)
        return np.concatenate([session.run(None, {"input": image[None]})[0] for image in IMAGES])

    @pytest.mark.parametrize("target", ["cpu", "k230", "k510"])
    def test_wider_types_are_more_exact(self, exact, target):
        found = []
        for quant, weights in (("u8", "i8"), ("i8", "i16"), ("i16", "i16")):
            kmodel = compiled(IMAGES, target, quant=quant, quant_weights=weights, calibration_method="minmax")
            assert kmodel.report["quant"] == quant
            found.append(self.decibels(exact, kmodel))
        assert 20 < found[0] < found[1] - 5 < 40
        assert found[2] > 70

    def test_the_vendors_runtime_computes_the_same(self):
        kmodel = compiled(IMAGES, quant="u8", calibration_method="minmax")
        (theirs,) = run_in_vendor_runtime([(kmodel.data, [IMAGES[:1]], 1)])[0]
        (ours,) = kpuc.Simulator(kmodel).run(IMAGES[:1]).values()
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5)

    def test_the_command(self, command):
        np.save("a.npy", IMAGES)
        done = command("--calibration", "a.npy", "--quant", "i16", "--quant-weights", "i16", "--dump-asm", "asm")
        assert done.exit_code == 0, done.output
        assert Path("a.kmodel").read_bytes() == compiled(IMAGES, quant="i16", quant_weights="i16").data
        assert "TENSOR.quantize" in Path("asm/kmodel.asm").read_text()

    def test_portable_code_for_cpus_rounds_as_machine_code_does(self):
        outputs = []
        for portable in (False, True):
            kmodel = compiled(IMAGES, "cpu", quant="u8", calibration_method="minmax", portable=portable)
            outputs.append(np.concatenate([kpuc.Simulator(kmodel).run(image[None])["logits"] for image in IMAGES]))
        assert np.abs(outputs[0] - outputs[1]).max() < 0.02 * np.abs(outputs[0]).max()

    @pytest.mark.parametrize(
        ("given", "text"),
        [
            ({"quant": "i8"}, "networks cannot be quantised to i8 for target k210, only to u8"),
            ({"quant_weights": "i16"}, "weights cannot be quantised to i16 for target k210, only to u8"),
        ],
    )
    def test_types_that_a_chip_has_not(self, given, text):
        with pytest.raises(OptionError, match=text) as caught:
            compiled(IMAGES, "k210", **given)
        assert caught.value.code == "K0720"
        assert "targets that can: cpu" in caught.value.remedy
