"""What each target is, and which `nn` operations it computes."""

from ..dialects.ods import Op

TARGETS = ("cpu", "k210", "k230", "k510")
"""The targets that can be compiled for."""


VERSION5 = frozenset({"k210", "k510"})
"""Those whose host executes version 5 code; the others execute version 7."""


def computes(target: str, op: type[Op]) -> bool:
    """Whether the target computes an operation: directly, or after it was decomposed."""
    from ..dialects.nn import Constant
    from ..passes.nn import basic, decompose, unroll
    from .stackvm import operators5, operators7

    assert target in TARGETS
    emitters, patterns = operators7.EMITTERS, decompose.PATTERNS
    if target in VERSION5:
        emitters, patterns = operators5.EMITTERS, (*patterns, *basic.PATTERNS, unroll.unroll_lstm)
    return op in emitters or op is Constant or any(issubclass(op, item.op) for item in patterns)
