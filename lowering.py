"""From a model file to a network in the form that its target emits.

On entry: a file, and the choices of a compilation for inputs of certain sizes. On exit: a module behind all passes but
those of an emitter, and what there is to tell about its making.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import process_time
from typing import TYPE_CHECKING, Any

from . import quantising
from .errors import OptionError
from .options import OUTPUT_TYPES, CompileOptions
from .pipelines import (
    BYTES_PIPELINE,
    FLOATS_PIPELINE,
    LAYERS_PIPELINE,
    OWN_LAYERS_PIPELINE,
    TAIL_PIPELINES,
    pipelines,
)

if TYPE_CHECKING:
    from .backends.buckets import Buckets
    from .dump import IrDumper
    from .passes.nn.tail import Tail
    from .passes.quant.calibrate import Progress
    from .passes.quant.calibration import Calibration

FORMING = (LAYERS_PIPELINE, OWN_LAYERS_PIPELINE, BYTES_PIPELINE)
"""The pipelines that make layers of the K210's accelerator."""


@dataclass(frozen=True)
class Lowered:
    """A network in the form that its target emits.

    `options` are what was asked for, with what follows from the network; `imported` are the seconds that
    reading the network took, `passes` what each pass took, `rounded` the weights that AdaRound chose; the rest is for
    the report.
    """

    module: Any
    options: CompileOptions
    imported: float
    passes: list[dict[str, Any]]
    calibration: "Calibration | None"
    rounded: dict[str, Any]
    notes: list[str]
    mixed: dict[str, Any] | None
    integers: dict[str, Any]
    errors: list[dict[str, Any]] | None
    host: list[dict[str, Any]] | None


def lower(model: Any, options: CompileOptions, progress: "Progress | None", dumper: "IrDumper | None") -> Lowered:
    """The network for inputs of certain sizes."""
    from .dialects.function import clone

    start = process_time()
    module = read(model, options)
    imported = process_time() - start
    options = options.for_network(_own_bits(module))
    if dumper is not None:
        dumper.write("import", module)
        dumper.write_network(module)
    before, behind = pipelines(options)
    first = before[: before.index(FLOATS_PIPELINE)] if FLOATS_PIPELINE in before else before
    passes = run(first, module, dumper)
    notes = _notes(module, options)
    if notes and options.machine_code:
        options = replace(options, portable=True)
        before, behind = pipelines(options)
        first = ()
    passes += run(before[len(first) :], module, dumper)
    calibration, mixed = quantising.calibrate(module, options, progress), None
    if calibration is not None and options.quantisation.mixed is not None:
        calibration, mixed = quantising.mix(module, options, calibration, behind[0], progress)
    integers = quantising.quantize_outputs(module, options)
    if calibration is not None and dumper is not None:
        dumper.write("calibrate", module)
    original = clone(module) if options.quantisation.measure_errors else None
    rounded: dict[str, Any] = {}
    passes += run(behind[:1], module, dumper, quantising.rounds_weights(options, rounded))
    host = _host_operations(module) if behind[0] in FORMING else None
    errors = None if original is None else quantising.layer_errors(original, module, options.quantisation)
    passes += run(behind[1:], module, dumper)
    return Lowered(module, options, imported, passes, calibration, rounded, notes, mixed, integers, errors, host)


def run(
    texts: Sequence[str],
    module: Any,
    dumper: "IrDumper | None",
    before: Callable[[int, Any, Any], None] | None = None,
) -> list[dict[str, Any]]:
    """Run pipelines one behind the other, `before` ahead of each pass; what each of their passes took."""
    from .passes.pipeline import Pipeline, parse_pipeline

    pipeline = Pipeline([item for text in texts for item in parse_pipeline(text).passes])
    pipeline.before = before
    pipeline.verify_each = dumper is not None  # who looks at passes wants to know which one was wrong
    if dumper is not None:
        pipeline.after = dumper.after
    pipeline.run(module)
    pairs = zip(pipeline.passes, pipeline.seconds, strict=True)
    return [{"pass": item.name, "seconds": round(seconds, 4)} for item, seconds in pairs]


