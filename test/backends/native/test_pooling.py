"""Pooling as machine code computes what numpy does, whatever lies beside the image."""

import numpy as np
import pytest
from images import run
from native_harness import X86_64_V3, X86_64_V4_VNNI

from kpuc.dialects import nn

IMAGES = ((0, 0, 0, 0), (1, 2, 1, 0))
MIXED = ((1, 1, 2, 2), "plain")
CASES = pytest.mark.parametrize(
    "layouts, spec",
    [(IMAGES, X86_64_V4_VNNI), (IMAGES, X86_64_V3), (MIXED, X86_64_V4_VNNI), (("plain", "plain"), X86_64_V3)],
)


def window(kernel=(3, 3), strides=(1, 1), dilations=(1, 1), padding=(0, 0, 0, 0), ceil_mode=False):
    return {
        "kernel": kernel, "strides": strides, "dilations": dilations, "padding": padding, "ceil_mode": ceil_mode
    }  # fmt: skip


WINDOWS = {
    "3x3 by 2": window(strides=(2, 2), padding=(1, 1, 1, 1)),
    "2x2": window((2, 2), (2, 2)),
    "ceil": window((3, 2), (2, 3), padding=(1, 0, 1, 1), ceil_mode=True),
    "wider": window((3, 27), padding=(1, 13, 1, 13)),
    "wide": window((9, 13), padding=(4, 6, 4, 6)),
    "dilated": window((3, 2), (1, 2), (2, 3), padding=(2, 1, 2, 1)),
    "whole": window((9, 14)),
}
KINDS = {
    "max": lambda x, given: nn.MaxPool(x, **given),
    "mean": lambda x, given: nn.AvgPool(x, count_include_pad=False, **given),
    "mean with padding": lambda x, given: nn.AvgPool(x, count_include_pad=True, **given),
    "norm": lambda x, given: nn.LpPool(x, p=2, **given),
}


@CASES
@pytest.mark.parametrize("kind", KINDS)
def test_windows(kind, layouts, spec):
    for given in WINDOWS.values():
        x = np.random.default_rng(1).standard_normal((2, 19, 9, 14), np.float32)
        for _, _, actual, expected in run(lambda x, given=given: KINDS[kind](x, given), [x], layouts, spec):
            np.testing.assert_allclose(actual, expected, rtol=2e-6, atol=2e-6)


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.float16])
def test_other_elements(dtype):
    for channels in (20, 123):
        x = (np.random.default_rng(2).standard_normal((1, channels, 6, 7)) * 50).astype(np.int32).astype(dtype)
        for _, _, actual, expected in run(lambda x: nn.MaxPool(x, **WINDOWS["3x3 by 2"]), [x], IMAGES):
            np.testing.assert_array_equal(actual, expected)


def test_nan_is_the_largest():
    x = np.random.default_rng(3).standard_normal((1, 16, 6, 7), np.float32)
    x[0, 3, 2, 2] = x[0, 5, 0, 0] = np.nan
    for _, _, actual, expected in run(lambda x: nn.MaxPool(x, **window()), [x], [(0, 0, 0, 0)] * 2):
        np.testing.assert_array_equal(actual, expected)


def test_other_powers():
    x = np.random.default_rng(4).standard_normal((1, 5, 6, 7), np.float32)
    for p in (1, 3):
        for _, _, actual, expected in run(lambda x, p=p: nn.LpPool(x, p=p, **window()), [x], [(0, 0, 0, 0)] * 2):
            np.testing.assert_allclose(actual, expected, rtol=3e-6)
