"""What tests of nncase's API share: every test works in an empty folder, because compiling dumps into `tmp` there."""

import pytest
from scripts import DATA

import kpuc.nncase as nncase
from kpuc.lowering import is_tflite


@pytest.fixture(autouse=True)
def empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def build():
    """Compiles a network, its bytes or one in data, with fields of CompileOptions and objects of other options."""

    def run(network, ptq=None, ranges=None, **fields):
        options = nncase.CompileOptions()
        options.target = "k230"
        for name, value in fields.items():
            setattr(options, name, value)
        compiler = nncase.Compiler(options)
        model = network if isinstance(network, bytes) else (DATA / network).read_bytes()
        load = compiler.import_tflite if is_tflite(model) else compiler.import_onnx
        load(model, nncase.ImportOptions())
        if ptq is not None:
            compiler.use_ptq(ptq)
        if ranges is not None:
            compiler.dump_range_options(ranges)
        compiler.compile()
        simulator = nncase.Simulator()
        simulator.load_model(compiler.gencode_tobytes())
        return simulator

    return run


@pytest.fixture
def run():
    """Runs a loaded simulator on arrays: the outputs."""

    def outputs(simulator, *arrays):
        for index, array in enumerate(arrays):
            simulator.set_input_tensor(index, nncase.RuntimeTensor.from_numpy(array))
        simulator.run()
        return [simulator.get_output_tensor(index).to_numpy() for index in range(simulator.outputs_size)]

    return outputs


@pytest.fixture
def dumped(empty_folder):
    """The files in the working folder, by name."""

    def names():
        return sorted(str(path.relative_to(empty_folder)) for path in empty_folder.rglob("*") if path.is_file())

    return names
