"""MelWeightMatrix beside onnxruntime, on every engine: its matrix is a constant, unless a run decides the edges."""

import numpy as np
import pytest
from engines import EVERY_ENGINE
from networks import relative_error
from single_node import BOUND, network, reference

import kpuc
from kpuc.errors import KpucError

FORMS = [
    (8, 16, 8192, 0.0, 4096.0),
    (40, 512, 16000, 125.0, 7500.0),
    (3, 400, 16000, 20.0, 8000.0),
    (30, 64, 16000, 0.0, 8000.0),
]
"""Bins, length, rate and edges; of the last ones many sides have no width."""


def matrix(bins, length, rate, low, high, constant, **attributes):
    numbers = [np.int64(one) for one in (bins, length, rate)]
    return network("MelWeightMatrix", [*numbers, *map(np.float32, (low, high))], constant=constant, **attributes)


@pytest.mark.parametrize("form", FORMS, ids=str)
@pytest.mark.parametrize("constant", [(0, 1, 2, 3), (0, 1, 2)], ids=str)
@pytest.mark.parametrize("engine", EVERY_ENGINE)
def test_computed_edges(form, constant, engine):
    model, feed = matrix(*form, constant)
    (expected,), (actual,) = reference(model, feed), EVERY_ENGINE[engine](model, feed)
    assert actual.dtype == expected.dtype and relative_error(expected, actual) <= BOUND


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_constant_edges(form):
    model, feed = matrix(*form, (0, 1, 2, 3, 4))
    (expected,), (actual,) = reference(model, feed), EVERY_ENGINE["evaluator"](model, feed)
    assert relative_error(expected, actual) <= BOUND


def test_another_type():
    model, feed = matrix(*FORMS[0], (0, 1, 2, 3, 4), output_datatype=11)
    (expected,), (actual,) = reference(model, feed), EVERY_ENGINE["evaluator"](model, feed)
    assert actual.dtype == expected.dtype == np.float64
    np.testing.assert_array_equal(actual, expected)


@pytest.mark.parametrize(
    ("form", "constant", "reason"),
    [
        (FORMS[0], (1, 2, 3, 4), "'num_mel_bins' is computed by the network"),
        ((8, 16, 0, 0.0, 1.0), (0, 1, 2, 3, 4), "8 bins, length 16 and rate 0 must be positive"),
        ((1 << 20, 1 << 20, 9, 0.0, 1.0), (0, 1, 2, 3, 4), "a matrix of 524289x1048576 is too large"),
    ],
)
def test_refused(form, constant, reason):
    with pytest.raises(KpucError, match=reason):
        kpuc.compile(matrix(*form, constant)[0], target="cpu")
