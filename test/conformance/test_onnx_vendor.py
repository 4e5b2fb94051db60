"""The onnx package's own tests of operators in the vendor's simulators of version 5, on the bytes that ours runs."""

from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial
from multiprocessing import get_context

import pytest
from node_cases import as_array
from onnx.backend.test.runner import Runner
from test_onnx_nodes import OPERATORS, STATED
from vendor19 import simulate, skip_without

from kpuc import onnx_backend
from kpuc.tools.conformance import KNOWN, PASSED, cases

RELEASES = {"1.6": "1.9", "1.1.0": "1.1"}
"""Runtime -> the vendor's release that stands for it here."""
RUNTIMES = ["1.6", pytest.param("1.1.0", marks=pytest.mark.slow)]


def compiled(runtime, name):
    """The kmodel of a test and what goes in; nothing when it cannot be made for this runtime."""
    case = cases()[name]
    arrays = [as_array(value) for value in case.data_sets[0][0]]
    try:
        network = onnx_backend.prepare(case.model, engine="stackvm5", runtime=runtime)
        network.run(arrays)
    except onnx_backend.NotSupportedError:
        return None
    return network.kmodel, network.fed(arrays)


@cache
def results(runtime):
    """What the vendor's simulator gives, by test."""
    skip_without(RELEASES[runtime])
    names = [name for name, found in STATED.items() if found["stackvm5"] in (PASSED, KNOWN)]
    with ProcessPoolExecutor(2, get_context("fork")) as pool:
        made = dict(zip(names, pool.map(partial(compiled, runtime), names, chunksize=16), strict=True))
    jobs = {name: job for name, job in made.items() if job is not None}
    return dict(zip(jobs, simulate(list(jobs.values()), RELEASES[runtime], seconds=60), strict=True))


@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.parametrize("operator", sorted(set(OPERATORS.values())))
def test_operator(operator, runtime):
    for name, result in results(runtime).items():
        if OPERATORS[name] == operator:
            assert not isinstance(result, str), f"{name}: {result}"
            case = cases()[name]
            expected = [as_array(value) for value in case.data_sets[0][1]]
            result = [
                one.astype(bool) if want.dtype == bool else one for one, want in zip(result, expected, strict=True)
            ]
            Runner.assert_similar_outputs(expected, result, case.rtol, case.atol)
