"""What is known about a kmodel without running it, on code assembled by hand, against formulas worked out by hand."""

import json
from contextlib import suppress

import numpy as np
import pytest
from assembled import ACTIVATION, IMAGE, MAPS, kpu_module, whole_network
from cases5 import CASES
from hypothesis import given, settings
from hypothesis import strategies as st
from models import RELU

from kpuc.errors import KmodelError, KpucError
from kpuc.runtime.analysis import analyze, host_step
from kpuc.runtime.kmodel import read_kmodel
from kpuc.runtime.kmodel.build5 import Tensor, build_kmodel
from kpuc.runtime.kmodel.names import Names
from kpuc.runtime.kpu import assembler as kpu
from kpuc.runtime.kpu.registers import layer_arguments
from kpuc.runtime.kpu.tables import BatchNorm
from kpuc.runtime.stackvm.assembler5 import Assembler
from kpuc.runtime.stackvm.functions5 import Registers
from kpuc.runtime.stackvm.isa5 import DIALECTS, ISA5
from kpuc.runtime.stackvm.shapes5 import result_shape
from kpuc.runtime.stackvm.trace5 import trace


@pytest.mark.parametrize("dialect", DIALECTS)
def test_steps_and_their_cycles_by_hand(dialect):
    analysis = analyze(read_kmodel(whole_network(dialect)))
    found = [(one.part, one.kind, one.cost.measured, one.cost.assumed) for one in analysis.steps]
    pixels = 32 * 32
    lines = 32 // 2  # two channels share a line
    expected = [
        ("quantisation", "quantize", 0, 3 * pixels * 20),
        ("host", "call", 0, 6000),
        ("transfer", "upload", 3 * pixels * 26.5, 0),
        # 3 channels fill the lines of 4
        ("kpu", "layer", 1.066 * (4 * lines) * 8 + 0.35 * (8 * 3 * 9) + 0.98 * (8 * lines), 0),
        ("kpu", "layer", 1.066 * (8 * lines) * 8 + 1.28 * (8 * 8) + 0.98 * (8 * lines), 0),
        ("transfer", "download", 8 * pixels * 34, 0),
        ("quantisation", "dequantize", 8 * pixels * 12.2, 0),
        ("host", "conv2d", 0, 4 * 8 * pixels * 20),
    ]
    assert [one[:2] for one in found] == [one[:2] for one in expected]
    assert [one[2:] for one in found] == [pytest.approx(one[2:]) for one in expected]


def test_totals_by_hand():
    analysis = analyze(read_kmodel(whole_network()))
    macs = {"kpu": 32 * 32 * 8 * (3 * 9 + 8), "host": 32 * 32 * 4 * 8}
    assert analysis.macs == macs
    assert analysis.kpu_share == macs["kpu"] / sum(macs.values())
    assert (analysis.calls, analysis.count("upload"), analysis.count("download")) == (1, 1, 1)
    assert analysis.main_memory == {"scratch": 49152, "inputs": 4 * 3 * 1024, "outputs": 4 * 4 * 1024}
    assert analysis.total("transfer").cycles == pytest.approx(1024 * (3 * 26.5 + 8 * 34))
    assert analysis.total("host").measured == 0


def test_kpu_memory_over_time_by_hand():
    analysis = analyze(read_kmodel(whole_network()))
    image, maps = 4 * 1024, 8 * 1024
    assert analysis.kpu_ram == [0, 0, image, image + maps, maps + maps, maps, 0, 0]
    assert analysis.kpu_ram_extent == 12288 + maps


def test_a_kmodel_of_the_kpu_alone():
    analysis = analyze(read_kmodel(build_kmodel([kpu_module()])))
    assert [one.kind for one in analysis.steps] == ["upload", "layer", "layer", "download"]
    assert (analysis.kpu_share, analysis.calls, analysis.dialect) == (1, 1, "")
    assert analysis.names.inputs == ("input0",)


def test_all_of_it_is_plain_data():
    facts = json.loads(json.dumps(analyze(read_kmodel(whole_network())).as_json()))
    assert [one["name"] for one in facts["inputs"]] == ["image"]
    assert facts["producer"] == "by hand"
    assert facts["milliseconds"]["total"] == pytest.approx(sum(one["milliseconds"] for one in facts["steps"]))
    assert facts["steps"][3]["layer"]["lanes"] == 3 / 4
    assert facts["steps"][-1]["outputs"] == [[1, 4, 32, 32]]
    assert {one["measured"] for one in facts["rates"]} == {True, False}


