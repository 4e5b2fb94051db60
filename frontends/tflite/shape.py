"""TFLite operators that rearrange tensors."""

import numpy as np

from ...dialects import nn
from ...dialects.nn.extents import as_int64, equal_parts, ints
from ...dialects.tensors import element_type
from ..builder import Unsupported
from ..converter import Form
from .loader import DTYPES
from .node import Node, Output, activated, converter, to_nchw, to_nhwc


@converter("RESHAPE", builds=nn.Reshape, forms={"a shape that is computed": nn.DynamicReshape})
def reshape(node: Node) -> Output:
    if len(node.inputs) > 1 and node.optional(1) is not None:
        target = nn.constant_ints(node.input(1))
        if target is None:
            return nn.DynamicReshape(node.input(0), as_int64(node.input(1)), allow_zero=True).output
    else:
        target = node.outputs[0].shape
    return nn.Reshape(node.input(0), shape=target).output


@converter("DENSIFY")
def densify(node: Node) -> Output:
    """The loader reads sparse constants as dense ones."""
    return node.stored(0)


@converter("SHAPE", forms={"a shape that is not known": (nn.ShapeOf, nn.Cast)})
def shape(node: Node) -> Output:
    (kind,) = node.options("ShapeOptions", "OutType")
    whole = node.builder.folded(nn.ShapeOf(node.input(0), start=0).output)
    return whole if DTYPES.get(kind) == "int64" else nn.Cast(whole, to=element_type(np.int32), saturate=True).output


@converter("RANK")
def rank(node: Node) -> Output:
    return node.new_constant(node.rank(), np.int32)


@converter("EXPAND_DIMS", builds=nn.Unsqueeze)
def expand_dims(node: Node) -> Output:
    (axis,) = node.ints(1)
    return nn.Unsqueeze(node.input(0), axes=(axis,)).output


@converter("SQUEEZE", builds=nn.Squeeze)
def squeeze(node: Node) -> Output:
    (count,) = node.options("SqueezeOptions", "SqueezeDimsLength")
    dims = node.options("SqueezeOptions", "SqueezeDimsAsNumpy")[0] if count else []
    if not count and None in node.shape():
        raise Unsupported("squeeze without axes needs a known shape", "give it with --shape")
    axes = tuple(int(dim) for dim in dims) or tuple(i for i, dim in enumerate(node.shape()) if dim == 1)
    return nn.Squeeze(node.input(0), axes=axes).output


@converter("TRANSPOSE", builds=nn.Transpose)
def transpose(node: Node) -> Output:
    return nn.Transpose(node.input(0), permutation=node.ints(1)).output


@converter("CONCATENATION", builds=nn.Concat)
def concatenation(node: Node) -> Output:
    axis, activation = node.options("ConcatenationOptions", "Axis", "FusedActivationFunction")
    values = [node.input(index) for index in range(len(node.inputs))]
    return activated(nn.concat(values, axis), activation)


@converter("PACK", builds=(nn.Unsqueeze, nn.Concat))
def pack(node: Node) -> Output:
    (axis,) = node.options("PackOptions", "Axis")
    values = [nn.Unsqueeze(node.input(i), axes=(axis,)).output for i in range(len(node.inputs))]
    return nn.concat([node.builder.folded(value) for value in values], axis)


@converter("UNPACK", builds=(nn.Split, nn.Squeeze))
def unpack(node: Node) -> Output:
    axis, count = node.options("UnpackOptions", "Axis", "Num")
    parts = nn.Split(node.input(0), axis=axis, sizes=(1,) * count).outputs
    return [nn.Squeeze(part, axes=(axis,)).output for part in parts]


