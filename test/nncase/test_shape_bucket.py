"""A script with shape buckets and quantisation, as it is written for nncase 2.x."""

import numpy as np
import onnxruntime
import pytest
from scripts import DATA, compiled

import kpuc.nncase as nncase

WIDTHS = (3, 7, 8, 12)
MODEL = (DATA / "any_width.onnx").read_bytes()


def samples(widths=WIDTHS):
    random = np.random.default_rng(3)
    return [random.standard_normal((1, 3, 8, width)).astype(np.float32) for width in widths]


def options(target):
    made = nncase.CompileOptions()
    made.target, made.dump_asm, made.dump_ir = target, False, True
    made.shape_bucket_enable = True
    made.shape_bucket_range_info = {"w": [2, 12]}
    made.shape_bucket_segments_count = 2
    return made


def kmodel(target, ptq):
    """What `compiled` of scripts makes, quantised."""
    compiler = nncase.Compiler(options(target))
    compiler.import_onnx(MODEL, nncase.ImportOptions())
    compiler.use_ptq(ptq)
    compiler.compile()
    return compiler.gencode_tobytes()


def outputs(data, arrays):
    simulator = nncase.Simulator()
    simulator.load_model(data)
    found = []
    for array in arrays:
        simulator.set_input_tensor(0, nncase.RuntimeTensor.from_numpy(array))
        simulator.run()
        found.append(simulator.get_output_tensor(0).to_numpy())
    return found


@pytest.mark.parametrize("target", ["cpu", "k230"])
def test_quantised_with_samples_of_several_sizes(target, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    measured = nncase.PTQTensorOptions()
    measured.samples_count = len(WIDTHS)
    measured.set_tensor_data([samples()])
    measured.calibrate_method, measured.export_quant_scheme = "NoClip", True
    data = kmodel(target, measured)
    given = nncase.PTQTensorOptions()
    given.quant_scheme = "tmp/QuantScheme.json"
    assert data == kmodel(target, given), "the scheme says all that samples did"
    session = onnxruntime.InferenceSession(MODEL)
    exact = outputs(compiled(nncase, options(target), MODEL), samples())
    for got, real, array in zip(outputs(data, samples()), exact, samples(), strict=True):
        width = array.shape[3]
        whole = np.pad(array, [(0, 0)] * 3 + [(0, (7 if width <= 7 else 12) - width)])
        (expected,) = session.run(None, {session.get_inputs()[0].name: whole})
        np.testing.assert_allclose(real, expected[..., :width], rtol=1e-4, atol=1e-5)
        assert 1e-9 < np.square(got - real).sum() / np.square(real).sum() < 1e-2
