"""From a model file to a kmodel: the public API."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import process_time
from typing import TYPE_CHECKING, Any, BinaryIO

from . import quantising
from .dump import IrDumper
from .emission import emit
from .errors import OptionError
from .files import make_folder, write_file
from .lowering import find_buckets, lower, lower_tail, read, read_once, run
from .options import CompileOptions
from .pipelines import PIPELINE
from .runtime import TensorInfo

if TYPE_CHECKING:
    import onnx

    from .backends.buckets import Buckets
    from .emission import Emitted
    from .lowering import Lowered
    from .options import Ranges
    from .passes.quant.calibrate import Progress
    from .passes.quant.calibration import Calibration

FIX = "fix what is open (--dim, --shape): machine code computes more operations than portable code"
Model = "str | Path | bytes | BinaryIO | onnx.ModelProto"


@dataclass(frozen=True)
class KModel:
    """A compiled network: the file's bytes, what is known about them, and the ranges that it was quantised with."""

    data: bytes
    report: dict[str, Any] = field(default_factory=dict)
    calibration: "Calibration | None" = None

    @property
    def inputs(self) -> list[TensorInfo]:
        """Name, dtype and shape of each input."""
        return list(self._signature()[0])

    @property
    def outputs(self) -> list[TensorInfo]:
        """Name, dtype and shape of each output."""
        return list(self._signature()[1])

    @property
    def states(self) -> dict[str, Any]:
        """What each state holds before the first run: an input, whose next value is the output of the same name."""
        from .runtime.kmodel import read_kmodel
        from .runtime.simulator import first_values

        return first_values(read_kmodel(self.data), self.inputs)

    def _signature(self) -> tuple[tuple[TensorInfo, ...], tuple[TensorInfo, ...]]:
        """As the file says it, whether or not this machine can execute the code in it."""
        from .runtime.kmodel import read_kmodel
        from .runtime.simulator import signature

        return signature(read_kmodel(self.data))

    def disassembled(self) -> str:
        """What is in the file, as text, with its code disassembled."""
        from .runtime.kmodel import read_kmodel
        from .runtime.kmodel.describe import describe, lines

        return "\n".join([*lines(describe(read_kmodel(self.data))), ""])

    def save(self, path: str | Path) -> None:
        """Write the file: all of it, or nothing. Raises `OptionError` K0705 when the place cannot be written to."""
        write_file(path, self.data)


