"""Suppression of overlapping boxes on the version 5 machine, beside LiteRT, and what is refused."""

import dataclasses

import numpy as np
import pytest
from detection_cases import CASES, chosen, scattered
from single_operator import assert_like, expectation, feed_of, graph_of
from tflite_writer import write

import kpuc
from kpuc.errors import UnsupportedError


@pytest.mark.parametrize("item", CASES, ids=range(len(CASES)))
def test_version_5(item):
    graph, expected = expectation(item)
    simulator = kpuc.Simulator(kpuc.compile(write(graph), target="cpu", kmodel=5))
    assert_like(item, expected, list(simulator.run(*feed_of(item)).values()))


def test_the_first_of_equal_scores_is_taken():
    """Which one LiteRT takes, its C++ library decides."""
    far = np.float32([[k, 0, k + 0.5, 1] for k in range(5)])
    item = chosen(far, np.float32([1, 2, 1, 2, 1]), 5, 0.5, 0.0)
    for options in ({}, {"portable": True}, {"kmodel": 5}):
        found = kpuc.Simulator(kpuc.compile(write(graph_of(item, ((5,), ()))), target="cpu", **options)).run(
            *feed_of(item)
        )
        np.testing.assert_array_equal(found["o0"], [1, 3, 0, 2, 4])


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"constant": (3, 4)}, "input 2 is computed by the network; only constants are supported"),
        ({"constant": (2, 4)}, "input 3 is computed by the network; only constants are supported"),
        ({"places": -1}, "-1 places for boxes are not supported, only up to 1024"),
        ({"places": 5000}, "5000 places for boxes are not supported, only up to 1024"),
    ],
)
def test_refused(change, reason):
    item = chosen(*scattered(6), change.get("places", 3), 0.5, 0.1)
    item = dataclasses.replace(item, constant=change.get("constant", item.constant))
    with pytest.raises(UnsupportedError, match=rf"K0150.*\n  NON_MAX_SUPPRESSION_V4 at o0: {reason}"):
        kpuc.compile(write(graph_of(item)), target="cpu")
