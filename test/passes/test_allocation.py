"""The memory planner: plans are valid on random buffers, optimal where trying everything is possible."""

import itertools
import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kpuc.errors import CapacityError
from kpuc.passes.buffers.allocation import Allocation, Buffer, allocate


@st.composite
def buffers(draw, most=30, alignments=(1, 2, 3, 8, 16)):
    count = draw(st.integers(0, most))
    made = []
    for index in range(count):
        start = draw(st.integers(0, 12))
        length = draw(st.integers(1, 8))
        size, alignment = draw(st.integers(0, 40)), draw(st.sampled_from(alignments))
        made.append(Buffer(f"b{index}", size, start, start + length, alignment))
    return made


def assert_valid(made, plan):
    assert len(plan.offsets) == len(made)
    assert all(at >= 0 and at % buffer.alignment == 0 for at, buffer in zip(plan.offsets, made, strict=True))
    for (a, at), (b, bt) in itertools.combinations(list(zip(made, plan.offsets, strict=True)), 2):
        apart_in_time = a.end <= b.start or b.end <= a.start
        empty = not (a.size and b.size)
        assert apart_in_time or empty or at + a.size <= bt or bt + b.size <= at, (a, at, b, bt)
    unit = math.gcd(*(buffer.alignment for buffer in made)) or 1
    top = max((at + buffer.size for at, buffer in zip(plan.offsets, made, strict=True)), default=0)
    assert plan.peak == -(-top // unit) * unit
    for step in {buffer.start for buffer in made}:
        assert sum(buffer.size for buffer in made if buffer.start <= step < buffer.end) <= plan.lower_bound
    assert plan.lower_bound <= plan.peak


@given(buffers())
def test_every_plan_is_valid(made):
    assert_valid(made, allocate(made))


@given(buffers())
def test_every_plan_that_was_searched_for_is_valid_and_none_is_worse_than_the_greedy_one(made):
    plan = allocate(made, seconds=0.1)
    assert_valid(made, plan)
    assert plan.peak <= allocate(made).peak


def smallest_peak(made):
    """By trying every order: some first fit in order of offsets finds every plan that is pushed down."""
    best = math.inf
    for order in itertools.permutations(made):
        offsets = {}
        for buffer in order:
            at = 0
            for other, begin in offsets.items():
                if other.start < buffer.end and buffer.start < other.end:
                    at = max(at, begin + other.size)
            offsets[buffer] = -(-at // buffer.alignment) * buffer.alignment
        best = min(best, max((at + buffer.size for buffer, at in offsets.items()), default=0))
    return best


@settings(max_examples=60)
@given(buffers(most=6), st.sampled_from([1, 4]))
def test_the_search_is_optimal_and_proves_it(made, scale):
    made = [replace(buffer, size=buffer.size * scale) for buffer in made]
    unit = math.gcd(*(buffer.alignment for buffer in made)) or 1
    plan = allocate(made, seconds=60)
    assert_valid(made, plan)
    assert plan.gap == 0.0
    assert plan.peak == -(-smallest_peak(made) // unit) * unit


def test_the_search_proves_that_more_than_the_live_bytes_is_needed():
    made = [Buffer(f"b{i}", *what) for i, what in enumerate([(2, 0, 2), (2, 2, 4), (1, 0, 1), (1, 1, 3), (1, 3, 4)])]
    assert allocate(made, seconds=10).gap == 0.0


def test_no_buffers_need_no_memory():
    assert allocate([]) == Allocation((), 0, 0)
    assert allocate([]).gap == 0.0


def test_buffers_that_never_meet_share_everything():
    plan = allocate([Buffer("a", 10, 0, 2), Buffer("b", 10, 2, 3)])
    assert plan.offsets == (0, 0)
    assert (plan.peak, plan.lower_bound, plan.gap) == (10, 10, 0.0)


def test_padding_for_alignment_is_in_peak_and_bound():
    plan = allocate([Buffer("a", 5, 0, 2, 8), Buffer("b", 7, 1, 3, 8)])
    assert sorted(plan.offsets) == [0, 8]
    assert plan.peak == plan.lower_bound == 16


@pytest.mark.parametrize("buffer", [(-1, 0, 1, 1), (1, 2, 1, 1), (1, 2, 2, 1), (1, 0, 1, 0)])
def test_a_buffer_of_negative_size_or_no_life_is_a_mistake_of_the_caller(buffer):
    with pytest.raises(ValueError, match="not a buffer"):
        Buffer("b", *buffer)


def test_what_does_not_fit_is_named_with_its_size_and_the_missing_bytes():
    made = [Buffer("/conv1", 60, 0, 2), Buffer("/conv2", 50, 1, 3), Buffer("/head", 5, 2, 4)]
    assert allocate(made, capacity=110).peak == 110
    with pytest.raises(
        CapacityError, match=r"K0610.*110 bytes \(no plan needs less\) where there are 100: 10 bytes too"
    ) as e:
        allocate(made, capacity=100)
    assert "Alive at step 1: /conv1 (60 bytes), /conv2 (50 bytes)" in str(e.value)
    assert "/head" not in str(e.value)
