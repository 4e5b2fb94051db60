"""What shall happen to an input inside of the kmodel, so that a camera's bytes go in as they are.

Everything here is plain data and arithmetic; `preprocess_ops` puts it into a network. The arithmetic is that of
nncase 2.x, checked against its output, except that what it silently bends is refused here.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import OptionError

INPUT_TYPES = ("float32", "uint8", "int8")
LAYOUTS = ("NCHW", "NHWC")
BYTE_RANGE = (0.0, 255.0)
"""What integer inputs stand for unless `input_range` says otherwise: themselves."""
NARROWEST = 0.01
SIZES = ("letterbox", "input_shape")


@dataclass(frozen=True)
class Preprocessing:
    """Steps at the entry of a network, in this order; what is left at its default does not happen.

    1. `input_layout`: the new input's order of dimensions, NCHW or NHWC for images, or for inputs of any rank the
       permutation that makes of it the network's (NCHW for images), as text: "0,3,1,2" is NHWC. None: the network's own
       (`model_layout`).
    2. `swap_rb`: channels 2, 1, 0 of an image of three; a fourth stays.
    3. `input_type`: uint8 or int8 elements q stand for (q - zero_point) * scale, where `input_range` (low, high) is
       what 0 and 255 stand for: scale = (high - low) / 255, zero_point = round(-low / scale), halves to even. Signed
       elements have the same scale and zero point, so with the range 0, 1 an int8 is q / 255.
    4. `letterbox` (height, width): the new input's size; images are scaled by one factor until they fit, bilinearly,
       centred, and `letterbox_value` fills the rest. `input_shape` says the size, too, with all dimensions, in
       `input_layout`.
    5. `mean`, `std`: (x - mean) / std; one number, or one a channel.

    Raises `OptionError` K0716 when that contradicts itself. Source: nncase 2.11, AddPreProcess.
    """

    input_type: str = "float32"
    input_range: tuple[float, float] | None = None
    input_layout: str | None = None
    swap_rb: bool = False
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    letterbox: tuple[int, int] | None = None
    letterbox_value: float = 0.0
    input_shape: tuple[int, ...] | None = None
    model_layout: str | None = None

    @classmethod
    def of(cls, **fields: Any) -> "Preprocessing":
        """From what a user gives: numbers or sequences of them, None for what is left at its default."""
        given = {name: value for name, value in fields.items() if value is not None}
        if "input_layout" in given:
            given["input_layout"] = layout_text(given["input_layout"])
        for name, kind in (("input_range", float), ("mean", float), ("std", float), *((name, int) for name in SIZES)):
            if name in given:
                given[name] = _numbers(name.replace("_", " "), given[name], kind)
        return cls(**given)

    @classmethod
    def per_input(cls, **fields: Any) -> "dict[str, Preprocessing]":
        """The same for each input by name, "" standing for all others: any field may be a dictionary by input name."""
        mappings = {name: value for name, value in fields.items() if isinstance(value, Mapping)}
        common = {name: value for name, value in fields.items() if name not in mappings}
        found = {"": cls.of(**common)}
        for which in dict.fromkeys(which for value in mappings.values() for which in value):
            found[which] = cls.of(
                **common, **{name: value[which] for name, value in mappings.items() if which in value}
            )
        return found

    def __post_init__(self) -> None:
        _require(
            self.input_type in INPUT_TYPES,
            f"there is no input type '{self.input_type}'; there are: {', '.join(INPUT_TYPES)}",
        )
        check_layout("input", self.input_layout)
        names = ", ".join(LAYOUTS)
        _require(self.model_layout in (None, *LAYOUTS), f"model layout '{self.model_layout}' is not one of {names}")
        self._check_range()
        for what, numbers in (("mean", self.mean), ("std", self.std), ("letterbox value", (self.letterbox_value,))):
            _require(all(map(math.isfinite, numbers)), f"{what} {_text(numbers)} is not finite")
        _require(all(self.std) or not self.std, f"std {_text(self.std)} contains 0, by which nothing can be divided")
        lengths = {len(numbers) for numbers in (self.mean, self.std) if len(numbers) > 1}
        _require(len(lengths) < 2, f"mean {_text(self.mean)} and std {_text(self.std)} are for different channels")
        self._check_size()

    def _check_size(self) -> None:
        size, shape = self.letterbox, self.input_shape
        if size is not None:
            _require(len(size) == 2 and min(size) > 0, f"letterbox {_text(size)} is not a height and a width")
            _require(shape is None, "letterbox and input shape both say what the size is")
        elif shape is not None:
            _require(bool(shape) and min(shape) > 0, f"input shape {_text(shape)} is not made of sizes")
        else:
            _require(self.letterbox_value == 0, "a letterbox value needs a letterbox")

    def _check_range(self) -> None:
        if self.input_range is None:
            return
        text = f"input range {_text(self.input_range)}"
        _require(
            self.input_type != "float32",
            f"{text} says what integers stand for, but the input is of type float32",
            "give an input type of uint8 or int8, or leave the range out",
        )
        _require(len(self.input_range) == 2 and all(map(math.isfinite, self.input_range)), f"{text} is not two numbers")
        low, high = self.input_range
        _require(
            low <= 0 <= high,
            f"{text} does not contain 0, which must be representable",
            f"nncase takes it as {min(low, 0):g},{max(high, 0):g}; to shift the values use mean and std",
        )
        _require(high - low >= NARROWEST, f"{text} is narrower than {NARROWEST}")

    @property
    def needed(self) -> bool:
        """Whether there is anything to do."""
        return self != Preprocessing(model_layout=self.model_layout)

    @property
    def scale(self) -> float:
        """What a step of an integer input is worth, rounded to float32."""
        low, high = self.input_range or BYTE_RANGE
        return float(np.float32((high - low) / 255))

    @property
    def zero_point(self) -> int:
        """The integer that stands for 0."""
        low, high = self.input_range or BYTE_RANGE
        return round(-low * 255 / (high - low))


@dataclass(frozen=True)
class Frame:
    """How an image is placed in a network's input: its size when scaled, and the rows and columns around it."""

    height: int
    width: int
    top: int
    bottom: int
    left: int
    right: int

    @classmethod
    def around(cls, image: tuple[int, int], target: tuple[int, int]) -> "Frame":
        """`image` and `target` are heights and widths.

        r = min(target height / height, target width / width) in float32; halves are rounded to even.
        """
        ratio = min(np.float32(target[0]) / np.float32(image[0]), np.float32(target[1]) / np.float32(image[1]))
        height, width = (int(np.rint(np.float32(length) * ratio)) for length in image)
        rows, columns = target[0] - height, target[1] - width
        top, left = round(rows / 2 - 0.1), round(columns / 2 - 0.1)
        return cls(height, width, top, rows - top, left, columns - left)


