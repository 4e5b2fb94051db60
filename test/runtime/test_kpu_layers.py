"""KPU layers: our arithmetic against its definition, and against the vendor's Simulator, byte for byte."""

from __future__ import annotations

import dataclasses
from collections import Counter

import numpy as np
import pytest
from kpu_cases import Case, random_case
from kpu_plain import activated, convolved, pooled
from vendor19 import simulate, skip_without

from kpuc.runtime import Simulator
from kpuc.runtime.kpu.arithmetic import activated as exactly
from kpuc.runtime.kpu.arithmetic import normalised
from kpuc.runtime.kpu.layer import WORTHWHILE, Layer
from kpuc.runtime.kpu.line import Line
from kpuc.runtime.kpu.lookup import UNKNOWN, Lookup
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


def test_shortcuts_give_what_is_computed() -> None:
    """Over all that the sums of a channel can be, or very many of them, and always the extremes."""
    taken = Counter[type]()
    for seed in range(300):
        layer = random_case(seed, largest=1500).layer
        if layer.shortcut is None:
            continue
        taken[type(layer.shortcut)] += 1
        low, high = layer.convolution.bounds
        compare_with_integers(layer, np.linspace(low, high, 20_000, axis=1).round().astype(np.int64))
    assert taken[Lookup] > 100 and taken[Line] > 30


def test_results_rise_along_a_line_where_the_integers_say() -> None:
    taken = 0
    for seed in range(300):
        layer = random_case(seed, largest=1500).layer
        if not isinstance(layer.shortcut, Line):
            continue
        taken += 1
        mul, shift, add = (layer.norm.columns[name][:, None] for name in ("mul", "shift", "add"))
        nearest = (layer.shortcut.edges - add << shift) // np.where(mul == 0, 1, mul) - layer.constant[:, None]
        near = np.concatenate([nearest + one for one in range(-2, 3)], axis=1)
        compare_with_integers(layer, np.clip(near, *(one[:, None] for one in layer.convolution.bounds)))
    assert taken > 30


def compare_with_integers(layer: Layer, sums: np.ndarray) -> None:
    assert layer.shortcut is not None
    expected = exactly(normalised(sums + layer.constant[:, None], layer.norm), layer.activation)
    found = layer.shortcut.run(sums.astype(layer.convolution.weights.dtype))
    np.testing.assert_array_equal(found, expected)


def test_a_line_that_is_narrower_than_a_bucket() -> None:
    weights, most = np.full((1, 64, 1, 1), 255, np.uint8), 64 * 255 * 255
    arguments = layer_arguments(0, 4096, (1, 64, 4, 4), 1, kernel=1, weight_zero=0)
    start = [LOWEST, 100, 1_000_100, 1_000_110, *[most - 100] * 12]
    flat = Activation(start, [0] * 16, [0] * 16, [50, 60, 200, 60, *[70] * 12])
    lookup = Layer.of(arguments, weights, BatchNorm([1], [0], [0]), flat).shortcut
    assert isinstance(lookup, Lookup)
    found = lookup.run(np.arange(most + 1, dtype=np.float32)[None])[0]
    np.testing.assert_array_equal(np.bincount(found)[[50, 60, 200, 70]], [101, most - 210, 10, 100])


def layer_with(slopes: list[int]) -> Layer:
    """Lines of 16 results at least, whose slopes are multiples of one."""
    rng = np.random.default_rng(0)
    weights = rng.integers(0, 256, (8, 4, 3, 3)).astype(np.uint8)
    arguments = layer_arguments(0, 4096, (1, 4, 8, 8), 8, kernel=3, input_zero=100)
    add = np.minimum(16 * np.cumsum([0, *slopes[:-1]]), 255)
    rising = Activation([LOWEST, *range(0, 15 << 18, 1 << 18)], [0, *(16384 * one for one in slopes)],
                        [0, *[28] * 15], [0, *add])  # fmt: skip
    return Layer.of(arguments, weights, BatchNorm([1 << 20] * 8, [12] * 8, [0] * 8), rising)


def test_a_compilers_bent_activations_are_looked_up() -> None:
    """All buckets have results or edges, most have results."""
    lookup = layer_with([1] * 7 + [2] * 8).shortcut
    assert isinstance(lookup, Lookup)
    assert not (lookup.table == UNKNOWN).any()
    assert (lookup.table < 0).mean() < 0.05


def test_a_compilers_straight_activations_are_lines() -> None:
    line = layer_with([1] * 15).shortcut
    assert isinstance(line, Line)
    assert (line.lowest, line.first, line.last, line.highest) == (0, 0, 255, 255)
    assert line.limit > 0.499


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
