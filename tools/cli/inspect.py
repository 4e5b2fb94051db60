"""`kpuc inspect`"""

import json

import click

from ...runtime.kmodel import read_kmodel
from ...runtime.kmodel.describe import describe, lines


def inspect_file(kmodel: str, as_json: bool) -> None:
    """Print what is in a kmodel."""
    facts = describe(read_kmodel(kmodel))
    click.echo(json.dumps(facts) if as_json else "\n".join(lines(facts)))
