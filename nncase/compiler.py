"""nncase's `Compiler`: keeps what it is told until `compile()`, which is `kpuc.compile`."""

from pathlib import Path
from typing import Any, BinaryIO

from ..compiler import KModel
from ..compiler import compile as compile_network
from ..errors import ModelError, OptionError, UnsupportedError
from ..lowering import is_tflite
from ..options import TARGETS
from ..runtime import RuntimeTensor
from .options import CompileOptions, DumpRangeTensorOptions, ImportOptions, PTQTensorOptions
from .simulator import Simulator
from .translate import Request


def check_target(target: str) -> bool:
    """Whether there is a target of this name."""
    return target in TARGETS


def test_target(target: str) -> bool:
    """The same, as 1.9 calls it."""
    return check_target(target)


class IRModule:
    """A network that was imported; nncase gives its graph, here `CompileOptions.dump_ir` shows it."""

    def __init__(self, model: bytes) -> None:
        self.model = model

    @property
    def entry(self) -> str:
        """The name of the network's function."""
        return "main"


class Compiler:
    """From a network's bytes to a kmodel's, in nncase's steps: import, `use_ptq`, `compile`, `gencode`."""

    def __init__(self, compile_options: CompileOptions) -> None:
        _require(isinstance(compile_options, CompileOptions), "Compiler takes CompileOptions", compile_options)
        self._options = compile_options
        self._model: bytes | None = None
        self._outputs: list[str] = []
        self._ptq: PTQTensorOptions | None = None
        self._dump: DumpRangeTensorOptions | None = None
        self._kmodel: KModel | None = None

    def import_onnx(self, model_content: bytes | BinaryIO, options: ImportOptions) -> None:
        """Take an ONNX network, its bytes or a stream; raises `ModelError` K0100, K0101."""
        model = _content(model_content, options)
        if is_tflite(model):
            raise ModelError("K0101", cause="the model is TFLite, not ONNX", remedy="call import_tflite")
        self._set_model(model, options)

    def import_tflite(self, model_content: bytes | BinaryIO, options: ImportOptions) -> None:
        """Take a TFLite network, its bytes or a stream; raises `ModelError` K0100, K0140."""
        model = _content(model_content, options)
        if not is_tflite(model):
            raise ModelError("K0140", cause="the model is not TFLite", remedy="call import_onnx for an ONNX network")
        self._set_model(model, options)

    def import_caffe(self, *_: Any) -> None:
        """Refuse: raises `UnsupportedError` K0732."""
        raise _foreign("Caffe")

    def import_ncnn(self, *_: Any) -> None:
        """Refuse: raises `UnsupportedError` K0732."""
        raise _foreign("ncnn")

    def _set_model(self, model: bytes, options: ImportOptions) -> None:
        self._model, self._outputs, self._kmodel = model, list(options.output_arrays), None

    def use_ptq(self, ptq_dataset_options: PTQTensorOptions) -> None:
        """Quantise the network with these samples, or this scheme."""
        _require(
            isinstance(ptq_dataset_options, PTQTensorOptions), "use_ptq takes PTQTensorOptions", ptq_dataset_options
        )
        self._ptq, self._kmodel = ptq_dataset_options, None

    def dump_range_options(self, options: DumpRangeTensorOptions) -> None:
        """Write the ranges of the float network over these samples into dump_dir/import_ranges.json, in `compile`."""
        _require(
            isinstance(options, DumpRangeTensorOptions), "dump_range_options takes DumpRangeTensorOptions", options
        )
        self._dump = options

    @property
    def module(self) -> IRModule:
        """The network that was imported."""
        return IRModule(self._imported)

    @property
    def _imported(self) -> bytes:
        if self._model is None:
            raise OptionError(
                "K0732", cause="no network has been imported", remedy="call import_onnx or import_tflite first"
            )
        return self._model

    def _request(self) -> Request:
        return Request(self._imported, self._outputs, self._options, self._ptq, self._dump)

    def compile(self) -> None:
        """Compile what was imported; raises `KpucError` as `kpuc.compile` does."""
        self._kmodel = self._request().compiled()

    def gencode_tobytes(self) -> bytes:
        """The kmodel's bytes; raises `OptionError` K0732 before `compile`."""
        if self._kmodel is None:
            raise OptionError("K0732", cause="there is no kmodel yet", remedy="call compile first")
        return self._kmodel.data

    def gencode(self, stream: BinaryIO) -> None:
        """Write the kmodel's bytes into a stream."""
        data = self.gencode_tobytes()
        write = getattr(stream, "write", None)
        _require(
            write is not None and "b" in str(getattr(stream, "mode", "b")), "gencode takes a stream of bytes", stream
        )
        stream.write(data)

    def create_evaluator(self, stage: int = 0) -> "GraphEvaluator":
        """What runs the network: as compiled, or before that as imported. As in nncase 2.x the stage does not count."""
        if self._kmodel is not None:
            return GraphEvaluator(self._kmodel.data)
        arguments = {**self._request().arguments(quantised=False), "target": "cpu", "portable": True}
        return GraphEvaluator(compile_network(self._imported, **arguments).data)


class GraphEvaluator:
    """Runs a network: `set_input_tensor`, `run`, `get_output_tensor`."""

    def __init__(self, kmodel: bytes) -> None:
        self._simulator = Simulator()
        self._simulator.load_model(kmodel)
        self.get_input_tensor = self._simulator.get_input_tensor
        self.set_input_tensor = self._simulator.set_input_tensor
        self.run = self._simulator.run

    def get_output_tensor(self, index: int) -> RuntimeTensor:
        """An output of the last run."""
        return self._simulator.get_output_tensor(index)

    @property
    def outputs_size(self) -> int:
        """How many outputs there are."""
        return self._simulator.outputs_size


def _content(content: Any, options: Any) -> bytes:
    _require(isinstance(options, ImportOptions), "importing takes ImportOptions", options)
    if isinstance(content, str | Path):
        cause = "importing takes a network's bytes, not a path"
        raise OptionError("K0732", cause=cause, remedy='open(path, "rb").read() gives them')
    if hasattr(content, "read"):
        content = content.read()
    _require(isinstance(content, bytes | bytearray | memoryview), "importing takes a network's bytes", content)
    return bytes(content)


def _foreign(what: str) -> UnsupportedError:
    return UnsupportedError(
        "K0732", cause=f"{what} networks cannot be imported", remedy="convert the network to ONNX or TFLite"
    )


def _require(condition: bool, what: str, given: Any) -> None:
    if not condition:
        raise OptionError("K0732", cause=f"{what}, not {type(given).__name__}")
