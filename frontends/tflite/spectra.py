"""Fourier transforms. What they give are complex numbers: two values, of which the network's graph keeps one."""

import numpy as np

from ...dialects import nn
from ...dialects.mlir import ir
from ...dialects.tensors import Array
from ..builder import Unsupported
from ..fourier import transform
from .node import Node, Output, converter
from .windows import extent

OF_COMPLEX = ("REAL", "IMAG", "COMPLEX_ABS")
"""What takes complex numbers, and gives real ones."""
MOVING = ("EXPAND_DIMS", "RESHAPE", "SLICE", "SQUEEZE", "STRIDED_SLICE", "TRANSPOSE")
"""What does the same to both parts of complex numbers."""


@converter("RFFT2D", builds=nn.Matmul, forms={"columns": (nn.Slice, nn.Add, nn.Sub), "rows that are cut": nn.Slice})
def rfft2d(node: Node) -> Output:
    """Lengths must be constant, at most 4096: products with matrices. Results must become real numbers again."""
    (height, width), value, rank = node.ints(1), node.input(0), node.rank()
    if height < 1 or width < 1:
        raise Unsupported(f"a transform of {height}x{width} elements is not supported")
    value = _first(_first(value, rank - 2, height), rank - 1, width)
    rows = transform(width, False, True)[: extent(value, rank - 1)]
    real, imaginary = (nn.Matmul(value, node.new_constant(rows[:, 0, :, part], np.float32)).output for part in (0, 1))
    if height > 1:
        columns = transform(height, False, False)[: extent(value, rank - 2), 0].transpose(2, 1, 0)
        (a, b), (c, d) = ([_product(node, one, part) for one in columns] for part in (real, imaginary))
        real, imaginary = nn.Sub(a, d).output, nn.Add(b, c).output
    node.surroundings.imaginary[node.output_numbers[0]] = imaginary
    return real


def _first(value: ir.Value, axis: int, count: int) -> ir.Value:
    """At most so many elements along an axis."""
    if extent(value, axis) <= count:
        return value
    return nn.Slice(value, starts=(0,), ends=(count,), axes=(axis,), steps=(1,)).output


def _product(node: Node, matrix: Array, value: ir.Value) -> ir.Value:
    return nn.Matmul(node.new_constant(matrix, np.float32), value).output


def _imaginary(node: Node) -> ir.Value:
    value = node.surroundings.imaginary.get(node.input_numbers[0])
    if value is None:
        raise Unsupported("its input is not made of complex numbers")
    return value


@converter("REAL")
def real(node: Node) -> Output:
    _imaginary(node)
    return node.input(0)


@converter("IMAG")
def imag(node: Node) -> Output:
    return _imaginary(node)


@converter("COMPLEX_ABS", builds=(nn.Square, nn.Add, nn.Sqrt))
def complex_abs(node: Node) -> Output:
    squares = (nn.Square(part).output for part in (node.input(0), _imaginary(node)))
    return nn.Sqrt(nn.Add(*squares).output).output
