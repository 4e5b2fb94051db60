"""What the KPU's layers compute is what the network computes, beyond float rounding: before quantisation, that is.

Networks are random but for what a test is about. Activations that are sampled have a bound of their own.
"""

import numpy as np
import pytest
from networks import relative_error
from onnx_writer import OnnxWriter

from kpuc.dialects import mlir
from kpuc.dialects.evaluate import evaluate
from kpuc.dialects.function import argument_names, entry_function
from kpuc.dialects.mlir import func, ir
from kpuc.frontends.onnx import import_onnx
from kpuc.passes.kpu.gather import block_size, copies
from kpuc.passes.pipeline import parse_pipeline
from kpuc.passes.quant.calibration import annotate
from kpuc.passes.quant.methods import measure_ranges
from kpuc.pipelines import PIPELINE, PREPARE_PIPELINE
from kpuc.runtime.kpu.registers import CHANNELS

FORM = "builtin.module(kpu-form-layers,canonicalize,cse)"
ROUNDING = 5e-6
"""Sums are taken in another order, and products of float32 constants are rounded."""
SAME = (1, 1, 1, 1)


def formed(net, *outputs, count=2):
    """Names of the operations that remain, and the largest relative error of the results."""
    samples = net.samples(count)
    with mlir.context():
        module = import_onnx(net.model(*outputs))
        parse_pipeline(PIPELINE).run(module)
        names = argument_names(entry_function(module))
        feeds = [[sample[name] for name in names] for sample in samples]
        before = [evaluate(module, feed) for feed in feeds]
        parse_pipeline(PREPARE_PIPELINE).run(module)
        annotate(module, measure_ranges(module, samples, "minmax"))
        parse_pipeline(FORM).run(module)
        after = [evaluate(module, feed) for feed in feeds]
        operations = [op.operation.name for op in entry_function(module).regions[0].blocks[0].operations]
    pairs = [pair for a, b in zip(before, after, strict=True) for pair in zip(a, b, strict=True)]
    assert all(a.shape == b.shape for a, b in pairs)
    return operations, max(relative_error(a, b) for a, b in pairs)


def assert_formed(net, *outputs, bound=ROUNDING, host=()):
    """All is layers, slices and paddings, apart from the operations `host`; results are what they were."""
    operations, error = formed(net, *outputs)
    moving = {"nn.slice", "nn.pad", "nn.concat", "nn.constant", "nn.reshape", "func.return", "kpu.layer"}
    assert "kpu.layer" in operations
    assert set(operations) - moving == set(host), operations
    assert error <= bound


KERNELS = ((1, 1), (2, 2), (3, 3), (4, 4), (5, 5), (6, 6), (7, 7), (10, 4), (1, 5), (3, 1))
STRIDES = ((1, 1), (2, 2), (3, 3), (4, 4), (2, 1), (1, 3))
DILATIONS = ((1, 1), (2, 2), (3, 3), (1, 2))
PADDINGS = ("none", "same", "SAME_UPPER", "SAME_LOWER", "odd")
GROUPS = ("none", "depthwise", "multiplied", "two")
SIZES = ((12, 12), (13, 9), (5, 16), (3, 7), (1, 2))


def random_cases(count):
    """Cases out of the cross product, each value of each parameter about as often."""
    random = np.random.default_rng(0)
    for number in range(count):
        case = tuple(
            options[random.integers(len(options))] for options in (STRIDES, DILATIONS, PADDINGS, GROUPS, SIZES)
        )
        yield (number, KERNELS[number % len(KERNELS)], *case)


