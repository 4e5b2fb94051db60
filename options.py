"""The choices of a compilation, checked before anything is done."""

from dataclasses import dataclass, field
from typing import Any

from .errors import OptionError
from .frontends.preprocess import Preprocessing

TARGETS = ("cpu", "k210", "k230", "k510")
RUNTIMES = {
    5: ("1.9", "1.8", "1.7", "1.6", "1.1.0", "1.0.0-beta2"),
    7: ("2.11", "2.10", "2.9", "2.8", "2.7", "2.6"),
}
"""The vendor's runtimes that execute each kmodel version that can be written, the default first."""
VERSIONS = {"cpu": (7, 5), "k230": (7,), "k510": (5,)}
"""The kmodel versions that can be written for each target, the default first."""


@dataclass(frozen=True)
class CompileOptions:
    """What `kpuc.compile` was asked for; raises `OptionError` when that cannot be had."""

    target: str = "cpu"
    shapes: dict[str, tuple[int, ...]] = field(default_factory=dict)
    dims: dict[str, int] = field(default_factory=dict)
    portable: bool = False
    kmodel: int | None = None
    runtime: str | None = None
    preprocessing: Preprocessing = field(default_factory=Preprocessing)

    def __post_init__(self) -> None:
        if self.target not in TARGETS:
            raise OptionError("K0701", cause=f"there is no target '{self.target}'; there are: {', '.join(TARGETS)}")
        if self.target not in VERSIONS:
            raise OptionError(
                "K0702",
                cause=f"target {self.target} cannot be compiled for yet",
                remedy=f"targets that can: {', '.join(VERSIONS)}",
            )
        valid = VERSIONS[self.target]
        if self.kmodel is not None and self.kmodel not in valid:
            raise OptionError(
                "K0703", cause=f"kmodel version {self.kmodel} cannot be written for {self.target}, only {_list(valid)}"
            )
        runtimes = RUNTIMES[self.version]
        if self.runtime is not None and self.runtime not in runtimes:
            raise OptionError(
                "K0704",
                cause=f"runtime {self.runtime} does not read kmodel v{self.version}; these do: {_list(runtimes)}",
            )

    @property
    def version(self) -> int:
        """The kmodel version to write."""
        return self.kmodel or VERSIONS[self.target][0]

    @property
    def dialect(self) -> str:
        """The dialect of version 5 code that the runtime executes, one of `isa5.DIALECTS`."""
        runtime = self.runtime or RUNTIMES[5][0]
        return {"1.0.0-beta2": "1.0.0-beta2", "1.1.0": "1.1"}.get(runtime, "1.6")


def _list(values: tuple[Any, ...]) -> str:
    return ", ".join(map(str, values))
