"""What each target is, and which `nn` operations it computes."""

from ..dialects.ods import Op

STACK_MACHINES = {"cpu": 7, "k210": 5, "k230": 7, "k510": 5}
"""The targets that can be compiled for, and the kmodel version whose stack machine they are compiled for by default."""
TARGETS = tuple(STACK_MACHINES)


def computes(target: str, op: type[Op]) -> bool:
    """Whether the target computes an operation: directly, or after it was decomposed."""
    from ..dialects.nn import Constant
    from ..passes.buffers.plan import ALIASES
    from ..passes.nn import basic, decompose, unroll
    from .stackvm import operators5, operators7

    if STACK_MACHINES[target] == 7:
        emitted, patterns = set(operators7.EMITTERS), decompose.PATTERNS
    else:
        emitted = {*operators5.EMITTERS, *ALIASES}
        patterns = (*decompose.PATTERNS, *basic.PATTERNS, unroll.unroll_lstm)
    return op is Constant or op in emitted or any(issubclass(op, item.op) for item in patterns)
