"""The classes besides options: what they do, and a sentence where nncase ends the process."""

import io
import re
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from accumulator import accumulator
from networks import SHIPPED
from onnx_writer import OnnxWriter
from scripts import DATA
from tflite_writer import write

import kpuc
import kpuc.nncase as nncase
from kpuc.errors import ExecutionError, KpucError, ModelError, OptionError, UnsupportedError
from kpuc.nncase import compiler, field, options

MODEL = (DATA / "image.onnx").read_bytes()
X = np.random.default_rng(3).standard_normal((1, 3, 8, 8)).astype(np.float32)


def expected(array):
    return onnxruntime.InferenceSession(MODEL).run(None, {"x0": array})[0]


@pytest.fixture
def loaded():
    """A simulator with a kmodel of one input and one output."""
    simulator = nncase.Simulator()
    simulator.load_model(kpuc.compile(MODEL, "k230").data)
    return simulator


@pytest.fixture
def new():
    """A compiler without a network."""
    made = nncase.CompileOptions()
    made.target = "k230"
    return nncase.Compiler(made)


class TestModule:
    def test_all_names(self):
        assert all(hasattr(nncase, name) for name in nncase.__all__)

    def test_check_target(self):
        assert [nncase.check_target(name) for name in ("cpu", "k210", "k230", "k510", "xpu")] == [True] * 4 + [False]
        assert nncase.test_target("k210")

    def test_enumerations(self):
        assert {one.name for one in nncase.CalibMethod} == {"NoClip", "Kld", "Random"}
        assert {one.name for one in nncase.ModelQuantMode} == {"NoQuant", "UsePTQ", "UseQAT"}

    @pytest.mark.parametrize("owner", [options.CompileOptions, options.ImportOptions, options.PTQTensorOptions])
    def test_every_field_has_a_test(self, owner):
        texts = "".join(path.read_text() for path in Path(__file__).parent.glob("test_*_options.py"))
        assert [name for name in owner.fields if not re.search(rf"\btest_{name}\b", texts)] == []

    @pytest.mark.parametrize("owner", field.Options.__subclasses__() + options.Samples.__subclasses__())
    def test_every_field_says_what_it_does(self, owner):
        for name, one in owner.fields.items():
            assert one.does or one.nothing or one.refused, name


