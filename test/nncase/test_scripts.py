"""Scripts written for nncase run with the import changed, on every target, and compute what the vendor's kmodels do."""

import json

import numpy as np
import onnxruntime
import pytest
from scripts import DATA, SCRIPTS
from vendor import run_in_vendor_runtime
from vendor19 import find_python, simulate
from workflows import COUNT, CUT, WORKFLOWS, camera_options, image, infer, numbers

import kpuc
import kpuc.nncase as nncase
from kpuc.errors import OptionError

TARGETS = ("cpu", "k230", "k510", "k210")


def for_target(target):
    """The module as a script sees it, with the target that it names changed."""

    class Options(nncase.CompileOptions):
        def __setattr__(self, name, value):
            super().__setattr__(name, target if name == "target" else value)

    class Module:
        def __getattr__(self, name):
            return Options if name == "CompileOptions" else getattr(nncase, name)

    return Module()


def run(kmodel, inputs):
    simulator = nncase.Simulator()
    simulator.load_model(kmodel)
    for index, array in enumerate(inputs):
        simulator.set_input_tensor(index, nncase.RuntimeTensor.from_numpy(array))
    simulator.run()
    return [simulator.get_output_tensor(index).to_numpy() for index in range(simulator.outputs_size)]


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", SCRIPTS)
def test_outputs_are_those_of_the_vendors_kmodel(name, target, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # dump_asm writes into tmp
    script = SCRIPTS[name]
    if name.startswith("shape_bucket") and target in ("k210", "k510"):
        with pytest.raises(OptionError, match=f"K0723.*for {target} take one shape only"):
            script.run(for_target(target), script.model)
        return
    ours = script.run(for_target(target), script.model)
    for seed in range(3):
        inputs = script.feed(seed)
        theirs = kpuc.Simulator(DATA / f"{name}.kmodel").run(*inputs).values()
        for got, expected in zip(run(ours, inputs), theirs, strict=True):
            np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-5)


def test_our_simulator_computes_what_the_vendors_runtimes_do():
    """Those kmodels are run in ours above; here is why that counts."""
    new = [name for name, script in SCRIPTS.items() if script.line == "2.x"]
    feeds = {name: SCRIPTS[name].feed() for name in SCRIPTS}
    files = {name: (DATA / f"{name}.kmodel").read_bytes() for name in SCRIPTS}
    counts = {name: len(kpuc.Simulator(files[name]).outputs) for name in SCRIPTS}
    theirs = dict(zip(new, run_in_vendor_runtime([(files[n], feeds[n], counts[n]) for n in new]), strict=True))
    if find_python()[0] is not None:
        old = [name for name in SCRIPTS if name not in new]
        theirs |= zip(old, simulate([(files[name], feeds[name]) for name in old]), strict=True)
    for name, results in theirs.items():
        assert not isinstance(results, str), results
        for got, expected in zip(kpuc.Simulator(files[name]).run(*feeds[name]).values(), results, strict=True):
            np.testing.assert_allclose(got, expected, rtol=1e-6, atol=1e-6)


def test_each_field_of_preprocessing_is_compared_with_the_vendors_kmodels():
    """Set to something else than its default value, in scripts of whose kmodels nncase 2.11 is the author."""
    fields = {
        "preprocess", "swapRB", "input_type", "input_shape", "input_range", "input_layout", "mean", "std",
        "letterbox_value", "output_layout",
    }  # fmt: skip
    seen = set()

    class Stop(Exception):
        pass

    class Module:
        CompileOptions = nncase.CompileOptions
        ImportOptions = nncase.ImportOptions

        def Compiler(self, options):
            default = nncase.CompileOptions()
            seen.update(name for name in fields if getattr(options, name) != getattr(default, name))
            raise Stop

    for name, script in SCRIPTS.items():
        if script.line == "2.x":
            assert (DATA / f"{name}.kmodel").exists()
            with pytest.raises(Stop):
                script.run(Module(), script.model)
    assert seen == fields


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", WORKFLOWS)
def test_whole_scripts(name, target, tmp_path, monkeypatch):
    """Outputs are onnxruntime's, but for the steps of 8 bits; a range that was edited cuts."""
    monkeypatch.chdir(tmp_path)
    outputs = WORKFLOWS[name](for_target(target), tmp_path)
    network, feed = "image.onnx", {"x0": numbers(0)}
    if name == "two_quantised_inputs":
        pixels = image(0)[:, :6, :6].transpose(0, 3, 1, 2) / np.float32(255)
        network, feed = "two_inputs.onnx", {"x0": pixels, "x1": pixels[:, :, ::-1]}
    session, cuts = onnxruntime.InferenceSession(DATA / network), name.startswith("scheme")
    exact = session.run(None, {name: array.clip(max=CUT) if cuts else array for name, array in feed.items()})
    bound = 0.02 * np.abs(exact[0]).max()
    for got, wanted in zip(outputs, exact, strict=True):
        assert np.abs(got - wanted).max() < bound
    if cuts:
        assert np.abs(outputs[0] - session.run(None, feed)[0]).max() > 3 * bound


@pytest.mark.parametrize("target", TARGETS)
def test_a_scheme_of_the_vendors_for_a_network_with_preprocessing(target, tmp_path, recwarn):
    """The steps of preprocessing have its names, and the same ranges; it stands for what was measured."""

    def compiled(**fields):
        module = for_target(target)
        options = camera_options(module)
        options.dump_ir = True
        options.dump_dir = tmp_path
        compiler = module.Compiler(options)
        compiler.import_onnx((DATA / "image.onnx").read_bytes(), module.ImportOptions())
        ptq = module.PTQTensorOptions()
        ptq.calibrate_method = "NoClip"
        for name, value in fields.items():
            setattr(ptq, name, value)
        if "quant_scheme" not in fields:
            ptq.samples_count = COUNT
            ptq.set_tensor_data([[image(number) for number in range(COUNT)]])
        compiler.use_ptq(ptq)
        compiler.compile()
        return infer(module, compiler.gencode_tobytes(), [image(0)])[0]

    measured = compiled(export_quant_scheme=True, export_weight_range_by_channel=True)
    files = (tmp_path / "QuantScheme.json", DATA / "camera.QuantScheme.json")
    mine, theirs = ({entry["Name"]: entry for entry in json.loads(file.read_text())["Outputs"]} for file in files)
    del theirs["Mean"]  # a constant
    assert {"x0_PreDequantize", "x0_SubMean", "x0_DivStd"} <= set(theirs) <= set(mine)
    for name, entry in theirs.items():
        for one, other in zip(entry["DataRange"], mine[name]["DataRange"], strict=True):
            assert (one["Min"], one["Max"]) == pytest.approx((other["Min"], other["Max"]), rel=1e-5, abs=1e-6)
    got = compiled(quant_scheme=files[1])
    np.testing.assert_allclose(got, measured, atol=0.002)
    assert not [one for one in recwarn if "no tensor" in str(one.message)]