@converter("SPLIT", builds=nn.Split)
def split(node: Node) -> Output:
    (axis,) = node.ints(0)
    count = len(node.outputs)
    dim = node.shape(1)[axis]
    if dim is None:
        return equal_parts(node.input(1), axis, count)
    return nn.Split(node.input(1), axis=axis, sizes=(dim // count,) * count).outputs


@converter("SPLIT_V", builds=nn.Split)
def split_v(node: Node) -> Output:
    (axis,) = node.ints(2)
    sizes, dim = list(node.ints(1)), node.shape()[axis]
    if -1 in sizes:
        if dim is None:
            raise Unsupported(f"what is left of dimension {axis} is not known", "give it with --shape")
        sizes[sizes.index(-1)] = dim - sum(size for size in sizes if size >= 0)
    return nn.Split(node.input(0), axis=axis, sizes=sizes).outputs


@converter("SLICE", builds=nn.Slice)
def slice_(node: Node) -> Output:
    if any(node.computed(index) is not None for index in (1, 2)):
        starts, extents = as_int64(node.input(1)), as_int64(node.input(2))
        rest = nn.Less(extents, ints([0])).output
        stops = nn.Where(rest, ints([np.iinfo(np.int64).max]), nn.Add(starts, extents).output).output
        return nn.DynamicSlice(node.input(0), starts, stops, ints(range(node.rank())), None).output
    begins, sizes = node.ints(1), node.ints(2)
    ends = [np.iinfo(np.int64).max if size < 0 else b + size for b, size in zip(begins, sizes, strict=True)]
    axes = range(len(begins))
    return nn.Slice(node.input(0), starts=begins, ends=ends, axes=axes, steps=(1,) * len(begins)).output


@converter("STRIDED_SLICE", builds=nn.Slice, forms={"dimensions that go or come": (nn.Squeeze, nn.Unsqueeze)})
def strided_slice(node: Node) -> Output:
    names = ("BeginMask", "EndMask", "EllipsisMask", "NewAxisMask", "ShrinkAxisMask")
    begin_mask, end_mask, ellipsis, new_axis, shrink = node.options("StridedSliceOptions", *names)
    (offset,) = node.options("StridedSliceOptions", "Offset")
    begins, ends, steps = node.ints(1), node.ints(2), node.ints(3)
    top = np.iinfo(np.int64).max
    added = sum(1 for i in range(len(begins)) if new_axis >> i & 1 and not ellipsis >> i & 1)
    skipped = node.rank() + added - len(begins) + 1
    starts, stops, strides, axes, inserted, removed = [], [], [], [], [], []
    axis = place = 0  # in the input, and in the result before single elements are dropped
    for i, (begin, end, step) in enumerate(zip(begins, ends, steps, strict=True)):
        if ellipsis >> i & 1:
            axis, place = axis + skipped, place + skipped
            continue
        if new_axis >> i & 1:
            inserted.append(place)
            place += 1
            continue
        begin = begin if not begin_mask >> i & 1 else 0 if step > 0 else top
        if shrink >> i & 1:
            end, step = begin + 1 if begin != -1 else top, 1
            removed.append(place)
        elif end_mask >> i & 1:
            end = top if step > 0 else -top
        elif offset:
            end += begin
        starts.append(begin)
        stops.append(end)
        strides.append(step)
        axes.append(axis)
        axis, place = axis + 1, place + 1
    result = node.builder.folded(nn.Slice(node.input(0), starts=starts, ends=stops, axes=axes, steps=strides).output)
    if inserted:
        result = node.builder.folded(nn.Unsqueeze(result, axes=inserted).output)
    return nn.Squeeze(result, axes=removed).output if removed else result


@converter("PAD", "PADV2", builds=nn.Pad)
def pad(node: Node) -> Output:
    amounts = node.computed(1)
    if amounts is not None:
        pairs = nn.Transpose(amounts, permutation=(1, 0)).output
        fill = nn.Reshape(node.input(2), shape=()).output if node.operator == "PADV2" else None
        flat = nn.Reshape(pairs, shape=(2 * node.rank(),)).output
        return nn.DynamicPad(node.input(0), flat, fill, None, mode="constant").output
    value = float(node.constant(2).reshape(-1)[0]) if node.operator == "PADV2" else 0.0
    return nn.Pad(node.input(0), padding=_amounts(node), mode="constant", value=value).output


@converter("MIRROR_PAD", builds=Form(nn.Pad, "of what is there"))
def mirror_pad(node: Node) -> Output:
    (mode,) = node.options("MirrorPadOptions", "Mode")
    kind = "symmetric" if mode else "reflect"
    return nn.Pad(node.input(0), padding=_amounts(node), mode=kind, value=0.0).output


def _amounts(node: Node) -> tuple[int, ...]:
    pairs = node.constant(1).reshape(-1, 2)
    return tuple(int(item) for item in (*pairs[:, 0], *pairs[:, 1]))


@converter("TILE", builds=nn.Tile)
def tile(node: Node) -> Output:
    repeats = node.computed(1)
    if repeats is not None:
        return nn.DynamicTile(node.input(0), repeats).output
    return nn.Tile(node.input(0), repeats=node.ints(1)).output


@converter("BROADCAST_TO", builds=nn.Expand)
def broadcast_to(node: Node) -> Output:
    target = node.computed(1)
    if target is not None:
        return nn.DynamicExpand(node.input(0), target).output
    return nn.Expand(node.input(0), shape=node.ints(1)).output


@converter("FILL", builds=nn.Expand)
def fill(node: Node) -> Output:
    target = node.computed(0)
    if target is not None:
        return nn.DynamicExpand(node.input(1), target).output
    return nn.Expand(node.input(1), shape=node.ints(0)).output


@converter("RANGE", forms={"bounds that are computed": nn.Range})
def range_(node: Node) -> Output:
    return nn.Range(node.input(0), node.input(1), node.input(2)).output


@converter("GATHER", builds=nn.Gather, forms={"indices that are computed": Form(nn.Gather, "by computed indices")})
def gather(node: Node) -> Output:
    axis, batch_dims = node.options("GatherOptions", "Axis", "BatchDims")
    return nn.Gather(node.input(0), node.input(1), axis=axis, batch_dims=batch_dims).output


@converter("GATHER_ND", builds=nn.GatherNd)
def gather_nd(node: Node) -> Output:
    return nn.GatherNd(node.input(0), node.input(1), batch_dims=0).output


@converter("REVERSE_V2", builds=Form(nn.Slice, "backwards"))
def reverse(node: Node) -> Output:
    axes = node.ints(1)
    low, count = -np.iinfo(np.int64).max, len(axes)
    return nn.Slice(node.input(0), starts=(-1,) * count, ends=(low,) * count, axes=axes, steps=(-1,) * count).output


@converter("DEPTH_TO_SPACE", builds=Form(nn.DepthToSpace, "of the last dimension"))
def depth_to_space(node: Node) -> Output:
    (block,) = node.options("DepthToSpaceOptions", "BlockSize")
    return to_nhwc(nn.DepthToSpace(to_nchw(node.input(0)), block=block, mode="DCR").output)


@converter("SPACE_TO_DEPTH", builds=Form(nn.SpaceToDepth, "of the last dimension"))
def space_to_depth(node: Node) -> Output:
    (block,) = node.options("SpaceToDepthOptions", "BlockSize")
    return to_nhwc(nn.SpaceToDepth(to_nchw(node.input(0)), block=block, mode="DCR").output)


@converter("SPACE_TO_BATCH_ND", builds=nn.SpaceToBatch)
def space_to_batch(node: Node) -> Output:
    pairs = node.constant(2).reshape(-1, 2)
    padding = tuple(int(item) for item in (*pairs[:, 0], *pairs[:, 1]))
    return to_nhwc(nn.SpaceToBatch(to_nchw(node.input(0)), block=node.ints(1), padding=padding).output)


@converter("BATCH_TO_SPACE_ND", builds=nn.BatchToSpace)
def batch_to_space(node: Node) -> Output:
    pairs = node.constant(2).reshape(-1, 2)
    crops = tuple(int(item) for item in (*pairs[:, 0], *pairs[:, 1]))
    return to_nhwc(nn.BatchToSpace(to_nchw(node.input(0)), block=node.ints(1), crops=crops).output)
