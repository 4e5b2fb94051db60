"""What every version 5 emitter writes with: where values lie, calls of tensor functions, copies between layouts.

Everything is dense and row-major; bool is stored as u8.
"""

import math
from collections.abc import Callable
from operator import mul
from typing import Any

import numpy as np

from ...dialects.mlir import ir
from ...dialects.tensors import dtype_of, static_shape
from ...runtime.kmodel.build5 import Place, Tensor
from ...runtime.kmodel.elements import element_name, numpy_dtype
from ...runtime.kmodel.struct import align
from ...runtime.stackvm.assembler5 import Code, Immediate, Operand
from ...runtime.stackvm.memory5 import dense
from ..emitters import Emitters
from ..unsupported import Unsupported

EMITTERS = Emitters()
emits = EMITTERS.emits
UNBOUNDED = {"low": -math.inf, "high": math.inf}
LOOP_LIMIT = 1024
"""Instructions that one operation may become."""
COPY_RANK = 4
"""Axes that a copy may have: with more, the vendor's runtime crashes."""
EARLY_RANK = 4
EARLY_LIMITED = ("binary", "broadcast", "pad", "reduce", "reduce_prod", "slice", "ternary")
"""Functions that crash the runtimes before 1.6 with more axes than that."""
Ints = tuple[int, ...]


class Writer:
    """What an operation is written with: the code, where each value lies, and variables behind `scratch` bytes."""

    def __init__(self, code: Code, place: Callable[[ir.Value], Place], scratch: int = 0) -> None:
        self.code = code
        self.place = place
        self.scratch = scratch
        self._variables: dict[str, Place] = {}

    def variables(self, name: str) -> Place:
        """Where the variable of loops is that has a name: 8 bytes for as long as an operation runs."""
        if name not in self._variables:
            self._variables[name] = Place("data", align(self.scratch, 8))
            self.scratch = align(self.scratch, 8) + 8
        return self._variables[name]

    def call(self, function: str, *operands: Operand, **immediates: Immediate) -> None:
        """Call a tensor function; `Unsupported` when the dialect does not have it."""
        if not self.code.has(function):
            raise Unsupported(f"runtime {self.code.isa.dialect} has no {function}")
        rank = max((len(value) for value in immediates.values() if isinstance(value, tuple)), default=0)
        if self.code.isa.dialect != "1.6" and function in EARLY_LIMITED and rank > EARLY_RANK:
            raise Unsupported(f"{function} along {rank} axes crashes runtime {self.code.isa.dialect}")
        self.code.tensor(function, *operands, **immediates)

    def apply(self, function: str, op: Any, *operands: Operand, **immediates: Immediate) -> None:
        """Call a function of one input and one output; `operands` are those behind them.

        The element type, shapes and strides are stated unless `immediates` say otherwise; functions leave out what
        they do not have.
        """
        result = static_shape(op.output) if static_shape(op.input) else looped(op.output)
        usual: dict[str, Immediate] = {
            "datatype": stored(op.input).element,
            **layout("src", op.input),
            "rshape_dest": result,
            "rstride_dest": dense(result),
        }
        self.call(function, self.place(op.input), self.place(op.output), *operands, **usual | immediates)

    def convert(self, value: ir.Value, target: Place, element: str) -> None:
        """Convert a tensor to another element type."""
        shape = static_shape(value)
        stated: dict[str, Immediate] = {"in_datatype": stored(value).element, "dst_datatype": element}
        self.call("convert", self.place(value), target, **stated, **joined(src=shape, dest=shape))

    def elementwise(self, function: str, op: Any, *operands: Operand, **immediates: Immediate) -> None:
        """`apply` for functions to which all axes are one."""
        shape = static_shape(op.input)
        self.apply(function, op, *operands, **joined(src=shape, dest=shape), **immediates)

    def copy(self, source: Place, target: Place, tensor: Tensor, strides: Ints) -> None:
        """Copy a dense tensor into one with other strides."""
        self.strided_copy(source, target, tensor, dense(tensor.shape), strides)

    def strided_copy(self, source: Place, target: Place, tensor: Tensor, strides: Ints, target_strides: Ints) -> None:
        """Copy between two layouts of one shape, plane by plane where a copy cannot have so many axes."""
        shape, strides, target_strides = merged(tensor.shape, strides, target_strides)
        outer = shape[:-COPY_RANK]
        if math.prod(outer) > LOOP_LIMIT:
            raise Unsupported(f"it moves elements along {len(shape)} axes, only {COPY_RANK} are supported")
        size = numpy_dtype(tensor.element).itemsize
        for index in np.ndindex(*outer):
            self.call(
                "copy",
                source.moved(size * sum(map(mul, index, strides))),
                target.moved(size * sum(map(mul, index, target_strides))),
                datatype=tensor.element,
                rshape=shape[-COPY_RANK:],
                rstride_src=strides[-COPY_RANK:],
                rstride_dest=target_strides[-COPY_RANK:],
            )


def merged(shape: Ints, strides: Ints, target_strides: Ints) -> tuple[Ints, Ints, Ints]:
    """A shape and two layouts of it, without axes of one element, and with axes joined that are one in both layouts."""
    axes: list[tuple[int, int, int]] = []
    for size, stride, target in zip(shape, strides, target_strides, strict=True):
        if size == 1:
            continue
        if axes and axes[-1][1:] == (size * stride, size * target):
            axes[-1] = (axes[-1][0] * size, stride, target)
        else:
            axes.append((size, stride, target))
    first, second, third = zip(*(axes or [(1, 1, 1)]), strict=True)
    return first, second, third


def looped(value: ir.Value) -> Ints:
    """The shape that the vendor's loops run over: over no axes at all they would never end."""
    return static_shape(value) or (1,)


def joined(**shapes: Ints) -> dict[str, Ints]:
    """The immediates of dense operands that are broadcast to the last one, with as few axes as say the same.

    At least one: the vendor's loops over no axes would never end.
    """
    rank = len(list(shapes.values())[-1])
    axes: list[list[int]] = []
    repeated: list[bool] = []
    for sizes in zip(*((1,) * (rank - len(shape)) + shape for shape in shapes.values()), strict=True):
        if sizes[-1] == 1:
            continue
        if axes and repeated == [size != sizes[-1] for size in sizes]:
            axes[-1] = [size * more for size, more in zip(axes[-1], sizes, strict=True)]
            continue
        repeated = [size != sizes[-1] for size in sizes]
        axes.append(list(sizes))
    stated: dict[str, Ints] = {}
    for name, shape in zip(shapes, zip(*(axes or [[1] * len(shapes)]), strict=True), strict=True):
        stated |= {f"rshape_{name}": shape, f"rstride_{name}": dense(shape)}
    return stated


def layout(name: str, value: ir.Value) -> dict[str, Ints]:
    """The immediates that say the shape and strides of a dense operand."""
    shape = looped(value)
    return {f"rshape_{name}": shape, f"rstride_{name}": dense(shape)}


def stored(value: ir.Value) -> Tensor:
    """A value as version 5 stores it."""
    name = element_name(dtype_of(value))
    return Tensor("u8" if name == "bool" else name, static_shape(value))
