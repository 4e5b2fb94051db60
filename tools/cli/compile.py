"""`kpuc compile`"""

import json
import sys
from pathlib import Path
from typing import Any

import click

from ...compiler import KModel, compile
from ...errors import OptionError
from ...files import write_file
from ...pipelines import CHIP_MEMORY


def compile_file(
    model: str, output: str, *, report: str | None, as_json: bool, save_ranges: str | None, **options: Any
) -> None:
    """Compile, save, and say what was made."""
    if save_ranges is not None and options["calibration"] is None:
        raise OptionError("K0721", where=save_ranges, cause="no ranges are measured without calibration data")
    if as_json or not sys.stderr.isatty():
        kmodel = compile(model, **options)
    else:
        kmodel = _compile_with_progress(model, options)
    if save_ranges is not None and kmodel.calibration is not None:
        kmodel.calibration.save(save_ranges)
    kmodel.save(output)
    facts = {**kmodel.report, "output": output}
    facts["inputs"] = [str(info) for info in kmodel.inputs]
    facts["outputs"] = [str(info) for info in kmodel.outputs]
    if report is not None:
        write_file(report, json.dumps(facts, indent=2) + "\n")
    if as_json:
        click.echo(json.dumps(facts))
        return
    code = f", machine code for {', '.join(facts['cpus'])}" if "cpus" in facts else ""
    click.echo(f"{output}: {facts['bytes']} bytes, kmodel v{facts['kmodel']} for {facts['target']}{code}")
    for kind in ("inputs", "outputs"):
        for info in facts[kind]:
            click.echo(f"  {kind[:-1]:6}  {info}")
        for name, stated in facts.get("quantisation", {}).get(kind, {}).items():
            click.echo("          {}: real = (byte - {zero_point}) * {scale:.9g}".format(name, **stated))
    for sizes in facts.get("buckets", ()):
        click.echo("  segment " + ", ".join(f"{symbol} up to {size}" for symbol, size in sizes.items()))
    if "calibration" in facts:
        click.echo("  ranges  {estimator}, {samples} samples".format(**facts["calibration"]))
    if "mixed" in facts:
        _print_mixture(facts["mixed"])
    if "ranges" in facts:
        click.echo(f"  ranges  {facts['ranges']}")
    for memory, plan in facts.get("memory", {}).items():
        gap = plan["peak"] / plan["bound"] - 1 if plan["bound"] else 0.0
        click.echo(
            f"  memory  {memory}: {plan['peak']} bytes at the peak, none needs less than {plan['bound']} ({gap:.1%})"
        )
    for note in facts.get("notes", ()):
        click.echo(f"note: {note}", err=True)
    click.echo(f"  compiled in {facts['seconds']['total']:.2f} s of CPU time")
    if facts["target"] == "k210":
        _print_excess(facts["bytes"], facts.get("memory", {}).get("main", {}).get("peak", 0))
    if facts.get("host"):
        _print_warnings(kmodel)


def _print_mixture(mixed: dict[str, Any]) -> None:
    """Say which layers keep more than 8 bits, and what that is worth."""
    names = [one["name"] for one in mixed["kept"]]
    text = "  mixed   {} of {layers} layers stay {type}; outputs have {before:.1f} dB without, {after:.1f} dB with them"
    click.echo(text.format(len(names), **mixed, **mixed["decibels"]))
    if names:
        shown = ", ".join(names[:MOST_NAMES])
        click.echo(f"          {shown}{' ...' if len(names) > MOST_NAMES else ''}")


def _print_excess(file: int, values: int) -> None:
    """Say when file and values are too large for the K210's main memory, where firmware loads the file."""
    if file + values > CHIP_MEMORY:
        click.echo(f"warning: the file and its values need {file + values} bytes; a K210 has {CHIP_MEMORY}", err=True)
        click.echo(f"  got   a file of {file} bytes, values of {values} bytes at the peak", err=True)
        click.echo("  help  take a smaller network or input; calibrated weights take a quarter of float ones", err=True)


MOST_NAMES = 5
"""How many layers are named."""
WORTH_A_WARNING = 0.01
"""The share of the predicted time from which on an operation that stays on the host is worth one."""


def _print_warnings(kmodel: KModel) -> None:
    """Say what stays on the host of a K210 and why, with predicted times."""
    from ...runtime.analysis import analyze
    from ...runtime.kmodel import read_kmodel

    total = analyze(read_kmodel(kmodel.data)).total().milliseconds
    small = []
    for item in kmodel.report["host"]:
        own = item["milliseconds"]
        if own is not None and own < WORTH_A_WARNING * total:
            small.append(own)
            continue
        estimate = "" if own is None else f" (est. {_ms(own)} of {_ms(total)})"
        click.echo(f"warning[{item['rule']}] {item['where']} runs on the CPU{estimate}", err=True)
        for key, label in (("sentence", "rule"), ("got", "got"), ("remedy", "help")):
            click.echo(f"  {label:4}  {item[key]}", err=True)
    if small:
        text = (
            f"{len(small)} more operations of est. {_ms(sum(small))} run on the CPU; --report lists all, with reasons"
        )
        click.echo(f"note: {text}", err=True)


def _ms(milliseconds: float) -> str:
    """Three digits, or as many as there are before the point."""
    return f"{milliseconds:.0f} ms" if milliseconds >= 100 else f"{milliseconds:.3g} ms"


def _compile_with_progress(model: str, options: dict[str, Any]) -> KModel:
    """Compile, and show on the terminal what is going on."""
    from rich.console import Console
    from rich.progress import Progress

    with Progress(transient=True, console=Console(stderr=True)) as display:
        text = f"compiling {Path(model).name} for {options['target']}"
        task = display.add_task(text, total=None)

        def calibrated(done: int, total: int) -> None:
            display.update(task, description="calibrating", completed=done, total=total or None)
            if done == total:
                display.update(task, description=text, total=None)

        return compile(model, progress=calibrated, **options)