class TestCompiler:
    def test_gencode_before_compile(self, new):
        new.import_onnx(MODEL, nncase.ImportOptions())
        with pytest.raises(OptionError, match=r"there is no kmodel yet\n.*call compile first"):
            new.gencode_tobytes()

    @pytest.mark.parametrize("method", ["compile", "create_evaluator"])
    def test_nothing_imported(self, new, method):
        with pytest.raises(OptionError, match=r"no network has been imported\n.*import_onnx or import_tflite"):
            getattr(new, method)()

    @pytest.mark.parametrize(
        ("content", "error", "text"),
        [
            (str(DATA / "image.onnx"), OptionError, "not a path"),
            (7, OptionError, "takes a network's bytes, not int"),
            (b"nothing", ModelError, "K0101"),
            ((DATA / "image.tflite").read_bytes(), ModelError, "the model is TFLite, not ONNX\n.*import_tflite"),
        ],
    )
    def test_what_is_no_onnx_network(self, new, content, error, text):
        with pytest.raises(error, match=text):
            new.import_onnx(content, nncase.ImportOptions())
            new.compile()

    def test_what_is_no_tflite_network(self, new):
        with pytest.raises(ModelError, match=r"the model is not TFLite\n.*import_onnx"):
            new.import_tflite(MODEL, nncase.ImportOptions())

    @pytest.mark.parametrize("kind", ["caffe", "ncnn"])
    def test_formats_that_are_not_read(self, new, kind):
        with pytest.raises(UnsupportedError, match=r"networks cannot be imported\n.*convert the network to ONNX"):
            getattr(new, f"import_{kind}")(b"", b"")

    def test_arguments_of_another_class(self, new):
        with pytest.raises(OptionError, match="Compiler takes CompileOptions, not ImportOptions"):
            nncase.Compiler(nncase.ImportOptions())
        with pytest.raises(OptionError, match="importing takes ImportOptions, not CompileOptions"):
            new.import_onnx(MODEL, nncase.CompileOptions())
        with pytest.raises(OptionError, match="use_ptq takes PTQTensorOptions, not dict"):
            new.use_ptq({})
        with pytest.raises(OptionError, match="dump_range_options takes DumpRangeTensorOptions, not dict"):
            new.dump_range_options({})

    def test_compiling_twice_gives_the_same_bytes(self, new):
        new.import_onnx(MODEL, nncase.ImportOptions())
        new.compile()
        first = new.gencode_tobytes()
        new.compile()
        assert new.gencode_tobytes() == first
        with pytest.raises(OptionError, match="gencode takes a stream of bytes, not int"):
            new.gencode(3)
        assert isinstance(new.module, compiler.IRModule)
        assert new.module.entry == "main"

    def test_quantising_without_samples(self, new):
        new.import_onnx(MODEL, nncase.ImportOptions())
        new.use_ptq(nncase.PTQTensorOptions())
        with pytest.raises(OptionError, match=r"no samples are given\n.*set_tensor_data"):
            new.compile()

    def test_operators_that_are_not_supported(self, new):
        net = OnnxWriter(0)
        new.import_onnx(net.model(net.op("NoSuch", net.input(1, 3, 3))), nncase.ImportOptions())
        with pytest.raises(UnsupportedError, match="NoSuch at NoSuch_v0"):
            new.compile()

    @pytest.mark.parametrize("stage", [0, 1, 5])
    def test_an_evaluator_of_what_was_imported(self, new, stage):
        new.import_onnx(MODEL, nncase.ImportOptions())
        evaluator = new.create_evaluator(stage)
        evaluator.get_input_tensor(0).to_numpy()[...] = X
        evaluator.run()
        assert evaluator.outputs_size == 1
        np.testing.assert_allclose(evaluator.get_output_tensor(0).to_numpy(), expected(X), rtol=1e-5, atol=1e-6)

    def test_an_evaluator_of_what_was_compiled(self):
        made = nncase.CompileOptions()
        made.target = "k210"
        quantising = nncase.Compiler(made)
        quantising.import_onnx(MODEL, nncase.ImportOptions())
        ptq = nncase.PTQTensorOptions()
        ptq.samples_count = 2
        ptq.set_tensor_data([[X, -X]])
        quantising.use_ptq(ptq)
        quantising.compile()
        evaluator = quantising.create_evaluator(3)
        evaluator.set_input_tensor(0, nncase.RuntimeTensor.from_numpy(X))
        evaluator.run()
        (mine,) = kpuc.Simulator(quantising.gencode_tobytes()).run(X).values()
        np.testing.assert_array_equal(evaluator.get_output_tensor(0).to_numpy(), mine)
        assert np.abs(mine - expected(X)).max() > 1e-6  # it is quantised


