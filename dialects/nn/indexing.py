"""Gathering, scattering and selecting elements by indices."""

from typing import Literal

from ..mlir import ir
from ..ods import F64, I64, Operand, Result, require
from ..tensors import Dim, dtype_of, shape_of, tensor_type
from .base import NNOp, broadcast, compatible_shapes, normalize_axis, require_rank, require_same_elements, shape_text
from .constant import constant_value


def require_indices(indices: ir.Value) -> None:
    """Indices are integers."""
    require(dtype_of(indices).kind in "iu", f"indices must be integers, got {indices.type}")


def require_in_range(indices: ir.Value, *sizes: Dim) -> None:
    """Constant indices are within `sizes`: one size for all of them, or one for each entry of index tuples."""
    array = constant_value(indices)
    if array is None or array.size == 0:
        return
    parts = [array] if len(sizes) == 1 else [array[..., i] for i in range(len(sizes))]
    for part, size in zip(parts, sizes, strict=True):
        low, high = int(part.min()), int(part.max())
        outside = low if size is not None and low < -size else high
        require(size is None or -size <= outside < size, f"index {outside} is out of range for {size} elements")


def require_places(input: ir.Value, indices: ir.Value, axis: int) -> None:
    """One index an element: of the input's rank, and beside `axis` no larger than the input."""
    shape = shape_of(input)
    require_rank(indices, len(shape), "indices")
    pairs = enumerate(zip(shape_of(indices), shape, strict=True))
    fits = all(i == axis or count is None or dim is None or count <= dim for i, (count, dim) in pairs)
    require(fits, f"indices {indices.type} are more than {input.type} has beside axis {axis}")
    require_in_range(indices, shape[axis])


class Gather(NNOp, name="gather"):
    """Takes the slices of `axis` that `indices` names; negative indices count from the end.

    With `batch_dims` b the first b dimensions of input and indices go together. Source: ONNX Gather-13;
    batch_dims: TFLite GATHER.
    """

    on_storage = True

    input: Operand
    indices: Operand
    output: Result
    axis: I64
    batch_dims: I64

    def infer(self) -> ir.Type:
        require_indices(self.indices)
        shape, indices = shape_of(self.input), shape_of(self.indices)
        axis = normalize_axis(self.axis, len(shape))
        require(0 <= self.batch_dims <= min(axis, len(indices)), f"batch_dims is {self.batch_dims}, axis is {axis}")
        require_in_range(self.indices, shape[axis])
        return tensor_type((*shape[:axis], *indices[self.batch_dims :], *shape[axis + 1 :]), self.input)


class GatherElements(NNOp, name="gather_elements"):
    """y[i][j] = x[indices[i][j]][j] for axis 0, and so on.  Source: ONNX GatherElements-13."""

    on_storage = True

    input: Operand
    indices: Operand
    output: Result
    axis: I64

    def infer(self) -> ir.Type:
        require_indices(self.indices)
        rank = len(shape_of(self.input))
        require_places(self.input, self.indices, normalize_axis(self.axis, rank))
        return tensor_type(shape_of(self.indices), self.input)


class GatherNd(NNOp, name="gather_nd"):
    """Takes the slices at the index tuples along the last dimension of `indices`.  Source: ONNX GatherND-13."""

    on_storage = True

    input: Operand
    indices: Operand
    output: Result
    batch_dims: I64

    def infer(self) -> ir.Type:
        require_indices(self.indices)
        shape, indices = shape_of(self.input), shape_of(self.indices)
        depth = indices[-1] if indices else None
        require(depth is not None, f"the last dimension of indices {self.indices.type} must be known")
        depth = depth or 0
        require(
            0 <= self.batch_dims < len(indices) and self.batch_dims + depth <= len(shape),
            f"index tuples of {depth} after {self.batch_dims} batch dimensions do not fit {shape_text(shape)}",
        )
        require_in_range(self.indices, *shape[self.batch_dims : self.batch_dims + depth])
        return tensor_type((*indices[:-1], *shape[self.batch_dims + depth :]), self.input)


