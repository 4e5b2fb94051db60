"""Convolutions as machine code compute what numpy does, in every layout, and fill what lies around their results."""

import numpy as np
import pytest
from images import constant, run
from native_harness import X86_64_V3, X86_64_V4_VNNI

from kpuc.backends.native.kernels.convolution import lower_direct
from kpuc.dialects import nn
from kpuc.runtime import kernels

SPECS = pytest.mark.parametrize("spec", [X86_64_V4_VNNI, X86_64_V3], ids=lambda spec: spec.name)


def f32(random, *shape):
    return random.standard_normal(shape, np.float32)


def conv(x, weight, bias, strides=(1, 1), dilations=(1, 1), padding=(0, 0, 0, 0), groups=1, clamp=None):
    bias = None if bias is None else constant(bias)
    return nn.Conv(
        x, constant(weight), bias, strides=strides, dilations=dilations, padding=padding, groups=groups, clamp=clamp
    )


def assert_close(results, depth, ulps=1.0):
    """Sums of `depth` products of normal numbers in another order: they may differ by an ulp of 1 a product."""
    for buffer, block, actual, expected in results:
        np.testing.assert_allclose(actual, expected, rtol=1e-6, atol=1.2e-7 * ulps * (depth + 4))
        if buffer.surrounded:
            assert_filled(buffer, block)


def assert_filled(buffer, block):
    whole = block.transpose(np.argsort(buffer.order))[:, : buffer.shape[1]].copy()
    (_, _, top, left), (_, _, rows, columns) = buffer.before, buffer.shape
    whole[:, :, top : top + rows, left : left + columns] = buffer.fill
    assert (whole == buffer.fill).all()


# inputs (n, c, h, w), weights (o, c, kh, kw), attributes, layout of the result
DIRECT = {
    "1x1": ((1, 64, 14, 14), (64, 64, 1, 1), {}, (1, 1, 1, 1)),
    "3x3": ((1, 20, 9, 13), (48, 20, 3, 3), {"padding": (1, 1, 1, 1)}, (0, 0, 0, 0)),
    "first layer": ((1, 3, 23, 31), (24, 3, 3, 3), {"padding": (0, 0, 1, 1), "strides": (2, 2)}, (1, 1, 1, 1)),
    "one channel": ((2, 1, 12, 10), (7, 1, 5, 5), {"padding": (2, 2, 2, 2)}, "plain"),
    "uneven": (
        (2, 19, 8, 15),
        (80, 19, 3, 2),
        {"padding": (2, 0, 1, 1), "strides": (2, 1), "dilations": (1, 3)},
        (2, 0, 1, 3),
    ),
    "few rows": ((1, 40, 7, 7), (96, 40, 3, 3), {"padding": (1, 1, 1, 1)}, (1, 1, 1, 1)),
    "one pixel": ((2, 70, 1, 1), (100, 70, 1, 1), {}, (0, 0, 0, 0)),
    "one row": ((1, 16, 1, 61), (8, 16, 1, 3), {"padding": (0, 1, 0, 1)}, (0, 1, 0, 2)),
    "many weights": ((1, 250, 5, 6), (300, 250, 3, 3), {"padding": (1, 1, 1, 1)}, (1, 0, 0, 1)),
    "plain result": ((1, 33, 6, 5), (37, 33, 1, 1), {}, "plain"),
    "groups": ((2, 10, 7, 9), (64, 5, 3, 3), {"groups": 2, "padding": (1, 1, 1, 1)}, (0, 1, 0, 0)),
    "more groups": ((1, 18, 5, 5), (96, 3, 1, 2), {"groups": 6, "strides": (1, 2)}, "plain"),
    "clamped": ((1, 8, 6, 5), (16, 8, 3, 3), {"clamp": (-0.5, 2.0)}, (0, 0, 0, 0)),
}


