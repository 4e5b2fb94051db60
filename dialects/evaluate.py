"""Runs a function of our operations with numpy: the oracle that passes and targets are compared with.

On entry: a function whose body is one block of operations on tensors, or one of buffers (`kpu-bufferize`). Dynamic
dimensions are welcome: only the actual inputs decide. Values are dropped after their last use.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from typing import Any

import numpy as np

from ..errors import ExecutionError
from . import kpu, nn
from .function import buffers_of, entry_function, inputs_of
from .memory import Memories
from .mlir import describe, ir
from .ods import Op
from .tensors import Array, dtype_of, shape_of, static_shape

FAULTS = (IndexError, ValueError, ArithmeticError, MemoryError, TypeError)
"""What numpy raises for operands that do not fit together: an index out of range, too large a shape, a wrong type."""

Observer = Callable[[ir.OpView, Sequence[Array]], Sequence[Array] | None]


def evaluate(module: ir.Module, inputs: Sequence[Any], observer: Observer | None = None) -> list[Array]:
    """The results of the module's entry function for `inputs`, in order: see `Program.run`."""
    return Program(module).run(inputs, observer)


class Program:
    """A module's entry function, read once so that it can be run often; the module must not change meanwhile.

    Every value has a slot, by number. Raises `ExecutionError` K0503 on operations other than ours.
    """

    def __init__(self, module: ir.Module) -> None:
        self.module = module
        function = entry_function(module)
        block = function.regions[0].blocks[0]
        self.arguments, filled = buffers_of(function)
        self._types = [one.type for one in inputs_of(function)]
        *operations, end = block.operations
        if end.operation.name != "func.return":
            raise ExecutionError("K0503", cause="the function does not return")
        self._slots = {value: slot for slot, value in enumerate([*self.arguments, *filled])}
        self._constants: dict[int, Array] = {}
        self._memories = Memories()
        self._steps: list[_Step] = []
        for value, slot in self._slots.items():
            self._memories.add(slot, value)
        for op in operations:
            self._add(op)
        self._outputs = [self._slots[value] for value in (*filled, *end.operation.operands)]
        kept = set(self._outputs)
        for step in reversed(self._steps):
            step.dropped = list({*step.operands, *step.results} - kept)
            kept.update(step.operands)

    def _add(self, op: ir.OpView) -> None:
        operands = [self._slots[value] for value in op.operation.operands]
        results = range(len(self._slots), len(self._slots) + len(op.operation.results))
        self._slots.update(zip(op.operation.results, results, strict=True))
        if isinstance(op, nn.Constant):
            self._constants[results[0]] = op.value
        elif isinstance(op, kpu.Buffer):
            self._memories.add(results[0], op.output)
        else:
            self._steps.append(_Step(Computation(op), operands, results))

    def run(self, inputs: Sequence[Any], observer: Observer | None = None) -> list[Array]:
        """The results for `inputs`, in order.

        `observer(op, results)` sees the results of every operation but constants (for calibration and comparison);
        what it returns, if it does, takes their place. Raises `ExecutionError` K0502 when an input's dtype or shape is
        not what the function declares, K0503 for values that an operation cannot be computed for.
        """
        arrays = [np.asarray(array) for array in inputs]
        _check_inputs(self._types, arrays)
        regions = self._memories.regions()
        slots: dict[int, Any] = self._constants | dict(enumerate(arrays)) | regions
        for slot, array in enumerate(arrays):
            if slot in regions:
                regions[slot].write(array)
        for step in self._steps:
            results = step.computation([slots[slot] for slot in step.operands])
            if observer is not None:
                results = tuple(observer(step.computation.op, results) or results)
            slots.update(zip(step.results, results, strict=True))
            for slot in step.dropped:
                del slots[slot]
        return [regions[slot].read() if slot in regions else slots[slot] for slot in self._outputs]


@dataclass
class _Step:
    """A computation, the slots that it reads and writes, and those of them that nothing reads afterwards."""

    computation: "Computation"
    operands: list[int]
    results: range
    dropped: list[int] = field(default_factory=list)


