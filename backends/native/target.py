"""The CPUs that machine code is made for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TargetSpec:
    """What code generation knows of a CPU.

    vector_bits, registers: width and number of the vector registers. dot: how dot products of four u8 x s8 are formed
    ("vnni512", "vnni256", "neon", None: by widening). l1, l2: bytes of a core's data caches.
    """

    name: str
    triple: str
    cpu: str
    features: str
    vector_bits: int
    registers: int
    dot: str | None = None
    l1: int = 32 << 10
    l2: int = 512 << 10

    def lanes(self, size: int) -> int:
        """How many elements of `size` bytes a vector holds."""
        return self.vector_bits // 8 // size


X86_64_V4_VNNI = TargetSpec(
    "x86-64-v4-vnni", "x86_64-linux-gnu", "x86-64-v4", "+avx512vnni", 512, 32, "vnni512", 32 << 10, 1 << 20
)
X86_64_V3 = TargetSpec("x86-64-v3", "x86_64-linux-gnu", "x86-64-v3", "", 256, 16)
AARCH64 = TargetSpec("aarch64", "aarch64-linux-gnu", "generic", "+neon", 128, 32)
