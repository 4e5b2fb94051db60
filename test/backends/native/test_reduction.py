"""Reductions against numpy: kinds, types, axes, layouts, with what is computed before and behind."""

from __future__ import annotations

import numpy as np
import pytest
from native_groups import Trial, check
from native_harness import X86_64_V3, X86_64_V4_VNNI

from kpuc.dialects import nn

FLOAT_KINDS = ("sum", "mean", "max", "min", "prod", "l1", "l2", "log_sum", "log_sum_exp", "sum_square")
WHOLE_KINDS = ("sum", "mean", "max", "min", "prod", "l1", "sum_square")
ULP = float(np.finfo(np.float32).eps)
SHAPES = [
    ((5, 7, 33), (2,)),
    ((5, 7, 33), (1,)),
    ((5, 7, 33), (0,)),
    ((5, 7, 33), (0, 2)),
    ((5, 7, 33), (0, 1, 2)),
    ((3, 1, 300, 1), (2,)),
    ((2, 3, 70, 4), (1, 3)),
    ((400,), (0,)),
    ((2, 6), ()),
    ((1, 1), (1,)),
]


def numbers(shape: tuple[int, ...], dtype: str, seed: int = 0) -> np.ndarray:
    """Positive ones for floats, so that sums have logarithms and none cancels."""
    generator = np.random.default_rng(seed)
    if dtype == "bool":
        return generator.integers(0, 2, shape).astype(bool)
    if dtype.startswith("float"):
        return generator.uniform(0.5, 1.5, shape).astype(dtype)
    low, high = (0, 100) if dtype.startswith("u") else (-100, 100)
    return generator.integers(low, high, shape).astype(dtype)


def reduce(kind: str, axes: tuple[int, ...], keepdims: bool):
    return lambda x: nn.Reduce(x, kind=kind, axes=axes, keepdims=keepdims)


@pytest.mark.parametrize("spec", [X86_64_V4_VNNI, X86_64_V3], ids=lambda spec: spec.name)
def test_floats(spec):
    # A sum of n terms of one sign is off by n half units at most; products by n units of each factor's product.
    trials = []
    for number, (shape, axes) in enumerate(SHAPES):
        length = int(np.prod([shape[axis] for axis in axes], dtype=int))
        for i, kind in enumerate(FLOAT_KINDS[number % 2 :: 2]):
            x = numbers(shape, "float32", number)
            trials.append(
                Trial(f"{kind}{shape}{axes}", reduce(kind, axes, (number + i) % 2 == 0), (x,), (length + 8) * ULP)
            )
    check(trials, spec)


def test_other_types():
    trials = []
    for dtype in ("int8", "uint8", "int16", "int32", "int64", "uint32"):
        for i, kind in enumerate(WHOLE_KINDS):
            shape, axes = SHAPES[i % 4]
            trials.append(Trial(f"{kind} {dtype}", reduce(kind, axes, True), (numbers(shape, dtype),)))
    for kind in FLOAT_KINDS:
        trials.append(Trial(f"{kind} f16", reduce(kind, (1,), True), (numbers((3, 40), "float16"),), 2.0**-10))
        trials.append(Trial(f"{kind} f64", reduce(kind, (1,), True), (numbers((3, 40), "float64"),), 1e-14))
    for kind in ("max", "min"):
        for axes in ((0,), (1,)):
            trials.append(Trial(f"{kind} bool", reduce(kind, axes, False), (numbers((4, 70), "bool"),)))
    check(trials)


@pytest.mark.parametrize("spec", [X86_64_V4_VNNI, X86_64_V3], ids=lambda spec: spec.name)
def test_images(spec):
    trials = []
    for channels in (3, 20, 100):
        x = numbers((2, channels, 5, 7), "float32", channels)
        for axes in ((2, 3), (1,), (1, 2, 3), (3,), (0,)):
            trials.append(Trial(f"image {channels} {axes}", reduce("mean", axes, True), (x,), 60 * ULP, (0,)))
        trials.append(Trial(f"gone {channels}", reduce("mean", (2, 3), False), (x,), 60 * ULP, (0,)))
        for axes in ((2, 3), (1,)):
            trials.append(Trial(f"to image {channels}", reduce("mean", axes, True), (x,), 60 * ULP, (0, 1)))
        trials.append(Trial(f"from plain {channels}", reduce("mean", (2,), True), (x,), 60 * ULP, (1,)))
    check(trials, spec)


def test_fused():
    x, y = numbers((2, 20, 5, 7), "float32", 1), numbers((2, 20, 1, 1), "float32", 2)

    def before(a, b):
        return nn.Reduce(nn.Relu(nn.Sub(a, b).output).output, kind="sum", axes=(2, 3), keepdims=True)

    def around(a, b):
        mean = nn.Reduce(nn.Square(a).output, kind="mean", axes=(2, 3), keepdims=True).output
        return nn.Sqrt(nn.Add(mean, b).output)

    def alone(a):
        return nn.Sqrt(nn.Reduce(nn.Square(a).output, kind="mean", axes=(2, 3), keepdims=False).output)

    trials = []
    for image in ((), (0,), (0, 2), (0, 1, 2)):
        trials += [Trial(f"before {image}", before, (x, y), 60 * ULP, image, nn.Reduce)]
        trials += [Trial(f"around {image}", around, (x, y), 60 * ULP, image, nn.Reduce)]
    trials += [Trial(f"alone {image}", alone, (x,), 60 * ULP, image, nn.Reduce) for image in ((), (0,))]
    check(trials)


def test_special_numbers():
    inf, nan = np.inf, np.nan
    x = np.array([[1, 2, -inf], [-inf, -inf, -inf], [inf, 1, 2], [1, nan, 2], [100, 100, 100]], np.float32)
    kinds = ("max", "min", "sum", "log_sum_exp")
    trials = [Trial(f"special {kind}", reduce(kind, (1,), False), (np.tile(x, (1, 12)),), 30 * ULP) for kind in kinds]
    check(trials)
