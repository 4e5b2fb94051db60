"""Angles of points, as machine code and on stack machines, beside numpy."""

import numpy as np
import pytest
from single_operation import Case

from kpuc.backends.native.decompose import machine_code
from kpuc.compiler import BASIC_PIPELINE, STACKVM_PIPELINE
from kpuc.dialects import mlir, nn
from kpuc.dialects.evaluate import evaluate
from kpuc.passes.pipeline import parse_pipeline

Y, X = (np.float32(axis) for axis in np.meshgrid([-1e30, -3, -1, -1e-30, 0, 1e-30, 1, 3, 1e30], [-2, -1, 0, 1, 2e9]))


@pytest.mark.parametrize("pipeline", [STACKVM_PIPELINE, BASIC_PIPELINE, "builtin.module(native-decompose)"])
def test_every_quadrant(pipeline):
    with mlir.context():
        module = Case("atan2", nn.Atan2, (Y, X), 0.0).module()
        parse_pipeline(pipeline).run(module)
        assert '"nn.atan2"' not in str(module)
        (result,) = evaluate(module, [Y, X])
    np.testing.assert_allclose(result, np.arctan2(Y, X), rtol=1e-6, atol=1e-6)


def test_it_becomes_machine_code():
    assert machine_code(nn.Atan2)
