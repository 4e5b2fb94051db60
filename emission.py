"""From networks in the form that their target emits to the bytes of a kmodel."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .options import CompileOptions
from .version import PRODUCER

if TYPE_CHECKING:
    from .backends.buckets import Buckets
    from .dump import IrDumper


@dataclass(frozen=True)
class Emitted:
    """A kmodel, the memory that it works in, the CPUs that its machine code is for, and what passes took."""

    data: bytes
    memory: Mapping[str, Mapping[str, int]]
    cpus: Sequence[str] = ()
    passes: Sequence[Mapping[str, Any]] = field(default_factory=list)


def emit(
    options: CompileOptions, modules: Sequence[Any], buckets: "Buckets | None", dumper: "IrDumper | None"
) -> Emitted:
    """The kmodel of one network, or of the segments of `buckets`. Raises `UnsupportedError` K0602, K0603."""
    if options.machine_code:
        return _machine_code(options, modules, buckets, dumper)
    if buckets is not None:
        from .backends.stackvm.emit7 import emit7_buckets

        return Emitted(emit7_buckets(modules, buckets, PRODUCER), {})
    (module,) = modules
    if dumper is not None and options.version < 7:
        dumper.write_plan(module)
    return Emitted(_code(options, module), _planned_memory(module))


def run(texts: Sequence[str], module: Any, dumper: "IrDumper | None") -> list[dict[str, Any]]:
    """Run pipelines one behind the other; what each of their passes took."""
    from .passes.pipeline import Pipeline, parse_pipeline

    pipeline = Pipeline([item for text in texts for item in parse_pipeline(text).passes])
    pipeline.verify_each = dumper is not None  # who looks at passes wants to know which one was wrong
    if dumper is not None:
        pipeline.after = dumper.after
    pipeline.run(module)
    pairs = zip(pipeline.passes, pipeline.seconds, strict=True)
    return [{"pass": item.name, "seconds": round(seconds, 4)} for item, seconds in pairs]


def _machine_code(
    options: CompileOptions, modules: Sequence[Any], buckets: "Buckets | None", dumper: "IrDumper | None"
) -> Emitted:
    from .backends.native.emit import clone, emit_native, pipeline
    from .backends.native.target import chosen

    specs = chosen(options.cpu, options.triple)
    networks = [[module, *(clone(module) for _ in specs[1:])] for module in modules]
    sizes = [{}] if buckets is None else buckets.segments
    dumpers = [dumper and dumper.inside(one) for one in sizes]
    passes = []
    for network, inside in zip(networks, dumpers, strict=True):
        for spec, one in zip(specs, network, strict=True):
            passes += run((pipeline(spec),), one, inside)
    data, programs = emit_native(networks, specs, PRODUCER, buckets)
    for inside, made in zip(dumpers, programs, strict=True):
        for spec, program in zip(specs, made, strict=True):
            if inside is not None:
                inside.write_text(f"native-lower_{spec.name}", program.text)
    peak = max(made[0].arena_bytes for made in programs)
    memory = {"main": {"peak": peak, "bound": max(made[0].bound for made in programs)}}
    return Emitted(data, memory, [spec.name for spec in specs], passes)


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


def _code(options: CompileOptions, module: Any) -> bytes:
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

    return emit7(module, PRODUCER)
