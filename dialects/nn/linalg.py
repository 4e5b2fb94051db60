"""Products of matrices and tensors."""

import re

from ..mlir import ir
from ..ods import Operand, Operands, Result, Str, require
from ..tensors import Dim, shape_of, tensor_type
from .base import NNOp, broadcast, require_same_elements, shape_text


class Matmul(NNOp, name="matmul"):
    """The matrix product over the last two dimensions, the others broadcast; vectors as in numpy.matmul.

    Source: ONNX MatMul-13.
    """

    lhs: Operand
    rhs: Operand
    output: Result

    def infer(self) -> ir.Type:
        require_same_elements(self.lhs, self.rhs)
        left, right = shape_of(self.lhs), shape_of(self.rhs)
        require(bool(left) and bool(right), "operands must not be scalars")
        inner, other = left[-1], right[-2] if len(right) > 1 else right[0]
        require(
            None in (inner, other) or inner == other,
            f"cannot multiply {shape_text(left)} by {shape_text(right)}: {inner} columns meet {other} rows",
        )
        batch = broadcast(left[:-2], right[:-2]) if left[:-2] or right[:-2] else ()
        rows = left[-2:-1] if len(left) > 1 else ()
        columns = right[-1:] if len(right) > 1 else ()
        return tensor_type((*batch, *rows, *columns), self.lhs)


class Einsum(NNOp, name="einsum"):
    """The sum of products that `equation` names, as in numpy.einsum.  Source: ONNX Einsum-12."""

    inputs: Operands
    output: Result
    equation: Str

    def infer(self) -> ir.Type:
        require(len(self.inputs) > 0, "needs an operand")
        require_same_elements(*self.inputs)
        terms, output = split_equation(self.equation, [len(shape_of(value)) for value in self.inputs])
        sizes: dict[str, Dim] = {}
        for term, value in zip(terms, self.inputs, strict=True):
            for label, dim in zip(term, shape_of(value), strict=True):
                known = sizes.get(label)
                if known in (None, 1):
                    sizes[label] = dim if known is None or dim is not None else known
                require(dim in (None, 1) or sizes[label] in (1, dim), f"label '{label}' is {known} and {dim}")
        return tensor_type([sizes[label] for label in output], self.inputs[0])


def split_equation(equation: str, ranks: list[int]) -> tuple[list[str], str]:
    """The labels of every operand and of the result, the ellipsis written out with capital letters from 'A'.

    Raises `Violation` when the equation does not fit the operands' ranks.
    """
    left, arrow, right = equation.replace(" ", "").partition("->")
    terms = left.split(",")
    require(len(terms) == len(ranks), f"equation '{equation}' has {len(terms)} operands, given {len(ranks)}")
    spare = [chr(code) for code in range(ord("A"), ord("Z") + 1) if chr(code) not in left]
    widths = [rank - len(term.replace("...", "")) for term, rank in zip(terms, ranks, strict=True) if "..." in term]
    dots = "".join(spare[: max(widths, default=0)])
    expanded = []
    for term, rank in zip(terms, ranks, strict=True):
        width = rank - len(term.replace("...", ""))
        label = term.replace("...", dots[len(dots) - width :] if width > 0 else "")
        require(
            len(label) == rank and re.fullmatch(r"[A-Za-z]*", label) is not None, f"'{term}' does not fit rank {rank}"
        )
        expanded.append(label)
    if not arrow:
        joined = "".join(expanded)
        singles = sorted(c for c in set(joined) - set(dots) if joined.count(c) == 1)
        return expanded, dots + "".join(singles)
    output = right.replace("...", dots)
    require(set(output) <= set("".join(expanded)), f"equation '{equation}' has unknown labels in its result")
    require(len(set(output)) == len(output), f"equation '{equation}' repeats a label in its result")
    return expanded, output
