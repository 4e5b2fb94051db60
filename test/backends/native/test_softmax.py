"""Softmax and its logarithm against numpy."""

from __future__ import annotations

import numpy as np
import pytest
from native_groups import Trial, check
from native_harness import X86_64_V3, X86_64_V4_VNNI

from kpuc.dialects import nn

ULP = float(np.finfo(np.float32).eps)
# e^x is good to 2 units, a sum of n positive terms to n half units (seldom near that), 1 / sum to 2.
ERROR = 32 * ULP


def numbers(shape: tuple[int, ...], dtype: str = "float32") -> np.ndarray:
    return np.random.default_rng(len(shape)).normal(0, 4, shape).astype(dtype)


@pytest.mark.parametrize("spec", [X86_64_V4_VNNI, X86_64_V3], ids=lambda spec: spec.name)
@pytest.mark.parametrize("op", [nn.Softmax, nn.LogSoftmax])
def test_plain(op, spec):
    shapes = [
        ((3, 5), 1),
        ((7, 197), -1),
        ((2, 1000), 1),
        ((2, 3, 4, 35), 2),
        ((4, 70), 0),
        ((1, 1000, 1, 1), 1),
        ((9,), 0),
    ]
    trials = [
        Trial(f"{shape} {axis}", lambda x, axis=axis: op(x, axis=axis), (numbers(shape),), ERROR)
        for shape, axis in shapes
    ]
    check(trials, spec)


@pytest.mark.parametrize("op", [nn.Softmax, nn.LogSoftmax])
def test_images(op):
    trials = []
    for channels in (3, 300):
        for axis in (1, 2):
            for image in ((1,), (0, 1)):
                x = numbers((2, channels, 3, 5))
                trials.append(Trial(f"{channels} {axis} {image}", lambda x, a=axis: op(x, axis=a), (x,), ERROR, image))
    check(trials)


def test_fused_and_other_types():
    def around(x, mask):
        return nn.Mul(nn.Softmax(nn.Add(x, mask).output, axis=2).output, x)

    mask = np.where(np.arange(40) < 23, 0, -np.inf).astype(np.float32).reshape(1, 1, 40)
    trials = [
        Trial("around", around, (numbers((2, 3, 40)), mask), 100 * ERROR, anchor=nn.Softmax),
        Trial("long around", around, (numbers((2, 3, 400)), numbers((1, 3, 1))), 100 * ERROR, anchor=nn.Softmax),
        Trial("f16", lambda x: nn.Softmax(x, axis=1), (numbers((3, 400), "float16"),), 2.0**-10),
        Trial("f64", lambda x: nn.Softmax(x, axis=1), (numbers((3, 400), "float64"),), 1e-14),
        Trial("infinite", lambda x: nn.Softmax(x, axis=1), (np.full((2, 20), -np.inf, np.float32),), ERROR),
    ]
    check(trials)
