"""Kmodels of machine code on this machine."""

from __future__ import annotations

import gc
import multiprocessing
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from native_networks import (
    ARENA,
    SUMS,
    TENSOR,
    WEIGHTS,
    network_inputs,
    network_kmodel,
    network_object,
    network_result,
)

from kpuc.backends.native.pack import native_function, native_module
from kpuc.backends.native.target import host
from kpuc.errors import ExecutionError, KmodelError
from kpuc.runtime import Simulator
from kpuc.runtime.kmodel import read_kmodel, v7
from kpuc.runtime.kmodel.describe import describe
from kpuc.runtime.kmodel.native import ALIGNMENT, read_native
from kpuc.runtime.native import engine
from kpuc.runtime.native.cpu import Cpu, features, this_cpu
from kpuc.runtime.profile import Profile


def host_name() -> str:
    try:
        return host().name
    except ExecutionError as error:
        if error.code != "K0509":
            raise
        pytest.skip(f"no machine code for this CPU: {error.cause}")


@pytest.fixture(scope="module")
def kmodel() -> bytes:
    return network_kmodel(host_name())


def threads_of_this_process() -> set[str]:
    return {path.name for path in Path("/proc/self/task").iterdir()}


@pytest.mark.parametrize("threads", [1, 2, 3, 64])
def test_results_are_right_and_the_same_for_any_number_of_threads(kmodel: bytes, threads: int) -> None:
    x, y = network_inputs()
    result = Simulator(kmodel, threads=threads).run(x, y)["sums"]
    np.testing.assert_allclose(result, network_result(x, y), rtol=1e-5)
    assert result.tobytes() == Simulator(kmodel).run(x, y)["sums"].tobytes()


def test_inputs_need_not_be_dense_or_aligned(kmodel: bytes) -> None:
    x, y = network_inputs()
    odd = np.frombuffer(b"\0" + x.tobytes(), np.uint8)[1:].view(np.float32).reshape(x.shape)
    simulator = Simulator(kmodel)
    assert not odd.flags.aligned
    want = simulator.run(x, y)["sums"]
    np.testing.assert_array_equal(simulator.run(odd, np.asfortranarray(y))["sums"], want)


def test_weights_are_used_where_they_lie_in_a_file(kmodel: bytes, tmp_path: Path) -> None:
    path = tmp_path / "network.kmodel"
    path.write_bytes(kmodel)
    simulator = Simulator(path)
    (module,) = simulator.model.modules
    body = np.frombuffer(module.section(".weights"), np.uint8)
    assert body.ctypes.data % ALIGNMENT == 0
    assert simulator._engines[0]._weights.ctypes.data == body.ctypes.data


def test_weights_that_lie_badly_are_copied(kmodel: bytes) -> None:
    x, y = network_inputs()
    for shift in (0, 1):
        moved = memoryview(bytearray(kmodel.rjust(len(kmodel) + shift)))[shift:]
        np.testing.assert_allclose(Simulator(moved).run(x, y)["sums"], network_result(x, y), rtol=1e-5)


def test_a_run_allocates_its_outputs_only(kmodel: bytes) -> None:
    x, y = network_inputs()
    simulator = Simulator(kmodel)
    first, second = simulator.run(x, y)["sums"], simulator.run(y, x)["sums"]
    assert first.flags.owndata and not np.shares_memory(first, second)
    np.testing.assert_allclose(first, network_result(x, y), rtol=1e-5)


def test_thousands_of_runs_with_a_pool(kmodel: bytes) -> None:
    simulators = [Simulator(kmodel, threads=threads) for threads in (2, 3, 5)]
    pairs = [network_inputs(seed) for seed in range(4)]
    want = [Simulator(kmodel).run(*pair)["sums"].tobytes() for pair in pairs]
    for index in range(1500):
        got = simulators[index % 3].run(*pairs[index % 4])["sums"].tobytes()
        assert got == want[index % 4], f"run {index}"
        if index % 100 < 3:
            time.sleep(0.001)  # the threads fall asleep


