"""Patterns and the driver that applies them.

A pattern is a small function on one op class. It returns `NO_MATCH`, having changed nothing, or what
`Rewriter.replace` and its kin return. New operations are created at the matched one and take its location.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from ..dialects.function import update_types
from ..dialects.mlir import REWRITES, SWEEPS, greedy_config, ir, rewrite
from ..dialects.ods import Op
from ..errors import KpucError, PassError

Match = bool
NO_MATCH: Match = False
MATCH: Match = True

AnyOp = TypeVar("AnyOp", bound=Op)
OtherOp = TypeVar("OtherOp", bound=Op)


class Rewriter:
    """What a pattern may do to the IR."""

    def __init__(self, native: Any) -> None:
        self._native = native

    def replace(self, op: Op, *values: ir.Value) -> Match:
        """Let other values take the place of the op's results, and erase it."""
        self._native.replace_op(op.operation, list(values))
        return MATCH

    def changed(self) -> Match:
        """The op was changed in place."""
        return MATCH


@dataclass(frozen=True)
class Pattern(Generic[AnyOp]):
    """A rewrite of one op class (or of all classes derived from it)."""

    op: type[AnyOp]
    apply: Callable[[AnyOp, Rewriter], Match]
    benefit: int

    @property
    def name(self) -> str:
        """The name of the function that is the pattern."""
        return self.apply.__name__


def pattern(op: type[AnyOp], benefit: int = 1) -> Callable[[Callable[[AnyOp, Rewriter], Match]], Pattern[AnyOp]]:
    """Make a function a pattern on `op`; of several that match, the one with the highest benefit goes first."""

    def make(apply: Callable[[AnyOp, Rewriter], Match]) -> Pattern[AnyOp]:
        return Pattern(op, apply, benefit)

    return make


def rewrite_module(module: ir.Module, patterns: Iterable[Pattern[Any]]) -> None:
    """Apply patterns until none matches. Raises `PassError` K0302 when they do not come to an end.

    Operations without effects that nothing uses any more disappear on the way.
    """
    patterns = list(patterns)
    failures: list[KpucError] = []
    native = rewrite.RewritePatternSet()
    for item in patterns:
        for op in _concrete(item.op):
            native.add(op, _callback(item, failures), item.benefit)
    try:
        rewrite.apply_patterns_and_fold_greedily(module.operation, native.freeze(), greedy_config())
    except RuntimeError as error:
        if failures:
            raise failures[0] from error
        names = ", ".join(item.name for item in patterns)
        raise PassError(
            "K0302", cause=f"after {SWEEPS * REWRITES} rewrites these patterns still undo each other: {names}"
        ) from error
    update_types(module)


def _callback(item: Pattern[Any], failures: list[KpucError]) -> Callable[[Any, Any], bool]:
    """The bindings' form of a pattern: it returns whether it did not match."""

    def call(op: Any, native: Any) -> bool:
        try:
            with native.ip, op.location:
                return not item.apply(op, Rewriter(native))
        except KpucError as error:
            failures.append(error)
            raise RuntimeError(str(error)) from error

    return call


def _concrete(op: type[Op]) -> list[type[Op]]:
    """The op classes that a class stands for."""
    if getattr(op, "OPERATION_NAME", None):
        return [op]
    return [found for sub in op.__subclasses__() for found in _concrete(sub)]


def producer(value: ir.Value | None, op: type[OtherOp]) -> OtherOp | None:
    """The operation that defines a value, if it is of this class."""
    if not isinstance(value, ir.OpResult):
        return None
    view = value.owner.opview
    return view if isinstance(view, op) else None


def users(value: ir.Value) -> Sequence[Any]:
    """The operations that use a value, each once a use."""
    return [use.owner.opview if isinstance(use.owner, ir.Operation) else use.owner for use in value.uses]


def has_one_use(value: ir.Value) -> bool:
    """Whether exactly one operand refers to the value."""
    return len(users(value)) == 1


def sole_user(value: ir.Value, op: type[OtherOp]) -> OtherOp | None:
    """The one operation that uses a value, if it is the only one and of this class."""
    found = users(value)
    return found[0] if len(found) == 1 and isinstance(found[0], op) else None
