"""Every tensor function of version 5, on the same bytes in our interpreter and in the vendor's Simulators."""

from __future__ import annotations

import numpy as np
import pytest
from cases5 import CASES, NOT_COMPARED, Case
from vendor19 import simulate, skip_without

from kpuc.errors import ExecutionError
from kpuc.runtime import Simulator
from kpuc.runtime.kmodel import read_kmodel
from kpuc.runtime.kmodel.build5 import Tensor
from kpuc.runtime.machine import Linker
from kpuc.runtime.stackvm.assembler5 import Assembler
from kpuc.runtime.stackvm.functions5 import FUNCTIONS
from kpuc.runtime.stackvm.interpreter5 import Interpreter
from kpuc.runtime.stackvm.isa5 import DIALECTS, ISA5

RELEASES = {"1.6": "1.9", "1.1": "1.1"}
"""Dialect -> the vendor's release that it is compared with."""


OTHER_ORDER = {("1.1", "conv2d:3x3"): 2e-6}
"""Cases for which a release has another kernel, whose sums are rounded otherwise than those of 1.9, and by how much."""
REFUSED_BY_1_1 = {"unary:logical_not", "binary:i32", "binary:large i32"}


def known(case: Case, dialect: str) -> bool:
    function = ISA5[dialect].function_by_name.get(case.function)
    unary = None if function is None else next((one for one in function.fields if one.name == "unary_op"), None)
    named = case.name.partition(":")[2]
    if dialect == "1.1" and case.name in REFUSED_BY_1_1:
        return False
    return function is not None and (unary is None or (unary.enum is not None and named in unary.enum.codes))


PAIRS = [(dialect, case) for dialect in RELEASES for case in CASES if known(case, dialect)]


@pytest.fixture(scope="session")
def vendor_results() -> dict[tuple[str, str], list[np.ndarray] | str]:
    results = {}
    for dialect, release in RELEASES.items():
        skip_without(release)
        cases = [case for one, case in PAIRS if one == dialect]
        jobs = [(case.kmodel(ISA5[dialect]), list(case.inputs)) for case in cases]
        results |= {(dialect, c.name): r for c, r in zip(cases, simulate(jobs, release), strict=True)}
    return results


def run(case: Case, dialect: str) -> tuple[np.ndarray, ...]:
    """One function is too little to tell dialects apart, so it is stated."""
    module = read_kmodel(case.kmodel(ISA5[dialect])).modules[0]
    return Interpreter(module, ISA5[dialect], link=Linker(lambda *_: ()), index=0).call(0, case.inputs)


@pytest.mark.parametrize(("dialect", "case"), PAIRS, ids=[f"{dialect}-{case.name}" for dialect, case in PAIRS])
def test_the_vendor_computes_the_same(dialect: str, case: Case, vendor_results: dict) -> None:
    expected = vendor_results[dialect, case.name]
    assert isinstance(expected, list), expected
    tolerance = OTHER_ORDER.get((dialect, case.name), case.tolerance)
    for ours, theirs in zip(run(case, dialect), expected, strict=True):
        assert (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape)
        np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=tolerance)


def test_every_function_that_is_executed_is_compared() -> None:
    supported = {one.name for one in ISA5["1.6"].function_by_id.values() if one.supported} - {"call"}
    assert supported - NOT_COMPARED == set(FUNCTIONS)
    assert set(FUNCTIONS) == {one.function for one in CASES}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_numbers_of_a_dialect_are_distinct(dialect: str) -> None:
    isa = ISA5[dialect]
    assert len(isa.function_by_id) == len(isa.function_by_name)
    assert sorted(isa.by_code) == list(range(0x5F))


def test_code_that_is_entered_in_its_middle_and_takes_what_lies_below() -> None:
    """Pushes and shape registers have their effect whatever instruction they are reached by."""
    asm, tensor = Assembler(ISA5["1.6"]), Tensor("u8", (2, 1))
    code = asm.function([tensor], [tensor])
    code.emit("LDC_I4_0")
    code.emit("NOP")
    code.emit("LDC_I4", value=9)
    before = len(code.text())
    code.emit("LDC_I4", value=2)
    code.emit("LDC_I4_1")
    code.emit("STSHAPE", register=5, rank=2)
    code.emit("BR_TRUE", target=before - len(code.text()) - 5)  # on 9, then on 0
    code.emit("LDC_I4", value=2)
    code.emit("NOP")
    code.emit("LDC_I4_1")
    code.emit("STSHAPE", register=6, rank=2)
    for register in (5, 6):
        strides = {"rstride_src": (1, 1), "rstride_dest": (1, 1)}
        code.tensor("copy", code.inputs[0], code.outputs[0], datatype="u8", rshape=register, **strides)
    given = np.array([[3], [4]], np.uint8)
    simulator = Simulator(asm.write(scratch=0))
    for _ in range(2):
        np.testing.assert_array_equal(simulator.run(given)["output0"], given)
    assert simulator._engines[0]._registers.shapes[6] == (2, 1)


def test_first_dialect_runs_here() -> None:
    """No released package of the vendor executes it, so it is only known to agree with the other dialects here."""
    for case in CASES:
        if known(case, "1.0.0-beta2") and known(case, "1.1") and case.name != "pad:between":
            for one, other in zip(run(case, "1.0.0-beta2"), run(case, "1.1"), strict=True):
                np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("name", sorted(NOT_COMPARED))
def test_what_is_not_executed_says_so(name: str) -> None:
    from kpuc.runtime.stackvm.assembler5 import Assembler

    asm = Assembler(ISA5["1.6"])
    code = asm.function([], [])
    function = ISA5["1.6"].function_by_name[name]
    zeros = {one.name: next(iter(one.enum.codes)) if one.enum else 0 for one in function.fields}
    code.tensor(name, *[0] * len(function.operands), **zeros)
    with pytest.raises(ExecutionError, match=f"{name} is not executed here"):
        Simulator(asm.write(0)).run()
