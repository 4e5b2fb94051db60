"""Operations that rearrange a tensor or change its shape, with static parameters."""

import math
from collections.abc import Sequence

from ..mlir import ir
from ..ods import I64, MEMBERS, I64Array, Operand, Operands, Result, Results, require
from ..tensors import Dim, Shape, shape_of, tensor_type
from .base import (
    NNOp,
    broadcast,
    normalize_axes,
    normalize_axis,
    require_length,
    require_same_elements,
    shape_text,
)


class Reshape(NNOp, name="reshape"):
    """The same elements in row-major order under another shape, in which one dimension may be -1: what is left.

    Source: ONNX Reshape-5 with constant shape.
    """

    on_storage = True

    input: Operand
    output: Result
    shape: I64Array

    def infer(self) -> ir.Type:
        target: list[Dim] = list(self.shape)
        require(all(dim is not None and dim >= -1 for dim in target) and target.count(-1) <= 1, f"shape is {target}")
        source = shape_of(self.input)
        rest = math.prod(dim for dim in self.shape if dim != -1)
        if None in source:
            return tensor_type([None if dim == -1 else dim for dim in target], self.input)
        count = math.prod(dim for dim in source if dim is not None)
        if -1 in target:
            require(rest > 0 and count % rest == 0, f"reshape of {shape_text(source)} ({count} elements) to {target}")
            target[target.index(-1)] = count // rest
        wanted = math.prod(dim for dim in target if dim is not None)
        require(
            wanted == count,
            f"reshape of {shape_text(source)} ({count} elements) to {shape_text(tuple(target))} ({wanted} elements)",
        )
        return tensor_type(target, self.input)


class Squeeze(NNOp, name="squeeze"):
    """Drops dimensions of extent 1.  Source: ONNX Squeeze-13."""

    on_storage = True

    input: Operand
    output: Result
    axes: I64Array

    def infer(self) -> ir.Type:
        shape = shape_of(self.input)
        axes = normalize_axes(self.axes, len(shape))
        require(all(shape[axis] in (1, None) for axis in axes), f"axes {axes} of {shape_text(shape)} are not all 1")
        return tensor_type([dim for i, dim in enumerate(shape) if i not in axes], self.input)


class Unsqueeze(NNOp, name="unsqueeze"):
    """Inserts dimensions of extent 1; `axes` are positions in the result.  Source: ONNX Unsqueeze-13."""

    on_storage = True

    input: Operand
    output: Result
    axes: I64Array

    def infer(self) -> ir.Type:
        shape = shape_of(self.input)
        axes = normalize_axes(self.axes, len(shape) + len(self.axes))
        dims = iter(shape)
        return tensor_type([1 if i in axes else next(dims) for i in range(len(shape) + len(axes))], self.input)


class Transpose(NNOp, name="transpose"):
    """Permutes the dimensions: dimension i of the result is dimension `permutation[i]` of the input.

    Source: ONNX Transpose-13.
    """

    on_storage = True

    input: Operand
    output: Result
    permutation: I64Array

    def infer(self) -> ir.Type:
        shape = shape_of(self.input)
        require(
            sorted(self.permutation) == list(range(len(shape))),
            f"permutation {self.permutation} does not permute the {len(shape)} dimensions of {shape_text(shape)}",
        )
        return tensor_type([shape[axis] for axis in self.permutation], self.input)


def slice_extent(size: Dim, start: int, end: int, step: int) -> Dim:
    """How many elements `[start:end:step]` takes: negative bounds count from the end, all are clamped."""
    if size is None:
        return None
    if step > 0:
        return len(range(size)[start:end:step])
    return len(range(size)[max(start, -size) : end if end >= -size else None : step])


def slice_starts(shape: Shape, starts: Sequence[int], axes: Sequence[int], steps: Sequence[int]) -> tuple[int, ...]:
    """The starts, those of walks back no further than the first element: numpy, and targets, would take nothing."""
    return tuple(
        start if step > 0 or (size := shape[axis]) is None else max(start, -size)
        for start, axis, step in zip(starts, axes, steps, strict=True)
    )


