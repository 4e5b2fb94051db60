"""The onnx package's node tests as machine code for this CPU: computed right, or refused because sizes are not known.

Expectations come from onnx's reference implementation, as in test_onnx_nodes.
"""

from __future__ import annotations

import numpy as np
import pytest
from test_onnx_nodes import DIFFERENT, as_array, cases, with_constants

import kpuc
from kpuc.backends.native.target import host
from kpuc.errors import KpucError

NOT_IMPORTED = "K01"
"""What the codes of errors about models begin with, which test_onnx_nodes is about."""
NOT_COMPUTED = {"ConstantOfShape", "Loop", "NonMaxSuppression", "NonZero", "Range"} | {"Not"}
"""Operators of whose cases none is computed: the first input decides sizes, or what is computed; those of Not are of an
opset that is not imported."""


def by_operator():
    found = {}
    for case in cases():
        if case.name not in DIFFERENT:
            found.setdefault(case.model.graph.node[0].op_type, []).append(case)
    return found


def compute(case, cpu):
    """The results, or why there are none: the error, or None if the case is about something else."""
    try:
        arrays = [as_array(value) for value in case.data_sets[0][0]]
        model, feed = with_constants(case.model, arrays, "fiub")
        data = kpuc.compile(model.SerializeToString(), target="cpu", cpu=cpu).data
        return list(kpuc.Simulator(data).run(*feed).values())
    except KpucError as error:
        return None if error.code.startswith(NOT_IMPORTED) else error
    except (TypeError, AttributeError):  # sequences, optionals
        return None


@pytest.mark.parametrize("operator", sorted(by_operator()))
def test_operator(operator):
    cpu, computed = host().name, 0
    for case in by_operator()[operator]:
        results = compute(case, cpu)
        if isinstance(results, KpucError):
            assert results.code == "K0603", f"{case.name}: {results}"
        elif results is not None:
            computed += 1
            for result, expected in zip(results, map(as_array, case.data_sets[0][1]), strict=True):
                assert_near(case.name, result, expected)
    assert (computed == 0) == (operator in NOT_COMPUTED)


def assert_near(name, result, expected):
    """A few units in the last place of float32, accumulated; float16 has 11 bits."""
    assert (result.dtype, result.shape) == (expected.dtype, expected.shape), name
    if expected.dtype.kind == "f":
        bound = 2e-3 if expected.dtype == np.float16 else 1e-5
        np.testing.assert_allclose(result, expected, rtol=bound, atol=1e-5, err_msg=name)
    else:
        np.testing.assert_array_equal(result, expected, err_msg=name)
