"""Passes, and textual pipelines that mix ours with upstream ones.

A pass is a frozen dataclass with a `name` and `apply(module)`; its fields are its options. In a pipeline
`builtin.module(nn-fold-constants{limit=16},canonicalize,cse)` what the registry knows is ours, the rest is MLIR's.
No reference to an operation may outlive a pass: an upstream pass may have erased it.
"""

import dataclasses
import importlib
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol, TypeVar

from ..dialects.mlir import error_from, ir, passmanager
from ..errors import PassError
from .registry import MODULES


class Pass(Protocol):
    """What every pass has; see `register_pass`."""

    name: ClassVar[str]

    def apply(self, module: ir.Module) -> None:
        """Rewrite the module in place; raises `KpucError` when it cannot."""


AnyPass = TypeVar("AnyPass", bound=type[Any])
PASSES: dict[str, type[Any]] = {}


def register_pass(cls: AnyPass) -> AnyPass:
    """Make a dataclass known to pipelines under its `name`."""
    PASSES[cls.name] = cls
    return cls


def find_pass(name: str) -> type[Any] | None:
    """The pass class of a name, its module imported on demand; None when it is not ours."""
    if name in MODULES:
        importlib.import_module(f".{MODULES[name]}", __package__)
    return PASSES.get(name)


@dataclass(frozen=True)
class UpstreamPass:
    """A pass of MLIR's own, as pipeline text."""

    name: str

    def apply(self, module: ir.Module) -> None:
        """Run it. Raises `PassError` K0304 with MLIR's words."""
        try:
            manager = passmanager.PassManager.parse(f"builtin.module({self.name})")
            manager.enable_verifier(False)  # the pipeline verifies
            manager.run(module.operation)
        except ir.MLIRError as error:
            raise error_from(error, "K0304", f"pass '{self.name}' failed") from error


Hook = Callable[[int, Any, ir.Module, bool], None]


@dataclass
class Pipeline:
    """Passes in order. After each one, or with `verify_each` false after the last one, the module is verified; then
    `after` is called with the pass's number, the pass, the module, and whether it changed; `seconds` collects what each
    took."""

    passes: Sequence[Any]
    after: Hook | None = None
    before: Callable[[int, Any, ir.Module], None] | None = None
    seconds: list[float] = field(default_factory=list)
    verify_each: bool = True

    def __str__(self) -> str:
        return f"builtin.module({','.join(map(pass_text, self.passes))})"

    def run(self, module: ir.Module) -> None:
        """Run all passes. Raises `PassError`; one that a pass raised itself says which pass it was."""
        for number, item in enumerate(self.passes):
            if self.before is not None:
                self.before(number, item, module)
            fingerprint = _fingerprint(module) if self.after is not None else b""
            start = time.process_time()
            item.apply(module)
            if self.verify_each or number == len(self.passes) - 1:
                self._verify(item, module)
            self.seconds.append(time.process_time() - start)
            if self.after is not None:
                self.after(number, item, module, _fingerprint(module) != fingerprint)

    def _verify(self, item: Any, module: ir.Module) -> None:
        try:
            module.operation.verify()
        except ir.MLIRError as error:
            what = f"pass '{item.name}'" if self.verify_each else f"pass '{item.name}', or one before it,"
            raise error_from(error, "K0305", f"{what} left invalid IR") from error

    def rest(self, number: int) -> "Pipeline":
        """The pipeline from one of its passes on."""
        return Pipeline(self.passes[number:])


def _fingerprint(module: ir.Module) -> bytes:
    return bytes(module.operation.get_asm(large_elements_limit=16).encode())


def pass_text(item: Any) -> str:
    """A pass as pipeline text, with those options that differ from their defaults."""
    name: str = item.name
    if isinstance(item, UpstreamPass):
        return name
    options = []
    for option in dataclasses.fields(item):
        value = getattr(item, option.name)
        if value != option.default:
            text = str(value).lower() if isinstance(value, bool) else str(value)
            options.append(f"{option.name.replace('_', '-')}={text}")
    return name + (f"{{{' '.join(options)}}}" if options else "")


def parse_pipeline(text: str) -> Pipeline:
    """The pipeline of a text. Raises `PassError` K0303 that names the part that is wrong."""
    text = text.strip()
    match = re.fullmatch(r"(?:builtin\.module|any)\s*\((.*)\)", text, re.S)
    return Pipeline([_parse_pass(part) for part in _split(match[1] if match else text, ",")])


def _parse_pass(text: str) -> Any:
    match = re.fullmatch(r"([\w.\-]+)\s*(?:\{(.*)\})?", text, re.S)
    cls = find_pass(match[1]) if match else None
    if match is None or cls is None:
        nested = next((name for name in MODULES if re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text)), None)
        if nested is not None:
            raise PassError("K0303", cause=f"'{nested}' runs on the module and cannot be nested: '{text}'")
        _check_upstream(text)
        return UpstreamPass(text)
    options = {option.name: option for option in dataclasses.fields(cls)}
    values: dict[str, Any] = {}
    for part in _split(match[2] or "", " "):
        key, _, value = part.partition("=")
        option = options.get(key.replace("-", "_"))
        if option is None:
            valid = ", ".join(name.replace("_", "-") for name in options) or "none"
            raise PassError("K0303", cause=f"pass '{match[1]}' has no option '{key}'; it has: {valid}")
        values[option.name] = _parse_option(match[1], key, value or "true", option.default)
    return cls(**values)


def _check_upstream(text: str) -> None:
    try:
        passmanager.PassManager.parse(f"builtin.module({text})")
    except (ValueError, ir.MLIRError) as error:
        reason = next((line for line in str(error).splitlines() if "error:" in line), str(error).split("\n")[0])
        raise PassError("K0303", cause=f"'{text}': {reason.strip()}", remedy="see nn-opt --list-passes") from error


def _parse_option(name: str, key: str, text: str, default: Any) -> Any:
    try:
        if isinstance(default, bool):
            return {"true": True, "false": False, "1": True, "0": False}[text]
        return type(default)(text)
    except (ValueError, KeyError):
        kind = type(default).__name__
        raise PassError("K0303", cause=f"option '{key}' of pass '{name}' is '{text}', expected {kind}") from None


def _split(text: str, separator: str) -> list[str]:
    """The parts of a text at separators outside all brackets."""
    parts, depth, current = [], 0, ""
    for character in text:
        depth += (character in "({[<") - (character in ")}]>")
        if depth < 0:
            break
        if character == separator and depth == 0:
            parts.append(current.strip())
            current = ""
        else:
            current += character
    if depth != 0:
        raise PassError("K0303", cause=f"unbalanced brackets in pipeline '{text}'")
    return [part for part in [*parts, current.strip()] if part]


def options_of(cls: type[Any]) -> list[tuple[str, str, Any]]:
    """Name, kind and default of each of a pass's options."""
    return [(o.name.replace("_", "-"), type(o.default).__name__, o.default) for o in dataclasses.fields(cls)]
