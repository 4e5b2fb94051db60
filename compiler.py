"""From a model file to a kmodel: the public API."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from time import process_time
from typing import TYPE_CHECKING, Any, BinaryIO

from .dump import IrDumper
from .errors import OptionError
from .files import make_folder, write_file
from .options import DTYPES, FLOAT, CompileOptions, Quantisation
from .runtime import TensorInfo
from .version import PRODUCER

if TYPE_CHECKING:
    import onnx

    from .backends.native.target import TargetSpec
    from .frontends.dataset import Dataset
    from .options import Ranges
    from .passes.quant.calibrate import Progress
    from .passes.quant.calibration import Calibration

PIPELINE = (
    "builtin.module(nn-infer-shapes,nn-fold-constants,nn-canonicalize,nn-recognize,nn-sink-transposes,nn-canonicalize,"
    "nn-fuse-convolutions,nn-fold-constants,nn-canonicalize,canonicalize,cse)"
)
"""What every target starts with: the network in its simplest form."""
INTEGER_PIPELINE = PIPELINE.replace("nn-fold-constants", "nn-fold-constants{integers=true}")
"""The same for targets that multiply integers: weights of quantised networks stay integers."""
MOVE_PIPELINE = "builtin.module(nn-move-quantized,nn-fold-constants{integers=true},nn-canonicalize,canonicalize,cse)"
"""What they need on top, once the network is quantised: what only moves numbers moves integers."""
QUANTIZE_PIPELINES = {
    quant: MOVE_PIPELINE.replace("nn-move", f"nn-quantize{{activations={DTYPES[quant]}}},nn-move")
    for quant in ("u8", "i8")
}
"""The same for a network with ranges, by the type that it is quantised to."""
ROUND_PIPELINE = "builtin.module(nn-quantize,nn-fold-constants,nn-canonicalize,canonicalize,cse)"
"""What targets need that compute in floating point with the numbers that integers stand for."""
STACKVM_PIPELINE = (
    "builtin.module(nn-unroll,nn-flatten-volumes,nn-decompose,nn-fold-constants,nn-canonicalize,canonicalize,cse)"
)
"""What stack machines need on top: only operations that they have."""
BASIC_PIPELINE = (
    "builtin.module(nn-unroll{plain=true},nn-flatten-volumes,nn-decompose,nn-decompose-basic,nn-fold-constants,"
    "nn-canonicalize,canonicalize,cse)"
)
"""The same for version 5, which has fewer operations."""
EARLY_PIPELINE = BASIC_PIPELINE.replace(
    "nn-decompose-basic", "nn-decompose-basic,nn-decompose-softmax,nn-avoid-early-faults"
)
"""The same for its first dialects."""
NODES_PIPELINE = (
    "builtin.module(kpu-download-at-once,nn-unroll{plain=true},nn-flatten-volumes,nn-decompose,nn-decompose-basic,"
    "nn-decompose-softmax,nn-fold-constants,nn-decompose-nodes,nn-fold-constants,nn-canonicalize,canonicalize,cse)"
)
"""The same for version 4: the functions that old firmware has."""
PREPARE_PIPELINE = "builtin.module(kpu-prepare,nn-fuse-convolutions,nn-canonicalize,canonicalize,cse)"
"""What the K210 needs before ranges are measured."""
LAYERS_PIPELINE = "builtin.module(kpu-form-layers,canonicalize,cse,kpu-tile,kpu-quantize,canonicalize,cse)"
"""What makes layers of the K210's accelerator of a network with ranges."""
BYTES_PIPELINE = LAYERS_PIPELINE.replace("kpu-quantize", "kpu-quantize{wide=0},kpu-expose-bytes,nn-canonicalize")
"""The same for a network that takes and returns bytes."""
MAPS_PIPELINE = "builtin.module(kpu-schedule,kpu-plan-maps)"
"""When and where the accelerator computes."""
IMAGE_PIPELINE = "builtin.module(kpu-download-at-once,kpu-expose-bytes{outputs=false},nn-canonicalize,canonicalize,cse)"
"""What version 3 needs: firmware puts an image of bytes straight into the accelerator's memory."""
STEPS_PIPELINE = MAPS_PIPELINE.replace("kpu-plan-maps", "kpu-download-at-once,kpu-plan-maps")
"""When and where the accelerator computes, in files of versions 3 and 4."""
MEMORY_PIPELINE = "builtin.module(nn-plan-memory)"
"""Where values lie in main memory, which version 5 code states."""
CHIP_MEMORY = 6 << 20
"""Bytes of the K210's main memory, where file, values and firmware lie."""
CHIP_MEMORY_PIPELINE = f"builtin.module(nn-plan-memory{{capacity={CHIP_MEMORY}}})"
"""The same in the K210's main memory."""
WHOLE_MEMORY_PIPELINE = "builtin.module(nn-plan-memory{whole=true capacity=6291456})"
"""The same for versions 3 and 4, whose inputs and outputs lie there too."""

