"""`kpuc doctor`"""

import json
import platform
import sys
from importlib.metadata import PackageNotFoundError, version

import click

from ...errors import KpucError

PACKAGES = ("kpuc", "torch-mlir", "llvmlite", "numpy", "onnx", "tflite", "click", "rich")
OPTIONAL = {"pillow": "not installed: pip install 'kpuc[images]' to read images"}
"""Packages that only some inputs need, and what to say without them."""


def checks() -> list[dict[str, object]]:
    """What was checked, whether it is well, and what was found."""
    rows: list[dict[str, object]] = [
        {"check": "python", "ok": sys.version_info >= (3, 10), "found": platform.python_version()},
        {"check": "platform", "ok": True, "found": f"{platform.system()} {platform.machine()}"},
    ]
    for package in PACKAGES:
        try:
            rows.append({"check": package, "ok": True, "found": version(package)})
        except PackageNotFoundError:
            rows.append({"check": package, "ok": False, "found": "not installed"})
    for package, absent in OPTIONAL.items():
        try:
            rows.append({"check": package, "ok": True, "found": version(package)})
        except PackageNotFoundError:
            rows.append({"check": package, "ok": True, "found": absent})
    return [*rows, _bindings(), _machine_code()]


def _machine_code() -> dict[str, object]:
    """The kind of CPU that networks are compiled for here, and the others that there are."""
    from ...backends.native.target import SPECS, host

    others = f"--cpu takes {', '.join(SPECS)}"
    try:
        return {"check": "machine code", "ok": True, "found": f"for {host().name} by default; {others}"}
    except KpucError as error:
        return {"check": "machine code", "ok": True, "found": f"{error}; {others}"}


def _bindings() -> dict[str, object]:
    """Whether the MLIR bindings load and run a pass over our dialect."""
    try:
        from ...dialects.mlir import context, ir
        from ...passes.pipeline import parse_pipeline

        with context(), ir.Location.unknown():
            parse_pipeline("builtin.module(nn-canonicalize,canonicalize)").run(ir.Module.parse(""))
    except KpucError as error:
        return {"check": "MLIR bindings", "ok": False, "found": str(error)}
    return {"check": "MLIR bindings", "ok": True, "found": "dialects load, passes run"}


def print_checks(as_json: bool) -> None:
    """Print all checks; exit with 1 when one of them failed."""
    rows = checks()
    if as_json:
        click.echo(json.dumps(rows))
    else:
        for row in rows:
            click.echo(f"{'ok ' if row['ok'] else 'BAD'}  {row['check']:14}  {row['found']}")
    if not all(row["ok"] for row in rows):
        sys.exit(1)
