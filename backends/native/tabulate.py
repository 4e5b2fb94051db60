"""Functions of one byte, as tables: what is computed of a quantised value until it is quantised again.

Sigmoids, their products with what they are of, and the like, in networks of bytes. Tables hold what the operations'
kernels in `runtime.kernels` compute.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ...dialects import nn
from ...dialects.mlir import ir
from ...dialects.tensors import dtype_of, static_shape
from .evaluation import EXPRESSIONS
from .group import Group
from .kernel import Array
from .table import Table
from .target import TargetSpec

WIDE = 512
"""Bits of vectors that there are instructions for."""
CHEAP = (nn.Dequantize, nn.Quantize, nn.Relu, nn.Clamp)
"""Operations that take no longer than looking up what they compute."""


def tabulated(group: Group, spec: TargetSpec) -> Group:
    """The group with tables, if vectors look up in them faster than most functions are computed."""
    return replace(group, tables=tables_of(group.operations)) if spec.vector_bits == WIDE else group


def tables_of(operations: Sequence[Any]) -> dict[ir.Value, Table]:
    """The values that operations quantise and that are functions of another quantised value alone."""
    makers = {op.operation.results[0]: op for op in operations if type(op) in EXPRESSIONS}
    found: dict[ir.Value, Table] = {}
    for op in operations:
        if isinstance(op, nn.Quantize) and _is_byte(op.output):
            table = _table(op, makers, found)
            if table is not None:
                found[op.output] = table
    return found


def _table(last: nn.Quantize, makers: Mapping[ir.Value, Any], found: Mapping[ir.Value, Table]) -> Table | None:
    """What an operation quantises, as a function of a byte, unless that is easier to compute than to look up."""
    values: dict[ir.Value, Array] = {}
    sources: set[ir.Value] = set()
    costly = False

    def visit(value: ir.Value) -> bool:
        """Whether a value can be tabulated; its numbers for each byte are those in `values` then."""
        nonlocal costly
        if value in values:
            return True
        array = nn.constant_value(value)
        if array is not None and array.size == 1:
            values[value] = array.reshape(1)
            return True
        if value in found:
            sources.add(found[value].source)
            costly = True
            values[value] = found[value].numbers.view(dtype_of(value))
            return True
        if _is_byte(value):
            sources.add(value)
            values[value] = np.arange(256, dtype=np.uint8).view(dtype_of(value))
            return static_shape(value) == static_shape(last.output)
        op = makers.get(value)
        if op is None or not all(visit(operand) for operand in op.operation.operands):
            return False
        costly |= not isinstance(op, CHEAP)
        values[value] = op.evaluate(*(values[operand] for operand in op.operation.operands))
        return True

    if not visit(last.input) or len(sources) != 1 or not costly:
        return None
    numbers = last.evaluate(values[last.input])
    return Table.of(sources.pop(), np.broadcast_to(numbers, 256))


def _is_byte(value: ir.Value) -> bool:
    parameters = nn.quantization_parameters(value.type)
    return parameters is not None and parameters.axis < 0 and parameters.dtype.itemsize == 1
