"""Convolutions, pooling, matrix products and normalisations."""

import math
from collections.abc import Sequence

import numpy as np

from ...dialects import nn
from ...dialects.mlir import ir
from ...dialects.nn.extents import dims_of, ints, same_padding
from ...dialects.ods import require
from ...dialects.tensors import dtype_of, shape_of
from ..builder import Unsupported
from ..converter import Form
from .node import MOST_ELEMENTS, Node, Output, converter


def windows(
    node: Node, value: ir.Value, kernel: Sequence[int], fill: float = 0.0
) -> tuple[ir.Value, dict[str, tuple[int, ...]]]:
    """What windows slide over, and strides, dilations and padding with ONNX's defaults and `auto_pad` resolved.

    Where `auto_pad` depends on sizes that are not known, the value is padded with `fill` by computed amounts.
    """
    rank, sizes = len(kernel), shape_of(value)[2:]
    strides, dilations, padding = _window(node, kernel, sizes)
    auto_pad = node.attribute("auto_pad", "NOTSET")
    if auto_pad == "VALID":
        padding = (0,) * (2 * rank)
    elif auto_pad in ("SAME_UPPER", "SAME_LOWER"):
        if any(size is None and stride > 1 for size, stride in zip(sizes, strides, strict=True)):
            small, large = same_padding(dims_of(value, range(2, 2 + rank)), kernel, strides, dilations)
            begins, ends = (small, large) if auto_pad == "SAME_UPPER" else (large, small)
            amounts = nn.concat([ints([0, 0]), begins, ints([0, 0]), ends], 0)
            value = nn.DynamicPad(value, amounts, node.like(fill, value), None, mode="constant").output
            padding = (0,) * (2 * rank)
        else:
            totals = [
                max((-(-(size or 1) // s) - 1) * s + d * (k - 1) + 1 - (size or 1), 0)
                for size, k, s, d in zip(sizes, kernel, strides, dilations, strict=True)
            ]
            half = tuple(total // 2 for total in totals)
            rest = tuple(total - one for total, one in zip(totals, half, strict=True))
            padding = half + rest if auto_pad == "SAME_UPPER" else rest + half
    return value, {"strides": strides, "dilations": dilations, "padding": padding}


def _window(
    node: Node, kernel: Sequence[int], sizes: Sequence[int | None]
) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """strides, dilations and explicit padding; they, the kernel and the input have the same spatial rank."""
    rank = len(kernel)
    require(len(sizes) == rank, f"a kernel of {rank} dimensions does not fit an input of {len(sizes)} spatial ones")
    strides, dilations = node.ints_of("strides", rank, 1), node.ints_of("dilations", rank, 1)
    require(
        all(number > 0 for number in (*strides, *dilations, *kernel)), "strides, dilations or kernel are not positive"
    )
    return strides, dilations, node.ints_of("pads", 2 * rank, 0)


def kernel_of(node: Node, weight: int = 1) -> tuple[int, ...]:
    """The spatial extents of the weight, which is this input of the node."""
    kernel = node.shape(weight)[2:]
    if None in kernel:
        raise Unsupported("the kernel's size is not known", "store the weight as an initializer")
    stated = node.attribute("kernel_shape", list(kernel))
    require(tuple(stated) == kernel, f"kernel_shape is {stated}, but the weight has {list(kernel)}")
    return tuple(dim or 0 for dim in kernel)


@converter("Conv", builds=nn.Conv)
def conv(node: Node) -> Output:
    value, attributes = windows(node, node.input(0), kernel_of(node))
    bias = node.optional(2)
    return nn.Conv(value, node.input(1), bias, groups=node.attribute("group", 1), **attributes).output


@converter("ConvTranspose", builds=nn.ConvTranspose)
def conv_transpose(node: Node) -> Output:
    """`auto_pad` and `output_shape` are resolved to padding, for which sizes must be known."""
    kernel, sizes = kernel_of(node), node.shape()[2:]
    rank = len(kernel)
    strides, dilations, padding = _window(node, kernel, sizes)
    extra = node.ints_of("output_padding", rank, 0)
    auto_pad, target = node.attribute("auto_pad", "NOTSET"), node.attribute("output_shape")
    if auto_pad == "VALID" and target is None:
        padding = (0,) * (2 * rank)
    elif target is not None or auto_pad in ("SAME_UPPER", "SAME_LOWER"):
        if None in sizes and target is not None:
            raise Unsupported("output_shape needs known sizes", "give them with --shape or --dim")
        known = [size or 1 for size in sizes]  # what auto_pad adds is the same for any size
        require(target is None or len(target) in (rank, rank + 2), f"output_shape has {len(target or ())} entries")
        wanted = target[-rank:] if target is not None else [n * s for n, s in zip(known, strides, strict=True)]
        totals = [
            s * (n - 1) + o + d * (k - 1) + 1 - w
            for s, n, o, d, k, w in zip(strides, known, extra, dilations, kernel, wanted, strict=True)
        ]
        extra = tuple(o + max(-t, 0) for o, t in zip(extra, totals, strict=True))
        small = tuple(max(t, 0) // 2 for t in totals)
        large = tuple(max(t, 0) - h for t, h in zip(totals, small, strict=True))
        padding = small + large if auto_pad == "SAME_UPPER" else large + small
    return nn.ConvTranspose(
        node.input(0),
        node.input(1),
        node.optional(2),
        strides=strides,
        dilations=dilations,
        padding=padding,
        output_padding=extra,
        groups=node.attribute("group", 1),
    ).output


def lowest(value: ir.Value) -> float:
    """What no element of a value's type is less than."""
    kind = dtype_of(value)
    return -math.inf if kind.kind == "f" else int(np.iinfo(kind).min)


@converter("MaxPool", builds=nn.MaxPool, forms={"places as a result": nn.MaxPoolWithIndices})
def max_pool(node: Node) -> Output:
    kernel = tuple(node.attribute("kernel_shape"))
    value, attributes = windows(node, node.input(0), kernel, lowest(node.input(0)))
    ceil_mode = bool(node.attribute("ceil_mode", 0))
    if node.has_output(1):
        if value != node.input(0):
            raise Unsupported("auto_pad needs known sizes for indices", "give them with --shape or --dim")
        order = node.attribute("storage_order", 0)
        pool = nn.MaxPoolWithIndices(value, kernel=kernel, ceil_mode=ceil_mode, storage_order=order, **attributes)
        return [pool.output, pool.indices]
    return nn.MaxPool(value, kernel=kernel, ceil_mode=ceil_mode, **attributes).output


@converter("AveragePool", builds=nn.AvgPool)
def average_pool(node: Node) -> Output:
    return means(node, node.input(0), tuple(node.attribute("kernel_shape")))


def means(node: Node, value: ir.Value, kernel: Sequence[int]) -> ir.Value:
    """The means of windows over a value, channels first, with the attributes that the node has."""
    source, attributes = windows(node, value, kernel)
    whole = bool(node.attribute("count_include_pad", 0))
    ceil_mode = bool(node.attribute("ceil_mode", 0))

    def mean(of: ir.Value) -> ir.Value:
        return nn.AvgPool(of, kernel=kernel, ceil_mode=ceil_mode, count_include_pad=whole, **attributes).output

    if source == value or whole:
        return mean(source)
    # what was padded by computed amounts does not count: the mean is divided by the share that is not padding
    dims = dims_of(value, range(len(shape_of(value))))
    share, _ = windows(node, nn.DynamicExpand(node.like(1, value), dims).output, kernel)
    return nn.Div(mean(source), mean(share)).output


@converter("LpPool", builds=nn.LpPool)
def lp_pool(node: Node) -> Output:
    kernel = tuple(node.attribute("kernel_shape"))
    value, attributes = windows(node, node.input(0), kernel)
    ceil_mode = bool(node.attribute("ceil_mode", 0))
    return nn.LpPool(value, kernel=kernel, ceil_mode=ceil_mode, p=node.attribute("p", 2), **attributes).output


_GLOBAL = {"GlobalAveragePool": "mean", "GlobalMaxPool": "max"}


@converter(*_GLOBAL, builds={name: Form(nn.Reduce, kind) for name, kind in _GLOBAL.items()})
def global_pool(node: Node) -> Output:
    axes = tuple(range(2, node.rank()))
    return nn.Reduce(node.input(0), kind=_GLOBAL[node.operator], axes=axes, keepdims=True).output


@converter("GlobalLpPool", builds=Form(nn.Reduce, "l2"), forms={"p other than 1 and 2": (nn.Abs, nn.Pow)})
def global_lp_pool(node: Node) -> Output:
    axes, p = tuple(range(2, node.rank())), node.attribute("p", 2)
    if p in (1, 2):
        return nn.Reduce(node.input(0), kind=f"l{p}", axes=axes, keepdims=True).output
    power = nn.Pow(nn.Abs(node.input(0)).output, node.like(p, node.input(0))).output
    total = nn.Reduce(power, kind="sum", axes=axes, keepdims=True).output
    return nn.Pow(total, node.like(1 / p, total)).output


@converter("MaxUnpool", builds=(nn.Reshape, nn.ScatterElements), forms={"a size that is given": nn.Pad})
def max_unpool(node: Node) -> Output:
    """Shapes must be known."""
    kernel, shape = tuple(node.attribute("kernel_shape")), node.shape()
    strides, _, padding = _window(node, kernel, shape[2:])
    if None in shape:
        raise Unsupported("the shape of the maxima is not known", "give it with --shape or --dim")
    rank, known = len(kernel), [dim or 0 for dim in shape]
    sizes = [(known[2 + i] - 1) * strides[i] - padding[i] - padding[rank + i] + kernel[i] for i in range(rank)]
    whole = [*known[:2], *sizes]
    require(
        min(sizes) > 0 and math.prod(whole) < MOST_ELEMENTS, f"a result of {nn.shape_text(tuple(whole))} cannot be made"
    )
    zeros = node.new_constant(np.zeros(math.prod(whole)), dtype_of(node.input(0)))
    values, places = (nn.Reshape(node.input(i), shape=(-1,)).output for i in (0, 1))
    spread = nn.ScatterElements(zeros, places, values, axis=0, reduction="none").output
    result = nn.Reshape(spread, shape=whole).output
    if node.optional(2) is None:
        return result
    wanted = node.constant_ints(2, "output_shape")
    require(len(wanted) == len(whole), f"output_shape has {len(wanted)} entries, expected {len(whole)}")
    ends = [large - small for large, small in zip(wanted, whole, strict=True)]
    return nn.Pad(result, padding=[0] * len(whole) + ends, mode="constant", value=0.0).output


@converter("Col2Im", builds=(nn.Reshape, nn.ConvTranspose))
def col2im(node: Node) -> Output:
    """Sizes must be constant: a transposed convolution that puts each row where it belongs."""
    image, block = node.constant_ints(1, "image_shape"), node.constant_ints(2, "block_shape")
    rank, taps = len(block), math.prod(block)
    require(node.rank() == 3 and len(image) == rank, f"rank {node.rank()} and {len(image)} sizes do not fit")
    batch, rows, _ = node.shape()
    strides, dilations = node.ints_of("strides", rank, 1), node.ints_of("dilations", rank, 1)
    padding = node.ints_of("pads", 2 * rank, 0)
    if batch is None or rows is None:
        raise Unsupported("the shape of the columns is not known", "give it with --shape or --dim")
    require(min(*strides, *dilations, *block) > 0, "strides, dilations or blocks are not positive")
    require(rows % taps == 0, f"{rows} rows are not whole blocks of {taps}")
    reach = [
        (k - 1) * d + 1 - padding[i] - padding[rank + i] for i, (k, d) in enumerate(zip(block, dilations, strict=True))
    ]
    counts = [(size - one) // step + 1 for size, one, step in zip(image, reach, strides, strict=True)]
    rest = [(size - one) % step for size, one, step in zip(image, reach, strides, strict=True)]
    columns = nn.Reshape(node.input(0), shape=(batch, rows, *counts)).output
    weight = np.tile(np.eye(taps).reshape(taps, 1, *block), (rows // taps, *(1,) * (rank + 1)))
    return nn.ConvTranspose(
        columns,
        node.new_constant(weight, dtype_of(columns)),
        None,
        strides=strides,
        dilations=dilations,
        padding=padding,
        output_padding=rest,
        groups=rows // taps,
    ).output


@converter("MatMul", builds=nn.Matmul)
def matmul(node: Node) -> Output:
    return nn.Matmul(node.input(0), node.input(1)).output


@converter(
    "Gemm",
    builds=(nn.Matmul, nn.Add),
    forms={"alpha and beta other than 1": nn.Mul, "operands to transpose": nn.Transpose},
)
def gemm(node: Node) -> Output:
    """alpha * A' * B' + beta * C"""
    require(node.rank(0) == node.rank(1) == 2, f"needs matrices, got ranks {node.rank(0)} and {node.rank(1)}")

    def operand(index: int, transposed: str) -> ir.Value:
        value = node.input(index)
        if not node.attribute(transposed, 0):
            return value
        array = node.constant(index)
        if array is not None:
            return node.new_constant(np.ascontiguousarray(array.T))
        return nn.Transpose(value, permutation=(1, 0)).output

    result = nn.Matmul(operand(0, "transA"), operand(1, "transB")).output
    alpha, beta = node.attribute("alpha", 1.0), node.attribute("beta", 1.0)
    if alpha != 1.0:
        result = nn.Mul(result, node.like(alpha, result)).output
    bias = node.optional(2)
    if bias is not None and beta != 0.0:
        if beta != 1.0:
            bias = node.builder.folded(nn.Mul(bias, node.like(beta, bias)).output)
        result = nn.Add(result, bias).output
    return result


@converter("Einsum", builds=nn.Einsum)
def einsum(node: Node) -> Output:
    operands = [node.input(i) for i in range(len(node.inputs))]
    return nn.Einsum(operands, equation=node.attribute("equation")).output


@converter(
    "BatchNormalization",
    builds=nn.BatchNorm,
    forms={
        "not spatial": (nn.Sub, nn.Mul, nn.Add, nn.Div, nn.Sqrt),
        "training": (nn.Reduce, nn.Sub, nn.Square, nn.Reshape, nn.Mul, nn.Add),
    },
)
def batch_normalization(node: Node) -> Output:
    epsilon = node.attribute("epsilon", 1e-5)
    value, *parameters = [node.input(i) for i in range(5)]
    if node.attribute("training_mode", 0):
        return _normalised_batch(node, value, parameters, epsilon)
    if node.attribute("spatial", 1):
        return nn.BatchNorm(value, *parameters, epsilon=epsilon).output
    # opset 7: one mean and variance an element instead of one a channel
    scale, bias, mean, variance = parameters
    deviation = nn.Sqrt(nn.Add(variance, node.like(epsilon, variance)).output).output
    factor = node.builder.folded(nn.Div(scale, node.builder.folded(deviation)).output)
    return nn.Add(nn.Mul(nn.Sub(value, mean).output, factor).output, bias).output


def _normalised_batch(node: Node, value: ir.Value, parameters: Sequence[ir.Value], epsilon: float) -> Output:
    """Normalised with its own mean and variance; what is remembered of them comes nearer to these."""
    scale, bias, *remembered = parameters
    axes, momentum = (0, *range(2, node.rank())), node.attribute("momentum", 0.9)
    mean = nn.Reduce(value, kind="mean", axes=axes, keepdims=True).output
    square = nn.Square(nn.Sub(value, mean).output).output
    found = [nn.Reshape(mean, shape=(-1,)).output, nn.Reduce(square, kind="mean", axes=axes, keepdims=False).output]
    result = nn.BatchNorm(value, scale, bias, *found, epsilon=epsilon).output
    return [
        result,
        *(
            nn.Add(
                nn.Mul(old, node.like(momentum, old)).output, nn.Mul(new, node.like(1 - momentum, new)).output
            ).output
            for old, new in zip(remembered, found, strict=True)
        ),
    ]


@converter("InstanceNormalization", builds=nn.InstanceNorm)
def instance_normalization(node: Node) -> Output:
    epsilon = node.attribute("epsilon", 1e-5)
    return nn.InstanceNorm(node.input(0), node.input(1), node.input(2), epsilon=epsilon).output


@converter("GroupNormalization", builds=nn.GroupNorm)
def group_normalization(node: Node) -> Output:
    """In opset 18 scale and bias are one value a group, which must be constant, later one a channel."""
    groups, epsilon = node.attribute("num_groups"), node.attribute("epsilon", 1e-5)
    scale, bias = node.input(1), node.input(2)
    require(node.rank() >= 2 and node.rank(1) == node.rank(2) == 1, "needs N x C x ..., and vectors as scale and bias")
    channels = node.shape()[1]
    require(groups > 0 and (channels or 0) % groups == 0, f"{channels} channels do not split into {groups} groups")
    if shape_of(scale)[0] != channels:
        if channels is None:
            raise Unsupported("the number of channels is not known")
        arrays = [node.constant(1), node.constant(2)]
        if arrays[0] is None or arrays[1] is None:
            raise Unsupported("scale and bias of opset 18 must be constant")
        scale, bias = (node.new_constant(np.repeat(array, channels // groups)) for array in arrays if array is not None)
    return nn.GroupNorm(node.input(0), scale, bias, num_groups=groups, epsilon=epsilon).output


@converter(
    "LayerNormalization",
    builds=nn.LayerNorm,
    forms={"mean and deviation as results": (nn.Reduce, nn.Sub, nn.Square, nn.Add, nn.Rsqrt)},
)
def layer_normalization(node: Node) -> Output:
    value, axis, epsilon = node.input(0), node.attribute("axis", -1), node.attribute("epsilon", 1e-5)
    require(-node.rank() <= axis < node.rank(), f"axis {axis} is out of range for rank {node.rank()}")
    result = nn.LayerNorm(value, node.input(1), node.optional(2), axis=axis, epsilon=epsilon).output
    if not (node.has_output(1) or node.has_output(2)):
        return result
    axes = tuple(range(axis % node.rank(), node.rank()))
    mean = nn.Reduce(value, kind="mean", axes=axes, keepdims=True).output
    square = nn.Square(nn.Sub(value, mean).output).output
    variance = nn.Reduce(square, kind="mean", axes=axes, keepdims=True).output
    deviation = nn.Rsqrt(nn.Add(variance, node.like(epsilon, variance)).output).output
    return [result, mean, deviation]


@converter("RMSNormalization", builds=nn.RmsNorm)
def rms_normalization(node: Node) -> Output:
    axis, epsilon = node.attribute("axis", -1), node.attribute("epsilon", 1e-5)
    return nn.RmsNorm(node.input(0), node.input(1), axis=axis, epsilon=epsilon).output


@converter("MeanVarianceNormalization", builds=(nn.Reduce, nn.Sub, nn.Square, nn.Sqrt, nn.Add, nn.Div))
def mean_variance_normalization(node: Node) -> Output:
    axes = tuple(node.attribute("axes", [0, 2, 3]))
    centred = nn.Sub(node.input(0), nn.Reduce(node.input(0), kind="mean", axes=axes, keepdims=True).output).output
    variance = nn.Reduce(nn.Square(centred).output, kind="mean", axes=axes, keepdims=True).output
    deviation = nn.Add(nn.Sqrt(variance).output, node.like(1e-9, variance)).output
    return nn.Div(centred, deviation).output


@converter("LRN", builds=nn.Lrn)
def lrn(node: Node) -> Output:
    return nn.Lrn(
        node.input(0),
        alpha=node.attribute("alpha", 1e-4),
        beta=node.attribute("beta", 0.75),
        bias=node.attribute("bias", 1.0),
        size=node.attribute("size"),
    ).output


@converter("LpNormalization", builds=nn.LpNorm)
def lp_normalization(node: Node) -> Output:
    return nn.LpNorm(node.input(0), axis=node.attribute("axis", -1), p=node.attribute("p", 2)).output
