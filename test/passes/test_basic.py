"""What nn-decompose-basic, nn-decompose-softmax and nn-unroll make of an operation computes the same."""

import numpy as np
import pytest
from networks import relative_error
from single_operation import Case

from kpuc.dialects import mlir, nn
from kpuc.dialects.evaluate import evaluate
from kpuc.dialects.mlir import ir
from kpuc.passes.nn import basic
from kpuc.passes.pipeline import parse_pipeline

RANDOM = np.random.default_rng(11)
PASSES = "builtin.module(nn-unroll{plain=true},nn-decompose-basic,nn-decompose-softmax,nn-avoid-early-faults)"


def f32(*shape):
    return (RANDOM.standard_normal(shape) * 3).astype(np.float32)


def truth(*shape):
    return RANDOM.integers(0, 2, shape).astype(bool)


def constant(array):
    return nn.Constant(value=array).output


def to(type_):
    return lambda x: nn.Cast(x, to=ir.Type.parse(type_), saturate=True)


def average(**given):
    window = {"kernel": (3, 2), "strides": (2, 1), "dilations": (1, 1), "padding": (1, 0, 2, 1), "ceil_mode": False}
    return lambda x: nn.AvgPool(x, count_include_pad=True, **window | given)


def transposed(weight, bias=None, **given):
    usual = {"strides": (1, 1), "dilations": (1, 1), "padding": (0,) * 4, "output_padding": (0, 0), "groups": 1}
    filled = usual | {"clamp": None} | given
    return lambda x: nn.ConvTranspose(x, constant(weight), None if bias is None else constant(bias), **filled)


def resize(sizes, coordinate, rounding):
    def write(x):
        scales = tuple(size / extent for size, extent in zip(sizes, (2, 3, 5, 4), strict=True))
        return nn.Resize(
            x, sizes=sizes, scales=scales, mode="nearest", coordinate=coordinate, nearest_mode=rounding,
            cubic_coeff_a=-0.75, exclude_outside=False, extrapolation_value=0.0, antialias=False, roi=None,
        )  # fmt: skip

    return write


def lstm(direction, **given):
    count = 2 if direction == "bidirectional" else 1
    weights = f32(count, 8, 3) / 9, f32(count, 8, 2) / 9, f32(count, 16) / 9
    usual = {
        "direction": direction,
        "hidden_size": 2,
        "activations": ("Sigmoid", "Tanh", "Tanh") * count,
        "activation_alpha": (),
        "activation_beta": (),
        "layout": 0,
        "input_forget": False,
        "cell_clip": None,
    }
    return lambda x: nn.Lstm(x, *map(constant, weights), None, None, None, None, **usual | given)


def gru(direction, **given):
    count = 2 if direction == "bidirectional" else 1
    weights = f32(count, 6, 3) / 9, f32(count, 6, 2) / 9, f32(count, 12) / 9
    usual = {"activations": ("Sigmoid", "Tanh") * count, "linear_before_reset": False}
    return lambda x: nn.Gru(x, *map(constant, weights), None, None, direction=direction, **PLAIN | usual | given)


def rnn(direction, **given):
    weights = f32(2, 2, 3) / 9, f32(2, 2, 2) / 9, f32(2, 4) / 9
    return lambda x: nn.Rnn(x, *map(constant, weights), None, None, direction=direction, **PLAIN | given)


