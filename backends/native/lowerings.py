"""Which generator writes the kernels of a group, by the class of its anchor."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ...dialects.mlir import ir
from ...dialects.ods import Op
from .buffer import Buffer
from .group import Group
from .kernel import Kernel
from .target import TargetSpec

Lowering = Callable[[Group, Mapping[ir.Value, Buffer], TargetSpec], list[Kernel]]
"""The kernels of a group, which run one behind the other; the buffers are those of what it reads and stores."""
LOWERINGS: dict[type[Op], Lowering] = {}


def lowers(*anchors: type[Op]) -> Callable[[Lowering], Lowering]:
    """Register the generator of groups with these anchors."""

    def register(lower: Lowering) -> Lowering:
        LOWERINGS.update(dict.fromkeys(anchors, lower))
        return lower

    return register
