"""The `nn` dialect itself and what its operations have in common."""

import math
from collections.abc import Callable
from typing import Any

from .. import ods
from ..mlir import ir, quant
from ..ods import Op, Operand, Result, require
from ..tensors import Shape, shape_of, tensor_type


class NN(ods.Dialect, name="nn"):  # type: ignore[call-arg]  # the bindings carry no types
    """What a network computes: operations on tensors, neutral of any target.

    Tensors are NCHW. Semantics follow ONNX unless an operation says otherwise; every parameter is an explicit
    attribute. Dimensions that are not known are `?`. All operations are pure and can be evaluated with numpy.

    Operations compute with real numbers. Those that only move elements, or choose the least or greatest, also take
    quantised tensors of one scale; their attributes still are real numbers.
    """


class NNOp(Op, dialect=NN, traits=[ods.Pure]):
    """Base class of the operations of `nn`."""

    @property
    def on_storage(self) -> bool:
        """Whether quantised elements of one scale will do: the operation moves or compares them, and does so with the
        integers that store them. What attributes say of elements they say of the numbers that these stand for."""
        return False

    @property
    def evaluator(self) -> Callable[..., Any]:
        """The reference kernel of the operation's name."""
        from ...runtime import kernels  # only now, because most runs of nn-opt evaluate nothing

        kernel: Callable[..., Any] = getattr(kernels, self.OPERATION_NAME.removeprefix("nn."))
        return kernel

    def _verify_fields(self) -> None:
        super()._verify_fields()
        for value in self.operation.operands:
            self.verify_elements(value.type.element_type)

    def verify_elements(self, elements: ir.Type) -> None:
        """Raise `Violation` unless the operation is defined on operands with these elements."""
        if isinstance(elements, quant.QuantizedType):
            require(self.on_storage, "is not defined on quantised elements: dequantise them first")
            one_scale = isinstance(elements, quant.UniformQuantizedType)
            require(one_scale, "is not defined on quantised elements of several scales: dequantise them first")


class ElementwiseOp(NNOp):
    """Applies a function to every element."""

    input: Operand
    output: Result

    def infer(self) -> ir.Type:
        return self.input.type


class PredicateOp(NNOp):
    """Applies a predicate to every element; the result is a tensor of booleans."""

    input: Operand
    output: Result

    def infer(self) -> ir.Type:
        return tensor_type(shape_of(self.input), "bool")


class BinaryOp(NNOp):
    """Applies a function to pairs of elements, after numpy broadcasting."""

    lhs: Operand
    rhs: Operand
    output: Result

    def infer(self) -> ir.Type:
        require_same_elements(self.lhs, self.rhs)
        return tensor_type(broadcast(shape_of(self.lhs), shape_of(self.rhs)), self.lhs)


class CompareOp(BinaryOp):
    """Compares pairs of elements, after numpy broadcasting; the result is a tensor of booleans."""

    def infer(self) -> ir.Type:
        require_same_elements(self.lhs, self.rhs)
        return tensor_type(broadcast(shape_of(self.lhs), shape_of(self.rhs)), "bool")


def require_same_elements(*values: ir.Value | None) -> None:
    """All present values must have the same element type."""
    elements = {str(value.type.element_type) for value in values if value is not None}
    require(len(elements) <= 1, f"operands have different element types: {', '.join(sorted(elements))}")


def require_rank(value: ir.Value, ranks: int | range, what: str) -> None:
    """The tensor must have one of these ranks."""
    rank = len(shape_of(value))
    if isinstance(ranks, int):
        require(rank == ranks, f"{what} has rank {rank}, expected {ranks}")
    else:
        require(rank in ranks, f"{what} has rank {rank}, expected {ranks.start} to {ranks.stop - 1}")


def require_length(values: tuple[object, ...], length: int, what: str) -> None:
    """An array attribute must have this many entries."""
    require(len(values) == length, f"'{what}' has {len(values)} entries, expected {length}")


def normalize_axis(axis: int, rank: int) -> int:
    """The axis counted from the front; raises `Violation` when out of range."""
    require(-rank <= axis < rank, f"axis {axis} is out of range for rank {rank}")
    return axis % rank


def normalize_axes(axes: tuple[int, ...], rank: int) -> tuple[int, ...]:
    """Axes counted from the front, each at most once."""
    normal = tuple(normalize_axis(axis, rank) for axis in axes)
    require(len(set(normal)) == len(normal), f"axes {axes} name an axis twice")
    return normal


def broadcast(*shapes: Shape) -> Shape:
    """The shape that numpy broadcasting gives; an unknown dimension meets a known one other than 1 as that one."""
    rank = max(len(shape) for shape in shapes)
    columns = zip(*[(1,) * (rank - len(shape)) + tuple(shape) for shape in shapes], strict=True)
    result: list[int | None] = []
    for dims in columns:
        known = {dim for dim in dims if dim not in (1, None)}
        require(len(known) <= 1, f"shapes {', '.join(map(shape_text, shapes))} do not broadcast")
        result.append(known.pop() if known else None if None in dims else 1)
    return tuple(result)


def compatible_shapes(first: Shape, second: Shape) -> bool:
    """Whether two shapes have the same rank and the same dimensions, as far as these are known."""
    return len(first) == len(second) and all(a == b or None in (a, b) for a, b in zip(first, second, strict=True))


def known_product(shape: Shape) -> int | None:
    """The number of elements of a shape, None when a dimension is not known."""
    return None if None in shape else math.prod(dim or 0 for dim in shape)


def shape_text(shape: Shape) -> str:
    """`1x3x?x224`, as MLIR writes shapes."""
    return "x".join("?" if dim is None else str(dim) for dim in shape) or "scalar"


__all__ = ["NN", "BinaryOp", "CompareOp", "ElementwiseOp", "NNOp", "PredicateOp"]
