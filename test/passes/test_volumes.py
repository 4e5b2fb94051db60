"""Convolutions over three dimensions as those over two, against numpy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from single_operation import Case

from kpuc.dialects import mlir, nn
from kpuc.dialects.evaluate import evaluate
from kpuc.dialects.function import entry_function
from kpuc.passes.nn import volumes
from kpuc.passes.rewriter import rewrite_module

CASES: dict[str, dict[str, Any]] = {
    "plain": {},
    "padded": {"padding": (1, 0, 2, 2, 1, 0), "clamp": (-1.0, 2.0)},
    "strides": {"strides": (2, 1, 3), "padding": (1, 1, 1, 1, 1, 1), "bias": True},
    "dilated": {"dilations": (2, 2, 1), "padding": (2, 0, 0, 1, 0, 0)},
    "groups": {"groups": 2, "strides": (1, 2, 2), "bias": True},
}


def numbers(*shape: int) -> np.ndarray:
    return np.random.default_rng(len(shape)).normal(size=shape).astype(np.float32)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("op", [nn.Conv, nn.ConvTranspose])
def test_convolutions(op, name):
    options = {"strides": (1, 1, 1), "dilations": (1, 1, 1), "padding": (0,) * 6, "groups": 1, "clamp": None}
    options |= CASES[name]
    bias = numbers(6) if options.pop("bias", False) else None
    groups = options["groups"]
    if op is nn.ConvTranspose:
        options["output_padding"] = (0, 0, options["strides"][2] - 1)
    shape = (6, 4 // groups) if op is nn.Conv else (4, 6 // groups)
    inputs = [numbers(2, 4, 6, 5, 7), numbers(*shape, 3, 2, 3), *([] if bias is None else [bias])]
    with mlir.context():

        def write(x, w, b=None):
            return op(x, w, b, **options)

        module = Case("volume", write, tuple(inputs), 0.0).module()
        (before,) = evaluate(module, inputs)
        rewrite_module(module, volumes.PATTERNS)
        left = [one for one in entry_function(module).regions[0].blocks[0].operations if isinstance(one, op)]
        assert all(len(one.strides) == 2 for one in left)
        (after,) = evaluate(module, inputs)
    np.testing.assert_allclose(after, before, rtol=1e-4, atol=1e-4)


def test_images_stay():
    with mlir.context():
        options = {"strides": (1, 1), "dilations": (1, 1), "padding": (0,) * 4, "groups": 1, "clamp": None}
        module = Case(
            "image", lambda x, w: nn.Conv(x, w, None, **options), (numbers(1, 2, 4, 4), numbers(3, 2, 2, 2)), 0.0
        ).module()
        before = str(module)
        rewrite_module(module, volumes.PATTERNS)
        assert str(module) == before
