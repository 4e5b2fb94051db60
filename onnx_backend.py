"""kpuc as a backend of the onnx package: its interface `onnx.backend.base.Backend`, which test suites and tools drive.

    rep = kpuc.onnx_backend.prepare(model, engine="stackvm")
    (output,) = rep.run([array])

Entry: a `ModelProto`, or one node, and arrays for its inputs. Exit: a tuple of arrays, or a `KpucError`: what kpuc does
not support is a `NotSupportedError`, which the onnx package's test runner takes for a refusal, not for a failure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.backend.base import Backend, BackendRep
from onnx.backend.test.runner import BackendIsNotSupposedToImplementIt

from .compiler import compile
from .errors import ExecutionError, OptionError, UnsupportedError
from .runtime import Simulator, TensorInfo

Array = np.ndarray[Any, np.dtype[Any]]

EVALUATOR = "evaluator"
ENGINES: Mapping[str, Mapping[str, Any]] = {
    "native": {},
    "stackvm": {"portable": True},
    "stackvm5": {"kmodel": 5},
    EVALUATOR: {},
}
"""What executes a network, with the options of `kpuc.compile` that ask for it: machine code, the stack machine of
kmodel version 7 or 5, or numpy, operation by operation as they were imported, without compiling anything."""


STAND_INS = {(TensorProto.BOOL, "uint8"), (TensorProto.BFLOAT16, "float32")}
"""What a network may declare, and what it may get: version 5 has no booleans, bfloat16 is computed in float32."""
DECIDED_BY_VALUES = ("K0110", "K0602", "K0603")
"""Refusals that the values of inputs may avert."""
NOT_FOR_THESE = "K0503"
"""That of a kmodel for the sizes that inputs ask for; one that is compiled for them may do."""


class NotSupportedError(UnsupportedError, BackendIsNotSupposedToImplementIt):
    """What kpuc, or the engine that was chosen, does not support: a `KpucError` like any other."""


class KpucBackendRep(BackendRep):
    """A network that is ready to run.

    Some networks cannot be compiled before the values of some inputs are known, such as the shape that Reshape takes.
    They are compiled by `run`, once for the same values; `known` holds these, and `kmodel` the file, if there is one.
    """

    def __init__(self, model: onnx.ModelProto, engine: str, options: Mapping[str, Any]) -> None:
        self.model, self.engine, self.options = model, engine, options
        given = {tensor.name for tensor in model.graph.initializer}
        self.inputs = [value.name for value in model.graph.input if value.name not in given]
        self.known: dict[str, Array] = {}
        self.kmodel: bytes | None = None
        self._run: Callable[[list[Array]], Sequence[Array]] | None = None
        try:
            self._make()
        except NotSupportedError as error:
            if error.code not in DECIDED_BY_VALUES or not self._knowable():
                raise

    def run(self, inputs: Any, **_: Any) -> tuple[Array, ...]:
        """The outputs for the inputs: a mapping by name, a sequence in order, or one array.

        Raises `NotSupportedError` when the network cannot be compiled even for these values, `KpucError` K0502 when
        they are not what the network takes.
        """
        arrays = self._arrays(inputs)
        if self._run is None or any(not np.array_equal(arrays[name], one) for name, one in self.known.items()):
            self._specialise(arrays)
        assert self._run is not None
        try:
            results = self._run(self._unknown(arrays))
        except ExecutionError as error:
            if error.code != NOT_FOR_THESE or self.known or not self._knowable():
                raise
            self._specialise(arrays)
            results = self._run(self._unknown(arrays))
        return tuple(_returned(*pair) for pair in zip(results, self.model.graph.output, strict=True))

    def fed(self, inputs: Any) -> list[Array]:
        """What of the inputs goes into the kmodel, in its order: those that it was not compiled with."""
        return self._unknown(self._arrays(inputs))

    def _unknown(self, arrays: Mapping[str, Array]) -> list[Array]:
        return [array for name, array in arrays.items() if name not in self.known]

    def _arrays(self, inputs: Any) -> dict[str, Array]:
        if not isinstance(inputs, Mapping):
            values = inputs if isinstance(inputs, list | tuple) else [inputs]
            if len(values) != len(self.inputs):
                cause = f"{len(values)} inputs are given, the network has {len(self.inputs)}: {', '.join(self.inputs)}"
                raise ExecutionError("K0502", cause=cause)
            inputs = dict(zip(self.inputs, values, strict=True))
        missing = next((name for name in self.inputs if name not in inputs), None)
        if missing is not None:
            raise ExecutionError("K0502", cause=f"input '{missing}' is not given")
        return {name: _given(inputs[name]) for name in self.inputs}

    def _knowable(self) -> list[tuple[str, ...]]:
        """Inputs whose values may have to be known, fewest first; never all of them: that would run in the compiler."""
        types = {value.name: value.type.tensor_type.elem_type for value in self.model.graph.input}
        whole = [
            name for name in self.inputs if types[name] in (TensorProto.INT32, TensorProto.INT64, TensorProto.BOOL)
        ]
        behind = self.inputs[1:]
        choices = ([name for name in behind if name in whole], behind, whole)
        return [names for names in dict.fromkeys(map(tuple, choices)) if 0 < len(names) < len(self.inputs)]

    def _specialise(self, arrays: Mapping[str, Array]) -> None:
        """Compile the network with the values of as few inputs as suffice."""
        refusals = []
        for names in self._knowable():
            try:
                self._make({name: arrays[name] for name in names})
                return
            except NotSupportedError as error:
                refusals.append(error)
        raise refusals[-1]

    def _make(self, known: Mapping[str, Array] | None = None) -> None:
        """Compile the network with the values of some inputs as constants. Raises `NotSupportedError`."""
        self.known, self._run, self.kmodel = dict(known or {}), None, None
        model = _with_constants(self.model, self.known)
        try:
            self._run = self._evaluator(model) if self.engine == EVALUATOR else self._simulator(model)
        except UnsupportedError as error:
            raise NotSupportedError(error.code, cause=error.cause, where=error.where, remedy=error.remedy) from error

    def _evaluator(self, model: onnx.ModelProto) -> Callable[[list[Array]], Sequence[Array]]:
        from .dialects import mlir
        from .dialects.evaluate import Program
        from .frontends.onnx import import_onnx

        with mlir.context():
            return Program(import_onnx(model, **self.options)).run

    def _simulator(self, model: onnx.ModelProto) -> Callable[[list[Array]], Sequence[Array]]:
        self.kmodel = compile(model, **self.options).data
        simulator = Simulator(self.kmodel)
        return lambda arrays: list(simulator.run(*map(_fed, arrays, simulator.inputs)).values())


def _fed(array: Array, info: TensorInfo) -> Array:
    """Kmodels of version 5 have bytes in the place of booleans."""
    return array.view(np.uint8) if array.dtype == bool and info.dtype == np.uint8 else array


def _given(value: Any) -> Array:
    """An input as an array; bfloat16 is computed in float32."""
    array = np.asarray(value)
    return array.astype(np.float32) if array.dtype.name == "bfloat16" else array


def _returned(array: Array, output: onnx.ValueInfoProto) -> Array:
    """A result with the elements that the network declares, where kmodels have others in their place."""
    declared = output.type.tensor_type.elem_type
    if (declared, array.dtype.name) in STAND_INS:
        return array.astype(helper.tensor_dtype_to_np_dtype(declared))
    return array


def _with_constants(model: onnx.ModelProto, known: Mapping[str, Array]) -> onnx.ModelProto:
    """The network with constants in the place of some inputs."""
    if not known:
        return model
    result = onnx.ModelProto()
    result.CopyFrom(model)
    kept = [value for value in model.graph.input if value.name not in known]
    del result.graph.input[:]
    result.graph.input.extend(kept)
    result.graph.initializer.extend(numpy_helper.from_array(array, name) for name, array in known.items())
    return result


class KpucBackend(Backend):
    """The entry points; `engine` is one of `ENGINES`, other options are those of `kpuc.compile`."""

    @classmethod
    def is_compatible(cls, model: onnx.ModelProto, device: str = "CPU", **options: Any) -> bool:
        """Whether `prepare` takes the network."""
        try:
            cls.prepare(model, device, **options)
        except NotSupportedError:
            return False
        return True

    @classmethod
    def prepare(
        cls, model: onnx.ModelProto, device: str = "CPU", *, engine: str = "native", **options: Any
    ) -> KpucBackendRep:
        """The network, ready to run. Raises `KpucError`: `NotSupportedError` for what is not supported."""
        if engine not in ENGINES:
            raise OptionError("K0701", cause=f"there is no engine '{engine}'; there are: {', '.join(ENGINES)}")
        if not cls.supports_device(device):
            raise NotSupportedError("K0701", cause=f"there is no device '{device}', only CPU")
        return KpucBackendRep(model, engine, {**ENGINES[engine], **options})

    @classmethod
    def run_model(cls, model: onnx.ModelProto, inputs: Any, device: str = "CPU", **options: Any) -> tuple[Array, ...]:
        """`prepare`, and one run."""
        return cls.prepare(model, device, **options).run(inputs)

    @classmethod
    def run_node(  # type: ignore[override]
        cls,
        node: onnx.NodeProto,
        inputs: Any,
        device: str = "CPU",
        outputs_info: Sequence[tuple[np.dtype[Any], tuple[int, ...]]] | None = None,
        *,
        opset_version: int | None = None,
        **options: Any,
    ) -> tuple[Array, ...]:
        """The outputs of one node, of the newest opset if none is given; outputs are declared if their info is."""
        names = [name for name in node.input if name]
        values = inputs if isinstance(inputs, list | tuple) else [inputs]
        arrays = dict(zip(names, map(np.asarray, values), strict=True))
        given = [_value_info(name, array.dtype, array.shape) for name, array in arrays.items()]
        made = [onnx.ValueInfoProto(name=name) for name in node.output if name]
        if outputs_info is not None:
            made = [_value_info(one.name, *info) for one, info in zip(made, outputs_info, strict=True)]
        graph = helper.make_graph([node], node.op_type, given, made)
        opset = helper.make_opsetid(node.domain, opset_version or onnx.defs.onnx_opset_version())
        return cls.run_model(helper.make_model(graph, opset_imports=[opset]), arrays, device, **options)

    @classmethod
    def supports_device(cls, device: str) -> bool:
        """Networks run on this machine's CPU, whatever they are compiled for."""
        return device == "CPU"


def _value_info(name: str, dtype: Any, shape: Sequence[int]) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), shape)


is_compatible = KpucBackend.is_compatible
prepare = KpucBackend.prepare
run_model = KpucBackend.run_model
run_node = KpucBackend.run_node
supports_device = KpucBackend.supports_device
