"""Damaged and hostile kmodels: an error of ours comes out, or a result; nothing else, and soon."""

from __future__ import annotations

import math
import struct

import numpy as np
import pytest
from files34 import conv3, conv4, float4
from hypothesis import given, settings
from hypothesis import strategies as st
from models import RELU, ROW, conv5, kpu5, loop7

from kpuc.errors import ExecutionError, KmodelError
from kpuc.runtime import Simulator
from kpuc.runtime.kmodel import read_kmodel
from kpuc.runtime.kmodel.describe import describe
from kpuc.runtime.kmodel.types7 import TensorType
from kpuc.runtime.stackvm import interpreter7
from kpuc.runtime.stackvm.assembler7 import PUSHED, Arg, Assembler

FILES = {
    "relu": RELU, "loop": loop7(), "v5": conv5(), "kpu": kpu5(), "conv4": conv4(), "float4": float4(), "conv3": conv3(),
}  # fmt: skip
MISSING = {"float4": 4}
"""Bytes of padding at the end that may be missing."""


@pytest.fixture(autouse=True)
def few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interpreter7, "STEP_LIMIT", 20_000)


def digest(data: bytes) -> None:
    """Load, describe and run: only our errors may leave."""
    try:
        describe(read_kmodel(data))
        simulator = Simulator(data)
        shapes = [[2 if dim < 0 else dim for dim in one.shape] for one in simulator.inputs]
        if sum(map(math.prod, shapes)) < 1e6:
            simulator.run(*(np.ones(shape, one.dtype) for shape, one in zip(shapes, simulator.inputs, strict=True)))
    except (KmodelError, ExecutionError) as error:
        assert error.code.startswith("K04" if isinstance(error, KmodelError) else "K05")


@pytest.mark.parametrize("name", FILES)
def test_truncation_at_every_byte(name: str) -> None:
    data = FILES[name]
    for size in range(len(data) - MISSING.get(name, 0)):
        with pytest.raises(KmodelError):
            read_kmodel(data[:size])


@pytest.mark.parametrize("name", FILES)
@settings(max_examples=150, deadline=None)
@given(changes=st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), min_size=1, max_size=4))
def test_changed_bytes(name: str, changes: list[tuple[int, int]]) -> None:
    data = bytearray(FILES[name])
    for at, value in changes:
        data[at % len(data)] = value
    digest(bytes(data))


@pytest.mark.parametrize("name", FILES)
@settings(max_examples=100, deadline=None)
@given(at=st.integers(0, 500), value=st.sampled_from([2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1, 2**64 - 1, 2**62]))
def test_huge_numbers(name: str, at: int, value: int) -> None:
    data = bytearray(FILES[name])
    at = at * 4 % (len(data) - 8)
    data[at : at + 8] = struct.pack("<Q", value)
    digest(bytes(data))
    data[at : at + 4] = struct.pack("<I", value & 0xFFFFFFFF)
    digest(bytes(data))


@settings(max_examples=300, deadline=None)
@given(code=st.binary(max_size=60))
def test_random_code(code: bytes) -> None:
    asm = Assembler()
    body = asm.function([ROW], ROW)
    body._text += code
    digest(asm.write())


def run_code(write: object) -> None:
    asm = Assembler()
    code = asm.function([ROW], ROW)
    write(code)
    code.ret()
    Simulator(asm.write()).run(np.ones((1, 4), np.float32))


def forever(code: object) -> None:
    start = code.label()
    code.place(start)
    code.branch(start)


def deep(code: object) -> None:
    code.call(0, 0, Arg(0))


def full_stack(code: object) -> None:
    start = code.label()
    code.place(start)
    code.push(Arg(0))
    code.branch(start)


def heavy(code: object) -> None:
    code.tensor("conv2d", np.ones((1, 1, 64, 64), np.float32), np.ones((1, 1, 3, 3), np.float32),
                np.zeros(1, np.float32), np.array([1, 1]), np.array([[0, 0], [0, 0]]), np.array([-9000, -1]), 1,
                np.array([-np.inf, np.inf], np.float32), pad_mode="constant")  # fmt: skip


def vast(code: object) -> None:
    code.tensor("constant_of_shape", np.array([2**20, 2**20]), np.array(1, np.float32))


def outer(code: object) -> None:
    code.tensor("constant_of_shape", np.array([2**24, 1]), np.array(1, np.float32))
    column = code.store()
    code.tensor("constant_of_shape", np.array([1, 2**24]), np.array(1, np.float32))
    code.tensor("binary", column, code.store(), kind="add")


def beyond(code: object) -> None:
    code.emit("LEA_GP", register=0, offset=10**9)
    code.emit("LDIND_I4")


def empty(code: object) -> None:
    code.tensor("relu", PUSHED)


@pytest.mark.parametrize(("write", "code"), [
    (forever, "K0505"), (deep, "K0505"), (full_stack, "K0505"), (heavy, "K0503"), (vast, "K0505"), (outer, "K0505"),
    (beyond, "K0401"), (empty, "K0504"),
])  # fmt: skip
def test_code_that_asks_for_too_much(write: object, code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interpreter7, "STEP_LIMIT", 200_000)
    with pytest.raises((KmodelError, ExecutionError)) as caught:
        run_code(write)
    assert caught.value.code == code


def test_a_constant_may_not_reach_beyond_rdata() -> None:
    asm = Assembler()
    code = asm.function([], TensorType("f32", (4,)))
    for name, value in (("offset", 0), ("stride", 10**6), ("rank", 1), ("dim", 4), ("rank", 1)):
        code.emit("LEA_GP", register=0, offset=0) if name == "offset" else code.integer(value)
    code.emit("LEA_GP", register=0, offset=asm.pool.add(b"\x0b"))
    code.emit("LDDATATYPE")
    code.emit("LDTENSOR")
    code.ret()
    with pytest.raises(KmodelError, match="K0401"):
        Simulator(asm.write()).run()
