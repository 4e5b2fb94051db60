"""Tables of what a value is for each byte that another one holds, and how registers look up in them with AVX-512."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...dialects.mlir import ir
from .kernel import Array, Kernel, load, vector

LANES = 16
"""Elements that are looked up together."""
PERMUTE = "llvm.x86.avx512.vpermi2var.d.512"
"""(first half of a table, indices, second half) -> elements, for vectors of 16 x i32."""


@dataclass(frozen=True)
class Table:
    """What a value is for each byte of another one, its source.

    numbers: 256 of i8, in the order of unsigned bytes. words: the same as i32.
    """

    source: ir.Value
    numbers: Array
    words: Array

    @classmethod
    def of(cls, source: ir.Value, numbers: Array) -> Table:
        """From 256 numbers of one byte."""
        stored = np.ascontiguousarray(numbers).view(np.int8)
        return cls(source, stored, stored.view("<i4"))

    def look_up(self, kernel: Kernel, bytes_: str, lanes: int) -> str:
        """The value where its source holds these."""
        if lanes > 1:
            return _looked_up(kernel, self.words, bytes_, lanes)
        text, (name, buffer) = kernel.text, kernel.constant(self.numbers)
        wide = text.let(f"arith.extui {bytes_} : i8 to i32")
        return load(text, name, buffer, text.let(f"arith.index_cast {wide} : i32 to index"))


def _looked_up(kernel: Kernel, words: Array, bytes_: str, lanes: int) -> str:
    """The elements for a vector of bytes."""
    text = kernel.text
    type_, halves = vector(lanes, "i8"), (lanes // 2,) * 2
    if lanes == LANES:
        return _permuted(kernel, words, bytes_)
    if lanes < LANES:
        places = ", ".join(str(lane if lane < lanes else -1) for lane in range(LANES))
        whole = text.let(f"vector.shuffle {bytes_}, {bytes_} [{places}] : {type_}, {type_}")
        found = _permuted(kernel, words, whole)
        places = ", ".join(map(str, range(lanes)))
        return text.let(f"vector.shuffle {found}, {found} [{places}] : {vector(LANES, 'i8')}, {vector(LANES, 'i8')}")
    parts = []
    for start in (0, halves[0]):
        places = ", ".join(map(str, range(start, start + halves[0])))
        part = text.let(f"vector.shuffle {bytes_}, {bytes_} [{places}] : {type_}, {type_}")
        parts.append(_looked_up(kernel, words, part, halves[0]))
    part_type, places = vector(halves[0], "i8"), ", ".join(map(str, range(lanes)))
    return text.let(f"vector.shuffle {parts[0]}, {parts[1]} [{places}] : {part_type}, {part_type}")


def _permuted(kernel: Kernel, words: Array, bytes_: str) -> str:
    """Four neighbours of the table at once, of which one is taken."""
    text, type_ = kernel.text, vector(LANES, "i32")
    name, buffer = kernel.constant(words)
    quarters = [load(text, name, buffer, text.index(start), LANES) for start in range(0, 64, LANES)]

    def apply(operation: str, a: str, b: int) -> str:
        return text.let(f"arith.{operation} {a}, {text.constant(b, type_)} : {type_}")

    index = text.let(f"arith.extui {bytes_} : {vector(LANES, 'i8')} to {type_}")
    place = apply("shrui", index, 2)
    low, high = (
        text.let(f'llvm.call_intrinsic "{PERMUTE}"({a}, {place}, {b}) : ({type_}, {type_}, {type_}) -> {type_}')
        for a, b in (quarters[:2], quarters[2:])
    )
    upper = text.let(f"arith.cmpi ugt, {index}, {text.constant(127, type_)} : {type_}")
    four = text.let(f"arith.select {upper}, {high}, {low} : {vector(LANES, 'i1')}, {type_}")
    bits = apply("shli", apply("andi", index, 3), 3)
    one = text.let(f"arith.shrui {four}, {bits} : {type_}")
    return text.let(f"arith.trunci {one} : {type_} to {vector(LANES, 'i8')}")
