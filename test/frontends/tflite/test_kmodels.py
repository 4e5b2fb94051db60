"""Every TFLite operator in kmodels, beside LiteRT: as machine code, and as portable code.

The operators are side by side in a few networks, which saves most of the time.
"""

import numpy as np
import pytest
from quantised_cases import RELU, RELU6, SAME, VALID, WHOLE, conv, dense, depthwise
from quantised_more_cases import pool
from single_operator import assert_like, expectation, feed_of, side_by_side
from test_operators import CASES
from tflite_writer import write

import kpuc
from kpuc.errors import UnsupportedError

LACKING = tuple(f"UNSORTED_SEGMENT_{kind}" for kind in ("SUM", "PROD", "MAX", "MIN"))


def lacking(item):
    """What the stack machine cannot compute: that is an error, which says so."""
    half_pixels = item.operator == "RESIZE_NEAREST_NEIGHBOR" and "HalfPixelCenters" in item.options
    sums = item.operator == "SCATTER_ND" and item.constant == (2,)
    kinds = (*item.outputs, *(array.dtype.name for array in feed_of(item)))
    bits = item.operator == "BITCAST" and len(set(kinds)) > 1 and any("float" in kind for kind in kinds)
    return item.operator in LACKING or half_pixels or sums or bits


def is_halves(item):
    """The stack machine rounds halves to even behind the zero point, LiteRT before it."""
    return item.operator == "QUANTIZE" and item.results[0] == WHOLE


TOGETHER = 80
OPEN = ("UNIQUE", "WHERE")
"""What has results whose shapes depend on data."""
STATELESS = [item for item in CASES if not item.variables and item.operator not in OPEN]
PORTABLE = [item for item in STATELESS if not (lacking(item) or is_halves(item))]


def items_of(form):
    return STATELESS if form == "native" else PORTABLE


GROUPS = [(form, start) for form in ("native", "portable") for start in range(0, len(items_of(form)), TOGETHER)]


@pytest.mark.parametrize(("form", "start"), GROUPS)
def test_as_litert(form, start):
    items = items_of(form)[start : start + TOGETHER]
    graphs, expected = zip(*map(expectation, items), strict=True)
    simulator = kpuc.Simulator(kpuc.compile(write(side_by_side(graphs)), portable=form == "portable"))
    results = list(simulator.run(*(array for item in items for array in feed_of(item))).values())
    for item, theirs in zip(items, expected, strict=True):
        assert_like(item, theirs, [results.pop(0) for _ in theirs])


@pytest.mark.parametrize(
    "item", {item.operator: item for item in reversed(STATELESS) if lacking(item)}.values(), ids=str
)
def test_what_is_lacking_is_refused(item):
    graph, _ = expectation(item)
    with pytest.raises(UnsupportedError, match="K0602"):
        kpuc.compile(write(graph), portable=True)


@pytest.mark.parametrize("portable", [False, True])
@pytest.mark.parametrize("operator", OPEN)
def test_results_of_unknown_shape(operator, portable):
    """Portable code computes them, whether or not machine code was asked for."""
    item = next(item for item in CASES if item.operator == operator)
    graph, expected = expectation(item)
    kmodel = kpuc.compile(write(graph), portable=portable)
    assert "cpus" not in kmodel.report
    assert_like(item, expected, list(kpuc.Simulator(kmodel).run(*feed_of(item)).values()))


LAYERS = [
    *(
        layer
        for dtype in ("int8", "uint8")
        for layer in (
            conv(dtype, (1, 33, 31, 3), (24, 3, 3, 3), padding=SAME, stride_h=2, stride_w=2),
            conv(dtype, (2, 17, 19, 24), (40, 1, 1, 24), fused_activation_function=RELU6),
            conv(dtype, (1, 13, 12, 48), (17, 3, 3, 48), padding=VALID),
            conv(dtype, (1, 15, 16, 20), (8, 3, 3, 20), padding=SAME, dilation_h_factor=2, dilation_w_factor=2),
            depthwise(dtype, (1, 33, 31, 24), (3, 3), padding=SAME, fused_activation_function=RELU),
            depthwise(dtype, (1, 24, 25, 7), (5, 5), padding=SAME, stride_h=2, stride_w=2),
            dense(dtype, (5, 300), (77, 300)),
        )
    ),
    *(pool("AVERAGE_POOL_2D", dtype, padding) for dtype in ("int8", "uint8") for padding in (SAME, VALID)),
]


def test_layers_are_equal_bit_for_bit():
    """Tens of thousands of sums, each rounded as LiteRT's default kernels round it."""
    graphs, expected = zip(*map(expectation, LAYERS), strict=True)
    simulator = kpuc.Simulator(kpuc.compile(write(side_by_side(graphs))))
    results = simulator.run(*(array for item in LAYERS for array in feed_of(item))).values()
    for (theirs,), ours in zip(expected, results, strict=True):
        np.testing.assert_array_equal(ours, theirs)
