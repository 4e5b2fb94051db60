"""Every operation of `nn` becomes machine code, but for those whose result's size only a run can tell."""

from __future__ import annotations

import numpy as np
import pytest
from single_operation import Case

from kpuc.backends.native.decompose import computes, needed
from kpuc.backends.native.form_groups import ALIASES
from kpuc.dialects import mlir, nn
from kpuc.dialects.evaluate import evaluate
from kpuc.dialects.function import entry_function
from kpuc.dialects.ods import Op
from kpuc.passes.pipeline import parse_pipeline

OPERATIONS = [
    op for op in vars(nn).values() if isinstance(op, type) and issubclass(op, Op) and hasattr(op, "OPERATION_NAME")
]
UNKNOWN_SIZES = {
    nn.DynamicExpand: "the shape is an operand; with a constant one it is canonicalised to nn.expand",
    nn.DynamicPad: "the padding is an operand; with a constant one it is canonicalised to nn.pad",
    nn.DynamicReshape: "the shape is an operand; with a constant one it is canonicalised to nn.reshape",
    nn.DynamicResize: "the sizes are not known; where they are it is canonicalised to nn.resize",
    nn.DynamicSlice: "the bounds are operands; with constant ones it is canonicalised to nn.slice",
    nn.DynamicTile: "the counts are an operand; with a constant one it is canonicalised to nn.tile",
    nn.DynamicTopk: "k is an operand; with a constant one it is canonicalised to nn.topk",
    nn.Nms: "how many boxes stay depends on their values",
    nn.NonZero: "how many elements are not zero depends on their values",
}
"""Operations that are refused (K0603), and why."""


def test_every_operation():
    """Patterns of a base class do not count: those of pooling leave out what finds places."""
    patterns = {item.op for item in needed()}
    missing = {op for op in OPERATIONS if not computes(op) and op not in patterns and op not in ALIASES}
    assert missing == {nn.Constant, *UNKNOWN_SIZES}


@pytest.mark.parametrize("op", [nn.RandomUniform, nn.RandomNormal])
def test_random_tensors_are_constants(op):
    """The numbers that the reference kernels draw, in every run."""
    options = {"low": -1.0, "high": 2.0} if op is nn.RandomUniform else {"mean": 1.0, "scale": 3.0}
    shape, x = (3, 4), np.zeros((3, 4), np.float32)
    with mlir.context():
        elements = mlir.ir.F32Type.get()

        def write(x):
            return nn.Add(x, op(shape=shape, dtype=elements, seed=7.0, **options).output)

        module = Case("random", write, (x,), 0.0).module()
        (before,) = evaluate(module, (x,))
        parse_pipeline("builtin.module(native-decompose)").run(module)
        assert not [one for one in entry_function(module).regions[0].blocks[0].operations if isinstance(one, op)]
        (after,) = evaluate(module, (x,))
    np.testing.assert_array_equal(after, before)
    assert len(np.unique(before)) == before.size
