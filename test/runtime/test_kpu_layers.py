"""KPU layers: our arithmetic against its definition, and against the vendor's Simulator, byte for byte."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from kpu_cases import Case, random_case
from kpu_plain import activated, convolved, pooled
from vendor19 import simulate, skip_without

from kpuc.runtime import Simulator
from kpuc.runtime.kpu.arithmetic import activated as exactly
from kpuc.runtime.kpu.arithmetic import normalised
from kpuc.runtime.kpu.layer import WORTHWHILE, Layer
from kpuc.runtime.kpu.lookup import UNKNOWN
from kpuc.runtime.kpu.registers import layer_arguments
from kpuc.runtime.kpu.tables import LOWEST, Activation, BatchNorm


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
    layer, expected = case.layer, plain(case)
    for made in (0, WORTHWHILE):
        layer.made = made
        np.testing.assert_array_equal(np.stack([layer.run(one) for one in case.maps]), expected, f"{made} made before")


def test_results_are_looked_up_as_they_are_computed() -> None:
    """Over all that the sums of a channel can be, or very many of them, and always the extremes."""
    looked_up = 0
    for seed in range(300):
        layer = random_case(seed, largest=1500).layer
        if layer.lookup is None:
            continue
        looked_up += 1
        low, high = layer.convolution.bounds
        sums = np.linspace(low, high, 20_000, axis=1).round().astype(np.int64)
        expected = exactly(normalised(sums + layer.constant[:, None], layer.norm), layer.activation)
        found = layer.lookup.run(sums.astype(layer.convolution.weights.dtype))
        np.testing.assert_array_equal(found, expected, f"seed {seed}")
    assert looked_up > 100


def test_a_line_that_is_narrower_than_a_bucket() -> None:
    weights, most = np.full((1, 64, 1, 1), 255, np.uint8), 64 * 255 * 255
    arguments = layer_arguments(0, 4096, (1, 64, 4, 4), 1, kernel=1, weight_zero=0)
    start = [LOWEST, 100, 1_000_100, 1_000_110, *[most - 100] * 12]
    flat = Activation(start, [0] * 16, [0] * 16, [50, 60, 200, 60, *[70] * 12])
    lookup = Layer.of(arguments, weights, BatchNorm([1], [0], [0]), flat).lookup
    assert lookup is not None
    found = lookup.run(np.arange(most + 1, dtype=np.float32)[None])[0]
    np.testing.assert_array_equal(np.bincount(found)[[50, 60, 200, 70]], [101, most - 210, 10, 100])


def test_a_compilers_layers_are_looked_up() -> None:
    """All buckets of an activation such as compilers make have results or edges, most have results."""
    rng = np.random.default_rng(0)
    weights = rng.integers(0, 256, (8, 4, 3, 3)).astype(np.uint8)
    arguments = layer_arguments(0, 4096, (1, 4, 8, 8), 8, kernel=3, input_zero=100)
    rising = Activation([LOWEST, *range(0, 15 << 18, 1 << 18)], [0, *[16384] * 15], [0, *[28] * 15],
                        [0, *range(0, 240, 16)])  # fmt: skip
    lookup = Layer.of(arguments, weights, BatchNorm([1 << 20] * 8, [12] * 8, [0] * 8), rising).lookup
    assert lookup is not None
    assert not (lookup.table == UNKNOWN).any()
    assert (lookup.table < 0).mean() < 0.05


def compare_with_vendor(seeds: range) -> None:
    skip_without()
    cases = [random_case(seed) for seed in seeds]
    kmodels = [case.kmodel() for case in cases]
    theirs = simulate([(data, [case.maps]) for data, case in zip(kmodels, cases, strict=True)])
    for seed, case, data, expected in zip(seeds, cases, kmodels, theirs, strict=True):
        assert isinstance(expected, list), f"seed {seed}: {expected}"
        simulator = Simulator(data)
        for _ in range(2):
            np.testing.assert_array_equal(simulator.run(case.maps)["output0"], expected[0], f"seed {seed}")


def test_the_vendor_computes_the_same() -> None:
    compare_with_vendor(range(400))


@pytest.mark.slow
@pytest.mark.parametrize("block", range(1, 9))
def test_the_vendor_computes_the_same_in_thousands_of_layers(block: int) -> None:
    compare_with_vendor(range(400 * block, 400 * block + 400))
