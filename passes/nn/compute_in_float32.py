"""Compute with float16 and float64 in float32, for machines that have no other arithmetic.

On exit float16 and float64 are converted and moved only. Results of float16 are rounded once an operation. Those of
float64 have the precision of float32, and are not converted between operations: `float64_notes` says so.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ...dialects import nn
from ...dialects.mlir import ir
from ...dialects.tensors import dtype_of, has_dtype, shape_of, tensor_type
from ..pipeline import register_pass
from ..rewriter import NO_MATCH, Match, Rewriter, pattern, producer, rewrite_module

MOVING = (
    nn.Bitcast,
    nn.Cast,
    nn.Concat,
    nn.DepthToSpace,
    nn.Expand,
    nn.Gather,
    nn.GatherElements,
    nn.GatherNd,
    nn.Pad,
    nn.Reshape,
    nn.ReverseSequence,
    nn.ShapeOf,
    nn.Size,
    nn.Slice,
    nn.SpaceToDepth,
    nn.Split,
    nn.Squeeze,
    nn.Tile,
    nn.Transpose,
    nn.Trilu,
    nn.Unsqueeze,
    nn.Where,
)
"""Operations to which elements are bits."""


def _is_other(value: ir.Value) -> bool:
    """Whether elements are of float16 or float64."""
    return has_dtype(value.type) and dtype_of(value) in (np.float16, np.float64)


def _computes(op: Any) -> bool:
    """Whether an operation computes with float16 or float64."""
    moves = isinstance(op, MOVING) or getattr(op, "reduction", "") == "none"
    return isinstance(op, nn.NNOp) and not moves and any(map(_is_other, op.operation.operands))


def _cast(value: ir.Value, to: ir.Type) -> ir.Value:
    known = nn.constant_value(value)
    if known is not None:
        return nn.Constant(value=known.astype(dtype_of(to))).output
    return nn.Cast(value, to=to, saturate=True).output


@pattern(nn.NNOp)
def in_float32(op: nn.NNOp, rewriter: Rewriter) -> Match:
    """The same operation between conversions."""
    if not _computes(op):
        return NO_MATCH
    f32 = ir.F32Type.get()

    def wide(value: Any) -> Any:
        if isinstance(value, list):
            return [wide(one) for one in value]
        return _cast(value, f32) if value is not None and _is_other(value) else value

    results = list(op.operation.results)
    types = [tensor_type(shape_of(one), f32) if _is_other(one) else one.type for one in results]
    made = op.rebuild(*(wide(op.field_values(field)) for field in op.operand_fields), results=types)
    back = [
        _cast(new, old.type.element_type) if _is_other(old) else new
        for new, old in zip(made.operation.results, results, strict=True)
    ]
    return rewriter.replace(op, *back)


def _back(op: nn.Cast, rewriter: Rewriter, through: type[np.generic]) -> Match:
    inner = producer(op.input, nn.Cast)
    if inner is None or inner.input.type != op.output.type or dtype_of(inner.output) != through:
        return NO_MATCH
    return rewriter.replace(op, inner.input) if dtype_of(inner.input) == np.float32 else NO_MATCH


@pattern(nn.Cast)
def through_float64(op: nn.Cast, rewriter: Rewriter) -> Match:
    """cast(cast(x)) == x for x of float32"""
    return _back(op, rewriter, np.float64)


@pattern(nn.Cast)
def through_float16(op: nn.Cast, rewriter: Rewriter) -> Match:
    """cast(cast(x)) is x, rounded, for x of float32"""
    return _back(op, rewriter, np.float16)


def float64_notes(function: Any) -> list[str]:
    """What the user should know of a network that computes with float64; empty if none does."""
    for op in function.regions[0].blocks[0].operations:
        if _computes(op) and any(has_dtype(one.type) and dtype_of(one) == np.float64 for one in op.operation.operands):
            return ["version 5 computes float64 in float32: results have its precision and its range"]
    return []


@register_pass
@dataclass(frozen=True)
class ComputeInFloat32:
    """Put operations on float16 and float64 between conversions, but those that only move elements.

    rounding: whether results of float16 are rounded between two operations, too.
    """

    name: ClassVar[str] = "nn-compute-in-float32"
    rounding: bool = True

    def apply(self, module: ir.Module) -> None:
        patterns = (in_float32, through_float64)
        rewrite_module(module, patterns if self.rounding else (*patterns, through_float16))
