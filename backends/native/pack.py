"""The native module of a network: its objects for one or several CPUs, and what they share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...runtime.kmodel.native import Native, NativeObject
from ...runtime.kmodel.native import native_module as module_of
from ...runtime.kmodel.types7 import TensorType
from ...runtime.kmodel.v7 import Module
from .target import SPECS, best


def native_module(
    objects: Mapping[str, bytes],
    weights: bytes,
    arena_bytes: int,
    inputs: Sequence[TensorType],
    outputs: Sequence[TensorType],
) -> Module:
    """The module for a kmodel of version 7; `objects` by the names of their specs.

    `v7.write(attach(Model((module,), alignment=ALIGNMENT), names))` makes the file: weights lie at a multiple of 64
    bytes then (`runtime.kmodel.native.ALIGNMENT`), as the code wants them.
    """
    made = [NativeObject(name, SPECS[name].machine, SPECS[name].needs, objects[name]) for name in best(objects)]
    return module_of(Native(tuple(made), weights, arena_bytes, tuple(inputs), tuple(outputs)))
