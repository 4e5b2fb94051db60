"""Puts preprocessing into a network, as `nn` operations behind its inputs.

On entry: a network as imported. On exit its float32 inputs (not its states) have the type, layout and size that
`Preprocessing` asks for, and what follows computes from them what the network took before. Inputs of other types stay.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..dialects import nn
from ..dialects.function import argument_names, entry_function, initial_states
from ..dialects.mlir import describe, file_loc, ir
from ..dialects.tensors import Dim, dtype_of, is_static, shape_of, static_shape, tensor_type
from ..errors import OptionError
from .preprocess import Frame, Preprocessing

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


def insert_preprocessing(module: ir.Module, options: Preprocessing, model_layout: str = "NCHW") -> None:
    """Change the network's inputs; `model_layout` is what its file format has, unless the options say otherwise.

    Raises `OptionError` K0716 for steps that an input does not have the dimensions for.
    """
    if not options.needed:
        return
    function = entry_function(module)
    block = function.regions[0].blocks[0]
    states = initial_states(function)
    named = zip(argument_names(function), block.arguments, strict=True)
    inputs = [(name, value) for name, value in named if dtype_of(value) == np.float32 and name not in states]
    images = [name for name, value in inputs if len(shape_of(value)) == 4]
    _require(bool(inputs), "", "no input of the network is of type float32, there is nothing to preprocess")
    for wanted, what in (
        (options.input_layout, "input layout"),
        (options.swap_rb, "swapping red and blue"),
        (options.letterbox, "letterbox"),
    ):
        _require(bool(images) or not wanted, "", f"{what} is for images, but no input has four dimensions")
    for name, value in inputs:
        with file_loc(describe(function.location), f"preprocess {name}"), ir.InsertionPoint.at_block_begin(block):
            _Entry(name, value, options, options.model_layout or model_layout).insert()
    results = list(function.type.results)
    arguments = [argument.type for argument in block.arguments]
    function.attributes["function_type"] = ir.TypeAttr.get(ir.FunctionType.get(arguments, results))


class _Entry:
    """The steps behind one input."""

    def __init__(self, name: str, argument: ir.Value, options: Preprocessing, model_layout: str) -> None:
        self.name, self.argument, self.options = name, argument, options
        self.old: ir.Type = argument.type
        self.is_image = len(shape_of(argument)) == 4
        self.ends_last = self.is_image and model_layout == "NHWC"
        self.starts_last = self.is_image and (options.input_layout or model_layout) == "NHWC"
        shape: Sequence[Dim] = shape_of(argument)
        self.model_shape = [shape[axis] for axis in TO_NCHW] if self.ends_last else list(shape)
        self._check()

    @property
    def per_channel(self) -> bool:
        """Whether mean or std differ between channels."""
        return max(len(self.options.mean), len(self.options.std)) > 1

    def _check(self) -> None:
        options, channels = self.options, self.model_shape[1] if self.is_image else None
        if options.swap_rb and self.is_image:
            _require(channels == 3, self.name, f"red and blue of {channels} channels cannot be swapped, only of 3")
        for what, numbers in (("mean", options.mean), ("std", options.std)):
            if len(numbers) > 1:
                cause = f"{what} has {len(numbers)} entries, the input {channels or 'no'} channels"
                _require(channels == len(numbers), self.name, cause)
        if options.letterbox is not None and self.is_image:
            _require(is_static(self.old), self.name, f"a letterbox needs a static shape, the input is {self.old}")

    def insert(self) -> None:
        """Give the argument its new type, and its users what they had."""
        shape = list(self.model_shape)
        if self.options.letterbox is not None and self.is_image:
            shape[2:] = self.options.letterbox
        # bytes that need no work by channel or place can stay channels last
        moves = self.starts_last != self.ends_last or self._works_on_places()
        outer = [shape[axis] for axis in TO_NHWC] if self.starts_last else shape
        users = [use.owner for use in self.argument.uses]
        self.argument.set_type(tensor_type(outer, self.options.input_type))
        value = self.argument
        if self.starts_last and moves:
            value = nn.Transpose(value, permutation=TO_NCHW).output
        for step in self._steps():
            value = step(value)
        if self.ends_last and moves:
            value = nn.Transpose(value, permutation=TO_NHWC).output
        for user in users:
            for number, operand in enumerate(user.operands):
                if operand == self.argument:
                    user.operands[number] = value

    def _works_on_places(self) -> bool:
        swaps = self.options.swap_rb and self.is_image
        return swaps or self.per_channel or (self.options.letterbox is not None and self.is_image)

    def _steps(self) -> Sequence[Callable[[ir.Value], ir.Value]]:
        options = self.options
        return [
            *([_swap_channels] if options.swap_rb and self.is_image else []),
            *([self._real] if options.input_type != "float32" else []),
            *([self._fit] if options.letterbox is not None and self.is_image else []),
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


def _swap_channels(value: ir.Value) -> ir.Value:
    order = nn.Constant(value=np.array([2, 1, 0], np.int64)).output
    return nn.Gather(value, order, axis=1, batch_dims=0).output


def _require(condition: bool, name: str, cause: str) -> None:
    if not condition:
        raise OptionError("K0716", where=f"input '{name}'" if name else "", cause=cause)