def test_a_layer_that_also_writes_to_main_memory_downloads():
    asm = kpu.Assembler()
    code = asm.function([Tensor("u8", IMAGE)], [Tensor("u8", MAPS)])
    arguments = layer_arguments(0, 4096, IMAGE, 8, kernel=1, to_main_memory=True)
    norm = BatchNorm(mul=[1] * 8, shift=[0] * 8, add=[0] * 8)
    code.convolution(arguments, np.zeros((8, 3, 1, 1), np.uint8), norm, ACTIVATION, output=code.outputs[0])
    steps = analyze(read_kmodel(build_kmodel([asm.module()]))).steps
    assert [one.kind for one in steps] == ["layer", "download"]
    assert steps[1].cost.cycles == 8 * 1024 * 34


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_shapes_of_results_are_those_that_the_network_declares(case):
    """A strided copy's result is the transposed input in memory; the code copies it axis by axis."""
    model = read_kmodel(case.kmodel(ISA5["1.6"]))
    (call,) = trace(ISA5["1.6"], model.modules[0], model.entry_function(), Registers())
    expected = case.outputs[0][1][::-1] if case.name == "copy:strided" else case.outputs[0][1]
    assert result_shape(call) in (None, expected)
    assert host_step(call).cost.cycles > 0


def straight(*instructions, pushes=()):
    asm = Assembler(ISA5["1.6"])
    code = asm.function([Tensor("f32", (1, 4))], [Tensor("f32", (1, 4))])
    for value in pushes:
        code.push(value)
    for name, immediates in instructions:
        code.emit(name, **immediates)
    return asm.write(0, Names(("x",), ("y",), dialect="1.6"))


def looping(code, count, body):
    """As emitters write loops: four instructions a round, and what is in the loop."""
    code.push(count)
    top = code.mark()
    body()
    code.push(1)
    code.emit("SUB")
    code.emit("DUP")
    code.branch("BR_TRUE", top)
    code.emit("POP")


def looped(body, count=5):
    asm = Assembler(ISA5["1.6"])
    code = asm.function([Tensor("f32", (1, 4))], [Tensor("f32", (1, 4))])
    looping(code, count, lambda: body(code))
    return asm.write(0, Names(("x",), ("y",), dialect="1.6"))


def relu(code):
    shape = {"rshape_src": (1, 4), "rstride_src": (4, 1), "rstride_dest": (4, 1)}
    code.tensor("unary", code.inputs[0], code.outputs[0], datatype="f32", unary_op="abs", **shape)


def guarded():
    asm = Assembler(ISA5["1.6"])
    code = asm.function([Tensor("f32", (1, 4))], [Tensor("f32", (1, 4))])
    code.push(code.inputs[0])
    code.emit("LDIND_I4")
    behind = code.branch("BR_FALSE")
    relu(code)
    code.land(behind)
    return asm.write(0, Names(("x",), ("y",), dialect="1.6"))


def test_instructions_of_loops_are_counted():
    """Those of one round: 3 around the inner loop, 4 each of the two loops; the inner one has 2 more."""

    def body(code):
        code.push(1)
        code.emit("POP")
        looping(code, 7, lambda: (code.push(3), code.emit("POP")))

    (step,) = analyze(read_kmodel(looped(body, count=5))).steps
    inner = 7 * (2 + 4)
    assert step.detail == f"{5 * (2 + 1 + inner + 1 + 4)} instructions"
    assert step.cost.cycles == 100 * 5 * (inner + 8)


@pytest.mark.parametrize(
    ("kmodel", "cause"),
    [
        (RELU, "version 7"),
        (straight(("BR", {"target": -5})), "never leaves the loop at byte 0"),
        (straight(("LDARG_0", {})), "LDARG_0 at byte 0, which is not executed"),
        (straight(("BR_TRUE", {"target": -9}), pushes=[1]), "not to a loop without functions"),
        (looped(lambda code: relu(code)), "not to a loop without functions"),
        (looped(lambda code: looping(code, 2**31 - 1, lambda: looping(code, 2**31 - 1, lambda: None))), "takes years"),
        (guarded(), r"the function at byte \d+ is called depends on data"),
        (straight(("STSHAPE", {"register": 0, "rank": 2})), "empty stack"),
        (straight(("STSHAPE", {"register": 0, "rank": 1}), pushes=[0.5]), "0.5 where an integer is needed"),
    ],
    ids=["version 7", "endless", "not executed", "inside", "repeated", "years", "guarded", "empty stack", "real shape"],
)
def test_what_cannot_be_followed_is_refused_with_a_sentence(kmodel, cause):
    with pytest.raises(KmodelError, match=cause) as caught:
        analyze(read_kmodel(kmodel))
    assert caught.value.code == "K0409"


def test_functions_that_call_each_other_without_end_are_refused():
    asm = Assembler(ISA5["1.6"])
    code = asm.function([], [])
    code.call(0, 0, [], [])
    with pytest.raises(KmodelError, match="nested deeper"):
        analyze(read_kmodel(asm.write(0)))


def test_functions_that_call_many_without_end_are_refused():
    asm = Assembler(ISA5["1.6"])
    for number in range(12):
        code = asm.function([], [])
        for _ in range(4 if number < 11 else 0):
            code.call(0, number + 1, [], [])
    with pytest.raises(KmodelError, match="more than"):
        analyze(read_kmodel(asm.write(0)))


@settings(max_examples=300, deadline=None)
@given(changes=st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 255)), min_size=1, max_size=4))
def test_damaged_files_are_analysed_or_refused(changes):
    data = bytearray(whole_network())
    for at, value in changes:
        data[at % len(data)] = value
    with suppress(KpucError):
        analyze(read_kmodel(bytes(data))).as_json()
