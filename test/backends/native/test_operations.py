"""What kernels may be written with goes through both LLVMs, for every machine, and means the same afterwards."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
from foreign import CPUS, run_elsewhere

from kpuc.backends.native.object import compile_object
from kpuc.backends.native.pack import native_function, native_module
from kpuc.backends.native.program import Step, argument_text, program_text
from kpuc.backends.native.target import SPECS
from kpuc.errors import ExecutionError
from kpuc.runtime import Simulator
from kpuc.runtime.kmodel import v7
from kpuc.runtime.kmodel.native import ALIGNMENT
from kpuc.runtime.kmodel.types7 import TensorType

FLOATS = {
    "math.absf": np.abs, "math.ceil": np.ceil, "math.floor": np.floor, "math.trunc": np.trunc,
    "math.roundeven": np.rint, "math.exp": np.exp, "math.exp2": np.exp2, "math.log": lambda x: np.log(np.abs(x)),
    "math.sin": np.sin, "math.cos": np.cos, "math.tanh": np.tanh, "math.sqrt": lambda x: np.sqrt(np.abs(x)),
    "math.erf": None, "math.atan": np.arctan, "math.expm1": np.expm1, "math.log1p": lambda x: np.log1p(np.abs(x)),
    "arith.negf": np.negative,
}  # fmt: skip
"""Functions of one number."""
POSITIVE = {"math.log", "math.sqrt", "math.log1p"}
PAIRS = {
    "arith.addf": np.add, "arith.subf": np.subtract, "arith.mulf": np.multiply, "arith.divf": np.divide,
    "arith.maximumf": np.maximum, "arith.minimumf": np.minimum, "arith.maxnumf": np.fmax, "arith.minnumf": np.fmin,
    "arith.remf": np.fmod, "math.copysign": np.copysign, "math.atan2": np.arctan2,
}  # fmt: skip
INTEGERS = {
    "arith.addi": np.add, "arith.subi": np.subtract, "arith.muli": np.multiply, "arith.maxsi": np.maximum,
    "arith.minsi": np.minimum, "arith.andi": np.bitwise_and, "arith.ori": np.bitwise_or, "arith.xori": np.bitwise_xor,
    "arith.divsi": lambda x, y: np.trunc(x / y).astype(np.int32),
    "arith.remsi": np.fmod, "arith.floordivsi": np.floor_divide, "arith.shli": None, "arith.shrsi": None,
    "arith.shrui": None, "arith.maxui": None, "arith.minui": None,
}  # fmt: skip
LANES = 16


def function(name: str, result: str, body: str) -> str:
    return f"""func.func @{name}(%a: memref<{LANES}xf32>, %b: memref<{LANES}xf32>, %i: memref<{LANES}xi32>,
        %j: memref<{LANES}xi32>, %out: memref<{LANES}x{result}>) {{
      %c0 = arith.constant 0 : index
      %c5 = arith.constant 5 : index
      %x = vector.load %a[%c0] : memref<{LANES}xf32>, vector<{LANES}xf32>
      %y = vector.load %b[%c0] : memref<{LANES}xf32>, vector<{LANES}xf32>
      %u = vector.load %i[%c0] : memref<{LANES}xi32>, vector<{LANES}xi32>
      %v = vector.load %j[%c0] : memref<{LANES}xi32>, vector<{LANES}xi32>
      %o = arith.constant dense<0.0> : vector<{LANES}xf32>
      {body}
      vector.store %r, %out[%c0] : memref<{LANES}x{result}>, vector<{LANES}x{result}>
      return
    }}"""


F, I = f"vector<{LANES}xf32>", f"vector<{LANES}xi32>"  # noqa: E741
B = f"vector<{LANES}xi1>"
MASK = f"%m = vector.create_mask %c5 : {B}"
OTHERS = {
    "fma": ("f32", f"%r = vector.fma %x, %y, %x : {F}", lambda x, y, i, j: x * y + x),
    "fma_math": ("f32", f"%r = math.fma %x, %y, %x : {F}", lambda x, y, i, j: x * y + x),
    "masked_load": (
        "f32", f"{MASK}\n%r = vector.maskedload %a[%c0], %m, %y : memref<{LANES}xf32>, {B}, {F} into {F}",
        lambda x, y, i, j: np.where(np.arange(LANES) < 5, x, y),
    ),
    "masked_store": (
        "f32",
        f"vector.store %y, %out[%c0] : memref<{LANES}xf32>, {F}\n{MASK}\n"
        f"vector.maskedstore %out[%c0], %m, %x : memref<{LANES}xf32>, {B}, {F}\n"
        f"%r = vector.load %out[%c0] : memref<{LANES}xf32>, {F}",
        lambda x, y, i, j: np.where(np.arange(LANES) < 5, x, y),
    ),
    "gather": (
        "f32", f"{MASK}\n%r = vector.gather %a[%c0] [%v], %m, %y : memref<{LANES}xf32>, {I}, {B}, {F} into {F}",
        lambda x, y, i, j: np.where(np.arange(LANES) < 5, x[j], y),
    ),
    "select": (
        "f32", f"%m = arith.cmpf olt, %x, %y : {F}\n%r = arith.select %m, %x, %y : {B}, {F}",
        lambda x, y, i, j: np.minimum(x, y),
    ),
    "sum": (
        "f32", f"%s = vector.reduction <add>, %x : {F} into f32\n%r = vector.broadcast %s : f32 to {F}",
        lambda x, y, i, j: np.full(LANES, x.sum()),
    ),
    "sum_fast": (
        "f32",
        f"%s = vector.reduction <add>, %x fastmath<reassoc> : {F} into f32\n%r = vector.broadcast %s : f32 to {F}",
        lambda x, y, i, j: np.full(LANES, x.sum()),
    ),
    "maximum": (
        "f32", f"%s = vector.reduction <maximumf>, %x : {F} into f32\n%r = vector.broadcast %s : f32 to {F}",
        lambda x, y, i, j: np.full(LANES, x.max()),
    ),
    "shuffle": (
        "f32", f"%r = vector.shuffle %x, %y [{', '.join(str(2 * k % 31) for k in range(LANES))}] : {F}, {F}",
        lambda x, y, i, j: np.concatenate([x, y])[[2 * k % 31 for k in range(LANES)]],
    ),
    "interleave": (
        "f32",
        f"%z = vector.interleave %x, %y : {F} -> vector<{2 * LANES}xf32>\n"
        f"%r, %q = vector.deinterleave %z : vector<{2 * LANES}xf32> -> {F}",
        lambda x, y, i, j: x,
    ),
    "to_integer": ("i32", f"%r = arith.fptosi %x : {F} to {I}", lambda x, y, i, j: x.astype(np.int32)),
    "from_integer": ("f32", f"%r = arith.sitofp %u : {I} to {F}", lambda x, y, i, j: i.astype(np.float32)),
    "from_bytes": (
        "i32", f"%t = arith.trunci %u : {I} to vector<{LANES}xi8>\n%r = arith.extui %t : vector<{LANES}xi8> to {I}",
        lambda x, y, i, j: i & 255,
    ),
    "halves": (
        "f32", f"%t = arith.truncf %x : {F} to vector<{LANES}xf16>\n%r = arith.extf %t : vector<{LANES}xf16> to {F}",
        lambda x, y, i, j: x.astype(np.float16).astype(np.float32),
    ),
    "bits": (
        "i32", f"%t = vector.bitcast %x : {F} to vector<{4 * LANES}xi8>\n"
        f"%r = vector.bitcast %t : vector<{4 * LANES}xi8> to {I}",
        lambda x, y, i, j: x.view(np.int32),
    ),
    "leading_zeros": ("i32", f"%r = math.ctlz %v : {I}", lambda x, y, i, j: [32 - int(k).bit_length() for k in j]),
    "prefetch": (
        "f32", f"memref.prefetch %a[%c0], read, locality<3>, data : memref<{LANES}xf32>\n%r = arith.addf %x, %o : {F}",
        lambda x, y, i, j: x,
    ),
    "constants": (
        "f32", "%r = arith.constant dense<[" + ", ".join(f"{k}.1" for k in range(LANES)) + f"]> : {F}",
        lambda x, y, i, j: [np.float32(f"{k}.1") for k in range(LANES)],
    ),
}  # fmt: skip
LEFT_OUT = {"riscv64": ("halves",), "riscv64-v": ("halves", "to_integer")}
"""Halves: LLVM calls functions of compilers' own libraries. Integers: qemu 7.2 breaks off at vfcvt.rtz.x.f.v."""


