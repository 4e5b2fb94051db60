"""From MLIR to objects: what they are, and what is refused."""

from __future__ import annotations

import io
import re
import struct
import sys

import llvmlite.binding as llvm
import numpy as np
import pytest
from native_networks import network_object, network_text

from kpuc.backends.native.literals import older
from kpuc.backends.native.object import LOWERING, _optimised, _parsed, compile_object, emit, lowered, target_machine
from kpuc.backends.native.program import Step, argument_text, program_text
from kpuc.backends.native.target import SPECS, best, find, host, named
from kpuc.dialects.mlir import context, ir
from kpuc.errors import ExecutionError, OptionError, PassError
from kpuc.runtime.native.cpu import Cpu
from kpuc.runtime.native.elf import read_object
from kpuc.runtime.native.symbols import ALLOWED, EXPORTS
from kpuc.tools import nn_opt

X86 = SPECS["x86-64-v3"]


@pytest.mark.parametrize("cpu", SPECS)
def test_objects_for_every_cpu(cpu: str) -> None:
    made = read_object(network_object(cpu))
    assert made.machine == SPECS[cpu].machine
    assert set(made.functions) == set(EXPORTS)
    called = {one.symbol.name for one in made.relocations if one.symbol.part is None}
    assert called <= ALLOWED and "expf" in called
    assert not any(part.writable for part in made.parts)


def test_the_same_text_gives_the_same_bytes() -> None:
    assert compile_object(network_text(), X86) == network_object(X86.name)


def test_a_module_is_taken_as_well_as_text() -> None:
    with context():
        assert compile_object(ir.Module.parse(network_text()), X86) == network_object(X86.name)


def test_text_that_is_no_module() -> None:
    with pytest.raises(PassError, match="K0306"):
        compile_object("func.func @f(", X86)


def test_what_the_passes_cannot_lower() -> None:
    with pytest.raises(PassError, match=r"K0604.*'\S+' cannot be translated"):
        compile_object("func.func @f(%x: tensor<4xf32>) -> tensor<4xf32> { return %x : tensor<4xf32> }", X86)


def test_functions_that_no_library_has_are_refused() -> None:
    stranger = "func.func private @stranger()\nfunc.func @kpuc_run() { func.call @stranger() : () -> () return }"
    with pytest.raises(PassError, match=r"K0604.*'stranger'"):
        compile_object(stranger, X86)


def test_text_that_llvm_refuses() -> None:
    with pytest.raises(PassError, match="K0604"):
        emit("define void @f() { ret i32 }", X86)


LOOP = """func.func {visibility} @{name}(%m: memref<64xf32>) {attributes} {{
  %c0 = arith.constant 0 : index
  %c1 = arith.constant {step} : index
  %c64 = arith.constant 64 : index
  scf.for %i = %c0 to %c64 step %c1 {{
    %a = {load} %m[%i] : {types}
    %b = arith.addf %a, %a : {element}
    {store} %b, %m[%i] : {types}
  }}
  return
}}"""


def code_of(text: str) -> str:
    """LLVM IR after its optimisation."""
    return _optimised(_parsed(lowered(text, X86)), target_machine(X86))


def test_scalar_loops_are_vectorised_and_vector_loops_kept() -> None:
    scalar = LOOP.format(visibility="", name="scalar", attributes="", step=1, load="memref.load", store="memref.store",
                         types="memref<64xf32>", element="f32")  # fmt: skip
    vector = LOOP.format(visibility="", name="vector", attributes="", step=8, load="vector.load", store="vector.store",
                         types="memref<64xf32>, vector<8xf32>", element="vector<8xf32>")  # fmt: skip
    functions = dict(re.findall(r"^define .*?@(\w+)\((.*?)^}", code_of(scalar + "\n" + vector), re.M | re.S))
    assert "x float>" in functions["scalar"]
    assert functions["vector"].count("fadd") == 1 and "br i1" in functions["vector"]
    assert "optnone" not in code_of(vector)


@pytest.mark.parametrize(("attributes", "calls"), [("attributes {llvm.no_inline}", 1), ("", 0)])
def test_functions_stay_out_of_line_when_they_say_so(attributes: str, calls: int) -> None:
    helper = f"""func.func private @helper(%x: f32) -> f32 {attributes} {{
      %y = arith.mulf %x, %x : f32
      return %y : f32
    }}
    func.func @kpuc_run(%x: f32) -> f32 {{
      %y = func.call @helper(%x) : (f32) -> f32
      return %y : f32
    }}"""
    module = _parsed(lowered(helper, X86).replace("define float @helper", "define internal float @helper"))
    text = _optimised(module, target_machine(X86))
    assert len(re.findall(r"call .*@helper", text)) == calls


@pytest.mark.parametrize(("type_", "literal", "value"), [
    ("float", "1.100000e+00", np.float32(1.1)),
    ("float", "-1.100000e+00", np.float32(-1.1)),
    ("float", "f0xBF9E0651", np.float32(-1.2345678)),
    ("float", "1.401300e-45", np.float32(1e-45)),
    ("float", "+inf", np.float32(np.inf)),
    ("float", "-inf", np.float32(-np.inf)),
    ("double", "1.100000e+00", np.float64(1.1)),
    ("double", "f0xBFF3C0CA2A5B1D5D", np.float64(-1.2345678)),
    ("half", "1.099610e+00", np.float16(1.1)),
    ("half", "9.997550e-02", np.float16(0.1)),
    ("half", "+inf", np.float16(np.inf)),
])  # fmt: skip
def test_literals(type_: str, literal: str, value: np.generic) -> None:
    """LLVM 22 reads what LLVM 24 wrote as the same number: a global constant of it is found in an object."""
    assert constant(type_, literal) == value.tobytes()


