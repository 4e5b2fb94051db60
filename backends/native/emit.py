"""`nn` to a kmodel of machine code.

On entry: one function of `nn` operations with buffers and groups (`pipeline`) for each CPU. On exit: a kmodel of
version 7 whose one module holds an object for each of them, and the weights that all of them use.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...dialects.function import entry_function
from ...dialects.mlir import ir
from ...dialects.tensors import dtype_of, static_shape
from ...runtime.kmodel import v7
from ...runtime.kmodel.elements import element_name
from ...runtime.kmodel.names import attach
from ...runtime.kmodel.native import ALIGNMENT
from ...runtime.kmodel.types7 import TensorType
from ..memory import ARENA, MemoryPlan
from ..stackvm.interface import names_of
from .lower import Program, Weights, lower_network
from .object import emit, lowered, optimised
from .pack import native_module
from .target import TargetSpec


def pipeline(spec: TargetSpec) -> str:
    """What a network goes through before it is lowered for a CPU."""
    return (
        "builtin.module(native-decompose,nn-fold-constants{integers=true},nn-move-quantized,nn-canonicalize,"
        f"canonicalize,cse,native-assign-layouts{{cpu={spec.name}}},native-form-groups)"
    )


@dataclass(frozen=True)
class Code:
    """A network for a CPU: its program, this as LLVM IR behind LLVM's passes, and the object that it becomes."""

    spec: TargetSpec
    program: Program
    llvm: str
    object: bytes

    @property
    def memory(self) -> MemoryPlan:
        """What lies where and when."""
        program = self.program
        steps = [f"{step.kernel}: {', '.join(step.computes)}" for step in program.steps]
        peaks = {ARENA: (program.arena_bytes, program.bound)}
        return MemoryPlan(program.buffers, steps, peaks, f"Machine code for {self.spec.name}.")

    @classmethod
    def of(cls, program: Program, spec: TargetSpec) -> Code:
        """The code of a program."""
        llvm = optimised(lowered(program.text, spec), spec)
        return cls(spec, program, llvm, emit(llvm, spec))


def emit_native(modules: Sequence[ir.Module], specs: Sequence[TargetSpec], producer: str) -> tuple[bytes, list[Code]]:
    """The kmodel of a network, of which there is a module for each CPU, and the code for them.

    Raises `UnsupportedError` K0602 that lists every operation without a generator, K0603 for dimensions that are not
    known.
    """
    function = entry_function(modules[0])
    block = function.regions[0].blocks[0]
    *_, end = block.operations
    weights = Weights()
    programs = [lower_network(module, spec, weights) for module, spec in zip(modules, specs, strict=True)]
    codes = [Code.of(program, spec) for program, spec in zip(programs, specs, strict=True)]
    made = native_module(
        {one.spec.name: one.object for one in codes},
        bytes(weights.data),
        max(program.arena_bytes for program in programs),
        [_signature(value) for value in block.arguments],
        [_signature(value) for value in end.operation.operands],
    )
    return v7.write(attach(v7.Model((made,), alignment=ALIGNMENT), names_of(function, producer))), codes


def _signature(value: ir.Value) -> TensorType:
    return TensorType(element_name(dtype_of(value)), static_shape(value))
