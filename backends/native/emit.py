"""`nn` to a kmodel of machine code.

On entry: one function of `nn` operations with buffers and groups (`pipeline`) for each CPU. On exit: a kmodel of
version 7 whose one module holds an object for each of them, and the weights that all of them use.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...dialects.function import entry_function
from ...dialects.mlir import describe, ir
from ...dialects.tensors import dtype_of, static_shape
from ...runtime.kmodel import v7
from ...runtime.kmodel.elements import element_name
from ...runtime.kmodel.names import attach
from ...runtime.kmodel.native import ALIGNMENT, NativeFunction
from ...runtime.kmodel.types7 import TensorType
from ..buckets import Buckets
from ..memory import ARENA, MemoryPlan
from ..stackvm.emit7 import entry_module
from ..stackvm.interface import names_of
from .lower import Program, Weights, lower_network
from .object import emit, lowered, optimised
from .pack import native_function, native_module
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
        steps = [str(step) for step in program.steps]
        peaks = {ARENA: (program.arena_bytes, program.bound)}
        return MemoryPlan(program.buffers, steps, peaks, f"Machine code for {self.spec.name}.")

    @classmethod
    def of(cls, program: Program, spec: TargetSpec) -> Code:
        """The code of a program."""
        llvm = optimised(lowered(program.text, spec), spec)
        return cls(spec, program, llvm, emit(llvm, spec))


def emit_native(
    networks: Sequence[Sequence[ir.Module]], specs: Sequence[TargetSpec], producer: str, buckets: Buckets | None = None
) -> tuple[bytes, list[list[Code]]]:
    """The kmodel of a network, and the code in it, as `networks` are.

    There is a module for each CPU in the only network, or in that of each segment of `buckets`. Raises
    `UnsupportedError` K0602 that lists every operation without a generator, K0603 for dimensions that are not known.
    """
    weights = Weights()
    codes = [
        [Code.of(lower_network(module, spec, weights), spec) for module, spec in zip(modules, specs, strict=True)]
        for modules in networks
    ]
    functions = [_function(modules[0], made) for modules, made in zip(networks, codes, strict=True)]
    arena = max(one.program.arena_bytes for made in codes for one in made)
    native = native_module(functions, bytes(weights.data), arena)
    modules = (native,) if buckets is None else (entry_module(buckets, module=1), native)
    names = names_of(entry_function(networks[0][0]), producer, buckets=buckets)
    return v7.write(attach(v7.Model(modules, alignment=ALIGNMENT), names)), codes


def _function(module: ir.Module, codes: Sequence[Code]) -> NativeFunction:
    function = entry_function(module)
    block, file = function.regions[0].blocks[0], f" at {describe(function.location)}"
    *_, end = block.operations
    return native_function(
        {one.spec.name: one.object for one in codes},
        [_signature(value) for value in block.arguments],
        [_signature(value) for value in end.operation.operands],
        {one.spec.name: [_without(file, str(step)) for step in one.program.steps] for one in codes},
    )


def _without(file: str, step: str) -> str:
    """What a step is for, without the name of the file that the network came from: kmodels do not depend on it."""
    return step.replace(f"{file}: ", " at ").replace(file, "")


def _signature(value: ir.Value) -> TensorType:
    return TensorType(element_name(dtype_of(value)), static_shape(value))
