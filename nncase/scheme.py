"""nncase's quantisation schemes: JSON files of the ranges of tensors, by their names in the network's file.

`Version` "1.0", `Model` null, `Outputs`: entries with `Name`, `DataType`, `DataRange` ({`Min`, `Max`, `IsFull`}, one or
one a channel) and `DataRangeMode` ("by_tensor" or "by_channel"). A value of ours has the name of the tensor that its
node computes; what the node computes before that keeps our name.
"""

import json
import math
import re
import warnings
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..dialects.ranges import REAL as REAL_BITS
from ..dialects.ranges import Range
from ..dialects.tensors import Array
from ..errors import OptionError, nearest
from ..files import make_folder, read_json, write_file
from ..passes.quant.calibration import Calibration
from ..passes.quant.weights import Weights
from .field import NoEffectWarning
from .tensors import Tensors

VERSION = "1.0"
REAL = ("f16", "f32")
"""Types of values that stay real numbers."""
BITS = {"u8": 8, "i8": 8, "i16": 16, "f16": REAL_BITS, "f32": REAL_BITS}
"""Types that values can have, and their bits."""
KINDS: dict[int | None, str] = {16: "i16", REAL_BITS: "f32"}
"""The type of a value whose bits are other than the rest's."""
PREPROCESSING = {"nn.dequantize": "PreDequantize", "nn.sub": "SubMean"}
"""How nncase calls the steps of an input's preprocessing, behind the input's name; the last one is DivStd."""
PREPROCESSED = "preprocess "
"""What the node of preprocessing is called, before the input's name."""
CONSTANTS = frozenset(("Mean", "Std"))
"""Entries of preprocessing's constants, which need no range."""
PLACE = re.compile(r"(?P<op>\S+) (?P<node>.*?)( \((?P<count>\d+)\))?(\[(?P<result>\d+)\])?")


@dataclass(frozen=True)
class Entry:
    """A tensor's type, and its ranges (low, high): one, or one a channel."""

    name: str
    kind: str
    ranges: tuple[tuple[float, float], ...]

    @property
    def span(self) -> Range | None:
        """The range that holds all of them; None for a value that stays real and never held a finite number."""
        span = Range(min(low for low, _ in self.ranges), max(high for _, high in self.ranges))
        return None if self.kind in REAL and span.low == span.high else span

    def as_json(self) -> dict[str, Any]:
        """As nncase writes it."""
        return {
            "Name": self.name,
            "DataType": self.kind,
            "DataRange": [{"Min": low, "Max": high, "IsFull": False} for low, high in self.ranges],
            "DataRangeMode": "by_tensor" if len(self.ranges) == 1 else "by_channel",
        }


@dataclass(frozen=True)
class Scheme:
    """The entries of a file, by name."""

    entries: Mapping[str, Entry]
    place: str = ""

    @classmethod
    def load(cls, path: str | Path) -> "Scheme":
        """Read a file. Raises `OptionError` K0717."""
        content = read_json(path, "K0717", "utf-8-sig")
        outputs = content.get("Outputs") if isinstance(content, dict) else None
        if not isinstance(outputs, list):
            raise OptionError("K0717", where=str(path), cause="is not a quantisation scheme: it has no list 'Outputs'")
        entries = [_entry(one, number, str(path)) for number, one in enumerate(outputs)]
        return cls({entry.name: entry for entry in entries}, str(path))

    def save(self, path: str | Path) -> None:
        """Write a file. Raises `OptionError` K0705."""
        content = {"Version": VERSION, "Model": None, "Outputs": [one.as_json() for one in self.entries.values()]}
        make_folder(Path(path).parent)
        write_file(path, json.dumps(content, indent=2) + "\n")

    def kind(self, tensors: Tensors) -> str:
        """The type that most values have of those of integers, one of 8 bits if there are any.

        u8 and i8 are the same numbers. Raises `OptionError` K0731 when no value has such a type.
        """
        kinds = Counter(one.kind for one in self.entries.values() if one.name not in tensors.weights)
        found = [kind for kind in ("u8", "i8", "i16") if kinds[kind]]
        if not found:
            cause = "all values stay real, expected one at least of a type of integers"
            raise OptionError("K0731", where=self.place, cause=cause)
        return max((kind for kind in found if kind != "i16"), key=lambda kind: kinds[kind], default="i16")

    def calibration(
        self, values: Sequence[str], products: Mapping[str, Array], tensors: Tensors, strict: bool
    ) -> Calibration:
        """The range of each value, the bits of those whose type is another than `kind`, and the reach of weights.

        `products` are the weights of those that are products, as they are multiplied with: what is done to a product
        channel by channel, such as a normalisation, may be in them. A value that is not in the file has no range, and
        stays real. Names that the network does not have are ignored with a warning. If strict, both are errors:
        `OptionError` K0718.
        """
        names = tensor_names(values, tensors.results)
        known = {*names.values(), *tensors.names, *CONSTANTS}
        ignored = [f"the network has no tensor '{name}'" for name in self.entries if name not in known]
        missing = [name for name in names.values() if name not in self.entries]
        if strict and ignored:
            unknown = next(name for name in self.entries if name not in known)
            raise OptionError("K0718", where=self.place, cause=ignored[0], remedy=nearest(unknown, known))
        if strict and missing:
            cause = f"strict mode needs a range of every value, there is none of '{missing[0]}'"
            raise OptionError("K0718", where=self.place, cause=cause)
        found = {value: self.entries[name] for value, name in names.items() if name in self.entries}
        usual = BITS[self.kind(tensors)]
        bits = {value: BITS[entry.kind] for value, entry in found.items() if BITS[entry.kind] != usual}
        spans = {value: found[value].span if value in found else None for value in values}
        for text in ignored:
            warnings.warn(f"{self.place}: {text}", NoEffectWarning, stacklevel=2)
        return Calibration("scheme", 0, spans, bits, self._weights(products, tensors), tuple(ignored))

    def _weights(self, products: Mapping[str, Array], tensors: Tensors) -> dict[str, Weights]:
        """What the file says of the weights of products. Raises `OptionError` K0717 for another number of channels."""
        found = {}
        for value, weight in products.items():
            name = _weight_name(value, tensors)
            entry, original = self.entries.get(name), tensors.weights.get(name)
            if entry is None or original is None or len(original) != len(weight):
                continue
            if len(entry.ranges) not in (1, len(original)):
                cause = f"'{name}' has {len(entry.ranges)} ranges, expected 1, or {len(original)}, one a channel"
                raise OptionError("K0717", where=self.place, cause=cause)
            found[value] = Weights(_scaled(_reach(weight), _reach(original), entry), BITS[entry.kind])
        return found


