"""`kpuc inspect`"""

import json
from collections.abc import Iterator
from typing import Any

import click

from ...runtime.kmodel import read_kmodel
from ...runtime.kmodel.describe import describe


def inspect_file(kmodel: str, as_json: bool) -> None:
    """Print what is in a kmodel."""
    facts = describe(read_kmodel(kmodel))
    click.echo(json.dumps(facts) if as_json else "\n".join(_lines(facts)))


def _lines(value: Any, indent: int = 0) -> Iterator[str]:
    """Nested facts as indented text: lists of texts line by line, small facts on one line each.

    The registers of KPU layers are left out: the code shows those that vary.
    """
    pad = "  " * indent
    if isinstance(value, dict):
        for key, item in value.items():
            if key == "layers":
                continue
            if isinstance(item, dict | list) and item:
                yield f"{pad}{key}:"
                yield from _lines(item, indent + 1)
            else:
                yield f"{pad}{key}: {'none' if item in ({}, [], None) else item}"
    elif isinstance(value, list):
        for item in value:
            if isinstance(item, dict):
                yield f"{pad}-"
                yield from _lines(item, indent + 1)
            else:
                yield f"{pad}{item}"
