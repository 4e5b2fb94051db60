"""Panels of integers, and the innermost step of their products: four neighbours at once where CPUs can, or one by one.

The other factor's elements are four bytes then, as one i32. A row of `DotPanels` holds, for each column, the four
weights that they meet; rows of `WordPanels` take turns: the first and third weights as i16, then the other two.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np

from ..kernel import Array, Kernel, load, vector
from ..target import TargetSpec
from ..text import Text
from .integer import Integers
from .panels import Panels

TOGETHER = 4
"""Bytes that are multiplied at once."""
SIGNS = 0x80808080
"""The highest bits of four bytes."""
DOTS = {
    "vnni512": "llvm.x86.avx512.vpdpbusd.512",
    "vnni256": "llvm.x86.avx512.vpdpbusd.256",
    "neon": "llvm.aarch64.neon.sdot.v4i32.v16i8",
}
"""By `TargetSpec.dot`: (sums, data, weights) -> sums."""
UNSIGNED = ("vnni512", "vnni256")
"""Those whose data is unsigned; of others it is signed."""
WORDS = {("x86_64", 512): "llvm.x86.avx512.pmaddw.d.512", ("x86_64", 256): "llvm.x86.avx2.pmadd.wd"}
"""By machine and bits of vectors: sums of two neighbouring products of i16."""


def rows_a_step(spec: TargetSpec, integers: Integers) -> int:
    """How many rows of a panel four bytes are multiplied by; 0 where a CPU has no instruction for it."""
    if spec.dot is not None and integers.parts is not None:
        return len(integers.parts)
    return 2 if (spec.machine, spec.vector_bits) in WORDS else 0


@dataclass(frozen=True)
class Fours:
    """The weights of a kernel whose steps take four bytes.

    matrix: the rows of all steps, as i32. offset: what is added to the data before it is multiplied. make: makes panels
    from their fields.
    """

    matrix: Array
    offset: int
    make: Callable[..., Panels]

    @classmethod
    def of(cls, kernel: Kernel, spec: TargetSpec, integers: Integers, arrange: Callable[[Array], Array]) -> Fours:
        """For a CPU that has an instruction. What that needs is written where the kernel is.

        arrange: makes (..., rows, columns) of an array in the shape of the weights.
        """
        if spec.dot is None or integers.parts is None:
            instruction = WORDS[spec.machine, spec.vector_bits]
            matrix = _in_words(arrange(integers.differences()))
            return cls(matrix, 0, partial(WordPanels, instruction=instruction, signed=integers.signed))
        matrix = _in_bytes([arrange(part) for part in integers.parts])
        offset, signs, lanes = 0, None, spec.lanes(4)
        if (spec.dot in UNSIGNED) == integers.signed:
            offset = 128 if integers.signed else -128
            # From memory: LLVM would change a known number's bits before it is broadcast, by an instruction of its own.
            name, buffer = kernel.constant(np.full(lanes, SIGNS, np.uint32).view(np.int32))
            signs = load(kernel.text, name, buffer, kernel.text.index(0), lanes)
        kind = DotPanels if len(integers.parts) == 1 else PairPanels
        return cls(matrix, offset, partial(kind, instruction=DOTS[spec.dot], signs=signs))


@dataclass(frozen=True)
class DotPanels(Panels):
    """Sums of four products by one instruction.

    signs: a register of `SIGNS`, if the other factor has the other signedness than the instruction wants.
    """

    instruction: str = ""
    signs: str | None = None

    def widened(self, text: Text, one: str, part: int) -> str:
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
    """The same for weights that are sums of two bytes, in rows that take turns."""

    rows_a_step: ClassVar[int] = 2


@dataclass(frozen=True)
class WordPanels(Panels):
    """Sums of two products of i16 by one instruction: of the first and third byte, then of the others.

    signed: whether bytes are.
    """

    rows_a_step: ClassVar[int] = 2
    instruction: str = ""
    signed: bool = False

    def widened(self, text: Text, one: str, part: int) -> str:
        type_, words = vector(self.lanes, "i32"), vector(self.lanes * 2, "i16")
        wide = text.let(f"vector.broadcast {one} : i32 to {type_}")
        pairs = text.let(f"vector.bitcast {wide} : {type_} to {words}")
        eight = text.constant(8, words)
        if part == 0:
            pairs = text.let(f"arith.shli {pairs}, {eight} : {words}")
        return text.let(f"arith.{'shrsi' if self.signed else 'shrui'} {pairs}, {eight} : {words}")

    def add_product(self, text: Text, wide: str, factor: str, total: str) -> str:
        sums, words = vector(self.lanes, "i32"), vector(self.lanes * 2, "i16")
        weights = text.let(f"vector.bitcast {factor} : {sums} to {words}")
        types = f"({words}, {words}) -> {sums}"
        products = text.let(f'llvm.call_intrinsic "{self.instruction}"({wide}, {weights}) : {types}')
        return text.let(f"arith.addi {total}, {products} : {sums}")


@dataclass(frozen=True)
class WholePanels(Panels):
    """Panels of i32, for elements that are taken one by one."""

    def widened(self, text: Text, one: str, part: int) -> str:
        return text.let(f"vector.broadcast {one} : i32 to {vector(self.lanes, 'i32')}")

    def add_product(self, text: Text, wide: str, factor: str, total: str) -> str:
        product = text.let(f"arith.muli {wide}, {factor} : {vector(self.lanes, 'i32')}")
        return text.let(f"arith.addi {total}, {product} : {vector(self.lanes, 'i32')}")


def _in_bytes(parts: Sequence[Array]) -> Array:
    """Weights (..., rows, columns), each the sum of some bytes: a row for each part of four neighbouring rows."""
    packed = [np.ascontiguousarray(_by_fours(part)).view("<i4")[..., 0] for part in parts]
    return np.stack(packed, -2).reshape(-1, packed[0].shape[-1])


def _in_words(weights: Array) -> Array:
    """Weights (..., rows, columns): a row for the first and third of four neighbouring rows, one for the others."""
    fours = _by_fours(weights.astype(np.int16))
    packed = [np.ascontiguousarray(fours[..., start::2]).view("<i4")[..., 0] for start in (0, 1)]
    return np.stack(packed, -2).reshape(-1, packed[0].shape[-1])


def _by_fours(weights: Array) -> Array:
    """(..., rows, columns) as (..., rows / 4, columns, 4), filled up with zeros."""
    *lead, rows, columns = weights.shape
    groups = -(-rows // TOGETHER)
    filled = np.zeros((*lead, groups * TOGETHER, columns), weights.dtype)
    filled[..., :rows, :] = weights
    return np.moveaxis(filled.reshape(*lead, groups, TOGETHER, columns), -2, -1)
