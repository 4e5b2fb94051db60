"""From networks in the form that their target emits to the bytes of a kmodel."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .files import write_file
from .lowering import run
from .options import CompileOptions
from .version import PRODUCER

if TYPE_CHECKING:
    from .backends.buckets import Buckets
    from .backends.native.emit import Code
    from .dump import IrDumper


@dataclass(frozen=True)
class Emitted:
    """A kmodel, the memory that it works in, the CPUs that its machine code is for, and what passes took."""

    data: bytes
    memory: Mapping[str, Mapping[str, int]]
    cpus: Sequence[str] = ()
    passes: Sequence[Mapping[str, Any]] = field(default_factory=list)


def emit(
    options: CompileOptions,
    modules: Sequence[Any],
    buckets: "Buckets | None",
    dumper: "IrDumper | None",
    listings: Path | None,
    remedy: str,
) -> Emitted:
    """The kmodel of one network, or of the segments of `buckets`; assembly goes to the folder `listings`.

    `remedy` is what to do, other than usual, about operations that portable code does not compute. Raises
    `UnsupportedError` K0602, K0603.
    """
    if options.machine_code:
        return _machine_code(options, modules, buckets, dumper, listings)
    if buckets is not None:
        from .backends.stackvm.emit7 import emit7_buckets
        from .backends.unsupported import OPERATORS

        made = Emitted(emit7_buckets(modules, buckets, PRODUCER, remedy or OPERATORS), {})
        for module, segment in zip(modules, buckets.segments, strict=True):
            _plan(module, {}, dumper and dumper.inside(segment))
        return made
    (module,) = modules
    memory = _planned_memory(module)
    made = Emitted(_code(options, module, remedy), memory)
    _plan(module, memory, dumper)
    return made


def _machine_code(
    options: CompileOptions,
    modules: Sequence[Any],
    buckets: "Buckets | None",
    dumper: "IrDumper | None",
    listings: Path | None,
) -> Emitted:
    from .backends.native.emit import emit_native, pipeline
    from .backends.native.target import chosen
    from .dialects.function import clone

    specs = chosen(options.cpu, options.triple)
    networks = [[module, *(clone(module) for _ in specs[1:])] for module in modules]
    sizes = [{}] if buckets is None else buckets.segments
    passes = []
    for network, segment in zip(networks, sizes, strict=True):
        for spec, one in zip(specs, network, strict=True):
            passes += run((pipeline(spec),), one, dumper and dumper.inside(segment))
    data, codes = emit_native(networks, specs, PRODUCER, buckets)
    for made, segment in zip(codes, sizes, strict=True):
        if dumper is not None:
            _dump(made, dumper.inside(segment))
        if listings is not None:
            _list(made, listings, segment)
    programs = [made[0].program for made in codes]
    peak, bound = (max(sizes) for sizes in zip(*((one.arena_bytes, one.bound) for one in programs), strict=True))
    return Emitted(data, {"main": {"peak": peak, "bound": bound}}, [spec.name for spec in specs], passes)


def _dump(codes: "Sequence[Code]", dumper: "IrDumper") -> None:
    for code in codes:
        dumper.write_text(f"native-lower_{code.spec.name}", code.program.text)
    dumper.write_plan("\n".join(code.memory.text() for code in codes))


def _list(codes: "Sequence[Code]", folder: Path, segment: Mapping[str, int]) -> None:
    from .backends.native.listing import listing

    suffix = "".join(f"_{symbol}={size}" for symbol, size in segment.items())
    for code in codes:
        write_file(folder / f"native_{code.spec.name}{suffix}.s", listing(code))


def _plan(module: Any, memory: Mapping[str, Mapping[str, int]], dumper: "IrDumper | None") -> None:
    if dumper is not None:
        from .backends.memory import plan_of

        peaks = {name: (one["peak"], one["bound"]) for name, one in memory.items()}
        dumper.write_plan(plan_of(module, peaks).text())


def _planned_memory(module: Any) -> dict[str, dict[str, int]]:
    """Peak and lower bound of each memory that was planned, in bytes."""
    from .dialects.function import entry_function

    attributes = entry_function(module).attributes
    names = {"main": ("nn.scratch", "nn.bound"), "kpu": ("kpu.peak", "kpu.bound")}
    return {
        memory: {"peak": attributes[peak].value, "bound": attributes[bound].value}
        for memory, (peak, bound) in names.items()
        if peak in attributes
    }


def _code(options: CompileOptions, module: Any, remedy: str) -> bytes:
    if options.target == "k210" and options.portable:
        from .backends.k210.portable import emit_portable

        return emit_portable(module, PRODUCER)
    if options.version == 3:
        from .backends.k210.emit3 import emit3

        return emit3(module)
    if options.version == 4:
        from .backends.k210.emit4 import emit4

        return emit4(module)
    if options.version == 5:
        from .backends.stackvm.emit5 import emit5

        return emit5(module, PRODUCER, options.dialect)
    from .backends.stackvm.emit7 import emit7
    from .backends.unsupported import OPERATORS

    return emit7(module, PRODUCER, remedy or OPERATORS)