def test_simulators_in_several_threads_share_nothing(kmodel: bytes) -> None:
    pairs = [network_inputs(seed) for seed in range(3)]
    want = [Simulator(kmodel).run(*pair)["sums"].tobytes() for pair in pairs]
    wrong: list[int] = []

    def work(index: int) -> None:
        simulator = Simulator(kmodel, threads=2)
        for _ in range(200):
            if simulator.run(*pairs[index])["sums"].tobytes() != want[index]:
                wrong.append(index)

    workers = [threading.Thread(target=work, args=(index,)) for index in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not wrong


def test_threads_are_made_by_the_first_run_and_end_with_the_simulator(kmodel: bytes) -> None:
    before = threads_of_this_process()
    simulator = Simulator(kmodel, threads=3)
    assert threads_of_this_process() <= before
    simulator.run(*network_inputs())
    made = threads_of_this_process() - before
    assert len(made) == 2
    del simulator
    gc.collect()
    assert not made & threads_of_this_process()


def in_child(simulator: Simulator, want: bytes) -> None:
    if simulator.run(*network_inputs())["sums"].tobytes() != want:
        raise SystemExit(1)


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_child_of_fork_gets_threads_of_its_own(kmodel: bytes) -> None:
    simulator = Simulator(kmodel, threads=3)
    want = simulator.run(*network_inputs())["sums"].tobytes()
    child = multiprocessing.get_context("fork").Process(target=in_child, args=(simulator, want))
    child.start()
    child.join(30)
    assert child.exitcode == 0
    assert simulator.run(*network_inputs())["sums"].tobytes() == want


def test_code_is_never_writable_and_executable(kmodel: bytes) -> None:
    simulator = Simulator(kmodel)
    address = simulator._engines[0]._function(0)._code.functions["kpuc_run"]
    for line in Path("/proc/self/maps").read_text().splitlines():
        span, permissions = line.split()[:2]
        start, end = (int(text, 16) for text in span.split("-"))
        if start <= address < end:
            assert permissions.startswith("r-x")
            return
    pytest.fail("the code is not mapped")


def test_machine_code_can_be_forbidden(kmodel: bytes) -> None:
    with pytest.raises(ExecutionError, match="K0508") as caught:
        Simulator(kmodel, trust=False)
    assert "machine code" in caught.value.cause


def test_the_best_code_that_the_cpu_executes_is_taken() -> None:
    names = ("x86-64-v4-vnni", "x86-64-v3", "riscv64-v", "riscv64")
    objects = {name: name.encode() for name in reversed(names)}
    native = read_native(native_module([native_function(objects, [], [])], b"", 0))
    assert [one.cpu for one in native.objects] == list(names)
    v3 = frozenset(native.objects[1].needs)
    for cpu, chosen in (
        (Cpu("x86_64", v3 | frozenset(native.objects[0].needs)), "x86-64-v4-vnni"),
        (Cpu("x86_64", v3), "x86-64-v3"),
        (Cpu("riscv64", frozenset("imafdc")), "riscv64"),
    ):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(engine, "this_cpu", lambda cpu=cpu: cpu)
            assert engine.choose(native.objects).cpu == chosen


@pytest.mark.parametrize(("cpu", "words"), [
    (Cpu("x86_64", frozenset({"avx2"})), "x86-64-v3; this CPU is x86_64 without abm, bmi1"),
    (Cpu("aarch64", frozenset({"asimd"})), "x86-64-v3; this CPU is aarch64"),
])  # fmt: skip
def test_a_cpu_that_nothing_is_for(monkeypatch: pytest.MonkeyPatch, cpu: Cpu, words: str) -> None:
    monkeypatch.setattr(engine, "this_cpu", lambda: cpu)
    with pytest.raises(ExecutionError, match="K0509") as caught:
        Simulator(network_kmodel("x86-64-v3"))
    assert words in caught.value.cause


def test_features_as_linux_lists_them() -> None:
    x86 = "processor\t: 0\nflags\t\t: fpu avx2 fma\n\nprocessor\t: 1\nflags\t\t: fpu avx2\n"
    assert features("x86_64", x86) == {"fpu", "avx2"}
    assert features("aarch64", "Features\t: fp asimd asimddp\n") == {"fp", "asimd", "asimddp"}
    assert features("riscv64", "isa\t\t: rv64imafdcv_zicsr_zba\n") == {*"imafdcv", "zicsr", "zba"}
    assert features("riscv64", "isa\t\t: rv64gc\n") == set("imafdc")
    assert features("riscv64", "hart : 0\n") == set()


def test_other_systems_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.system", lambda: "Darwin")
    with pytest.raises(ExecutionError, match=r"K0509.*Linux"):
        this_cpu.__wrapped__()


def test_several_functions_share_weights_and_memory() -> None:
    """Function 1 is the same code under another signature: both compute, one after the other, on the same arena."""
    name = host_name()
    functions = [native_function({name: network_object(name)}, [TENSOR, TENSOR], [SUMS]) for _ in range(2)]
    module = native_module(functions, WEIGHTS.tobytes(), ARENA)
    assert len(read_native(module).functions) == 2
    data = v7.write(v7.Model((module,), alignment=ALIGNMENT))
    assert len(data) < len(network_kmodel(name)) + len(network_object(name)) + 1024
    simulator = Simulator(data)
    x, y = network_inputs()
    for number in (0, 1, 0):
        (sums,) = simulator._engines[0].call(number, (x, y))
        np.testing.assert_allclose(sums, network_result(x, y), rtol=1e-5)
    with pytest.raises(ExecutionError, match=r"K0504.*function 2 of native code"):
        simulator._engines[0].call(2, (x, y))
    with pytest.raises(KmodelError, match=r"K0411.*3 functions for 2 objects"):
        read_native(replace(module, functions=(*module.functions, module.functions[0])))


def test_files_are_written_as_they_are_read(kmodel: bytes) -> None:
    assert v7.write(read_kmodel(kmodel)) == kmodel


def test_what_inspect_shows(kmodel: bytes) -> None:
    (module,) = describe(read_kmodel(kmodel))["modules"]
    assert module["kind"] == "native"
    assert (module["weights_bytes"], module["arena_bytes"]) == (WEIGHTS.nbytes, ARENA)
    (one,) = module["objects"]
    assert one["cpu"] == host_name() and one["bytes"] == len(network_object(host_name()))


def test_a_changed_description_is_shown_as_damaged(kmodel: bytes) -> None:
    (module,) = read_kmodel(kmodel).modules
    other = replace(module, functions=(replace(module.functions[0], parameters=(TENSOR,)),))
    (described,) = describe(v7.Model((other,)))["modules"]
    assert "SHA-256" in described["damaged"]


def test_the_number_of_bytes_a_network_needs_is_limited() -> None:
    for arena, error in ((1 << 39, ExecutionError), (1 << 41, KmodelError)):
        name = host_name()
        function = native_function({name: network_object(name)}, [TENSOR, TENSOR], [SUMS])
        module = native_module([function], WEIGHTS.tobytes(), arena)
        with pytest.raises(error):
            Simulator(v7.write(v7.Model((module,)))).run(*network_inputs())


def digest(data: bytes) -> None:
    """Inspect and run: only our errors may leave."""
    try:
        describe(read_kmodel(data))
        simulator = Simulator(data)
        if [one.shape for one in simulator.inputs] == [TENSOR.shape] * 2:
            simulator.run(*network_inputs())
    except (KmodelError, ExecutionError) as error:
        assert error.code.startswith("K04" if isinstance(error, KmodelError) else "K05")


def test_every_changed_byte_of_code_and_weights_is_found(kmodel: bytes) -> None:
    model = read_kmodel(kmodel)
    covered = 0
    for section in model.modules[0].sections:
        if section.name in (".native", ".weights", ".object0"):
            start = kmodel.index(bytes(section.body))
            for at in range(start, start + len(section.body), 7):
                data = bytearray(kmodel)
                data[at] ^= 0x11
                with pytest.raises(KmodelError):
                    Simulator(bytes(data))
                covered += 1
    assert covered > 500


def test_changed_bytes_anywhere_do_no_harm(kmodel: bytes) -> None:
    random = np.random.default_rng(5)
    head = kmodel.index(b".native") + 56
    for index in range(1500):
        data = bytearray(kmodel)
        for at in random.integers(0, head if index % 2 else len(kmodel), random.integers(1, 4)):
            data[at] = random.integers(0, 256)
        digest(bytes(data))


def test_truncation_at_every_byte(kmodel: bytes) -> None:
    for size in range(0, len(kmodel) - 8, 5):
        with pytest.raises(KmodelError):
            Simulator(kmodel[:size])


def test_hostile_objects_with_the_right_hashes_do_no_harm_before_they_are_run() -> None:
    """Whoever knows of the hashes can write them anew. Loading reads headers, symbols and relocations only."""
    code = network_object(host_name())
    random = np.random.default_rng(6)
    refused = 0
    for _ in range(1500):
        changed = bytearray(code)
        changed[random.integers(0, len(code))] = random.integers(0, 256)
        function = native_function({host_name(): bytes(changed)}, [], [])
        model = v7.Model((native_module([function], b"", 0),))
        try:
            Simulator(v7.write(model))
        except (KmodelError, ExecutionError) as error:
            assert error.code in ("K0401", "K0402", "K0410")
            refused += 1
    assert 100 < refused < 1500


def test_code_without_names_is_profiled_as_a_whole():
    simulator = Simulator(network_kmodel(host_name()))
    simulator.profile = Profile()
    simulator.run(*network_inputs())
    assert {name: row.calls for name, row in simulator.profile.rows.items()} == {"machine code": 1}