BUFFERS_PIPELINE = "builtin.module(kpu-bufferize)"
"""What is planned, written down as buffers: all that emitters of versions 3 to 5 have to know."""

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
    shapes: Mapping[str, Sequence[int]] | None = None,
    dims: Mapping[str, int] | None = None,
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
    output_layout: str | Sequence[int] | Mapping[str, str | Sequence[int]] | None = None,
    quant: str | None = None,
    calibration: Any = None,
    calibration_method: str = "auto",
    calibration_engine: str = "numpy",
    quant_weights: str | None = None,
    rounding: str = "nearest",
    ranges: "str | Path | Ranges | None" = None,
    measure_errors: bool = False,
    progress: "Progress | None" = None,
    dump_ir: str | Path | None = None,
    dump_asm: str | Path | None = None,
) -> KModel:
    """Compile an ONNX or TFLite network into a kmodel.

    `model` is a path, the file's bytes, a stream or, for ONNX, a `ModelProto`. `shapes` gives whole shapes of
    inputs, `dims` values of symbolic dimensions. `target` is the chip; `portable` asks `cpu` for code that any CPU
    and the vendor's runtimes can execute instead of machine code, `k210` for a file without code for the host, bytes in
    and bytes out. `kmodel` and `runtime` pick the file's version and the vendor's runtime that it is for. `cpu` names
    the CPUs that machine code is made for (`backends.native.target.SPECS`; "host" or nothing: the best for this
    machine), `triple` another machine, such as riscv64-linux.
    `external_data` is the folder of an ONNX network's weights that are not in its file, by default the file's own.
    `input_type` to `input_shape` say how the float32 inputs are made from what the kmodel shall be given, such
    as a camera's bytes: see `frontends.preprocess.Preprocessing`. Each may be a dictionary by input name, for those
    inputs only. `output_layout` is the order of dimensions of outputs that are images: NCHW, NHWC, or what `transpose`
    takes (which then holds for outputs of that rank); or a dictionary by output name.
    `quant` to `measure_errors` say whether the network is quantised, and from what: see `options.Quantisation`.
    Calibration data is an array, a dictionary of arrays, an iterable of dictionaries, an `.npz` or `.npy` file, or a
    folder of images: see `frontends.dataset.open_dataset`; `progress(done, total)` is called while it is gone through.
    `dump_ir` names a folder for one numbered `.mlir` per pass that changed something, the ranges, and the places of
    buffers; `dump_asm` one for `kmodel.asm`, what is in the kmodel with its code disassembled.

    Raises `KpucError`: `OptionError` for choices that cannot be had, `ModelError` for files that cannot be read,
    `UnsupportedError` for networks that the target cannot compute.
    """
    options = CompileOptions.of(
        target=target,
        shapes=shapes,
        dims=dims,
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
        output_layout=output_layout,
        quant=quant,
        calibration=calibration,
        calibration_method=calibration_method,
        calibration_engine=calibration_engine,
        quant_weights=quant_weights,
        rounding=rounding,
        ranges=ranges,
        measure_errors=measure_errors,
    )
    made = _compile(model, options, progress, None if dump_ir is None else IrDumper(Path(dump_ir)))
    if dump_ir is not None and made.calibration is not None:
        made.calibration.save(Path(dump_ir) / "ranges.json")
    if dump_asm is not None:
        write_file(make_folder(dump_asm) / "kmodel.asm", made.disassembled())
    return made


