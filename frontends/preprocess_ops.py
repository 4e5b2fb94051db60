"""Puts preprocessing into a network, as `nn` operations behind its inputs, and the layout of its outputs.

On entry: a network as imported. On exit its float32 inputs (not its states) have the type, layout and size that
`Preprocessing` asks for, and what follows computes from them what the network took before. Inputs of other types stay.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from ..dialects import nn
from ..dialects.function import (
    argument_names,
    entry_function,
    initial_states,
    inputs_of,
    result_names,
    set_dims,
    update_types,
)
from ..dialects.mlir import describe, file_loc, ir
from ..dialects.tensors import Dim, dtype_of, is_static, shape_of, static_shape, tensor_type
from ..errors import OptionError
from .preprocess import Frame, Preprocessing, permutation_of

Item = TypeVar("Item")
TO_NHWC, TO_NCHW = (0, 2, 3, 1), (0, 3, 1, 2)
HALF_PIXEL: dict[str, Any] = {
    "mode": "linear",
    "coordinate": "half_pixel",
    "nearest_mode": "round_prefer_floor",
    "cubic_coeff_a": -0.75,
    "exclude_outside": False,
    "extrapolation_value": 0.0,
    "antialias": False,
}


def insert_preprocessing(
    module: ir.Module, options: Preprocessing | Mapping[str, Preprocessing], model_layout: str = "NCHW"
) -> None:
    """Change the network's inputs; `options` may be by name, that of "" being for all other inputs.

    `model_layout` is what the network's file format has, unless the options say otherwise. Raises `OptionError` K0716
    for names that the network does not have, and for steps that an input does not have the dimensions for.
    """
    by_name = {"": options} if isinstance(options, Preprocessing) else dict(options)
    if not any(one.needed for one in by_name.values()):
        return
    function = entry_function(module)
    block = function.regions[0].blocks[0]
    states = initial_states(function)
    arguments = dict(zip(argument_names(function), block.arguments, strict=True))
    dims = {one.name: one.dims for one in inputs_of(function) if one.dims}
    inputs = {name: value for name, value in arguments.items() if dtype_of(value) == np.float32 and name not in states}
    for name in by_name:
        known = ", ".join(f"'{one}'" for one in inputs) or "none"
        cause = f"no input '{name}' can be preprocessed; the network's inputs of type float32 are: {known}"
        _require(not name or name in inputs, "", cause)
    common = by_name.pop("", Preprocessing())
    others = [value for name, value in inputs.items() if name not in by_name]
    if common.needed and (others or not by_name):
        _require_inputs(common, others)
    for name, value in inputs.items():
        wanted = by_name.get(name, common)
        if name in by_name:
            _require_inputs(wanted, [value], name)
        if not wanted.needed:
            continue
        with file_loc(describe(function.location), f"preprocess {name}"), ir.InsertionPoint.at_block_begin(block):
            entry = _Entry(name, value, wanted, wanted.model_layout or model_layout)
            entry.insert()
        if name in dims:
            set_dims(function, name, entry.arranged(dims[name]))
    update_types(module)


def insert_output_layout(module: ir.Module, layout: str | Mapping[str, str], model_layout: str = "NCHW") -> None:
    """Return the network's outputs in another order of dimensions: images for a named layout, else those of the
    permutation's rank; `layout` may be by name.

    Raises `OptionError` K0716 when there is no such output. Source: nncase 2.11, AddPostProcess.
    """
    if layout == model_layout:
        return
    function = entry_function(module)
    block = function.regions[0].blocks[0]
    ret = block.operations[len(block.operations) - 1]
    states = initial_states(function)
    names = [name for name in result_names(function) if name not in states]
    by_name = dict.fromkeys(names, layout) if isinstance(layout, str) else dict(layout)
    for name in by_name:
        known = ", ".join(f"'{one}'" for one in names) or "none"
        _require(name in names, "", f"there is no output '{name}' whose layout can change; there are: {known}")
    found = False
    for number, name in enumerate(result_names(function)):
        value = ret.operands[number]
        order = _leaving(by_name.get(name, model_layout), model_layout, len(shape_of(value)))
        if order is None:
            _require(
                isinstance(layout, str) or name not in by_name, name, _misfit(by_name.get(name, ""), value), "output"
            )
            continue
        found = True
        if order != tuple(range(len(order))):
            with file_loc(describe(function.location), f"output layout {name}"), ir.InsertionPoint(ret):
                ret.operands[number] = nn.Transpose(value, permutation=order).output
    _require(found, "", f"output layout {layout} fits no output of the network")
    update_types(module)


def _leaving(layout: str, model_layout: str, rank: int) -> tuple[int, ...] | None:
    """The permutation that an output goes through, None for one of another rank."""
    order = permutation_of(layout) or (0, 1, 2, 3)
    if layout != model_layout and layout in ("NHWC", "NCHW"):
        order = TO_NHWC if layout == "NHWC" else TO_NCHW
    return order if len(order) == rank else None


def _misfit(layout: str, value: ir.Value) -> str:
    return f"layout {layout} does not fit {value.type}"


def _require_inputs(options: Preprocessing, values: Sequence[ir.Value], name: str = "") -> None:
    """That among inputs there are some for which the options make sense."""
    _require(bool(values), name, "no input of the network is of type float32, there is nothing to preprocess")
    order = permutation_of(options.input_layout) if options.input_layout else None
    ranks = [len(shape_of(value)) for value in values]
    if order is not None:
        cause = f"input layout {options.input_layout} is for {len(order)} dimensions, the inputs have {ranks}"
        _require(len(order) in ranks, name, cause)
    for wanted, what in (
        (options.input_layout and order is None, "input layout"),
        (options.swap_rb, "swapping red and blue"),
        (options.letterbox, "letterbox"),
    ):
        _require(4 in ranks or not wanted, name, f"{what} is for images, but no input has four dimensions")


class _Entry:
    """The steps behind one input."""

    def __init__(self, name: str, argument: ir.Value, options: Preprocessing, model_layout: str) -> None:
        self.name, self.argument, self.options = name, argument, options
        self.old: ir.Type = argument.type
        self.is_image = len(shape_of(argument)) == 4
        self.ends_last = self.is_image and model_layout == "NHWC"
        shape: Sequence[Dim] = shape_of(argument)
        own = TO_NCHW if self.ends_last else tuple(range(len(shape)))
        self.ends = own
        self.starts = _arriving(options.input_layout, own)
        self.letterbox: Sequence[int] | None = options.letterbox if self.is_image else None
        self.model_shape = [shape[axis] for axis in TO_NCHW] if self.ends_last else list(shape)
        if options.input_shape is not None:
            self._take_shape(options.input_shape)
        self._check()

    def _take_shape(self, given: Sequence[int]) -> None:
        """Let the new input have this shape: images of another size are letterboxed, other dimensions are given."""
        text = ",".join(map(str, given))
        model = [self.model_shape[self.starts.index(axis)] for axis in range(len(self.starts))]
        expected = ",".join("?" if dim is None else str(dim) for dim in model)
        fits = len(given) == len(model)
        if fits:
            inner = [given[axis] for axis in self.starts]
            pairs = list(zip(inner, self.model_shape, strict=True))
            fixed = pairs[:2] if self.is_image else pairs
            fits = all(mine == theirs for mine, theirs in fixed)
            if self.is_image and inner[2:] != list(self.model_shape[2:]):
                self.letterbox = inner[2:]
        what = ", where height and width may differ" if self.is_image else ""
        _require(fits, self.name, f"input shape {text} does not fit the network's {expected}{what}")

    @property
    def per_channel(self) -> bool:
        """Whether mean or std differ between channels."""
        return max(len(self.options.mean), len(self.options.std)) > 1

    def _check(self) -> None:
        options, channels = self.options, self.model_shape[1] if self.is_image else None
        if options.swap_rb and self.is_image:
            _require(channels in (3, 4), self.name, f"red and blue of {channels} channels cannot be swapped")
        for what, numbers in (("mean", options.mean), ("std", options.std)):
            if len(numbers) > 1:
                cause = f"{what} has {len(numbers)} entries, the input {channels or 'no'} channels"
                _require(channels == len(numbers), self.name, cause)
        if self.letterbox is not None:
            _require(is_static(self.old), self.name, f"a letterbox needs a static shape, the input is {self.old}")

    def insert(self) -> None:
        """Give the argument its new type, and its users what they had."""
        shape = list(self.model_shape)
        if self.letterbox is not None:
            shape[2:] = self.letterbox
        # bytes that need no work by channel or place can stay channels last
        moves = self.starts != self.ends or self._works_on_places()
        outer = self._outer(shape)
        users = [use.owner for use in self.argument.uses]
        self.argument.set_type(tensor_type(outer, self.options.input_type))
        value = self.argument
        if moves and self.starts != tuple(range(len(shape))):
            value = nn.Transpose(value, permutation=self.starts).output
        for step in self._steps():
            value = step(value)
        if self.ends_last and moves:
            value = nn.Transpose(value, permutation=TO_NHWC).output
        for user in users:
            for number, operand in enumerate(user.operands):
                if operand == self.argument:
                    user.operands[number] = value

    def arranged(self, dims: Sequence[str]) -> list[str]:
        """What the new input's dimensions are called, given what those of the old one are."""
        return self._outer([dims[axis] for axis in TO_NCHW] if self.ends_last else dims)

    def _outer(self, items: Sequence[Item]) -> list[Item]:
        """What belongs to the dimensions that steps work on, in the order of the new input's."""
        return [items[self.starts.index(axis)] for axis in range(len(items))]

    def _works_on_places(self) -> bool:
        swaps = self.options.swap_rb and self.is_image
        return swaps or self.per_channel or self.letterbox is not None

    def _steps(self) -> Sequence[Callable[[ir.Value], ir.Value]]:
        options = self.options
        return [
            *([_swap_channels] if options.swap_rb and self.is_image else []),
            *([self._real] if options.input_type != "float32" else []),
            *([self._fit] if self.letterbox is not None else []),
            *([self._minus_mean] if any(options.mean) else []),
            *([self._by_std] if any(number != 1 for number in options.std) else []),
        ]

    def _real(self, value: ir.Value) -> ir.Value:
        """Integers as the numbers they stand for."""
        options = self.options
        type_ = nn.quantized_tensor_type(
            shape_of(value), (options.scale,), (options.zero_point,), -1, options.input_type
        )
        return nn.Dequantize(nn.StorageCast(value, results=[type_]).output).output

    def _fit(self, value: ir.Value) -> ir.Value:
        """Scale an image by one factor and centre it."""
        shape = static_shape(value)
        height, width = shape[2:]
        target = [dim or 0 for dim in self.model_shape]
        if (height, width) == tuple(target[2:]):
            return value
        frame = Frame.around((height, width), (target[2], target[3]))
        sizes = (*shape[:2], frame.height, frame.width)
        scales = (1.0, 1.0, frame.height / height, frame.width / width)
        if sizes != shape:
            value = nn.Resize(value, sizes=sizes, scales=scales, **HALF_PIXEL).output
        padding = (0, 0, frame.top, frame.left, 0, 0, frame.bottom, frame.right)
        if not any(padding):
            return value
        return nn.Pad(value, padding=padding, mode="constant", value=self.options.letterbox_value).output

    def _minus_mean(self, value: ir.Value) -> ir.Value:
        return nn.Sub(value, self._constant(self.options.mean)).output

    def _by_std(self, value: ir.Value) -> ir.Value:
        return nn.Div(value, self._constant(self.options.std)).output

    def _constant(self, numbers: Sequence[float]) -> ir.Value:
        array = np.asarray(numbers, np.float32)
        return nn.Constant(value=array.reshape(()) if array.size == 1 else array.reshape(1, -1, 1, 1)).output


def _arriving(layout: str | None, own: tuple[int, ...]) -> tuple[int, ...]:
    """The permutation that makes of an input of this layout one as steps work on, `own` being the network's."""
    if layout is None:
        return own
    if layout in ("NCHW", "NHWC"):
        named: tuple[int, ...] = TO_NCHW if layout == "NHWC" else (0, 1, 2, 3)
    else:
        named = permutation_of(layout) or own
    return named if len(named) == len(own) else own


def _swap_channels(value: ir.Value) -> ir.Value:
    channels = shape_of(value)[1] or 0
    order = nn.Constant(value=np.array([2, 1, 0, *range(3, channels)], np.int64)).output
    return nn.Gather(value, order, axis=1, batch_dims=0).output


def _require(condition: bool, name: str, cause: str, kind: str = "input") -> None:
    if not condition:
        raise OptionError("K0716", where=f"{kind} '{name}'" if name else "", cause=cause)
