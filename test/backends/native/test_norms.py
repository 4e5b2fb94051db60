"""Normalisations against numpy."""

from __future__ import annotations

import numpy as np
import pytest
from native_groups import Trial, check
from native_harness import X86_64_V3, X86_64_V4_VNNI

from kpuc.dialects import nn

# The largest standardised element is a few times the root mean square, and what is lost in the mean is lost in each.
ERROR = 64 * float(np.finfo(np.float32).eps)


def numbers(*shape: int, dtype: str = "float32", seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(1, 2, shape).astype(dtype)


def constant(*shape: int, seed: int) -> object:
    return nn.Constant(value=numbers(*shape, seed=seed)).output


@pytest.mark.parametrize("spec", [X86_64_V4_VNNI, X86_64_V3], ids=lambda spec: spec.name)
def test_layer_and_rms(spec):
    trials = []
    for shape, axis in (((3, 7, 40), -1), ((2, 5, 768), 2), ((2, 3, 4, 21), 2), ((33,), 0)):
        x, part = numbers(*shape), shape[axis:]

        def layer(x, scale, axis=axis, part=part):
            return nn.LayerNorm(x, scale, constant(*part, seed=2), axis=axis, epsilon=1e-5)

        def rms(x, scale, axis=axis):
            return nn.RmsNorm(x, scale, axis=axis, epsilon=1e-5)

        trials += [Trial(f"layer {shape}", layer, (x, numbers(*part, seed=1)), ERROR)]
        trials += [Trial(f"rms {shape}", rms, (x, numbers(*part[-1:], seed=1)), ERROR)]
    for axis in (0, 1):

        def known(x, axis=axis):
            return nn.LayerNorm(x, constant(3, 20, seed=1), None, axis=axis - 2, epsilon=1e-5)

        trials.append(Trial(f"known {axis}", known, (numbers(3, 20),), ERROR))
    check(trials, spec)


def test_layer_of_images():
    """Over the channels of images that were transposed by their layout only, and over all of an image."""
    trials = []
    for channels in (16, 40):
        for axis, shape in ((1, (channels, 1, 1)), (1, (channels, 3, 5)), (3, (5,))):

            def write(x, axis=axis, shape=shape):
                return nn.LayerNorm(x, constant(*shape, seed=3), None, axis=axis, epsilon=1e-5)

            for image in ((1,), (0, 1)):
                trials.append(Trial(f"{channels} {shape} {image}", write, (numbers(2, channels, 3, 5),), ERROR, image))
    check(trials)


@pytest.mark.parametrize("spec", [X86_64_V4_VNNI, X86_64_V3], ids=lambda spec: spec.name)
def test_instance(spec):
    trials = []
    for channels in (3, 40):

        def write(x, scale, channels=channels):
            return nn.InstanceNorm(x, scale, constant(channels, seed=2), epsilon=1e-5)

        def behind(x, scale, write=write):
            return nn.Relu(write(x, scale).output)

        x, scale = numbers(2, channels, 6, 7), numbers(channels, seed=1)
        trials.append(Trial(f"plain {channels}", write, (x, scale), ERROR))
        for image in ((0,), (0, 2)):
            trials.append(Trial(f"relu {channels} {image}", behind, (x, scale), ERROR, image, nn.InstanceNorm))
        trials.append(Trial(f"1-D {channels}", write, (numbers(2, channels, 50), scale), ERROR))
    check(trials, spec)


def test_lp():
    trials = []
    for p in (1, 2):
        for shape, axis in (((3, 40), 1), ((5, 7, 3), 1), ((2, 20, 3, 5), 1)):
            x = numbers(*shape)
            x[0] = 0
            for image in ((), (0,), (0, 1)) if len(shape) == 4 else ((),):
                trials.append(
                    Trial(f"{p} {shape} {image}", lambda x, p=p, a=axis: nn.LpNorm(x, axis=a, p=p), (x,), ERROR, image)
                )
    x = numbers(3, 40, dtype="float16")
    trials.append(Trial("f16", lambda x: nn.LpNorm(x, axis=1, p=2), (x,), 2.0**-10))
    scale = numbers(40, dtype="float16")
    trials.append(Trial("layer f16", lambda x, s: nn.LayerNorm(x, s, None, axis=1, epsilon=1e-5), (x, scale), 2.0**-10))
    check(trials)


@pytest.mark.parametrize("spec", [X86_64_V4_VNNI, X86_64_V3], ids=lambda spec: spec.name)
def test_dynamic_rounding(spec):
    """Where rows are of zeros, or all above or below 0, too; the steps are the same, what they stand for is rounded."""
    trials = []
    for shape, axes in (((3, 40), (1,)), ((5, 7, 3), (1,)), ((2, 20, 3, 5), (1,)), ((2, 20, 3, 16), (1, 2, 3))):
        x = numbers(*shape)
        x[0], x[1] = 0, np.abs(x[1])
        for image in ((), (0,), (0, 1)) if len(shape) == 4 else ((),):
            name = f"{shape} {axes} {image}"
            trials.append(Trial(name, lambda x, a=axes: nn.RoundDynamically(x, axes=a), (x,), ERROR, image))
    check(trials, spec)


@pytest.mark.parametrize("spec", [X86_64_V4_VNNI, X86_64_V3], ids=lambda spec: spec.name)
def test_lrn(spec):
    """Near the first and last channels there are fewer neighbours; powers by roots, and by logarithms."""
    trials = []
    for size, channels in ((5, 20), (2, 3), (7, 2), (1, 4)):
        for beta in (0.75, 0.5, 1.0, 0.6):

            def write(x, size=size, beta=beta):
                return nn.Lrn(x, alpha=0.3, beta=beta, bias=1.5, size=size)

            for image in ((), (0, 1)) if beta == 0.75 else ((),):
                trials.append(Trial(f"{size} {channels} {beta}", write, (numbers(2, channels, 3, 18),), ERROR, image))
    trials.append(Trial("f16", write, (numbers(2, 5, dtype="float16"),), 2.0**-10))
    check(trials, spec)
