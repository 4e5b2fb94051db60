"""The entry function of a kmodel for a range of shapes, as version 7 stackvm code.

It checks the sizes of its inputs, computes the shapes of its outputs, pads the inputs to the first bucket that they fit
in, calls its segment, and cuts the outputs off. Where the network has a tail, it calls this with what it cut off.
"""

from collections.abc import Sequence

import numpy as np

from ...dialects.sizes import Extent
from ...runtime.kmodel.types7 import TensorType, TupleType
from ...runtime.stackvm.assembler7 import Arg, Assembler, Code, Label, Local, Operand
from ..buckets import Buckets, Extents, Sizes, Tensor


def entry_function(assembler: Assembler, buckets: Buckets) -> Code:
    """The function, still without code: sizes that depend on symbols are not known."""
    inputs, outputs = ([_type(one) for one in tensors] for tensors in (buckets.inputs, buckets.outputs))
    return assembler.function(inputs, outputs[0] if len(outputs) == 1 else TupleType(tuple(outputs)))


def _type(tensor: Tensor) -> TensorType:
    return TensorType(tensor.element, tuple(one if isinstance(one, int) else None for one in tensor.shape))


def emit_entry(code: Code, buckets: Buckets, module: int, first: int, tail: int) -> None:
    """The function's code; the segments are functions of a module, the smallest one number `first`, and the tail, if
    there is one, is function `tail` of the entry's own, which is module 0."""
    _Entry(code, buckets).emit(module, first, tail)


class _Entry:
    """What is known while the function runs: the sizes that were computed, as tensors of one number."""

    def __init__(self, code: Code, buckets: Buckets) -> None:
        self.code, self.buckets = code, buckets
        self.known: dict[Extent, Operand] = {}
        self.symbols: dict[str, Local] = {}
        self.condition, self.result = code.new_local(), code.new_local()

    def emit(self, module: int, first: int, tail: int) -> None:
        for number, tensor in enumerate(self.buckets.inputs):
            if not tensor.is_static:
                self._measure(Arg(number), tensor)
        shapes = [None if one.is_static else self._vector(one.shape) for one in self.buckets.given]
        end = self.code.label()
        *smaller, largest = enumerate(self.buckets.segments, first)
        for number, sizes in smaller:
            other = self.code.label()
            self._unless_fitting(sizes, other)
            self._call(module, number, sizes)
            self.code.branch(end)
            self.code.place(other)
        self._call(module, *largest)
        self.code.place(end)
        results = self._cut(shapes)
        if self.buckets.tail is not None:
            arguments = [Arg(number) for number in range(len(self.buckets.inputs))]
            vectors = [self._vector(vector) for vector in self.buckets.tail.sizes]
            self.code.call(0, tail, *arguments, *results, *vectors)
        else:
            self.code.push(results[0] if len(results) == 1 else results)
        self.code.ret()

    def _measure(self, argument: Arg, tensor: Tensor) -> None:
        """Keep the size of each symbol; check that it is in its range, and the same wherever it occurs."""
        code = self.code
        code.tensor("shape_of", argument)
        shape = code.store()
        for axis, extent in enumerate(tensor.shape):
            if isinstance(extent, int):
                continue
            code.tensor("gather", shape, np.int64(axis), axis=0)
            size, symbol = code.store(), extent.symbol
            place = f"dimension {axis} of input '{tensor.name}', '{symbol}',"
            if symbol in self.symbols:
                code.tensor("compare", size, self.symbols[symbol], kind="equal")
                self._require(f"{place} must be of one size wherever it occurs")
                continue
            self.known[extent] = self.symbols[symbol] = size
            low, high = self.buckets.ranges[symbol]
            for kind, bound in (("greater_equal", low), ("less_equal", high)):
                code.tensor("compare", size, np.int64(bound), kind=kind)
                self._require(f"{place} must be from {low} to {high}")
        code.release(shape)

    def _require(self, message: str) -> None:
        """Go on if the tensor on the stack is true."""
        self.code.store(self.condition)
        self.code.tensor("require", self.condition, np.int64(0), message=message, can_fold=False)
        self.code.emit("POP")

    def _vector(self, shape: Extents) -> Local:
        """A shape as a tensor of numbers."""
        self.code.tensor("stack", [self._operand(extent) for extent in shape], np.int64(0))
        return self.code.store()

    def _operand(self, extent: Extent) -> Operand:
        """A size, computed once."""
        if isinstance(extent, int):
            return np.int64(extent)
        if extent not in self.known:
            a, b = (self._operand(operand) for operand in extent.operands)
            if extent.kind in ("equal", "less"):
                self.code.tensor("compare", a, b, kind=extent.kind)
                self.code.store(self.condition)
                self.code.tensor("cast", self.condition, dtype="i64", mode="default")
            else:
                self.code.tensor("binary", a, b, kind=extent.kind)
            self.known[extent] = self.code.store()
        return self.known[extent]

    def _unless_fitting(self, sizes: Sizes, other: Label) -> None:
        """Go on if the inputs fit into a bucket."""
        for symbol, size in sizes.items():
            self.code.tensor("compare", self.symbols[symbol], np.int64(size), kind="greater")
            self.code.emit("LDSCALAR")
            self.code.branch_true(other)

    def _call(self, module: int, function: int, sizes: Sizes) -> None:
        """Keep what a segment gives for the padded inputs."""
        code, operands = self.code, list[Operand]()
        for number, tensor in enumerate(self.buckets.inputs):
            operands.append(Arg(number))
            if not tensor.is_static:
                code.tensor("bucket_pad", Arg(number), np.asarray(tensor.at(sizes), np.int64))
                operands[-1] = code.store()
        code.call(module, function, *operands)
        code.store(self.result)
        for operand in operands:
            if isinstance(operand, Local):
                code.release(operand)

    def _cut(self, shapes: Sequence[Local | None]) -> list[Operand]:
        """What the segment gave, cut to these shapes."""
        code, operands = self.code, list[Operand]()
        for number, shape in enumerate(shapes):
            code.push(self.result)
            if len(shapes) > 1:
                code.element(number)
            operands.append(code.store())
            if shape is not None:
                axes = np.arange(len(self.buckets.given[number].shape), dtype=np.int64)
                code.tensor("slice", operands[-1], np.zeros_like(axes), shape, axes, np.ones_like(axes))
                operands[-1] = code.store()
        return operands
