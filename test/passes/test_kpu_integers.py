"""Layers in integers: how far activation tables, saws and whole layers are from the real numbers they stand for.

Errors are in steps of the output's bytes. What is compared with is numpy in double precision.
"""

import math

import numpy as np
import pytest

from kpuc.dialects import mlir, nn
from kpuc.dialects.mlir import ir
from kpuc.dialects.ranges import Range
from kpuc.passes.kpu.activation import clamp_knots, knots_of
from kpuc.passes.kpu.fit import Code, activation_lines, fixed_point
from kpuc.passes.kpu.integers import best_codes, integers, step_for
from kpuc.passes.kpu.parameters import covering
from kpuc.passes.kpu.wide import STEPS, TEETH, Saw
from kpuc.runtime.kernels.kpu import conv2d, layer
from kpuc.runtime.kpu.arithmetic import activated
from kpuc.runtime.kpu.tables import Activation

HALF = 0.51
"""Rounding to a byte, and of a line's slope to 15 bits."""
FALLING = 1.01
"""The simulated KPU rounds negative products by a fraction of 1 to 1 1/2 too low; half of that is corrected."""


def erf(x):
    return np.array([math.erf(one) for one in x])


FUNCTIONS = {
    "relu": (nn.Relu, {}, lambda x: np.maximum(x, 0)),
    "relu6": (nn.Clamp, {"min": 0.0, "max": 6.0}, lambda x: np.clip(x, 0, 6)),
    "leaky_relu": (nn.LeakyRelu, {"alpha": 0.1}, lambda x: np.where(x < 0, 0.1 * x, x)),
    "neg": (nn.Neg, {}, lambda x: -x),
    "abs": (nn.Abs, {}, np.abs),
    "hard_swish": (nn.HardSwish, {}, lambda x: x * np.clip(x / 6 + 0.5, 0, 1)),
    "sigmoid": (nn.Sigmoid, {}, lambda x: 1 / (1 + np.exp(-x))),
    "silu": (nn.Silu, {"alpha": 1.0}, lambda x: x / (1 + np.exp(-x))),
    "tanh": (nn.Tanh, {}, np.tanh),
    "gelu": (nn.Gelu, {"approximate": "none"}, lambda x: x * (1 + erf(x * math.sqrt(0.5))) / 2),
}
SPANS = ((-8, 8), (-1, 1), (-6.3, 0.7), (-0.4, 20), (-30, 40), (-0.01, 0.02), (-5, 0), (0, 3))


def table_of(lines):
    start, mul, shift, add = lines.T
    table = Activation(start=start, mul=mul, shift=shift, add=add)
    assert len(table.pack()) == 144, "the registers hold it"
    return table


def knots_over(name, span):
    op, attributes, _ = FUNCTIONS[name]
    with mlir.context(), ir.Location.unknown():
        module = ir.Module.create()
        with ir.InsertionPoint(module.body):
            return knots_of(op(nn.Constant(value=np.zeros(1, np.float32)).output, **attributes), Range(*span))


def best_of_lines(x, y, count):
    """The largest error of the best `count` lines, for smooth functions: (integral of sqrt |y''|)^2 / (16 count^2)."""
    step = x[1] - x[0]
    curvature = np.abs(np.diff(y, 2)) / step**2
    return float(np.sqrt(curvature[curvature > 1e-7 * curvature.max(initial=1e-300)]).sum() * step) ** 2 / (
        16 * count**2
    )


@pytest.mark.parametrize("span", SPANS)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_activation_tables(name, span):
    function = FUNCTIONS[name][2]
    x = np.linspace(*span, 20001)
    y = function(x)
    output = covering(Range(float(y.min()), float(y.max()))).affine
    unit = 1.5 * max(map(abs, span)) / (1 << 30)
    knots = knots_over(name, span)
    made = activated(np.rint(x / unit).astype(np.int64), table_of(activation_lines(Code(unit, output, knots))))
    wanted = y / output.scale + output.zero_point
    error = made - wanted
    rises, falls = bool(np.all(np.diff(y) >= 0)), bool(np.any(np.diff(y) < 0))
    if knots.shape[1] <= 8:
        assert np.abs(error).max() <= (FALLING if falls else HALF)
        assert abs(error.mean()) <= (0.05 if falls else 0.01)
    else:
        # a line starts at a whole byte, and what it gives is rounded to one; squares may give up 2 in a narrow place
        free = best_of_lines(x, wanted, 15)
        assert np.abs(error).max() <= 2 + FALLING * falls
        assert np.sqrt(np.mean(error**2)) <= math.sqrt(1 / 12 + free**2 + 0.5 * falls) + 0.1
    if rises:
        assert np.all(np.diff(made.astype(int)) >= 0)


