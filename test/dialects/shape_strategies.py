"""Operations that rearrange tensors or change their shape, constants, and what depends on shapes only."""

from itertools import product

import numpy as np
import onnx
from drawn_case import Case, axis_of, flags, floats, integers, litert, node, shape, some_axes
from hypothesis import assume
from hypothesis import strategies as st

from kpuc.dialects import nn
from kpuc.dialects.tensors import element_type

KINDS = ("float32", "float16", "int64", "int32", "int8", "uint8", "bool")
ALL = (*KINDS, "float64", "int16", "uint16", "uint32", "uint64")


def tensor(draw, dims, kinds=("float32", "int64", "uint8")):
    """A tensor of one of some types."""
    kind = draw(st.sampled_from(kinds))
    if kind == "bool":
        return flags(draw, dims)
    if kind.startswith("float"):
        return floats(draw, dims, dtype=kind)
    return integers(draw, dims, 0, 99, kind)


def spatial_last(array):
    """N x C x spatial as N x spatial x C."""
    return np.ascontiguousarray(np.moveaxis(array, 1, -1))


def channels_second(run):
    """What an engine computes, N x spatial x C, as N x C x spatial."""
    return lambda: [np.moveaxis(array, -1, 1) for array in run()]


@st.composite
def pad(draw):
    mode = draw(st.sampled_from(["constant", "reflect", "edge", "wrap"]))
    x = floats(draw, shape(draw, 1, 4, least=2))
    amounts = st.integers(-1 if mode == "constant" else 0, 1 if mode == "reflect" else 2)
    padding = draw(st.lists(amounts, min_size=2 * x.ndim, max_size=2 * x.ndim))
    value = 1.5 if mode == "constant" else 0.0
    expected = node("Pad", x, np.array(padding), np.float32(value), opset=19, mode=mode)
    return Case(nn.Pad, [x], expected, {"padding": padding, "mode": mode, "value": value})


@st.composite
def mirror_pad(draw):
    x = floats(draw, shape(draw, 1, 4, least=2))
    padding = draw(st.lists(st.integers(0, 2), min_size=2 * x.ndim, max_size=2 * x.ndim))
    pairs = np.array(padding, np.int32).reshape(2, -1).T
    expected = litert("MIRROR_PAD", x, pairs.copy(), constant=(1,), table="MirrorPadOptions", Mode=1)
    return Case(nn.Pad, [x], expected, {"padding": padding, "mode": "symmetric", "value": 0.0})


@st.composite
def trilu(draw):
    x = tensor(draw, shape(draw, 2, 4), ("float32", "int64", "bool"))
    k, upper = draw(st.integers(-5, 5)), draw(st.booleans())
    return Case(nn.Trilu, [x], node("Trilu", x, np.array(k), upper=int(upper)), {"k": k, "upper": upper})


@st.composite
def depth_to_space(draw):
    n, c, h, w = shape(draw, 4, 4, least=1, most=3)
    block, mode = draw(st.integers(1, 3)), draw(st.sampled_from(["DCR", "CRD"]))
    x = floats(draw, (n, c * block * block, h, w))
    expected = node("DepthToSpace", x, blocksize=block, mode=mode)
    return Case(nn.DepthToSpace, [x], expected, {"block": block, "mode": mode})


@st.composite
def space_to_depth(draw):
    n, c, h, w = shape(draw, 4, 4, least=1, most=3)
    block, mode = draw(st.integers(1, 3)), draw(st.sampled_from(["DCR", "CRD"]))
    x = floats(draw, (n, c, h * block, w * block))
    expected = node("SpaceToDepth", x, opset=27, engine="reference", blocksize=block, mode=mode)
    return Case(nn.SpaceToDepth, [x], expected, {"block": block, "mode": mode})


@st.composite
def space_to_batch(draw):
    n, c, *outer = shape(draw, 4, 4, least=1, most=3)
    block = draw(st.lists(st.integers(1, 3), min_size=2, max_size=2))
    begins, ends = [], []
    for blocks, extent in zip(outer, block, strict=True):
        amount = draw(st.integers(0, min(2, blocks * extent - 1)))
        begins.append(draw(st.integers(0, amount)))
        ends.append(amount - begins[-1])
    sizes = [o * b - s - e for o, b, s, e in zip(outer, block, begins, ends, strict=True)]
    x = floats(draw, (n, c, *sizes))
    pairs = np.array([begins, ends], np.int32).T
    given = (spatial_last(x), np.array(block, np.int32), pairs.copy())
    expected = litert("SPACE_TO_BATCH_ND", *given, constant=(1, 2), table="SpaceToBatchNDOptions")
    return Case(nn.SpaceToBatch, [x], channels_second(expected), {"block": block, "padding": begins + ends})


