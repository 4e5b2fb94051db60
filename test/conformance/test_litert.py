"""Quantised TFLite networks, as machine code and for stack machines, beside LiteRT as it runs by default.

That is: convolutions, products, sums and moves by XNNPACK, the rest by its own kernels. Integer outputs are one step
away at most, and nearly all are equal; reals are dequantised 16-bit numbers. docs/tflite.md has each network's numbers.
"""

import pytest
from litert_comparison import CLASSES, CODE, NETWORKS, compare, with_litert

EXACT = 0.99
"""The share of equal outputs."""
RELATIVE = 1e-4
"""The largest difference of real outputs, relative to the largest of them."""


@pytest.mark.parametrize("path", NETWORKS, ids=lambda path: path.stem)
@pytest.mark.parametrize("target", CODE)
def test_as_litert_by_default(path, target):
    found = compare(with_litert(path, target))
    assert found.relative is None or found.relative <= RELATIVE
    assert found.exact is None or found.exact >= EXACT
    assert found.steps is None or found.steps <= 1 or path.stem in CLASSES