def sources() -> dict[str, tuple[str, str]]:
    """Element and body of each function."""
    made = {}
    for op in FLOATS:
        operand = "%p" if op in POSITIVE else "%x"
        made[op] = ("f32", f"%p = math.absf %x : {F}\n%r = {op} {operand} : {F}")
    for op in PAIRS:
        made[op] = ("f32", f"%r = {op} %x, %y : {F}")
    for op in INTEGERS:
        made[op] = ("i32", f"%r = {op} %u, %v : {I}")
    for name, (element, body, _) in OTHERS.items():
        made[name] = (element, body)
    return made


def kmodel(cpu: str) -> tuple[bytes, list[str]]:
    """A network that computes every operation, and the names of its outputs."""
    made = sources()
    for name in LEFT_OUT.get(cpu, ()):
        del made[name]
    elements = ["f32", "f32", "i32", "i32", *(element for element, _ in made.values())]
    tensors = [TensorType(element, (LANES,)) for element in elements]
    texts, steps = [], []
    for number, (name, (element, body)) in enumerate(made.items()):
        symbol = re.sub(r"\W", "_", name)
        texts += [function(symbol, element, body), step(symbol, elements, number + 4)]
        steps.append(Step(f"step_{symbol}", 1))
    program = program_text(steps, 64, 64, len(elements))
    code = compile_object("\n".join([*texts, program]), SPECS[cpu])
    module = native_module([native_function({cpu: code}, tensors[:4], tensors[4:])], bytes(64), 64)
    return v7.write(v7.Model((module,), alignment=ALIGNMENT)), list(made)