@pytest.mark.parametrize("scale", [1e-6, 1e-3, 1.0, 1e3, 1e6])
@pytest.mark.parametrize("name", ["relu", "relu6", "leaky_relu", "neg"])
def test_bytes_that_stand_for_much_more_or_less_than_comes(name, scale):
    """A map that is joined with others has their range; lines beyond 36 bits apply to nothing."""
    output = covering(Range(-scale, 2 * scale)).affine
    x = np.linspace(-1, 1, 5001)
    unit = 1 / (1 << 30)
    lines = activation_lines(Code(unit, output, knots_over(name, (-1, 1))))
    made = activated(np.rint(x / unit).astype(np.int64), table_of(lines))
    wanted = np.clip(FUNCTIONS[name][2](x) / output.scale + output.zero_point, 0, 255)
    assert np.abs(made - wanted).max() <= (FALLING if name == "neg" else HALF)


@pytest.mark.parametrize("seed", range(60))
def test_rising_functions_of_few_points(seed):
    """Half a byte, but for the byte before and behind a corner: there a line meets another, both at whole bytes."""
    random = np.random.default_rng(seed)
    count = int(random.integers(2, 8))
    rises = random.random(count) < 0.7
    knots = np.cumsum([random.exponential(1, count) + 0.1, (random.exponential(1, count) + 0.1) * rises], axis=1)
    knots -= random.uniform(0, count, (2, 1))
    output = covering(Range(float(knots[1, 0]), float(knots[1, -1]))).affine
    unit = float(np.abs(knots[0]).max() + 1) / (1 << 30)
    lines = activation_lines(Code(unit, output, knots))
    x = np.linspace(knots[0, 0] - 1, knots[0, -1] + 1, 20001)
    made = activated(np.rint(x / unit).astype(np.int64), table_of(lines)).astype(int)
    slopes = np.diff(knots[1]) / np.diff(knots[0])
    piece = np.clip(np.searchsorted(knots[0], x) - 1, 0, count - 2)
    real = (knots[1][piece] + (x - knots[0][piece]) * slopes[piece]) / output.scale + output.zero_point
    wanted = np.clip(real, 0, 255)
    corners = knots[1, 1:-1] / output.scale + output.zero_point
    far = np.all(np.abs(real[:, None] - corners) > 1, axis=1)
    assert np.abs(made - wanted)[far].max() <= HALF
    assert np.abs(made - wanted).max() <= 2


def test_a_mean_that_rounds_down_is_right_on_average():
    output = covering(Range(0.0, 1.0)).affine
    table = table_of(activation_lines(Code(2.0**-30, output, np.array([[-1.0, 1.0], [-1.0, 1.0]]), shift=3 / 8)))
    x = np.random.default_rng(0).random((4, 100_000)) * 0.9
    made = activated(np.rint(x * 2**30).astype(np.int64), table).astype(np.int64).sum(axis=0) // 4
    error = made - x.mean(axis=0) / output.scale
    assert abs(error.mean()) < 0.01
    assert np.abs(error).max() <= 1.5


@pytest.mark.parametrize("slope", [*(2.0**-power * 1.23 for power in range(-14, 40)), -0.7, -1e-5, 1.99999, 32767.0])
def test_slopes(slope):
    mul, shift = fixed_point(slope)
    assert abs(mul) <= 32767 and 0 <= shift <= 43
    assert mul / 2**shift == pytest.approx(slope, rel=max(2.0**-14, 2.0**-43 / abs(slope)))


@pytest.mark.parametrize("span", [(-1, 1), (0, 6), (-6, 0), (-0.1, 9), (-9, 0.1), (-3e-4, 2e-4), (0, 0), (-700, 1300)])
def test_saws(span):
    """A coarse and a fine byte together are right to one fine step, of which there are 3840."""
    saw = Saw.of(Range(*span))
    unit = max(*map(abs, span), 1e-3) * 1.5 / (1 << 30)
    x = np.linspace(*span, 100_001)[1:]
    v = np.rint(x / unit).astype(np.int64)
    coarse, fine = (activated(v, table_of(saw.lines(unit, fine=kind))).astype(int) for kind in (False, True))
    made = (coarse - saw.coarse.zero_point) * saw.coarse.scale + (fine - saw.fine.zero_point) * saw.fine.scale
    step = saw.width / STEPS
    assert np.abs(made - x).max() <= 1.01 * step
    assert abs(np.mean(made - x)) <= 0.02 * step + 1e-30
    # zero lies between two teeth, which may leave one of them nearly unused
    assert span == (0, 0) or saw.width * TEETH <= (span[1] - span[0]) * TEETH / (TEETH - 1) * 1.001


