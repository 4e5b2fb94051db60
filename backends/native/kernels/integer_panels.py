"""Panels of integers, and the innermost step of their products: by instructions that add up four products at once, or
one by one.

A row of `DotPanels` holds, for each column, four weights that meet four neighbouring elements of the data.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from ..kernel import Array, Kernel, load, vector
from ..text import Index, Text
from .panels import Panels

TOGETHER = 4
"""Products that go into one sum at once."""
SIGNS = 0x80808080
"""The highest bits of four bytes."""
INSTRUCTIONS = {
    "vnni512": "llvm.x86.avx512.vpdpbusd.512",
    "vnni256": "llvm.x86.avx512.vpdpbusd.256",
    "neon": "llvm.aarch64.neon.sdot.v4i32.v16i8",
}
"""By `TargetSpec.dot`: (sums, data, weights) -> sums."""
UNSIGNED = ("vnni512", "vnni256")
"""Those whose data is unsigned; of others it is signed."""


@dataclass(frozen=True)
class DotPanels(Panels):
    """Panels whose rows hold four bytes a column; the elements of the other factor are four bytes, too, as one i32.

    instruction: LLVM's intrinsic. signs: a register of `SIGNS`, if the other factor has the other signedness than the
    instruction wants.
    """

    instruction: str = ""
    signs: str | None = None

    def widened(self, text: Text, one: str) -> str:
        type_ = vector(self.lanes, "i32")
        wide = text.let(f"vector.broadcast {one} : i32 to {type_}")
        if self.signs is not None:
            wide = text.let(f"arith.xori {wide}, {self.signs} : {type_}")
        return text.let(f"vector.bitcast {wide} : {type_} to {vector(self.lanes * TOGETHER, 'i8')}")

    def add_product(self, text: Text, wide: str, factor: str, total: str) -> str:
        sums, bytes_ = vector(self.lanes, "i32"), vector(self.lanes * TOGETHER, "i8")
        weights = text.let(f"vector.bitcast {factor} : {sums} to {bytes_}")
        types = f"({sums}, {bytes_}, {bytes_}) -> {sums}"
        return text.let(f'llvm.call_intrinsic "{self.instruction}"({total}, {wide}, {weights}) : {types}')


@dataclass(frozen=True)
class PairPanels(DotPanels):
    """Panels with two rows a step, for weights that are sums of two bytes."""

    def multiply(self, text: Text, panel: Index, row: Index, ones: Sequence[str], sums: Sequence[str]) -> list[str]:
        for part in (0, 1):
            sums = super().multiply(text, panel, text.add(text.mul(row, 2), part), ones, sums)
        return list(sums)


@dataclass(frozen=True)
class WholePanels(Panels):
    """Panels of i32."""

    def widened(self, text: Text, one: str) -> str:
        return text.let(f"vector.broadcast {one} : i32 to {vector(self.lanes, 'i32')}")

    def add_product(self, text: Text, wide: str, factor: str, total: str) -> str:
        product = text.let(f"arith.muli {wide}, {factor} : {vector(self.lanes, 'i32')}")
        return text.let(f"arith.addi {total}, {product} : {vector(self.lanes, 'i32')}")


def dot_panels(kernel: Kernel, dot: str, lanes: int, signed: bool, rows: int) -> Callable[..., DotPanels]:
    """Makes panels with one or two rows a step for an instruction and data that is signed or not; what that needs is
    written where the kernel is."""
    signs = None
    if flips(dot, signed):
        # From memory: LLVM would change a known number's bits before it is broadcast, by an instruction of its own.
        name, buffer = kernel.constant(np.full(lanes, SIGNS, np.uint32).view(np.int32))
        signs = load(kernel.text, name, buffer, kernel.text.index(0), lanes)
    return partial(DotPanels if rows == 1 else PairPanels, instruction=INSTRUCTIONS[dot], signs=signs)


def offset(dot: str, signed: bool) -> int:
    """What is added to data before it is multiplied: an instruction for unsigned data sees -128 as 0, and so on."""
    if not flips(dot, signed):
        return 0
    return 128 if signed else -128


def flips(dot: str, signed: bool) -> bool:
    """Whether an instruction wants data of the other signedness."""
    return (dot in UNSIGNED) == signed


def by_fours(parts: Sequence[Array]) -> Array:
    """Weights (..., rows, columns), each the sum of some bytes, as i32 (steps, columns) of four neighbouring rows each,
    filled up with 0; the rows of parts take turns."""
    packed = []
    for weights in parts:
        *lead, rows, columns = weights.shape
        groups = -(-rows // TOGETHER)
        filled = np.zeros((*lead, groups * TOGETHER, columns), np.int8)
        filled[..., :rows, :] = weights
        grouped = filled.reshape(*lead, groups, TOGETHER, columns)
        packed.append(np.ascontiguousarray(np.moveaxis(grouped, -2, -1)).view("<i4")[..., 0])
    return np.stack(packed, -2).reshape(-1, packed[0].shape[-1])