def step(symbol: str, elements: list[str], result: int) -> str:
    """Calls a function with the network's inputs and one of its outputs."""
    lines, values, types = [], [], []
    for place in (0, 1, 2, 3, result):
        types.append(f"memref<{LANES}x{elements[place]}>")
        more, value = argument_text(place, types[-1], len(elements))
        lines += more
        values.append(value)
    head = f"%weights: memref<64xi8>, %arena: memref<64xi8>, %arguments: memref<{len(elements)}xindex>"
    call = f"func.call @{symbol}({', '.join(values)}) : ({', '.join(types)}) -> ()"
    return "\n".join([f"func.func @step_{symbol}({head}, %lo: index, %hi: index) {{", *lines, call, "return }"])


@pytest.mark.parametrize("cpu", SPECS)
def test_results(cpu: str) -> None:
    """On this machine or, under qemu, on others."""
    random = np.random.default_rng(0)
    x, y = (random.uniform(-4, 4, LANES).astype(np.float32) for _ in range(2))
    i, j = random.integers(-1000, 1000, LANES, np.int32), random.integers(1, LANES, LANES, np.int32)
    data, names = kmodel(cpu)
    if cpu in CPUS:
        results = run_elsewhere(cpu, data, [x, y, i, j])
    else:
        try:
            results = list(Simulator(data).run(x, y, i, j).values())
        except ExecutionError as error:
            if error.code != "K0509":
                raise
            pytest.skip(error.cause)
    for name, result in zip(names, results, strict=True):
        want = expected(name, x, y, i, j)
        np.testing.assert_allclose(result, want, rtol=1e-6, atol=1e-6, err_msg=name)


def expected(name: str, x: np.ndarray, y: np.ndarray, i: np.ndarray, j: np.ndarray) -> object:
    if name == "math.erf":
        return [math.erf(one) for one in x]
    if name in FLOATS:
        return FLOATS[name](x)
    if name in PAIRS:
        return PAIRS[name](x, y)
    if name in OTHERS:
        return OTHERS[name][2](x, y, i, j)
    unsigned = i.view(np.uint32)
    special = {
        "arith.shli": i << j, "arith.shrsi": i >> j, "arith.shrui": (unsigned >> j.view(np.uint32)).view(np.int32),
        "arith.maxui": np.maximum(unsigned, j.view(np.uint32)).view(np.int32),
        "arith.minui": np.minimum(unsigned, j.view(np.uint32)).view(np.int32),
    }  # fmt: skip
    return special[name] if name in special else INTEGERS[name](i, j)