def _compile(model: Any, options: CompileOptions, progress: "Progress | None", dumper: "IrDumper | None") -> KModel:
    from .dialects import mlir

    start = process_time()
    with mlir.context():
        module = _import(model, options)
        imported = process_time()
        if dumper is not None:
            dumper.write("import", module)
        before, behind = pipelines(options)
        passes = _run(before, module, dumper)
        calibration = _calibrate(module, options.quantisation, progress)
        if calibration is not None and dumper is not None:
            dumper.write("calibrate", module)
        if options.quant != FLOAT and options.quantisation.rounding != "nearest":
            _round_weights(module, options)
        original = _clone(module) if options.quantisation.measure_errors else None
        passes += _run(behind[:1], module, dumper)
        host = _host_operations(module) if behind[0] in (LAYERS_PIPELINE, BYTES_PIPELINE) else None
        errors = None if original is None else _layer_errors(original, module, options.quantisation)
        passes += _run(behind[1:], module, dumper)
        cpus: list[str] = []
        if options.machine_code:
            from .backends.native.target import chosen

            specs = chosen(options.cpu, options.triple)
            cpus = [spec.name for spec in specs]
            data, memory = _emit_machine_code(specs, module, dumper, passes)
        else:
            data, memory = _emit(options, module), _planned_memory(module)
            if dumper is not None and behind[-1] == BUFFERS_PIPELINE:
                dumper.write_plan(module)
        exposed = _stated_bytes(module) if options.target == "k210" else {}
    report = {
        "target": options.target,
        "kmodel": options.version,
        "quant": options.quant,
        "bytes": len(data),
        "seconds": {"import": imported - start, "total": process_time() - start},
        "passes": passes,
    }
    if cpus:
        report["cpus"] = cpus
    if memory:
        report["memory"] = memory
    if exposed:
        report["quantisation"] = exposed
    if calibration is not None:
        report["calibration"] = {"estimator": calibration.estimator, "samples": calibration.samples}
    if errors is not None:
        report["errors"] = errors
    if host is not None:
        report["host"] = host
    return KModel(data, report, calibration)


def _round_weights(module: Any, options: CompileOptions) -> None:
    from .passes.quant.rounding import round_weights

    wanted = options.quantisation
    samples = None if wanted.calibration is None else _samples(module, wanted)
    bits = 16 if options.quant == "i16" else 8
    round_weights(module, wanted.rounding, samples or (), bits, DTYPES[options.weights])


def _clone(module: Any) -> Any:
    from .backends.native.emit import clone

    return clone(module)


def _layer_errors(original: Any, quantised: Any, wanted: Quantisation) -> list[dict[str, Any]]:
    """What quantisation changed, node by node."""
    from .passes.quant.errors import layer_errors

    return [asdict(one) for one in layer_errors(original, quantised, _samples(original, wanted))]


def _host_operations(module: Any) -> list[dict[str, Any]]:
    """What stays on the host: later passes write other operations in its place, without the reasons."""
    from .backends.k210.placement import host_operations

    return host_operations(module)


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


def _run(texts: Sequence[str], module: Any, dumper: "IrDumper | None") -> list[dict[str, Any]]:
    """Run pipelines one behind the other; what each of their passes took."""
    from .passes.pipeline import Pipeline, parse_pipeline

    pipeline = Pipeline([item for text in texts for item in parse_pipeline(text).passes])
    pipeline.verify_each = dumper is not None  # who looks at passes wants to know which one was wrong
    if dumper is not None:
        pipeline.after = dumper.after
    pipeline.run(module)
    pairs = zip(pipeline.passes, pipeline.seconds, strict=True)
    return [{"pass": item.name, "seconds": round(seconds, 4)} for item, seconds in pairs]


def _calibrate(module: Any, wanted: Quantisation, progress: "Progress | None") -> "Calibration | None":
    """State the ranges of the float network's values on them, if they are wanted: measured, or read from a file."""
    if not wanted.given:
        return None
    from .passes.quant.calibration import Calibration, annotate, named_values
    from .passes.quant.methods import measure_ranges

    if callable(wanted.ranges):
        calibration = wanted.ranges([name for name, _ in named_values(module)])
    elif wanted.ranges is not None:
        calibration = Calibration.load(wanted.ranges)
    else:
        calibration = measure_ranges(
            module, _samples(module, wanted), wanted.calibration_method, progress, _engine(wanted)
        )
    annotate(module, calibration)
    return calibration


def _samples(module: Any, wanted: Quantisation) -> "Dataset":
    from .dialects.function import entry_function, initial_states
    from .frontends.dataset import open_dataset
    from .passes.quant.calibrate import network_inputs

    return open_dataset(wanted.calibration, network_inputs(module), initial_states(entry_function(module)))


def float_ranges(model: Any, **given: Any) -> "Calibration":
    """The ranges of a network's values over `calibration`; takes what `compile` takes, and raises what it raises."""
    from .dialects import mlir

    options = CompileOptions.of(**given)
    with mlir.context():
        module = _import(model, options)
        _run((PIPELINE,), module, None)
        found = _calibrate(module, options.quantisation, None)
    if found is None:
        raise OptionError("K0721", cause="there is no calibration data to measure ranges with")
    return found


