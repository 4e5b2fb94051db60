"""What machines cannot compute, and how the user is told."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..dialects.mlir import describe, ir
from ..dialects.tensors import dtype_of
from ..errors import UnsupportedError, listed

OPERATORS = "see kpuc ops for what each target supports"
"""What to do about operations that a target does not compute."""


TAIL = (
    "it is computed behind the segments of a range of sizes, where sizes are open: fix them with --dim NAME=N, or end "
    "the network before this node (--outputs)"
)
"""What to do about operations of a tail."""


class Unsupported(Exception):
    """The machine cannot compute this operation; says why."""


def floats(*values: ir.Value) -> None:
    """`Unsupported` unless all values are of float32."""
    for value in values:
        if dtype_of(value) != np.float32:
            raise Unsupported(f"it computes with {value.type}, only f32 is supported")


def refuse(
    problems: Sequence[tuple[Any, Unsupported]],
    machine: str = "the stack machine",
    remedy: str = OPERATORS,
) -> None:
    """Raise `UnsupportedError` K0602 that lists operations and reasons, if there are any."""
    if problems:
        lines = listed((op.operation.name, describe(op.location), str(error)) for op, error in problems)
        raise UnsupportedError(
            "K0602",
            cause=f"{machine} cannot compute {len(problems)} operation{'s' * (len(problems) > 1)}:{lines}",
            remedy=remedy,
        )