ACTIVATIONS = {"none": None, "relu": clamp_knots(0.0, math.inf), "clip": clamp_knots(-0.5, 0.75)}


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("kind", ["1x1", "3x3", "depthwise", "two inputs"])
@pytest.mark.parametrize("seed", range(4))
def test_layers_with_exact_ranges(kind, activation, seed):
    """Half a step, and what rounding the weights to 8 bits can do: half a step of theirs times every |x|."""
    random = np.random.default_rng(seed)
    channels = [int(random.integers(1, 9)) for _ in range(2 if kind == "two inputs" else 1)]
    total, size = sum(channels), 1 if kind in ("1x1", "two inputs") else 3
    shape = (total, 1, 3, 3) if kind == "depthwise" else (int(random.integers(1, 9)), total, size, size)
    weight, bias = random.standard_normal(shape), random.standard_normal(shape[0])
    spans = [np.sort(random.uniform(-3, 3, 2) * 10.0 ** random.uniform(-2, 2)) for _ in channels]
    known = [covering(Range(*map(float, span))) for span in spans]
    q = [random.integers(0, 256, (1, count, 6, 7)).astype(np.uint8) for count in channels]
    x = [(one.astype(float) - bytes_.zero) * bytes_.scale for one, bytes_ in zip(q, known, strict=True)]
    knots = ACTIVATIONS[activation]
    wanted = layer(*x, weight, bias, depthwise=kind == "depthwise", pool="none", activation=knots)
    output = covering(Range(float(wanted.min()), float(wanted.max())))
    made = integers(
        weight, bias, list(zip(known, channels, strict=True)), output, depthwise=kind == "depthwise", activation=knots
    )
    result = conv2d(
        *q,
        made.weight,
        made.norm,
        made.lines,
        depthwise=kind == "depthwise",
        pool="none",
        input_zero=known[0].pad,
        weight_zero=made.weight_zero,
    )
    scales = np.concatenate([np.full(count, one.scale) for one, count in zip(known, channels, strict=True)])
    by_input = scales.reshape((-1, 1, 1, 1) if kind == "depthwise" else (1, -1, 1, 1))
    weight_steps = np.abs(weight * by_input).max(axis=(1, 2, 3)) / 127
    sums = layer(
        *[np.abs(one / bytes_.scale) for one, bytes_ in zip(x, known, strict=True)],
        np.ones_like(weight), np.zeros_like(bias), depthwise=kind == "depthwise", pool="none", activation=None,
    )  # fmt: skip
    bound = HALF + sums * weight_steps[:, None, None] / 2 / output.scale
    error = np.abs(result - (wanted / output.scale + output.zero))
    assert np.all(error <= bound)
    assert np.sqrt(np.mean((error / bound) ** 2)) < 0.7, "errors add up, instead of cancelling each other"


def test_layers_of_one_kind_have_one_table():
    """Blocks of a convolution differ in their weights only: their bytes, and so their tables, are of one kind."""
    random = np.random.default_rng(6)
    byte = covering(Range(0.0, 6.0))
    made = []
    for reach in (1.0, 1.3):
        weight, bias = random.uniform(-reach, reach, (4, 36, 3, 3)), random.uniform(-1, 1, 4)
        weight[0, :, 0, 0] = reach
        made.append(integers(weight, bias, [(byte, 36)], byte, depthwise=False, activation=clamp_knots(0, 6)))
    assert not np.array_equal(made[0].norm, made[1].norm)
    assert np.array_equal(made[0].lines, made[1].lines)


@pytest.mark.parametrize("number", [1e-30, 0.3, 0.5, 1.0, 5.0, 1e20])
def test_steps_are_powers_of_two(number):
    assert number <= step_for(number) <= 2 * number
    assert math.frexp(step_for(number))[0] == 0.5


@pytest.mark.parametrize("largest", [1, 20, 63, 64, 65, 126, 127])
def test_multiples_of_a_step_stay_what_they_are(largest):
    """However few of its steps the largest of a quantised network's weights has."""
    random = np.random.default_rng(largest)
    integer = random.integers(-largest, largest + 1, (8, 30))
    integer[:, 0] = largest
    scales = random.uniform(1e-4, 1, 8).astype(np.float32)
    real = (integer * scales[:, None]).astype(np.float32)
    steps, zero = best_codes(real)
    parts = real / steps[:, None]
    np.testing.assert_allclose(parts, np.rint(parts), atol=1e-4)
    assert zero == 128
    assert -128.5 < parts.min() <= parts.max() < 127.5


@pytest.mark.parametrize(("first", "last"), [(0, 255), (1, 255), (0, 200), (100, 255)])
@pytest.mark.parametrize("zero", [0, 3, 90, 151, 255])
def test_bytes_stay_what_they_are(zero, first, last):
    """Those of networks that are quantised to u8, with one scale and one zero point."""
    stored = np.random.default_rng(zero).integers(first, last + 1, (8, 30))
    stored[0, :2] = first, last
    steps, found = best_codes(((stored - zero) * 0.013).astype(np.float32))
    parts = (stored - zero) * 0.013 / steps[:, None]
    np.testing.assert_allclose(parts, np.rint(parts), atol=1e-3)
    assert 0 <= np.rint(parts + found).min() <= np.rint(parts + found).max() <= 255


def test_maps_are_weighed_closely():
    """Two weights, as a sum of maps has: the best of many steps is far better than the finest one."""
    rows = np.stack([np.ones(1000), np.random.default_rng(0).uniform(0.05, 1, 1000)], axis=1)
    steps, zero = best_codes(rows)
    off, plain = (np.abs(np.rint(rows / step) * step - rows).max(axis=1) for step in (steps[:, None], 1 / 127))
    assert zero == 0
    assert off.mean() < plain.mean() / 16
    assert (np.rint(rows / steps[:, None]) <= 255).all()


def test_rows_of_zeros_have_a_step():
    steps, zero = best_codes(np.zeros((2, 3)))
    assert (steps > 0).all()
    assert zero == 128
