"""Compute what does not depend on the inputs.

On exit every operation whose operands are constants is a constant, unless the result is larger than `limit` elements
or random. Results are computed by the reference kernels, so folding changes nothing. With `integers`, weights of
products with dequantised bytes stay `dequantize(storage_cast(constant))`: see `integer_weights`.
"""

from dataclasses import dataclass
from typing import ClassVar

from ...dialects import nn
from ...dialects.evaluate import fold
from ...dialects.function import update_types
from ...dialects.mlir import ir
from ...dialects.ods import Op
from ..pipeline import register_pass
from .integer_weights import integer_weight


@register_pass
@dataclass(frozen=True)
class FoldConstants:
    """Compute operations on constants, if no result has more than `limit` elements.

    integers: whether weights stay integers that are multiplied with integers.
    """

    name: ClassVar[str] = "nn-fold-constants"
    limit: int = 1 << 24
    integers: bool = False

    def apply(self, module: ir.Module) -> None:
        for function in module.body.operations:
            for block in function.regions[0].blocks:
                for op in list(block.operations):
                    self._fold(op)
        update_types(module)

    def _fold(self, op: ir.OpView) -> None:
        if self.integers and self._keep(op):
            return
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

    def _keep(self, op: ir.OpView) -> bool:
        """Whether an operation's result is a weight that stays integer, which then takes its place."""
        with op.location, ir.InsertionPoint(op):
            kept = integer_weight(op)
        if kept is not None and kept != op.operation.results[0]:
            op.operation.results[0].replace_all_uses_with(kept)
            op.operation.erase()
        return kept is not None
