"""The function that a network is: how to find it, the names of its inputs and outputs, and its state.

A state is an input and an output of the same name: what one run returns goes into the next one. A function of buffers
(`kpu-bufferize`) returns nothing: its outputs are arguments, too, which the caller wants to be filled.
"""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from ..errors import ExecutionError, UnsupportedError
from .mlir import describe, func, ir
from .tensors import Array, elements_attribute, elements_to_numpy, shape_of

NAME = "nn.name"
INITIAL = "nn.initial"
TYPE = "nn.type"
"""The tensor type that an argument which is a buffer has for the caller."""
RESULT = "bufferize.result"
"""What marks arguments that are outputs, as upstream's `buffer-results-to-out-params` does."""


@dataclass(frozen=True)
class Parameter:
    """An input or output of a network: its name, and its tensor type as the caller sees it."""

    name: str
    type: ir.Type


def entry_function(module: ir.Module) -> func.FuncOp:
    """The function that the network is: `main`, or the only one; it lives as long as the module.

    Raises `ExecutionError` K0501.
    """
    functions = [op for op in module.body.operations if op.operation.name == "func.func"]
    named = [function for function in functions if function.name.value == "main"] or functions
    if len(named) != 1:
        raise ExecutionError("K0501", cause=f"the module has {len(functions)} functions, none of them @main")
    return named[0]


def clone(module: ir.Module) -> ir.Module:
    """A copy, which other passes can be run on."""
    stream = io.BytesIO()
    module.operation.write_bytecode(stream)
    return ir.Module.parse(stream.getvalue(), context=module.context)


def inputs_of(function: func.FuncOp) -> list[Parameter]:
    """A function's inputs; their names are those of the model, or input0, input1, ..."""
    found = _entries(function, "arg_attrs", function.type.inputs)
    return _parameters([one for one in found if RESULT not in one[0]], "input")


def outputs_of(function: func.FuncOp) -> list[Parameter]:
    """A function's outputs; their names are those of the model, or output0, output1, ..."""
    arguments = _entries(function, "arg_attrs", function.type.inputs)
    results = _entries(function, "res_attrs", function.type.results)
    return _parameters([*(one for one in arguments if RESULT in one[0]), *results], "output")


def argument_names(function: func.FuncOp) -> list[str]:
    """The names of a function's inputs."""
    return [one.name for one in inputs_of(function)]


def result_names(function: func.FuncOp) -> list[str]:
    """The names of a function's outputs."""
    return [one.name for one in outputs_of(function)]


def buffers_of(function: func.FuncOp) -> tuple[list[ir.Value], list[ir.Value]]:
    """The inputs and the outputs among the arguments of a function of buffers."""
    arguments = list(function.regions[0].blocks[0].arguments)
    entries = _entries(function, "arg_attrs", arguments)
    inputs = [argument for entry, argument in entries if RESULT not in entry]
    return inputs, [argument for entry, argument in entries if RESULT in entry]


def check_static(function: func.FuncOp) -> None:
    """Raise `UnsupportedError` K0603 for the first value with an unknown dimension."""
    block = function.regions[0].blocks[0]
    values = [*block.arguments, *(value for op in block.operations for value in op.operation.results)]
    for value in values:
        if None in shape_of(value):
            where = describe(value.owner.location) if isinstance(value, ir.OpResult) else "the network's inputs"
            raise UnsupportedError(
                "K0603",
                where=where,
                cause=f"{value.type} has dimensions that are not known",
                remedy="fix the input shapes with --shape NAME=1,3,224,224 or --dim NAME=N",
            )


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


def state_type(function: func.FuncOp) -> None:
    """Let the function's type be what its block takes and returns."""
    block = function.regions[0].blocks[0]
    arguments = [argument.type for argument in block.arguments]
    results = [value.type for value in block.operations[len(block.operations) - 1].operands]
    function.attributes["function_type"] = ir.TypeAttr.get(ir.FunctionType.get(arguments, results))


AnyItem = TypeVar("AnyItem")
Entry = Mapping[str, Any]


def _entries(function: func.FuncOp, attribute: str, items: Sequence[AnyItem]) -> list[tuple[Entry, AnyItem]]:
    """What is stated of each argument or result, and the argument or result."""
    stated = function.attributes[attribute] if attribute in function.attributes else [{}] * len(items)
    return list(zip(stated, items, strict=True))


def _parameters(stated: Sequence[tuple[Entry, ir.Type]], default: str) -> list[Parameter]:
    return [
        Parameter(
            entry[NAME].value if NAME in entry else f"{default}{number}", entry[TYPE].value if TYPE in entry else type_
        )
        for number, (entry, type_) in enumerate(stated)
    ]
