"""Matrix products: which generator writes one."""

from __future__ import annotations

from collections.abc import Mapping

from ....dialects import nn
from ....dialects.mlir import ir
from ..buffer import Buffer, plain_buffer
from ..evaluation import NotSideBySide
from ..group import Group
from ..kernel import Kernel
from ..lowerings import lowers
from ..target import TargetSpec
from .ahead import computed_ahead
from .integer_matmul import lower_integer_matmul
from .matmul import lower_panels, suits_panels
from .matmul_plain import lower_plain_matmul


@lowers(nn.Matmul)
def lower_matmul(group: Group, buffers: Mapping[ir.Value, Buffer], spec: TargetSpec) -> list[Kernel]:
    """The kernels of a matrix product, by what suits its operands."""
    kernels = lower_integer_matmul(group, buffers, spec)
    if kernels is not None:
        return kernels
    left = group.anchor.lhs
    if left in group.inside:
        first, rest, placed = computed_ahead(group, buffers, spec, left, plain_buffer(left))
        return [*first, *lower_matmul(rest, placed, spec)]
    if suits_panels(group, buffers):
        for scattered in (False, True):
            try:
                return lower_panels(group, buffers, spec, scattered)
            except NotSideBySide:
                continue
    return lower_plain_matmul(group, buffers, spec)
