"""Suppression of overlapping boxes on the version 5 machine, beside LiteRT, and what is refused."""

import dataclasses

import numpy as np
import pytest
from detection_cases import CASES, FEW, chosen, detected, scattered
from single_operator import assert_like, expectation, feed_of, graph_of
from tflite_writer import write

import kpuc
from kpuc.errors import ModelError, UnsupportedError


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


@pytest.mark.parametrize("options", [{}, {"portable": True}, {"kmodel": 5}], ids=str)
def test_places_that_are_left(options):
    graph, expected = expectation(FEW)
    found = list(kpuc.Simulator(kpuc.compile(write(graph), target="cpu", **options)).run(*feed_of(FEW)).values())
    count = int(expected[3][0])
    assert 0 < count < 10 and found[3] == expected[3]
    for theirs, ours in zip(expected[:3], found, strict=False):
        np.testing.assert_allclose(ours[:, :count], theirs[:, :count], rtol=1e-5, atol=1e-6)
        assert not ours[:, count:].any()


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        (detected(6, 3, 4, 5), "5 classes, 1 a box, do not fit scores of 4"),
        (detected(6, 3, 4, 4, wanted=0), "4 classes, 0 a box, do not fit scores of 4"),
        (detected(6, 3, 4, 4, wanted=5000), "4 classes, 5000 a box, do not fit scores of 4"),
        (detected(6, -2, 4, 4), "-2 places for boxes are not supported, only up to 1024"),
        (detected(6, 3, 4, 4, use_regular_nms=True, detections_per_class=-1), "-1 places for boxes are not supported"),
    ],
)
def test_refused_options(item, reason):
    graph = graph_of(dataclasses.replace(item, shapes=None))
    with pytest.raises(UnsupportedError, match=rf"K0150.*\n  CUSTOM TFLite_Detection_PostProcess at o0: {reason}"):
        kpuc.compile(write(graph), target="cpu")


def test_options_that_are_damaged():
    item = detected(6, 3, 4, 4)
    name, data = item.custom
    for cut in (data[:5], data[7:], b""):
        graph = graph_of(dataclasses.replace(item, custom=(name, cut), shapes=None))
        with pytest.raises(ModelError, match=r"K014[01]"):
            kpuc.compile(write(graph), target="cpu")


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
