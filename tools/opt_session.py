"""One run of nn-opt over the parts of a file: parsing, passes, printing, diagnostics."""

import argparse
import io
import re
from typing import Any, TextIO

from ..dialects.mlir import context, describe, ir
from ..errors import KpucError, OptionError, PassError
from ..files import write_file
from ..passes.pipeline import Pipeline, parse_pipeline, pass_text
from .nn_opt import replay_command

EXPECTED = re.compile(r"expected-(error|warning|note|remark)\s*(?:@(above|below|unknown|[+-]?\d+))?\s*\{\{(.*?)\}\}")
MODULE = re.compile(r'\s*(builtin\.)?module\b|\s*"builtin\.module"|\s*#|\s*!|\s*\{-#')
Diagnostic = tuple[str, int | None, str]
"""Severity, line, message."""


class Session:
    """Processes the parts of one input one after another; `failed` says whether any went wrong."""

    def __init__(self, options: argparse.Namespace, name: str, error: TextIO) -> None:
        self.options, self.name, self.error = options, name, error
        self.failed = False
        self.context = context()
        with self.context:
            self.pipeline = parse_pipeline(options.pass_pipeline) if options.pass_pipeline else Pipeline([])

    def process(self, source: str | bytes) -> str | bytes | None:
        """Parse, run and print one part; None when it failed or nothing is to be printed."""
        diagnostics: list[Diagnostic] = []
        result = None
        with self.context, ir.Location.unknown():
            failure = None
            try:
                module = self._parse(source)
                self._run_passes(module)
                if not self.options.verify_diagnostics:
                    result = self._print(module)
            except ir.MLIRError as error:
                for diagnostic in error.error_diagnostics:
                    _collect(diagnostic, diagnostics)
                if not diagnostics:
                    diagnostics.append(("error", None, str(error)))
            except KpucError as error:
                failure = error
        if self.options.verify_diagnostics:
            if failure is not None and not diagnostics:
                diagnostics.append(("error", _line_of(failure.where), failure.cause))
            self._check(source if isinstance(source, str) else "", diagnostics)
        elif diagnostics or failure is not None:
            self._report(diagnostics, failure)
        return result

    def _parse(self, source: str | bytes) -> Any:
        if isinstance(source, bytes):
            return ir.Module.parse(source)
        body = re.sub(r"//[^\n]*", "", source)
        text = source if MODULE.match(body) else f"module {{{source}\n}}"
        return _as_module(ir.Operation.parse(text, source_name=self.name))

    def _run_passes(self, module: Any) -> None:
        options = self.options
        inputs: dict[str, Any] = {}

        def before(number: int, item: Any, module: Any) -> None:
            inputs["number"], inputs["module"] = number, module.operation.clone()

        def after(number: int, item: Any, module: Any, changed: bool) -> None:
            if options.mlir_print_ir_after_all or changed:
                self.error.write(f"// -----// IR Dump After {pass_text(item)} //----- //\n{self._text(module)}\n")

        dump = options.mlir_print_ir_after_all or options.mlir_print_ir_after_change
        pipeline = Pipeline(self.pipeline.passes, after=after if dump else None, before=before)
        try:
            pipeline.run(module)
        except KpucError as error:
            text = inputs["module"].operation.get_asm(enable_debug_info=True)
            raise self._with_reproducer(error, pipeline.rest(inputs["number"]), text) from error
        if options.mlir_timing:
            for item, seconds in zip(pipeline.passes, pipeline.seconds, strict=True):
                self.error.write(f"{seconds:8.4f} s  {pass_text(item)}\n")

    def _with_reproducer(self, error: KpucError, rest: Pipeline, text: str) -> KpucError:
        """The error, with the command that replays it; writes the IR that the failing pass was given."""
        if self.options.verify_diagnostics:
            return error
        path = self.options.reproducer or "nn-opt-reproducer.mlir"
        try:
            write_file(path, f"// {replay_command(rest, path)}\n{text}\n")
            remedy = f"replay with: {replay_command(rest, path)}"
        except OptionError as unwritable:
            remedy = f"name a file for the reproducer with --reproducer: {unwritable.where} {unwritable.cause}"
        return PassError(error.code, where=error.where, cause=error.cause, remedy=remedy)

    def _text(self, module: Any) -> str:
        options = self.options
        text: str = module.operation.get_asm(
            print_generic_op_form=options.mlir_print_op_generic,
            enable_debug_info=options.mlir_print_debuginfo,
            large_elements_limit=options.mlir_elide_elementsattrs_if_larger,
        )
        return text.rstrip("\n")

    def _print(self, module: Any) -> str | bytes:
        if self.options.emit_bytecode:
            buffer = io.BytesIO()
            module.operation.write_bytecode(buffer)
            return buffer.getvalue()
        return self._text(module) + "\n"

    def _report(self, diagnostics: list[Diagnostic], failure: KpucError | None) -> None:
        self.failed = True
        for severity, line, message in diagnostics:
            place = f"{self.name}:{line}" if line is not None else self.name
            self.error.write(f"{place}: {severity}: {message}\n")
        if failure is not None:
            self.error.write(f"{failure}\n")

    def _check(self, source: str, diagnostics: list[Diagnostic]) -> None:
        """Compare what was reported with what the source expects."""
        expected = _expectations(source)
        for severity, line, message in diagnostics:
            found = next((e for e in expected if e[0] == severity and e[1] == line and e[2] in message), None)
            if found is not None:
                expected.remove(found)
            elif severity != "note":
                self.failed = True
                self.error.write(f"{self.name}:{line}: unexpected {severity}: {message}\n")
        for severity, line, message in expected:
            self.failed = True
            self.error.write(f'{self.name}:{line}: expected {severity} "{message}" was not produced\n')


def _as_module(operation: Any) -> Any:
    """The module that a parsed operation is."""
    if operation.operation.name != "builtin.module":
        raise PassError("K0306", where=describe(operation.location), cause="the input is not a module")
    return _ModuleView(operation)


class _ModuleView:
    """A `builtin.module` operation with the parts of `ir.Module` that passes use."""

    def __init__(self, operation: Any) -> None:
        self.operation = operation.operation
        self.body = operation.regions[0].blocks[0]


def _collect(diagnostic: Any, into: list[Diagnostic]) -> None:
    into.append((diagnostic.severity.name.lower(), _line_of(describe(diagnostic.location)), diagnostic.message))
    into.extend(("note", _line_of(describe(note.location)), note.message) for note in diagnostic.notes)


def _line_of(place: str) -> int | None:
    match = re.search(r":(\d+):\d+$", place)
    return int(match[1]) if match else None


def _expectations(source: str) -> list[Diagnostic]:
    expected: list[Diagnostic] = []
    for number, text in enumerate(source.split("\n"), 1):
        for severity, where, message in EXPECTED.findall(text):
            line = {"": number, "above": number - 1, "below": number + 1, "unknown": None}.get(where, number)
            if where.lstrip("+-").isdigit():
                line = number + int(where)
            expected.append((severity, line, message))
    return expected
