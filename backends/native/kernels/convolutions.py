"""Convolutions over images: which generator writes one."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from ....dialects import nn
from ....dialects.mlir import ir
from ....dialects.tensors import static_shape
from ..buffer import Buffer, element_of
from ..evaluation import NotSideBySide
from ..group import Group
from ..kernel import Kernel
from ..lowerings import lowers
from ..target import TargetSpec
from .ahead import computed_ahead
from .convolution import lower_direct, suits_direct
from .convolution_plain import lower_plain_convolution
from .depthwise import lower_depthwise, suits_depthwise
from .integer_convolution import lower_integer_convolution
from .windows import needed_halo
from .winograd import lower_winograd, suits_winograd


@lowers(nn.Conv)
def lower_convolution(group: Group, buffers: Mapping[ir.Value, Buffer], spec: TargetSpec) -> list[Kernel]:
    """The kernels of a convolution over N x C x H x W, by what suits its shape."""
    kernels = lower_integer_convolution(group, buffers, spec)
    if kernels is not None:
        return kernels
    if group.anchor.input in group.inside:
        conv = group.anchor
        image = Buffer.image(element_of(conv.input), static_shape(conv.input), spec.lanes(4), needed_halo(conv))
        first, rest, placed = computed_ahead(group, buffers, spec, conv.input, image)
        return [*first, *lower_convolution(rest, placed, spec)]
    if suits_depthwise(group, buffers, spec):
        return lower_depthwise(group, buffers, spec)
    if suits_direct(group, buffers, spec):
        if suits_winograd(group, buffers, spec):
            with suppress(NotSideBySide):
                return lower_winograd(group, buffers, spec)
        return lower_direct(group, buffers, spec)
    return lower_plain_convolution(group, buffers, spec)
