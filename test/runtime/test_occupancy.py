"""Bytes of a memory in use, step by step."""

from kpuc.runtime.occupancy import occupancy


def test_what_is_written_lives_until_its_last_read():
    steps = [([], [(0, 64)]), ([(0, 64)], [(64, 192)]), ([], []), ([(64, 192)], [(192, 256)])]
    assert occupancy(steps) == [64, 192, 128, 192]


def test_a_read_of_two_neighbours_keeps_both():
    steps = [([], [(0, 64)]), ([], [(64, 128)]), ([(0, 128)], [(128, 192)])]
    assert occupancy(steps) == [64, 128, 192]


def test_what_is_overwritten_ends_with_its_last_read_before():
    steps = [([], [(0, 100)]), ([(0, 100)], []), ([], [(40, 60)]), ([(40, 60)], [])]
    assert occupancy(steps) == [100, 100, 20, 20]


def test_the_rest_of_what_is_partly_overwritten_lives_on():
    steps = [([], [(0, 100)]), ([], [(40, 60)]), ([(0, 40)], [])]
    assert occupancy(steps) == [100, 20 + 40, 40]


def test_bytes_that_are_replaced_in_place_count_once():
    assert occupancy([([], [(0, 64)]), ([(0, 64)], [(0, 64)]), ([(0, 64)], [])]) == [64, 64, 64]


def test_reading_what_was_never_written_is_not_use():
    assert occupancy([([(0, 64)], [])]) == [0]


def test_nothing_is_done():
    assert occupancy([]) == []
