"""The effect of each field of PTQTensorOptions and its kin: the test of a field is called after it."""

import csv
import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import numpy_helper
from onnx_writer import OnnxWriter
from scripts import DATA, scheme_samples
from sensitive import MODEL, NET

import kpuc
import kpuc.nncase as nncase
from kpuc.errors import KpucError, OptionError
from kpuc.lowering import is_tflite
from kpuc.nncase.field import NoEffectWarning
from kpuc.passes.quant.calibration import Calibration

RANDOM = np.random.default_rng(5)
ROWS = [RANDOM.standard_normal((1, 3, 8, 8)).astype(np.float32) for _ in range(6)]
OUTLIERS = [np.where(np.arange(192).reshape(1, 3, 8, 8) == 7, np.float32(40), row) for row in ROWS]


def options(*rows, **fields):
    """Options with samples, a row an input; those above unless others are given."""
    ptq = nncase.PTQTensorOptions()
    for name, value in fields.items():
        setattr(ptq, name, value)
    if not fields.get("quant_scheme"):
        rows = rows or (ROWS,)
        ptq.samples_count = len(rows[0])
        ptq.set_tensor_data([list(row) for row in rows])
    return ptq


def scheme():
    """The scheme in the folder, its entries by name."""
    content = json.loads(Path("tmp/QuantScheme.json").read_text())
    assert (content["Version"], content["Model"]) == ("1.0", None)
    return {entry["Name"]: entry for entry in content["Outputs"]}


def ranges(build, target="k210", **fields):
    """The ranges that a network is calibrated to."""
    build("image.onnx", options(OUTLIERS, **fields), target=target, dump_ir=True)
    return Calibration.load("tmp/ranges.json").ranges


@pytest.mark.parametrize("target", ["cpu", "k230", "k510"])
@pytest.mark.parametrize("kind", ["uint8", "int8", "int16"])
def test_quant_type(build, run, target, kind):
    """It changes what runs."""
    ptq = options(quant_type=kind, w_quant_type="int16", calibrate_method="NoClip")
    simulator = build("image.onnx", ptq, target=target, dump_ir=True)
    (text,) = [path.read_text() for path in Path("tmp").glob("*_nn-quantize.mlir")]
    assert {"uint8": "!quant.uniform<u8", "int8": "!quant.uniform<i8", "int16": "!quant.uniform<i16"}[kind] in text
    (exact,), (got,) = run(build("image.onnx", target=target), ROWS[0]), run(simulator, ROWS[0])
    error = np.abs(got - exact).max()
    assert 0 < error < (2e-4 if kind == "int16" else 0.05)


@pytest.mark.parametrize("kind", ["int8", "int16"])
def test_quant_types_that_a_target_has_not(build, kind):
    with pytest.raises(OptionError, match=r"networks cannot be quantised to i\d+ for target k210, only to u8"):
        build("image.onnx", options(quant_type=kind), target="k210")


@pytest.mark.parametrize("target", ["cpu", "k230", "k510"])
def test_w_quant_type(build, run, target):
    (exact,) = run(build("image.onnx"), ROWS[0])
    errors = []
    for kind in ("uint8", "int8", "int16"):
        ptq = options(quant_type="int16", w_quant_type=kind, calibrate_method="NoClip")
        errors.append(np.abs(run(build("image.onnx", ptq, target=target), ROWS[0])[0] - exact).max())
    assert errors[0] == errors[1] > errors[2] * 10 > 0


def test_w_quant_types_that_a_target_has_not(build):
    with pytest.raises(OptionError, match="weights cannot be quantised to i16 for target k210, only to u8"):
        build("image.onnx", options(w_quant_type="int16"), target="k210")


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("NoClip", "minmax"),
        ("no_clip", "minmax"),
        ("Kld", "kld"),
        ("kld_m0", "kld"),
        ("l2", "mse"),
        ("cdf", "percentile"),
    ],
)
def test_calibrate_method(build, theirs, ours):
    build("image.onnx", options(OUTLIERS, calibrate_method=theirs), target="k210", dump_ir=True)
    found = Calibration.load("tmp/ranges.json")
    data = np.concatenate(OUTLIERS)
    expected = kpuc.compile(DATA / "image.onnx", "k210", calibration=data, calibration_method=ours).calibration
    assert found == expected
    assert found.estimator == ours