def compile(
    model: "str | Path | bytes | BinaryIO | onnx.ModelProto",
    target: str = "cpu",
    *,
    shapes: Mapping[str, Sequence[int | None]] | None = None,
    dims: Mapping[str, int | tuple[int, int] | None] | None = None,
    segments: int | None = None,
    portable: bool = False,
    kmodel: int | None = None,
    runtime: str | None = None,
    cpu: str | Sequence[str] | None = None,
    triple: str | None = None,
    external_data: str | Path | None = None,
    input_type: str | Mapping[str, str] = "float32",
    input_range: Sequence[float] | Mapping[str, Sequence[float]] | None = None,
    input_layout: str | Sequence[int] | Mapping[str, str | Sequence[int]] | None = None,
    model_layout: str | None = None,
    swap_rb: bool | Mapping[str, bool] = False,
    mean: float | Sequence[float] | Mapping[str, float | Sequence[float]] | None = None,
    std: float | Sequence[float] | Mapping[str, float | Sequence[float]] | None = None,
    letterbox: Sequence[int] | Mapping[str, Sequence[int]] | None = None,
    letterbox_value: float | Mapping[str, float] = 0.0,
    input_shape: Sequence[int] | Mapping[str, Sequence[int]] | None = None,
    outputs: Sequence[str] | None = None,
    output_type: str = "float32",
    output_range: Sequence[float] | None = None,
    output_layout: str | Sequence[int] | Mapping[str, str | Sequence[int]] | None = None,
    quant: str | None = None,
    calibration: Any = None,
    calibration_method: str = "auto",
    calibration_engine: str = "numpy",
    quant_weights: str | None = None,
    rounding: str = "nearest",
    mixed: float | None = None,
    ranges: "str | Path | Ranges | None" = None,
    measure_errors: bool = False,
    progress: "Progress | None" = None,
    dump_ir: str | Path | None = None,
    dump_asm: str | Path | None = None,
) -> KModel:
    """Compile an ONNX or TFLite network into a kmodel.

    `model` is a path, the file's bytes, a stream or, for ONNX, a `ModelProto`. `shapes` gives whole shapes of inputs,
    `dims` values of symbolic dimensions; None is for a size that stays open, (least, greatest) for a range, which is
    cut into `segments` parts, 2 unless told otherwise: see docs/dynamic-shapes.md. `target` is the chip; `portable`
    asks `cpu` for code that any CPU and the vendor's runtimes can execute instead of machine code, `k210` for a file
    without code for the host, bytes in and bytes out. `kmodel` and `runtime` pick the file's version and the vendor's
    runtime that it is for. `cpu` names the CPUs that machine code is made for (`backends.native.target.SPECS`; "host"
    or nothing: the best for this machine), `triple` another machine, such as riscv64-linux.
    `external_data` is the folder of an ONNX network's weights that are not in its file, by default the file's own.
    `input_type` to `input_shape` say how the float32 inputs are made from what the kmodel shall be given, such
    as a camera's bytes: see `frontends.preprocess.Preprocessing`. Each may be a dictionary by input name, for those
    inputs only. `outputs` names the values of the network to return instead of its own outputs; what they do not need
    is left out. `output_type` uint8 or int8 makes integers of real outputs, over `output_range` (0 included), or the
    ranges that were measured. `output_layout` is the order of dimensions of outputs that are images: NCHW, NHWC, or
    what `transpose` takes (which then holds for outputs of that rank); or a dictionary by output name.
    `quant` to `measure_errors` say whether the network is quantised, and from what: see `options.Quantisation`. A
    network that is quantised already keeps its parameters; on `k210` only where nothing else is given.
    Calibration data is an array, a dictionary of arrays, an iterable of dictionaries, an `.npz` or `.npy` file, or a
    folder of images: see `frontends.dataset.open_dataset`; `progress(done, total)` is called while it is gone through.
    `dump_ir` names a folder for one numbered `.mlir` per pass that changed something, `network.mlirbc`, the imported
    network with its constants for nn-opt, the ranges, and `memory.txt`, the places of buffers; `dump_asm` one for
    `kmodel.asm`, what is in the kmodel with its code disassembled, and `native_CPU.s`, the assembly of machine code.

    Raises `KpucError`: `OptionError` for choices that cannot be had, `ModelError` for files that cannot be read,
    `UnsupportedError` for networks that the target cannot compute.
    """
    options = CompileOptions.of(
        target=target,
        shapes=shapes,
        dims=dims,
        segments=segments,
        portable=portable,
        kmodel=kmodel,
        runtime=runtime,
        cpu=cpu,
        triple=triple,
        external_data=external_data,
        input_type=input_type,
        input_range=input_range,
        input_layout=input_layout,
        model_layout=model_layout,
        swap_rb=swap_rb,
        mean=mean,
        std=std,
        letterbox=letterbox,
        letterbox_value=letterbox_value,
        input_shape=input_shape,
        outputs=outputs,
        output_type=output_type,
        output_range=output_range,
        output_layout=output_layout,
        quant=quant,
        calibration=calibration,
        calibration_method=calibration_method,
        calibration_engine=calibration_engine,
        quant_weights=quant_weights,
        rounding=rounding,
        mixed=mixed,
        ranges=ranges,
        measure_errors=measure_errors,
    )
    listings = None if dump_asm is None else make_folder(dump_asm)
    made = _compile(model, options, progress, None if dump_ir is None else IrDumper(Path(dump_ir)), listings)
    if dump_ir is not None and made.calibration is not None:
        made.calibration.save(Path(dump_ir) / "ranges.json")
    if listings is not None:
        write_file(listings / "kmodel.asm", made.disassembled())
    return made


