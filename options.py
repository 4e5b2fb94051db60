"""The choices of a compilation, checked before anything is done."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from itertools import product
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import OptionError
from .frontends.preprocess import Preprocessing, check_layout, layout_text

if TYPE_CHECKING:
    from .passes.quant.calibration import Calibration

    Ranges = Callable[[Sequence[str], Mapping[str, Any]], Calibration]

TARGETS = ("cpu", "k210", "k230", "k510")
RUNTIMES: dict[int, tuple[str, ...]] = {
    3: (),
    4: (),
    5: ("1.9", "1.8", "1.7", "1.6", "1.1.0", "1.0.0-beta2"),
    7: ("2.11", "2.10", "2.9", "2.8", "2.7", "2.6"),
}
"""The vendor's runtimes that execute each kmodel version that can be written, the default first; of versions 3 and 4
there is one only."""
VERSIONS = {"cpu": (7, 5), "k210": (5, 4, 3), "k230": (7,), "k510": (5,)}
"""The kmodel versions that can be written for each target, the default first."""
QUANTISED: dict[str, tuple[str, ...]] = {
    "k210": ("u8",),
    "cpu": ("u8", "i8", "i16"),
    "k230": ("u8", "i8", "i16"),
    "k510": ("u8", "i8", "i16"),
}
"""The types that values are quantised to for each target, the default first. The KPU of k210 and machine code compute
with integers of 8 bits; all else computes in floating point, with the numbers that integers stand for."""
WEIGHTS = {
    "k210": ("u8",),
    "cpu": ("i8", "i16", "i4"),
    "k230": ("i8", "i16", "i4"),
    "k510": ("i8", "i16", "i4"),
}
"""The same for weights; i4 is for trials, and kept in 8 bits."""
OWN = ("k210",)
"""Targets that need ranges, and take them from a quantised network itself where they are given none. The others compute
with the integers that such a network has."""
NEEDS_DATA = "quantisation to {} needs calibration data, or ranges measured before"
DTYPES = {"u8": "uint8", "i8": "int8", "i16": "int16", "i4": "int4"}
"""What passes call the types."""
FLOAT = "none"
"""What `quant` is when nothing shall be quantised."""
AUTO = "auto"
SEGMENTS = 2
"""Into how many parts a range of sizes is cut unless it is said."""
MOST_BUCKETS = 64
"""The most forms of a network in one kmodel."""
OUTPUT_TYPES = ("float32", "uint8", "int8")
"""What real outputs may be returned as, the default first."""
ROUNDINGS = ("nearest", "squant", "adaround")
"""How weights are rounded, the default first."""
ENGINES = ("numpy", "native")
"""What runs a network to measure its ranges: numpy, the same on any machine, or machine code, which is faster and
rounds as this CPU does."""


@dataclass(frozen=True)
class Quantisation:
    """What the ranges of values, which quantisation needs, come from; raises `OptionError` K0719, K0721.

    `quant` is the type to quantise to, 'none' for a float kmodel; None is the target's default type if `calibration`
    or `ranges` is given, else 'none'. `calibration` is data (see `frontends.dataset.open_dataset`) over which
    `calibration_method` measures ranges, running the network on `calibration_engine`; `ranges` is the path of a file of
    ranges measured before, or a function that gives a `Calibration` for the names of the network's values, and the
    weights of its products by the names of their results (arrays, output channels first).
    `quant_weights` is the type of weights, None the target's default, `rounding` one of `ROUNDINGS` (see
    `passes.quant.rounding`), by which weights are rounded; `rounded` are those that AdaRound chose before, by the names
    of their products. `mixed` keeps as few of the most sensitive layers in 16 bits, or in floating point where integers
    of 8 bits are multiplied, as give the worst output that ratio of signal to noise, in dB, on some of the data.
    `measure_errors` asks for what quantisation changes, layer by layer.
    `own`: the network is quantised, and its own parameters say the ranges (`CompileOptions.for_network`).
    """

    quant: str | None = None
    calibration: Any = field(default=None, compare=False)
    calibration_method: str = AUTO
    calibration_engine: str = "numpy"
    quant_weights: str | None = None
    rounding: str = "nearest"
    rounded: Mapping[str, Any] | None = field(default=None, compare=False)
    mixed: float | None = None
    ranges: "str | Path | Ranges | None" = None
    measure_errors: bool = False
    own: bool = False

    def __post_init__(self) -> None:
        _require(
            self.calibration_engine in ENGINES,
            f"there is no calibration engine '{self.calibration_engine}'; there are: {_list(ENGINES)}",
        )
        if self.calibration is None:
            _require(self.calibration_method == AUTO, "a calibration method is given, but no calibration data")
        else:
            from .passes.quant.methods import find_method

            find_method(self.calibration_method)
            _require(self.ranges is None, "ranges are given, and calibration data to measure them with")
        _require(
            self.calibration is not None or not self.measure_errors,
            "errors shall be measured, but there is no calibration data to measure them with",
        )
        if self.rounding not in ROUNDINGS:
            cause = f"there is no way to round '{self.rounding}'; there are: {_list(ROUNDINGS)}"
            raise OptionError("K0719", cause=cause)
        _require(
            self.calibration is not None or self.rounded is not None or self.rounding != "adaround",
            "rounding by AdaRound needs calibration data",
        )
        _require(
            self.mixed is None or (isinstance(self.mixed, int | float) and 0 < self.mixed < inf),
            f"mixed is {self.mixed!r}, expected the decibels that outputs shall have, above 0",
        )
        _require(
            self.calibration is not None or self.mixed is None,
            "the layers that keep more bits are chosen with calibration data, and none is given",
        )
        _require(
            self.mixed is None or self.quant != "i16", "layers keep 16 bits, but all have them already (quant i16)"
        )
        _require(
            not (self.given and self.quant == FLOAT),
            "nothing shall be quantised (quant none), but calibration data or ranges are given",
        )

    @property
    def given(self) -> bool:
        """Whether there is something that the ranges come from."""
        return self.calibration is not None or self.ranges is not None or self.own

    def type_for(self, target: str) -> str:
        """The type to quantise to, or 'none'. Raises `OptionError` K0720, K0721 when the target cannot do as asked."""
        if self.quant == FLOAT or not (self.quant or self.given):
            return FLOAT
        _require_type("networks", self.quant, QUANTISED, target)
        _require(self.given or target in OWN, NEEDS_DATA.format(self.quant))
        return self.quant or QUANTISED[target][0]

    def weights_for(self, target: str) -> str:
        """The type to quantise weights to. Raises `OptionError` K0720 when the target cannot do as asked."""
        _require_type("weights", self.quant_weights, WEIGHTS, target)
        return self.quant_weights or WEIGHTS[target][0]


@dataclass(frozen=True)
class CompileOptions:
    """What `kpuc.compile` was asked for; raises `OptionError` when that cannot be had.

    `ends` are the values where segments end, if what follows is computed behind them; none otherwise.
    """

    target: str = "cpu"
    shapes: dict[str, tuple[int | None, ...]] = field(default_factory=dict)
    dims: dict[str, int | tuple[int, int] | None] = field(default_factory=dict)
    segments: int | None = None
    portable: bool = False
    kmodel: int | None = None
    runtime: str | None = None
    cpu: tuple[str, ...] = ()
    triple: str | None = None
    external_data: str | Path | None = None
    preprocessing: Mapping[str, Preprocessing] = field(default_factory=dict)
    outputs: tuple[str, ...] = ()
    ends: tuple[str, ...] = ()
    output_type: str = "float32"
    output_range: tuple[float, float] | None = None
    output_layout: str | Mapping[str, str] | None = None
    quantisation: Quantisation = field(default_factory=Quantisation)

    @classmethod
    def of(cls, **given: Any) -> "CompileOptions":
        """From some of what `kpuc.compile` takes: fields of this class, of `Preprocessing` and `Quantisation`."""
        given["shapes"] = {name: tuple(shape) for name, shape in (given.get("shapes") or {}).items()}
        given["dims"] = {name: _size(size) for name, size in (given.get("dims") or {}).items()}
        ends = given.get("output_range")
        given["output_range"] = None if ends is None else tuple(map(float, ends))
        given["outputs"] = tuple(given.get("outputs") or ())
        cpu = given.get("cpu")
        given["cpu"] = tuple(cpu.split(",") if isinstance(cpu, str) else cpu or ())
        layout = given.get("output_layout")
        if layout is not None:
            texts = {name: layout_text(one) for name, one in layout.items()} if isinstance(layout, Mapping) else None
            given["output_layout"] = layout_text(layout) if texts is None else texts
        preprocessing = Preprocessing.per_input(**_taken(given, Preprocessing))
        quantisation = Quantisation(**_taken(given, Quantisation))
        return cls(**given, preprocessing=preprocessing, quantisation=quantisation)

    def __post_init__(self) -> None:
        if self.target not in TARGETS:
            raise OptionError("K0701", cause=f"there is no target '{self.target}'; there are: {', '.join(TARGETS)}")
        self._check_outputs()
        layouts = self.output_layout
        for layout in layouts.values() if isinstance(layouts, Mapping) else (layouts,):
            check_layout("output", layout)
        valid = VERSIONS[self.target]
        if self.kmodel is not None and self.kmodel not in valid:
            raise OptionError(
                "K0703", cause=f"kmodel version {self.kmodel} cannot be written for {self.target}, only {_list(valid)}"
            )
        runtimes = RUNTIMES[self.version]
        if self.runtime is not None and self.runtime not in runtimes:
            raise OptionError(
                "K0704",
                cause=f"runtime {self.runtime} does not read kmodel v{self.version}; "
                + (f"these do: {_list(runtimes)}" if runtimes else "all firmware that reads it does so alike"),
            )
        if (self.cpu or self.triple) and not self.machine_code:
            raise OptionError("K0722", cause="a CPU is named, but the kmodel shall hold no machine code")
        self.quantisation.type_for(self.target)
        self.quantisation.weights_for(self.target)
        if self.quantisation.mixed is not None and self.target == "k210" and (self.portable or self.version != 5):
            cause = "sensitive layers are left to the K210's processor, which kmodels of version 5 have code for alone"
            raise OptionError("K0722", cause=cause, remedy="leave out portable and kmodel")
        self._check_ranges()
        if self.portable and self.target == "k210":
            if self.version != 5:
                raise OptionError("K0722", cause=f"portable kmodels for k210 are of version 5, not {self.version}")
            if self.quantisation.quant == FLOAT:
                raise _nothing_quantised()

    def for_network(self, bits: int) -> "CompileOptions":
        """The choices for a network that itself rounds its values to so many bits, 0 for none.

        Where neither data nor ranges are given, such a network says its ranges itself: those of 8 bits, and of more
        only if u8 is asked for, since that loses some. Raises `OptionError` K0721, K0722 if the network cannot do
        without.
        """
        wanted = self.quantisation
        if self.target not in OWN or wanted.given or wanted.quant == FLOAT:
            return self
        if bits:
            return replace(self, quantisation=replace(wanted, own=True))
        _require(wanted.quant is None, NEEDS_DATA.format(wanted.quant))
        if self.portable:
            raise _nothing_quantised()
        return self

    def _check_ranges(self) -> None:
        """Raise `OptionError` K0723 for ranges of sizes that cannot be had."""
        _require(self.segments is None or bool(self.ranges), "segments are given, but no range of sizes", "K0723")
        for symbol, (low, high) in self.ranges.items():
            _require(1 <= low < high < 2**31, f"dimension '{symbol}' cannot be from {low} to {high}", "K0723")
        _require(self.segments is None or self.segments >= 1, f"{self.segments} segments cannot be had", "K0723")
        if self.ranges and self.version != 7:
            raise OptionError(
                "K0723",
                cause=f"kmodels of version {self.version} for {self.target} take one shape only: their memory is fixed",
                remedy="compile one kmodel a shape; targets with ranges of sizes: cpu, k230",
            )
        count = len(self.bucket_sizes)
        cause = f"{len(self.ranges)} ranges of {self.segments or SEGMENTS} segments make {count} forms of the network"
        _require(count <= MOST_BUCKETS, f"{cause}, more than {MOST_BUCKETS}", "K0723")

    @property
    def ranges(self) -> dict[str, tuple[int, int]]:
        """The least and the greatest size of symbolic dimensions that have a range."""
        return {symbol: size for symbol, size in self.dims.items() if isinstance(size, tuple)}

    @property
    def fixed(self) -> dict[str, int | None]:
        """What symbolic dimensions are that have no range."""
        return {symbol: size for symbol, size in self.dims.items() if not isinstance(size, tuple)}

    @property
    def bucket_sizes(self) -> list[dict[str, int]]:
        """The largest sizes of each bucket, from small to large: the first one in which sizes fit is theirs.

        Each range is cut into `segments` parts of equal length; without a range there is one bucket, of nothing.
        """
        parts = self.segments or SEGMENTS
        uppers = [
            sorted({low + (high - low) * (part + 1) // parts for part in range(parts)})
            for low, high in self.ranges.values()
        ]
        return [dict(zip(self.ranges, sizes, strict=True)) for sizes in product(*uppers)]

    def at(
        self,
        sizes: Mapping[str, int | None],
        calibration: "Calibration | None" = None,
        rounded: Mapping[str, Any] | None = None,
    ) -> "CompileOptions":
        """The options for certain sizes of symbolic dimensions, None being for one that is not known; with ranges of
        values that were measured already, if they are given, and weights that were rounded with the same data."""
        quantisation = self.quantisation
        if calibration is not None:
            quantisation = replace(
                quantisation,
                calibration=None,
                calibration_method=AUTO,
                mixed=None,
                measure_errors=False,
                ranges=lambda *_: calibration,
                rounded=rounded,
            )
        return replace(self, dims={**self.dims, **sizes}, segments=None, quantisation=quantisation)

    def _check_outputs(self) -> None:
        """Raise `OptionError` K0716 for types and ranges of outputs that there are not."""
        ends, cause = self.output_range, ""
        if self.output_type not in OUTPUT_TYPES:
            cause = f"outputs cannot be {self.output_type}, only {_list(OUTPUT_TYPES)}"
        elif ends is not None and self.output_type == OUTPUT_TYPES[0]:
            cause = "the range of outputs is given, but not the integers that it is for: uint8 or int8"
        elif ends is not None and (len(ends) != 2 or not -inf < ends[0] < ends[1] < inf):
            cause = f"the range of outputs is {_list(ends)}, expected two numbers, the lower one first"
        elif self.output_type != OUTPUT_TYPES[0] and self.portable and self.target == "k210":
            cause = "a portable kmodel for k210 returns the KPU's bytes already, whose scale the report has"
        if cause:
            raise OptionError("K0716", cause=cause)

    @property
    def machine_code(self) -> bool:
        """Whether the kmodel holds machine code: where neither a version 5 nor a vendor's runtime is asked for."""
        return self.target == "cpu" and not self.portable and self.kmodel in (None, 7) and self.runtime is None

    @property
    def quant(self) -> str:
        """The type that values are quantised to, or 'none'."""
        return self.quantisation.type_for(self.target)

    @property
    def weights(self) -> str:
        """The type that weights are quantised to, if values are."""
        return self.quantisation.weights_for(self.target)

    @property
    def computes_integers(self) -> bool:
        """Whether integers are multiplied, not the numbers that they stand for."""
        return self.target == "k210" or (self.machine_code and self.quant != "i16" and self.weights == "i8")

    @property
    def version(self) -> int:
        """The kmodel version to write."""
        return self.kmodel or VERSIONS[self.target][0]

    @property
    def dialect(self) -> str:
        """The dialect of version 5 code that the runtime executes, one of `isa5.DIALECTS`."""
        runtime = self.runtime or RUNTIMES[5][0]
        return {"1.0.0-beta2": "1.0.0-beta2", "1.1.0": "1.1"}.get(runtime, "1.6")


