"""Runs a function of `nn` operations with numpy: the oracle that passes and targets are compared with.

On entry: a function whose body is one block of `nn` operations. Dynamic dimensions are welcome: only the actual
inputs decide. Values are dropped after their last use.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..errors import ExecutionError
from . import nn
from .function import entry_function
from .mlir import describe, ir
from .ods import Op
from .tensors import Array, dtype_of, shape_of

FAULTS = (IndexError, ValueError, ArithmeticError, MemoryError, TypeError)
"""What numpy raises for operands that do not fit together: an index out of range, too large a shape, a wrong type."""

Observer = Callable[[ir.OpView, Sequence[Array]], Sequence[Array] | None]


def evaluate(module: ir.Module, inputs: Sequence[Any], observer: Observer | None = None) -> list[Array]:
    """The results of the module's entry function for `inputs`, in order.

    `observer(op, results)` sees every operation's results (for calibration and comparison); what it returns, if it
    does, takes their place. Raises `ExecutionError` K0502 when an input's dtype or shape is not what the function
    declares, K0503 on operations other than `nn` and on values that an operation cannot be computed for.
    """
    block = entry_function(module).regions[0].blocks[0]
    arrays = [np.asarray(array) for array in inputs]
    _check_inputs(block, arrays)
    environment: dict[ir.Value, Array] = dict(zip(block.arguments, arrays, strict=True))
    operations = list(block.operations)
    last_use = {operand: i for i, op in enumerate(operations) for operand in op.operation.operands}
    for i, op in enumerate(operations):
        operands = list(op.operation.operands)
        if op.operation.name == "func.return":
            return [environment[operand] for operand in operands]
        results = evaluate_op(op, [environment[operand] for operand in operands])
        for operand in operands:
            if last_use[operand] == i:
                environment.pop(operand, None)
        if observer is not None:
            results = tuple(observer(op, results) or results)
        environment.update((v, r) for v, r in zip(op.operation.results, results, strict=True) if v in last_use)
    raise ExecutionError("K0503", cause="the function does not return")


def evaluate_op(op: ir.OpView, operands: Sequence[Array]) -> tuple[Array, ...]:
    """The results of one operation for the arrays of all its operands, absent ones left out.

    Raises `ExecutionError` K0503 when it cannot be computed for them.
    """
    if not isinstance(op, Op):
        raise ExecutionError(
            "K0503",
            where=describe(op.location),
            cause=f"'{op.operation.name}' cannot be evaluated: not an nn operation",
        )
    positions = dict(zip(op.operation.operands, operands, strict=True))
    grouped: list[Any] = []
    for field in op.operand_fields:
        value = op.field_values(field)
        grouped.append([positions[v] for v in value] if field.variadic else None if value is None else positions[value])
    try:
        with np.errstate(all="ignore"):
            result = op.evaluate(*grouped)
    except FAULTS as error:
        cause = f"'{op.operation.name}' cannot be computed: {error}"
        raise ExecutionError("K0503", where=describe(op.location), cause=cause) from error
    results = tuple(result) if isinstance(result, tuple | list) else (result,)
    for value, array in zip(op.operation.results, results, strict=True):
        if array.dtype != dtype_of(value):
            cause = f"'{op.operation.name}' is not defined on these types: it gives {array.dtype} for {value.type}"
            raise ExecutionError("K0503", where=describe(op.location), cause=cause)
    return results


def fold(op: ir.OpView, limit: int) -> tuple[Array, ...] | None:
    """The results of an operation that constants and known shapes decide, none larger than `limit` elements."""
    if not isinstance(op, Op) or isinstance(op, nn.Constant | nn.RandomUniform | nn.RandomNormal):
        return None
    if isinstance(op, nn.ShapeOf):
        dims = shape_of(op.input)[op.start : op.end]
        return None if None in dims else (np.asarray(dims, np.int64),)
    if isinstance(op, nn.Size):
        count = nn.known_product(shape_of(op.input))
        return None if count is None else (np.asarray(count, np.int64),)
    if isinstance(op, nn.StorageCast) and nn.quantization_parameters(op.output.type) is not None:
        return None  # constants of a quantised type are their storage, cast
    for value in op.operation.results:
        if (nn.known_product(shape_of(value)) or 0) > limit:
            return None
    operands = [nn.constant_value(operand) for operand in op.operation.operands]
    if any(operand is None for operand in operands):
        return None
    return evaluate_op(op, [operand for operand in operands if operand is not None])


def _check_inputs(block: ir.Block, arrays: Sequence[Array]) -> None:
    if len(arrays) != len(block.arguments):
        raise ExecutionError("K0502", cause=f"the network has {len(block.arguments)} inputs, {len(arrays)} were given")
    for i, (argument, array) in enumerate(zip(block.arguments, arrays, strict=True)):
        shape = shape_of(argument)
        fits = len(shape) == array.ndim and all(dim in (None, n) for dim, n in zip(shape, array.shape, strict=True))
        if array.dtype != dtype_of(argument) or not fits:
            raise ExecutionError(
                "K0502", cause=f"input {i} is {array.dtype}{list(array.shape)}, expected {argument.type}"
            )
