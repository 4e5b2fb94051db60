"""Code of the version 7 stack machine that keeps what it computes in local variables, and loops."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ...runtime.stackvm.assembler7 import Code, Label, Local, Operand


class Calls:
    """Calls tensor functions whose results go into locals; `release` drops them all."""

    def __init__(self, code: Code) -> None:
        self.code = code
        self.locals: list[Local] = []

    def __call__(self, name: str, *operands: Operand, into: Local | None = None, **immediates: Any) -> Local:
        """The result, in a local of its own or in one that is written over."""
        self.code.tensor(name, *operands, **immediates)
        return self.keep(into)

    def keep(self, into: Local | None = None) -> Local:
        """The value on the stack."""
        place = self.code.store(into)
        if into is None:
            self.locals.append(place)
        return place

    def loop(self, limit: Operand, body: Callable[[Local, Label], None]) -> None:
        """The body for 0, 1, 2, ... below the limit; it may branch to the label, which is behind the loop."""
        top, end = self.code.label(), self.code.label()
        self.code.push(np.int64(0))
        counter = self.keep()
        self.code.place(top)
        self.leave_unless("less", counter, limit, end)
        body(counter, end)
        self("binary", counter, np.int64(1), into=counter, kind="add")
        self.code.branch(top)
        self.code.place(end)

    def leave_unless(self, kind: str, lhs: Operand, rhs: Operand, end: Label) -> None:
        """Branch unless the comparison holds."""
        self.code.tensor("compare", lhs, rhs, kind=kind)
        self.code.emit("LDSCALAR")
        self.code.branch_false(end)

    def release(self) -> None:
        """Drop all values."""
        for place in self.locals:
            self.code.release(place)
