"""`nn` to a kmodel of machine code.

On entry: one function of `nn` operations with buffers and groups (`pipeline`) for each CPU. On exit: a kmodel of
version 7 whose one module holds an object for each of them, and the weights that all of them use.
"""

from __future__ import annotations

import io
from collections.abc import Sequence

from ...dialects.function import entry_function
from ...dialects.mlir import ir
from ...dialects.tensors import dtype_of, static_shape
from ...runtime.kmodel import v7
from ...runtime.kmodel.elements import element_name
from ...runtime.kmodel.names import attach
from ...runtime.kmodel.native import ALIGNMENT, NativeFunction
from ...runtime.kmodel.types7 import TensorType
from ..buckets import Buckets
from ..stackvm.entry7 import entry_module
from ..stackvm.interface import names_of
from .lower import Program, Weights, lower_network
from .object import compile_object
from .pack import native_function, native_module
from .target import TargetSpec


def pipeline(spec: TargetSpec) -> str:
    """What a network goes through before it is lowered for a CPU."""
    return (
        "builtin.module(native-decompose,nn-fold-constants{integers=true},nn-move-quantized,nn-canonicalize,"
        f"canonicalize,cse,native-assign-layouts{{cpu={spec.name}}},native-form-groups)"
    )


def emit_native(
    networks: Sequence[Sequence[ir.Module]], specs: Sequence[TargetSpec], producer: str, buckets: Buckets | None = None
) -> tuple[bytes, list[list[Program]]]:
    """The kmodel of a network, and the programs in it, as `networks` are.

    There is a module for each CPU in the only network, or in that of each segment of `buckets`. Raises
    `UnsupportedError` K0602 that lists every operation without a generator, K0603 for dimensions that are not known.
    """
    weights = Weights()
    programs = [
        [lower_network(module, spec, weights) for module, spec in zip(modules, specs, strict=True)]
        for modules in networks
    ]
    functions = [_function(modules[0], made, specs) for modules, made in zip(networks, programs, strict=True)]
    arena = max(program.arena_bytes for made in programs for program in made)
    native = native_module(functions, bytes(weights.data), arena)
    modules = (native,) if buckets is None else (entry_module(buckets, module=1), native)
    names = names_of(entry_function(networks[0][0]), producer, buckets=buckets)
    return v7.write(attach(v7.Model(modules, alignment=ALIGNMENT), names)), programs


def _function(module: ir.Module, programs: Sequence[Program], specs: Sequence[TargetSpec]) -> NativeFunction:
    block = entry_function(module).regions[0].blocks[0]
    *_, end = block.operations
    return native_function(
        {spec.name: compile_object(program.text, spec) for program, spec in zip(programs, specs, strict=True)},
        [_signature(value) for value in block.arguments],
        [_signature(value) for value in end.operation.operands],
    )


def clone(module: ir.Module) -> ir.Module:
    """A copy, which other passes can be run on."""
    stream = io.BytesIO()
    module.operation.write_bytecode(stream)
    return ir.Module.parse(stream.getvalue(), context=module.context)


def _signature(value: ir.Value) -> TensorType:
    return TensorType(element_name(dtype_of(value)), static_shape(value))