@SPECS
@pytest.mark.parametrize("name", DIRECT)
def test_direct(name, spec):
    shape, weights, given, layout = DIRECT[name]
    random = np.random.default_rng(1)
    weight, bias = f32(random, *weights), f32(random, weights[0])
    results = run(
        lambda x: conv(x, weight, bias, **given), [f32(random, *shape)], [None, layout], spec, lower=lower_direct
    )
    assert_close(results, np.prod(weights[1:]))


@SPECS
@pytest.mark.parametrize("layout", [(1, 1, 1, 1), "plain"], ids=str)
def test_what_lies_behind(spec, layout):
    """A residual, a gate for each channel, an activation."""
    random = np.random.default_rng(2)
    weight = f32(random, 24, 16, 3, 3)

    def write(x, residual, gate):
        y = conv(x, weight, None, padding=(1, 1, 1, 1))
        return nn.Sigmoid(nn.Add(nn.Mul(y.output, gate).output, nn.Relu(residual).output).output)

    arrays = [f32(random, 1, 16, 9, 10), f32(random, 1, 24, 9, 10), f32(random, 1, 24, 1, 1)]
    assert_close(run(write, arrays, [None, layout, (0, 0, 0, 0), layout], spec), 144)


@SPECS
@pytest.mark.parametrize("source", [(0, 0, 0, 0), "plain"], ids=str)
def test_what_lies_before(spec, source):
    """A function of the image, which is computed into memory of its own, with the halo that windows read."""
    random = np.random.default_rng(8)
    weight = f32(random, 20, 10, 5, 5)
    results = run(
        lambda x: conv(nn.Relu(x).output, weight, None, padding=(2, 2, 2, 2)), [f32(random, 1, 10, 9, 10)],
        [source, (0, 0, 1, 1)], spec, anchor=1, family="convolution",
    )  # fmt: skip
    assert_close(results, 250)


PLAIN = {
    "groups": ((2, 12, 7, 6), (9, 4, 3, 3), {"groups": 3, "padding": (1, 1, 1, 1)}, (0, 0, 0, 0), (1, 1, 1, 1)),
    "multiplier": ((1, 4, 7, 6), (8, 1, 3, 3), {"groups": 4, "strides": (2, 1)}, "plain", "plain"),
    "no halo": ((1, 5, 7, 6), (8, 5, 3, 3), {"padding": (2, 1, 0, 2), "dilations": (2, 2)}, "plain", (0, 0, 0, 0)),
    "larger than the image": ((1, 3, 4, 4), (3, 3, 7, 5), {"padding": (2, 2, 2, 2)}, "plain", "plain"),
}


@pytest.mark.parametrize("name", PLAIN)
def test_plain(name):
    shape, weights, given, source, layout = PLAIN[name]
    random = np.random.default_rng(3)
    weight, bias = f32(random, *weights), f32(random, weights[0])
    results = run(lambda x: conv(x, weight, bias, **given), [f32(random, *shape)], [source, layout])
    assert_close(results, np.prod(weights[1:]))


def test_weights_that_are_computed():
    random = np.random.default_rng(4)
    arrays = [f32(random, 1, 5, 6, 7), f32(random, 4, 5, 3, 3), f32(random, 4)]

    def write(x, weight, bias):
        return nn.Conv(x, weight, bias, strides=(1, 1), dilations=(1, 1), padding=(1, 1, 1, 1), groups=1, clamp=None)

    assert_close(run(write, arrays, [None, "plain", "plain", "plain"]), 45)


DEPTHWISE = {
    "3x3": ((1, 32, 11, 14), (3, 3), {"padding": (1, 1, 1, 1)}, (0, 0, 0, 0)),
    "3x3 strided": ((1, 24, 13, 15), (3, 3), {"padding": (0, 0, 1, 1), "strides": (2, 2)}, (1, 1, 1, 1)),
    "5x5": ((2, 19, 8, 9), (5, 5), {"padding": (2, 2, 2, 2)}, (2, 2, 2, 2)),
    "7x7": ((1, 33, 9, 9), (7, 7), {"padding": (3, 3, 3, 3)}, (0, 0, 0, 0)),
    "uneven": ((1, 16, 9, 12), (3, 2), {"padding": (2, 0, 1, 1), "dilations": (2, 3), "strides": (1, 2)}, (0, 1, 0, 2)),
    "plain result": ((1, 21, 5, 6), (3, 3), {"padding": (1, 1, 1, 1)}, "plain"),
    "one row": ((1, 20, 1, 25), (1, 9), {"padding": (0, 4, 0, 4)}, (0, 4, 0, 4)),
}


