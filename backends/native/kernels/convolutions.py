"""Convolutions over images: which generator writes one."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from ....dialects import nn
from ....dialects.mlir import ir
from ..buffer import Buffer
from ..evaluation import NotSideBySide
from ..group import Group
from ..kernel import Kernel
from ..lowerings import lowers
from ..target import TargetSpec
from .convolution import lower_direct, suits_direct
from .convolution_plain import lower_plain_convolution
from .depthwise import lower_depthwise, suits_depthwise
from .integer_convolution import lower_integer_convolution
from .winograd import lower_winograd, suits_winograd


@lowers(nn.Conv)
def lower_convolution(group: Group, buffers: Mapping[ir.Value, Buffer], spec: TargetSpec) -> list[Kernel]:
    """The kernels of a convolution over N x C x H x W, by what suits its shape."""
    kernels = lower_integer_convolution(group, buffers, spec)
    if kernels is not None:
        return kernels
    if suits_depthwise(group, buffers, spec):
        return lower_depthwise(group, buffers, spec)
    if suits_direct(group, buffers):
        if suits_winograd(group, buffers, spec):
            with suppress(NotSideBySide):
                return lower_winograd(group, buffers, spec)
        return lower_direct(group, buffers, spec)
    return lower_plain_convolution(group, buffers, spec)
