"""Scalar instructions of version 5 in loops: one by one, as blocks, and as the vendor's runtime executes them."""

from __future__ import annotations

import numpy as np
import pytest
from vendor19 import simulate, skip_without

from kpuc.errors import ExecutionError
from kpuc.runtime import Simulator
from kpuc.runtime.kmodel.build5 import Place, Tensor
from kpuc.runtime.stackvm import interpreter5
from kpuc.runtime.stackvm.assembler5 import Assembler, Code
from kpuc.runtime.stackvm.isa5 import ISA5

SIZE = 40
"""Rounds of each loop: blocks are made on the way."""
RESULTS = 6
UNSIGNED = ["CLT_U", "CLE_U", "CGE_U", "CGT_U"]
INTEGERS = ["ADD", "SUB", "MUL", "AND", "OR", "XOR", "CLT", "CLE", "CEQ", "CGE", "CGT", "CNE", *UNSIGNED]
SHIFTS = ["SHL", "SHR", "SHR_U"]
CONVERSIONS = ["I1", "I2", "I4", "I", "U1", "U2", "U4", "U"]
REALS = ["ADD", "SUB", "MUL", "CLT", "CLE", "CEQ", "CGE", "CGT", "CNE"]
KINDS = {"I1": np.int8, "U1": np.uint8, "I2": np.int16, "U2": np.uint16, "I4": np.int32, "U4": np.uint32, "I": np.int64,
         "U": np.uint64, "R4": np.float32}  # fmt: skip


def extremes(dtype: type, random: np.random.Generator) -> np.ndarray:
    if dtype is np.float32:
        edges = [0.0, -0.0, 1.0, -1.5, 1e38, -3e38, 1e-44, 123456.7]
        return np.array(edges + list(random.normal(size=SIZE - len(edges)) * 1e4), np.float32)
    info = np.iinfo(dtype)
    edges = [info.min, info.max, info.min + 1, info.max - 1, 0, 1, 2, 3]
    return np.array(edges + list(random.integers(info.min, info.max, SIZE - len(edges), dtype)), dtype)


def start(code: Code, variable: Place) -> None:
    """The vendor's runtime does not clear scratch memory."""
    code.push(variable)
    code.push(0)
    code.emit("STIND_I")


