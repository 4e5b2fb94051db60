"""One axis of a convolution as the KPU computes it: three taps around every element, in shifted copies of a map."""

from itertools import product

import numpy as np
import pytest

from kpuc.passes.kpu.geometry import Axis

RANDOM = np.random.default_rng(0)


def axes(kernel):
    """Every axis with this kernel, of small extents; paddings up to the kernel's whole extent."""
    for stride, dilation, size in product((1, 2, 3, 4), (1, 2, 3), (1, 2, 3, 4, 5, 8, 13)):
        extent = (kernel - 1) * dilation + 1
        paddings = sorted({0, extent // 2, (extent - 1) // 2, extent - 1})
        for begin, end in product(paddings, paddings):
            if begin + size + end >= extent:
                yield Axis(size, kernel, stride, dilation, begin, (begin + size + end - extent) // stride + 1)


def direct(axis, x, w):
    """The convolution by its definition."""
    result = np.zeros(axis.output)
    for o, tap in product(range(axis.output), range(axis.kernel)):
        place = o * axis.stride + tap * axis.dilation - axis.begin
        if 0 <= place < axis.size:
            result[o] += w[tap] * x[place]
    return result


def by_kpu(axis, x, w):
    """Three taps at every element of copies of the map, of which every `stride`-th is taken."""
    before, behind = axis.room
    x = np.pad(x, (before, behind))
    places = np.arange(x.size)
    result = np.zeros(x.size)
    for tap, (centre, neighbour) in zip(axis.used, axis.reads(), strict=True):
        assert neighbour in (-1, 0, 1)
        copy = np.where((places + centre >= 0) & (places + centre < x.size), np.roll(x, -centre), 0)
        result += w[tap] * np.pad(copy, 1)[1 + neighbour :][: x.size]
    first = axis.phase + before
    assert first >= 0
    assert first + axis.stride * (axis.output - 1) < x.size
    return result[first :: axis.stride][: axis.output]


@pytest.mark.parametrize("kernel", [1, 2, 3, 4, 5, 6, 7, 10])
def test_every_axis(kernel):
    count = 0
    for axis in axes(kernel):
        # whole numbers, so that sums are exact
        x, w = (RANDOM.integers(-9, 10, size).astype(np.float64) for size in (axis.size, kernel))
        np.testing.assert_array_equal(by_kpu(axis, x, w), direct(axis, x, w), str(axis))
        count += 1
    assert count > 80


@pytest.mark.parametrize("kernel", [1, 2, 3, 4, 5, 6, 7, 10])
def test_it_costs_no_more_than_it_must(kernel):
    for axis in axes(kernel):
        copies = {centre for centre, _ in axis.reads()}
        if axis.dilation == 1:
            # the map itself serves a tap on each side, every copy two
            sides = (len(axis.used) - 1) // 2, len(axis.used) // 2
            assert len(copies) <= 1 + sum(side // 2 for side in sides), axis
            assert axis.is_plain or len(axis.used) > 3, axis
        same = (
            axis.stride == 1 and kernel % 2 and axis.begin == kernel // 2 * axis.dilation and axis.output == axis.size
        )
        if same and len(axis.used) == kernel:
            assert (axis.phase, axis.room) == (0, (0, 0)), axis


def test_taps_that_only_read_padding_are_left_out():
    assert Axis(size=2, kernel=7, stride=1, dilation=1, begin=3, output=2).used == [2, 3, 4]
    assert Axis(size=3, kernel=3, stride=1, dilation=4, begin=4, output=3).used == [1]
    assert Axis(size=8, kernel=3, stride=1, dilation=1, begin=1, output=8).used == [0, 1, 2]


def test_a_tap_that_is_two_away_is_read_in_a_copy_that_is_shifted_by_one():
    assert Axis(size=20, kernel=5, stride=1, dilation=1, begin=2, output=20).reads() == [
        (-1, -1), (0, -1), (0, 0), (0, 1), (1, 1),
    ]  # fmt: skip
    assert Axis(size=20, kernel=3, stride=1, dilation=2, begin=2, output=20).reads() == [(-1, -1), (0, 0), (1, 1)]