def constant(type_: str, literal: str) -> bytes:
    """A constant as LLVM puts it into memory."""
    text = older(f'target triple = "x86_64-unknown-linux-gnu"\n@x = constant {type_} {literal}\n')
    machine = llvm.Target.from_triple("x86_64-unknown-linux-gnu").create_target_machine()
    data = machine.emit_object(llvm.parse_assembly(text))
    (part,) = (one for one in read_object(data).parts if one.size)
    return bytes(part.body)


def test_literals_that_numpy_has_no_type_for() -> None:
    assert constant("bfloat", "1.101560e+00") == b"\x8d\x3f"
    assert constant("bfloat", "-1.101560e+00") == b"\x8d\xbf"
    assert constant("float", "+qnan") == struct.pack("<I", 0x7FC00000)
    assert constant("float", "f0xFFC00001") == struct.pack("<I", 0xFFC00001)


def test_only_literals_are_rewritten() -> None:
    kept = (
        'source_filename = "24.0.0git"\ndefine float @"f1.5e+00"(float %x1.000000e+00) {\n  ret i32 15, !x !{i32 1}\n}'
    )
    assert older(kept) == kept
    assert older("fcmp olt double %a, 1.100000e+00") == "fcmp olt double %a, 0x3FF199999999999A"
    assert older("fptrunc double 1.100000e+00 to float") == "fptrunc double 0x3FF199999999999A to float"


def test_nn_opt_lowers_a_step() -> None:
    lines, value = argument_text(0, "memref<2x3xf32>", 1)
    body = "\n".join(lines)
    text = f"""func.func @step(%arguments: memref<1xindex>, %lo: index, %hi: index) {{
    {body}
    %c = memref.cast {value} : memref<2x3xf32> to memref<?x?xf32>
    %d = memref.dim %c, %lo : memref<?x?xf32>
    %e = memref.load %c[%lo, %d] : memref<?x?xf32>
    memref.store %e, {value}[%hi, %lo] : memref<2x3xf32>
    return
    }}"""
    streams = nn_opt.Streams(io.StringIO(text), io.StringIO(), io.StringIO())
    assert nn_opt.main([f"--pass-pipeline={LOWERING}"], streams) == 0, streams.error.getvalue()
    result = streams.output.getvalue()
    assert "llvm.inttoptr" in result
    assert "memref" not in result and "unrealized" not in result


@pytest.mark.parametrize("type_", ["memref<f32>", "memref<7xi8>", "memref<1x2x3x4x5xf16>"])
def test_arguments_of_any_rank(type_: str) -> None:
    lines, value = argument_text(3, type_, 4)
    indices = ", ".join(["%lo"] * type_.count("x"))
    body = "\n".join([*lines, f"%e = memref.load {value}[{indices}] : {type_}"])
    element = type_[:-1].replace("memref<", "").split("x")[-1]
    lowered(
        f"func.func @f(%arguments: memref<4xindex>, %lo: index) -> {element} {{ {body}\n return %e : {element} }}", X86
    )


@pytest.mark.parametrize("type_", ["memref<?xf32>", "memref<4xf32, strided<[2]>>", "tensor<4xf32>"])
def test_arguments_are_static_and_dense(type_: str) -> None:
    with pytest.raises(AssertionError):
        argument_text(0, type_, 1)


def test_only_steps_of_several_tasks_go_through_the_pool() -> None:
    text = program_text([Step("one", 1), Step("many", 9)], 64, 128, 2)
    assert "func.call @one" in text and "func.constant @one" not in text
    assert "func.constant @many" in text and "func.call @many" not in text
    assert "constant(9 : i64)" in text


def test_names_of_cpus() -> None:
    assert named("riscv64-v").dot is None
    assert best(["riscv64", "x86-64-v3", "riscv64-v", "x86-64-v4"]) == [
        "x86-64-v4",
        "x86-64-v3",
        "riscv64-v",
        "riscv64",
    ]
    with pytest.raises(OptionError, match=r"K0701.*x86-64-v3"):
        named("i386")


def test_cpus_of_a_triple() -> None:
    assert find("riscv64-linux").name == "riscv64"
    assert find("riscv64-unknown-linux-gnu", "riscv64-v").name == "riscv64-v"
    assert find("arm64-linux").name == "aarch64"
    for triple, cpu in (("mips-linux", None), ("aarch64-linux", "x86-64-v3")):
        with pytest.raises(OptionError, match="K0701"):
            find(triple, cpu)


def test_the_best_cpu_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    module = sys.modules["kpuc.backends.native.target"]
    v4 = SPECS["x86-64-v4"]
    for needs, name in ((v4.needs, v4.name), (X86.needs, X86.name)):
        monkeypatch.setattr(module, "this_cpu", lambda needs=needs: Cpu("x86_64", frozenset(needs)))
        assert host().name == name
    monkeypatch.setattr(module, "this_cpu", lambda: Cpu("x86_64", frozenset({"avx2"})))
    with pytest.raises(ExecutionError, match=r"K0509.*fma"):
        host()