PLAIN = {"hidden_size": 2, "activation_alpha": (), "activation_beta": (), "layout": 0}
X, IMAGE = f32(2, 3, 4), f32(2, 3, 5, 4)
ROW, CHANNEL = f32(4), f32(3)
TIES = np.array([[1, 2, 2, 1, 2, 0], [0, 0, 0, 0, 0, 0]], np.float32)
WRITTEN = {
    "bitcast": (lambda x: nn.Bitcast(x, to=ir.Type.parse("i1")), np.arange(-2, 3, dtype=np.int8)),
    "relu": (nn.Relu, X),
    "leaky_relu": (lambda x: nn.LeakyRelu(x, alpha=0.1), X),
    "leaky_relu of more than one": (lambda x: nn.LeakyRelu(x, alpha=2.0), X),
    "prelu": (nn.Prelu, X, ROW),
    "elu": (lambda x: nn.Elu(x, alpha=0.7), X),
    "celu": (lambda x: nn.Celu(x, alpha=0.7), X),
    "selu": (lambda x: nn.Selu(x, alpha=1.67, gamma=1.05), X),
    "hard_sigmoid": (lambda x: nn.HardSigmoid(x, alpha=0.2, beta=0.5), X),
    "hard_swish": (nn.HardSwish, X),
    "softplus": (nn.Softplus, X * 20),
    "softsign": (nn.Softsign, X),
    "sinh": (nn.Sinh, X),
    "cosh": (nn.Cosh, X),
    "asinh": (nn.Asinh, X),
    "acosh": (nn.Acosh, np.abs(X) + 1),
    "sigmoid": (nn.Sigmoid, X),
    "softmax": (lambda x: nn.Softmax(x, axis=-1), X * 20),
    "log_softmax": (lambda x: nn.LogSoftmax(x, axis=1), X * 20),
    "layer_norm": (lambda x: nn.LayerNorm(x, constant(ROW), constant(ROW), axis=-1, epsilon=1e-5), X),
    "instance_norm": (lambda x: nn.InstanceNorm(x, constant(CHANNEL), constant(CHANNEL), epsilon=1e-5), IMAGE),
    "batch_norm": (
        lambda x: nn.BatchNorm(x, *map(constant, (CHANNEL, CHANNEL, CHANNEL, np.abs(CHANNEL))), epsilon=1e-3),
        IMAGE,
    ),
    "pad": (lambda x: nn.Pad(x, padding=(0, 1, 2, 0, 1, 0), mode="reflect", value=0.0), X.astype(np.float64)),
    "logical_and": (nn.LogicalAnd, truth(3, 4), truth(4)),
    "logical_or": (nn.LogicalOr, truth(3, 4), truth(4)),
    "logical_xor": (nn.LogicalXor, truth(3, 4), truth(4)),
    "logical_not": (nn.LogicalNot, truth(3, 4)),
    "cast": (to("i1"), np.array([0, -0.0, 1e-30, -2], np.float32)),
    "tile": (lambda x: nn.Tile(x, repeats=(2, 1, 3)), X),
    "gather": (lambda x, i: nn.Gather(x, i, axis=1, batch_dims=0), X, np.array([[2, -1], [-3, 0]])),
    "gather by i32": (lambda x, i: nn.Gather(x, i, axis=-1, batch_dims=0), X, np.int32([3, -1])),
    "gather by constants": (lambda x: nn.Gather(x, constant(np.int32([1, -1, -3])), axis=1, batch_dims=0), X),
    "gather_nd": (lambda x: nn.GatherNd(x, constant(np.array([[1, 2], [-1, -3]])), batch_dims=0), X),
    "gather_nd in batches": (lambda x: nn.GatherNd(x, constant(np.int32([[[-1]], [[0]]])), batch_dims=1), X),
    "gather_elements": (lambda x, i: nn.GatherElements(x, i, axis=1), X, np.array([[[2, -1, 0, 1]], [[-3, 0, 1, 1]]])),
    "gather_elements by constants": (
        lambda x: nn.GatherElements(x, constant(np.array([[[1, -1, 0]]])), axis=-1),
        X,
    ),
    "trilu": (lambda x: nn.Trilu(x, k=1, upper=True), np.arange(24).reshape(2, 3, 4)),
    "trilu lower": (lambda x: nn.Trilu(x, k=-1, upper=False), np.arange(24, dtype=np.int32).reshape(2, 3, 4)),
    "one_hot": (lambda i, v: nn.OneHot(i, v, depth=4, axis=-1), np.array([[0, -1, 3], [-4, 4, -5]]), f32(2)),
    "one_hot in front": (lambda i, v: nn.OneHot(i, v, depth=3, axis=0), np.int32([0, -1, 2, 7]), f32(2)),
    "hardmax": (lambda x: nn.Hardmax(x, axis=1), TIES),
    "round": (nn.Round, np.array([0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 0.49999997, -3.3], np.float32)),
    "round large": (nn.Round, np.float32([2**22 + 0.5, -(2**22) - 1.5, 2**23 - 0.5, 2**23 + 1, -(2**24) - 2, 1e30])),
    "arg_reduce": (lambda x: nn.ArgReduce(x, kind="argmax", axis=1, keepdims=False, select_last_index=True), TIES - 3),
    "topk": (lambda x: nn.Topk(x, k=3, axis=1, largest=True, sorted=True), TIES),
    "topk smallest": (lambda x: nn.Topk(x, k=2, axis=-2, largest=False, sorted=True), X),
    "avg_pool": (average(), IMAGE),
    "avg_pool dilated": (average(dilations=(2, 3), kernel=(2, 2)), IMAGE),
    "conv_transpose": (transposed(f32(3, 4, 3, 2), f32(4), strides=(2, 3)), IMAGE),
    "conv_transpose cropped": (transposed(f32(3, 4, 2, 2), padding=(3, 2, 1, 2), strides=(3, 2)), IMAGE),
    "conv_transpose in groups": (
        transposed(f32(3, 2, 3, 3), groups=3, dilations=(1, 2), output_padding=(1, 0), strides=(2, 1)),
        IMAGE,
    ),
    "conv_transpose clamped": (transposed(f32(3, 2, 1, 1), clamp=(0.0, 6.0)), IMAGE),
    **{
        f"resize {coordinate} {rounding}": (resize((2, 3, 7, 11), coordinate, rounding), IMAGE)
        for coordinate in ("half_pixel", "align_corners", "asymmetric", "pytorch_half_pixel", "tf_half_pixel_for_nn")
        for rounding in ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil")
    },
    **{f"lstm {direction}": (lstm(direction), f32(5, 2, 3)) for direction in ("forward", "reverse", "bidirectional")},
    **{f"gru {direction}": (gru(direction), f32(5, 2, 3)) for direction in ("forward", "reverse", "bidirectional")},
    "gru reset last": (gru("forward", linear_before_reset=True, clip=0.5), f32(5, 2, 3)),
    "gru of samples": (gru("reverse", layout=1), f32(2, 5, 3)),
    "rnn": (rnn("bidirectional", activations=("Affine", "ScaledTanh"), activation_alpha=(0.4, 1.7)), f32(5, 2, 3)),
    "lstm with everything": (lstm("bidirectional", clip=0.4, input_forget=True, layout=1), f32(2, 5, 3)),
    "lstm clipped": (lstm("forward", cell_clip=0.2), f32(5, 1, 3)),
}
"""The operation, which must be gone in the end (unless it is what it is written with), and its inputs."""
STAYING = {"arg_reduce", "cast", "gather", "gather_nd", "avg_pool"}


