"""The onnx package's node tests through the whole compiler for k510: computed right, here and in the vendor's
simulators on the same bytes, or refused with a sentence.

Expectations come from onnx's reference implementation, as in test_onnx_nodes.
"""

from functools import cache

import numpy as np
import pytest
from test_onnx_nodes import DIFFERENT, as_array, cases, with_constants
from vendor19 import simulate, skip_without

import kpuc
from kpuc.errors import KpucError

REFUSED = {
    "Cast": "of float16 and float64",
    "CastLike": "of float16 and float64",
    "Celu": "of float16",
    "ConvTranspose": "over three dimensions",
    "CumSum": "of float64",
    "Einsum": "that is no product of matrices",
    "GRU": "",
    "GatherElements": "",
    "IsInf": "of float16",
    "IsNaN": "of float16",
    "LSTM": "with lengths, peepholes or unusual activations",
    "LpPool": "over three dimensions, or of other norms",
    "MaxPool": "over three dimensions, or with indices",
    "AveragePool": "over three dimensions, or of rounded up windows that count padding",
    "Max": "of float64",
    "Min": "of float64",
    "Mod": "of integers",
    "OneHot": "of integers",
    "QuantizeLinear": "to 16 bits, or with a scale for each channel",
    "RNN": "",
    "ReduceLogSumExp": "of float64",
    "Resize": "by cubic filters and unusual coordinates",
    "ReverseSequence": "",
    "Scatter": "",
    "ScatterElements": "",
    "ScatterND": "",
}
"""Operators that the stack machine of k510 does not compute, or not always."""


RELEASES = {"1.9": "1.9", "1.1.0": "1.1"}
"""Runtime -> the vendor's release that stands for it here."""
RUNTIMES = ["1.9", pytest.param("1.1.0", marks=pytest.mark.slow)]


@cache
def compiled(runtime):
    """(kmodel, inputs) of each case that keeps an input, or the error; those that cannot be imported are left out."""
    found = {}
    for case in cases():
        if case.name in DIFFERENT:
            continue
        try:
            model, feed = with_constants(case.model, [as_array(value) for value in case.data_sets[0][0]])
            if feed:
                found[case.name] = kpuc.compile(model.SerializeToString(), target="k510", runtime=runtime).data, feed
        except KpucError as error:
            if error.code.startswith("K06"):
                found[case.name] = error, []
        except (TypeError, AttributeError):  # sequences, optionals
            continue
    return found


@cache
def vendor(runtime):
    skip_without(RELEASES[runtime])
    jobs = {name: job for name, job in compiled(runtime).items() if isinstance(job[0], bytes)}
    return dict(zip(jobs, simulate(list(jobs.values()), RELEASES[runtime], seconds=60), strict=True))


def assert_expected(case, actual):
    for result, expected in zip(actual, map(as_array, case.data_sets[0][1]), strict=True):
        expected = expected.astype(np.uint8) if expected.dtype == np.bool_ else expected
        assert (result.dtype, result.shape) == (expected.dtype, expected.shape)
        if expected.dtype.kind == "f":
            np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-5)
        else:
            np.testing.assert_array_equal(result, expected)


def of_operator(operator, runtime):
    made = compiled(runtime)
    found = [case for case in cases() if case.model.graph.node[0].op_type == operator and case.name in made]
    return [(case, *made[case.name]) for case in found]


OPERATORS = sorted({case.model.graph.node[0].op_type for case in cases()})


@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.parametrize("operator", OPERATORS)
def test_our_simulator(operator, runtime):
    for case, data, feed in of_operator(operator, runtime):
        if isinstance(data, bytes):
            assert_expected(case, kpuc.Simulator(data).run(*feed).values())
        else:
            missing = runtime != "1.9" and f"runtime {RELEASES[runtime]}" in str(data)
            assert missing or data.code == "K0603" or operator in REFUSED, str(data)


@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.parametrize("operator", OPERATORS)
def test_vendor(operator, runtime):
    for case, data, _ in of_operator(operator, runtime):
        if isinstance(data, bytes):
            result = vendor(runtime)[case.name]
            assert not isinstance(result, str), f"{case.name}: {result}"
            assert_expected(case, result)


def test_most_cases_are_computed():
    outcomes = [isinstance(data, bytes) for data, _ in compiled("1.9").values()]
    assert sum(outcomes) > 500
    assert {case.model.graph.node[0].op_type for case in cases() if case.name in compiled("1.9")} >= set(REFUSED)
