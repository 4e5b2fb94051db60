"""Fourier transforms and what is done to complex numbers, on every engine beside LiteRT; lengths that LiteRT does not
take, beside numpy."""

import numpy as np
import pytest
from single_operator import assert_close, reference
from spectra_cases import NETWORKS, spectrum, step
from test_stablehlo import ENGINES
from test_stateful import evaluated
from tflite_writer import write

import kpuc
from kpuc.errors import KpucError, UnsupportedError


def outputs(engine, model, feed):
    if engine == "evaluator":
        return evaluated(model, [feed])[0]
    return list(kpuc.Simulator(kpuc.compile(model, **ENGINES[engine])).run(*feed).values())


@pytest.mark.parametrize("engine", ["evaluator", *ENGINES])
@pytest.mark.parametrize("network", NETWORKS, ids=str)
def test_as_litert(network, engine):
    model, feed = write(*network.graphs), network.feeds[0]
    (expected,) = reference(model, [feed])
    for theirs, ours in zip(expected, outputs(engine, model, feed), strict=True):
        assert_close(theirs, ours, 1e-5)


@pytest.mark.parametrize("lengths", [(1, 9), (6, 10), (3, 1)], ids=str)
def test_any_length(lengths):
    network = spectrum((5, 7), lengths)
    found = outputs("evaluator", write(*network.graphs), network.feeds[0])
    expected = np.fft.rfft2(network.feeds[0][0], s=lengths)
    for theirs, ours in zip((np.abs(expected), expected.real, expected.imag), found, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


def refuse(network, match, kind=UnsupportedError):
    with pytest.raises(kind, match=match):
        kpuc.compile(write(*network.graphs), target="cpu")


def test_complex_outputs():
    refuse(spectrum((1, 8), (1, 8), ends=()), r"K0151.*: c: the tensor is made of complex numbers, which no output is")


def test_operators_that_compute_with_complex_numbers():
    multiplied = step("MUL", (1, 5), again=True)
    refuse(spectrum((1, 8), (1, 8), [multiplied]), r"K0150.*\n  MUL at v: complex numbers are not supported")


def test_real_numbers_have_no_parts():
    network = spectrum((1, 8), (1, 8), ends=("REAL",))
    (graph,) = network.graphs
    graph.operators[1].inputs[0] = 0
    refuse(network, r"K0150.*\n  REAL at y0: its input is not made of complex numbers")


def test_lengths_that_are_not_supported():
    for lengths in ((1, 0), (-1, 8)):
        refuse(
            spectrum((1, 8), lengths), r"K0150.*\n  RFFT2D at c: a transform of -?[01]x[08] elements is not supported"
        )
    refuse(spectrum((1, 8), (1, 5000)), "a transform of length 5000 is not supported, only up to 4096", KpucError)