@pytest.mark.parametrize("name", WRITTEN)
def test_results_stay(name):
    write, *inputs = WRITTEN[name]
    with mlir.context():
        module = Case(name, write, tuple(inputs), 0.0).module()
        before, text = evaluate(module, inputs), str(module)
        parse_pipeline(PASSES).run(module)
        after, result = evaluate(module, inputs), str(module)
    operation = name.split()[0]
    assert f'"nn.{operation}"' in text and text != result, "nothing fired"
    assert operation in STAYING or f'"nn.{operation}"' not in result
    for expected, actual in zip(before, after, strict=True):
        assert (actual.dtype, actual.shape) == (expected.dtype, expected.shape)
        if operation == "round":
            np.testing.assert_array_equal(actual, expected)
        elif expected.dtype.kind == "f":
            assert relative_error(expected, actual) < 2e-6
        else:
            np.testing.assert_array_equal(actual, expected)


QUANTISED = {"nn.quantize", "nn.dequantize"}
"""Tried in test_quantization.py: their results are integers, or need them."""


def test_every_pattern_is_tried():
    with mlir.context():
        tried = {f"nn.{name.split()[0]}" for name in WRITTEN} | QUANTISED
        assert {str(one.op.OPERATION_NAME) for one in basic.PATTERNS} <= tried
