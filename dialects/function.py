"""The function that a network is: how to find it, and the names of its inputs and outputs."""

from collections.abc import Sequence

from ..errors import ExecutionError
from .mlir import func, ir

NAME = "nn.name"


def entry_function(module: ir.Module) -> func.FuncOp:
    """The function that the network is: `main`, or the only one. Raises `ExecutionError` K0501."""
    functions = [op for op in module.body.operations if op.operation.name == "func.func"]
    named = [function for function in functions if function.name.value == "main"] or functions
    if len(named) != 1:
        raise ExecutionError("K0501", cause=f"the module has {len(functions)} functions, none of them @main")
    return named[0]


def argument_names(function: func.FuncOp) -> list[str]:
    """The names of a function's inputs: those of the model, or input0, input1, ..."""
    return _read_names(function, "arg_attrs", len(function.type.inputs), "input")


def result_names(function: func.FuncOp) -> list[str]:
    """The names of a function's outputs: those of the model, or output0, output1, ..."""
    return _read_names(function, "res_attrs", len(function.type.results), "output")


def set_names(function: func.FuncOp, arguments: Sequence[str], results: Sequence[str]) -> None:
    """Give inputs and outputs names, which `argument_names` and `result_names` read."""
    for attribute, names in (("arg_attrs", arguments), ("res_attrs", results)):
        entries = [ir.DictAttr.get({NAME: ir.StringAttr.get(name)}) for name in names]
        function.attributes[attribute] = ir.ArrayAttr.get(entries)


def _read_names(function: func.FuncOp, attribute: str, count: int, default: str) -> list[str]:
    names = [f"{default}{i}" for i in range(count)]
    if attribute in function.attributes:
        for i, entry in enumerate(function.attributes[attribute]):
            if NAME in entry:
                names[i] = entry[NAME].value
    return names