def test_calibrate_method_by_default(build):
    assert nncase.PTQTensorOptions().calibrate_method == "Kld"
    found = ranges(build)
    assert found == ranges(build, calibrate_method="Kld")
    assert found["input x0"].high < 40 == ranges(build, calibrate_method="NoClip")["input x0"].high


def test_samples_count(build):
    ptq = options()
    ptq.samples_count = 5
    with pytest.raises(OptionError, match="holds 1 inputs with 6 samples, expected 1 with samples_count = 5"):
        build("image.onnx", ptq, target="k210")
    assert nncase.PTQTensorOptions().samples_count == 5


class TestSamples:
    def calibrated(self, build, data, count, network="image.onnx"):
        ptq = nncase.PTQTensorOptions()
        ptq.samples_count = count
        ptq.calibrate_method = "NoClip"
        ptq.set_tensor_data(data)
        build(network, ptq, target="k210", dump_ir=True)
        return Calibration.load("tmp/ranges.json").ranges

    def test_all_forms_for_one_input(self, build):
        """The guide's arrays have samples outside, the reference has inputs outside; 1.9 has bytes."""
        forms = ([ROWS], [[row] for row in ROWS], np.array([[row] for row in ROWS]), np.concatenate(ROWS).tobytes())
        found = [self.calibrated(build, form, 6) for form in forms]
        assert all(one == found[0] for one in found)
        assert found[0]["input x0"].high == max(row.max() for row in ROWS)

    @pytest.mark.parametrize("form", ["lists", "bytes"])
    def test_two_inputs(self, build, form):
        """The outer index is the input; in bytes, all samples of one input come before those of the next."""
        first = [row[:, :, :6, :6].copy() for row in ROWS]
        second = [row * 10 for row in first]
        data = [first, second] if form == "lists" else np.array([first, second]).tobytes()
        found = self.calibrated(build, data, 6, "two_inputs.onnx")
        assert found["input x0"].high == max(row.max() for row in first)
        assert found["input x1"].high == max(row.max() for row in second)

    def test_samples_outside_are_refused_for_two_inputs(self, build):
        rows = [[row[:, :, :6, :6]] * 2 for row in ROWS]
        with pytest.raises(OptionError, match=r"holds 6 inputs with 2, .*\n.*the outer index is the input"):
            self.calibrated(build, rows, 6, "two_inputs.onnx")

    @pytest.mark.parametrize(
        ("data", "text"),
        [
            (ROWS[0].tobytes(), "is 768 bytes, expected 1536: samples_count = 2 for x0: float32"),
            ([[ROWS[0].astype(np.float64), ROWS[1]]], "is of type float64, expected float32"),
            ([[ROWS[0][:, :2], ROWS[1]]], r"is of shape \[1, 2, 8, 8\], expected \[1, 3, 8, 8\]"),
            ([], "no samples are given"),
            (3, "is of type int"),
            ([3], "holds in place 0 what is no list of arrays"),
            ([["a"]], "holds in place 0 what is no list of arrays"),
        ],
    )
    def test_mistakes(self, build, data, text):
        with pytest.raises(KpucError, match=text):
            self.calibrated(build, data, 2)

    def test_samples_are_what_goes_in(self, build):
        """Bytes, where preprocessing makes numbers of them."""
        ptq = options([RANDOM.integers(0, 256, (1, 8, 8, 3)).astype(np.uint8) for _ in range(3)])
        fields = {"preprocess": True, "input_type": "uint8", "input_layout": "NHWC", "input_range": [0, 1]}
        build("image.onnx", ptq, target="k210", **fields)
        with pytest.raises(KpucError, match="is of type float32, expected uint8"):
            build("image.onnx", options(), target="k210", **fields)


def test_export_quant_scheme(build):
    """By the names of the network's file, from which ranges are measured here."""
    build("image.onnx", options(export_quant_scheme=True, calibrate_method="NoClip"), target="k210")
    found = scheme()
    assert set(found) == {"x0", "v1", "v2", "v3", "c0"}
    low, high = min(row.min() for row in ROWS), max(row.max() for row in ROWS)
    assert found["x0"] == {
        "Name": "x0",
        "DataType": "u8",
        "DataRange": [{"Min": float(low), "Max": float(high), "IsFull": False}],
        "DataRangeMode": "by_tensor",
    }
    build("image.onnx", options(), target="k210", dump_dir="other")
    assert not Path("other/QuantScheme.json").exists()


