"""What the CPU of this machine can execute, as the kernel tells it."""

from __future__ import annotations

import platform
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ...errors import ExecutionError

MACHINES = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "aarch64", "arm64": "aarch64", "riscv64": "riscv64"}
"""What Python calls a machine, and what we call it."""
LINES = {"x86_64": "flags", "aarch64": "Features", "riscv64": "isa"}
"""The line of /proc/cpuinfo that lists features."""


@dataclass(frozen=True)
class Cpu:
    """A machine ("x86_64", "aarch64" or "riscv64") and its features by the kernel's names, e.g. "avx2"."""

    machine: str
    features: frozenset[str]

    def runs(self, machine: str, needed: Iterable[str]) -> bool:
        """Whether it executes code of a machine that needs these features."""
        return machine == self.machine and self.features.issuperset(needed)


@cache
def this_cpu() -> Cpu:
    """The CPU of this machine. ExecutionError K0509 when there is no telling."""
    name = platform.machine()
    machine = MACHINES.get(name.lower())
    if platform.system() != "Linux" or machine is None:
        cause = f"machine code runs on Linux on {', '.join(LINES)} only; this is {platform.system()} on {name}"
        raise ExecutionError("K0509", cause=cause, remedy="kpuc compile --portable makes kmodels for every machine")
    try:
        text = Path("/proc/cpuinfo").read_text(errors="replace")
    except OSError as error:
        cause = f"the features of this CPU are not known: /proc/cpuinfo cannot be read: {error.strerror}"
        raise ExecutionError("K0509", cause=cause) from error
    return Cpu(machine, features(machine, text))


def features(machine: str, cpuinfo: str) -> frozenset[str]:
    """The features that all cores have, by the text of /proc/cpuinfo; none when it does not list any."""
    found = re.findall(rf"^{LINES[machine]}\s*:\s*(.*)$", cpuinfo, re.M)
    cores = [_extensions(line) if machine == "riscv64" else frozenset(line.split()) for line in found]
    return frozenset.intersection(*cores) if cores else frozenset()


def _extensions(isa: str) -> frozenset[str]:
    """rv64imafdcv_zicsr_zba: single letters, then names; "g" stands for imafd."""
    base, *names = isa.strip().lower().split("_")
    letters = base.removeprefix("rv64").replace("g", "imafd")
    return frozenset(letters) | frozenset(names)