def padding_of(kind, kernel, dilations, random):
    extents = [(size - 1) * step + 1 for size, step in zip(kernel, dilations, strict=True)]
    if kind == "none":
        return {}
    if kind == "same":
        return {"pads": [*((extent - 1) // 2 for extent in extents), *(extent // 2 for extent in extents)]}
    if kind == "odd":
        return {"pads": [int(random.integers(0, extent)) for extent in extents * 2]}
    return {"auto_pad": kind}


@pytest.mark.parametrize("part", range(6))
def test_convolutions(part):
    layers = 0
    for number, kernel, strides, dilations, padding, groups, size in list(random_cases(420))[part::6]:
        net = OnnxWriter(number)
        channels = int(net.random.integers(1, 4)) * 2
        group = {"none": 1, "two": 2}.get(groups, channels)
        outputs = {"none": 5, "depthwise": channels, "multiplied": 2 * channels, "two": 6}[groups]
        attributes = padding_of(padding, kernel, dilations, net.random)
        pads = attributes.get("pads", (0,) * 4)
        extents = [(k - 1) * step + 1 for k, step in zip(kernel, dilations, strict=True)]
        if "auto_pad" not in attributes and any(size[i] + pads[i] + pads[i + 2] < extents[i] for i in range(2)):
            continue
        x = net.input(1, channels, *size)
        y = net.conv(x, outputs, kernel, group, strides=strides, dilations=dilations, **attributes)
        operations, error = formed(net, y, count=1)
        case = (kernel, strides, dilations, padding, groups, size)
        assert error <= ROUNDING, case
        layers += "kpu.layer" in operations
        if min(size) >= 4 and dilations == (1, 1):
            assert "nn.conv" not in operations, case
    assert layers > 25


def convolution(net, x, channels=6, kernel=(3, 3), **attributes):
    return net.conv(x, channels, kernel, **{"pads": [size // 2 for size in kernel] * 2, **attributes})


def numbers(net, *values):
    return net.constant(np.array(values, np.float32))


def integers(net, *values):
    return net.constant(np.array(values, np.int64))


def scalar(net, value):
    return net.constant(np.float32(value))


def swish_by_hand(net, x):
    """x * clip(x / 6 + 0.5, 0, 1) with the numbers that exporters write."""
    limited = net.op("Clip", net.op("Add", x, scalar(net, 3)), scalar(net, 0), scalar(net, 6))
    return net.op("Div", net.op("Mul", x, limited), scalar(net, 6))


EXACT = {
    "Relu": lambda net, x: net.op("Relu", x),
    "Clip": lambda net, x: net.op("Clip", x, scalar(net, -0.25), scalar(net, 0.5)),
    "Clip below": lambda net, x: net.op("Clip", x, "", scalar(net, 0.5)),
    "Clip to one number": lambda net, x: net.op("Clip", x, scalar(net, 0.5), scalar(net, 0.5)),
    "Clip at float32's ends": lambda net, x: net.op("Clip", x, scalar(net, -3.4028235e38), scalar(net, 0.5)),
    "Clip far away": lambda net, x: net.op("Clip", x, scalar(net, -1e9), scalar(net, 1e9)),
    "LeakyRelu": lambda net, x: net.op("LeakyRelu", x, alpha=0.125),
    "LeakyRelu falling": lambda net, x: net.op("LeakyRelu", x, alpha=-0.5),
    "Neg": lambda net, x: net.op("Neg", x),
    "Mul": lambda net, x: net.op("Mul", net.op("Relu", x), scalar(net, -1.5)),
    "Add": lambda net, x: net.op("Add", net.op("Relu", x), scalar(net, 1.5)),
    "Sub": lambda net, x: net.op("Sub", net.op("Relu", x), scalar(net, 1.5)),
    "Leaky, Add, Clip": lambda net, x: net.op(
        "Clip", net.op("Add", net.op("LeakyRelu", x, alpha=0.25), scalar(net, 0.25)), scalar(net, 0), scalar(net, 1)
    ),
    "Relu, Neg, Clip": lambda net, x: net.op(
        "Clip", net.op("Neg", net.op("Relu", x)), scalar(net, -0.75), scalar(net, -0.1)
    ),
}
SAMPLED = {
    **{kind: lambda net, x, kind=kind: net.op(kind, x) for kind in (
        "Abs", "Atan", "Elu", "Erf", "Gelu", "HardSigmoid", "HardSwish", "Mish", "Selu", "Sigmoid", "Softplus",
        "Softsign", "Tanh",
    )},
    "Silu": lambda net, x: net.op("Mul", x, net.op("Sigmoid", x)),
    "HardSwish by hand": swish_by_hand,
    "Relu, Tanh": lambda net, x: net.op("Tanh", net.op("Relu", x)),
    "far Clip, Sigmoid": lambda net, x: net.op("Sigmoid", net.op("Clip", x, scalar(net, 0), scalar(net, 1e6))),
    "Tanh, Sigmoid": lambda net, x: net.op("Sigmoid", net.op("Tanh", x)),
}  # fmt: skip
STEP = 2.0**-8
"""A function is sampled this finely, in a range of 8 or less: see `activation.SAMPLES`."""


@pytest.mark.parametrize("strides", [(1, 1), (2, 2)])
@pytest.mark.parametrize("name", EXACT)
def test_piecewise_linear_activations(name, strides):
    net = OnnxWriter(1)
    y = convolution(net, net.input(1, 3, 9, 10), strides=strides)
    assert_formed(net, EXACT[name](net, y))


@pytest.mark.parametrize("strides", [(1, 1), (2, 2)])
@pytest.mark.parametrize("name", SAMPLED)
def test_sampled_activations(name, strides):
    """Lines between samples miss smooth functions by curvature (below 2 here) * STEP**2 / 8, kinks by STEP / 4."""
    net = OnnxWriter(1)
    y = convolution(net, net.input(1, 3, 9, 10), strides=strides)
    kinked = name in ("Abs", "HardSigmoid", "HardSwish", "HardSwish by hand", "Selu")
    bound = STEP / 4 if kinked else 2 * STEP**2
    assert_formed(net, SAMPLED[name](net, y), bound=bound)


@pytest.mark.parametrize(("shape", "layers"), [((1,), True), ((6, 1, 1), True), ((1, 6, 1, 1), True), ((6,), False)])
@pytest.mark.parametrize("kind", ["free", "depthwise", "pooled", "shared", "after an activation"])
def test_prelu(shape, layers, kind):
    """A slope for every column is none for every channel, though there may be as many."""
    net = OnnxWriter(2)
    x = net.input(1, 6, 8, 6)
    if kind == "pooled":
        x = net.input(1, 6, 16, 12)
    y = net.depthwise(x, pads=SAME) if kind == "depthwise" else convolution(net, x)
    if kind == "pooled":
        y = net.op("MaxPool", y, kernel_shape=(2, 2), strides=(2, 2))
    if kind == "after an activation":
        y = net.op("Tanh", y)
    slopes = net.constant(net.random.uniform(-0.5, 1.5, shape).astype(np.float32))
    outputs = [net.op("PRelu", y, slopes)]
    if kind == "shared":
        outputs.append(convolution(net, y))
    bound = 2 * STEP**2 if kind == "after an activation" else ROUNDING
    assert_formed(net, *outputs, bound=bound, host=() if layers else ("nn.prelu",))


@pytest.mark.parametrize("strides", [(1, 1), (2, 2)])
@pytest.mark.parametrize("behind", ["nothing", "activation", "convolution", "depthwise", "two"])
@pytest.mark.parametrize(("kind", "size"), [("MaxPool", 2), ("AveragePool", 2), ("MaxPool", 4), ("AveragePool", 4)])
def test_pooling(kind, size, strides, behind):
    net = OnnxWriter(3)
    x = net.input(1, 3, 4 * size * strides[0] + 1, 5 * size * strides[1])
    y = net.depthwise(x, pads=SAME, strides=strides) if behind == "depthwise" else convolution(net, x, strides=strides)
    y = net.op("Relu", y)
    outputs = [net.op(kind, y, kernel_shape=(size, size), strides=(size, size))]
    if behind == "activation":
        outputs = [net.op("LeakyRelu", outputs[0], alpha=0.125)]
    elif behind == "convolution":
        outputs = [convolution(net, outputs[0])]
    elif behind == "two":
        outputs.append(convolution(net, y))
    operations, error = formed(net, *outputs)
    assert error <= ROUNDING
    if strides == (1, 1) and behind != "activation":
        assert not {"nn.max_pool", "nn.avg_pool"} & set(operations)


PADDED = {"kernel_shape": (2, 2), "strides": (2, 2), "pads": (1, 1, 1, 1)}
OBLONG = {"kernel_shape": (2, 4), "strides": (2, 4)}
WINDOWS = (
    {"kernel_shape": (3, 3), "strides": (2, 2)},
    {"kernel_shape": (2, 2), "strides": (1, 1)},
    {"kernel_shape": (2, 2), "strides": (2, 2), "ceil_mode": 1},
)


@pytest.mark.parametrize("kind, attributes", [
    *(("AveragePool", attributes) for attributes in (*WINDOWS, PADDED, OBLONG)),
    ("MaxPool", PADDED),
    ("MaxPool", OBLONG),
])  # fmt: skip
def test_poolings_that_the_kpu_does_not_have(kind, attributes):
    net = OnnxWriter(4)
    y = net.op(kind, convolution(net, net.input(1, 3, 17, 17)), **attributes)
    host = {"MaxPool": "nn.max_pool", "AveragePool": "nn.avg_pool"}[kind]
    assert_formed(net, convolution(net, y), host=[host])


@pytest.mark.parametrize("attributes", WINDOWS)
def test_maxima_of_square_windows_in_layers(attributes):
    net = OnnxWriter(4)
    y = net.op("MaxPool", convolution(net, net.input(1, 3, 17, 17)), **attributes)
    assert_formed(net, convolution(net, y))


@pytest.mark.parametrize("kind", ["layers", "input", "same", "strided", "slices differ", "sum of three"])
def test_sums(kind):
    net = OnnxWriter(5)
    x = net.input(1, 6, 9, 10)
    a = convolution(net, x)
    if kind == "input":
        outputs = net.op("Add", x, a)
    elif kind == "same":
        outputs = net.op("Add", a, a)
    elif kind == "strided":
        outputs = net.op("Add", *(net.op("Relu", convolution(net, x, strides=(2, 2))) for _ in range(2)))
    elif kind == "slices differ":
        wide = convolution(net, x, kernel=(1, 1), strides=(2, 2), pads=(1, 1, 1, 1))
        outputs = net.op("Add", wide, convolution(net, x, kernel=(1, 1), strides=(2, 2), pads=(0, 0, 2, 2)))
    elif kind == "sum of three":
        outputs = net.op("Add", net.op("Add", a, convolution(net, x)), net.op("Relu", convolution(net, a)))
    else:
        outputs = net.op("Relu", net.op("Add", a, net.op("Relu", convolution(net, x))))
    assert_formed(net, outputs)


@pytest.mark.parametrize("broadcast", [(1, 6, 1, 1), (1, 6, 9, 1), (6, 9, 10)])
def test_sums_with_constants_of_other_shapes(broadcast):
    net = OnnxWriter(5)
    y = net.op("Relu", convolution(net, net.input(1, 6, 9, 10)))
    added = net.constant(net.random.standard_normal(broadcast).astype(np.float32))
    operations, error = formed(net, convolution(net, net.op("Add", y, added)))
    assert error <= ROUNDING
    assert operations.count("kpu.layer") >= 2


@pytest.mark.parametrize("kind", ["layers", "with the input", "nested", "twice", "many", "depthwise", "other axis"])
def test_joined_maps(kind):
    net = OnnxWriter(6)
    x = net.input(1, 3, 9, 10)
    parts = [net.op("Relu", convolution(net, x, channels)) for channels in (5, 2, 3)]
    host = ()
    if kind == "with the input":
        parts.append(x)
    if kind == "twice":
        parts += parts[:2]
    if kind == "many":
        parts = [net.op("Relu", convolution(net, x, 1)) for _ in range(40)]
    joined = net.concat(*parts)
    if kind == "nested":
        joined = net.concat(joined, net.op("Relu", convolution(net, joined, 4)))
    if kind == "depthwise":
        assert_formed(net, net.depthwise(joined, pads=SAME))
        return
    if kind == "other axis":
        joined = net.op("Concat", *[net.op("Relu", convolution(net, x, 5)) for _ in range(3)], axis=2)
    assert_formed(net, convolution(net, joined), net.op("Relu", convolution(net, joined, kernel=(1, 1))), host=host)


@pytest.mark.parametrize("kernel", [(1, 1), (3, 3)])
@pytest.mark.parametrize("pads", [(0, 2, 0, 0, 0, 3, 0, 0), (0, 0, 0, 0, 0, 3, 0, 0), (0, 1, 1, 0, 0, 2, 0, 1)])
def test_added_channels(pads, kernel):
    net = OnnxWriter(7)
    y = net.op("Relu", convolution(net, net.input(1, 3, 9, 10)))
    y = net.op("Pad", y, integers(net, *pads), channels=6 + pads[1] + pads[5])
    assert_formed(net, convolution(net, y, kernel=kernel))


@pytest.mark.parametrize("kernel", [(1, 1), (3, 3)])
def test_a_residual_with_added_channels(kernel):
    """As small networks have it where they get wider: the skip is padded with channels of zeros."""
    net = OnnxWriter(7)
    x = net.op("Relu", convolution(net, net.input(1, 3, 8, 8)))
    skip = net.op("MaxPool", x, kernel_shape=(2, 2), strides=(2, 2))
    skip = net.op("Pad", skip, integers(net, 0, 0, 0, 0, 0, 4, 0, 0), channels=10)
    inner = convolution(net, net.depthwise(x, pads=SAME, strides=(2, 2)), 10, kernel)
    assert_formed(net, convolution(net, net.op("Relu", net.op("Add", skip, inner))))


def slice_of(net, x, starts, ends, steps=(1, 1)):
    return net.op("Slice", x, *(integers(net, *values) for values in (starts, ends, (2, 3), steps)))


SLICES = {
    "middle": ((1, 2), (7, 9)),
    "from the end": ((-6, -7), (-1, 100)),
    "odd": ((1, 1), (12, 12), (2, 2)),
    "even": ((0, 0), (12, 12), (2, 2)),
    "mixed": ((0, 1), (12, 12), (2, 2)),
    "columns": ((0, 0), (12, 12), (1, 3)),
    "most": ((0, 0), (11, 12)),
}


@pytest.mark.parametrize("before", ["dense", "depthwise", "pointwise"])
@pytest.mark.parametrize("behind", ["pointwise", "wide", "3x3", "depthwise", "activation", "two", "same slice"])
@pytest.mark.parametrize("name", SLICES)
def test_slices_between_layers(name, before, behind):
    net = OnnxWriter(8)
    x = net.input(1, 4, 12, 12)
    if before == "depthwise":
        x = net.depthwise(x, pads=SAME)
    else:
        x = convolution(net, x, 4, (1, 1) if before == "pointwise" else (3, 3))
    y = slice_of(net, x, *SLICES[name])
    outputs = {
        "pointwise": lambda: [net.op("Relu", convolution(net, y, 3, (1, 1)))],
        "wide": lambda: [net.op("Relu", convolution(net, y, 12, (1, 1)))],
        "3x3": lambda: [slice_of(net, convolution(net, y), (1, 1), (4, 3))],
        "depthwise": lambda: [convolution(net, net.depthwise(y, pads=SAME), 5, (1, 1))],
        "activation": lambda: [net.op("Tanh", net.op("Clip", y, scalar(net, -1), scalar(net, 1)))],
        "two": lambda: [convolution(net, y), convolution(net, x, 3, (1, 1))],
        "same slice": lambda: [convolution(net, slice_of(net, y, (0, 0), (5, 4)), 3, (1, 1))],
    }[behind]()
    operations, error = formed(net, *outputs)
    assert error <= (2 * STEP**2 if behind == "activation" else ROUNDING)
    assert not {"nn.conv", "nn.tanh", "nn.clamp"} & set(operations)


@pytest.mark.parametrize("seed", range(24))
def test_chains_with_strides(seed):
    """Convolutions of any kind, one after the other: what is read through slices, paddings and poolings."""
    net = OnnxWriter(seed)
    x = net.input(1, 3, *net.random.integers(18, 33, 2).tolist())
    for _ in range(4):
        kernel = (int(net.random.choice([1, 2, 3, 5])),) * 2
        strides = (int(net.random.choice([1, 1, 2])),) * 2
        pads = [int(net.random.integers(0, kernel[0])) for _ in range(4)]
        if net.random.integers(3) == 0:
            x = net.depthwise(x, kernel, strides=strides, pads=pads)
        else:
            x = net.conv(x, int(net.random.integers(2, 8)), kernel, strides=strides, pads=pads)
        if net.random.integers(2):
            x = net.op("Relu", x)
    operations, error = formed(net, x, count=1)
    assert error <= ROUNDING
    assert operations.count("kpu.layer") >= 3


@pytest.mark.parametrize("outputs", [4, 40])
@pytest.mark.parametrize("kind", ["mean", "flatten", "two", "no bias", "row of two"])
def test_heads(kind, outputs):
    net = OnnxWriter(9)
    y = net.op("Relu", convolution(net, net.input(1, 3, 6, 7), 12))
    if kind == "flatten":
        x = net.op("Flatten", slice_of(net, y, (0, 0), (2, 2)))
        results = [net.dense(x, 48, outputs)]
    elif kind == "row of two":
        rows = net.op("Reshape", net.op("GlobalAveragePool", y), integers(net, 2, 6))
        results = [net.dense(rows, 6, outputs)]
    else:
        x = net.op("Flatten", net.op("GlobalAveragePool", y))
        results = [net.dense(x, 12, outputs)]
        if kind == "two":
            results = [net.dense(net.op("Relu", results[0]), outputs, 3), net.op("Sigmoid", x)]
        if kind == "no bias":
            weight = net.constant(net.random.standard_normal((12, outputs)).astype(np.float32))
            results = [net.op("MatMul", x, weight)]
    operations, error = formed(net, *results)
    assert error <= ROUNDING
    assert ("nn.matmul" in operations) == (kind == "row of two")


@pytest.mark.parametrize(("outputs", "groups"), [(8, 1), (8, 2), (1100, 1100)])
def test_more_channels_than_a_layer_has(outputs, groups):
    net = OnnxWriter(12)
    x = net.op("Relu", convolution(net, net.input(1, 3, 5, 6), 1100))
    y = net.op("Relu", convolution(net, x, outputs, group=groups))
    assert_formed(net, convolution(net, y))


@pytest.mark.parametrize("kernel", [(5, 5), (1, 5), (7, 3)])
@pytest.mark.parametrize("stride", [1, 2])
def test_large_depthwise_kernels_of_many_channels(kernel, stride):
    """The blocks are more maps than a layer can read; what comes behind them gets into each of them."""
    net = OnnxWriter(10)
    x = net.input(1, 160, 12, 12)
    y = net.depthwise(x, kernel, pads=[size // 2 for size in kernel] * 2, strides=[stride, stride])
    assert_formed(net, convolution(net, net.op("Relu", y), 3))


@pytest.mark.parametrize("centres", [3, 9, 25, 32])
@pytest.mark.parametrize("channels", [132, 160, 1021, 1024])
def test_copies_of_a_block_are_no_more_channels_than_a_layer_has(channels, centres):
    size = block_size((1, channels, 128, 128), [(0, 1)] * centres)
    assert size * centres <= CHANNELS
    assert size % 4 == 0


@pytest.mark.parametrize("shape", [(1, 3, 12, 12), (1, 64, 28, 28)])
def test_copies_are_the_map_shifted(shape):
    """Few channels have their copies made by one layer and those that shift on, many ones one by one."""
    centres = [(-2, 0), (0, 0), (1, -1), (0, 3)]
    x = np.random.default_rng(5).standard_normal(shape).astype(np.float32)
    with mlir.context():
        module = ir.Module.parse(f"func.func @main(%x: tensor<{'x'.join(map(str, shape))}xf32>) {{ return }}")
        block = entry_function(module).regions[0].blocks[0]
        with ir.InsertionPoint.at_block_begin(block), ir.Location.unknown():
            maps = copies(block.arguments[0], centres)
        block.operations[len(block.operations) - 1].erase()
        with ir.InsertionPoint(block), ir.Location.unknown():
            func.ReturnOp(maps)
        types = ir.FunctionType.get([block.arguments[0].type], [value.type for value in maps])
        entry_function(module).attributes["function_type"] = ir.TypeAttr.get(types)
        made = evaluate(module, [x])
    padded = np.pad(x, ((0, 0), (0, 0), (3, 3), (3, 3)))
    wanted = [padded[:, :, 3 + down :, 3 + right :][:, :, : shape[2], : shape[3]] for down, right in centres]
    np.testing.assert_array_equal(np.concatenate(made, axis=1), np.concatenate(wanted, axis=1))
    assert len(made) == (1 if shape[1] == 3 else len(centres))


def test_a_long_chain_of_sums_that_depend_on_each_other():
    """Each sum is a layer only when the one before it is, which it sees through a padding."""
    net = OnnxWriter(6)
    value = net.conv(net.input(1, 3, 8, 8), 4, (3, 3), pads=SAME)
    for _ in range(14):
        pads = net.constant(np.int64([0, 0, 0, 0, 0, 1, 0, 0]))
        padded = net.op("Pad", value, pads, channels=net.channels[value] + 1)
        value = net.op("Relu", net.op("Add", net.op("Softmax", padded, axis=1), padded))
    operations, error = formed(net, value)
    assert operations.count("kpu.layer") == 15
    assert "nn.add" not in operations
    assert error <= ROUNDING