class Computation:
    """One operation, read once so that it can be computed often. Raises `ExecutionError` K0503 if it is not ours."""

    def __init__(self, op: ir.OpView) -> None:
        if not isinstance(op, Op):
            raise ExecutionError(
                "K0503",
                where=describe(op.location),
                cause=f"'{op.operation.name}' cannot be evaluated: not an nn operation",
            )
        self.op = op
        self._evaluator = partial(op.evaluator, **op.evaluator_arguments)
        self._places: list[int | None] = []
        present = count()
        for declared in op.operand_fields:
            value = op.field_values(declared)
            group = value if declared.variadic else [value]
            self._places += [None if one is None else next(present) for one in group]
        self._dtypes = [dtype_of(value) for value in op.operation.results]

    def __call__(self, operands: Sequence[Array]) -> tuple[Array, ...]:
        """The results for the arrays of all operands, absent ones left out.

        Raises `ExecutionError` K0503 when the operation cannot be computed for them.
        """
        try:
            with np.errstate(all="ignore"):
                result = self._evaluator(*(None if place is None else operands[place] for place in self._places))
        except FAULTS as error:
            raise self._error(f"cannot be computed: {error}") from error
        results = tuple(result) if isinstance(result, tuple | list) else (result,)
        for value, dtype, array in zip(self.op.operation.results, self._dtypes, results, strict=True):
            if array.dtype != dtype:
                raise self._error(f"is not defined on these types: it gives {array.dtype} for {value.type}")
        return results

    def _error(self, what: str) -> ExecutionError:
        op = self.op.operation
        return ExecutionError("K0503", where=describe(op.location), cause=f"'{op.name}' {what}")


def _is_plain(value: ir.Value) -> bool:
    return nn.quantization_parameters(value.type) is None


def _known(value: ir.Value) -> Array | None:
    """The elements of a constant, or of a tensor that has none."""
    if nn.known_product(shape_of(value)) == 0 and _is_plain(value):
        return np.empty(static_shape(value), dtype_of(value))
    return nn.constant_value(value)


def fold(op: ir.OpView, limit: int) -> tuple[Array, ...] | None:
    """The results of an operation that constants and known shapes decide, none larger than `limit` elements: such as
    those without elements, or of operands without."""
    if not isinstance(op, Op) or isinstance(op, nn.Constant | nn.RandomUniform | nn.RandomNormal):
        return None
    if isinstance(op, nn.ShapeOf):
        dims = shape_of(op.input)[op.start : op.end]
        return None if None in dims else (np.asarray(dims, np.int64),)
    if isinstance(op, nn.Size):
        size = nn.known_product(shape_of(op.input))
        return None if size is None else (np.asarray(size, np.int64),)
    if isinstance(op, nn.StorageCast) and nn.quantization_parameters(op.output.type) is not None:
        return None  # constants of a quantised type are their storage, cast
    results = list(op.operation.results)
    if all(nn.known_product(shape_of(value)) == 0 and _is_plain(value) for value in results):
        return tuple(np.empty(static_shape(value), dtype_of(value)) for value in results)
    for value in results:
        if (nn.known_product(shape_of(value)) or 0) > limit:
            return None
    operands = [_known(operand) for operand in op.operation.operands]
    partly = isinstance(op, nn.Gather | nn.Slice) and operands[0] is None
    if partly:
        operands[0] = _partly_known_shape(op.input)
    if any(operand is None for operand in operands):
        return None
    found = Computation(op)([operand for operand in operands if operand is not None])
    return None if partly and (found[0] == UNKNOWN).any() else found


UNKNOWN = -1
"""What stands for a dimension that is not known in `_partly_known_shape`."""


def _partly_known_shape(value: ir.Value) -> Array | None:
    """The dimensions that a `nn.shape` gives, of which some are known."""
    owner = value.owner.opview if isinstance(value, ir.OpResult) else None
    if not isinstance(owner, nn.ShapeOf):
        return None
    dims = shape_of(owner.input)[owner.start : owner.end]
    return np.asarray([UNKNOWN if dim is None else dim for dim in dims], np.int64)


def _check_inputs(types: Sequence[ir.Type], arrays: Sequence[Array]) -> None:
    if len(arrays) != len(types):
        raise ExecutionError("K0502", cause=f"the network has {len(types)} inputs, {len(arrays)} were given")
    for i, (type_, array) in enumerate(zip(types, arrays, strict=True)):
        shape = shape_of(type_)
        fits = len(shape) == array.ndim and all(dim in (None, n) for dim, n in zip(shape, array.shape, strict=True))
        if array.dtype != dtype_of(type_) or not fits:
            raise ExecutionError("K0502", cause=f"input {i} is {array.dtype}{list(array.shape)}, expected {type_}")