def test_export_weight_range_by_channel(build):
    for by_channel, count in ((False, 1), (True, 4)):
        ptq = options(export_quant_scheme=True, export_weight_range_by_channel=by_channel)
        build("image.onnx", ptq, target="k210")
        assert len(scheme()["c0"]["DataRange"]) == count
    assert scheme()["c0"]["DataRangeMode"] == "by_channel"
    assert scheme()["c0"]["DataType"] == "u8"
    build("image.onnx", options(export_quant_scheme=True, w_quant_type="int16", quant_type="int8"), target="cpu")
    assert (scheme()["c0"]["DataType"], scheme()["x0"]["DataType"]) == ("i16", "i8")


def test_quant_scheme(build, run):
    """Export, edit, import: the ranges are those of the file."""
    measured = run(build("image.onnx", options(export_quant_scheme=True), target="k210"), ROWS[0])[0]
    path = Path("tmp/QuantScheme.json")
    again = options(quant_scheme=path)
    again.set_tensor_data([])
    np.testing.assert_array_equal(run(build("image.onnx", again, target="k210"), ROWS[0])[0], measured)
    content = json.loads(path.read_text())
    for entry in content["Outputs"]:
        if entry["Name"] == "x0":
            entry["DataRange"] = [{"Min": -0.25, "Max": 0.25, "IsFull": False}]
    path.write_text(json.dumps(content))
    edited = run(build("image.onnx", options(quant_scheme=path), target="k210"), ROWS[0])[0]
    exact = run(build("image.onnx"), ROWS[0].clip(-0.25, 0.25))[0]
    assert np.abs(edited - exact).max() < 0.02 < np.abs(measured - exact).max()


def test_the_vendors_scheme(build, run):
    """Its file and ours name the same tensors, with the same ranges; it can be read."""
    samples = scheme_samples()
    fields = {"calibrate_method": "NoClip", "export_quant_scheme": True, "export_weight_range_by_channel": True}
    measured = run(build("image.onnx", options(samples, **fields), target="k210"), samples[0])[0]
    mine, kept = scheme(), DATA / "image.QuantScheme.json"
    theirs = {entry["Name"]: entry for entry in json.loads(kept.read_text())["Outputs"]}
    assert set(theirs) <= set(mine)
    for name, entry in theirs.items():
        assert entry.keys() == mine[name].keys()
        assert entry["DataRangeMode"] == mine[name]["DataRangeMode"]
        for one, other in zip(entry["DataRange"], mine[name]["DataRange"], strict=True):
            assert (one["Min"], one["Max"]) == pytest.approx((other["Min"], other["Max"]), rel=1e-5, abs=1e-6)
    (got,) = run(build("image.onnx", options(quant_scheme=kept), target="k210"), samples[0])
    np.testing.assert_allclose(got, measured, atol=0.01)


def test_values_of_a_scheme_that_stay_real(build, run):
    """f32 for all values that something reads as integers: a float network; on the K210 the host computes it."""
    build("image.onnx", options(export_quant_scheme=True), target="cpu")
    path = Path("tmp/QuantScheme.json")
    content = json.loads(path.read_text())
    for entry in content["Outputs"]:
        if entry["Name"] in ("x0", "v1"):
            entry["DataType"] = "f32"
    path.write_text(json.dumps(content))
    (got,) = run(build("image.onnx", options(quant_scheme=path), target="cpu"), ROWS[0])
    np.testing.assert_allclose(got, run(build("image.onnx"), ROWS[0])[0], rtol=1e-5, atol=1e-5)
    (got,) = run(build("image.onnx", options(quant_scheme=path), target="k210"), ROWS[0])
    np.testing.assert_allclose(got, run(build("image.onnx"), ROWS[0])[0], rtol=1e-5, atol=1e-5)


def edited(**kinds):
    """The scheme in the folder with other types of some values."""
    return rewritten(lambda entry: entry | {"DataType": kinds.get(entry["Name"], entry["DataType"])})