def _compile(
    model: Any,
    options: CompileOptions,
    progress: "Progress | None",
    dumper: "IrDumper | None",
    listings: "Path | None",
) -> KModel:
    from .dialects import mlir

    start = process_time()
    with mlir.context():
        buckets, behind = None, list[dict[str, Any]]()
        if options.ranges:
            model = read_once(model)
            buckets = find_buckets(model, options)
            options = replace(_padding_samples(options, buckets), ends=buckets.ends)
            if buckets.tail is not None:
                behind = lower_tail(buckets.tail, dumper and dumper.part("tail"))
        *smaller, largest = options.bucket_sizes
        whole = lower(model, options.at(largest), progress, dumper and dumper.inside(largest))
        lowered = [
            lower(model, options.at(sizes, whole.calibration, whole.rounded), None, dumper and dumper.inside(sizes))
            for sizes in smaller
        ]
        lowered.append(whole)
        if buckets is not None:
            for sizes, one in zip(options.bucket_sizes, lowered, strict=True):
                buckets.check(one.module, sizes)
        remedy = FIX if whole.options.portable and not options.portable else ""
        made = emit(whole.options, [one.module for one in lowered], buckets, dumper, listings, remedy)
        exposed = _stated_bytes(whole.module, options.target, whole.integers)
    report = {
        "target": options.target,
        "kmodel": options.version,
        "quant": whole.options.quant,
        "bytes": len(made.data),
        "seconds": {"import": sum(one.imported for one in lowered), "total": process_time() - start},
        "passes": [*(item for one in lowered for item in one.passes), *behind, *made.passes],
        **_told(whole, made),
    }
    if buckets is not None:
        report["buckets"] = options.bucket_sizes
        if buckets.tail is not None:
            note = f"{buckets.tail.text} is computed at the sizes of the inputs by portable code, behind the segments"
            report["notes"] = [*report.get("notes", ()), note]
    if exposed:
        report["quantisation"] = exposed
    return KModel(made.data, report, whole.calibration)


def _told(lowered: "Lowered", made: "Emitted") -> dict[str, Any]:
    """The parts of the report that not every compilation has."""
    told = {
        "notes": lowered.notes or None,
        "cpus": made.cpus or None,
        "memory": made.memory or None,
        "ranges": "the network's own" if lowered.options.quantisation.own else None,
        "calibration": lowered.calibration and lowered.calibration.summary(),
        "mixed": lowered.mixed,
        "errors": lowered.errors,
        "host": lowered.host,
    }
    return {name: value for name, value in told.items() if value is not None}


def _padding_samples(options: CompileOptions, buckets: "Buckets") -> CompileOptions:
    """The options with samples that may be of all sizes in the ranges."""
    from .frontends.padded import PaddedSamples

    wanted = options.quantisation
    if wanted.calibration is None:
        return options
    samples = PaddedSamples(wanted.calibration, buckets.sizes)
    return replace(options, quantisation=replace(wanted, calibration=samples))


def _stated_bytes(module: Any, target: str, outputs: Mapping[str, Any]) -> dict[str, Any]:
    """What bytes of inputs and outputs stand for; empty when none stand for real numbers."""
    found: dict[str, dict[str, Any]] = {"inputs": {}, "outputs": {}}
    if target == "k210":
        from .passes.kpu.expose import stated_bytes

        found = stated_bytes(module)
    found["outputs"] |= outputs
    return found if any(found.values()) else {}


def float_ranges(model: Any, **given: Any) -> "Calibration":
    """The ranges of a network's values over `calibration`; takes what `compile` takes, and raises what it raises."""
    from .dialects import mlir

    options = CompileOptions.of(**given)
    with mlir.context():
        module = read(model, options)
        run((PIPELINE,), module, None)
        found = quantising.calibrate(module, options, None)
    if found is None:
        raise OptionError("K0721", cause="there is no calibration data to measure ranges with")
    return found