def _require_type(what: str, wanted: str | None, types: Mapping[str, Sequence[str]], target: str) -> None:
    if wanted not in (None, *types[target]):
        others = [f"{name} ({_list(kinds)})" for name, kinds in types.items() if wanted in kinds]
        raise OptionError(
            "K0720",
            cause=f"{what} cannot be quantised to {wanted} for target {target}, only to {_list(types[target])}",
            remedy=f"targets that can: {_list(others)}" if others else "",
        )


def _nothing_quantised() -> OptionError:
    return OptionError(
        "K0722",
        cause="a portable kmodel for k210 holds bytes only, but nothing is quantised",
        remedy="give calibration data (--calibration), or ranges measured before (--ranges)",
    )


def _taken(given: dict[str, Any], kind: type[Any]) -> dict[str, Any]:
    """What is given of the fields of a class, which is no longer in `given` then."""
    return {item.name: given.pop(item.name) for item in fields(kind) if item.name in given}


def _list(values: Iterable[Any]) -> str:
    return ", ".join(map(str, values))


def _size(given: Any) -> int | tuple[int, int] | None:
    """A size, None for one that stays open, or a range of sizes; one from a size to itself is that size."""
    if not isinstance(given, Sequence):
        return None if given is None else int(given)
    _require(len(given) == 2, f"a range of sizes is a pair, (least, greatest), not {list(given)}", "K0723")
    low, high = int(given[0]), int(given[1])
    return low if low == high else (low, high)


def _require(condition: bool, cause: str, code: str = "K0721") -> None:
    if not condition:
        raise OptionError(code, cause=cause)