class ScatterElements(NNOp, name="scatter_elements"):
    """A copy of the input with y[indices[i][j]][j] = updates[i][j] for axis 0, and so on; `reduction` combines.

    Source: ONNX ScatterElements-18.
    """

    input: Operand
    indices: Operand
    updates: Operand
    output: Result
    axis: I64
    reduction: Literal["none", "add", "mul", "max", "min"]

    def infer(self) -> ir.Type:
        require_indices(self.indices)
        require_same_elements(self.input, self.updates)
        rank = len(shape_of(self.input))
        axis = normalize_axis(self.axis, rank)
        require_rank(self.updates, rank, "updates")
        require_places(self.input, self.indices, axis)
        require(
            compatible_shapes(shape_of(self.indices), shape_of(self.updates)),
            f"updates {self.updates.type} do not fit indices {self.indices.type}",
        )
        return self.input.type


class ScatterNd(NNOp, name="scatter_nd"):
    """A copy of the input with the slices at the index tuples replaced, or combined, by `updates`.

    Source: ONNX ScatterND-18.
    """

    input: Operand
    indices: Operand
    updates: Operand
    output: Result
    reduction: Literal["none", "add", "mul", "max", "min"]

    def infer(self) -> ir.Type:
        require_indices(self.indices)
        require_same_elements(self.input, self.updates)
        shape, indices = shape_of(self.input), shape_of(self.indices)
        depth = indices[-1] if indices else None
        require(depth is not None and depth <= len(shape), f"index tuples of {depth} do not fit {shape_text(shape)}")
        expected = (*indices[:-1], *shape[depth or 0 :])
        require_in_range(self.indices, *shape[: depth or 0])
        require(
            compatible_shapes(expected, shape_of(self.updates)),
            f"updates is {self.updates.type}, expected {shape_text(expected)}",
        )
        return self.input.type


class OneHot(NNOp, name="one_hot"):
    """`values[1]` where the position along the new `axis` is the index, else `values[0]`; negative indices count from
    the end, others out of range give no hit.  Source: ONNX OneHot-11 with constant depth."""

    indices: Operand
    values: Operand
    output: Result
    depth: I64
    axis: I64

    def infer(self) -> ir.Type:
        require(shape_of(self.values) == (2,), f"values is {self.values.type}, expected [off, on]")
        require(self.depth > 0, f"depth is {self.depth}")
        shape = shape_of(self.indices)
        axis = normalize_axis(self.axis, len(shape) + 1)
        return tensor_type((*shape[:axis], self.depth, *shape[axis:]), self.values)


class NonZero(NNOp, name="non_zero"):
    """The indices (i64) of all elements that are not zero, one row a dimension.  Source: ONNX NonZero-13."""

    input: Operand
    output: Result

    def infer(self) -> ir.Type:
        return tensor_type((len(shape_of(self.input)), None), "int64")


class Nms(NNOp, name="nms"):
    """Drops boxes that overlap a better one; gives (batch, class, box) indices (i64) of those that stay.

    `boxes` is batch x n x 4, `scores` batch x classes x n. Source: ONNX NonMaxSuppression-11 with constant parameters.
    """

    boxes: Operand
    scores: Operand
    output: Result
    center_point_box: I64
    max_output_boxes_per_class: I64
    iou_threshold: F64
    score_threshold: F64 | None

    def infer(self) -> ir.Type:
        require_rank(self.boxes, 3, "boxes")
        require_rank(self.scores, 3, "scores")
        require(shape_of(self.boxes)[2] in (4, None), f"boxes is {self.boxes.type}, expected batch x n x 4")
        broadcast(shape_of(self.boxes)[1:2], shape_of(self.scores)[2:])
        return tensor_type((None, 3), "int64")
