"""Runs kmodels on this machine, with numpy alone.

Entry: a kmodel from anywhere, inputs from the user. Exit: outputs, KmodelError for a file that cannot be loaded, or
ExecutionError that says what was expected.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import ExecutionError, KmodelError
from .kmodel import Source, read_kmodel, v5, v7
from .kmodel.elements import numpy_dtype
from .kmodel.names import default_names, names_of
from .kmodel.native import KIND as NATIVE
from .kmodel.types7 import TensorType, TupleType, Type
from .machine import WORK_LIMIT, Array, Engine, Linker, TensorInfo
from .profile import Profile
from .ranges import SizeRanges
from .tensor import RuntimeTensor

if TYPE_CHECKING:
    from .kmodel import Model


def _stackvm5(module: Any, link: Linker, index: int) -> Engine:
    from .stackvm.dialect5 import dialect_of
    from .stackvm.interpreter5 import Interpreter
    from .stackvm.isa5 import ISA5

    return Interpreter(module, ISA5[dialect_of(module)], link, index)


def _k210(module: Any, link: Linker, index: int) -> Engine:
    from .kpu.engine import Engine

    return Engine(module, link, index)


def _layers3(module: Any, link: Linker, index: int) -> Engine:
    from .steps.interpreter3 import Interpreter

    return Interpreter(module, link, index)


def _nodes4(module: Any, link: Linker, index: int) -> Engine:
    from .steps.interpreter4 import Interpreter

    return Interpreter(module, link, index)


def _native7(module: Any, link: Linker, index: int) -> Engine:
    from .native.engine import Engine

    return Engine(module, link, index)


def _stackvm7(module: Any, link: Linker, index: int) -> Engine:
    from .stackvm.interpreter7 import Interpreter

    return Interpreter(module, link, index)


EngineMaker = Callable[[Any, Linker, int], Engine]
ENGINES: Mapping[tuple[int, str], EngineMaker] = {
    (3, "layers"): _layers3,
    (4, "nodes"): _nodes4,
    (5, "stackvm"): _stackvm5,
    (5, "k210"): _k210,
    (7, "stackvm"): _stackvm7,
    (7, NATIVE): _native7,
}
"""What executes a module: (kmodel version, kind) -> engine of (module, linker, index of the module).

