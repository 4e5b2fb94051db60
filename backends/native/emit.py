"""`nn` to a kmodel of machine code.

On entry: one function of `nn` operations with static shapes. On exit: a kmodel of version 7 whose one module holds an
object for each CPU asked for, and the weights that all of them use.
"""

from __future__ import annotations

import io
from collections.abc import Sequence

from ...dialects.function import entry_function
from ...dialects.mlir import ir
from ...dialects.tensors import dtype_of, static_shape
from ...passes.pipeline import parse_pipeline
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
        "builtin.module(native-decompose,nn-fold-constants,nn-canonicalize,canonicalize,cse,"
        f"native-assign-layouts{{cpu={spec.name}}},native-form-groups)"
    )


def emit_native(module: ir.Module, specs: Sequence[TargetSpec], producer: str) -> tuple[bytes, Program]:
    """The kmodel of a network, and the program for the first CPU. The module is lowered in place for the last one.

    Raises `UnsupportedError` K0602 that lists every operation without a generator, K0603 for dimensions that are not
    known.
    """
    function = entry_function(module)
    names = names_of(function, producer)
    *_, end = function.regions[0].blocks[0].operations
    inputs = [_signature(value) for value in function.regions[0].blocks[0].arguments]
    outputs = [_signature(value) for value in end.operation.operands]
    copies = [_clone(module) for _ in specs[1:]]
    weights = Weights()
    objects: dict[str, bytes] = {}
    programs = []
    for spec, copy in zip(specs, [*copies, module], strict=True):
        parse_pipeline(pipeline(spec)).run(copy)
        programs.append(lower_network(copy, spec, weights))
        objects[spec.name] = compile_object(programs[-1].text, spec)
    arena = max(program.arena_bytes for program in programs)
    made = v7.Model((native_module(objects, bytes(weights.data), arena, inputs, outputs),), alignment=ALIGNMENT)
    return v7.write(attach(made, names)), programs[0]


def _clone(module: ir.Module) -> ir.Module:
    stream = io.BytesIO()
    module.operation.write_bytecode(stream)
    return ir.Module.parse(stream.getvalue(), context=module.context)


def _signature(value: ir.Value) -> TensorType:
    return TensorType(element_name(dtype_of(value)), static_shape(value))
