"""What picks elements by indices, or compares indices with places, against numpy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from native_harness import X86_64_V3, X86_64_V4_VNNI
from native_trials import Trial, assert_near, compute, images

from kpuc.backends.native.kernels.pointwise import lower_pointwise
from kpuc.dialects import mlir, nn

SPECS = pytest.mark.parametrize("spec", [X86_64_V4_VNNI, X86_64_V3], ids=lambda spec: spec.name)


def numbers(*shape: int, dtype: str = "float32") -> np.ndarray:
    return np.random.default_rng(len(shape)).integers(0, 100, shape).astype(dtype)


def indices(size: int, *shape: int, dtype: str = "int64") -> np.ndarray:
    low = 0 if dtype.startswith("u") else -size
    return np.random.default_rng(size).integers(low, size, shape).astype(dtype)


def check(trials: list[Trial], spec: Any = X86_64_V4_VNNI) -> None:
    with mlir.context():
        for outcome in compute(trials, lower_pointwise, spec):
            assert_near(outcome)


def known_or_not(name: str, write: Any, x: np.ndarray, index: np.ndarray, **more: Any) -> list[Trial]:
    def constant(x):
        return write(x, nn.Constant(value=index).output)

    return [Trial(name, write, (x, index), **more), Trial(f"{name} known", constant, (x,), **more)]


@SPECS
def test_gather(spec):
    trials = []
    for shape, axis, count, batch in [
        ((7, 40), 0, (5,), 0),
        ((7, 40), 1, (3, 9), 0),
        ((3, 7, 5), 1, (), 0),
        ((2, 3, 7, 33), -2, (4,), 0),
        ((2, 7, 20), 1, (2, 6), 1),
        ((2, 3, 7), 2, (2, 3, 4), 2),
    ]:
        for dtype in ("int64", "int32", "uint8"):

            def write(x, i, axis=axis, batch=batch):
                return nn.Gather(x, i, axis=axis, batch_dims=batch)

            trials += known_or_not(
                f"{shape} {axis} {count} {dtype}", write, numbers(*shape), indices(shape[axis], *count, dtype=dtype)
            )

    def fused(x, i):
        return nn.Relu(
            nn.Sub(
                nn.Gather(nn.Neg(x).output, i, axis=0, batch_dims=0).output, nn.Constant(value=np.float32(-40)).output
            ).output
        )

    trials += known_or_not("fused", fused, numbers(7, 40), indices(7, 5))
    check(trials, spec)


def test_gather_elements_and_tuples():
    trials = []
    for shape, axis, count in [((7, 40), 0, (5, 40)), ((7, 40), 1, (7, 50)), ((3, 4, 5), 1, (2, 9, 5))]:

        def elements(x, i, axis=axis):
            return nn.GatherElements(x, i, axis=axis)

        trials += known_or_not(f"elements {shape} {axis}", elements, numbers(*shape), indices(shape[axis], *count))
    for shape, count, batch in [
        ((7, 40), (5, 1), 0),
        ((3, 4, 20), (6, 2), 0),
        ((2, 3, 4), (2, 5, 1), 1),
        ((3, 4), (5, 2), 0),
    ]:

        def tuples(x, i, batch=batch):
            return nn.GatherNd(x, i, batch_dims=batch)

        trials += known_or_not(f"tuples {shape} {count}", tuples, numbers(*shape), indices(3, *count))
    check(trials)


def test_images():
    rng = np.random.default_rng(5)
    trials = []
    for axis, count in [(1, (30,)), (2, (4,)), (3, (9,))]:

        def write(x, i, axis=axis):
            return nn.Gather(x, i, axis=axis, batch_dims=0)

        for _ in range(3):
            x, index = numbers(2, 20, 5, 7), indices((2, 20, 5, 7)[axis], *count)
            trials += known_or_not(f"image {axis}", write, x, index, layout=images(rng))
    check(trials)


def test_indices_out_of_range(monkeypatch):
    """They read the nearest element that there is; numpy is asked for that one."""
    from kpuc.runtime.kernels import indexing

    def nearest(index: np.ndarray, size: int) -> np.ndarray:
        return np.clip(np.where(index < 0, index + size, index), 0, size - 1)

    monkeypatch.setattr(indexing, "from_front", nearest)
    x = numbers(4, 20)
    far = np.array([-100, 100, -5, 4, 3, 2**40], np.int64)
    check(
        [
            Trial("slices", lambda x, i: nn.Gather(x, i, axis=0, batch_dims=0), (x, far)),
            Trial("tuples", lambda x, i: nn.GatherNd(x, i, batch_dims=0), (x, far[:, None])),
            Trial("elements", lambda x, i: nn.GatherElements(x, i, axis=0), (x, np.tile(far[:, None], (1, 20)))),
        ]
    )


@SPECS
def test_one_hot(spec):
    trials = []
    for dtype in ("int64", "uint8", "float32"):
        for axis in (-1, 0, 1):
            index = indices(9, 4, 35, dtype="int64") % 12 - (3 if dtype != "uint8" else 0)

            def write(i, v, axis=axis):
                return nn.OneHot(i, v, depth=9, axis=axis)

            trials.append(Trial(f"{dtype} {axis}", write, (index.astype(dtype), np.array([2, 7], np.float32))))
    check(trials, spec)