def rewritten(change):
    """The scheme in the folder, each of its entries changed."""
    path = Path("tmp/QuantScheme.json")
    content = json.loads(path.read_text())
    content["Outputs"] = [change(entry) for entry in content["Outputs"]]
    path.write_text(json.dumps(content))
    return path


def narrowed(name, factors):
    """The scheme in the folder, the ranges of one weight multiplied with factors, one a channel."""

    def change(entry):
        if entry["Name"] != name:
            return entry
        rows = zip(entry["DataRange"], np.broadcast_to(factors, len(entry["DataRange"])), strict=True)
        return entry | {"DataRange": [{"Min": row["Min"] * by, "Max": row["Max"] * by} for row, by in rows]}

    return rewritten(change)


WEIGHTS = {"export_quant_scheme": True, "export_weight_range_by_channel": True, "calibrate_method": "NoClip"}


class TestWeightsOfAScheme:
    """What entries of weights do: test_export_weight_range_by_channel."""

    def cut(self, factors):
        """What the network computes if weights are cut off at a part of each channel's largest."""
        model = onnx.load(DATA / "image.onnx")
        (stored,) = [one for one in model.graph.initializer if one.name == "c0"]
        weight = numpy_helper.to_array(stored)
        limits = np.abs(weight).max(axis=(1, 2, 3), keepdims=True) * np.reshape(factors, (-1, 1, 1, 1))
        stored.CopyFrom(numpy_helper.from_array(np.clip(weight, -limits, limits).astype(np.float32), "c0"))
        return onnxruntime.InferenceSession(model.SerializeToString()).run(None, {"x0": ROWS[0]})[0]

    @pytest.mark.parametrize("target", ["cpu", "k230", "k510", "k210"])
    @pytest.mark.parametrize("by_channel", [False, True])
    def test_unchanged_they_change_nothing(self, build, run, target, by_channel):
        ptq = options(**WEIGHTS | {"export_weight_range_by_channel": by_channel})
        (measured,) = run(build("image.onnx", ptq, target=target), ROWS[0])
        again = options(quant_scheme="tmp/QuantScheme.json", quant_scheme_strict_mode=True)
        np.testing.assert_array_equal(run(build("image.onnx", again, target=target), ROWS[0])[0], measured)

    @pytest.mark.parametrize("target", ["cpu", "k230", "k510", "k210"])
    def test_a_channel_that_is_cut_off(self, build, run, target):
        """Only its results change, to those of a network with such weights; on k210 all channels share a zero point."""
        (before,) = run(build("image.onnx", options(**WEIGHTS), target=target), ROWS[0])
        factors = np.array([1, 0.25, 1, 1])
        (got,) = run(build("image.onnx", options(quant_scheme=narrowed("c0", factors)), target=target), ROWS[0])
        assert (np.abs(got - before) > (0.005 if target == "k210" else 0)).tolist() == [[False, True, False, False]]
        assert np.abs(got - self.cut(factors)).max() < 0.01 < np.abs(before - self.cut(factors)).max()

    def test_one_range_for_all_channels_is_a_limit(self, build, run):
        build("image.onnx", options(export_quant_scheme=True, calibrate_method="NoClip"))
        (got,) = run(build("image.onnx", options(quant_scheme=narrowed("c0", 0.5))), ROWS[0])
        weight = numpy_helper.to_array(onnx.load(DATA / "image.onnx").graph.initializer[0])
        reach = np.abs(weight).max(axis=(1, 2, 3))
        assert np.abs(got - self.cut(np.minimum(1, reach.max() / 2 / reach))).max() < 0.01

    @pytest.mark.parametrize("target", ["cpu", "k230", "k510"])
    def test_a_wider_range_has_coarser_steps(self, build, run, target):
        fields = {**WEIGHTS, "quant_type": "int16"}
        (exact,) = run(build("image.onnx"), ROWS[0])
        (before,) = run(build("image.onnx", options(**fields), target=target), ROWS[0])
        (got,) = run(build("image.onnx", options(quant_scheme=narrowed("c0", 16)), target=target), ROWS[0])
        assert np.abs(got - exact).max() > 4 * np.abs(before - exact).max()

    def test_their_types(self, build, run):
        """16 bits leave the error of values alone; real ones are the same to four digits."""
        (exact,) = run(build("image.onnx"), ROWS[0])
        build("image.onnx", options(**WEIGHTS, quant_type="int16"))
        errors = []
        for kind in ("u8", "i16", "f32"):
            (got,) = run(build("image.onnx", options(quant_scheme=edited(c0=kind))), ROWS[0])
            errors.append(np.abs(got - exact).max())
        assert errors[0] > 20 * errors[1] > 0
        assert errors[1] == pytest.approx(errors[2], rel=0.5)

    def test_real_ones_are_the_hosts_of_a_k210(self, build, run):
        build("image.onnx", options(**WEIGHTS), target="k210")
        (got,) = run(build("image.onnx", options(quant_scheme=edited(c0="f32")), target="k210"), ROWS[0])
        np.testing.assert_allclose(got, run(build("image.onnx"), ROWS[0])[0], rtol=1e-5, atol=1e-5)
        with pytest.raises(OptionError, match=r"the weight of .* shall have 16 bits, but the KPU computes with 8"):
            build("image.onnx", options(quant_scheme=edited(c0="i16")), target="k210")

    def test_normalisations_that_are_part_of_the_weights(self, build, run):
        """Batch norm scales each channel, one of them with another sign: the file's ranges are those before."""
        net = OnnxWriter(4)
        value = net.conv(net.input(1, 3, 8, 8), 4, (3, 3))
        rows = [np.float32(row) for row in ([2, -0.5, 1, 3], [0, 1, 0, -1], [0, 0.5, 0, 0], [1, 4, 0.25, 2])]
        value = net.op("Relu", net.op("BatchNormalization", value, *map(net.constant, rows)))
        model = net.model(value)
        (before,) = run(build(model, options(**WEIGHTS)), ROWS[0])
        path = Path("tmp/QuantScheme.json")
        np.testing.assert_array_equal(run(build(model, options(quant_scheme=path)), ROWS[0])[0], before)
        factors = np.array([1, 0.5, 1, 1])
        (got,) = run(build(model, options(quant_scheme=narrowed("c0", factors))), ROWS[0])
        assert (got != before).any(axis=(0, 2, 3)).tolist() == [False, True, False, False]

    def test_products_of_matrices(self, build, run):
        """Channels are columns here; those of a transposed matrix are rows."""
        net = OnnxWriter(5)
        hidden = net.op("Relu", net.dense(net.input(4, 6), 6, 5))
        weight = net.constant(np.eye(3, 5, dtype=np.float32) + np.float32(0.3))
        model = net.model(net.op("Gemm", hidden, weight, transB=1))
        rows = net.samples(4)
        samples = [row["x0"] for row in rows]
        (before,) = run(build(model, options(samples, **WEIGHTS)), samples[0])
        assert [len(scheme()[name]["DataRange"]) for name in ("c0", "c2")] == [5, 3]
        (got,) = run(build(model, options(quant_scheme=narrowed("c2", [1, 0.3, 1]))), samples[0])
        assert (got != before).any(axis=0).tolist() == [False, True, False]

    def test_of_a_tflite_network(self, build, run):
        """Kernels there have their channels elsewhere."""
        rows = [RANDOM.standard_normal((1, 6, 5, 3)).astype(np.float32) for _ in range(3)]
        (before,) = run(build("image.tflite", options(rows, **WEIGHTS)), rows[0])
        known = {name: entry for name, entry in scheme().items() if entry["DataRangeMode"] == "by_channel"}
        assert {name: len(entry["DataRange"]) for name, entry in known.items()} == {"w": 4}
        np.testing.assert_array_equal(
            run(build("image.tflite", options(quant_scheme="tmp/QuantScheme.json")), rows[0])[0], before
        )
        (got,) = run(build("image.tflite", options(quant_scheme=narrowed("w", [1, 1, 0.2, 1]))), rows[0])
        assert (got != before).any(axis=(0, 1, 2)).tolist() == [False, False, True, False]

    def test_another_number_of_channels(self, build):
        build("image.onnx", options(**WEIGHTS))
        path = rewritten(lambda entry: entry | {"DataRange": entry["DataRange"][:3]})
        with pytest.raises(OptionError, match="'c0' has 3 ranges, expected 1, or 4, one a channel"):
            build("image.onnx", options(quant_scheme=path))


