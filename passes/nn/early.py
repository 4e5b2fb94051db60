"""Go around what the vendor's runtimes before 1.6 compute wrongly, or not at all.

On exit no rounding is left, and no search for the place of a maximum: those runtimes round halves away from zero, and
crash where every number that is searched is negative. Nor is there a triangle of a matrix.
"""

from dataclasses import dataclass
from typing import ClassVar

from ...dialects import nn
from ...dialects.mlir import ir
from ...dialects.tensors import dtype_of, is_static
from ..pipeline import register_pass
from ..rewriter import NO_MATCH, Match, Rewriter, pattern, rewrite_module
from .basic_indexing import gathered_triangle
from .scalars import plus, scalar

WHOLE = 2.0**23
"""From here on, every float32 is a whole number."""


def _rounded(x: ir.Value) -> ir.Value:
    """A number that is not negative, rounded by the addition of one whose fractions cannot be stored."""
    low = nn.Minimum(x, scalar(WHOLE, x)).output
    return nn.Add(plus(plus(low, WHOLE), -WHOLE), nn.Sub(x, low).output).output


@pattern(nn.Round)
def round_half_to_even(op: nn.Round, rewriter: Rewriter) -> Match:
    """rounded(max(x, 0)) - rounded(max(-x, 0))"""
    if dtype_of(op.input).name != "float32":
        return NO_MATCH
    above, below = (nn.Maximum(x, scalar(0, x)).output for x in (op.input, nn.Neg(op.input).output))
    return rewriter.replace(op, nn.Sub(_rounded(above), _rounded(below)).output)


@pattern(nn.ArgReduce)
def argmax(op: nn.ArgReduce, rewriter: Rewriter) -> Match:
    """The place of the smallest of -x."""
    if op.kind != "argmax":
        return NO_MATCH
    negated = nn.Neg(op.input).output
    found = nn.ArgReduce(
        negated, kind="argmin", axis=op.axis, keepdims=op.keepdims, select_last_index=op.select_last_index
    ).output
    return rewriter.replace(op, found)


@pattern(nn.Trilu)
def trilu(op: nn.Trilu, rewriter: Rewriter) -> Match:
    """Elements that are gathered, for want of a function."""
    return rewriter.replace(op, gathered_triangle(op)) if is_static(op.input) else NO_MATCH


@register_pass
@dataclass(frozen=True)
class AvoidEarlyFaults:
    """Express rounding, argmax and triangles through operations that the vendor's runtimes before 1.6 compute right."""

    name: ClassVar[str] = "nn-avoid-early-faults"

    def apply(self, module: ir.Module) -> None:
        rewrite_module(module, (round_half_to_even, argmax, trilu))
