"""Kmodels as nncase's scripts run them: tensors are set and taken by number."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import ExecutionError
from ..runtime import RuntimeTensor, TensorInfo
from ..runtime import Simulator as Runner
from ..runtime.profile import Profile


@dataclass(frozen=True)
class TensorDesc:
    """Where an input lies behind those before it, or an output: `start` and `size` in bytes.

    Where a size is not known, `size` is 0.
    """

    dtype: np.dtype[Any]
    start: int
    size: int


@dataclass(frozen=True)
class MemoryRange(TensorDesc):
    """The same, as 1.9 has it: `location` is "input" or "output"."""

    location: str


class Simulator:
    """Runs a kmodel of any origin: `load_model`, `set_input_tensor`, `run`, `get_output_tensor`.

    Every mistake is an `ExecutionError` or `KmodelError`. An input that was not set is zeros, or what the network
    remembers.
    """

    def __init__(self) -> None:
        self._runner: Runner | None = None
        self._profiling = False

    def load_model(self, model: bytes) -> None:
        """Load a kmodel's bytes; raises `KmodelError` K04xx, `ExecutionError` K0501, K0507 to K0510."""
        if not isinstance(model, bytes | bytearray | memoryview):
            cause = f"load_model takes the bytes of a kmodel, not {type(model).__name__}"
            raise ExecutionError("K0732", cause=cause, remedy='open(path, "rb").read() gives them')
        self._runner = Runner(bytes(model))
        self._inputs: dict[int, RuntimeTensor] = {}
        self._outputs: dict[int, RuntimeTensor] = {}
        self._wanted: dict[int, RuntimeTensor] = {}
        self._states = dict(self._runner.states)

    @property
    def _loaded(self) -> Runner:
        if self._runner is None:
            raise ExecutionError("K0732", cause="no kmodel is loaded", remedy="call load_model first")
        return self._runner

    @property
    def inputs_size(self) -> int:
        """How many inputs there are."""
        return len(self._loaded.inputs)

    @property
    def outputs_size(self) -> int:
        """How many outputs there are."""
        return len(self._loaded.outputs)

    def get_input_desc(self, index: int) -> MemoryRange:
        """Type and place of an input."""
        return _described(self._loaded.inputs, index, "input")

    def get_output_desc(self, index: int) -> MemoryRange:
        """Type and place of an output."""
        return _described(self._loaded.outputs, index, "output")

    def get_input_shape(self, index: int) -> list[int]:
        """The shape of an input, with -1 for sizes that are not known."""
        return list(_entry(self._loaded.inputs, index, "input").shape or ())

    def get_output_shape(self, index: int) -> list[int]:
        """The shape of an output, with -1 for sizes that are not known."""
        return list(_entry(self._loaded.outputs, index, "output").shape or ())

    def set_input_tensor(self, index: int, tensor: RuntimeTensor) -> None:
        """Give an input, by number; raises `ExecutionError` K0502 unless it has the type and shape declared."""
        info = _entry(self._loaded.inputs, index, "input")
        self._loaded.set_input(info.name, _tensor(tensor).to_numpy())
        self._inputs[index] = tensor

    def get_input_tensor(self, index: int) -> RuntimeTensor:
        """An input that was set, else one of zeros, to be filled; it counts in every run from now on."""
        if index not in self._inputs:
            info = _entry(self._loaded.inputs, index, "input")
            if -1 in (info.shape or ()):
                cause = f"input {index} has no shape before it is set: {info}"
                raise ExecutionError("K0732", cause=cause, remedy=f"call set_input_tensor({index}, ...)")
            first = self._states.get(info.name, np.zeros(info.shape or (), info.dtype))
            self._inputs[index] = RuntimeTensor.from_numpy(np.array(first))
        return self._inputs[index]

    def set_output_tensor(self, index: int, tensor: RuntimeTensor) -> None:
        """Let the next runs write an output into a tensor."""
        info = _entry(self._loaded.outputs, index, "output")
        array = _tensor(tensor).to_numpy()
        if array.dtype != info.dtype or not array.flags.writeable or not info.fits(array.shape):
            raise ExecutionError("K0502", cause=f"{tensor} cannot hold output {info}")
        self._wanted[index] = tensor

    def get_output_tensor(self, index: int) -> RuntimeTensor:
        """An output of the last run; raises `ExecutionError` K0506 before the first."""
        _entry(self._loaded.outputs, index, "output")
        if index not in self._outputs:
            raise ExecutionError("K0506", cause="there are no outputs before the first run")
        return self._outputs[index]

    def run(self) -> None:
        """Compute the outputs; what a network remembers goes into its next run."""
        runner = self._loaded
        feed = {}
        for index, info in enumerate(runner.inputs):
            if index in self._inputs or info.name not in self._states:
                feed[info.name] = self._given(index, info)
            else:
                feed[info.name] = self._states[info.name]
        runner.profile = Profile() if self._profiling else None
        results = runner.run(feed)
        if runner.profile is not None:
            print(runner.profile)
        for index, (name, array) in enumerate(results.items()):
            result = RuntimeTensor.from_numpy(array)
            if name in self._states:
                self._states[name] = array
            if index in self._wanted:
                result.copy_to(self._wanted[index])
                result = self._wanted[index]
            self._outputs[index] = result

    def _given(self, index: int, info: TensorInfo) -> Any:
        if index not in self._inputs:
            cause = f"input {index} is not set, expected {info}"
            raise ExecutionError("K0502", cause=cause, remedy=f"call set_input_tensor({index}, ...)")
        return self._inputs[index].to_numpy()

    def set_profiling(self, level: int) -> None:
        """Print after each run, if not 0, what took how long on this machine; `kpuc analyze` predicts a chip's time."""
        self._profiling = bool(level)


def _tensor(tensor: Any) -> RuntimeTensor:
    if not isinstance(tensor, RuntimeTensor):
        cause = f"expected a RuntimeTensor, not {type(tensor).__name__}"
        raise ExecutionError("K0732", cause=cause, remedy="RuntimeTensor.from_numpy(array) makes one")
    return tensor


def _entry(infos: tuple[TensorInfo, ...], index: int, kind: str) -> TensorInfo:
    if isinstance(index, bool) or not isinstance(index, int) or not 0 <= index < len(infos):
        code = "K0502" if kind == "input" else "K0506"
        raise ExecutionError(code, cause=f"there is no {kind} {index!r}, the kmodel has {len(infos)}")
    return infos[index]


def _described(infos: tuple[TensorInfo, ...], index: int, kind: str) -> MemoryRange:
    info = _entry(infos, index, kind)
    shapes = [one.shape or () for one in infos]
    sizes = [
        0 if -1 in shape else math.prod(shape) * one.dtype.itemsize for shape, one in zip(shapes, infos, strict=True)
    ]
    return MemoryRange(info.dtype, sum(sizes[:index]), sizes[index], kind)
