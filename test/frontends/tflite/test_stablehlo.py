"""Operators of StableHLO that run other graphs, on every engine beside LiteRT, and what is refused."""

import dataclasses

import numpy as np
import pytest
from single_operator import assert_close, graph_of, normal, reference
from stablehlo_cases import NETWORKS, combination, pad, scatter, window
from test_stateful import evaluated
from tflite_writer import write

import kpuc
from kpuc.errors import UnsupportedError

ENGINES = {"native": {"target": "cpu"}, "v7": {"target": "k230"}, "v5": {"target": "k510"}}


@pytest.mark.parametrize("engine", ["evaluator", *ENGINES])
@pytest.mark.parametrize("network", NETWORKS, ids=str)
def test_as_litert(network, engine):
    model, feed = write(*network.graphs), network.feeds[0]
    (expected,) = reference(model, [feed])
    if engine == "evaluator":
        (actual,) = evaluated(model, [feed])
    else:
        actual = kpuc.Simulator(kpuc.compile(model, **ENGINES[engine])).run(*feed).values()
    for theirs, ours in zip(expected, actual, strict=True):
        assert_close(theirs, ours, 1e-5)


def refuse(reason, *graphs):
    with pytest.raises(UnsupportedError, match=rf"K0150.*\n  .* at [oy]\w*: {reason}"):
        kpuc.compile(write(*graphs), target="cpu")


def test_combinations_that_are_not_known():
    (main, _), value = NETWORKS[0].graphs, combination("AND")
    refuse("elements are combined by STABLEHLO_AND; only STABLEHLO_ADD", main, value)
    both = dataclasses.replace(value, operators=2 * combination("ADD").operators)
    refuse("elements are combined by STABLEHLO_ADD, STABLEHLO_ADD; only", main, both)
    refuse("only sums, products, minima and maxima of one tensor", main, dataclasses.replace(value, operators=()))
    refuse("there is no graph 1", main)


@pytest.mark.parametrize("function", [0, 5, 6])
def test_windows_of_booleans(function):
    refuse("only sums, products, minima and maxima are supported", graph_of(window(function, normal(4), 0, (2,))))


@pytest.mark.parametrize(
    ("shape", "sizes", "options", "reason"),
    [
        ((4,), (5,), {}, "there is no window of 5 elements along dimension 0"),
        ((4,), (2,), {"strides": (0,)}, "there is no window of 2 elements along dimension 0"),
        ((9000,), (4500,), {}, "windows of 20254500 elements in all are more than 16777216"),
    ],
)
def test_windows_that_do_not_fit(shape, sizes, options, reason):
    refuse(reason, graph_of(window(1, normal(*shape), 0, sizes, **options)))


def test_elements_too_far_apart():
    item = pad(normal(3), (0,), (0,), (1 << 30,), 0)
    refuse("3 elements that are 1073741825 apart are not supported", graph_of(item))


def test_padding_that_is_computed():
    item = dataclasses.replace(pad(normal(3), (1,), (1,), (0,), 0), constant=())
    refuse("input 1 is computed by the network; only constants are supported", graph_of(item))


def test_a_part_that_no_index_names():
    network = scatter("part", "", normal(5, 6), np.int64([2]), normal(2, 3), (0, 1), (), (0,), 0)
    refuse("updates of a part of dimension 1, which no index names, are not supported", *network.graphs)


def test_indices_without_a_dimension_of_their_own():
    network = scatter("flat", "", normal(5), np.int64([2, 1]), normal(2), (), (0,), (0,), 1)
    refuse("indices of 1 dimensions have no dimension 1 that lists those of a place", *network.graphs)