def _scaled(own: Array, original: Array, entry: Entry) -> tuple[float, ...]:
    """The reach of each channel of a weight, which was `original` in the file: as much more or less as stated there.

    One range for all channels is a limit: a channel of smaller weights keeps its own.
    """
    stated = np.array([max(abs(low), abs(high)) for low, high in entry.ranges])
    if len(stated) == 1:
        stated = np.minimum(stated, original)
    ratio = np.divide(stated, original, out=np.ones_like(original), where=original > 0)
    return tuple((own * ratio).tolist())


def _reach(weight: Array) -> Array:
    """The largest magnitude of each channel."""
    return np.asarray(np.abs(weight.astype(np.float64)).reshape(len(weight), -1).max(axis=1, initial=0.0))


def measured(calibration: Calibration, kinds: tuple[str, str], tensors: Tensors, by_channel: bool) -> Scheme:
    """The scheme that says what was measured, with the network's weights; `kinds` are the types of values and weights.

    Ranges contain 0, as integers need it.
    """
    names = tensor_names(calibration.ranges, tensors.results)
    entries = []
    for value, span in calibration.ranges.items():
        kind = KINDS.get(calibration.bits.get(value), kinds[0]) if span else "f32"
        entries.append(Entry(names[value], kind, (_around_zero(*(span or (0.0, 0.0))),)))
    bits = {_weight_name(value, tensors): one.bits for value, one in calibration.weights.items()}
    for name, weight in tensors.weights.items():
        rows = weight.reshape(len(weight), -1) if by_channel else weight.reshape(1, -1)
        spans = tuple(_around_zero(float(row.min()), float(row.max())) for row in rows)
        entries.append(Entry(name, KINDS.get(bits.get(name), kinds[1]), spans))
    return Scheme({entry.name: entry for entry in entries})


def _weight_name(value: str, tensors: Tensors) -> str:
    """The weight in the file of the product that results in one of our values; empty if that is not known."""
    place = PLACE.fullmatch(value)
    return tensors.weight_of.get(place["node"], "") if place else ""


def _around_zero(low: float, high: float) -> tuple[float, float]:
    return min(low, 0.0), max(high, 0.0)


def tensor_names(values: Iterable[str], results: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """The tensor that each of our values is, by what nodes result in; our own name for what is none of the file's."""
    found, last = {}, {}
    for value in values:
        place = PLACE.fullmatch(value)
        if value.startswith("input "):
            found[value] = value.removeprefix("input ")
        elif place is not None:
            found[value] = value
            last[place["node"], int(place["result"] or 0)] = value
            if place["node"].startswith(PREPROCESSED) and place["op"] in PREPROCESSING:
                found[value] = f"{place['node'].removeprefix(PREPROCESSED)}_{PREPROCESSING[place['op']]}"
    for (node, result), value in last.items():
        own = f"{node.removeprefix(PREPROCESSED)}_DivStd" if node.startswith(PREPROCESSED) else node
        outputs = results.get(node, [own])
        if result < len(outputs) and outputs[result] not in found.values():
            found[value] = outputs[result]
    return found


def _entry(content: Any, number: int, place: str) -> Entry:
    where = f"{place}: Outputs[{number}]"
    if not isinstance(content, dict) or not isinstance(content.get("Name"), str):
        raise OptionError("K0717", where=where, cause="has no 'Name'")
    kind = content.get("DataType")
    if kind not in BITS:
        valid = ", ".join(BITS)
        raise OptionError("K0717", where=where, cause=f"'DataType' is {kind!r}, expected one of {valid}")
    rows = content.get("DataRange")
    spans = tuple(_span(row) for row in rows) if isinstance(rows, list) else ()
    found = [span for span in spans if span is not None]
    if not found or len(found) != len(spans):
        cause = f"the 'DataRange' of '{content['Name']}' is not made of a 'Min' and a 'Max', Min <= Max"
        raise OptionError("K0717", where=where, cause=cause)
    return Entry(content["Name"], kind, tuple(found))


def _span(content: Any) -> tuple[float, float] | None:
    if not isinstance(content, dict):
        return None
    low, high = content.get("Min"), content.get("Max")
    if not isinstance(low, int | float) or not isinstance(high, int | float):
        return None
    return (float(low), float(high)) if -math.inf < low <= high < math.inf else None