An engine is imported when a module needs it: most processes run models of one version.
"""

CALL_DEPTH = 64


class Simulator:
    """A loaded kmodel, to be run any number of times.

    `kmodel`: a path, bytes, or an object with `data: bytes`; constants are used where they are, without a copy.
    `threads` is how many machine code uses; other code takes one. Machine code does what it likes, with the rights of
    this process: `trust=False`, for files of unknown origin, refuses kmodels that hold any. What a network remembers is
    an input and an output of one name: `states` holds what goes in first, the output goes in next. An instance runs one
    call at a time, whichever thread asks; instances share nothing. Raises KmodelError K04xx for a damaged file,
    ExecutionError K0501, K0507 to K0510 for one that cannot be run.
    """

    def __init__(self, kmodel: Source, threads: int = 1, trust: bool = True) -> None:
        if threads < 1:
            raise ExecutionError("K0502", cause=f"threads is {threads}, expected at least 1")
        self.threads = threads
        self.model: Model = read_kmodel(kmodel)
        if self.model.entry is None:
            raise ExecutionError("K0501", cause="the kmodel has no entry function")
        if not trust and any(module.kind == NATIVE for module in getattr(self.model, "modules", ())):
            cause = "the kmodel holds machine code, which was not to be trusted"
            raise ExecutionError("K0508", cause=cause, remedy="trust it if you know where it comes from")
        self._entry = self.model.entry
        self._lock = threading.Lock()
        self._depth = 0
        call = weakref.WeakMethod(self._call)  # engines must not keep their owner: its memory and threads end with it
        self._linker = Linker(lambda *arguments: call()(*arguments), threads=threads)  # type: ignore[misc]
        self._engines: dict[int, Engine] = {}
        self._engine(self._entry[0])
        self.inputs, self.outputs = signature(self.model)
        self._ranges = SizeRanges.of(names_of(self.model))
        self._names = {info.name for info in self.inputs}
        self._returned = [info.name for info in self.outputs]
        self.states = first_values(self.model, self.inputs)
        self._given: dict[str, Array] = {}
        self._results: dict[str, Array] = {}

    def _engine(self, index: int) -> Engine:
        if index not in self._engines:
            if not 0 <= index < len(self.model.modules):
                raise ExecutionError("K0504", cause=f"module {index} of {len(self.model.modules)} is called")
            module = self.model.modules[index]
            make = ENGINES.get((self.model.version, module.kind))
            if make is None:
                cause = f"module {index} is of kind {module.kind!r}, which cannot be executed here"
                raise ExecutionError("K0507", cause=cause)
            self._engines[index] = make(module, self._linker, index)
        return self._engines[index]

    def _call(self, module: int, function: int, arguments: Sequence[Array]) -> tuple[Array, ...]:
        """What engines call each other's functions with."""
        if self._depth == CALL_DEPTH:
            raise ExecutionError("K0505", cause=f"calls between modules are nested deeper than {CALL_DEPTH}")
        self._depth += 1
        try:
            return self._engine(module).call(function, arguments)
        finally:
            self._depth -= 1

    @property
    def profile(self) -> Profile | None:
        """What collects how long runs take for what, while it is set."""
        return self._linker.profile

    @profile.setter
    def profile(self, profile: Profile | None) -> None:
        self._linker.profile = profile

    def set_input(self, which: int | str, array: Any) -> None:
        """Keep an input, by index or name, for `run()` without arguments."""
        info = _find(self.inputs, which, "input")
        value = _checked(info, array)
        with self._lock:
            self._given[info.name] = value

    def get_output(self, which: int | str) -> Array:
        """An output of the last run, by index or name."""
        info = _find(self.outputs, which, "output")
        if info.name not in self._results:
            raise ExecutionError("K0506", cause="there are no outputs before the first run")
        return self._results[info.name]

    def run(self, *arguments: Any) -> dict[str, Array]:
        """The outputs by name, in their order.

        `arguments`: one mapping of names to arrays, or one array an input in order, or nothing after `set_input`.
        """
        with self._lock:
            arrays = self._arrays(arguments)
            if self._ranges is not None:
                self._ranges.check(self.inputs, arrays)
            self._depth, self._linker.work = 0, WORK_LIMIT
            module, function = self._entry
            results = self._call(module, function, arrays)
            if len(results) != len(self.outputs):
                cause = f"the kmodel returned {len(results)} values, but declares {len(self.outputs)}"
                raise ExecutionError("K0504", cause=cause)
            self._results = dict(zip(self._returned, results, strict=True))
            return self._results.copy()

    def _arrays(self, arguments: Sequence[Any]) -> list[Array]:
        """Checked arrays in the order of the inputs."""
        if len(arguments) == 1 and isinstance(arguments[0], Mapping):
            given = dict(arguments[0])
            if given.keys() == self._names:
                return [_checked(info, given[info.name]) for info in self.inputs]
        elif arguments or not self.inputs:
            if len(arguments) != len(self.inputs):
                cause = f"{len(arguments)} inputs are given, expected {_listed(self.inputs)}"
                raise ExecutionError("K0502", cause=cause)
            given = {info.name: one for info, one in zip(self.inputs, arguments, strict=True)}
        else:
            given = dict(self._given)
        names = [info.name for info in self.inputs]
        for name in given:
            if name not in names:
                raise ExecutionError("K0502", cause=f"there is no input {name!r}, expected {_listed(self.inputs)}")
        for name in names:
            if name not in given:
                raise ExecutionError("K0502", cause=f"input {name!r} is not given, expected {_listed(self.inputs)}")
        return [_checked(info, given[info.name]) for info in self.inputs]


