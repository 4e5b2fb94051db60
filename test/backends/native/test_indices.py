"""Scattered updates against numpy: reductions, types, layouts, indices that meet."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from native_harness import X86_64_V3, X86_64_V4_VNNI
from native_trials import Trial, assert_near, compute, images

from kpuc.backends.native.generators import LOWERINGS
from kpuc.dialects import mlir, nn

REDUCTIONS = ("none", "add", "mul", "max", "min")


def numbers(*shape: int, dtype: str = "float32", seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(1, 5, shape).astype(dtype)


def check(op: Any, trials: list[Trial], spec: Any = X86_64_V4_VNNI) -> None:
    with mlir.context():
        for outcome in compute(trials, LOWERINGS[op], spec):
            assert_near(outcome)


@pytest.mark.parametrize("spec", [X86_64_V4_VNNI, X86_64_V3], ids=lambda spec: spec.name)
def test_scatter_elements(spec):
    trials, rng = [], np.random.default_rng(1)
    for reduction in REDUCTIONS:
        for shape, axis, count in [((7, 9), 0, (4, 9)), ((7, 9), 1, (7, 5)), ((2, 20, 3, 4), 1, (2, 6, 3, 4))]:
            # Where updates replace elements, they must not meet: their order is not defined.
            size = shape[axis]
            index = np.argsort(rng.random((*count[:axis], size, *count[axis + 1 :])), axis=axis)
            index = np.take(index, np.arange(count[axis]), axis=axis) - (size if axis else 0)
            index = index if reduction == "none" else index % 2

            def write(x, i, u, axis=axis, reduction=reduction):
                return nn.ScatterElements(x, i, u, axis=axis, reduction=reduction)

            for dtype in ("float32", "float16", "uint8"):
                inputs = (numbers(*shape, dtype=dtype), index, numbers(*count, dtype=dtype, seed=1))
                layout = {"layout": images(rng)} if len(shape) == 4 and dtype == "float32" else {}
                trials.append(Trial(f"{reduction} {shape} {axis} {dtype}", write, inputs, **layout))
    check(nn.ScatterElements, trials, spec)


@pytest.mark.parametrize("spec", [X86_64_V4_VNNI, X86_64_V3], ids=lambda spec: spec.name)
def test_scatter_nd(spec):
    trials, rng = [], np.random.default_rng(2)
    for reduction in REDUCTIONS:
        for shape, outer, depth in [
            ((7, 35), (4,), 1),
            ((3, 4, 5), (6,), 2),
            ((5, 4), (3,), 2),
            ((2, 20, 3, 4), (2,), 1),
        ]:
            places = rng.permutation(int(np.prod(shape[:depth])))[: outer[0]]
            index = np.stack(np.unravel_index(places, shape[:depth]), axis=-1)
            index = index if reduction == "none" else index % 2

            def write(x, i, u, reduction=reduction):
                return nn.ScatterNd(x, i, u, reduction=reduction)

            for dtype in ("float32", "int64"):
                inputs = (numbers(*shape, dtype=dtype), index, numbers(*outer, *shape[depth:], dtype=dtype, seed=1))
                layout = {"layout": images(rng)} if len(shape) == 4 and dtype == "float32" else {}
                trials.append(Trial(f"{reduction} {shape} {depth} {dtype}", write, inputs, **layout))
    check(nn.ScatterNd, trials, spec)


def test_indices_out_of_range(monkeypatch):
    """They change the nearest element that there is; numpy is asked for that one."""
    from kpuc.runtime.kernels import indexing

    def nearest(index: np.ndarray, size: int) -> np.ndarray:
        return np.clip(np.where(index < 0, index + size, index), 0, size - 1)

    monkeypatch.setattr(indexing, "from_front", nearest)
    far = np.array([-(2**40), 100, -5, 4, 1], np.int64)
    x = numbers(4, 20)

    def elements(x, i, u):
        return nn.ScatterElements(x, i, u, axis=0, reduction="add")

    def tuples(x, i, u):
        return nn.ScatterNd(x, i, u, reduction="add")

    check(nn.ScatterElements, [Trial("elements", elements, (x, np.tile(far[:4, None], (1, 20)), numbers(4, 20)))])
    check(nn.ScatterNd, [Trial("tuples", tuples, (x, far[:, None], numbers(5, 20)))])
