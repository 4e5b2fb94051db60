"""Every tensor function of version 7, on the same bytes in our interpreter and in the vendor's runtime."""

from __future__ import annotations

import numpy as np
import pytest
from cases7 import CASES, REFUSED, Case
from models import ROW, loop7
from vendor import Result, run_in_vendor_runtime

from kpuc.errors import ExecutionError
from kpuc.runtime.kmodel import read_kmodel
from kpuc.runtime.kmodel.names import Names
from kpuc.runtime.stackvm.assembler7 import Assembler
from kpuc.runtime.stackvm.functions7 import FUNCTIONS
from kpuc.runtime.stackvm.interpreter7 import Interpreter
from kpuc.runtime.stackvm.isa7 import ISA7


@pytest.fixture(scope="session")
def vendor_results() -> dict[str, Result]:
    pytest.importorskip("_nncase")
    results = run_in_vendor_runtime([(one.kmodel(), [], one.results) for one in CASES])
    return {one.name: result for one, result in zip(CASES, results, strict=True)}


@pytest.mark.parametrize("case", CASES, ids=lambda one: one.name)
def test_the_vendor_computes_the_same(case: Case, vendor_results: dict[str, Result]) -> None:
    expected = vendor_results[case.name]
    assert isinstance(expected, list), expected
    results = Interpreter(read_kmodel(case.kmodel()).modules[0]).call(0, [])
    assert len(results) == case.results
    for ours, theirs in zip(results, expected, strict=True):
        assert (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape)
        if ours.dtype.kind == "f":
            np.testing.assert_allclose(ours, theirs, rtol=case.tolerance, atol=case.tolerance)
        else:
            np.testing.assert_array_equal(ours, theirs)


def test_every_supported_function_is_executed_and_compared() -> None:
    supported = {one.name for one in ISA7.function_by_id.values() if one.supported}
    assert supported == set(FUNCTIONS)
    assert supported == {one.function for one in CASES}
    assert sorted(ISA7.function_by_id) == list(range(95))


@pytest.mark.parametrize("name", [one.name for one in ISA7.function_by_id.values() if not one.supported])
def test_what_the_vendor_refuses_is_refused(name: str) -> None:
    asm = Assembler()
    code = asm.function([], ROW)
    function = ISA7.function_by_name[name]
    zeros = {one.name: next(iter(one.enum.codes)) if one.enum else 0 for one in function.fields}
    code.tensor(name, *[np.ones(2, np.float32)] * len(function.operands), **zeros)
    code.ret()
    with pytest.raises(ExecutionError, match=f"do not execute {name}"):
        Interpreter(read_kmodel(asm.write()).modules[0]).call(0, [])


@pytest.mark.parametrize("case", REFUSED, ids=lambda one: one.name)
def test_what_the_vendor_computes_wrongly_is_refused(case: Case) -> None:
    with pytest.raises(ExecutionError, match=r"K0503.*the vendor's runtimes do not execute"):
        Interpreter(read_kmodel(case.kmodel()).modules[0]).call(0, [])


@pytest.mark.parametrize("values", [(-3, -2, 1, 2), (1, 2, 3, 4)])
@pytest.mark.parametrize("named", [False, True])
def test_loops_calls_tuples_and_names_in_both(values: tuple[int, ...], named: bool) -> None:
    pytest.importorskip("_nncase")
    data = loop7(Names(("x",), ("moved", "doubled"), "kpuc") if named else None)
    array = np.array([values], np.float32)
    (expected,) = run_in_vendor_runtime([(data, [array], 2)])
    ours = Interpreter(read_kmodel(data).modules[0]).call(0, [array])
    moved = array + max(0, -(sum(values) // 4))
    np.testing.assert_array_equal(ours[0], moved)
    for one, other in zip(ours, expected, strict=True):
        np.testing.assert_array_equal(one, other)
