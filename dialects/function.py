"""The function that a network is: how to find it, the names of its inputs and outputs, and its state.

A state is an input and an output of the same name: what one run returns goes into the next one.
"""

from collections.abc import Mapping, Sequence

from ..errors import ExecutionError
from .mlir import func, ir
from .tensors import Array, elements_attribute, elements_to_numpy

NAME = "nn.name"
INITIAL = "nn.initial"


def entry_function(module: ir.Module) -> func.FuncOp:
    """The function that the network is: `main`, or the only one; it lives as long as the module.

    Raises `ExecutionError` K0501.
    """
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


def initial_states(function: func.FuncOp) -> dict[str, Array]:
    """What the states of a network hold before its first run, by name."""
    if "arg_attrs" not in function.attributes:
        return {}
    entries = [entry for entry in function.attributes["arg_attrs"] if INITIAL in entry]
    return {entry[NAME].value: elements_to_numpy(entry[INITIAL]).copy() for entry in entries}


def set_names(
    function: func.FuncOp,
    arguments: Sequence[str],
    results: Sequence[str],
    initial: Mapping[str, Array] | None = None,
) -> None:
    """Give inputs and outputs names, which `argument_names` and `result_names` read, and states their first values."""
    for attribute, names, values in (("arg_attrs", arguments, initial or {}), ("res_attrs", results, {})):
        entries = []
        for name in names:
            entry: dict[str, ir.Attribute] = {NAME: ir.StringAttr.get(name)}
            if name in values:
                entry[INITIAL] = elements_attribute(values[name])
            entries.append(ir.DictAttr.get(entry))
        function.attributes[attribute] = ir.ArrayAttr.get(entries)


def _read_names(function: func.FuncOp, attribute: str, count: int, default: str) -> list[str]:
    names = [f"{default}{i}" for i in range(count)]
    if attribute in function.attributes:
        for i, entry in enumerate(function.attributes[attribute]):
            if NAME in entry:
                names[i] = entry[NAME].value
    return names