class TestSimulator:
    def test_a_run(self, loaded):
        tensor = nncase.RuntimeTensor.from_numpy(X)
        loaded.set_input_tensor(0, tensor)
        loaded.run()
        got = loaded.get_output_tensor(0)
        np.testing.assert_allclose(got.to_numpy(), expected(X), rtol=1e-5, atol=1e-6)
        assert (loaded.inputs_size, loaded.outputs_size) == (1, 1)
        assert (loaded.get_input_shape(0), loaded.get_output_shape(0)) == ([1, 3, 8, 8], [1, 4])
        assert loaded.get_input_tensor(0) is tensor

    def test_descriptions(self):
        simulator = nncase.Simulator()
        simulator.load_model((DATA / "two_inputs.kmodel").read_bytes())
        second, output = simulator.get_input_desc(1), simulator.get_output_desc(0)
        assert second == nncase.MemoryRange(np.dtype("uint8"), 108, 108, "input")
        assert (output.dtype, output.start, output.size, output.location) == (np.float32, 0, 288, "output")
        assert isinstance(output, nncase.TensorDesc)

    def test_outputs_that_were_given(self, loaded):
        given = np.zeros((1, 4), np.float32)
        loaded.set_output_tensor(0, nncase.RuntimeTensor.from_numpy(given))
        loaded.set_input_tensor(0, nncase.RuntimeTensor.from_numpy(X))
        loaded.run()
        np.testing.assert_allclose(given, expected(X), rtol=1e-5, atol=1e-6)
        assert loaded.get_output_tensor(0).to_numpy() is given
        with pytest.raises(ExecutionError, match="cannot hold output v3: float32"):
            loaded.set_output_tensor(0, nncase.RuntimeTensor.from_numpy(np.zeros((4, 1), np.float32)))

    def test_an_input_that_is_filled_in_place(self, loaded):
        loaded.get_input_tensor(0).to_numpy()[...] = X
        loaded.run()
        np.testing.assert_allclose(loaded.get_output_tensor(0).to_numpy(), expected(X), rtol=1e-5, atol=1e-6)

    @pytest.mark.parametrize(
        ("use", "text"),
        [
            (lambda s: s.run(), r"input 0 is not set, expected x0: float32 \[1, 3, 8, 8\]\n.*set_input_tensor\(0"),
            (lambda s: s.get_output_tensor(0), "there are no outputs before the first run"),
            (lambda s: s.get_output_tensor(1), "there is no output 1, the kmodel has 1"),
            (lambda s: s.get_input_desc(-1), "there is no input -1, the kmodel has 1"),
            (lambda s: s.set_input_tensor(0, X), "expected a RuntimeTensor, not ndarray\n.*from_numpy"),
            (lambda s: s.set_input_tensor(0, nncase.RuntimeTensor.from_numpy(X[0])), "K0502"),
            (lambda s: s.set_input_tensor(0, nncase.RuntimeTensor.from_numpy(X.astype("u1"))), "K0502"),
            (lambda s: s.load_model("a.kmodel"), "takes the bytes of a kmodel, not str"),
            (lambda s: s.load_model(b"garbage!"), "K0403"),
        ],
    )
    def test_mistakes(self, loaded, use, text):
        with pytest.raises(KpucError, match=text):
            use(loaded)

    def test_nothing_loaded(self):
        with pytest.raises(ExecutionError, match=r"no kmodel is loaded\n.*call load_model first"):
            nncase.Simulator().run()

    def test_profiling(self, loaded, capsys):
        """Each run prints a table of its own; 0 ends that."""
        loaded.set_input_tensor(0, nncase.RuntimeTensor.from_numpy(X))
        for level, lines in ((1, 1), (1, 1), (0, 0)):
            loaded.set_profiling(level)
            loaded.run()
            printed = capsys.readouterr().out.splitlines()
            assert [line.split()[1] for line in printed if line.startswith("conv2d ")] == ["1"] * lines
            assert bool(printed) == bool(level)

    def test_what_a_network_remembers_goes_into_the_next_run(self):
        simulator = nncase.Simulator()
        simulator.load_model(kpuc.compile(write(*accumulator(np.float32([[1, 2, 3]]))), "k230").data)
        (place,) = [i for i in range(2) if simulator._loaded.inputs[i].name == "x"]
        simulator.set_input_tensor(place, nncase.RuntimeTensor.from_numpy(np.float32([[1, 1, 1]])))
        for times in (1, 2, 3):
            simulator.run()
            np.testing.assert_array_equal(simulator.get_output_tensor(0).to_numpy(), np.float32([[1, 2, 3]]) + times)


class TestRuntimeTensor:
    def test_it_shares_memory(self):
        array = np.zeros(3, np.float32)
        tensor = nncase.RuntimeTensor.from_numpy(array)
        array[1] = 5
        assert tensor.to_numpy()[1] == 5
        assert (tensor.dtype, tensor.shape) == (np.float32, (3,))

    def test_copy_to(self):
        one, other = (nncase.RuntimeTensor.from_numpy(np.full(3, value, np.float32)) for value in (1, 2))
        one.copy_to(other)
        assert other.to_numpy().tolist() == [1, 1, 1]
        with pytest.raises(ExecutionError, match=r"float32\[3\]\) cannot be copied to RuntimeTensor\(float32\[4\]\)"):
            one.copy_to(nncase.RuntimeTensor.from_numpy(np.zeros(4, np.float32)))


def test_a_real_network_as_the_guide_has_it(tmp_path):
    """Import, quantise, compile, write, read, run; only the import line is not nncase's."""
    images = np.random.default_rng(0).random((4, 1, 28, 28)).astype(np.float32)
    made = nncase.CompileOptions()
    made.target = "k210"
    made.dump_ir = False
    made.dump_asm = False
    quantising = nncase.Compiler(made)
    quantising.import_onnx((SHIPPED / "fashion_dscnn.onnx").read_bytes(), nncase.ImportOptions())
    ptq = nncase.PTQTensorOptions()
    ptq.samples_count = len(images)
    ptq.set_tensor_data([[image[None] for image in images]])
    quantising.use_ptq(ptq)
    quantising.compile()
    stream = io.BytesIO()
    quantising.gencode(stream)
    (tmp_path / "net.kmodel").write_bytes(stream.getvalue())
    simulator = nncase.Simulator()
    simulator.load_model((tmp_path / "net.kmodel").read_bytes())
    simulator.set_input_tensor(0, nncase.RuntimeTensor.from_numpy(images[:1]))
    simulator.run()
    session = onnxruntime.InferenceSession(SHIPPED / "fashion_dscnn.onnx")
    exact = session.run(None, {"input": images[:1]})[0]
    got = simulator.get_output_tensor(0).to_numpy()
    assert got.argmax() == exact.argmax()
    assert not (tmp_path / "tmp").exists()