class Program:
    """A loop over elements that computes at random; every result is stored, so that none goes by unseen."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)
        self.kinds = [str(one) for one in self.random.choice(list(KINDS), 3)]
        self.arrays = [extremes(KINDS[kind], self.random) for kind in self.kinds]
        inputs = [Tensor(self.element(kind), (SIZE,)) for kind in self.kinds]
        outputs = [Tensor("i64", (RESULTS, SIZE)), Tensor("f32", (RESULTS, SIZE))]
        self.assembler = Assembler(ISA5["1.6"])
        self.code: Code = self.assembler.function(inputs, outputs)
        self.index = Place("data", 0)
        start(self.code, self.index)
        self.code.push(SIZE)
        top = self.code.mark()
        for number in range(RESULTS):
            self.store(number, real=False)
            self.store(number, real=True)
        self.store_index()
        self.code.push(1)
        for name in ("SUB", "DUP"):
            self.code.emit(name)
        self.code.branch("BR_TRUE", top)
        self.code.emit("POP")
        self.data = self.assembler.write(scratch=8)

    @staticmethod
    def element(kind: str) -> str:
        return {"I1": "i8", "U1": "u8", "I2": "i16", "U2": "u16", "I4": "i32", "U4": "u32", "I": "i64", "U": "u64",
                "R4": "f32"}[kind]  # fmt: skip

    def load_index(self) -> None:
        self.code.push(self.index)
        self.code.emit("LDIND_I")

    def store_index(self) -> None:
        """The next element."""
        self.code.push(self.index)
        self.load_index()
        self.code.push(1)
        self.code.emit("ADD")
        self.code.emit("STIND_I")

    def store(self, number: int, real: bool) -> None:
        self.code.push(self.code.outputs[int(real)].moved(number * SIZE * (4 if real else 8)))
        self.load_index()
        self.value(3, real)
        self.code.emit("STELEM_R4" if real else "STELEM_I")

    def value(self, depth: int, real: bool) -> None:
        """Push a number that is computed in so many steps at most."""
        choice = self.random.random()
        if depth == 0 or choice < 0.15:
            self.leaf(real)
        elif choice < 0.25:
            self.value(depth - 1, real)
            self.code.emit("NEG")
        elif choice < 0.4:
            self.value(depth - 1, False)
            self.code.emit("CONV_R4" if real else f"CONV_{self.random.choice(CONVERSIONS)}")
        elif not real and choice < 0.5:
            self.value(depth - 1, False)
            self.code.push(int(self.random.integers(0, 64)))
            self.code.emit(str(self.random.choice(SHIFTS)))
        elif not real and choice < 0.6:
            self.compared(depth)
        elif not real and choice < 0.7:
            self.value(depth - 1, False)
            self.code.push(int(self.random.choice([1, 3, -7, 2**31 - 1])))
            self.code.emit(str(self.random.choice(["DIV", "DIV_U"])))
        else:
            self.value(depth - 1, real)
            self.value(depth - 1, real)
            self.code.emit(str(self.random.choice(REALS[:3] if real else INTEGERS)))

    def compared(self, depth: int) -> None:
        self.value(depth - 1, True)
        self.value(depth - 1, True)
        self.code.emit(str(self.random.choice(REALS[3:])))

    def leaf(self, real: bool) -> None:
        fitting = [number for number, kind in enumerate(self.kinds) if (kind == "R4") == real]
        if not fitting or self.random.random() < 0.3:
            self.code.push(float(self.random.normal()) if real else int(self.random.integers(-(2**31), 2**31)))
            return
        number = int(self.random.choice(fitting))
        self.code.push(self.code.inputs[number])
        self.load_index()
        self.code.emit(f"LDELEM_{self.kinds[number]}")


PROGRAMS = [Program(seed) for seed in range(60)]


def run(program: Program) -> list[np.ndarray]:
    return list(Simulator(program.data).run(*program.arrays).values())


def assert_same(actual: list[np.ndarray], expected: list[np.ndarray]) -> None:
    for one, other in zip(actual, expected, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("program", PROGRAMS, ids=range(60))
def test_blocks_compute_what_single_instructions_do(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    fast = run(program)
    monkeypatch.setattr(interpreter5, "OFTEN", 0)
    assert_same(fast, run(program))


def test_the_vendor_computes_the_same() -> None:
    skip_without()
    results = simulate([(program.data, program.arrays) for program in PROGRAMS], seconds=60)
    for program, result in zip(PROGRAMS, results, strict=True):
        assert not isinstance(result, str), result
        assert_same(run(program), result)


def test_blocks_are_made() -> None:
    simulator = Simulator(PROGRAMS[0].data)
    simulator.run(*PROGRAMS[0].arrays)
    assert any(step.block is not None for step in simulator._engines[0]._steps.values())


def walking(step: int) -> Assembler:
    """Code of a loop that loads through an index that goes out of the input."""
    assembler = Assembler(ISA5["1.6"])
    code = assembler.function([Tensor("i32", (SIZE,))], [Tensor("i32", (1,))])
    start(code, Place("data", 0))
    code.push(3 * SIZE)
    top = code.mark()
    code.push(code.inputs[0])
    code.push(Place("data", 0))
    code.emit("LDIND_I")
    code.emit("LDELEM_I4")
    code.emit("POP")
    code.push(Place("data", 0))
    code.push(Place("data", 0))
    code.emit("LDIND_I")
    code.push(step)
    for name in ("ADD", "STIND_I"):
        code.emit(name)
    code.push(1)
    for name in ("SUB", "DUP"):
        code.emit(name)
    code.branch("BR_TRUE", top)
    return assembler


@pytest.mark.parametrize("step", [1, -1])
@pytest.mark.parametrize("often", [0, 16])
def test_an_index_beyond_its_tensor_is_an_error(step: int, often: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interpreter5, "OFTEN", often)
    with pytest.raises(ExecutionError, match=r"K050[34].*function 0, byte"):
        Simulator(walking(step).write(scratch=8)).run(np.zeros(SIZE, np.int32))


def test_a_loop_without_end_is_an_error_in_blocks_too() -> None:
    assembler = Assembler(ISA5["1.6"])
    code = assembler.function([], [])
    top = code.mark()
    for _ in range(8):
        code.emit("LDC_I4_1")
        code.emit("POP")
    code.branch("BR", top)
    with pytest.raises(ExecutionError, match=r"K0505.*does not end"):
        Simulator(assembler.write(scratch=0)).run()
