"""Express convolutions over three dimensions through those over two.

On exit no convolution of known sizes slides over three dimensions. Results differ by float rounding only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ...dialects import nn
from ...dialects.mlir import ir
from ...dialects.tensors import is_static, static_shape
from ..pipeline import register_pass
from ..rewriter import NO_MATCH, Match, Rewriter, pattern, rewrite_module
from .basic import as_convolution


@pattern(nn.Conv)
def convolution(op: nn.Conv, rewriter: Rewriter) -> Match:
    """Each slice of the result is a sample, each slice under the kernel a channel beside the others of its channel."""
    if not (is_static(op.input) and is_static(op.weight)) or len(op.strides) != 3:
        return NO_MATCH
    batch, channels, *_ = static_shape(op.input)
    outputs, per_group, depth, *kernel = static_shape(op.weight)
    _, _, slices, *extents = static_shape(op.output)
    taps = [nn.Unsqueeze(_slices(op, tap, slices), axes=(3,)).output for tap in range(depth)]
    height, width = static_shape(op.input)[3:]
    stacked = nn.Transpose(nn.concat(taps, 3), permutation=(0, 2, 1, 3, 4, 5)).output
    flat = nn.Conv(
        nn.Reshape(stacked, shape=(batch * slices, channels * depth, height, width)).output,
        nn.Reshape(op.weight, shape=(outputs, per_group * depth, *kernel)).output,
        op.bias,
        strides=op.strides[1:],
        dilations=op.dilations[1:],
        padding=(*op.padding[1:3], *op.padding[4:]),
        groups=op.groups,
        clamp=op.clamp,
    ).output
    apart = nn.Reshape(flat, shape=(batch, slices, outputs, *extents)).output
    return rewriter.replace(op, nn.Transpose(apart, permutation=(0, 2, 1, 3, 4)).output)


def _slices(op: nn.Conv, tap: int, count: int) -> ir.Value:
    """The slices of the padded volume under a tap of the kernel, one for each of `count` slices of the result."""
    volume, (before, behind) = op.input, (op.padding[0], op.padding[3])
    if before or behind:
        padding = (0, 0, before, 0, 0, 0, 0, behind, 0, 0)
        volume = nn.Pad(volume, padding=padding, mode="constant", value=0.0).output
    start, step = tap * op.dilations[0], op.strides[0]
    end = start + (count - 1) * step + 1
    return nn.Slice(volume, starts=(start,), ends=(end,), axes=(2,), steps=(step,)).output


@pattern(nn.ConvTranspose)
def transposed_convolution(op: nn.ConvTranspose, rewriter: Rewriter) -> Match:
    """A convolution of the volume with zeros between its elements."""
    if not (is_static(op.input) and is_static(op.weight)) or len(op.strides) != 3:
        return NO_MATCH
    return rewriter.replace(op, as_convolution(op))


PATTERNS = (convolution, transposed_convolution)


@register_pass
@dataclass(frozen=True)
class FlattenVolumes:
    """Express convolutions over three dimensions through those over two."""

    name: ClassVar[str] = "nn-flatten-volumes"

    def apply(self, module: ir.Module) -> None:
        rewrite_module(module, PATTERNS)
