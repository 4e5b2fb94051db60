"""The CPUs that machine code is made for: each by a name, which alone decides the bytes that come out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ...errors import ExecutionError, OptionError
from ...runtime.native.cpu import this_cpu


@dataclass(frozen=True)
class TargetSpec:
    """A kind of CPU.

    `cpu` and `features` are LLVM's names, `needs` the same features by those of Linux, which a CPU must have to
    execute the code. `vector_bits` is what one of the `registers` holds. `dot`: how sums of four products of u8 and s8
    are formed ("vnni512", "vnni256": vpdpbusd on vectors of that size; "neon": sdot), if the CPU has an instruction
    for it. `l1` and `l2` are bytes of data cache that a core can count on. `relax` is LLVM's intrinsic
    for a loop that waits, `futex` the number of that system call.
    """

    name: str
    machine: str
    cpu: str
    features: str
    needs: tuple[str, ...]
    vector_bits: int
    registers: int
    dot: str | None
    l1: int
    l2: int
    relax: str
    futex: int
    abi: str = ""

    def lanes(self, size: int) -> int:
        """How many elements of `size` bytes a vector holds."""
        return self.vector_bits // 8 // size

    @property
    def triple(self) -> str:
        """As LLVM writes it."""
        return f"{self.machine}-unknown-linux-gnu"


AVX2 = ("avx2", "fma", "bmi1", "bmi2", "f16c", "movbe", "abm")
AVX512 = (*AVX2, "avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl")
KIB = 1024
ISB = "llvm.aarch64.isb(i32 15)"
"""What `yield` is meant for, which most cores ignore."""


def _x86(name: str, cpu: str, needs: tuple[str, ...], bits: int, dot: str | None = None, extra: str = "") -> TargetSpec:
    wide = bits == 512
    features = ",".join(filter(None, ["-prefer-256-bit" if wide else "", extra]))
    return TargetSpec(
        name, "x86_64", cpu, features, needs, bits, 32 if wide else 16, dot, 32 * KIB, (1024 if wide else 256) * KIB,
        "llvm.x86.sse2.pause()", 202,
    )  # fmt: skip


def _arm(name: str, needs: tuple[str, ...], dot: str | None = None, extra: str = "") -> TargetSpec:
    features = f"+neon{extra}"
    return TargetSpec(name, "aarch64", "generic", features, needs, 128, 32, dot, 32 * KIB, 512 * KIB, ISB, 98)


def _riscv(name: str, needs: tuple[str, ...], registers: int, extra: str = "") -> TargetSpec:
    # pause is a hint, which CPUs without zihintpause take as a fence that orders nothing
    features = f"+m,+a,+f,+d,+c,+zihintpause,-relax{extra}"
    return TargetSpec(
        name, "riscv64", "generic-rv64", features, needs, 128, registers, None, 32 * KIB, 256 * KIB,
        "llvm.riscv.pause()", 98, "lp64d",
    )  # fmt: skip


SPECS = {
    spec.name: spec
    for spec in (
        _x86("x86-64-v4-vnni", "x86-64-v4", (*AVX512, "avx512_vnni"), 512, "vnni512", "+avx512vnni"),
        _x86("x86-64-v4", "x86-64-v4", AVX512, 512),
        _x86("x86-64-v3-vnni", "x86-64-v3", (*AVX2, "avx_vnni"), 256, "vnni256", "+avxvnni"),
        _x86("x86-64-v3", "x86-64-v3", AVX2, 256),
        _arm("aarch64-dot", ("asimd", "asimddp"), "neon", ",+dotprod"),
        _arm("aarch64", ("asimd",)),
        _riscv("riscv64-v", ("m", "a", "f", "d", "c", "v"), 32, ",+v"),
        _riscv("riscv64", ("m", "a", "f", "d", "c"), 8),
    )
}
"""By name, of each machine the best first. Without vectors, four of RISC-V's 32 registers hold what a vector does."""


def best(names: Iterable[str]) -> list[str]:
    """The names in the order in which a CPU tries them."""
    return sorted(names, key=list(SPECS).index)


def named(name: str) -> TargetSpec:
    """The spec of a name. OptionError K0701 when there is none."""
    if name not in SPECS:
        raise OptionError("K0701", cause=f"there is no CPU {name!r}; there are {', '.join(SPECS)}")
    return SPECS[name]


def host() -> TargetSpec:
    """The best one that this machine's CPU executes. ExecutionError K0509 when it executes none."""
    cpu = this_cpu()
    for spec in SPECS.values():
        if cpu.runs(spec.machine, spec.needs):
            return spec
    least = [spec for spec in SPECS.values() if spec.machine == cpu.machine][-1]
    missing = ", ".join(one for one in least.needs if one not in cpu.features)
    raise ExecutionError("K0509", cause=f"this CPU is older than those that code is made for: it lacks {missing}")


def find(triple: str, cpu: str | None = None) -> TargetSpec:
    """The spec of a triple such as riscv64-linux: the one called `cpu`, or else the one that most CPUs execute.

    OptionError K0701 when there is none.
    """
    machine = triple.split("-")[0]
    machine = {"x86-64": "x86_64", "amd64": "x86_64", "arm64": "aarch64"}.get(machine, machine)
    names = [spec.name for spec in SPECS.values() if spec.machine == machine]
    if not names:
        machines = ", ".join(dict.fromkeys(spec.machine for spec in SPECS.values()))
        raise OptionError("K0701", cause=f"there is no code for {triple!r}; the machines are {machines}")
    if cpu is None:
        return SPECS[names[-1]]
    if cpu not in names:
        raise OptionError("K0701", cause=f"there is no CPU {cpu!r} of {triple}; there are {', '.join(names)}")
    return SPECS[cpu]


def chosen(names: Sequence[str], triple: str | None) -> list[TargetSpec]:
    """What machine code shall be made for, each once: this machine's CPU if nothing is asked for.

    Raises OptionError K0701, ExecutionError K0509.
    """
    if triple is not None:
        return list(dict.fromkeys(find(triple, name) for name in names or (None,)))
    return list(dict.fromkeys(host() if name == "host" else named(name) for name in names or ("host",)))
