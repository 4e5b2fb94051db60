"""Measured ranges, by the names of the values they belong to; and the file they are kept in.

A value is named by what defines it: `input image`, or operation and model node, `nn.conv /stage1/Conv`. Where several
share that, all but the first are counted, ` (2)`; results of one operation are `[0]`, `[1]`. The names depend on the
module alone, so ranges fit exactly the form of a network that they were measured on.
"""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...dialects import nn
from ...dialects.function import argument_names, entry_function
from ...dialects.mlir import describe, ir
from ...dialects.ranges import REAL, Range, set_bits, set_range
from ...errors import OptionError, PassError
from ...files import read_json, write_file
from .weights import Weights, products, state_weights

FORMAT = "kpuc ranges"
VERSION = 1
BITS = (8, 16, REAL)
"""How values may be kept."""


@dataclass(frozen=True)
class Calibration:
    """The ranges of all float values of a module; None where a value never held a finite number.

    `bits` are those of values which are kept otherwise than the rest: 8, 16, or 32 for what stays a real number;
    `weights` what is known of the weights of products, by the name of the product's result. `ignored` says what of a
    file could not be used, and why.
    """

    estimator: str
    samples: int
    ranges: dict[str, Range | None]
    bits: dict[str, int] = field(default_factory=dict)
    weights: dict[str, Weights] = field(default_factory=dict)
    ignored: tuple[str, ...] = ()

    def summary(self) -> dict[str, Any]:
        """Where the ranges come from, for a report."""
        ignored = {"ignored": list(self.ignored)} if self.ignored else {}
        return {"estimator": self.estimator, "samples": self.samples, **ignored}

    def save(self, path: str | Path) -> None:
        """Write a readable JSON file: all of it, or nothing. Raises `OptionError` K0705."""
        content = {"format": FORMAT, "version": VERSION, "estimator": self.estimator, "samples": self.samples}
        lines = ",\n".join(f"    {json.dumps(name)}: {json.dumps(span)}" for name, span in self.ranges.items())
        head = json.dumps(content, indent=2).removesuffix("\n}")
        tables = {"bits": self.bits, "weights": {name: one.as_json() for name, one in self.weights.items()}}
        more = "".join(f'  "{name}": {json.dumps(table)},\n' for name, table in tables.items() if table)
        write_file(path, f'{head},\n{more}  "ranges": {{\n{lines}\n  }}\n}}\n')

    @classmethod
    def load(cls, path: str | Path) -> "Calibration":
        """Read what `save` wrote, perhaps edited by hand. Raises `OptionError` K0717."""
        content = read_json(path, "K0717")
        if not isinstance(content, dict) or content.get("format") != FORMAT:
            raise OptionError("K0717", where=str(path), cause="is not a file of ranges")
        if content.get("version") != VERSION:
            cause = f"is of version {content.get('version')}, expected {VERSION}"
            raise OptionError("K0717", where=str(path), cause=cause)
        ranges = content.get("ranges")
        if not isinstance(ranges, dict):
            raise OptionError("K0717", where=str(path), cause="has no table 'ranges'")
        spans = {name: _span(name, entry, path) for name, entry in ranges.items()}
        bits = content.get("bits", {})
        if not isinstance(bits, dict) or any(name not in spans or count not in BITS for name, count in bits.items()):
            valid = ", ".join(map(str, BITS))
            raise OptionError("K0717", where=str(path), cause=f"'bits' is no table of its values' bits, each {valid}")
        weights = content.get("weights", {})
        found = {name: Weights.of(one) for name, one in weights.items()} if isinstance(weights, dict) else {"": None}
        known = {name: one for name, one in found.items() if one is not None and name in spans}
        if len(known) != len(found):
            cause = "'weights' is no table of its products' weights, each their 'reach' and 'bits'"
            raise OptionError("K0717", where=str(path), cause=cause)
        estimator, samples = content.get("estimator"), content.get("samples")
        return cls(str(estimator), samples if isinstance(samples, int) else 0, spans, bits, known)


def _span(name: str, entry: Any, path: str | Path) -> Range | None:
    if entry is None:
        return None
    numbers = isinstance(entry, list) and all(isinstance(n, int | float) and not isinstance(n, bool) for n in entry)
    if numbers and len(entry) == 2 and all(map(math.isfinite, entry)) and entry[0] <= entry[1]:
        return Range(float(entry[0]), float(entry[1]))
    cause = f"the range of '{name}' is {json.dumps(entry)}, expected [low, high] or null"
    raise OptionError("K0717", where=str(path), cause=cause)


def named_values(module: ir.Module) -> Iterator[tuple[str, ir.Value]]:
    """Every float value of the entry function that is not a constant, with its name, in order."""
    function = entry_function(module)
    block = function.regions[0].blocks[0]
    for name, argument in zip(argument_names(function), block.arguments, strict=True):
        if is_float(argument):
            yield f"input {name}", argument
    seen: dict[str, int] = {}
    for op in block.operations:
        results = [] if isinstance(op, nn.Constant) else list(op.operation.results)
        if not any(map(is_float, results)):
            continue
        node = describe(op.location)
        base = f"{op.operation.name} {node.partition(': ')[2] or node}".rstrip()
        seen[base] = count = seen.get(base, 0) + 1
        name = base if count == 1 else f"{base} ({count})"
        for number, value in enumerate(results):
            if is_float(value):
                yield (f"{name}[{number}]" if len(results) > 1 else name), value


def is_float(value: ir.Value) -> bool:
    """Whether a value is a tensor of floating point numbers, the ones that have a range."""
    return isinstance(value.type.element_type, ir.FloatType)


def annotate(module: ir.Module, calibration: Calibration) -> None:
    """State the ranges on the values (see `dialects.ranges`).

    Raises `PassError` K0718 unless the module's float values are exactly those that were measured.
    """
    values = dict(named_values(module))
    absent = next((name for name in values if name not in calibration.ranges), None)
    foreign = next((name for name in calibration.ranges if name not in values), None)
    if absent is not None or foreign is not None:
        cause = f"no range is known of '{absent}'" if absent is not None else f"the network has no value '{foreign}'"
        raise PassError(
            "K0718",
            cause=f"the ranges were measured on another network, or another form of it: {cause}",
            remedy="calibrate again, with the options that this compilation has",
        )
    for name, value in values.items():
        set_range(value, calibration.ranges[name])
        set_bits(value, calibration.bits.get(name))
    for name, op in products(values):
        if name in calibration.weights:
            state_weights(op, calibration.weights[name])
