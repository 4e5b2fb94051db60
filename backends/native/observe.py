"""Runs a network as machine code and shows every value that it computed, for calibration.

On entry: one function of `nn` operations with static shapes. The module is only looked at: a copy returns the results
of all operations. They differ from the evaluator's by float rounding.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...dialects import nn
from ...dialects.evaluate import Observer
from ...dialects.function import clone, entry_function
from ...dialects.mlir import ir
from ...dialects.tensors import Array, dtype_of
from ...errors import ExecutionError
from ...passes.pipeline import parse_pipeline
from ...runtime import Simulator
from .emit import emit_native, pipeline
from .target import host

SHOWN = "f"
"""The kind of elements that is returned: ranges are measured of floats."""


class ObservedProgram:
    """A network of which every float value is seen; made once, run often.

    Raises what `emit_native` raises, and ExecutionError K0509 on a CPU that no code is made for.
    """

    def __init__(self, module: ir.Module) -> None:
        block = entry_function(module).regions[0].blocks[0]
        self.arguments: Sequence[ir.Value] = list(block.arguments)
        self._shown = [op for op in list(block.operations)[:-1] if _is_shown(op)]
        copy, spec = clone(module), host()
        self._count = _return_everything(copy)
        parse_pipeline(pipeline(spec)).run(copy)
        self._simulator = Simulator(emit_native([[copy]], [spec], "calibration")[0])

    def run(self, inputs: Sequence[Any], observer: Observer | None = None) -> list[Array]:
        """The results for `inputs`, in order; `observer(op, results)` sees those of operations in floats.

        Raises `ExecutionError` K0502 when an input does not fit.
        """
        arrays = list(self._simulator.run(*inputs).values())
        results, values = arrays[: self._count], iter(arrays[self._count :])
        for op in self._shown if observer is not None else ():
            shown = tuple(next(values) for _ in op.operation.results)
            if observer is not None and observer(op, shown):
                raise ExecutionError("K0503", cause="machine code cannot go on with other values than it computed")
        return results


def _is_shown(op: Any) -> bool:
    return not isinstance(op, nn.Constant) and all(dtype_of(value).kind == SHOWN for value in op.operation.results)


def _return_everything(module: ir.Module) -> int:
    """Let the function return the results of all operations behind its own, whose number is given."""
    function = entry_function(module)
    block = function.regions[0].blocks[0]
    *operations, end = block.operations
    own = list(end.operation.operands)
    values = [*own, *(value for op in operations if _is_shown(op) for value in op.operation.results)]
    with ir.InsertionPoint(end), ir.Location.unknown():
        ir.Operation.create("func.return", operands=values)
    end.operation.erase()
    type_ = ir.FunctionType.get(list(function.type.inputs), [value.type for value in values], context=module.context)
    function.attributes["function_type"] = ir.TypeAttr.get(type_)
    if "res_attrs" in function.attributes:
        del function.attributes["res_attrs"]
    return len(own)
