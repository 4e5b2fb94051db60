"""The tail of a network: what is computed at the sizes of the inputs themselves, behind a head for padded ones.

On entry: one function of `nn` operations some of whose dimensions are not known, their shapes, and the values at which
the head may end. On exit (`split_tail`): the function is the tail. It takes the network's inputs, then what the head
gives, then vectors of sizes, and returns what the network does. The tail is as short as the ends allow; all that
depends on sizes only, such as a grid of places, is part of it, so that it is that of the inputs without padding.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from ...dialects import nn
from ...dialects.function import argument_names, entry_function, result_names, set_names, update_types
from ...dialects.mlir import ir
from ...dialects.tensors import dtype_of, shape_of, tensor_type
from .reify_shapes import ReifiedShapes
from .shape_rules import Extents


@dataclass(frozen=True)
class Tail:
    """The network that follows, what the vectors of sizes hold that it takes, and what it is in the report: `text`."""

    module: ir.Module
    sizes: Sequence[Extents]
    text: str


def needed_ends(module: ir.Module, shapes: ReifiedShapes, ends: Collection[ir.Value]) -> list[ir.Value]:
    """Those of the ends that the tail needs, in the order in which they are computed."""
    return _beginning(module, shapes, ends)[0]


def split_tail(module: ir.Module, shapes: ReifiedShapes, ends: Mapping[ir.Value, str]) -> Tail:
    """Make a network its tail; `ends` have names."""
    function = entry_function(module)
    block = function.regions[0].blocks[0]
    given, vectors = _beginning(module, shapes, ends)
    sizes = [shapes.shape(op.input)[op.start : op.end] for op in vectors]
    names, results = [ends[value] for value in given], result_names(function)
    arguments = [*argument_names(function), *names, *(f"sizes {number}" for number in range(len(sizes)))]
    with ir.InsertionPoint.at_block_begin(block):
        for value in (*given, *(op.output for op in vectors)):
            value.replace_all_uses_with(_argument(block, value))
    *operations, _ = block.operations
    for op in reversed(operations):
        if not any(True for value in op.operation.results for _ in value.uses):
            op.operation.erase()
    set_names(function, arguments, results)
    update_types(module)
    return Tail(module, sizes, f"what follows {', '.join(map(repr, names))}")


def _argument(block: ir.Block, value: ir.Value) -> ir.Value:
    """What stands for a value that is passed in as an argument: of a quantised one, these are the integers."""
    location = value.owner.location
    if nn.quantization_parameters(value.type) is None:
        return block.add_argument(value.type, location)
    stored = block.add_argument(tensor_type(shape_of(value), dtype_of(value)), location)
    with location:
        return nn.StorageCast(stored, results=[value.type]).output


def _beginning(
    module: ir.Module, shapes: ReifiedShapes, ends: Collection[ir.Value]
) -> tuple[list[ir.Value], list[nn.ShapeOf]]:
    """The ends that the tail goes on from, and the vectors of sizes, in the order in which they are computed."""
    *operations, end = entry_function(module).regions[0].blocks[0].operations
    of_sizes: set[ir.Value] = set()
    for op in operations:
        operands = list(op.operation.operands)
        if isinstance(op, nn.Constant | nn.ShapeOf | nn.Size) or (operands and of_sizes.issuperset(operands)):
            of_sizes.update(op.operation.results)
    seen, pending = set[ir.Value](), list(end.operation.operands)
    while pending:
        value = pending.pop()
        if value in seen or isinstance(value, ir.BlockArgument):
            continue
        seen.add(value)
        if (value in of_sizes or value not in ends) and not _is_vector(value.owner.opview, shapes):
            pending += value.owner.operands
    values = [value for op in operations for value in op.operation.results if value in seen]
    return (
        [value for value in values if value in ends and value not in of_sizes],
        [op for value in values if _is_vector(op := value.owner.opview, shapes)],
    )


def _is_vector(op: ir.OpView, shapes: ReifiedShapes) -> bool:
    """Whether an operation gives sizes that the inputs' shapes decide, so that its operand is not needed."""
    return isinstance(op, nn.ShapeOf) and shapes.is_known(op.input)
