"""How operations are written for a machine, by their classes."""

from collections.abc import Callable
from typing import TypeVar

from ..dialects.ods import Op

Emit = TypeVar("Emit", bound=Callable[..., None])


class Emitters(dict[type[Op], Callable[..., None]]):
    """One machine's: for each class of operations the function that is called with a writer and an operation."""

    def emits(self, *ops: type[Op]) -> Callable[[Emit], Emit]:
        """Register how op classes are written."""

        def register(emit: Emit) -> Emit:
            self.update(dict.fromkeys(ops, emit))
            return emit

        return register