def _engine(wanted: Quantisation) -> Any:
    if wanted.calibration_engine == "native":
        from .backends.native.observe import ObservedProgram

        return ObservedProgram
    from .dialects.evaluate import Program

    return Program


def _stated_bytes(module: Any) -> dict[str, Any]:
    """What bytes of inputs and outputs stand for; empty when none stand for real numbers."""
    from .passes.kpu.expose import stated_bytes

    found = stated_bytes(module)
    return found if any(found.values()) else {}


def _import(model: Any, options: CompileOptions) -> Any:
    """The network as `nn`, by the frontend that its first bytes ask for, with its preprocessing."""
    from .frontends.preprocess_ops import insert_output_layout, insert_preprocessing

    if is_tflite(model):
        from .frontends.tflite import import_tflite

        module, layout = import_tflite(model, shapes=options.shapes, dims=options.dims), "NHWC"
    else:
        from .frontends.onnx import import_onnx

        module = import_onnx(model, shapes=options.shapes, dims=options.dims, external_data=options.external_data)
        layout = "NCHW"
    insert_preprocessing(module, options.preprocessing, layout)
    if options.output_layout is not None:
        insert_output_layout(module, options.output_layout, options.preprocessing[""].model_layout or layout)
    return module


def is_tflite(model: Any) -> bool:
    """Whether a path, bytes or stream holds a TFLite file; a path that cannot be read is judged by its suffix."""
    if isinstance(model, bytes):
        return model[4:8] == b"TFL3"
    if isinstance(model, str | Path):
        return Path(model).suffix == ".tflite"
    return Path(str(getattr(model, "name", ""))).suffix == ".tflite"


def pipelines(options: CompileOptions) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What a network goes through between import and emission, as text that `nn-opt` runs: before and after ranges are
    measured."""
    quantised = options.quant != FLOAT
    if options.machine_code and options.computes_integers:
        return (INTEGER_PIPELINE,), (QUANTIZE_PIPELINES.get(options.quant, MOVE_PIPELINE),)
    rounding = (_round_pipeline(options),) if quantised else ()
    if options.machine_code:
        return (INTEGER_PIPELINE,), (*rounding, MOVE_PIPELINE)
    if options.version == 7:
        return (PIPELINE,), (*rounding, STACKVM_PIPELINE)
    basic = BASIC_PIPELINE if options.dialect == "1.6" else EARLY_PIPELINE
    if options.target != "k210":
        return (PIPELINE,), (*rounding, basic, MEMORY_PIPELINE, BUFFERS_PIPELINE)
    before = (PIPELINE, PREPARE_PIPELINE) if quantised else (PIPELINE,)
    layers = (LAYERS_PIPELINE,) if quantised else ()
    if options.portable:
        return before, (BYTES_PIPELINE, MAPS_PIPELINE, MEMORY_PIPELINE, BUFFERS_PIPELINE)
    if options.version == 3:
        return before, (*layers, IMAGE_PIPELINE, STEPS_PIPELINE, WHOLE_MEMORY_PIPELINE, BUFFERS_PIPELINE)
    if options.version == 4:
        return before, (*layers, NODES_PIPELINE, STEPS_PIPELINE, WHOLE_MEMORY_PIPELINE, BUFFERS_PIPELINE)
    return before, (*layers, basic, MAPS_PIPELINE, CHIP_MEMORY_PIPELINE, BUFFERS_PIPELINE)


def _round_pipeline(options: CompileOptions) -> str:
    kinds = f"activations={DTYPES[options.quant]} weights={DTYPES[options.weights]}"
    return ROUND_PIPELINE.replace("nn-quantize", f"nn-quantize{{{kinds}}}")


def _emit_machine_code(
    specs: "list[TargetSpec]", module: Any, dumper: "IrDumper | None", passes: list[dict[str, Any]]
) -> tuple[bytes, dict[str, dict[str, int]]]:
    """The kmodel for some CPUs, and the memory that it works in; what passes took is added to `passes`."""
    from .backends.native.emit import clone, emit_native, pipeline

    modules = [module, *(clone(module) for _ in specs[1:])]
    for spec, one in zip(specs, modules, strict=True):
        passes += _run((pipeline(spec),), one, dumper)
    data, programs = emit_native(modules, specs, PRODUCER)
    if dumper is not None:
        for spec, program in zip(specs, programs, strict=True):
            dumper.write_text(f"native-lower_{spec.name}", program.text)
    return data, {"main": {"peak": programs[0].arena_bytes, "bound": programs[0].bound}}


def _emit(options: CompileOptions, module: Any) -> bytes:
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
