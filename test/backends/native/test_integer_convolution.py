"""Convolutions of quantised images as machine code compute what numpy does, except for halves."""

import numpy as np
import pytest
from integer_trials import Stored, Trial, check, quantize
from native_harness import X86_64_V3, X86_64_V4_VNNI

from kpuc.dialects import nn

SPECS = pytest.mark.parametrize("spec", [X86_64_V4_VNNI, X86_64_V3], ids=lambda spec: spec.name)


def halo(shape, kernel, strides, dilations, padding):
    """How far windows reach beyond an image: top, left, bottom, right."""
    behind = []
    for axis in (0, 1):
        size = shape[2 + axis] + padding[axis] + padding[2 + axis]
        span = dilations[axis] * (kernel[axis] - 1) + 1
        last = (size - span) // strides[axis] * strides[axis] + span - padding[axis]
        behind.append(max(0, last - shape[2 + axis]))
    return (padding[0], padding[1], *behind)


def trial(
    name,
    shape,
    weights,
    layout=(0, 0, 0, 0),
    strides=(1, 1),
    dilations=(1, 1),
    padding=(0, 0, 0, 0),
    dtype="int8",
    zero_point=-3,
    groups=1,
    clamp=None,
    bias=True,
    ties="away",
    behind=None,
    result=("int8", 5),
    zeros=0,
    seed=0,
):
    random = np.random.default_rng(seed)
    info = np.iinfo(dtype)
    x = Stored(random.integers(info.min, info.max + 1, shape).astype(dtype), 0.02, zero_point)
    w = random.integers(-127, 128, weights).astype(np.int8)
    scales = random.uniform(0.003, 0.01, weights[0]).astype(np.float32)
    depth = np.prod(weights[1:])
    b = random.standard_normal(weights[0]).astype(np.float32) if bias else None
    step = np.sqrt(depth) * 0.02 * 74 * 0.006 * 74 / 60

    def write(value):
        y = nn.Conv(
            nn.Dequantize(value).output,
            Stored(w, scales, zeros, 0).constant(),
            None if b is None else nn.Constant(value=b).output,
            strides=strides,
            dilations=dilations,
            padding=padding,
            groups=groups,
            clamp=clamp,
        ).output
        if behind is not None:
            y = behind(y)
        return y if result is None else quantize(y, step, result[1], result[0], ties)

    return Trial(name, [x], write, [halo(shape, weights[2:], strides, dilations, padding), layout])


def relu(value):
    return nn.Relu(value).output


def sigmoid(value):
    return nn.Sigmoid(value).output


def silu(value):
    """x * sigmoid(x), each step in bytes."""
    x = nn.Dequantize(quantize(value, 0.05, -20)).output
    gate = nn.Dequantize(quantize(nn.Sigmoid(x).output, 1 / 256, -128)).output
    return nn.Mul(x, gate).output


DIRECT = [
    trial("1x1", (1, 64, 14, 14), (64, 64, 1, 1), (1, 1, 1, 1)),
    trial("3x3", (1, 20, 9, 13), (48, 20, 3, 3), padding=(1, 1, 1, 1), ties="even"),
    trial("u8", (1, 16, 9, 13), (24, 16, 3, 3), padding=(1, 1, 1, 1), dtype="uint8", zero_point=131),
    trial("to u8", (1, 16, 6, 5), (24, 16, 1, 1), (1, 1, 1, 1), result=("uint8", 200), behind=relu),
    trial("first layer", (1, 3, 23, 31), (24, 3, 3, 3), (1, 1, 1, 1), padding=(0, 0, 1, 1), strides=(2, 2)),
    trial("one channel", (2, 1, 12, 10), (7, 1, 5, 5), None, padding=(2, 2, 2, 2)),
    trial(
        "uneven", (2, 19, 8, 15), (80, 19, 3, 2), (2, 0, 1, 3), padding=(2, 0, 1, 1), strides=(2, 1), dilations=(1, 3)
    ),
    trial("few rows", (1, 40, 7, 7), (96, 40, 3, 3), (1, 1, 1, 1), padding=(1, 1, 1, 1), clamp=(0.0, 6.0)),
    trial("one pixel", (2, 70, 1, 1), (100, 70, 1, 1), bias=False),
    trial("one row", (1, 16, 1, 61), (8, 16, 1, 3), (0, 1, 0, 2), padding=(0, 1, 0, 1), clamp=(-1.0, 1.5)),
    trial("many weights", (1, 250, 5, 6), (300, 250, 3, 3), (1, 0, 0, 1), padding=(1, 1, 1, 1)),
    trial("plain result", (1, 33, 6, 5), (37, 33, 1, 1), None, ties="even"),
    trial("float result", (1, 33, 6, 5), (37, 33, 1, 1), (1, 1, 1, 1), result=None),
    trial("zero points", (1, 20, 6, 9), (40, 20, 3, 3), padding=(1, 1, 1, 1), zeros=100),
    trial(
        "low zero points", (1, 20, 6, 9), (40, 20, 3, 3), padding=(1, 1, 1, 1), zeros=-128, dtype="uint8", zero_point=9
    ),
    trial("silu", (1, 16, 7, 9), (37, 16, 3, 3), (1, 1, 1, 1), behind=silu),
    trial("plain silu", (1, 16, 6, 5), (20, 16, 3, 3), None, behind=silu, result=("uint8", 9), ties="even"),
    trial("sigmoid", (1, 16, 6, 5), (20, 16, 3, 3), (1, 1, 1, 1), behind=sigmoid),
]


@SPECS
def test_direct(spec):
    check(DIRECT, spec, {"convolution"})


def depthwise(name, shape, kernel, layout=(0, 0, 0, 0), **given):
    return trial(name, shape, (shape[1], 1, *kernel), layout, groups=shape[1], **given)


DEPTHWISE = [
    depthwise("3x3", (1, 32, 11, 14), (3, 3), padding=(1, 1, 1, 1), clamp=(0.0, 6.0)),
    depthwise("3x3 strided", (1, 24, 13, 15), (3, 3), (1, 1, 1, 1), padding=(0, 0, 1, 1), strides=(2, 2), ties="even"),
    depthwise("5x5", (2, 19, 8, 9), (5, 5), (2, 2, 2, 2), padding=(2, 2, 2, 2), dtype="uint8", zero_point=130),
    depthwise("7x7", (1, 33, 9, 9), (7, 7), padding=(3, 3, 3, 3), bias=False),
    depthwise("uneven", (1, 16, 9, 12), (3, 2), padding=(2, 0, 1, 1), dilations=(2, 3), strides=(1, 2), zeros=-9),
    depthwise("plain result", (1, 21, 5, 6), (3, 3), None, padding=(1, 1, 1, 1)),
    depthwise("one row", (1, 20, 1, 25), (1, 9), (0, 4, 0, 4), padding=(0, 4, 0, 4), behind=sigmoid),
    depthwise("10x4", (1, 64, 49, 10), (10, 4), (1, 1, 1, 1), padding=(4, 1, 5, 2), strides=(2, 2)),
]


@SPECS
def test_depthwise(spec):
    check(DEPTHWISE, spec, {"depthwise"})
