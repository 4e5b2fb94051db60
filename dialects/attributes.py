"""The kinds of attribute that an op class can have: how each is stored in the IR and what Python sees."""

import typing
from collections.abc import Callable
from dataclasses import dataclass

from .mlir import ir
from .tensors import elements_attribute, elements_to_numpy


@dataclass(frozen=True)
class AttributeKind:
    """A correspondence between Python values and MLIR attributes of class `attribute`."""

    name: str
    attribute: type
    read: Callable[[typing.Any], typing.Any]
    write: Callable[[typing.Any], ir.Attribute]


def _i64(value: int) -> ir.Attribute:
    return ir.IntegerAttr.get(ir.IntegerType.get_signless(64), int(value))


def _f64(value: float) -> ir.Attribute:
    return ir.FloatAttr.get(ir.F64Type.get(), float(value))


KINDS: dict[str, AttributeKind] = {
    kind.name: kind
    for kind in (
        AttributeKind("i64", ir.IntegerAttr, lambda attribute: attribute.value, _i64),
        AttributeKind("f64", ir.FloatAttr, lambda attribute: attribute.value, _f64),
        AttributeKind("bool", ir.BoolAttr, lambda attribute: attribute.value, lambda v: ir.BoolAttr.get(bool(v))),
        AttributeKind("string", ir.StringAttr, lambda attribute: attribute.value, ir.StringAttr.get),
        AttributeKind(
            "array<i64>", ir.DenseI64ArrayAttr, tuple, lambda v: ir.DenseI64ArrayAttr.get([int(x) for x in v])
        ),
        AttributeKind(
            "array<f64>", ir.DenseF64ArrayAttr, tuple, lambda v: ir.DenseF64ArrayAttr.get([float(x) for x in v])
        ),
        AttributeKind(
            "array<string>",
            ir.ArrayAttr,
            lambda attribute: tuple(item.value for item in attribute),
            lambda v: ir.ArrayAttr.get([ir.StringAttr.get(item) for item in v]),
        ),
        AttributeKind("type", ir.TypeAttr, lambda attribute: attribute.value, ir.TypeAttr.get),
        AttributeKind("elements", ir.DenseElementsAttr, elements_to_numpy, elements_attribute),
    )
}

ENUM = AttributeKind("enum", ir.StringAttr, KINDS["string"].read, KINDS["string"].write)