def layout_text(layout: Any) -> str:
    """A layout as text: permutations may be given as numbers."""
    return layout if isinstance(layout, str) else ",".join(map(str, layout)) if _is_sequence(layout) else str(layout)


def _is_sequence(value: Any) -> bool:
    return isinstance(value, Sequence | np.ndarray)


def check_layout(what: str, layout: str | None) -> None:
    """Raise `OptionError` K0716 for what is neither a layout's name nor a permutation."""
    if layout is None or layout in LAYOUTS:
        return
    order = permutation_of(layout)
    _require(
        order is not None and sorted(order) == list(range(len(order))),
        f"{what} layout '{layout}' is neither one of {', '.join(LAYOUTS)} nor a permutation",
        "write permutations like 0,3,1,2",
    )


def permutation_of(layout: str) -> tuple[int, ...] | None:
    """The numbers of a layout that is a permutation, None of others."""
    try:
        return tuple(int(number) for number in layout.split(","))
    except ValueError:
        return None


def _numbers(what: str, value: Any, kind: type[float]) -> tuple[Any, ...]:
    try:
        return tuple(kind(number) for number in np.atleast_1d(value).tolist())
    except (TypeError, ValueError) as error:
        raise OptionError("K0716", cause=f"{what} {value!r} is not made of numbers") from error


def _text(numbers: tuple[float, ...]) -> str:
    return ",".join(f"{number:g}" for number in numbers)


def _require(condition: bool, cause: str, remedy: str = "") -> None:
    if not condition:
        raise OptionError("K0716", cause=cause, remedy=remedy)
