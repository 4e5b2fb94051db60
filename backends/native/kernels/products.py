"""Matrix products: which generator writes one."""

from __future__ import annotations

from collections.abc import Mapping

from ....dialects import nn
from ....dialects.mlir import ir
from ..buffer import Buffer
from ..evaluation import NotSideBySide
from ..group import Group
from ..kernel import Kernel
from ..lowerings import lowers
from ..target import TargetSpec
from .integer_matmul import lower_integer_matmul
from .matmul import lower_panels, suits_panels
from .matmul_plain import lower_plain_matmul


@lowers(nn.Matmul)
def lower_matmul(group: Group, buffers: Mapping[ir.Value, Buffer], spec: TargetSpec) -> list[Kernel]:
    """The kernels of a matrix product, by what suits its operands."""
    kernels = lower_integer_matmul(group, buffers, spec)
    if kernels is not None:
        return kernels
    if suits_panels(group, buffers):
        for scattered in (False, True):
            try:
                return lower_panels(group, buffers, spec, scattered)
            except NotSideBySide:
                continue
    return lower_plain_matmul(group, buffers, spec)
