"""What nodes of kmodel version 4 are written with: the file, and where each value lies."""

import math
from dataclasses import dataclass, field
from typing import Any

from ...dialects import nn
from ...dialects.mlir import ir
from ...dialects.tensors import dtype_of, static_shape
from ...runtime.kmodel.builder4 import Builder
from ...runtime.kmodel.elements import element_name
from ...runtime.kmodel.fields4 import ELEMENTS, MemoryRange, place
from ..buffers import address_of, source_of
from ..unsupported import Unsupported


@dataclass
class Places:
    """Where each value lies in main memory; constants go into the file when they are first used."""

    builder: Builder
    constants: dict[ir.Value, MemoryRange] = field(default_factory=dict)

    def __call__(self, value: ir.Value) -> MemoryRange:
        """The range of a value. `Unsupported` for elements that are neither float32 nor bytes."""
        name = element_name(dtype_of(value))
        if name not in ELEMENTS:
            raise Unsupported(f"it works on {value.type}, only f32 and bytes are supported")
        source = source_of(value)
        array = nn.constant_value(source)
        if array is None:
            return place("main", name, address_of(source), math.prod(static_shape(value)))
        if source not in self.constants:
            self.constants[source] = self.builder.constant(array)
        return self.constants[source]


@dataclass
class Writer:
    """What an operation is written with: the file, and where each value lies."""

    builder: Builder
    at: Places

    def apply(self, fields: type[Any], op: Any, *arrays: Any, **stated: Any) -> None:
        """Add a node of one input and one output."""
        self.builder.add(fields(input=self.at(op.input), output=self.at(op.output), **stated), *arrays)
