"""How long the simulator takes for what: tensor functions, KPU commands, nodes, or the steps of machine code.

These are seconds of this machine; what a kmodel costs on a chip is predicted by `analysis`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter

WIDTH = 80
"""Characters of names in tables; of longer ones the end is not shown."""


@dataclass
class Row:
    """How often something was computed, and the seconds that it took altogether."""

    calls: int = 0
    seconds: float = 0.0


@dataclass
class Profile:
    """Rows by what is computed, in the order of first use; those of all runs since it was made."""

    rows: dict[str, Row] = field(default_factory=dict)

    @contextmanager
    def measure(self, name: str) -> Iterator[None]:
        """Around what is measured."""
        start = perf_counter()
        try:
            yield
        finally:
            row = self.rows.setdefault(name, Row())
            row.calls += 1
            row.seconds += perf_counter() - start

    def __str__(self) -> str:
        """A table, the longest first."""
        total = sum(row.seconds for row in self.rows.values())
        width = min(max([24, *map(len, self.rows)]), WIDTH)
        lines = [f"{'':{width}}{'calls':>8}{'ms':>12}{'share':>8}"]
        for name, row in sorted(self.rows.items(), key=lambda item: -item[1].seconds):
            share = row.seconds / total if total else 0.0
            shown = name if len(name) <= width else f"{name[: width - 3]}..."
            lines.append(f"{shown:{width}}{row.calls:8}{row.seconds * 1000:12.3f}{share:8.1%}")
        calls = sum(row.calls for row in self.rows.values())
        return "\n".join([*lines, f"{'total':{width}}{calls:8}{total * 1000:12.3f}"])
