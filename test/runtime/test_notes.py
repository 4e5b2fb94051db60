"""The notes of a disassembly say what instructions work on."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from models import loop7
from networks import SHIPPED

import kpuc
from kpuc.runtime.kmodel import read_kmodel
from kpuc.runtime.kmodel.build5 import Place
from kpuc.runtime.kmodel.describe import describe
from kpuc.runtime.stackvm import interpreter7
from kpuc.runtime.stackvm.disassembler import disassemble
from kpuc.runtime.stackvm.functions5 import Registers
from kpuc.runtime.stackvm.isa5 import ISA5
from kpuc.runtime.stackvm.isa7 import ISA7
from kpuc.runtime.stackvm.trace5 import trace

FASHION = SHIPPED / "fashion_dscnn.onnx"
IMAGES = np.random.default_rng(0).random((2, 1, 28, 28), np.float32)


def code_of(kmodel, module=0, function=0):
    return describe(read_kmodel(kmodel))["modules"][module]["functions"][function]["code"]


def facts(line):
    """What a note says: name=value, ..."""
    note = line.split("  ; ")[1]
    return dict(re.findall(r"(\w+)=(\(.*?\)|\[.*?\]|\w+\[.*?\] \S+|[^,]+)(?:, |$)", note))


def test_version_5_agrees_with_what_the_analysis_follows():
    kmodel = kpuc.compile(FASHION, target="k210", quant="u8", calibration=IMAGES).data
    lines = [line for line in code_of(kmodel) if "TENSOR." in line]
    module = read_kmodel(kmodel).modules[0]
    calls = list(trace(ISA5["1.6"], module, module.functions[0], Registers()))
    assert [call.name for call in calls] == [re.search(r"TENSOR\.(\w+)", line)[1] for line in lines]
    assert "call" in {call.name for call in calls}
    for call, line in zip(calls, lines, strict=True):
        if call.name == "call":
            places = [(f"{one.place.location}+{one.place.offset}", one) for one in call.arguments]
            shown = [f"{place} {one.element}{list(one.shape)}" for place, one in places]
            assert line.split("  ; ")[1] == f"{shown[0]} -> {', '.join(shown[1:])}"
            continue
        said = facts(line)
        for name, value in call.operands.items():
            place = isinstance(value, Place)
            assert said.pop(name) == (f"{value.location}+{value.offset}" if place else f"{value:g}")
        assert said == {name: str(list(shape)) for name, shape in call.shapes.items()}


def test_version_7_agrees_with_what_is_executed(monkeypatch):
    kmodel = kpuc.compile(FASHION, target="k230").data
    executed = []
    compute = interpreter7._compute
    monkeypatch.setattr(
        interpreter7, "_compute", lambda one, operands: executed.append((one, operands)) or compute(one, operands)
    )
    kpuc.Simulator(kmodel).run(IMAGES[:1])
    lines = [line for line in code_of(kmodel) if "TENSOR." in line]
    assert len(lines) == len(executed)
    constants = 0
    for (one, operands), line in zip(executed, lines, strict=True):
        said = facts(line)
        assert list(said) == list(one.function.operands)
        for shown, value in zip(said.values(), operands, strict=True):
            if match := re.match(r"(\w+)\[([\d, ]*)\] rdata", shown):
                assert [int(dim) for dim in match[2].split(", ") if dim] == list(value.shape)
                constants += 1
            elif re.match(r"^[\[\d-]", shown):
                numbers = [float(part) for part in shown.strip("[]").split(", ")]
                assert numbers == pytest.approx(value.reshape(-1).astype(float), rel=1e-5)  # six digits are shown
                constants += 1
            else:
                assert re.fullmatch(r"arg0|local\d+", shown), shown
    assert constants > 3 * len(lines)


def test_calls_locals_and_tuples():
    main, body = (code_of(loop7(), function=number) for number in (0, 1))
    assert any(line.endswith("EXTCALL arguments=1 is_prim_func=False  ; function 1 of module 0: arg0") for line in main)
    assert any(line.endswith("; lhs=arg0, rhs=[2]") for line in main)
    assert any(line.endswith("; local0 = arg0") for line in body)
    assert any("TENSOR.reduce" in line and "input=local0, axis=[0, 1]" in line for line in body)
    assert any(line.endswith("; lhs=local1, rhs=0") for line in body)


def test_behind_a_branch_nothing_is_known():
    text = ISA7.encode("LDC_I4_1") + ISA7.encode("BR", target=5) + ISA7.encode("STLOCAL", index=0)
    assert disassemble(ISA7, text)[-1].endswith("; local0 = ?")


def test_values_are_cut_short():
    """A file could make more text of them than memory holds: pairs of pairs of ..."""
    pair = ISA7.encode("LDLOCAL", index=0) * 2 + ISA7.encode("LDC_I4", value=2) + ISA7.encode("LDTUPLE")
    code = pair * 30
    store = ISA7.encode("LDC_I4", value=30) + ISA7.encode("LDTUPLE") + ISA7.encode("STLOCAL", index=0)
    assert len(disassemble(ISA7, code + store)[-1]) < 150


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(0, 255), max_size=200).map(bytes), st.sampled_from([ISA7, *ISA5.values()]))
def test_damaged_code_is_shown_as_far_as_it_goes(text, isa):
    assert len(disassemble(isa, text, text)) <= len(text) + 1


def test_the_operations_of_version_4_have_names():
    kmodel = kpuc.compile(FASHION, target="k210", kmodel=4, quant="u8", calibration=IMAGES)
    steps = [(step["step"], step.get("operation")) for step in describe(read_kmodel(kmodel.data))["steps"]]
    assert {("binary", "add"), ("reduce", "mean"), ("quantize", None)} <= set(steps)
