"""Move and select the numbers that integers stand for, instead of the integers: the opposite of `nn-move-quantized`.

On entry: canonical `nn`. On exit operations that can be done to integers are done to real numbers where all of their
operands are quantised by one type, and so is all that uses their result: files in which operators take integers then
look like those that round between operators on real numbers.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

from ...dialects import nn
from ...dialects.mlir import ir
from ...dialects.tensors import dtype_of, shape_of
from ..pipeline import register_pass
from ..rewriter import NO_MATCH, Match, Rewriter, pattern, producer, rewrite_module, users
from .move_quantized import NUMBERS
from .storage import moved_values, on_storage


@pattern(nn.Dequantize)
def dequantize_of_moved(op: nn.Dequantize, rewriter: Rewriter) -> Match:
    """dequantize(move(q)) == move(dequantize(q)), for integers q that are stored reals"""
    cast, stated = producer(op.input, nn.StorageCast), nn.quantization_parameters(op.input.type)
    moved: Any = cast.input.owner.opview if cast and isinstance(cast.input, ir.OpResult) else None
    if not isinstance(moved, nn.NNOp) or not moved.on_storage or stated is None or stated.axis != -1:
        return NO_MATCH
    assert cast is not None
    values = moved_values(moved)
    if len(moved.operation.results) != 1 or not all(isinstance(user, nn.StorageCast) for user in users(cast.input)):
        return NO_MATCH
    if dtype_of(cast.input) != stated.dtype or not all(map(_is_stored, values)):
        return NO_MATCH

    def real(value: ir.Value) -> ir.Value:
        type_ = nn.quantized_tensor_type(shape_of(value), stated.scale, stated.zero_point, -1, stated.dtype)
        return nn.Dequantize(nn.StorageCast(value, results=[type_]).output).output

    (scale,), (zero,) = stated.scale, stated.zero_point
    numbers = [field.name for field in moved.attribute_fields if field.name in NUMBERS]
    changes = {name: (getattr(moved, name) - zero) * scale for name in numbers}
    return rewriter.replace(op, *on_storage(moved, real, changes).operation.results)


def _is_stored(value: ir.Value) -> bool:
    """Whether integers are those of a quantised tensor, perhaps moved, and not constants."""
    if nn.constant_value(value) is not None:
        return False
    cast = producer(value, nn.StorageCast)
    if cast is not None:
        return nn.quantization_parameters(cast.input.type) is not None
    moved: Any = value.owner.opview if isinstance(value, ir.OpResult) else None
    return isinstance(moved, nn.NNOp) and moved.on_storage and all(map(_is_stored, moved_values(moved)))


@register_pass
@dataclass(frozen=True)
class MoveDequantized:
    """Let what moves stored integers, that are dequantised then, move the numbers that they stand for."""

    name: ClassVar[str] = "nn-move-dequantized"

    def apply(self, module: ir.Module) -> None:
        rewrite_module(module, [dequantize_of_moved])
