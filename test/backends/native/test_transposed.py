"""Transposed convolutions as machine code compute what numpy does, phase by phase or element by element."""

import numpy as np
import pytest
from images import constant, run
from native_harness import X86_64_V3, X86_64_V4_VNNI

from kpuc.dialects import nn

SPECS = pytest.mark.parametrize("spec", [X86_64_V4_VNNI, X86_64_V3], ids=lambda spec: spec.name)
USUAL = {
    "strides": (2, 2), "dilations": (1, 1), "padding": (0,) * 4, "output_padding": (0, 0), "groups": 1, "clamp": None
}  # fmt: skip


def f32(random, *shape):
    return random.standard_normal(shape, np.float32)


def results_of(shape, weights, given, layouts, spec=X86_64_V4_VNNI, family=""):
    random = np.random.default_rng(1)
    weight = f32(random, *weights)
    given = USUAL | given
    offsets = f32(random, weights[1] * given["groups"])

    def write(x):
        nn.ConvTranspose(x, constant(weight), constant(offsets), **given)

    return run(write, [f32(random, *shape)], layouts, spec, family=family)


def assert_close(results, depth):
    """Sums of `depth` products of normal numbers in another order: they may differ by an ulp of 1 a product."""
    for buffer, block, actual, expected in results:
        np.testing.assert_allclose(actual, expected, rtol=1e-6, atol=1.2e-7 * (depth + 4))
        if buffer.surrounded:
            whole = block.transpose(np.argsort(buffer.order))[:, : buffer.shape[1]].copy()
            (_, _, top, left), (_, _, rows, columns) = buffer.before, buffer.shape
            whole[:, :, top : top + rows, left : left + columns] = buffer.fill
            assert (whole == buffer.fill).all()


PHASES = {
    "2x2": ((1, 24, 6, 7), (24, 20, 2, 2), {}, (1, 1, 1, 1)),
    "4x4": ((2, 16, 5, 6), (16, 33, 4, 4), {"padding": (1, 1, 1, 1)}, (0, 0, 0, 0)),
    "3x3": ((1, 19, 5, 6), (19, 16, 3, 3), {"padding": (1, 1, 1, 1), "output_padding": (1, 1)}, "plain"),
    "uneven": (
        (1, 8, 4, 6),
        (8, 16, 5, 2),
        {"strides": (3, 1), "padding": (2, 0, 1, 1), "dilations": (1, 3)},
        (1, 0, 2, 1),
    ),
    "gaps": (
        (1, 8, 4, 5),
        (8, 16, 2, 2),
        {"strides": (3, 4), "output_padding": (1, 2), "clamp": (-1.0, 1.0)},
        (0, 0, 0, 0),
    ),
    "dilated": ((1, 8, 4, 5), (8, 16, 3, 3), {"dilations": (2, 4), "strides": (2, 3)}, (0, 0, 0, 0)),
}


@SPECS
@pytest.mark.parametrize("name", PHASES)
def test_phases(name, spec):
    shape, weights, given, layout = PHASES[name]
    results = results_of(shape, weights, given, [None, layout], spec, family="convolution")
    assert_close(results, shape[1] * np.prod(weights[2:]))


PLAIN = {
    "depthwise": ((1, 20, 5, 6), (20, 1, 4, 4), {"groups": 20, "padding": (1, 1, 1, 1)}, [None, (1, 1, 1, 1)]),
    "groups": ((2, 6, 5, 6), (6, 4, 3, 3), {"groups": 3, "padding": (1, 1, 1, 1)}, ["plain", "plain"]),
    "no halo": ((1, 5, 5, 6), (5, 7, 3, 3), {}, ["plain", (0, 0, 0, 0)]),
}


@SPECS
@pytest.mark.parametrize("name", PLAIN)
def test_plain(name, spec):
    shape, weights, given, layouts = PLAIN[name]
    assert_close(results_of(shape, weights, given, layouts, spec, family="plain_transposed"), 40)
