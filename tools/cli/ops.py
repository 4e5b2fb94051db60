"""`kpuc ops`, and the page docs/ops.md"""

import json
from collections.abc import Collection, Iterable, Sequence
from typing import Any

import click

from ...backends.engines import ENGINES
from ...backends.targets import ENGINE_OF, TARGETS
from ...dialects import nn
from ...errors import OptionError
from ...frontends import onnx, tflite

TFLITE = (
    "In float32, with weights of float16 or 8 bits too. Quantised tensors (int8, uint8, int16) keep the file's "
    "parameters: operators compute in float32 between them, and round halves away from zero (stack machines: to even). "
    "What a network remembers (variables, states of SVDF and LSTM) is an input and an output of one name. What moves "
    "and compares takes integers and booleans too. Axes, shapes, sizes, counts and padding that are inputs must be "
    "constant, or follow from known shapes."
)
BECOMES = """\
An operator becomes operations of `nn`; an engine computes it when it computes them all. Some forms become others: then
the notes say which engines compute these. Engines may refuse single forms, with a sentence that names the node."""
OPSETS = """\
Operators of other opsets than those stated are refused (K0110), networks of opsets before 7 or after 28 too (K0112),
unless all of their operators are in opset 7 what they were. Types are those of the first input that the standard allows
in the newest opset; others are refused (K0104). Axes, shapes, sizes, counts and padding that are inputs must be
constant, or follow from known shapes, unless a form with computed ones is noted. Operators of `com.microsoft` are
onnxruntime's own."""
INTEGERS = ["i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64"]
FLOATS = ["f16", "f32", "f64"]


def operators() -> dict[str, list[dict[str, Any]]]:
    """What can be imported, and which `nn` operations each engine and each target computes."""
    rows: list[dict[str, Any]] = []
    for op in sorted(nn.NN.operations, key=lambda op: str(op.OPERATION_NAME)):
        engines = [engine.name for engine in ENGINES if engine.computes(op)]
        by_target = {target: ENGINE_OF[target] in engines for target in TARGETS}
        rows.append({"operation": str(op.OPERATION_NAME), **by_target, "engines": engines})
    tables = {"onnx": onnx.supported_operators(), "tflite": tflite.supported_operators(), "targets": rows}
    for row in (*tables["onnx"], *tables["tflite"]):
        row["engines"] = _common(row["builds"], row["integers"])
    for row in (*tables["onnx"], *tables["tflite"]):
        forms = {text: _common(_merged(row["builds"], ops), row["integers"]) for text, ops in row["forms"].items()}
        row["forms"] = {text: engines for text, engines in forms.items() if engines != row["engines"]}
    return tables


def _merged(usual: Collection[str], others: Collection[str]) -> list[str]:
    """The operations of a form: those of the usual one, but for those that it has in a form of their own."""
    replaced = {_name(other) for other in others}
    return [*(one for one in usual if _name(one) not in replaced), *others]


def _name(operation: str) -> str:
    """An operation without its form."""
    return operation.partition(" ")[0]


def _common(operations: Collection[str], integers: bool) -> list[str]:
    """The engines that compute all these operations, on integers if these are what they compute with."""
    known = {str(op.OPERATION_NAME): op for op in nn.NN.operations}
    split = [one.partition(" ") for one in operations]
    able = [engine for engine in ENGINES if engine.integers or not integers]
    return [one.name for one in able if all(one.computes(known[name], how) for name, _, how in split)]


def print_operators(target: str | None, as_json: bool) -> None:
    """Print the tables; with a target only what it computes."""
    if target is not None and target not in TARGETS:
        raise OptionError("K0701", cause=f"there is no target '{target}'; there are: {', '.join(TARGETS)}")
    tables = operators()
    if target is not None:
        for name, rows in tables.items():
            tables[name] = [row for row in rows if ENGINE_OF[target] in row["engines"]]
    if target == "k210":
        tables["rules"] = rules()
    click.echo(json.dumps(tables) if as_json else markdown(tables), nl=as_json)


def rules() -> list[dict[str, object]]:
    """What an operation has to be like for the K210's accelerator to compute it."""
    from ...passes.kpu import rules

    return [{"rule": one.code, "operation": one.op.OPERATION_NAME, "sentence": one.sentence} for one in rules.RULES]


def rules_table(rows: list[dict[str, object]]) -> list[str]:
    """Rules as lines of a page."""
    lines = ["| rule | operation | |", "|---|---|---|"]
    return lines + [f"| {row['rule']} | `{row['operation']}` | {row['sentence']} |" for row in rows]


def markdown(tables: dict[str, list[dict[str, Any]]]) -> str:
    """The tables as a page."""
    names = [engine.name for engine in ENGINES]
    lines = ["# Supported operators", "", "Generated by `kpuc ops`.", "", "## Engines", "", BECOMES, ""]
    lines += ["| engine | compiled for | types |", "|---|---|---|"]
    lines += [f"| {engine.name} | {engine.compiled} | {engine.types} |" for engine in ENGINES]
    lines += ["", "## ONNX", "", OPSETS, "", *_head("operator", "opsets", "types", "becomes", *names, "notes")]
    for row in tables["onnx"]:
        opsets = f"{row['since']}" if row["since"] == row["until"] else f"{row['since']}-{row['until']}"
        cells = (row["operator"], opsets, _types(row["types"]), _becomes(row), *_marks(row["engines"]), _notes(row))
        lines.append(_line(cells))
    lines += ["", "## TFLite", "", TFLITE, "", *_head("operator", "becomes", *names, "notes")]
    lines += [_line((row["operator"], _becomes(row), *_marks(row["engines"]), _notes(row))) for row in tables["tflite"]]
    lines += ["", "The schema's other operators are refused:", ""]
    lines += [f"- {' '.join(names)}: {reason}." for reason, names in tflite.refused_operators().items()]
    lines += ["", "## Operations of `nn`", "", *_head("operation", *names)]
    lines += [_line((f"`{row['operation']}`", *_marks(row["engines"]))) for row in tables["targets"]]
    if "rules" in tables:
        lines += ["", "## What the KPU computes", "", "What breaks a rule runs on the host.", ""]
        lines += rules_table(tables["rules"])
    return "\n".join(lines) + "\n"


def _head(*titles: str) -> list[str]:
    return [_line(titles), "|---" * len(titles) + "|"]


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _marks(engines: Sequence[str]) -> list[str]:
    return ["yes" if engine.name in engines else "" for engine in ENGINES]


def _becomes(row: dict[str, Any]) -> str:
    return " ".join(f"`{_name(one).removeprefix('nn.')}`" for one in row["builds"])


def _types(types: Sequence[str]) -> str:
    """Element types in words where all of a kind are there."""
    words = []
    for word, kind in (("floats", FLOATS), ("integers", INTEGERS)):
        words += [word] if set(kind) <= set(types) else [name for name in types if name in kind]
    return ", ".join([*words, *(["bool"] if "bool" in types else [])])


def _notes(row: dict[str, Any]) -> str:
    """The operator's note, and which engines compute its forms."""
    notes = [row["note"]] if row["note"] else []
    for text, engines in row["forms"].items():
        notes.append(f"With {text}: {', '.join(engines)}.")
    return " ".join(notes)
