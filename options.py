"""The choices of a compilation, checked before anything is done."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
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
QUANTISED: dict[str, tuple[str, ...]] = {}
"""The types that values are quantised to for each target that computes in integers, the default first."""
FLOAT = "none"
"""What `quant` is when nothing shall be quantised."""
AUTO = "auto"


@dataclass(frozen=True)
class Quantisation:
    """What the ranges of values, which quantisation needs, come from; raises `OptionError` K0719, K0721.

    `quant` is the type to quantise to, 'none' for a float kmodel; None is the target's default type if `calibration`
    or `ranges` is given, else 'none'. `calibration` is data (see `frontends.dataset.open_dataset`) that `method`
    measures ranges over, `ranges` the path of a file of ranges measured before.
    """

    quant: str | None = None
    calibration: Any = field(default=None, compare=False)
    method: str = AUTO
    ranges: str | Path | None = None

    def __post_init__(self) -> None:
        if self.calibration is None:
            _require(self.method == AUTO, "a calibration method is given, but no calibration data")
        else:
            from .passes.quant.methods import find_method

            find_method(self.method)
            _require(self.ranges is None, "ranges are given, and calibration data to measure them with")
        if self.quant == FLOAT:
            _require(not self.given, "nothing shall be quantised (quant: none), but calibration data or ranges are given")
        elif self.quant is not None:
            _require(self.given, f"quantisation to {self.quant} needs calibration data, or ranges measured before")

    @property
    def given(self) -> bool:
        """Whether there is something that the ranges come from."""
        return self.calibration is not None or self.ranges is not None

    def check(self, target: str) -> None:
        """Raise `OptionError` K0720 when the target is not quantised as asked."""
        types = QUANTISED.get(target, ())
        if not (self.given or self.quant) or self.quant == FLOAT or (types and self.quant in (None, *types)):
            return
        wanted = "cannot be quantised" if self.quant is None else f"cannot be quantised to {self.quant}"
        others = [f"{name} ({_list(kinds)})" for name, kinds in QUANTISED.items()]
        raise OptionError(
            "K0720",
            cause=f"networks {wanted} for target {target}: it computes "
            + (f"in {_list(types)}" if types else "in floating point"),
            remedy=f"targets that compute in integers: {_list(others) or 'none yet'}",
        )


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
    quantisation: Quantisation = field(default_factory=Quantisation)

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
        self.quantisation.check(self.target)

    @property
    def version(self) -> int:
        """The kmodel version to write."""
        return self.kmodel or VERSIONS[self.target][0]

    @property
    def dialect(self) -> str:
        """The dialect of version 5 code that the runtime executes, one of `isa5.DIALECTS`."""
        runtime = self.runtime or RUNTIMES[5][0]
        return {"1.0.0-beta2": "1.0.0-beta2", "1.1.0": "1.1"}.get(runtime, "1.6")


def _list(values: Iterable[Any]) -> str:
    return ", ".join(map(str, values))


def _require(condition: bool, cause: str) -> None:
    if not condition:
        raise OptionError("K0721", cause=cause)
