"""nn-opt: parse IR, run a pass pipeline over it, print it.

Behaves like mlir-opt, whose options it takes, for our dialects: ours and upstream passes mix in one pipeline. Errors go
to standard error, one a line, and the exit code is 1. `main` takes its streams as arguments, so that tests can run it
in process.
"""

import argparse
import os
import re
import shlex
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from ..errors import KpucError, OptionError
from ..files import write_file

if TYPE_CHECKING:
    from ..passes.pipeline import Pipeline

BYTECODE = b"ML\xefR"
SPLIT = re.compile(r"^// -----[ \t]*$", re.M)


@dataclass
class Streams:
    """Where text comes from and goes to."""

    input: TextIO
    output: TextIO
    error: TextIO


def parser() -> argparse.ArgumentParser:
    """The command line."""
    result = argparse.ArgumentParser("nn-opt", description="Run passes over MLIR files that use the nn dialect.")
    result.add_argument("input", nargs="?", default="-", help="an .mlir or bytecode file; - is standard input")
    result.add_argument(
        "-o", dest="output", default="-", metavar="FILE", help="where the result goes; - is standard output"
    )

    def flag(name: str, text: str) -> None:
        result.add_argument(f"--{name}", f"-{name}", action="store_true", dest=name.replace("-", "_"), help=text)

    def value(name: str, metavar: str, text: str, kind: type = str) -> None:
        result.add_argument(f"--{name}", f"-{name}", dest=name.replace("-", "_"), metavar=metavar, type=kind, help=text)

    value("pass-pipeline", "TEXT", 'the passes, e.g. "builtin.module(nn-fold-constants{limit=64},canonicalize)"')
    flag("split-input-file", "treat the parts between lines of '// -----' as files of their own")
    flag("verify-diagnostics", "check that errors are those that expected-error comments announce; print no IR")
    flag("mlir-print-ir-after-all", "print the IR after each pass, to standard error")
    flag("mlir-print-ir-after-change", "print the IR after each pass that changed it, to standard error")
    flag("mlir-timing", "print the time of each pass, to standard error")
    flag("mlir-print-debuginfo", "print locations")
    flag("mlir-print-op-generic", "print upstream operations in generic form too")
    value("mlir-elide-elementsattrs-if-larger", "N", "print constants of more than N elements as '...'", int)
    flag("emit-bytecode", "write bytecode instead of text")
    flag("list-passes", "list our passes with their options, and exit")
    value("reproducer", "FILE", "where to write the IR that a failing pass was given (default nn-opt-reproducer.mlir)")
    return result


def main(argv: Sequence[str] | None = None, streams: Streams | None = None) -> int:
    """Run nn-opt; the exit code."""
    streams = streams or Streams(sys.stdin, sys.stdout, sys.stderr)
    options = parser().parse_args(argv)
    try:
        if options.list_passes:
            return _list_passes(streams.output)
        return _run(options, streams)
    except KpucError as error:
        streams.error.write(f"{error}\n")
        return 1


def _run(options: argparse.Namespace, streams: Streams) -> int:
    from .opt_session import Session

    data = _read(options.input, streams.input)
    name = "<stdin>" if options.input == "-" else options.input
    session = Session(options, name, streams.error)
    if data.startswith(BYTECODE):
        chunks: list[str | bytes] = [data]
    else:
        chunks = list(_chunks(_decode(data, name), options.split_input_file))
    results = [session.process(chunk) for chunk in chunks]
    printed = [result for result in results if result is not None]
    if not options.verify_diagnostics and printed:
        _write(options.output, printed, streams.output)
    return 1 if session.failed else 0


def _chunks(text: str, split: bool) -> list[str]:
    """The parts of a file, each padded with empty lines so that line numbers stay those of the file."""
    if not split:
        return [text]
    parts, line = [], 0
    for part in SPLIT.split(text):
        parts.append("\n" * line + part)
        line += part.count("\n")
    return parts


def _read(path: str, stdin: TextIO) -> bytes:
    if path == "-":
        return stdin.buffer.read() if hasattr(stdin, "buffer") else stdin.read().encode()
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise OptionError("K0705", where=path, cause=f"cannot be read: {error.strerror}") from error


def _decode(data: bytes, name: str) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        cause = f"is neither text nor bytecode: byte 0x{data[error.start]:02x} at offset {error.start} is not UTF-8"
        raise OptionError("K0705", where=name, cause=cause) from error


def _write(path: str, results: Sequence[str | bytes], stdout: TextIO) -> None:
    if isinstance(results[0], bytes):
        if path == "-":
            stdout.buffer.write(results[0])
        else:
            write_file(path, results[0])
        return
    text = "// -----\n".join(str(result) for result in results)
    if path == "-":
        stdout.write(text)
    else:
        write_file(path, text)


def _list_passes(output: TextIO) -> int:
    """Our passes with their documentation and options."""
    from ..passes.pipeline import find_pass, options_of
    from ..passes.registry import MODULES

    for name in sorted(MODULES):
        cls = find_pass(name)
        assert cls is not None
        output.write(f"--{name}\n    {(cls.__doc__ or '').strip()}\n")
        for option, kind, default in options_of(cls):
            output.write(f"    {option}=<{kind}> (default {str(default).lower()})\n")
    return 0


def replay_command(pipeline: "Pipeline", path: str) -> str:
    """The command that runs a pipeline on a file again."""
    return f"nn-opt {shlex.quote(path)} --pass-pipeline={shlex.quote(str(pipeline))}"


def entry() -> Any:
    """The console script.

    BLAS gets one thread unless the user asks for more: numpy's starts one for each core when it is imported, which
    takes longer than all the rest of numpy, and what nn-opt computes is small. When a reader such as `head` has seen
    enough, nn-opt ends without a word.
    """
    if hasattr(signal, "SIGPIPE"):  # Windows has none
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    sys.exit(main())
