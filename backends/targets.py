"""What each target is, and which `nn` operations it computes."""

from ..dialects.ods import Op

STACK_MACHINES = {"k210": 5, "k230": 7, "k510": 5}
"""The targets with stack machines, and the kmodel version that theirs execute."""
TARGETS = ("cpu", *STACK_MACHINES)
"""The targets that can be compiled for; `cpu` executes machine code."""


def computes(target: str, op: type[Op]) -> bool:
    """Whether the target computes an operation: directly, or after it was decomposed."""
    from ..dialects.nn import Constant
    from ..passes.buffers.plan import ALIASES
    from ..passes.nn import basic, decompose, unroll
    from .native.decompose import machine_code
    from .stackvm import operators5, operators7

    if target == "cpu":
        return op is Constant or op in ALIASES or machine_code(op)
    if STACK_MACHINES[target] == 7:
        emitted, patterns = set(operators7.EMITTERS), (*decompose.PATTERNS, *unroll.PATTERNS)
    else:
        emitted = {*operators5.EMITTERS, *ALIASES}
        patterns = (*decompose.PATTERNS, *basic.PATTERNS, *unroll.PATTERNS)
    return op is Constant or op in emitted or any(issubclass(op, item.op) for item in patterns)
