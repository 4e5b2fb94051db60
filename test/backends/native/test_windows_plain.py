"""Pooling over three dimensions, and places of maxima, against numpy."""

from __future__ import annotations

import itertools

import numpy as np
from native_groups import Trial, check

from kpuc.dialects import nn

ERROR = 64 * float(np.finfo(np.float32).eps)
WINDOWS = [
    {"kernel": (2, 3), "strides": (1, 2), "dilations": (2, 1), "padding": (1, 0, 0, 1)},
    {"kernel": (3, 2), "strides": (2, 2), "dilations": (1, 1), "padding": (0, 1, 2, 0)},
]
CUBES = [
    {"kernel": (2, 3, 2), "strides": (1, 2, 2), "dilations": (1, 1, 2), "padding": (1, 1, 0, 0, 1, 1)},
    {"kernel": (2, 2, 2), "strides": (2, 2, 2), "dilations": (1, 1, 1), "padding": (0, 0, 0, 0, 0, 0)},
]


def numbers(*shape: int, dtype: str = "float32") -> np.ndarray:
    return np.random.default_rng(0).integers(-9, 9, shape).astype(dtype)


def test_places_of_maxima():
    trials = []
    for window, ceil_mode, order in itertools.product(WINDOWS, (False, True), (0, 1)):

        def write(x, window=window, ceil_mode=ceil_mode, order=order):
            return nn.MaxPoolWithIndices(x, **window, ceil_mode=ceil_mode, storage_order=order)

        for dtype in ("float32", "int8"):
            trials.append(Trial(f"{window} {ceil_mode} {order}", write, (numbers(2, 3, 6, 7, dtype=dtype),)))
        trials.append(Trial(f"image {window}", write, (numbers(2, 20, 6, 7),), 0, (0, 1)))
    check(trials)


def test_three_dimensions():
    trials = []
    for cube, ceil_mode in itertools.product(CUBES, (False, True)):
        options = {**cube, "ceil_mode": ceil_mode}
        x = numbers(2, 3, 5, 6, 7)
        trials.append(Trial(f"max {options}", lambda x, o=options: nn.MaxPool(x, **o), (x,)))
        for include in (False, True):
            trials.append(
                Trial(
                    f"avg {options} {include}",
                    lambda x, o=options, i=include: nn.AvgPool(x, **o, count_include_pad=i),
                    (x,),
                    ERROR,
                )
            )
        for p in (1, 2, 3):
            trials.append(Trial(f"lp {options}", lambda x, o=options, p=p: nn.LpPool(x, **o, p=p), (x,), ERROR))
    options = {**CUBES[0], "ceil_mode": False}
    trials.append(Trial("f16", lambda x: nn.MaxPool(x, **options), (numbers(1, 2, 5, 6, 7, dtype="float16"),)))
    check(trials)
