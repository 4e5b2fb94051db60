"""`kpuc inspect`"""

import json
from collections.abc import Iterator
from typing import Any

import click

from ...runtime.kmodel import read_kmodel
from ...runtime.kmodel.describe import describe

JSON_ONLY = frozenset({"layers", "registers"})
"""All registers of KPU layers: the text shows those that vary."""


def inspect_file(kmodel: str, as_json: bool) -> None:
    """Print what is in a kmodel."""
    facts = describe(read_kmodel(kmodel))
    click.echo(json.dumps(facts) if as_json else "\n".join(_lines(facts)))


def _lines(value: Any, indent: int = 0) -> Iterator[str]:
    """Nested facts as indented text: lists of texts line by line, small facts on one line each."""
    pad = "  " * indent
    if isinstance(value, dict):
        for key, item in value.items():
            if key in JSON_ONLY:
                continue
            if isinstance(item, dict | list) and item:
                yield f"{pad}{key}:"
                yield from _lines(item, indent + 1)
            else:
                yield f"{pad}{key}: {'none' if item in ({}, [], None) else item}"
    elif isinstance(value, list):
        for item in value:
            if isinstance(item, dict):
                shown = {key: fact for key, fact in item.items() if key not in JSON_ONLY}
                if all(map(_small, shown.values())):
                    yield f"{pad}- " + ", ".join(f"{key}: {fact}" for key, fact in shown.items())
                else:
                    yield f"{pad}-"
                    yield from _lines(shown, indent + 1)
            else:
                yield f"{pad}{item}"


def _small(value: Any) -> bool:
    """What fits into a line: a number, a text, a shape."""
    return not isinstance(value, dict) and not (
        isinstance(value, list) and any(isinstance(x, dict | str) for x in value)
    )
