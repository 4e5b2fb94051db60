"""Runs the RUN lines of lit tests inside this process, where MLIR is imported once.

Understood are `[not] nn-opt %s ... [2>&1] [| filecheck %s ...]`; a line with anything else raises `Unsupported`, and
the caller leaves it to lit.
"""

import contextlib
import io
import re
import shlex
from pathlib import Path

from filecheck.finput import FInput
from filecheck.matcher import Matcher
from filecheck.options import parse_argv_options
from filecheck.parser import Parser, pattern_for_opts

from kpuc.tools.nn_opt import Streams, main

RUN = re.compile(r"//\s*RUN:\s*(.*)")


class Unsupported(Exception):
    """A RUN line that needs a shell."""


def run_lines(path: Path) -> list[str]:
    """The RUN lines of a test, continuations joined and %s, %p replaced."""
    lines, pending = [], ""
    for text in RUN.findall(path.read_text()):
        joined = pending + text.strip()
        if joined.endswith("\\"):
            pending = joined[:-1]
            continue
        lines.append(joined.replace("%s", str(path)).replace("%p", str(path.parent)))
        pending = ""
    return lines


def run(line: str) -> str:
    """Run one line; "" when it passes, else why it failed."""
    stages: list[list[str]] = [[]]
    for token in shlex.split(line):
        if token == "|":
            stages.append([])
        else:
            stages[-1].append(token)
    command, *checks = stages
    negated = command[0] == "not"
    command = command[1:] if negated else command
    merged = "2>&1" in command
    command = [token for token in command if token != "2>&1"]
    shell = any(token in (";", "&&", "||", ">", "<", "2>") for token in command)
    if command[0] != "nn-opt" or len(checks) > 1 or shell or (checks and checks[0][0] != "filecheck"):
        raise Unsupported(line)
    output, error = io.StringIO(), io.StringIO()
    code = main(command[1:], Streams(io.StringIO(), output, output if merged else error))
    if (code != 0) != negated:
        return f"nn-opt exited with {code}\n{error.getvalue()}"
    return filecheck(checks[0][1:], output.getvalue()) if checks else ""


def filecheck(arguments: list[str], text: str) -> str:
    """What filecheck says of a text; "" when it matches."""
    options = parse_argv_options(["filecheck", *arguments])
    said = io.StringIO()
    with (
        Path(options.match_filename).open() as file,
        contextlib.redirect_stdout(said),
        contextlib.redirect_stderr(said),
    ):
        checks = Parser(options, file, *pattern_for_opts(options))
        code = Matcher(options, FInput("<stdin>", text), checks).run()
    return "" if code == 0 else said.getvalue() or f"filecheck exited with {code}"
