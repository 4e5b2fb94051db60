"""One kmodel for a range of shapes: segments for some sizes, and what chooses between them.

Each symbol, which is the size of dimensions of inputs, has a range; this is cut into parts of equal length, and a
bucket is a part for each symbol. Its segment is the network at the largest sizes of the bucket. An entry function pads
inputs to these with zeros, at the end of each dimension, and cuts from the outputs what the network would have given.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..dialects.function import entry_function, initial_states, inputs_of, outputs_of
from ..dialects.mlir import describe, func, ir
from ..dialects.sizes import Extent, Size, dimension, value_of
from ..dialects.tensors import dtype_of, shape_of
from ..errors import OptionError, UnsupportedError
from ..passes.nn.padded_places import padding_between
from ..passes.nn.reify_shapes import ReifiedShapes
from ..passes.nn.tail import Tail, needed_ends, split_tail
from ..runtime.kmodel.elements import element_name
from ..runtime.ranges import SizeRanges

Extents = tuple[Extent, ...]
Sizes = Mapping[str, int]
"""What symbols are."""


@dataclass(frozen=True)
class Tensor:
    """An input or output: its name, its element type as kmodels call it, and its shape."""

    name: str
    element: str
    shape: Extents

    @property
    def is_static(self) -> bool:
        """Whether its shape does not depend on symbols."""
        return not any(isinstance(extent, Size) for extent in self.shape)

    @property
    def symbols(self) -> tuple[str, ...]:
        """What its dimensions are called, "" for those of one size."""
        return tuple(extent.symbol if isinstance(extent, Size) else "" for extent in self.shape)

    def at(self, sizes: Sizes) -> tuple[int, ...]:
        """Its shape when symbols have these sizes."""
        return tuple(value_of(extent, sizes) for extent in self.shape)


@dataclass(frozen=True)
class Buckets:
    """What a network takes and gives for all sizes of its symbols, which are within `ranges`, and the sizes of its
    segments, from small to large.

    `given` is what segments give: `outputs`, or the values that `tail` computes these from.
    """

    inputs: Sequence[Tensor]
    outputs: Sequence[Tensor]
    ranges: Mapping[str, tuple[int, int]]
    segments: Sequence[Sizes]
    given: Sequence[Tensor]
    tail: Tail | None = None

    @property
    def ends(self) -> tuple[str, ...]:
        """The names of the values where segments end ahead of the network's outputs."""
        return () if self.tail is None else tuple(one.name for one in self.given)

    @property
    def sizes(self) -> SizeRanges:
        """What inputs are checked with."""
        return SizeRanges({one.name: one.symbols for one in self.inputs if not one.is_static}, self.ranges)

    def check(self, module: ir.Module, sizes: Sizes) -> None:
        """Raise `UnsupportedError` K0605 unless a segment of these sizes returns what was told of it."""
        for parameter, tensor in zip(outputs_of(entry_function(module)), self.given, strict=True):
            if shape_of(parameter.type) != tensor.at(sizes):
                raise UnsupportedError(
                    "K0605",
                    where=f"output '{tensor.name}'",
                    cause=f"its shape at {_text(sizes)} is {parameter.type}, but {list(tensor.at(sizes))} was expected",
                    remedy="fix the input shapes with --shape or --dim",
                )


def buckets_of(
    module: ir.Module,
    ranges: Mapping[str, tuple[int, int]],
    segments: Sequence[Sizes],
    values: Mapping[str, ir.Value],
) -> Buckets:
    """The buckets of a network whose dimensions are open where they are called like a range; segments may end at
    `values`. The module becomes the tail, if there is one.

    Raises `OptionError` K0105 for other dimensions that are open; where there is nothing for segments to end at,
    `UnsupportedError` K0605 when shapes of outputs depend on more than shapes of inputs, K0606 when padding could not
    be cut from an output.
    """
    function = entry_function(module)
    shapes = ReifiedShapes(module, _dims(function, ranges))
    block = function.regions[0].blocks[0]
    inputs = [_tensor(one.name, value, shapes) for one, value in zip(inputs_of(function), block.arguments, strict=True)]
    results = list(zip(outputs_of(function), block.operations[len(block.operations) - 1].operands, strict=True))
    outputs = [_tensor(one.name, value, shapes) for one, value in results]
    culprits = padding_between(module, shapes)
    if all(shapes.is_known(value) and culprits[value] is None for _, value in results):
        return Buckets(inputs, outputs, ranges, segments, outputs)
    ends = {value: name for name, value in values.items() if value in culprits and culprits[value] is None}
    if initial_states(function):
        ends = {}  # a head would not return what the next run needs
    given = [_tensor(ends[value], value, shapes) for value in needed_ends(module, shapes, ends)]
    if not given:
        shapes.results()
        raise next(_between(one.name, culprits[value]) for one, value in results if culprits[value] is not None)
    return Buckets(inputs, outputs, ranges, segments, given, split_tail(module, shapes, ends))


def _dims(function: func.FuncOp, ranges: Mapping[str, tuple[int, int]]) -> dict[tuple[int, int], Size]:
    """The open dimensions of inputs, by number of the input and axis. Raises `OptionError` K0105."""
    dims: dict[tuple[int, int], Size] = {}
    for number, parameter in enumerate(inputs_of(function)):
        for axis, dim in enumerate(shape_of(parameter.type)):
            if dim is None:
                symbol = parameter.dims[axis] if parameter.dims else ""
                if symbol not in ranges:
                    raise _open(parameter.name, shape_of(parameter.type), axis, symbol)
                dims[number, axis] = dimension(symbol, *ranges[symbol])
    unused = next((symbol for symbol in ranges if symbol not in {size.symbol for size in dims.values()}), None)
    if unused is not None:
        cause = f"dimension '{unused}' has a range, but all inputs that have it are of one shape"
        raise OptionError("K0105", cause=cause, remedy="leave it out of the shapes that are given: --shape NAME=1,?")
    return dims


def _tensor(name: str, value: ir.Value, shapes: ReifiedShapes) -> Tensor:
    """What is known of a value; a dimension of which nothing is has a symbol of its own."""
    known = shapes.shape(value) if shapes.is_known(value) else shape_of(value)
    shape = tuple(dimension(f"{name}[{axis}]") if one is None else one for axis, one in enumerate(known))
    return Tensor(name, element_name(dtype_of(value)), shape)


def _open(name: str, shape: Sequence[int | None], axis: int, symbol: str) -> OptionError:
    """There is a dimension that has neither a size nor a range."""
    if not any(map(str.isalnum, symbol)):  # exporters write "?" for what they do not know
        symbol = f"{name}[{axis}]"
    whole = ",".join("N" if dim is None else str(dim) for dim in shape)
    cause = f"dimension {axis}, '{symbol}', has neither a size nor a range"
    remedy = (
        f"give it a range with --dim '{symbol}=MIN:MAX', or a size with --dim '{symbol}=N' or --shape {name}={whole}"
    )
    return OptionError("K0105", where=f"input '{name}'", cause=cause, remedy=remedy)


def _between(name: str, op: ir.OpView) -> UnsupportedError:
    """Padding cannot be cut from an output."""
    return UnsupportedError(
        "K0606",
        where=describe(op.location),
        cause=f"'{op.operation.name}' joins dimensions or tensors whose sizes have a range: padding would lie between "
        f"the elements of output '{name}'",
        remedy="fix that size with --dim NAME=N, leave it open with --dim NAME=?, or end the network before this node",
    )


def _text(sizes: Sizes) -> str:
    return ", ".join(f"{symbol} = {size}" for symbol, size in sizes.items())
