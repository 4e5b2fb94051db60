"""The range of real numbers that a value takes, as a discardable attribute on what defines it.

An operation holds one entry a result, `nn.ranges = [array<f64: 0.0, 6.0>, array<f64>]` (empty where nothing is known);
a function's argument has its own, `nn.range = array<f64: -1.0, 1.0>`.
"""

from typing import NamedTuple

from .mlir import ir

RANGE = "nn.range"
RANGES = "nn.ranges"


class Range(NamedTuple):
    """The smallest and the largest number."""

    low: float
    high: float


def value_range(value: ir.Value) -> Range | None:
    """The range of an operation's result or of a function's argument, or None when it is not known."""
    if isinstance(value, ir.OpResult):
        attributes = value.owner.attributes
        return _read(attributes[RANGES][value.result_number]) if RANGES in attributes else None
    number, function = value.arg_number, value.owner.owner.attributes
    if "arg_attrs" not in function or RANGE not in function["arg_attrs"][number]:
        return None
    return _read(function["arg_attrs"][number][RANGE])


def set_range(value: ir.Value, span: Range | None) -> None:
    """State the range of an operation's result or of a function's argument; None takes it away."""
    if isinstance(value, ir.OpResult):
        _set_result_range(value.owner, value.result_number, span)
    else:
        _set_argument_range(value.owner.owner, value.arg_number, span)


def _set_result_range(operation: ir.Operation, number: int, span: Range | None) -> None:
    empty = _attribute(None)
    entries = list(operation.attributes[RANGES]) if RANGES in operation.attributes else [empty] * len(operation.results)
    entries[number] = _attribute(span)
    if any(entry != empty for entry in entries):
        operation.attributes[RANGES] = ir.ArrayAttr.get(entries)
    elif RANGES in operation.attributes:
        del operation.attributes[RANGES]


def _set_argument_range(function: ir.Operation, number: int, span: Range | None) -> None:
    block = function.regions[0].blocks[0]
    if "arg_attrs" in function.attributes:
        entries = [{item.name: item.attr for item in entry} for entry in function.attributes["arg_attrs"]]
    else:
        entries = [{} for _ in block.arguments]
    entries[number].pop(RANGE, None)
    if span is not None:
        entries[number][RANGE] = _attribute(span)
    function.attributes["arg_attrs"] = ir.ArrayAttr.get([ir.DictAttr.get(entry) for entry in entries])


def _attribute(span: Range | None) -> ir.Attribute:
    return ir.DenseF64ArrayAttr.get([] if span is None else list(span))


def _read(attribute: ir.Attribute) -> Range | None:
    values = list(ir.DenseF64ArrayAttr(attribute))
    return Range(*values) if len(values) == 2 else None