@st.composite
def batch_to_space(draw):
    n, c, *sizes = shape(draw, 4, 4, least=1, most=3)
    block = draw(st.lists(st.integers(1, 3), min_size=2, max_size=2))
    begins = [draw(st.integers(0, (s * b - 1) // 2)) for s, b in zip(sizes, block, strict=True)]
    ends = [draw(st.integers(0, (s * b - 1) // 2)) for s, b in zip(sizes, block, strict=True)]
    x = floats(draw, (n * block[0] * block[1], c, *sizes))
    pairs = np.array([begins, ends], np.int32).T
    given = (spatial_last(x), np.array(block, np.int32), pairs.copy())
    expected = litert("BATCH_TO_SPACE_ND", *given, constant=(1, 2), table="BatchToSpaceNDOptions")
    return Case(nn.BatchToSpace, [x], channels_second(expected), {"block": block, "crops": begins + ends})


@st.composite
def reverse_sequence(draw):
    x = floats(draw, shape(draw, 2, 4, least=1))
    batch = draw(st.integers(0, 1))
    lengths = integers(draw, (x.shape[batch],), 0, x.shape[1 - batch])
    expected = node("ReverseSequence", x, lengths, batch_axis=batch, time_axis=1 - batch)
    return Case(nn.ReverseSequence, [x, lengths], expected, {"batch_axis": batch, "time_axis": 1 - batch})


@st.composite
def constant(draw):
    x = tensor(draw, shape(draw), KINDS)
    return Case(nn.Constant, [], node("Identity", x), {"value": x})


@st.composite
def cast(draw):
    source, target = draw(st.sampled_from(KINDS)), draw(st.sampled_from(KINDS))
    x = tensor(draw, shape(draw), (source,))
    if x.dtype.kind == "f" and np.dtype(target).kind == "u":
        x = np.abs(x)
    expected = node("Cast", x, to=onnx.helper.np_dtype_to_tensor_dtype(np.dtype(target)))
    return Case(nn.Cast, [x], expected, {"to": element_type(target), "saturate": True})


@st.composite
def bitcast(draw):
    source, target = draw(st.sampled_from([pair for pair in product(ALL, ALL) if len({*map(width, pair)}) == 1]))
    x = tensor(draw, shape(draw), (source,))
    expected = node(
        "BitCast", x, opset=26, engine="reference", to=onnx.helper.np_dtype_to_tensor_dtype(np.dtype(target))
    )
    return Case(nn.Bitcast, [x], expected, {"to": element_type(target)})


def width(kind):
    return np.dtype(kind).itemsize


@st.composite
def fill(draw):
    dims = np.array(shape(draw, 0, 4), np.int64)
    kind = draw(st.sampled_from(["float32", "int64", "bool"]))
    value = draw(st.integers(0, 1)) if kind == "bool" else draw(st.integers(-3, 3))
    tensor = onnx.numpy_helper.from_array(np.array([value], kind))
    known = draw(st.booleans())
    return Case(
        nn.Fill,
        [dims],
        node("ConstantOfShape", dims, value=tensor),
        {"value": float(value), "dtype": element_type(kind)},
        constant=(0,) if known else (),
        static=(0,),
        open_result=not known,
    )


@st.composite
def shape_of(draw):
    x = floats(draw, shape(draw))
    start, end = draw(st.integers(-6, 6)), draw(st.none() | st.integers(-6, 6))
    given = {"start": start, **({} if end is None else {"end": end})}
    return Case(nn.ShapeOf, [x], node("Shape", x, **given), {"start": start, "end": end})


@st.composite
def size(draw):
    x = floats(draw, shape(draw))
    return Case(nn.Size, [x], node("Size", x))


@st.composite
def range_(draw):
    kind = draw(st.sampled_from(["float32", "int64", "int32"]))
    scale = 4 if kind == "float32" else 1
    start, limit = (np.array(draw(st.integers(-9, 9)) / scale, kind) for _ in range(2))
    delta = np.array(draw(st.sampled_from([-3, -1, 1, 2])) / scale, kind)
    known = draw(st.booleans())
    return Case(
        nn.Range,
        [start, limit, delta],
        node("Range", start, limit, delta),
        constant=(0, 1, 2) if known else (),
        open_result=not known,
    )


def factors(draw, count):
    """Some numbers whose product is `count`."""
    dims = []
    while count > 1 and draw(st.booleans()):
        dim = draw(st.sampled_from([n for n in range(1, count + 1) if count % n == 0]))
        dims.append(dim)
        count //= dim
    return [*dims, count]


def reshape_target(draw, x):
    target = factors(draw, x.size) if x.size else [0, *shape(draw, 0, 2)]
    target = draw(st.permutations(target))
    if x.size and draw(st.booleans()):
        target[draw(st.integers(0, len(target) - 1))] = -1
    return target


@st.composite
def reshape(draw):
    x = tensor(draw, shape(draw))
    target = reshape_target(draw, x)
    return Case(nn.Reshape, [x], node("Reshape", x, np.array(target), allowzero=1), {"shape": target})


@st.composite
def squeeze(draw):
    x = floats(draw, shape(draw, 1, 4, least=0, most=1))
    axes = [axis for axis in some_axes(draw, x.ndim) if x.shape[axis] == 1]
    assume(axes)  # ONNX: none means all
    return Case(nn.Squeeze, [x], node("Squeeze", x, np.array(axes)), {"axes": axes})


@st.composite
def unsqueeze(draw):
    x = floats(draw, shape(draw, 0, 3))
    rank = x.ndim + draw(st.integers(1, 3))
    axes = draw(st.permutations(range(rank)))[: rank - x.ndim]
    axes = [axis - rank if draw(st.booleans()) else axis for axis in axes]
    return Case(nn.Unsqueeze, [x], node("Unsqueeze", x, np.array(axes)), {"axes": axes})


@st.composite
def transpose(draw):
    x = tensor(draw, shape(draw, 1))
    permutation = draw(st.permutations(range(x.ndim)))
    return Case(nn.Transpose, [x], node("Transpose", x, perm=permutation), {"permutation": permutation})


BOUND = st.integers(-7, 7) | st.sampled_from([2**31 - 1, -(2**31), 2**63 - 1, -(2**63)])
STEP = st.sampled_from([-9, -2, -1, 1, 2, 9])


def bounds(draw, count):
    """Starts, ends and steps."""
    starts, ends, steps = (draw(st.lists(part, min_size=count, max_size=count)) for part in (BOUND, BOUND, STEP))
    # onnxruntime walks back to the first element when the end is as large as can be
    assume(all(step > 0 or end < 2**31 - 1 for end, step in zip(ends, steps, strict=True)))
    return starts, ends, steps


@st.composite
def slice_(draw):
    x = tensor(draw, shape(draw, 1))
    axes = some_axes(draw, x.ndim, 1)
    starts, ends, steps = bounds(draw, len(axes))
    expected = node("Slice", x, *(np.array(v) for v in (starts, ends, axes, steps)))
    return Case(nn.Slice, [x], expected, {"starts": starts, "ends": ends, "axes": axes, "steps": steps})


@st.composite
def concat(draw):
    dims, count = shape(draw, 1), draw(st.integers(1, 4))
    axis = axis_of(draw, len(dims))
    arrays = []
    for _ in range(count):
        own = list(dims)
        own[axis] = draw(st.integers(0, 3))
        arrays.append(floats(draw, own))
    return Case(nn.Concat, [arrays], node("Concat", *arrays, axis=axis), {"axis": axis})


@st.composite
def split(draw):
    dims = list(shape(draw, 1))
    axis = axis_of(draw, len(dims))
    sizes = draw(st.lists(st.integers(0, 3), min_size=1, max_size=4))
    dims[axis] = sum(sizes)
    x = floats(draw, dims)
    expected = node("Split", x, np.array(sizes), outputs=len(sizes), axis=axis)
    return Case(nn.Split, [x], expected, {"axis": axis, "sizes": sizes})


def expansion(draw):
    dims = shape(draw)
    x = floats(draw, tuple(1 if draw(st.booleans()) else dim for dim in dims)[draw(st.integers(0, len(dims))) :])
    return x, np.array([1 if i + x.ndim >= len(dims) and draw(st.booleans()) else d for i, d in enumerate(dims)], int)


@st.composite
def expand(draw):
    x, target = expansion(draw)
    return Case(nn.Expand, [x], node("Expand", x, target), {"shape": target.tolist()})


def repetition(draw):
    x = tensor(draw, shape(draw))
    return x, integers(draw, (x.ndim,), 0, 3)


@st.composite
def tile(draw):
    x, repeats = repetition(draw)
    return Case(nn.Tile, [x], node("Tile", x, repeats), {"repeats": repeats.tolist()})


def computed(draw, op, operands, expected, attributes=None, static=()):
    """A case whose parameters are operands: all of them constants, or some."""
    last = range(1, len(operands))
    known = draw(st.sampled_from([(), tuple(last), tuple(i for i in last if draw(st.booleans()))]))
    known = tuple(i for i in known if operands[i] is not None)
    return Case(op, operands, expected, attributes or {}, constant=known, static=static, open_result=True)


@st.composite
def dynamic_reshape(draw):
    x, zero = tensor(draw, shape(draw)), draw(st.booleans())
    target = reshape_target(draw, x)
    if not zero:
        target = [0 if x.shape[i : i + 1] == (dim,) and draw(st.booleans()) else dim for i, dim in enumerate(target)]
        assume(x.size or all(x.shape[i : i + 1] == (0,) for i, dim in enumerate(target) if dim == 0))
    given = np.array(target, np.int64)
    expected = node("Reshape", x, given, allowzero=int(zero))
    return computed(draw, nn.DynamicReshape, [x, given], expected, {"allow_zero": zero}, static=(1,))


@st.composite
def dynamic_slice(draw):
    x = tensor(draw, shape(draw, 1))
    axes = some_axes(draw, x.ndim, 1)
    starts, ends, steps = bounds(draw, len(axes))
    given = [np.array(starts), np.array(ends), np.array(axes), np.array(steps)]
    if draw(st.booleans()):
        given[2] = None
    if draw(st.booleans()):
        given[3] = None
    return computed(draw, nn.DynamicSlice, [x, *given], node("Slice", x, *given))


@st.composite
def dynamic_expand(draw):
    x, target = expansion(draw)
    return computed(draw, nn.DynamicExpand, [x, target], node("Expand", x, target), static=(1,))


@st.composite
def dynamic_tile(draw):
    x, repeats = repetition(draw)
    return computed(draw, nn.DynamicTile, [x, repeats], node("Tile", x, repeats))


@st.composite
def dynamic_pad(draw):
    mode = draw(st.sampled_from(["constant", "reflect", "edge", "wrap"]))
    x = floats(draw, shape(draw, 1, 4, least=2))
    axes = some_axes(draw, x.ndim, 1)
    given_axes = draw(st.sampled_from([None, np.array(axes)]))
    count = 2 * (x.ndim if given_axes is None else len(axes))
    pads = integers(draw, (count,), -1 if mode == "constant" else 0, 1 if mode == "reflect" else 2)
    value = np.array(1.5, np.float32) if mode == "constant" and draw(st.booleans()) else None
    expected = node("Pad", x, pads, value, given_axes, opset=19, mode=mode)
    return computed(draw, nn.DynamicPad, [x, pads, value, given_axes], expected, {"mode": mode})


STRATEGIES = {
    nn.Pad: pad() | mirror_pad(),
    nn.Trilu: trilu(),
    nn.DepthToSpace: depth_to_space(),
    nn.SpaceToDepth: space_to_depth(),
    nn.SpaceToBatch: space_to_batch(),
    nn.BatchToSpace: batch_to_space(),
    nn.ReverseSequence: reverse_sequence(),
    nn.Constant: constant(),
    nn.Bitcast: bitcast(),
    nn.Cast: cast(),
    nn.Fill: fill(),
    nn.ShapeOf: shape_of(),
    nn.Size: size(),
    nn.Range: range_(),
    nn.Reshape: reshape(),
    nn.Squeeze: squeeze(),
    nn.Unsqueeze: unsqueeze(),
    nn.Transpose: transpose(),
    nn.Slice: slice_(),
    nn.Concat: concat(),
    nn.Split: split(),
    nn.Expand: expand(),
    nn.Tile: tile(),
    nn.DynamicReshape: dynamic_reshape(),
    nn.DynamicSlice: dynamic_slice(),
    nn.DynamicExpand: dynamic_expand(),
    nn.DynamicTile: dynamic_tile(),
    nn.DynamicPad: dynamic_pad(),
}
