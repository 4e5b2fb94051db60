"""Compute what does not depend on the inputs.

On exit every operation whose operands are constants is a constant, unless the result is larger than `limit` elements
or random. Results are computed by the reference kernels, so folding changes nothing.
"""

from dataclasses import dataclass
from typing import ClassVar

from ...dialects import nn
from ...dialects.evaluate import fold
from ...dialects.mlir import ir
from ...dialects.ods import Op
from ..pipeline import register_pass


@register_pass
@dataclass(frozen=True)
class FoldConstants:
    """Compute operations on constants, if no result has more than `limit` elements."""

    name: ClassVar[str] = "nn-fold-constants"
    limit: int = 1 << 24

    def apply(self, module: ir.Module) -> None:
        for function in module.body.operations:
            for block in function.regions[0].blocks:
                for op in list(block.operations):
                    self._fold(op)

    def _fold(self, op: ir.OpView) -> None:
        results = fold(op, self.limit) if isinstance(op, Op) else None
        if results is None:
            return
        with op.location, ir.InsertionPoint(op):
            for value, array in zip(op.operation.results, results, strict=True):
                constant = nn.Constant(value=array).output
                if nn.quantization_parameters(value.type) is not None:
                    constant = nn.StorageCast(constant, results=[value.type]).output
                value.replace_all_uses_with(constant)
        op.operation.erase()
