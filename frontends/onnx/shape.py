"""ONNX operators that rearrange tensors or deal with shapes."""

import math

import numpy as np

from ...dialects import nn
from ...dialects.nn.extents import dims_of, equal_parts, product, vector
from ...dialects.ods import require
from ...dialects.tensors import Shape, dtype_of, element_type
from ..builder import Unsupported
from ..converter import Form
from .node import MOST_ELEMENTS, Node, Output, converter, mlir_element_type, tensor_elements


@converter("Reshape", builds=nn.Reshape, forms={"a shape that is computed": nn.DynamicReshape})
def reshape(node: Node) -> Output:
    allow_zero = bool(node.attribute("allowzero", 0))
    target = node.constant(1)
    if target is None:
        return nn.DynamicReshape(node.input(0), node.input(1), allow_zero=allow_zero).output
    require(target.ndim == 1, f"the shape operand has rank {target.ndim}, expected a vector")
    dims = _without_rest(node.shape(), tuple(int(dim) for dim in target), allow_zero)
    resolved = nn.resolve_reshape(node.shape(), dims, allow_zero)
    if resolved.count(None) > 1:
        kept = node.new_constant(dims, np.int64)
        return nn.DynamicReshape(node.input(0), kept, allow_zero=allow_zero).output
    return nn.Reshape(node.input(0), shape=tuple(-1 if dim is None else dim for dim in resolved)).output


