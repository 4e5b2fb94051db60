"""The order of the KPU's and the host's tasks: legal, with few calls, and with few bytes in KPU memory."""

from itertools import pairwise

import numpy as np

from kpuc.passes.kpu.schedule import Task, _collected, ordered

HOST, KPU = False, True


def random_tasks(seed):
    random = np.random.default_rng(seed)
    tasks = []
    for number in range(40):
        needs = sorted({int(one) for one in random.integers(max(0, number - 9), number, 2)}) if number else []
        on_kpu = bool(random.random() < 0.6)
        tasks.append(Task(on_kpu, needs, bytes=int(random.integers(1, 100)) if on_kpu else 0))
    return tasks


def calls(tasks, order):
    """How often the host hands over to the KPU."""
    sides = [HOST, *(tasks[number].on_kpu for number in order)]
    return sum(after and not before for before, after in pairwise(sides))


def test_orders_are_legal_and_sinking_costs_no_call():
    moved = 0
    for seed in range(50):
        tasks = random_tasks(seed)
        order = ordered(tasks)
        place = {number: at for at, number in enumerate(order)}
        assert sorted(order) == list(range(len(tasks)))
        assert all(place[need] < place[number] for number, task in enumerate(tasks) for need in task.needs)
        assert calls(tasks, order) <= calls(tasks, _collected(tasks))
        moved += order != _collected(tasks)
    assert moved > 10


def test_an_upload_waits_for_the_layer_that_reads_it():
    tasks = [
        Task(HOST, []),
        Task(KPU, [0], bytes=64),  # upload for the last layer
        Task(KPU, [0], bytes=64),
        Task(KPU, [2], bytes=64),
        Task(KPU, [3, 1], bytes=64),
    ]
    assert ordered(tasks) == [0, 2, 3, 1, 4]


def test_a_download_does_not_wait():
    tasks = [
        Task(HOST, []),
        Task(KPU, [0], bytes=64),
        Task(KPU, [1], bytes=64),
        Task(KPU, [2], bytes=64),
        Task(KPU, [1], urgent=True),
        Task(HOST, [3, 4]),
    ]
    assert ordered(tasks) == [0, 1, 4, 2, 3, 5]


def test_a_layer_waits_only_if_that_saves_bytes():
    def order(given, made):
        tasks = [
            Task(HOST, []),
            Task(KPU, [0], bytes=1),
            Task(KPU, [1], bytes=given),
            Task(KPU, [2], bytes=made),
            Task(KPU, [1], bytes=1),
            Task(KPU, [4, 3], bytes=1),
        ]
        return ordered(tasks)

    assert order(given=64, made=128) == [0, 1, 4, 2, 3, 5]
    assert order(given=128, made=64) == [0, 1, 2, 3, 4, 5]
