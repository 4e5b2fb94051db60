"""The K210's cycle model against times that others published for boards, and against its formulas, by hand."""

import pytest

from kpuc.runtime.cycles import RATES, Cost
from kpuc.runtime.kpu import cost
from kpuc.runtime.kpu.cost import LayerWork
from kpuc.runtime.kpu.registers import layer_arguments


@pytest.mark.parametrize(
    ("shape", "channels", "megahertz", "milliseconds"),
    [
        ((1, 16, 120, 160), 16, 400, 0.268),  # nncase issue 95
        ((1, 16, 60, 80), 16, 400, 0.099),  # 96
        ((1, 16, 120, 160), 32, 400, 0.519),  # 97
        ((1, 128, 32, 32), 128, 300, 1.138),  # Sipeed forum, topic 691
        ((1, 128, 64, 64), 128, 300, 3.891),
        ((1, 128, 128, 128), 128, 300, 14.778),
        ((1, 128, 256, 256), 128, 300, 57.756),
    ],
)
def test_3x3_layers_take_as_long_as_on_boards(shape, channels, megahertz, milliseconds):
    cycles = LayerWork(shape, channels, kernel=3).cost.cycles
    assert cycles / megahertz / 1e3 == pytest.approx(milliseconds, rel=0.11)


def test_a_pointwise_layer_by_hand():
    work = LayerWork((1, 24, 14, 14), 48, kernel=1, pool="max2s2")
    lines_read, lines_written = 14 * 24 // 4, 14 * 48 // 4  # four channels share a line
    expected = 1.066 * lines_read * 48 + 1.28 * 24 * 48 + 0.98 * lines_written
    assert work.cost == Cost(measured=pytest.approx(expected))
    assert work.macs == 14 * 14 * 24 * 48
    assert work.lanes == 14 / 16


def test_a_depthwise_layer_by_hand():
    work = LayerWork((1, 16, 20, 40), 16, kernel=3, depthwise=True)
    assert work.cost.cycles == pytest.approx(1.89 * 20 * 16 + 5800)
    assert work.macs == 20 * 40 * 16 * 9
    assert work.lanes == 40 / 64


def test_a_batch_costs_as_much_as_its_items():
    one, three = (LayerWork((n, 24, 14, 14), 48, kernel=3) for n in (1, 3))
    assert three.cost.cycles == pytest.approx(3 * one.cost.cycles)
    assert three.macs == 3 * one.macs


def test_what_a_pooling_drops_costs_time_and_is_not_counted_as_work():
    every, sampled = (LayerWork((1, 8, 32, 32), 8, kernel=3, pool=pool) for pool in ("none", "left_top2s2"))
    assert sampled.cost == every.cost
    assert sampled.macs * 4 == every.macs


def test_channels_that_do_not_fill_their_lines_lower_the_share_of_lanes():
    assert LayerWork((1, 3, 32, 32), 8, kernel=3).lanes == 3 / 4


@pytest.mark.parametrize("pool", ["none", "max2s2", "right_top2s2"])
@pytest.mark.parametrize(("kernel", "depthwise"), [(1, False), (3, False), (3, True)])
def test_registers_say_what_shapes_say(kernel, depthwise, pool):
    channels = 24 if depthwise else 48
    shape = (1, 24, 14, 14)
    arguments = layer_arguments(0, 1 << 20, shape, channels, kernel=kernel, depthwise=depthwise, pool=pool)
    assert LayerWork.of(arguments, batches=1) == LayerWork(shape, channels, kernel, depthwise, pool)


def test_rows_of_whole_lines_go_up_by_dma():
    assert cost.upload((1, 3, 240, 320)).cycles == pytest.approx(3 * 240 * 320 * 0.57)
    assert cost.upload((1, 3, 240, 300)).cycles == pytest.approx(3 * 240 * 300 * 26.5)
    assert cost.download((1, 3, 240, 320)).cycles == pytest.approx(3 * 240 * 320 * 34)


def test_every_rate_says_what_it_rests_on():
    assert all(rate.source for rate in RATES)
    assert {rate.measured for rate in RATES if "assumed" in rate.source} == {False}
    assert all(rate.measured for rate in RATES if "assumed" not in rate.source)


def test_measured_and_assumed_cycles_stay_apart():
    total = Cost(measured=4e5) + Cost(assumed=8e5)
    assert (total.measured, total.assumed, total.milliseconds) == (4e5, 8e5, 3)
