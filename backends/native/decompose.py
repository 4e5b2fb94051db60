"""Express what has no generator of machine code through operations that have one.

On entry: `nn` operations. On exit: convolutions and windows slide over two dimensions, and no operation is left that a
pattern can express otherwise and for which there is no generator. Results differ by float rounding only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from ...dialects.mlir import ir
from ...dialects.ods import Op
from ...passes.nn import basic, decompose, draw_random, unroll, volumes
from ...passes.pipeline import register_pass
from ...passes.rewriter import Pattern, rewrite_module
from .generators import EXPRESSIONS, LOWERINGS, VIEWS

PLANES: tuple[Pattern[Any], ...] = (decompose.conv1d, decompose.conv_transpose1d, decompose.pool1d, *volumes.PATTERNS)
"""One dimension, or three, as two."""


def computes(op: type[Op]) -> bool:
    """Whether there is a generator for an operation."""
    return op in EXPRESSIONS or op in VIEWS or op in LOWERINGS


def needed() -> list[Pattern[Op]]:
    """The patterns of operations without generator."""
    patterns = (*decompose.PATTERNS, *basic.PATTERNS, unroll.unroll_lstm, *draw_random.PATTERNS)
    return [*PLANES, *(item for item in patterns if item not in PLANES and not computes(item.op))]


def machine_code(op: type[Op]) -> bool:
    """Whether an operation becomes machine code: directly, or after it was decomposed."""
    return computes(op) or any(issubclass(op, item.op) for item in needed())


@register_pass
@dataclass(frozen=True)
class Decompose:
    """Express operations without generator of machine code through others, one-dimensional convolutions as images."""

    name: ClassVar[str] = "native-decompose"

    def apply(self, module: ir.Module) -> None:
        rewrite_module(module, needed())
