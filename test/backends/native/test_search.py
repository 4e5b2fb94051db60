"""Searches for extremes along an axis, and running sums, against numpy."""

from __future__ import annotations

import numpy as np
import pytest
from native_groups import Trial, check
from native_harness import X86_64_V3, X86_64_V4_VNNI

from kpuc.dialects import nn


def numbers(shape: tuple[int, ...], dtype: str) -> np.ndarray:
    """Few different ones, so that extremes are found more than once."""
    low = 0 if dtype.startswith("u") else -4
    return np.random.default_rng(len(shape)).integers(low, 5, shape).astype(dtype)


@pytest.mark.parametrize("spec", [X86_64_V4_VNNI, X86_64_V3], ids=lambda spec: spec.name)
def test_arg_reduce(spec):
    trials = []
    for number, dtype in enumerate(("float32", "int8", "uint8", "int64", "float16")):
        for shape, axis in (((3, 70), 1), ((70, 3), 0), ((2, 5, 33), 1), ((4, 1), 1), ((1000,), 0)):
            kind, last = ("argmax", "argmin")[number % 2], axis == 1

            def write(x, kind=kind, axis=axis, last=last):
                return nn.ArgReduce(x, kind=kind, axis=axis, keepdims=last, select_last_index=last)

            trials.append(Trial(f"{kind} {dtype} {shape}", write, (numbers(shape, dtype),)))
    for channels in (3, 20, 100):
        for axis in (1, 2):

            def write(x, axis=axis):
                return nn.ArgReduce(x, kind="argmax", axis=axis, keepdims=True, select_last_index=False)

            trials.append(
                Trial(f"image {channels} {axis}", write, (numbers((2, channels, 5, 7), "float32"),), image=(0,))
            )
    check(trials, spec)


def test_hardmax():
    trials = []
    for shape, axis in (((3, 70), 1), ((70, 3), 0), ((2, 20, 3, 5), 1)):
        for image in ((), (0, 1)) if len(shape) == 4 else ((),):
            trials.append(
                Trial(
                    f"{shape} {image}", lambda x, a=axis: nn.Hardmax(x, axis=a), (numbers(shape, "float32"),), 0, image
                )
            )
    check(trials)


def test_special_numbers():
    x = np.full((4, 40), 1, np.float32)
    x[0, 7:9], x[1], x[2, 3], x[3, 11] = np.nan, -np.inf, np.inf, -np.inf
    trials = []
    for kind in ("argmax", "argmin"):
        trials.append(
            Trial(
                kind, lambda x, k=kind: nn.ArgReduce(x, kind=k, axis=1, keepdims=False, select_last_index=False), (x,)
            )
        )
    check(trials)


@pytest.mark.parametrize("spec", [X86_64_V4_VNNI, X86_64_V3], ids=lambda spec: spec.name)
def test_topk(spec):
    trials = []
    for number, dtype in enumerate(("float32", "int8", "uint8", "int64", "float16")):
        for shape, axis, k in (((3, 70), 1, 5), ((70, 3), 0, 70), ((2, 90), 1, 40), ((40,), 0, 7), ((3, 1), 1, 1)):

            def write(x, k=k, axis=axis, largest=number % 2 == 0):
                return nn.Topk(x, k=k, axis=axis, largest=largest, sorted=True)

            trials.append(Trial(f"{dtype} {shape} {k}", write, (numbers(shape, dtype),)))
    x = np.random.default_rng(0).normal(size=(2, 300)).astype(np.float32)
    x[0, 20], x[1, 7:9] = np.inf, np.nan
    for largest in (True, False):
        trials.append(
            Trial("special", lambda x, g=largest: nn.Topk(x, k=40, axis=1, largest=g, sorted=False), (x,), 1e-9)
        )
    x = numbers((2, 20, 5, 7), "float32")
    for image in ((0,), (0, 1), (2,)):
        trials.append(
            Trial(f"image {image}", lambda x: nn.Topk(x, k=3, axis=1, largest=True, sorted=True), (x,), 0, image)
        )
    check(trials, spec)


@pytest.mark.parametrize("spec", [X86_64_V4_VNNI, X86_64_V3], ids=lambda spec: spec.name)
def test_cumsum(spec):
    trials = []
    for number, dtype in enumerate(("float32", "int32", "int64", "float16", "float64")):
        for shape, axis in (((3, 70), 1), ((70, 3), 0), ((2, 5, 100), 1), ((5, 1, 3), 1), ((2, 20, 5, 7), 1)):

            def write(x, axis=axis, exclusive=number % 2 == 0, reverse=axis == 1):
                return nn.Cumsum(x, axis=axis, exclusive=exclusive, reverse=reverse)

            for image in ((), (0, 1)) if len(shape) == 4 and dtype == "float32" else ((),):
                trials.append(Trial(f"{dtype} {shape} {image}", write, (numbers(shape, dtype),), 0, image))
    check(trials, spec)
