"""Express what has no generator of machine code through operations that have one.

On entry: `nn` operations. On exit: convolutions and windows slide over two dimensions, and no operation is left that a
pattern can express otherwise and for which there is no generator. Results differ by float rounding only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from ...dialects import nn
from ...dialects.mlir import ir
from ...dialects.ods import Op
from ...dialects.tensors import static_shape
from ...passes.nn import basic, decompose, draw_random, integer_lstm, unroll, volumes
from ...passes.pipeline import register_pass
from ...passes.rewriter import NO_MATCH, Match, Pattern, Rewriter, pattern, producer, rewrite_module
from .generators import EXPRESSIONS, LOWERINGS, VIEWS

PLANES: tuple[Pattern[Any], ...] = (decompose.conv1d, decompose.conv_transpose1d, decompose.pool1d, *volumes.PATTERNS)
"""One dimension, or three, as two."""


@pattern(nn.ConvTranspose)
def weight_of_conv_transpose(op: nn.ConvTranspose, rewriter: Rewriter) -> Match:
    """conv_transpose multiplies numbers: its constant weight becomes what its integers stand for"""
    return _numbers(op, rewriter)


@pattern(nn.Conv)
def weight_of_grouped_conv(op: nn.Conv, rewriter: Rewriter) -> Match:
    """conv with groups multiplies numbers, unless each channel is a group"""
    outputs, per_group = static_shape(op.weight)[:2]
    return NO_MATCH if op.groups == 1 or (per_group == 1 and outputs == op.groups) else _numbers(op, rewriter)


def _numbers(op: nn.Conv | nn.ConvTranspose, rewriter: Rewriter) -> Match:
    source = producer(op.weight, nn.Dequantize)
    stored = None if source is None else nn.constant_value(source.input)
    if source is None or stored is None:
        return NO_MATCH
    op.operation.operands[1] = nn.Constant(value=source.evaluate(stored)).output
    return rewriter.changed()


REAL: tuple[Pattern[Any], ...] = (weight_of_conv_transpose, weight_of_grouped_conv)
"""What has no kernel for integers."""


def computes(op: type[Op]) -> bool:
    """Whether there is a generator for an operation."""
    return op in EXPRESSIONS or op in VIEWS or op in LOWERINGS


def needed() -> list[Pattern[Op]]:
    """The patterns of operations without generator."""
    patterns = (
        *decompose.PATTERNS,
        *basic.PATTERNS,
        unroll.unroll_lstm,
        integer_lstm.unroll_integer_lstm,
        *draw_random.PATTERNS,
    )
    return [*PLANES, *REAL, *(item for item in patterns if item not in PLANES and not computes(item.op))]


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