def _without_rest(source: Shape, target: tuple[int, ...], allow_zero: bool) -> tuple[int, ...]:
    """The target with its -1 computed, where only dimensions that it keeps are unknown."""
    kept = set() if allow_zero else {i for i, dim in enumerate(target) if dim == 0 and i < len(source)}
    count = nn.known_product(tuple(dim for i, dim in enumerate(source) if i not in kept))
    parts = [dim for i, dim in enumerate(target) if i not in kept and dim != -1]
    stated = math.prod(parts)
    if target.count(-1) != 1 or count is None or stated <= 0 or min(parts, default=1) < 0 or count % stated:
        return target
    return tuple(count // stated if dim == -1 else dim for dim in target)


@converter("Flatten", builds=nn.Reshape, forms={"sizes that are not known": nn.DynamicReshape})
def flatten(node: Node) -> Output:
    """At most one side of the axis may have dimensions that are not known, unless the axis is 1."""
    shape = node.shape()
    axis = node.axis("axis", 1, len(shape))
    left, right = nn.known_product(shape[:axis]), nn.known_product(shape[axis:])
    if left is not None or right is not None:
        return nn.Reshape(node.input(0), shape=(-1 if left is None else left, -1 if right is None else right)).output
    rows = product(dims_of(node.input(0), range(axis)))
    return nn.DynamicReshape(node.input(0), vector([rows, -1]), allow_zero=True).output


@converter("Squeeze", builds=nn.Squeeze)
def squeeze(node: Node) -> Output:
    """Without axes the shape must be known."""
    axes = node.ints(1, "axes")
    if not axes:
        if None in node.shape():
            raise Unsupported("squeeze without axes needs a known shape", "give it with --shape or --dim")
        axes = tuple(i for i, dim in enumerate(node.shape()) if dim == 1)
    return nn.Squeeze(node.input(0), axes=axes).output


@converter("Unsqueeze", builds=nn.Unsqueeze)
def unsqueeze(node: Node) -> Output:
    return nn.Unsqueeze(node.input(0), axes=node.ints(1, "axes") or ()).output


@converter("Transpose", builds=nn.Transpose)
def transpose(node: Node) -> Output:
    permutation = node.attribute("perm", list(reversed(range(node.rank()))))
    return nn.Transpose(node.input(0), permutation=permutation).output


@converter("Slice", builds=nn.Slice, forms={"bounds that are computed": nn.DynamicSlice})
def slice(node: Node) -> Output:
    if "starts" in node.attributes:
        starts, ends = node.attribute("starts"), node.attribute("ends")
        axes = node.attribute("axes", list(range(len(starts))))
        return nn.Slice(node.input(0), starts=starts, ends=ends, axes=axes, steps=[1] * len(starts)).output
    if any(node.optional(i) is not None and node.constant(i) is None for i in range(1, 5)):
        return nn.DynamicSlice(*(node.optional(i) for i in range(5))).output
    first, last = node.constant_ints(1, "starts"), node.constant_ints(2, "ends")
    axes = node.ints(3, "axes") or tuple(range(len(first)))
    steps = node.ints(4, "steps") or (1,) * len(first)
    require(len(first) == len(last) == len(axes) == len(steps), "starts, ends, axes and steps differ in length")
    require(all(-node.rank() <= axis < node.rank() for axis in axes), f"axes {axes} are out of range")
    first = nn.slice_starts(node.shape(), first, axes, steps)
    return nn.Slice(node.input(0), starts=first, ends=last, axes=axes, steps=steps).output


@converter("Concat", builds=nn.Concat)
def concat(node: Node) -> Output:
    values = [node.input(i) for i in range(len(node.inputs))]
    return values[0] if len(values) == 1 else nn.concat(values, node.attribute("axis"))


@converter("Split", builds=nn.Split)
def split(node: Node) -> Output:
    """Without sizes the dimension must be known."""
    axis = node.axis("axis", 0, node.rank())
    require(axis < node.rank(), f"axis {axis} is out of range for rank {node.rank()}")
    sizes = node.ints(1, "split")
    if sizes is None:
        dim, parts = node.shape()[axis], node.attribute("num_outputs", len(node.proto.output))
        outputs = len(node.proto.output)
        require(parts == outputs, f"num_outputs is {parts}, but there are {outputs} outputs")
        if dim is None:
            return equal_parts(node.input(0), axis, parts)
        part = -(-dim // parts)
        sizes = tuple(min(part, dim - i * part) for i in range(parts))
    return nn.Split(node.input(0), axis=axis, sizes=sizes).outputs


@converter("Expand", builds=nn.Expand, forms={"a shape that is computed": nn.DynamicExpand})
def expand(node: Node) -> Output:
    if node.constant(1) is None:
        return nn.DynamicExpand(node.input(0), node.input(1)).output
    return nn.Expand(node.input(0), shape=node.constant_ints(1, "shape")).output


@converter("Tile", builds=nn.Tile, forms={"counts that are computed": nn.DynamicTile})
def tile(node: Node) -> Output:
    if node.constant(1) is None:
        return nn.DynamicTile(node.input(0), node.input(1)).output
    return nn.Tile(node.input(0), repeats=node.constant_ints(1, "repeats")).output


@converter(
    "Pad",
    builds=nn.Pad,
    forms={
        "padding that is computed": nn.DynamicPad,
        "modes other than constant": Form(nn.Pad, "of what is there"),
    },
)
def pad(node: Node) -> Output:
    mode, rank = node.attribute("mode", "constant"), node.rank()
    if "pads" in node.attributes:
        return nn.Pad(
            node.input(0), padding=node.attribute("pads"), mode=mode, value=node.attribute("value", 0.0)
        ).output
    if any(node.optional(i) is not None and node.constant(i) is None for i in (1, 2, 3)):
        operands = [node.optional(i) for i in range(4)]
        return nn.DynamicPad(*operands, mode=mode).output
    amounts = node.constant_ints(1, "pads")
    axes = node.ints(3, "axes") or tuple(range(rank))
    require(len(amounts) == 2 * len(axes), f"{len(amounts)} pads do not fit {len(axes)} axes")
    require(all(-rank <= axis < rank for axis in axes), f"axes {axes} are out of range for rank {rank}")
    padding = [0] * (2 * rank)
    for i, axis in enumerate(axes):
        padding[axis % rank], padding[rank + axis % rank] = amounts[i], amounts[len(axes) + i]
    return nn.Pad(node.input(0), padding=padding, mode=mode, value=node.scalar(2, 0.0)).output


@converter("DepthToSpace", builds=nn.DepthToSpace)
def depth_to_space(node: Node) -> Output:
    mode = node.attribute("mode", "DCR")
    return nn.DepthToSpace(node.input(0), block=node.attribute("blocksize"), mode=mode).output


@converter("SpaceToDepth", builds=nn.SpaceToDepth)
def space_to_depth(node: Node) -> Output:
    mode = node.attribute("mode", "DCR")
    return nn.SpaceToDepth(node.input(0), block=node.attribute("blocksize"), mode=mode).output


@converter("ReverseSequence", builds=nn.ReverseSequence)
def reverse_sequence(node: Node) -> Output:
    batch, time = node.attribute("batch_axis", 1), node.attribute("time_axis", 0)
    return nn.ReverseSequence(node.input(0), node.input(1), batch_axis=batch, time_axis=time).output


@converter("Trilu", builds=nn.Trilu)
def trilu(node: Node) -> Output:
    return nn.Trilu(node.input(0), k=int(node.scalar(1, 0)), upper=bool(node.attribute("upper", 1))).output


@converter("Shape", forms={"a shape that is not known": nn.ShapeOf})
def shape(node: Node) -> Output:
    return nn.ShapeOf(node.input(0), start=node.attribute("start", 0), end=node.attribute("end")).output


@converter("Size", forms={"a shape that is not known": nn.Size})
def size(node: Node) -> Output:
    return nn.Size(node.input(0)).output


@converter(
    "ConstantOfShape",
    forms={"a shape that is not known": nn.Fill, "and integers of more than 53 bits": nn.DynamicExpand},
)
def constant_of_shape(node: Node) -> Output:
    tensor = node.attribute("value")
    where = node.where
    elements = np.zeros(1, np.float32) if tensor is None else tensor_elements(tensor, where)
    require(elements.size == 1, f"'value' has {elements.size} elements, expected one")
    number = elements.flat[0]
    if elements.dtype.kind in "iu" and int(float(number)) != int(number):  # more digits than the attribute holds
        return nn.DynamicExpand(node.new_constant(elements.reshape(())), node.input(0)).output
    return nn.Fill(node.input(0), value=float(number), dtype=element_type(elements.dtype)).output


@converter("Range", forms={"bounds that are computed": nn.Range})
def range_(node: Node) -> Output:
    scalars = [nn.Reshape(node.input(i), shape=()).output if node.rank(i) else node.input(i) for i in (0, 1, 2)]
    known = [nn.constant_value(node.builder.folded(scalar)) for scalar in scalars]
    start, limit, step = [None if number is None else number.item() for number in known]
    require(step is None or step != 0, "the step is 0")
    if start is not None and limit is not None and step is not None:
        require((limit - start) / step < MOST_ELEMENTS, f"the range from {start} to {limit} by {step} is too long")
    return nn.Range(*(node.builder.folded(scalar) for scalar in scalars)).output


@converter(
    "RandomNormal",
    "RandomUniform",
    "RandomNormalLike",
    "RandomUniformLike",
    builds={
        "RandomNormal": nn.RandomNormal,
        "RandomNormalLike": nn.RandomNormal,
        "RandomUniform": nn.RandomUniform,
        "RandomUniformLike": nn.RandomUniform,
    },
)
def random(node: Node) -> Output:
    """Deterministic: the generator is kpuc's own. The shape must be known."""
    if node.operator.endswith("Like"):
        dims, default = node.shape(), dtype_of(node.input(0))
    else:
        dims, default = tuple(node.attribute("shape")), np.dtype(np.float32)
    if None in dims:
        raise Unsupported("the shape is not known", "give it with --shape or --dim")
    kind = node.attribute("dtype")
    dtype = element_type(default) if kind is None else mlir_element_type(kind)
    seed = node.attribute("seed", 0.0)
    if node.operator.startswith("RandomNormal"):
        mean, scale = node.attribute("mean", 0.0), node.attribute("scale", 1.0)
        return nn.RandomNormal(shape=dims, dtype=dtype, seed=seed, mean=mean, scale=scale).output
    low, high = node.attribute("low", 0.0), node.attribute("high", 1.0)
    return nn.RandomUniform(shape=dims, dtype=dtype, seed=seed, low=low, high=high).output
