"""Machine code for someone to read: assembly, and before each function what it is for.

On entry: the code of a network for a CPU. On exit: text that an assembler takes. Steps that LLVM has made part of
`kpuc_run` have no function of their own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from ...runtime.native.elf import read_object
from .emit import Code
from .object import assembly
from .program import Step

COMMENTS = {"aarch64": "//"}
"""How a comment begins, where it is not #."""
TYPE = re.compile(r"^\t\.type\t(\w+),[@%]function$", re.MULTILINE)
"""The line with which a function begins."""


def listing(code: Code) -> str:
    """The assembly of a network."""
    mark = COMMENTS.get(code.spec.machine, "#")
    sizes = {one.name: one.size for one in read_object(code.object).code}
    about = _about(code.program.steps)
    steps, total = code.program.steps, sum(sizes.values())
    head = [f"{mark} {code.spec.name}: {len(steps)} steps, {len(sizes)} functions, {total} bytes"]
    for number, step in enumerate(steps):
        head.append(f"{mark} {number:>4}  {step.tasks:>5} tasks of {step.kernel}: {', '.join(step.computes)}")

    def titled(match: re.Match[str]) -> str:
        name = match[1]
        lines = [f"{name}: {sizes.get(name, 0)} bytes", *(f"  {line}" for line in about.get(name, ()))]
        return "\n".join([*(f"{mark} {line}" for line in lines), match[0]])

    return "\n".join([*head, "", TYPE.sub(titled, assembly(code.llvm, code.spec))])


def _about(steps: Sequence[Step]) -> Mapping[str, list[str]]:
    """What each function is for: a step, or a kernel that steps call."""
    about: dict[str, list[str]] = {}
    for step in steps:
        computed = ", ".join(step.computes)
        about[step.name] = [f"{step.tasks} tasks of {step.kernel}: {computed}"]
        about.setdefault(step.kernel, []).append(f"{step.name}: {computed}")
    return about
