"""Transposed convolutions as convolutions: one for every phase of the result, all in one, their results interleaved.

Along an axis, the result at place s q + p takes x[q + d] times those taps k for which p + padding - k == s d. So each
of the s phases p is a convolution with every s-th tap; together they are one convolution with s times the channels (in
two dimensions s s times), and `nn.depth_to_space` puts its channels side by side.
"""

from dataclasses import dataclass

import numpy as np

from ...dialects import nn
from ...dialects.tensors import Array, is_static, static_shape
from ..rewriter import NO_MATCH, Match, Rewriter, pattern


@dataclass(frozen=True)
class Phases:
    """One axis: `size` is the input's extent, `output` the result's, `begin` the padding before it."""

    size: int
    output: int
    kernel: int
    stride: int
    begin: int

    @property
    def offsets(self) -> dict[tuple[int, int], int]:
        """For each phase and tap that meet: where the tap reads, relative to the place of the phase's result."""
        return {
            (phase, tap): (phase + self.begin - tap) // self.stride
            for phase in range(self.stride)
            for tap in range(self.kernel)
            if (phase + self.begin - tap) % self.stride == 0
        }

    @property
    def span(self) -> tuple[int, int]:
        """The least and the greatest offset."""
        found = self.offsets.values()
        return min(found), max(found)

    @property
    def places(self) -> int:
        """Results of each phase."""
        return -(-self.output // self.stride)

    @property
    def padding(self) -> tuple[int, int]:
        """What the convolution pads with, before and behind."""
        low, high = self.span
        return -low, self.places - 1 + high - (self.size - 1)


def phase_weights(weight: Array, rows: Phases, columns: Phases) -> Array:
    """Weights (phases * O) x C x kernel, from C x O x kernel."""
    inputs, outputs = weight.shape[:2]
    (top, bottom), (left, right) = rows.span, columns.span
    full = np.zeros((rows.stride, columns.stride, outputs, inputs, bottom - top + 1, right - left + 1), weight.dtype)
    for (down, i), y in rows.offsets.items():
        for (across, j), x in columns.offsets.items():
            full[down, across, :, :, y - top, x - left] = weight[:, :, i, j].T
    return full.reshape(-1, *full.shape[3:])


@pattern(nn.ConvTranspose)
def transposed_convolution(op: nn.ConvTranspose, rewriter: Rewriter) -> Match:
    """conv_transpose(x) == depth_to_space(conv(x)) for equal strides of two dimensions"""
    weight, bias = nn.constant_value(op.weight), nn.constant_value(op.bias)
    if weight is None or (op.bias is not None and bias is None) or op.groups != 1 or weight.ndim != 4:
        return NO_MATCH
    if len(set(op.strides)) != 1 or set(op.dilations) != {1} or not is_static(op.input):
        return NO_MATCH
    stride = op.strides[0]
    sizes, outputs = static_shape(op.input)[2:], static_shape(op.output)[2:]
    rows, columns = (Phases(sizes[i], outputs[i], weight.shape[2 + i], stride, op.padding[i]) for i in range(2))
    padding = (*zip(rows.padding, columns.padding, strict=True),)
    if stride < 2 or min(padding[0] + padding[1]) < 0:
        return NO_MATCH
    kernel = nn.Constant(value=phase_weights(weight, rows, columns)).output
    offset = None if bias is None else nn.Constant(value=np.tile(bias, stride * stride)).output
    made = nn.Conv(
        op.input, kernel, offset, strides=(1, 1), dilations=(1, 1), padding=padding[0] + padding[1], groups=1,
        clamp=op.clamp,
    ).output  # fmt: skip
    spread = nn.DepthToSpace(made, block=stride, mode="DCR").output
    if static_shape(spread) != static_shape(op.output):
        spread = nn.Slice(spread, starts=(0, 0), ends=outputs, axes=(2, 3), steps=(1, 1)).output
    return rewriter.replace(op, spread)
