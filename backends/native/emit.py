"""`nn` to a kmodel of machine code.

On entry: one function of `nn` operations with buffers and groups (`pipeline`) for each CPU. On exit: a kmodel of
version 7 whose one module holds an object for each of them, and the weights that all of them use.
"""

from __future__ import annotations

from collections.abc import Sequence

from ...dialects.function import entry_function
from ...dialects.mlir import ir
from ...dialects.tensors import dtype_of, static_shape
from ...runtime.kmodel import v7
from ...runtime.kmodel.elements import element_name
from ...runtime.kmodel.names import attach
from ...runtime.kmodel.native import ALIGNMENT
from ...runtime.kmodel.types7 import TensorType
from ..stackvm.interface import names_of
from .lower import Program, Weights, lower_network
from .object import compile_object
from .pack import native_module
from .target import TargetSpec


def pipeline(spec: TargetSpec) -> str:
    """What a network goes through before it is lowered for a CPU."""
    return (
        "builtin.module(native-decompose,nn-fold-constants{integers=true},nn-move-quantized,nn-canonicalize,"
        f"canonicalize,cse,native-assign-layouts{{cpu={spec.name}}},native-form-groups)"
    )


def emit_native(
    modules: Sequence[ir.Module], specs: Sequence[TargetSpec], producer: str
) -> tuple[bytes, list[Program]]:
    """The kmodel of a network, of which there is a module for each CPU, and the programs for them.

    Raises `UnsupportedError` K0602 that lists every operation without a generator, K0603 for dimensions that are not
    known.
    """
    function = entry_function(modules[0])
    block = function.regions[0].blocks[0]
    *_, end = block.operations
    weights = Weights()
    programs = [lower_network(module, spec, weights) for module, spec in zip(modules, specs, strict=True)]
    made = native_module(
        {spec.name: compile_object(program.text, spec) for program, spec in zip(programs, specs, strict=True)},
        bytes(weights.data),
        max(program.arena_bytes for program in programs),
        [_signature(value) for value in block.arguments],
        [_signature(value) for value in end.operation.operands],
    )
    return v7.write(attach(v7.Model((made,), alignment=ALIGNMENT), names_of(function, producer))), programs


def _signature(value: ir.Value) -> TensorType:
    return TensorType(element_name(dtype_of(value)), static_shape(value))
