"""Transposed convolutions: the results that meet the same taps are a dense convolution of their own, a kernel each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from ....dialects import nn
from ....dialects.mlir import ir
from ....dialects.tensors import static_shape
from ..buffer import Buffer, element_of
from ..evaluation import NotSideBySide
from ..group import Group
from ..kernel import Array, Kernel
from ..lowerings import lowers
from ..target import TargetSpec
from ..text import Index
from .ahead import computed_ahead
from .convolution import Direct
from .epilogue import side_by_side
from .panels import Panels
from .transposed_plain import lower_plain_transposed
from .windows import Phase, Window, has_constant_bias, needed_halo, phases_of


@lowers(nn.ConvTranspose)
def lower_transposed(group: Group, buffers: Mapping[ir.Value, Buffer], spec: TargetSpec) -> list[Kernel]:
    """The kernels of a transposed convolution over N x C x H x W: one for each phase, or a plain one."""
    conv = group.anchor
    if conv.input in group.inside:
        image = Buffer.image(element_of(conv.input), static_shape(conv.input), spec.lanes(4), needed_halo(conv))
        first, rest, placed = computed_ahead(group, buffers, spec, conv.input, image)
        return [*first, *lower_transposed(rest, placed, spec)]
    if not suits_phases(group, buffers):
        return lower_plain_transposed(group, buffers, spec)
    phases = phases_of(group.anchor)
    if side_by_side(group, buffers, group.anchor.output, 1):
        try:
            return [Transposed(group, buffers, spec, scattered=False, phase=phase).write() for phase in phases]
        except NotSideBySide:
            pass
    return [Transposed(group, buffers, spec, scattered=True, phase=phase).write() for phase in phases]


def suits_phases(group: Group, buffers: Mapping[ir.Value, Buffer]) -> bool:
    """Whether there can be kernels of phases: one group, f32, constant weights, and zeros beside the image."""
    conv = group.anchor
    if conv.groups != 1 or nn.constant_value(conv.weight) is None:
        return False
    if not has_constant_bias(conv):
        return False
    image = buffers[conv.input]
    return image.element == "f32" and all(
        phase.window.inside(image, phase.counts)
        and (image.fill == 0 or phase.window.within_image(image.shape, phase.counts))
        for phase in phases_of(conv)
    )


@dataclass
class Transposed(Direct):
    """Writes the kernel of a phase."""

    phase: Phase = field(kw_only=True)

    def geometry(self) -> tuple[Window, tuple[int, ...]]:
        return self.phase.window, self.phase.counts

    def place(self, axis: int, number: Index) -> Index:
        return self.text.add(self.text.mul(number, self.phase.strides[axis]), self.phase.first[axis])

    def factors(self) -> tuple[Array, Array | None, Callable[..., Panels]]:
        weight = nn.constant_value(self.conv.weight)
        assert weight is not None
        taps = weight[:, :, self.phase.taps[0]][:, :, :, self.phase.taps[1]]
        matrix = taps.transpose(2, 3, 0, 1).reshape(-1, self.channels)
        if not matrix.size:
            matrix = np.zeros((1, self.channels), np.float32)
        return matrix, nn.constant_value(self.conv.bias), Panels

    def fill(self, image: Index, row: Index, height: int) -> None:
        """The rows of all phases along columns are filled with the first one."""
        if self.phase.first[1] == 0:
            for r in range(height):
                super().fill(image, self.place(0, self.text.add(row, r)), 1)
