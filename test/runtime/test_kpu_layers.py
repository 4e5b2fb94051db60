"""KPU layers: our arithmetic against its definition, and against the vendor's Simulator, byte for byte."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from kpu_cases import Case, random_case
from kpu_plain import activated, convolved, pooled
from vendor19 import find_python, simulate

from kpuc.runtime import Simulator


def plain(case: Case) -> np.ndarray:
    norm, lines = case.norm.columns, case.activation.columns
    table = [tuple(int(lines[name][i]) for name in ("start", "mul", "shift", "add")) for i in range(16)]
    results = []
    for maps in case.maps:
        acc = convolved(maps, case.weights, case.arguments)
        made = np.zeros(acc.shape, np.uint8)
        for at in np.ndindex(acc.shape):
            mul, shift, add = (int(norm[name][at[0]]) for name in ("mul", "shift", "add"))
            made[at] = activated((acc[at] * mul >> shift) + add, table)
        results.append(pooled(made, case.arguments.pool_type))
    return np.stack(results)


@pytest.mark.parametrize("seed", range(80))
def test_a_layer_is_what_it_is_defined_as(seed: int) -> None:
    case = random_case(seed, largest=1500)
    if not seed // 4 % 10:
        case = dataclasses.replace(case, maps=case.maps & 1)
    np.testing.assert_array_equal(np.stack([case.layer.run(one) for one in case.maps]), plain(case))


def compare_with_vendor(seeds: range) -> None:
    if find_python()[0] is None:
        pytest.skip(find_python()[1])
    cases = [random_case(seed) for seed in seeds]
    kmodels = [case.kmodel() for case in cases]
    theirs = simulate([(data, [case.maps]) for data, case in zip(kmodels, cases, strict=True)])
    for seed, case, data, expected in zip(seeds, cases, kmodels, theirs, strict=True):
        assert isinstance(expected, list), f"seed {seed}: {expected}"
        np.testing.assert_array_equal(Simulator(data).run(case.maps)["output0"], expected[0], f"seed {seed}")


def test_the_vendor_computes_the_same() -> None:
    compare_with_vendor(range(400))


@pytest.mark.slow
@pytest.mark.parametrize("block", range(1, 9))
def test_the_vendor_computes_the_same_in_thousands_of_layers(block: int) -> None:
    compare_with_vendor(range(400 * block, 400 * block + 400))
