"""The simulator: inputs in every form, outputs in order, and sentences for what does not fit."""

from __future__ import annotations

import subprocess
import sys
import threading
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from models import RELU, conv5, loop7

from kpuc.errors import ExecutionError, KmodelError
from kpuc.runtime import RuntimeTensor, Simulator
from kpuc.runtime.kmodel import v7
from kpuc.runtime.kmodel.names import Names, attach

X = np.array([[-1, 2, -3, 4]], np.float32)
Y = np.maximum(X, 0)


def test_inputs_in_every_form(tmp_path: object) -> None:
    path = tmp_path / "relu.kmodel"
    path.write_bytes(RELU)
    for source in (RELU, bytearray(RELU), memoryview(RELU), path, str(path), SimpleNamespace(data=RELU)):
        simulator = Simulator(source)
        for arguments in ((X,), ({"input0": X},), (RuntimeTensor.from_numpy(X),)):
            np.testing.assert_array_equal(simulator.run(*arguments)["output0"], Y)
        simulator.set_input("input0", X * 2)
        np.testing.assert_array_equal(simulator.run()["output0"], Y * 2)
        np.testing.assert_array_equal(simulator.get_output(0), simulator.get_output("output0"))


def test_names_and_order() -> None:
    simulator = Simulator(loop7(Names(("x",), ("moved", "doubled"))))
    assert [str(one) for one in simulator.inputs] == ["x: float32 [1, 4]"]
    results = simulator.run({"x": X})
    assert list(results) == ["moved", "doubled"]
    np.testing.assert_array_equal(results["doubled"], X * 2)


@pytest.mark.parametrize(("arguments", "message"), [
    ((X, X), "2 inputs are given, expected input0: float32"),
    ((), "input 'input0' is not given"),
    (({"y": X},), "no input 'y', expected input0: float32 "),
    ((X.astype(np.float64),), "'input0' is float64 .* expected input0: float32"),
    ((X[0],), r"'input0' is float32 \[4\], expected input0: float32 \[1, 4\]"),
])  # fmt: skip
def test_inputs_that_do_not_fit(arguments: tuple, message: str) -> None:
    with pytest.raises(ExecutionError, match=message) as caught:
        Simulator(RELU).run(*arguments)
    assert caught.value.code == "K0502"


@pytest.mark.parametrize(("elements", "expected"), [(2.5, [[2.5] * 4]), ([1, 2, 3, 4], [[1, 2, 3, 4]])])
def test_states(elements: Any, expected: Any) -> None:
    simulator = Simulator(loop7(Names(("x",), ("x", "doubled"), states={"x": elements})))
    assert list(simulator.states) == ["x"]
    np.testing.assert_array_equal(simulator.states["x"], np.array(expected, np.float32))
    assert list(simulator.run(simulator.states)) == ["x", "doubled"]
    assert Simulator(RELU).states == {}


@pytest.mark.parametrize(("name", "elements"), [("y", 0), ("x", [1, 2]), ("x", []), ("x", [0] * 5)])
def test_states_that_do_not_fit(name: str, elements: Any) -> None:
    with pytest.raises(KmodelError, match=f"K0402.*'{name}'"):
        Simulator(loop7(Names(("x",), ("x", "doubled"), states={name: elements})))


def test_other_errors() -> None:
    simulator = Simulator(RELU)
    with pytest.raises(ExecutionError, match=r"K0506.*before the first run"):
        simulator.get_output(0)
    with pytest.raises(ExecutionError, match=r"K0506.*no output 'z'"):
        simulator.get_output("z")
    with pytest.raises(ExecutionError, match="threads is 0"):
        Simulator(RELU, threads=0)
    with pytest.raises(ExecutionError, match="K0501"):
        Simulator(v7.write(v7.Model(v7.read(RELU).modules, None)))
    with pytest.raises(ExecutionError, match=r"K0502.*complex"):
        RuntimeTensor.from_numpy(np.zeros(2, complex))


def test_a_kind_that_cannot_be_executed_is_named() -> None:
    one = v7.read(RELU).modules[0]
    with pytest.raises(ExecutionError, match=r"K0507.*'k230'"):
        Simulator(v7.write(v7.Model((v7.Module("k230", one.functions, one.sections),))))


def test_names_must_match_the_tensors() -> None:
    from kpuc.errors import KmodelError

    with pytest.raises(KmodelError, match="K0402"):
        Simulator(v7.write(attach(v7.read(RELU), Names(("a", "b"), ("c",)))))


def test_a_v5_file_loads_or_says_what_is_missing() -> None:
    try:
        simulator = Simulator(conv5())
    except ExecutionError as error:
        assert error.code == "K0507"
    else:
        assert [one.name for one in simulator.inputs] == ["input0"]


def test_threads_share_an_instance() -> None:
    simulator, wrong = Simulator(RELU), []

    def work(factor: int) -> None:
        for _ in range(50):
            if not np.array_equal(simulator.run(X * factor)["output0"], Y * factor):
                wrong.append(factor)

    threads = [threading.Thread(target=work, args=(factor,)) for factor in range(1, 5)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert not wrong


def test_the_runtime_needs_no_compiler() -> None:
    found = "any(m.split('.')[0] in ('mlir', 'torch_mlir', 'onnx') for m in sys.modules)"
    code = f"import sys, kpuc.runtime; sys.exit({found})"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
