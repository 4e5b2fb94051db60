"""Propagate what is known of shapes.

On entry: a function some of whose result types say less than their operands imply. On exit every result has the type
that inference gives, and so has the function.
"""

from dataclasses import dataclass
from typing import ClassVar

from ...dialects.function import update_types
from ...dialects.mlir import ir
from ...dialects.ods import Op
from ...dialects.tensors import shape_of, tensor_type
from ..pipeline import register_pass


@register_pass
@dataclass(frozen=True)
class InferShapes:
    """Refine the unknown dimensions of all results from those of the operands."""

    name: ClassVar[str] = "nn-infer-shapes"

    def apply(self, module: ir.Module) -> None:
        for function in module.body.operations:
            for block in function.regions[0].blocks:
                for op in block.operations:
                    if isinstance(op, Op):
                        refine(op)
        update_types(module)


def refine(op: Op) -> None:
    """Give the op's results the dimensions that inference knows and their types do not state."""
    inferred = op.inferred_types()
    for value, type_ in zip(op.operation.results, inferred or (), strict=False):
        known, stated = shape_of(type_), shape_of(value)
        merged = [new if old is None else old for old, new in zip(stated, known, strict=True)]
        if tuple(merged) != stated:
            value.set_type(tensor_type(merged, value))
