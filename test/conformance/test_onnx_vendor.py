"""The onnx package's own tests of operators in the vendor's runtimes, on the bytes that ours runs."""

from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial
from multiprocessing import get_context

import numpy as np
import pytest
from node_cases import as_array
from onnx.backend.test.runner import Runner
from test_onnx_nodes import OPERATORS, STATED
from vendor import run_in_vendor_runtime
from vendor19 import simulate, skip_without

from kpuc import onnx_backend
from kpuc.tools.conformance import KNOWN, PASSED, cases

RUNTIMES = {
    "2.11": ("stackvm", {}),
    "1.9": ("stackvm5", {}),
    "1.1": ("stackvm5", {"runtime": "1.1.0"}),
}
"""The vendor's release, the engine that it corresponds to, and how networks are compiled for it."""
BATCH = 40
"""Tests that one process of the vendor's newest runtime goes through."""
NEAR_ZERO = 1e-5
"""Some roundings of float32 numbers around 1, where they cancel each other."""
HALVES = 4e-3
"""The vendor's runtime rounds float16 in other places: scores, weights and products of an attention, each by up to half
of a unit in the last place, which is 1e-3."""
OTHERWISE = {
    "test_onehot_out_of_range_indices": "an index below -depth is counted from the end twice",
    "test_top_k_same_values": "of equal elements the last one comes first",
    "test_top_k_same_values_2d": "of equal elements the last one comes first",
    "test_top_k_same_values_largest": "of equal elements the last one comes first",
}
"""What the vendor's newest runtime computes otherwise than the standard."""


def compiled(runtime, name):
    """The kmodel of a test and what goes in; nothing when it is not for this runtime, or takes no input.

    The vendor's older runtimes take and give no tensors without elements.
    """
    engine, options = RUNTIMES[runtime]
    arrays = [as_array(value) for value in cases()[name].data_sets[0][0]]
    try:
        network = onnx_backend.prepare(cases()[name].model, engine=engine, **options)
        network.run(arrays)
    except onnx_backend.NotSupportedError:
        return None
    fed = [np.ascontiguousarray(array).reshape(array.shape) for array in network.fed(arrays)]
    results = [as_array(value) for value in cases()[name].data_sets[0][1]]
    empty = runtime != "2.11" and any(array.size == 0 for array in (*fed, *results))
    return (network.kmodel, fed) if fed and not empty else None


@cache
def results(runtime):
    """What the vendor's runtime gives, by test. Functions that are written out would be the same kmodels again."""
    if runtime != "2.11":
        skip_without(runtime)
    engine, _ = RUNTIMES[runtime]
    names = [name for name, one in STATED.items() if one[engine] in (PASSED, KNOWN) and "_expanded" not in name]
    with ProcessPoolExecutor(2, get_context("fork")) as pool:
        made = dict(zip(names, pool.map(partial(compiled, runtime), names, chunksize=16), strict=True))
    jobs = {name: job for name, job in made.items() if job is not None}
    return dict(zip(jobs, run(runtime, jobs), strict=True))


def run(runtime, jobs):
    if runtime != "2.11":
        return simulate(list(jobs.values()), runtime, seconds=60)
    counted = [(*job, len(cases()[name].data_sets[0][1])) for name, job in jobs.items()]
    batches = [counted[start : start + BATCH] for start in range(0, len(counted), BATCH)]
    return [result for batch in batches for result in run_in_vendor_runtime(batch)]


@pytest.mark.slow
@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.parametrize("operator", sorted(set(OPERATORS.values())))
def test_operator(operator, runtime):
    for name, found in results(runtime).items():
        if OPERATORS[name] == operator and not (runtime == "2.11" and name in OTHERWISE):
            assert not isinstance(found, str), f"{name}: {found}"
            case = cases()[name]
            expected = [as_array(value) for value in case.data_sets[0][1]]
            found = [as_declared(*pair) for pair in zip(found, expected, strict=True)]
            halves = any(one.dtype == np.float16 for one in expected)
            Runner.assert_similar_outputs(expected, found, HALVES if halves else case.rtol, NEAR_ZERO)


def as_declared(found, expected):
    """Version 5 has bytes for booleans; bfloat16 is computed in float32."""
    pair = (expected.dtype.name, found.dtype.name)
    return found.astype(expected.dtype) if pair in {("bool", "uint8"), ("bfloat16", "float32")} else found