def test_names_of_a_scheme_that_the_network_has_not(build, run):
    """An error in strict mode; else they are ignored, and the report and a warning say so."""
    (before,) = run(build("image.onnx", options(export_quant_scheme=True)), ROWS[0])
    path = rewritten(lambda entry: entry)
    content = json.loads(path.read_text())
    content["Outputs"].append({"Name": "v11", "DataType": "u8", "DataRange": [{"Min": 0, "Max": 1}]})
    path.write_text(json.dumps(content))
    with pytest.warns(NoEffectWarning, match="the network has no tensor 'v11'"):
        simulator = build("image.onnx", options(quant_scheme=path))
    np.testing.assert_array_equal(run(simulator, ROWS[0])[0], before)
    with pytest.raises(OptionError, match=r"the network has no tensor 'v11'\n.*did you mean 'v1'"):
        build("image.onnx", options(quant_scheme=path, quant_scheme_strict_mode=True))


@pytest.mark.parametrize("target", ["cpu", "k230", "k510"])
def test_types_of_single_values_in_a_scheme(build, run, target):
    """16 bits for the one layer that needs them help; for all layers, they help a lot more."""
    samples = [sample["x0"] for sample in NET.samples(4)]
    (exact,) = run(build(MODEL), samples[0])
    build(MODEL, options(samples, export_quant_scheme=True, calibrate_method="NoClip"), target=target)
    ratios = []
    for names in ((), ("v1", "c1"), ("x0", "c0", "v1", "c1", "v3", "c2", "v5", "c3")):
        again = options(quant_scheme=edited(**dict.fromkeys(names, "i16")), quant_scheme_strict_mode=True)
        ratios.append(decibels(exact, run(build(MODEL, again, target=target), samples[0])[0]))
    assert ratios[0] + 10 < ratios[1] < ratios[2] - 15


