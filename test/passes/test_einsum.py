"""Einsum as products of matrices against numpy."""

from __future__ import annotations

import numpy as np
import pytest
from single_operation import Case

from kpuc.dialects import mlir, nn
from kpuc.dialects.evaluate import evaluate
from kpuc.dialects.function import entry_function
from kpuc.passes.pipeline import parse_pipeline

SIZES = dict(zip("abcdhijkqw", (2, 3, 4, 5, 3, 4, 5, 6, 3, 2), strict=True))
EQUATIONS = {
    "ij,jk->ik": None,
    "ij,jk": None,
    "bij,bjk->bik": None,
    "bhqd,bhkd->bhqk": None,
    "bqhd,bkhd->bhqk": None,
    "bij,bkj": None,
    "i,j->ij": None,
    "i,i->": None,
    "ij->ji": None,
    "ij->": None,
    "ij->i": None,
    "bii->bi": None,
    "bii->b": None,
    "ii,ij->j": None,
    "iii->i": None,
    "ij,j,i->": None,
    "ij,kj,ik->j": None,
    "bhwc,hkc->bhwk": None,
    "ijk,ijk->ijk": None,
    "ij,ik->k": None,
    "...ij,...jk->...ik": ((2, 3, 4, 5), (3, 5, 6)),
    "...,...->...": ((2, 3), (3,)),
    "i...->i...": ((2, 3, 4),),
    "aij,ajk->aik": ((1, 4, 5), (3, 5, 6)),
    "ij,jk->ki": ((4, 1), (5, 6)),
}
"""Equations, and shapes of operands where labels have several sizes."""


@pytest.mark.parametrize("equation", EQUATIONS)
def test_einsum(equation):
    terms = equation.partition("->")[0].split(",")
    shapes = EQUATIONS[equation] or [[SIZES[label] for label in term] for term in terms]
    inputs = tuple(np.random.default_rng(i).normal(size=shape).astype(np.float32) for i, shape in enumerate(shapes))
    with mlir.context():
        module = Case("einsum", lambda *x: nn.Einsum(x, equation=equation), inputs, 0.0).module()
        (expected,) = evaluate(module, inputs)
        parse_pipeline("builtin.module(nn-decompose)").run(module)
        assert not [op for op in entry_function(module).regions[0].blocks[0].operations if isinstance(op, nn.Einsum)]
        (result,) = evaluate(module, inputs)
    np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(result, np.einsum(equation, *inputs), rtol=1e-5, atol=1e-5)
