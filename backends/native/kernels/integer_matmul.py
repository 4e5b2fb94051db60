"""Matrix products of quantised rows by quantised weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from ....dialects.mlir import ir
from ....dialects.tensors import static_shape
from ..buffer import Buffer
from ..evaluation import NotSideBySide
from ..group import Group
from ..kernel import Array, Kernel, flatten, load
from ..target import TargetSpec
from ..text import Index
from .epilogue import Finish, as_it_lies
from .integer import F32, I32, Integers, widened
from .integer_panels import TOGETHER, Fours, WholePanels, rows_a_step
from .matmul import Product
from .panels import Panels
from .requantization import Rescaling


def lower_integer_matmul(group: Group, buffers: Mapping[ir.Value, Buffer], spec: TargetSpec) -> list[Kernel] | None:
    """The kernel of a matrix product of integers, if it is one that there is a fast kernel for."""
    product = group.anchor
    right = static_shape(product.rhs)
    if len(right) < 2 or flatten(right[:-2]) != 1:
        return None
    found = Integers.of(group, product.lhs, product.rhs, len(right) - 1)
    if found is None or found.largest >= I32:
        return None
    placed = [buffers[found.data], *(buffers[value] for value in group.results)]
    if any(buffer.inner != len(buffer.shape) - 1 for buffer in placed):
        return None
    kind = ProductByFours if rows_a_step(spec, found) else WideProduct
    try:
        write = partial(kind, group, buffers, spec, integers=found)
        last = len(static_shape(product.output)) - 1
        return as_it_lies(group, buffers, last, lambda scattered: write(scattered=scattered).kernels())
    except NotSideBySide:
        return None


@dataclass
class IntegerProduct(Product):
    """Writes the kernel of a matrix product of integers."""

    integers: Integers = field(kw_only=True)

    def source(self) -> tuple[Buffer, ir.Value]:
        return self.buffers[self.integers.data], self.integers.data

    def finish(self) -> Finish:
        return Rescaling(self.behind(), self.integers.scales, None, self.integers.largest, self.lanes)


@dataclass
class WideProduct(IntegerProduct):
    """Takes the integers one by one: as f32, which computes faster, where this holds all sums exactly; else as i32."""

    @property
    def element(self) -> str:
        return "f32" if self.integers.largest < F32 else "i32"

    def factors(self) -> tuple[Array | None, Array | None, Callable[..., Panels]]:
        matrix = self.integers.differences().reshape(self.depth, self.columns)
        starts = self.integers.starts(matrix)
        if self.element == "i32":
            return matrix, starts, WholePanels
        return matrix.astype(np.float32), starts.astype(np.float32), Panels

    def read(self, place: tuple[Index, ...], step: Index) -> str:
        return widened(self.text, super().read(place, step), 1, self.integers.signed, self.element)


@dataclass
class ProductByFours(IntegerProduct):
    """Takes four elements of a row a step."""

    @property
    def element(self) -> str:
        return "i32"

    @property
    def steps(self) -> tuple[int, int]:
        return -(-self.depth // TOGETHER), self.depth // TOGETHER

    def factors(self) -> tuple[Array | None, Array | None, Callable[..., Panels]]:
        shape = self.depth, self.columns
        fours = Fours.of(self.kernel, self.spec, self.integers, lambda weights: weights.reshape(shape))
        starts = self.integers.starts(self.integers.differences().reshape(shape), fours.offset)
        return fours.matrix, starts, fours.make

    def read(self, place: tuple[Index, ...], step: Index) -> str:
        """Four elements as one i32; nothing is read behind the end of a row."""
        text, first = self.text, self.text.mul(step, TOGETHER)
        if isinstance(first, int) and first + TOGETHER > self.depth:
            four = self._last(place, first)
        else:
            four = load(text, self.rows_name, self.buffer, self.buffer.at(text, (*place, first)), TOGETHER)
        one = text.let(f"vector.bitcast {four} : vector<{TOGETHER}xi8> to vector<1xi32>")
        return text.let(f"vector.extract {one}[0] : i32 from vector<1xi32>")

    def _last(self, place: tuple[Index, ...], first: int) -> str:
        """What is left of a row, and zeros."""
        text = self.text
        four = text.constant(0, f"vector<{TOGETHER}xi8>")
        for k in range(first, self.depth):
            one = load(text, self.rows_name, self.buffer, self.buffer.at(text, (*place, k)))
            four = text.let(f"vector.insert {one}, {four} [{k - first}] : i8 into vector<{TOGETHER}xi8>")
        return four