def test_types_of_a_scheme_that_are_the_same_numbers(build, run):
    """u8 and i8 differ in where they begin to count."""
    build("image.onnx", options(export_quant_scheme=True), target="k230")
    measured = run(build("image.onnx", options(quant_scheme="tmp/QuantScheme.json"), target="k230"), ROWS[0])[0]
    path = edited(v1="i8")
    np.testing.assert_array_equal(
        run(build("image.onnx", options(quant_scheme=path), target="k230"), ROWS[0])[0], measured
    )


def test_16_bits_in_a_scheme_for_the_k210(build):
    build("image.onnx", options(export_quant_scheme=True), target="k210")
    path = edited(v1="i16")
    with pytest.raises(OptionError, match="shall have 16 bits, but the KPU computes with 8"):
        build("image.onnx", options(quant_scheme=path), target="k210")


@pytest.mark.parametrize("target", ["cpu", "k230", "k210"])
def test_use_mix_quant(build, run, target):
    """A channel that is 60 times the others leaves these few of 8 bits: what reads it keeps more, as does the scheme
    that is exported, and what is compiled with that."""
    samples = [sample["x0"] for sample in NET.samples(8)]
    exact = run(build(MODEL), samples[0])[0]
    fields = {"calibrate_method": "NoClip", "export_quant_scheme": True}
    plain = run(build(MODEL, options(samples, **fields), target=target), samples[0])[0]
    kinds = {name: entry["DataType"] for name, entry in scheme().items()}
    mixed = run(build(MODEL, options(samples, use_mix_quant=True, **fields), target=target), samples[0])[0]
    changed = {name: entry["DataType"] for name, entry in scheme().items() if entry["DataType"] != kinds[name]}
    assert changed == dict.fromkeys(("v1", "c1"), "i16" if target == "k230" else "f32")
    assert decibels(exact, plain) < 20 and decibels(exact, mixed) > 30
    again = options(quant_scheme="tmp/QuantScheme.json", quant_scheme_strict_mode=True)
    np.testing.assert_array_equal(run(build(MODEL, again, target=target), samples[0])[0], mixed)


def test_use_mix_quant_with_a_scheme(build):
    build("image.onnx", options(export_quant_scheme=True), target="k230")
    with pytest.raises(OptionError, match="use_mix_quant needs samples to choose types with"):
        build("image.onnx", options(quant_scheme="tmp/QuantScheme.json", use_mix_quant=True), target="k230")


