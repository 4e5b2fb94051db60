"""Move transposes towards the outputs, where they meet and cancel.

On exit no transpose stands before an operation that does not care about the order of dimensions. Layout-bound
importers surround every convolution with a pair of them; after this pass and `nn-canonicalize` those are gone.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ...dialects import nn
from ...dialects.mlir import ir
from ...dialects.ods import Op
from ...dialects.tensors import shape_of, tensor_type
from ..pipeline import register_pass
from ..rewriter import NO_MATCH, Match, Pattern, Rewriter, pattern, producer, rewrite_module
from .canonicalize import transpose_identity, transpose_of_transpose, transpose_of_unit_dims
from .integer_weights import dequantised, stored_constant

WITH_AXIS = (nn.Softmax, nn.LogSoftmax, nn.Hardmax, nn.LpNorm, nn.Cumsum)
BOUND = (*WITH_AXIS, nn.Lrn, nn.Trilu)
"""Element-wise in their types only: these know axes."""

Permutation = tuple[int, ...]


def inverse(permutation: Permutation) -> Permutation:
    """The permutation that undoes another."""
    return tuple(int(axis) for axis in np.argsort(permutation))


def comes_free(value: ir.Value, permutation: Permutation) -> bool:
    """Whether `untransposed` costs nothing: the value is a transpose of this kind, or a constant."""
    transpose = producer(value, nn.Transpose)
    if transpose is not None:
        return bool(transpose.permutation == permutation)
    if is_transpose_of_vector(value, permutation):
        return True
    return producer(value, nn.Constant) is not None and len(shape_of(value)) <= len(permutation)


def is_transpose_of_vector(value: ir.Value, permutation: Permutation) -> bool:
    """Whether a value is a reshape that is a transpose of this kind too, since one dimension at most is not 1."""
    reshape = producer(value, nn.Reshape)
    if reshape is None or None in (shape := shape_of(reshape.input)) or len(shape) != len(permutation):
        return False
    return is_vector(reshape.input) and tuple(shape[axis] for axis in permutation) == shape_of(value)


def is_vector(value: ir.Value) -> bool:
    """Whether one dimension at most is not 1."""
    shape = shape_of(value)
    return None not in shape and sum(dim != 1 for dim in shape) <= 1


def untransposed(value: ir.Value, permutation: Permutation) -> ir.Value:
    """A value v with transpose(v, permutation) == value, for values that come free."""
    transpose = producer(value, nn.Transpose)
    if transpose is not None:
        return transpose.input
    if is_transpose_of_vector(value, permutation):
        return value.owner.operands[0]
    array = nn.constant_value(value)
    assert array is not None
    if array.size == 1:
        return value
    full = array.reshape((1,) * (len(permutation) - array.ndim) + array.shape)
    return nn.Constant(value=np.ascontiguousarray(full.transpose(inverse(permutation)))).output


def _transposed(value: ir.Value, permutation: Permutation) -> ir.Value:
    return nn.Transpose(value, permutation=permutation).output


def _first_permutation(values: list[ir.Value]) -> Permutation | None:
    """The permutation of the first transposed value."""
    for value in values:
        transpose = producer(value, nn.Transpose)
        if transpose is not None:
            return transpose.permutation
    return None


@pattern(nn.NNOp)
def through_elementwise(op: nn.NNOp, rewriter: Rewriter) -> Match:
    """f(transpose(x), transpose(y), c) == transpose(f(x, y, c')) for element-wise f"""
    elementwise = nn.ElementwiseOp | nn.PredicateOp | nn.BinaryOp | nn.Where | nn.Prelu | nn.Bitcast | nn.Cast
    if not isinstance(op, elementwise) or isinstance(op, BOUND):
        return NO_MATCH
    values = list(op.operation.operands)
    permutation = _first_permutation(values)
    if permutation is None or len(shape_of(op.output)) != len(permutation):
        return NO_MATCH
    if not all(comes_free(value, permutation) for value in values):
        return NO_MATCH
    operands = [untransposed(value, permutation) for value in values]
    return rewriter.replace(op, _transposed(op.rebuild(*operands).output, permutation))


@pattern(nn.ElementwiseOp)
def reshape_through_elementwise(op: nn.ElementwiseOp, rewriter: Rewriter) -> Match:
    """f(reshape(x)) == reshape(f(x)): what is left of a transpose of a vector is a reshape"""
    reshape = producer(op.input, nn.Reshape)
    if reshape is None or isinstance(op, BOUND) or len(op.operation.operands) != 1 or not is_vector(reshape.input):
        return NO_MATCH
    moved = op.rebuild(reshape.input).output
    return rewriter.replace(op, nn.Reshape(moved, shape=reshape.shape).output)


@pattern(nn.NNOp)
def through_quantization(op: nn.NNOp, rewriter: Rewriter) -> Match:
    """f(transpose(x)) == transpose(f(x)) for f that goes to or from a quantised type with one scale"""
    if not isinstance(op, nn.Quantize | nn.Dequantize | nn.StorageCast):
        return NO_MATCH
    transpose = producer(op.input, nn.Transpose)
    found = [nn.quantization_parameters(value.type) for value in (op.input, op.output)]
    if transpose is None or any(parameters is not None and parameters.axis >= 0 for parameters in found):
        return NO_MATCH
    moved = op.rebuild(transpose.input, results=[tensor_type(shape_of(transpose.input), op.output)]).output
    return rewriter.replace(op, _transposed(moved, transpose.permutation))


@pattern(nn.SoftmaxOp)
def through_softmax(op: nn.SoftmaxOp, rewriter: Rewriter) -> Match:
    """softmax(transpose(x, p), a) == transpose(softmax(x, p[a]), p)"""
    return _through_axis(op, op.input, op.axis, rewriter)


@pattern(nn.Cumsum)
def through_cumsum(op: nn.Cumsum, rewriter: Rewriter) -> Match:
    """cumsum(transpose(x, p), a) == transpose(cumsum(x, p[a]), p)"""
    return _through_axis(op, op.input, op.axis, rewriter)


def _through_axis(op: Op, value: ir.Value, axis: int, rewriter: Rewriter) -> Match:
    transpose = producer(value, nn.Transpose)
    if transpose is None:
        return NO_MATCH
    permutation = transpose.permutation
    moved = op.rebuild(transpose.input, axis=permutation[axis % len(permutation)]).output
    return rewriter.replace(op, _transposed(moved, permutation))


@pattern(nn.Reduce)
def through_reduce(op: nn.Reduce, rewriter: Rewriter) -> Match:
    """reduce(transpose(x, p), axes) == transpose(reduce(x, p[axes]), p without the reduced dimensions)"""
    transpose = producer(op.input, nn.Transpose)
    if transpose is None:
        return NO_MATCH
    permutation = transpose.permutation
    axes = tuple(sorted(permutation[axis % len(permutation)] for axis in op.axes))
    result = op.rebuild(transpose.input, axes=axes).output
    if not op.keepdims:
        left = [axis for axis in range(len(permutation)) if axis not in axes]
        permutation = tuple(left.index(axis) for axis in permutation if axis in left)
    return rewriter.replace(op, _transposed(result, permutation))


@pattern(nn.Concat)
def through_concat(op: nn.Concat, rewriter: Rewriter) -> Match:
    """concat(transpose(x, p), transpose(y, p), a) == transpose(concat(x, y, p[a]), p)"""
    permutation = _first_permutation(list(op.inputs))
    if permutation is None:
        return NO_MATCH
    same_rank = all(len(shape_of(value)) == len(permutation) for value in op.inputs)
    if not same_rank or not all(comes_free(value, permutation) for value in op.inputs):
        return NO_MATCH
    operands = [untransposed(value, permutation) for value in op.inputs]
    axis = permutation[op.axis % len(permutation)]
    return rewriter.replace(op, _transposed(nn.Concat(operands, axis=axis).output, permutation))


@pattern(nn.Pad)
def through_pad(op: nn.Pad, rewriter: Rewriter) -> Match:
    """pad(transpose(x, p)) == transpose(pad(x), p)"""
    transpose = producer(op.input, nn.Transpose)
    if transpose is None:
        return NO_MATCH
    back, rank = inverse(transpose.permutation), len(transpose.permutation)
    padding = tuple(op.padding[axis] for axis in back) + tuple(op.padding[rank + axis] for axis in back)
    return rewriter.replace(op, _transposed(op.rebuild(transpose.input, padding=padding).output, transpose.permutation))


@pattern(nn.Slice)
def through_slice(op: nn.Slice, rewriter: Rewriter) -> Match:
    """slice(transpose(x, p), axes) == transpose(slice(x, p[axes]), p)"""
    transpose = producer(op.input, nn.Transpose)
    if transpose is None:
        return NO_MATCH
    permutation = transpose.permutation
    axes = tuple(permutation[axis % len(permutation)] for axis in op.axes)
    return rewriter.replace(op, _transposed(op.rebuild(transpose.input, axes=axes).output, permutation))


@pattern(nn.Split)
def through_split(op: nn.Split, rewriter: Rewriter) -> Match:
    """split(transpose(x, p), a) == transposes of split(x, p[a])"""
    transpose = producer(op.input, nn.Transpose)
    if transpose is None:
        return NO_MATCH
    permutation = transpose.permutation
    parts = op.rebuild(transpose.input, axis=permutation[op.axis % len(permutation)]).outputs
    return rewriter.replace(op, *[_transposed(part, permutation) for part in parts])


@pattern(nn.Matmul)
def into_matrix(op: nn.Matmul, rewriter: Rewriter) -> Match:
    """flatten(transpose(x, p)) @ w == flatten(x) @ w', the rows of the constant w in another order.

    For flattening to rows: the batch dimension stays in front. Weights that are integers stay so.
    """
    reshape, stored = producer(op.lhs, nn.Reshape), stored_constant(op.rhs)
    weight = nn.constant_value(op.rhs) if stored is None else stored[0]
    transpose = None if reshape is None else producer(reshape.input, nn.Transpose)
    if reshape is None or transpose is None or weight is None or weight.ndim != 2:
        return NO_MATCH
    if stored is not None and stored[1].axis == 0:
        return NO_MATCH
    permutation = transpose.permutation
    batch, *dims = shape_of(reshape.input)
    flat = shape_of(reshape.output)
    rows_of = nn.known_product(tuple(dims))
    if permutation[0] != 0 or len(flat) != 2 or flat[0] != batch or rows_of != flat[1] or flat[1] != weight.shape[0]:
        return NO_MATCH
    order = tuple(axis - 1 for axis in inverse(permutation)[1:])
    rows = weight.reshape(*[dim or 0 for dim in dims], -1).transpose(*order, len(dims)).reshape(weight.shape)
    straight = nn.Reshape(transpose.input, shape=reshape.shape).output
    if stored is None:
        new_weight = nn.Constant(value=np.ascontiguousarray(rows)).output
    else:
        new_weight = dequantised(rows, stored[1])
    return rewriter.replace(op, nn.Matmul(straight, new_weight).output)


PATTERNS: tuple[Pattern[Any], ...] = (
    through_elementwise,
    reshape_through_elementwise,
    through_quantization,
    through_softmax,
    through_cumsum,
    through_reduce,
    through_concat,
    through_pad,
    through_slice,
    through_split,
    into_matrix,
    transpose_identity,
    transpose_of_transpose,
    transpose_of_unit_dims,
)


@register_pass
@dataclass(frozen=True)
class SinkTransposes:
    """Move transposes behind operations that do not care about the order of dimensions, so that they cancel."""

    name: ClassVar[str] = "nn-sink-transposes"

    def apply(self, module: ir.Module) -> None:
        rewrite_module(module, PATTERNS)
