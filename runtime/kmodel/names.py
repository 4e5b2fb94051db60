"""What a kmodel cannot say about itself: names of inputs and outputs, first values of states, and who made it.

They are JSON in a section `.kpuc.io` of the entry module, where vendors' runtimes do not look.
Entry: a model of version 5 or 7. Exit: Names, or None for a file without them; KmodelError K0402 if they are damaged.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, TypeVar

from ...errors import KmodelError
from . import v5, v7
from .section import Section, find, with_section

if TYPE_CHECKING:
    from . import Model

SECTION = ".kpuc.io"
Elements = float | list[float]
ModelT = TypeVar("ModelT", v5.Model, v7.Model)


@dataclass(frozen=True)
class Names:
    """Names in the order of the entry function's inputs and outputs; `dialect` is that of version 5 code.

    `states` are the first values of states, which are an input and an output of one name: all elements in order, or the
    one number that they all are. `dims` are what dimensions of inputs are called that are not of one size ("" for the
    others), by input; `ranges` the least and the greatest size of those of a name.
    """

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    producer: str = ""
    dialect: str = ""
    states: Mapping[str, Elements] = field(default_factory=dict)
    dims: Mapping[str, Sequence[str]] = field(default_factory=dict)
    ranges: Mapping[str, tuple[int, int]] = field(default_factory=dict)


def default_names(inputs: int, outputs: int) -> Names:
    """input0, input1, ... output0, ...: for files that state none."""
    return Names(tuple(f"input{i}" for i in range(inputs)), tuple(f"output{i}" for i in range(outputs)))


def attach(model: ModelT, names: Names) -> ModelT:
    """The model with its names inside; KmodelError K0408 when there is no entry module."""
    if model.entry is None:
        raise KmodelError("K0408", cause="a kmodel without an entry function has no named inputs")
    fields = {one: value for one, value in asdict(names).items() if value not in ("", {})}
    body = json.dumps(fields, sort_keys=True).encode()
    section = Section(SECTION, body.ljust(-(-len(body) // 8) * 8))
    modules = list(model.modules)
    entry = modules[model.entry[0]]
    modules[model.entry[0]] = replace(entry, sections=with_section(entry.sections, section))
    return replace(model, modules=tuple(modules))


def names_of(model: Model) -> Names | None:
    """The names that `attach` put into the model; files of versions 3 and 4 have no place for them."""
    if not isinstance(model, v5.Model | v7.Model):
        return None
    return None if model.entry is None else names_in(model.modules[model.entry[0]].sections)


def names_in(sections: Sequence[Section]) -> Names | None:
    """The names that a module's sections hold."""
    section = find(sections, SECTION)
    if section is None:
        return None
    try:
        fields = json.loads(bytes(section.body))
    except (ValueError, RecursionError) as error:
        raise _damaged("it is not JSON") from error
    if not isinstance(fields, dict):
        raise _damaged("it is not an object")
    producer, dialect = _strings([fields.get("producer", ""), fields.get("dialect", "")])
    inputs, outputs = _strings(fields.get("inputs")), _strings(fields.get("outputs"))
    dims = {name: _strings(one) for name, one in _table(fields, "dims").items()}
    return Names(inputs, outputs, producer, dialect, _states(fields.get("states", {})), dims, _ranges(fields))


def _table(fields: Mapping[str, object], name: str) -> Mapping[str, object]:
    value = fields.get(name, {})
    if not isinstance(value, dict):
        raise _damaged(f"{name} are not a table")
    return value


def _ranges(fields: Mapping[str, object]) -> Mapping[str, tuple[int, int]]:
    ranges = {}
    for symbol, pair in _table(fields, "ranges").items():
        if not isinstance(pair, list) or len(pair) != 2 or not all(isinstance(one, int) for one in pair):
            raise _damaged("ranges of sizes are not pairs of numbers")
        ranges[symbol] = (pair[0], pair[1])
    return ranges


def _strings(value: object) -> tuple[str, ...]:
    if not isinstance(value, Sequence) or isinstance(value, str) or not all(isinstance(one, str) for one in value):
        raise _damaged("names are not texts")
    return tuple(value)


def _states(value: object) -> Mapping[str, Elements]:
    numbers = (int, float)
    if not isinstance(value, dict) or not all(
        isinstance(one, numbers) or (isinstance(one, list) and all(isinstance(element, numbers) for element in one))
        for one in value.values()
    ):
        raise _damaged("first values of states are not numbers")
    return value


def _damaged(cause: str) -> KmodelError:
    return KmodelError("K0402", where=f"kmodel, section {SECTION}", cause=f"the names cannot be read: {cause}")