def signature(model: Model) -> tuple[tuple[TensorInfo, ...], tuple[TensorInfo, ...]]:
    """The inputs and outputs of a model's entry function. KmodelError K0402 when names do not match them in number."""
    if isinstance(model, v7.Model):
        inputs, outputs = _types7(model)
    elif isinstance(model, v5.Model):
        entry = model.entry_function()
        inputs = _declared([(one.element, one.shape) for one in entry.inputs])
        outputs = _declared([(one.element, one.shape) for one in entry.outputs])
    else:
        inputs, outputs = map(_declared, model.signature())
    names = names_of(model) or default_names(len(inputs), len(outputs))
    return _infos(names.inputs, inputs), _infos(names.outputs, outputs)


def first_values(model: Model, inputs: Sequence[TensorInfo]) -> dict[str, Array]:
    """What the states of a model hold before its first run, in the order of the inputs.

    KmodelError K0402 when they do not fit the inputs.
    """
    names = names_of(model)
    states = {} if names is None else dict(names.states)
    values = {}
    for info in inputs:
        elements = states.pop(info.name, None)
        if elements is None:
            continue
        try:
            array, shape = np.asarray(elements, info.dtype), info.shape or ()
            values[info.name] = array.reshape(shape) if array.ndim else np.broadcast_to(array, shape)
        except (ValueError, OverflowError) as error:
            raise KmodelError("K0402", cause=f"state {info.name!r} does not fit the kmodel: {error}") from error
    if states:
        raise KmodelError("K0402", cause=f"the kmodel has no input for state {next(iter(states))!r}")
    return values


Dense = tuple[np.dtype[Any], "tuple[int, ...] | None"]


def _declared(types: Sequence[tuple[str, tuple[int, ...]]]) -> list[Dense]:
    return [(numpy_dtype(element), shape) for element, shape in types]


def _types7(model: v7.Model) -> tuple[list[Dense], list[Dense]]:
    entry = model.entry_function()
    if entry is None:
        return [], []
    results = entry.result.fields if isinstance(entry.result, TupleType) else (entry.result,)
    return [_dense(one) for one in entry.parameters], [_dense(one) for one in results]


def _dense(type_: Type) -> Dense:
    if not isinstance(type_, TensorType) or not isinstance(type_.element, str):
        raise KmodelError("K0404", cause="an input or output of the network is not a tensor")
    return numpy_dtype(type_.element), tuple(-1 if dim is None else dim for dim in type_.shape)


def _infos(names: Sequence[str], types: Sequence[Dense]) -> tuple[TensorInfo, ...]:
    if len(names) != len(types) or len(set(names)) != len(names):
        raise KmodelError("K0402", cause=f"the kmodel names {list(names)}, but has {len(types)} such tensors")
    return tuple(TensorInfo(name, dtype, shape) for name, (dtype, shape) in zip(names, types, strict=True))


def _find(infos: Sequence[TensorInfo], which: int | str, kind: str) -> TensorInfo:
    for index, info in enumerate(infos):
        if which in (info.name, index):
            return info
    code = "K0502" if kind == "input" else "K0506"
    raise ExecutionError(code, cause=f"there is no {kind} {which!r}, expected {_listed(infos)}")


def _checked(info: TensorInfo, given: Any) -> Array:
    """The array, if it has the dtype and shape that the network declares."""
    if type(given) is np.ndarray and given.dtype == info.dtype and given.shape == info.shape:
        return given
    array = given.to_numpy() if isinstance(given, RuntimeTensor) else np.asarray(given)
    if array.dtype != info.dtype or not info.fits(array.shape):
        cause = f"input {info.name!r} is {array.dtype.name} {list(array.shape)}, expected {info}"
        raise ExecutionError("K0502", cause=cause)
    return array


def _listed(infos: Sequence[TensorInfo]) -> str:
    return "; ".join(map(str, infos)) or "none"
