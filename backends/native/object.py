"""Bufferised MLIR to an ELF object: upstream's passes, LLVM's optimiser and code generator.

On entry: a module of func, vector, memref, scf, arith, math and llvm operations, static, its memrefs passed as bare
pointers. On exit: a relocatable object whose only undefined symbols are those of `runtime.native.symbols`. Functions
stay out of line when they carry `llvm.no_inline`. Two LLVMs take part: that of the MLIR bindings, which writes text,
and an older one, llvmlite's, which knows every CPU (see `literals`).
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from ...dialects.mlir import context, error_from, ir, llvm_text
from ...errors import KmodelError, PassError
from ...passes.pipeline import parse_pipeline
from ...runtime.native.elf import read_object
from ...runtime.native.link import Image
from ...runtime.native.symbols import EXPORTS
from .literals import older
from .target import TargetSpec

LOWERING = (
    "builtin.module(func.func(canonicalize,cse,loop-invariant-code-motion),convert-vector-to-scf,convert-scf-to-cf,"
    "expand-strided-metadata,lower-affine,convert-vector-to-llvm,convert-math-to-llvm,convert-math-to-libm,"
    "convert-func-to-llvm{use-bare-ptr-memref-call-conv=true},convert-to-llvm,reconcile-unrealized-casts,cse)"
)
"""From what kernels are written in to the llvm dialect; nn-opt runs it too."""
TIDYING = (
    "always_inliner", "global_dead_code_eliminate", "simplify_cfg", "sroa", "instruction_combine", "new_gvn",
    "loop_rotate", "simplify_cfg",
)  # fmt: skip
VECTOR = re.compile(r"<(?:vscale x )?\d+ x ")


def compile_object(module: str | ir.Module, spec: TargetSpec) -> bytes:
    """The object of a module, given as text, or as a module, which is lowered in place.

    PassError K0306 for text that is no module, K0304 or K0305 when it cannot be lowered, K0604 when LLVM refuses it.
    """
    return emit(optimised(lowered(module, spec), spec), spec)


def lowered(module: str | ir.Module, spec: TargetSpec) -> str:
    """LLVM IR, as llvmlite reads it."""
    if isinstance(module, str):
        with context():
            try:
                module = ir.Module.parse(module)
            except ir.MLIRError as error:
                raise error_from(error, "K0306", "the kernels cannot be parsed") from error
            return lowered(module, spec)
    machine = target_machine(spec)
    with module.context, ir.Location.unknown():
        pipeline = parse_pipeline(LOWERING)
        pipeline.verify_each = False
        pipeline.run(module)
        module.operation.attributes["llvm.data_layout"] = ir.StringAttr.get(str(machine.target_data))
        module.operation.attributes["llvm.target_triple"] = ir.StringAttr.get(spec.triple)
        text = llvm_text(module)
    return older(_completed(text, spec))


def _completed(text: str, spec: TargetSpec) -> str:
    """The text with the functions of `program.py` defined that depend on the CPU."""
    relax = f"define internal void @kpuc_relax() {{ call void @{spec.relax} ret void }}"
    futex = f"define internal i64 @kpuc_futex() {{ ret i64 {spec.futex} }}"
    return text.replace("declare void @kpuc_relax()", relax).replace("declare i64 @kpuc_futex()", futex)


def emit(text: str, spec: TargetSpec) -> bytes:
    """The object of LLVM IR, as it is. PassError K0604 when LLVM refuses it, or it needs what no runtime gives it."""
    data = bytes(target_machine(spec).emit_object(_parsed(text)))
    try:
        Image(read_object(data), page=4096).link(0, lambda name: 0)
    except KmodelError as error:
        raise PassError("K0604", cause=f"the code for {spec.name} could not be loaded: {error.cause}") from error
    return data


def assembly(text: str, spec: TargetSpec) -> str:
    """What `emit` makes of LLVM IR, for someone to read."""
    return str(target_machine(spec).emit_assembly(_parsed(text)))


def _parsed(text: str) -> Any:
    from llvmlite import binding

    try:
        module = binding.parse_assembly(text)
        module.verify()
    except RuntimeError as error:
        raise PassError("K0604", cause=f"LLVM cannot read what MLIR wrote: {error}") from error
    return module


def optimised(text: str, spec: TargetSpec) -> str:
    """LLVM IR with LLVM's passes done, of which only `EXPORTS` can be called. PassError K0604 when LLVM refuses it."""
    module = _parsed(text)
    for function in module.functions:
        if not function.is_declaration:
            function.add_function_attribute("nounwind")
            if function.name not in EXPORTS:
                function.linkage = "internal"
    return _optimised(module, target_machine(spec))


def _optimised(module: Any, machine: Any) -> str:
    """The module after LLVM's -O3, of which functions that work on vectors already see a few passes only.

    The other passes vectorise and unroll, which those were written with; but would take four fifths of the time.
    """
    from llvmlite import binding

    builder = binding.create_pass_builder(machine, binding.create_pipeline_tuning_options(speed_level=3))
    passes = binding.create_new_module_pass_manager()
    for name in TIDYING:
        getattr(passes, f"add_{name}_pass")()
    passes.run(module, builder)
    for function in module.functions:
        if not function.is_declaration and VECTOR.search(str(function)):
            function.add_function_attribute("noinline")
            function.add_function_attribute("optnone")
    builder.getModulePassManager().run(module, builder)
    return str(module).replace(" optnone", "")  # else code generation would not optimise them either


@cache
def target_machine(spec: TargetSpec) -> Any:
    """LLVM's code generator for a CPU: position-independent code of less than 2 GiB."""
    from llvmlite import binding

    _initialize(binding)
    target = binding.Target.from_triple(spec.triple)
    return target.create_target_machine(
        cpu=spec.cpu, features=spec.features, opt=3, reloc="pic", codemodel="small", abiname=spec.abi
    )


def _initialize(binding: Any) -> None:
    binding.initialize_all_targets()
    binding.initialize_all_asmprinters()
