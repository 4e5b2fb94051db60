"""`kpuc analyze`"""

import json
import sys
from collections.abc import Sequence

import click
from rich.console import Console
from rich.table import Table

from ...runtime.analysis import PARTS, Analysis, Step, analyze
from ...runtime.kmodel import read_kmodel
from ...runtime.kpu.layout import RAM_BYTES

BAR = 16
"""Characters of the bar of the step that uses most KPU RAM."""
WIDTH = 120
"""Columns of what goes into a file or a pipe."""


def analyze_file(kmodel: str, *, top: int, every: bool, as_json: bool) -> None:
    """Print what a kmodel costs on a K210: the `top` most expensive steps, or `every` one in order."""
    analysis = analyze(read_kmodel(kmodel))
    if as_json:
        click.echo(json.dumps(analysis.as_json()))
        return
    console = Console(width=None if sys.stdout.isatty() else WIDTH, highlight=False, markup=False)
    console.print(_title(analysis))
    console.print(_times(analysis), _facts(analysis), sep="\n")
    numbers = list(range(len(analysis.steps)))
    if not every:
        numbers = sorted(numbers, key=lambda number: -analysis.steps[number].cost.cycles)[:top]
    console.print(_steps(analysis, numbers, "#" if console.encoding.startswith("ascii") else "█"))
    if len(numbers) < len(analysis.steps):
        console.print(
            f"{len(numbers)} of {len(analysis.steps)} steps, the most expensive first; --all shows all in order"
        )
    console.print("* rests on constants that were never measured on a board: good for comparing kmodels only")


def _title(analysis: Analysis) -> str:
    entry = analysis.model.entry_function()
    sides = []
    for names, parameters in ((analysis.names.inputs, entry.inputs), (analysis.names.outputs, entry.outputs)):
        pairs = zip(names, parameters, strict=True)
        sides.append(", ".join(f"{name} {one.element} {_shape(one.shape)}" for name, one in pairs))
    written = f", {analysis.producer}" if analysis.producer else ""
    dialect = f", dialect {analysis.dialect}" if analysis.dialect else ""
    return f"kmodel v{analysis.model.version}{dialect}{written}: {' -> '.join(sides)}"


def _times(analysis: Analysis) -> Table:
    table = Table(title="Predicted time at 400 MHz", title_justify="left")
    for name in ("", "ms", "of these assumed*", "share"):
        table.add_column(name, justify="right" if name else "left")
    total = analysis.total()
    rows = [*((part, analysis.total(part)) for part in PARTS), ("total", total)]
    for name, cost in rows:
        assumed = cost.assumed / max(cost.cycles, 1) * cost.milliseconds
        share = cost.cycles / max(total.cycles, 1)
        table.add_row(name, f"{cost.milliseconds:.3f}", f"{assumed:.3f}" if assumed else "-", f"{share:.0%}",
                      end_section=name == PARTS[-1])  # fmt: skip
    return table


def _facts(analysis: Analysis) -> Table:
    table = Table(show_header=False)
    table.add_column()
    table.add_column()
    macs, memory, share = analysis.macs, analysis.main_memory, analysis.kpu_share
    layers = sum(one.layer is not None for one in analysis.steps)
    ways = f"calls {analysis.calls}, uploads {analysis.count('upload')}, downloads {analysis.count('download')}"
    parts = ", ".join(f"{name} {size:,}" for name, size in memory.items())
    peak = max(analysis.kpu_ram, default=0)
    table.add_row("multiply-adds", f"KPU {macs['kpu']:,} in {layers} layers, host {macs['host']:,}")
    table.add_row("share on the KPU", "-" if share is None else f"{share:.1%}")
    table.add_row("crossings", ways)
    table.add_row("constants", f"{analysis.constants:,} bytes")
    table.add_row("main memory", f"{sum(memory.values()):,} bytes ({parts})")
    table.add_row(
        "KPU RAM", f"{peak:,} bytes at the peak, {analysis.kpu_ram_extent:,} up to the highest, of {RAM_BYTES:,}"
    )
    return table


def _steps(analysis: Analysis, numbers: Sequence[int], block: str) -> Table:
    table = Table(title="Steps", title_justify="left")
    for name in ("#", "step", "in", "out", "MACs", "lanes", "ms", "share"):
        table.add_column(name, justify="left" if name in ("step", "in", "out") else "right", overflow="fold")
    table.add_column("KPU RAM", no_wrap=True)
    total = max(analysis.total().cycles, 1)
    peak = max(1, *analysis.kpu_ram) if analysis.steps else 1
    for number in numbers:
        step, used = analysis.steps[number], analysis.kpu_ram[number]
        bar = block * (-(-used * BAR // peak))
        table.add_row(
            str(number), _name(step), " ".join(map(_shape, step.inputs)), " ".join(map(_shape, step.outputs)),
            f"{step.macs:,}" if step.macs else "", f"{step.layer.lanes:.0%}" if step.layer else "",
            f"{step.cost.milliseconds:.3f}{'*' if step.cost.assumed else ''}", f"{step.cost.cycles / total:.1%}",
            f"{bar:{BAR}} {used / 1024:.0f}K" if used else "",
        )  # fmt: skip
    return table


def _name(step: Step) -> str:
    return f"{step.kind} {step.detail}".strip()


def _shape(shape: Sequence[int] | None) -> str:
    if shape is None:
        return "?"
    return "x".join(map(str, shape)) or "scalar"