def read(model: Any, options: CompileOptions, values: dict[str, Any] | None = None) -> Any:
    """The network as `nn`, by the frontend that its first bytes ask for, with its preprocessing.

    `values` is filled with those that `options.ends` may name.
    """
    from .frontends.preprocess_ops import insert_output_layout, insert_preprocessing

    if is_tflite(model):
        from .frontends.tflite import import_tflite

        module = import_tflite(
            model,
            shapes=options.shapes,
            dims=options.fixed,
            outputs=options.outputs,
            ends=options.ends,
            values=values,
        )
        layout = "NHWC"
    else:
        from .frontends.onnx import import_onnx

        module = import_onnx(
            model,
            shapes=options.shapes,
            dims=options.fixed,
            external_data=options.external_data,
            outputs=options.outputs,
            ends=options.ends,
            values=values,
        )
        layout = "NCHW"
    insert_preprocessing(module, options.preprocessing, layout)
    if options.output_layout is not None and not options.ends:
        insert_output_layout(module, options.output_layout, options.preprocessing[""].model_layout or layout)
    return module


def is_tflite(model: Any) -> bool:
    """Whether a path, bytes or stream holds a TFLite file; a path that cannot be read is judged by its suffix."""
    if isinstance(model, bytes):
        return model[4:8] == b"TFL3"
    if isinstance(model, str | Path):
        return Path(model).suffix == ".tflite"
    return Path(str(getattr(model, "name", ""))).suffix == ".tflite"


def read_once(model: Any) -> Any:
    """A model that can be read several times: of a stream, its bytes."""
    content = model.read() if hasattr(model, "read") else None
    return content if isinstance(content, bytes) else model


def find_buckets(model: Any, options: CompileOptions) -> "Buckets":
    """What the network takes and gives for all sizes in the ranges; it is asked for the least ones, too."""
    from .backends.buckets import buckets_of

    values: dict[str, Any] = {}
    opened = read(model, options.at(dict.fromkeys(options.ranges)), values)
    buckets = buckets_of(opened, options.ranges, options.bucket_sizes, values)
    if buckets.tail is not None and options.output_type != OUTPUT_TYPES[0]:
        cause = f"outputs that are computed behind the segments of the network ({buckets.tail.text}) stay real numbers"
        raise OptionError("K0716", cause=cause, remedy="leave out the type of outputs, or fix the sizes")
    least = {symbol: low for symbol, (low, _) in options.ranges.items()}
    buckets.check(read(model, replace(options.at(least), ends=buckets.ends)), least)
    return buckets


def lower_tail(tail: "Tail", dumper: "IrDumper | None") -> list[dict[str, Any]]:
    """Bring the tail of a network into the form that version 7 emits; what each pass took."""
    if dumper is not None:
        dumper.write("import", tail.module)
    return run(TAIL_PIPELINES, tail.module, dumper)


def _own_bits(module: Any) -> int:
    """The bits that a quantised network rounds its values to, 0 if it does not."""
    from .passes.kpu.own_ranges import own_bits

    return own_bits(module)


def _notes(module: Any, options: CompileOptions) -> list[str]:
    """What the user should know of open dimensions, where the target takes them, and of float64 in version 5.

    Raises `UnsupportedError` K0603 when machine code for a certain CPU is asked for.
    """
    from .dialects.function import check_static, entry_function, is_open
    from .passes.nn.compute_in_float32 import float64_notes
    from .passes.nn.openness import open_notes

    function = entry_function(module)
    if options.version == 5:
        return float64_notes(function)
    if options.version != 7 or not is_open(function):
        return []
    if options.cpu or options.triple:
        check_static(function)
    return open_notes(function, options.machine_code)


def _host_operations(module: Any) -> list[dict[str, Any]]:
    """What stays on the host: later passes write other operations in its place, without the reasons."""
    from .backends.k210.placement import host_operations

    return host_operations(module)
