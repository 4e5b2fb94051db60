"""The range of real numbers that a value takes, as a discardable attribute on what defines it; and, where that differs
from the rest of the network, with how many bits it is kept.

An operation holds one entry a result, `nn.ranges = [array<f64: 0.0, 6.0>, array<f64>]` (empty where nothing is known);
a function's argument has its own, `nn.range = array<f64: -1.0, 1.0>`. Bits alike: `nn.results_bits = [array<i64: 16>]`,
`nn.bits = array<i64: 32>`.
"""

from typing import NamedTuple

from .mlir import ir

RANGE = "nn.range", "nn.ranges"
BITS = "nn.bits", "nn.results_bits"
"""Names of the attributes of an argument, and of an operation's results."""
REAL = 32
"""Bits of values that stay real numbers."""


class Range(NamedTuple):
    """The smallest and the largest number."""

    low: float
    high: float


def value_range(value: ir.Value) -> Range | None:
    """The range of an operation's result or of a function's argument, or None when it is not known."""
    attribute = _entry(value, RANGE)
    values = [] if attribute is None else list(ir.DenseF64ArrayAttr(attribute))
    return Range(*values) if len(values) == 2 else None


def set_range(value: ir.Value, span: Range | None) -> None:
    """State the range of an operation's result or of a function's argument; None takes it away."""
    _set_entry(value, RANGE, ir.DenseF64ArrayAttr.get([] if span is None else list(span)))


def value_bits(value: ir.Value) -> int | None:
    """The bits that a value is kept with, `REAL` if it is not to be quantised; None: as many as others."""
    attribute = _entry(value, BITS)
    return next(iter(ir.DenseI64ArrayAttr(attribute)), None) if attribute is not None else None


def set_bits(value: ir.Value, bits: int | None) -> None:
    """State the bits of an operation's result or of a function's argument; None takes them away."""
    _set_entry(value, BITS, ir.DenseI64ArrayAttr.get([] if bits is None else [bits]))


def _entry(value: ir.Value, names: tuple[str, str]) -> ir.Attribute | None:
    own, shared = names
    if isinstance(value, ir.OpResult):
        attributes = value.owner.attributes
        return attributes[shared][value.result_number] if shared in attributes else None
    number, function = value.arg_number, value.owner.owner.attributes
    if "arg_attrs" not in function or own not in function["arg_attrs"][number]:
        return None
    return function["arg_attrs"][number][own]


def _set_entry(value: ir.Value, names: tuple[str, str], attribute: ir.Attribute) -> None:
    """State an array; an empty one says nothing."""
    empty = type(attribute).get([])
    if isinstance(value, ir.OpResult):
        _set_result(value.owner, value.result_number, names[1], attribute, empty)
    else:
        _set_argument(value.owner.owner, value.arg_number, names[0], None if attribute == empty else attribute)


def _set_result(operation: ir.Operation, number: int, name: str, attribute: ir.Attribute, empty: ir.Attribute) -> None:
    entries = list(operation.attributes[name]) if name in operation.attributes else [empty] * len(operation.results)
    entries[number] = attribute
    if any(entry != empty for entry in entries):
        operation.attributes[name] = ir.ArrayAttr.get(entries)
    elif name in operation.attributes:
        del operation.attributes[name]


def _set_argument(function: ir.Operation, number: int, name: str, attribute: ir.Attribute | None) -> None:
    block = function.regions[0].blocks[0]
    if "arg_attrs" in function.attributes:
        entries = [{item.name: item.attr for item in entry} for entry in function.attributes["arg_attrs"]]
    else:
        entries = [{} for _ in block.arguments]
    entries[number].pop(name, None)
    if attribute is not None:
        entries[number][name] = attribute
    function.attributes["arg_attrs"] = ir.ArrayAttr.get([ir.DictAttr.get(entry) for entry in entries])
