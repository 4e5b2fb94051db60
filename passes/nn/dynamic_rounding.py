"""Rounding that depends on the data: as arithmetic, or left out of networks that are quantised otherwise."""

from dataclasses import dataclass
from typing import ClassVar

from ...dialects import nn
from ...dialects.mlir import ir
from ...dialects.nn.quantization import LEAST_SPAN
from ..pipeline import register_pass
from ..rewriter import Match, Rewriter, pattern, rewrite_module
from .scalars import scalar


@pattern(nn.RoundDynamically)
def round_dynamically(op: nn.RoundDynamically, rewriter: Rewriter) -> Match:
    """(clamp(round(x * f) + z, -128, 127) - z) / f, with f = 255 / (max - min) and z = round(-128 - min * f)"""
    low, high = (nn.Reduce(op.input, kind=kind, axes=op.axes, keepdims=True).output for kind in ("min", "max"))
    low, high = nn.Minimum(low, scalar(0, low)).output, nn.Maximum(high, scalar(0, high)).output
    span = nn.Sub(high, low).output
    factor = nn.Div(scalar(255, span), nn.Maximum(span, scalar(LEAST_SPAN, span)).output).output
    zero = nn.Round(nn.Sub(scalar(-128, low), nn.Mul(low, factor).output).output).output
    steps = nn.Add(nn.Round(nn.Mul(op.input, factor).output).output, zero).output
    whole = nn.Sub(nn.Clamp(steps, min=-128.0, max=127.0).output, zero).output
    return rewriter.replace(op, nn.Mul(whole, nn.Div(scalar(1, factor), factor).output).output)


@pattern(nn.RoundDynamically)
def left_out(op: nn.RoundDynamically, rewriter: Rewriter) -> Match:
    """x, as it was trained"""
    return rewriter.replace(op, op.input)


@register_pass
@dataclass(frozen=True)
class DropDynamicRounding:
    """Leave out rounding that depends on the data: the network will be quantised by ranges that are measured."""

    name: ClassVar[str] = "nn-drop-dynamic-rounding"

    def apply(self, module: ir.Module) -> None:
        rewrite_module(module, [left_out])