def decibels(exact, got):
    return 10 * np.log10((exact**2).sum() / ((got - exact) ** 2).sum())


def test_quant_scheme_strict_mode(build):
    build("image.onnx", options(export_quant_scheme=True), target="k210")
    path = Path("tmp/QuantScheme.json")
    content = json.loads(path.read_text())
    content["Outputs"] = [entry for entry in content["Outputs"] if entry["Name"] != "v2"]
    path.write_text(json.dumps(content))
    build("image.onnx", options(quant_scheme=path), target="k210")  # v2 stays real
    with pytest.raises(OptionError, match="strict mode needs a range of every value, there is none of 'v2'"):
        build("image.onnx", options(quant_scheme=path, quant_scheme_strict_mode=True), target="k210")


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("{", "is not JSON"),
        ("[]", "it has no list 'Outputs'"),
        ({"Outputs": [{}]}, r"Outputs\[0\]: has no 'Name'"),
        ({"Outputs": [{"Name": "x0", "DataType": "u4"}]}, "'DataType' is 'u4', expected one of u8, i8, i16, f16, f32"),
        ({"Outputs": [{"Name": "x0", "DataType": "u8"}]}, "the 'DataRange' of 'x0' is not made of"),
        ({"Outputs": [{"Name": "x0", "DataType": "u8", "DataRange": [{"Min": 2, "Max": 1}]}]}, "is not made of"),
        ({"Outputs": [{"Name": "x0", "DataType": "f32", "DataRange": [{"Min": 0, "Max": 1}]}]}, "all values stay real"),
    ],
)
def test_schemes_that_make_no_sense(build, content, text):
    Path("s.json").write_text(content if isinstance(content, str) else json.dumps(content))
    with pytest.raises(OptionError, match=text):
        build("image.onnx", options(quant_scheme="s.json"), target="k210")


def test_quant_scheme_file_that_is_not_there(build):
    with pytest.raises(OptionError, match=r"none\.json: cannot be read"):
        build("image.onnx", options(quant_scheme="none.json"), target="k210")


@pytest.mark.parametrize("target", ["k210", "cpu"])
def test_dump_quant_error(build, run, target):
    """The last row is what the kmodel's output differs by."""
    build("image.onnx", options(), target=target, dump_dir="none")
    simulator = build("image.onnx", options(dump_quant_error=True), target=target)
    rows = list(csv.DictReader(Path("tmp/quant_error.csv").read_text().splitlines(), skipinitialspace=True))
    assert not Path("none/quant_error.csv").exists()
    assert {"cosine_error", "mre_error", "name"} == set(rows[0])
    exact = np.concatenate([run(build("image.onnx"), row)[0].ravel() for row in ROWS[:5]])
    got = np.concatenate([run(simulator, row)[0].ravel() for row in ROWS[:5]])
    cosine = exact @ got / np.sqrt((exact @ exact) * (got @ got))
    relative = np.abs(exact - got).sum() / np.abs(exact).sum()
    assert float(rows[-1]["cosine_error"]) == pytest.approx(cosine, abs=2e-6)
    assert float(rows[-1]["mre_error"]) == pytest.approx(relative, abs=1e-4)


def test_dump_quant_error_as_in_19(build):
    build("image.onnx", options(), target="k210", dump_quant_error=True)
    assert Path("tmp/quant_error.csv").exists()


@pytest.mark.parametrize("target", ["cpu", "k230", "k210"])
def test_finetune_weights_method(build, run, target):
    """Each gives other weights, with an error of the same size."""
    outputs, kind = [], "uint8" if target == "k210" else "int16"
    for method in ("NoFineTuneWeights", "UseSquant", "UseAdaRound"):
        ptq = options(finetune_weights_method=method, quant_type=kind, calibrate_method="NoClip")
        outputs.append(run(build("image.onnx", ptq, target=target), ROWS[0])[0])
    (exact,) = run(build("image.onnx"), ROWS[0])
    assert len({output.tobytes() for output in outputs}) == 3
    assert max(np.abs(output - exact).max() for output in outputs) < 0.02


