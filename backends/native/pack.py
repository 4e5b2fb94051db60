"""The native module of a network: its objects for one or several CPUs, and what they share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...runtime.kmodel.native import Native, NativeFunction, NativeObject
from ...runtime.kmodel.native import native_module as module_of
from ...runtime.kmodel.types7 import TensorType
from ...runtime.kmodel.v7 import Module
from .target import SPECS, best


def native_function(
    objects: Mapping[str, bytes],
    inputs: Sequence[TensorType],
    outputs: Sequence[TensorType],
    steps: Mapping[str, Sequence[str]] | None = None,
) -> NativeFunction:
    """A network for inputs of certain shapes; `objects`, and what `steps` of them are for, by the names of specs."""
    named = steps or {}
    made = [
        NativeObject(name, SPECS[name].machine, SPECS[name].needs, objects[name], steps=tuple(named.get(name, ())))
        for name in best(objects)
    ]
    return NativeFunction(tuple(made), tuple(inputs), tuple(outputs))


def native_module(functions: Sequence[NativeFunction], weights: bytes, arena_bytes: int) -> Module:
    """The module for a kmodel of version 7, in which all functions have objects for the same CPUs.

    `v7.write(attach(Model((module,), alignment=ALIGNMENT), names))` makes the file: weights lie at a multiple of 64
    bytes then (`runtime.kmodel.native.ALIGNMENT`), as the code wants them.
    """
    return module_of(Native(tuple(functions), weights, arena_bytes))
