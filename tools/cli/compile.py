"""`kpuc compile`"""

import json
import sys
from pathlib import Path
from typing import Any

import click

from ...compiler import compile
from ...files import write_file


def compile_file(model: str, output: str, *, report: str | None, as_json: bool, **options: Any) -> None:
    """Compile, save, and say what was made."""
    if as_json or not sys.stderr.isatty():
        kmodel = compile(model, **options)
    else:
        from rich.console import Console

        with Console(stderr=True).status(f"compiling {Path(model).name} for {options['target']}"):
            kmodel = compile(model, **options)
    kmodel.save(output)
    facts = {**kmodel.report, "output": output}
    facts["inputs"] = [str(info) for info in kmodel.inputs]
    facts["outputs"] = [str(info) for info in kmodel.outputs]
    if report is not None:
        write_file(report, json.dumps(facts, indent=2) + "\n")
    if as_json:
        click.echo(json.dumps(facts))
        return
    click.echo(f"{output}: {facts['bytes']} bytes, kmodel v{facts['kmodel']} for {facts['target']}")
    for kind in ("inputs", "outputs"):
        for info in facts[kind]:
            click.echo(f"  {kind[:-1]:6}  {info}")
    click.echo(f"  compiled in {facts['seconds']['total']:.2f} s of CPU time")