def test_cali_data():
    assert [one is not None for one in options().cali_data] == [True] * 6
    assert nncase.PTQTensorOptions().cali_data == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("use_mse_quant_w", True),
        ("dump_quant_error_symmetric_for_signed", False),
        ("input_mean", 0.0),
        ("input_std", 1.0),
    ],
)
def test_fields_without_effect(name, value):
    """test_use_mse_quant_w, test_dump_quant_error_symmetric_for_signed, test_input_mean, test_input_std"""
    with pytest.warns(NoEffectWarning, match=f"PTQTensorOptions.{name} has no effect"):
        setattr(nncase.PTQTensorOptions(), name, value)


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("calibrate_method", "KLD", "did you mean 'Kld'"),
        ("quant_type", "uint16", "one of 'uint8', 'int8', 'int16'"),
        ("finetune_weights_method", "UseSQuant", "did you mean 'UseSquant'"),
        ("samples_count", -1, "0 or more"),
    ],
)
def test_values_that_make_no_sense(name, value, text):
    with pytest.raises(OptionError, match=text):
        setattr(nncase.PTQTensorOptions(), name, value)


def test_a_dump_of_ranges(build):
    """test_dump_import_op_range; DumpRangeTensorOptions: test_calibrate_method, test_samples_count"""
    wanted = nncase.DumpRangeTensorOptions()
    wanted.samples_count = 6
    wanted.set_tensor_data(np.concatenate(ROWS).tobytes())
    build("image.onnx", ranges=wanted)
    found = Calibration.load("tmp/import_ranges.json")
    assert (found.estimator, found.samples) == ("minmax", 6)
    assert found.ranges["input x0"].low == min(row.min() for row in ROWS)
    build("image.onnx", options(calibrate_method="l2"), target="k210", dump_import_op_range=True)
    assert Calibration.load("tmp/import_ranges.json").estimator == "mse"
    with pytest.raises(OptionError, match="ranges shall be dumped, but no samples are given"):
        build("image.onnx", dump_import_op_range=True)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("enable", True),
        ("var_map", {"n": 1}),
        ("range_info", {"n": [1, 2]}),
        ("segments_count", 3),
        ("fix_var_map", {"n": 1}),
    ],
)
def test_shape_bucket_options_do_not_count(name, value):
    """As in nncase: test_enable, test_var_map, test_range_info, test_segments_count, test_fix_var_map"""
    with pytest.warns(NoEffectWarning, match=f"ShapeBucketOptions.{name} has no effect: set the fields"):
        setattr(nncase.ShapeBucketOptions(), name, value)


def with_outputs(network, *names):
    """What a compiled network returns, of these values only."""
    imports = nncase.ImportOptions()
    imports.output_arrays = list(names)
    options_ = nncase.CompileOptions()
    options_.target = "k230"
    compiler = nncase.Compiler(options_)
    model = (DATA / network).read_bytes()
    (compiler.import_tflite if is_tflite(model) else compiler.import_onnx)(model, imports)
    compiler.compile()
    simulator = nncase.Simulator()
    simulator.load_model(compiler.gencode_tobytes())
    return simulator


def test_output_arrays(run):
    """Values in the order of the names; an unknown one is an error that names the nearest."""
    model = onnx.load(DATA / "image.onnx")
    del model.graph.output[:]
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in ("v2", "v1"))
    wanted = onnxruntime.InferenceSession(model.SerializeToString()).run(None, {"x0": ROWS[0]})
    got = run(with_outputs("image.onnx", "v2", "v1"), ROWS[0])
    assert [one.shape for one in got] == [(1, 4, 1, 1), (1, 4, 4, 4)]
    for one, other in zip(got, wanted, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)
    assert with_outputs("image.onnx").get_output_shape(0) == [1, 4]
    with pytest.raises(OptionError, match=r"no node computes 'V22'.*\n.*did you mean 'v"):
        with_outputs("image.onnx", "V22")


def test_the_scheme_of_a_tflite_network(build):
    rows = [RANDOM.standard_normal((1, 6, 5, 3)).astype(np.float32) for _ in range(3)]
    build("image.tflite", options(rows, export_quant_scheme=True), target="k210")
    assert "x" in scheme()
    build("image.tflite", options(quant_scheme="tmp/QuantScheme.json", quant_scheme_strict_mode=True), target="k210")