class Slice(NNOp, name="slice"):
    """Elements start, start + step, ... before end, along each of `axes`; negative bounds count from the end.

    Bounds are clamped to the dimension; a negative step walks backwards, from the first element at least.
    Source: ONNX Slice-13.
    """

    on_storage = True

    input: Operand
    output: Result
    starts: I64Array
    ends: I64Array
    axes: I64Array
    steps: I64Array

    def infer(self) -> ir.Type:
        shape = list(shape_of(self.input))
        axes = normalize_axes(self.axes, len(shape))
        for name in ("starts", "ends", "steps"):
            require_length(getattr(self, name), len(axes), name)
        require(0 not in self.steps, "a step is 0")
        for axis, start, end, step in zip(axes, self.starts, self.ends, self.steps, strict=True):
            shape[axis] = slice_extent(shape[axis], start, end, step)
        return tensor_type(shape, self.input)


class Concat(NNOp, name="concat"):
    """Joins tensors along `axis`; all other dimensions agree.  Source: ONNX Concat-13."""

    on_storage = True

    inputs: Operands
    output: Result
    axis: I64

    def infer(self) -> ir.Type:
        require(len(self.inputs) > 0, "needs an operand")
        require_same_elements(*self.inputs)
        shapes = [shape_of(value) for value in self.inputs]
        axis = normalize_axis(self.axis, len(shapes[0]))
        require(len({len(shape) for shape in shapes}) == 1, "operands have different ranks")
        result: list[Dim] = []
        for i, dims in enumerate(zip(*shapes, strict=True)):
            known = {dim for dim in dims if dim is not None}
            if i == axis:
                sizes = [dim for dim in dims if dim is not None]
                result.append(sum(sizes) if len(sizes) == len(dims) else None)
            else:
                require(len(known) <= 1, f"operands {', '.join(map(shape_text, shapes))} differ beside axis {axis}")
                result.append(known.pop() if known else None)
        return tensor_type(result, self.inputs[0])


def concat(values: Sequence[ir.Value], axis: int) -> ir.Value:
    """The concatenation of any number of values: nested where one operation cannot take them all."""
    while len(values) > MEMBERS:
        groups = [values[i : i + MEMBERS] for i in range(0, len(values), MEMBERS)]
        values = [concat(group, axis) for group in groups]
    return values[0] if len(values) == 1 else Concat(values, axis=axis).output


class Split(NNOp, name="split"):
    """Cuts a tensor along `axis` into parts of the given sizes.  Source: ONNX Split-18."""

    on_storage = True

    input: Operand
    outputs: Results
    axis: I64
    sizes: I64Array

    def infer(self) -> Sequence[ir.Type]:
        shape = shape_of(self.input)
        axis = normalize_axis(self.axis, len(shape))
        require(len(self.sizes) > 0, "needs a size")
        require(all(size >= 0 for size in self.sizes), f"sizes {self.sizes} must not be negative")
        require(
            shape[axis] in (None, sum(self.sizes)), f"sizes {self.sizes} add up to {sum(self.sizes)}, not {shape[axis]}"
        )
        return [tensor_type([*shape[:axis], size, *shape[axis + 1 :]], self.input) for size in self.sizes]


class Expand(NNOp, name="expand"):
    """Repeats dimensions of extent 1 so that the result has the broadcast of both shapes.  Source: ONNX Expand-13."""

    on_storage = True

    input: Operand
    output: Result
    shape: I64Array

    def infer(self) -> ir.Type:
        require(all(dim >= 0 for dim in self.shape), f"shape {self.shape} must not be negative")
        return tensor_type(broadcast(shape_of(self.input), self.shape), self.input)


class Tile(NNOp, name="tile"):
    """Repeats the tensor `repeats[i]` times along dimension i.  Source: ONNX Tile-13."""

    on_storage = True

    input: Operand
    output: Result
    repeats: I64Array

    def infer(self) -> ir.Type:
        shape = shape_of(self.input)
        require_length(self.repeats, len(shape), "repeats")
        require(all(repeat >= 0 for repeat in self.repeats), f"repeats {self.repeats} must not be negative")
        dims = zip(shape, self.repeats, strict=True)
        return tensor_type([None if dim is None else dim * repeat for dim, repeat in dims], self.input)
