"""What each target is, and which `nn` operations it computes."""

from ..dialects.ods import Op

TARGETS = ("cpu", "k230", "k510")
"""The targets that can be compiled for."""


def computes(target: str, op: type[Op]) -> bool:
    """Whether the target computes an operation: directly, or after it was decomposed."""
    from ..dialects.nn import Constant
    from ..passes.nn import decompose
    from .stackvm.operators7 import EMITTERS

    assert target in TARGETS
    decomposed = any(issubclass(op, item.op) for item in decompose.PATTERNS)
    return op in EMITTERS or op is Constant or decomposed