@SPECS
@pytest.mark.parametrize("name", DEPTHWISE)
def test_depthwise(name, spec):
    shape, kernel, given, layout = DEPTHWISE[name]
    random = np.random.default_rng(5)
    weight, bias = f32(random, shape[1], 1, *kernel), f32(random, shape[1])
    given = given | {"groups": shape[1]}
    x = f32(random, *shape)
    assert_close(run(lambda x: conv(x, weight, bias, **given), [x], [None, layout], spec, family="depthwise"), 49)


@SPECS
@pytest.mark.parametrize("shape, weights", [((1, 36, 9, 10), (36, 4, 3, 3)), ((2, 32, 5, 6), (32, 2, 3, 3))], ids=str)
def test_few_channels_a_group(shape, weights, spec):
    random = np.random.default_rng(9)
    weight, groups = f32(random, *weights), shape[1] // weights[1]

    def write(x):
        return conv(x, weight, None, groups=groups, padding=(1, 1, 1, 1), strides=(1, 2))

    assert_close(run(write, [f32(random, *shape)], [None, (1, 1, 1, 1)], spec, family="depthwise"), 36)


WINOGRAD = {
    "same": ((1, 64, 16, 16), (64, 64, 3, 3), {"padding": (1, 1, 1, 1)}, (1, 1, 1, 1)),
    "odd": ((2, 37, 15, 18), (43, 37, 3, 3), {"padding": (1, 0, 0, 2), "clamp": (-1.0, 2.0)}, (0, 0, 0, 0)),
    "few": ((1, 120, 7, 5), (128, 120, 3, 3), {"padding": (1, 1, 1, 1)}, (1, 1, 1, 1)),
    "many": ((1, 130, 13, 9), (96, 130, 3, 3), {}, (0, 1, 2, 0)),
}


def with_fewer_multiplications(name, spec):
    shape, weights, given, layout = WINOGRAD[name]
    random = np.random.default_rng(6)
    weight, bias, x = f32(random, *weights), f32(random, weights[0]), f32(random, *shape)
    results = run(lambda x: conv(x, weight, bias, **given), [x], [None, layout], spec, family="winograd_results")
    return [*results, (x, weight, bias, given)]


@SPECS
@pytest.mark.parametrize("name", WINOGRAD)
def test_winograd(name, spec):
    """Rounding errors are of the order of those that sums in any other order have."""
    *results, (x, weight, bias, given) = with_fewer_multiplications(name, spec)
    exact = kernels.conv(
        x.astype(np.float64), weight.astype(np.float64), bias.astype(np.float64),
        **{"strides": (1, 1), "dilations": (1, 1), "padding": (0, 0, 0, 0), "groups": 1, "clamp": None} | given,
    )  # fmt: skip
    for buffer, block, actual, expected in results:
        error, usual = (np.sqrt(np.mean((one - exact) ** 2)) for one in (actual, expected))
        assert error < 4 * usual
        assert_close([(buffer, block, actual, exact)], np.prod(weight.shape[1:]), 4)


def test_winograd_with_a_residual():
    random = np.random.default_rng(7)
    weight = f32(random, 64, 64, 3, 3)

    def write(x, residual):
        return nn.Relu(nn.Add(conv(x, weight, None, padding=(1, 1, 1, 1)).output, residual).output)

    arrays = [f32(random, 1, 64, 14, 14), f32(random, 1, 64, 14, 14)]
    assert_close(run(write, arrays, [None, (2, 2, 2, 2), (0, 0, 0, 0)], family="winograd_results"), 576, 4)
