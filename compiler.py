"""From a model file to a kmodel: the public API."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import process_time
from typing import TYPE_CHECKING, Any, BinaryIO

from .errors import OptionError
from .files import write_file
from .frontends.preprocess import Preprocessing
from .options import CompileOptions
from .runtime import Simulator, TensorInfo
from .version import PRODUCER

if TYPE_CHECKING:
    import onnx

    from .passes.pipeline import Pipeline

PIPELINE = (
    "builtin.module(nn-infer-shapes,nn-fold-constants,nn-canonicalize,nn-recognize,nn-sink-transposes,nn-canonicalize,"
    "nn-fuse-convolutions,nn-fold-constants,nn-canonicalize,canonicalize,cse)"
)
"""What every target starts with: the network in its simplest form."""
STACKVM_PIPELINE = "builtin.module(nn-unroll,nn-decompose,nn-fold-constants,nn-canonicalize,canonicalize,cse)"
"""What stack machines need on top: only operations that they have."""
BASIC_PIPELINE = (
    "builtin.module(nn-unroll{plain=true},nn-decompose,nn-decompose-basic,nn-fold-constants,nn-canonicalize,"
    "canonicalize,cse,nn-plan-memory)"
)
"""The same for version 5, which has fewer operations, and memory that is planned."""
EARLY_PIPELINE = BASIC_PIPELINE.replace("nn-decompose-basic", "nn-decompose-basic,nn-decompose-softmax")
"""The same for its first dialects."""

Model = "str | Path | bytes | BinaryIO | onnx.ModelProto"


@dataclass(frozen=True)
class KModel:
    """A compiled network: the file's bytes and what is known about them."""

    data: bytes
    report: dict[str, Any] = field(default_factory=dict)

    @property
    def inputs(self) -> list[TensorInfo]:
        """Name, dtype and shape of each input."""
        return list(Simulator(self.data).inputs)

    @property
    def outputs(self) -> list[TensorInfo]:
        """Name, dtype and shape of each output."""
        return list(Simulator(self.data).outputs)

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
    input_type: str = "float32",
    input_range: Sequence[float] | None = None,
    input_layout: str | None = None,
    model_layout: str | None = None,
    swap_rb: bool = False,
    mean: float | Sequence[float] | None = None,
    std: float | Sequence[float] | None = None,
    letterbox: Sequence[int] | None = None,
    letterbox_value: float = 0.0,
    dump_ir: str | Path | None = None,
) -> KModel:
    """Compile an ONNX or TFLite network into a kmodel.

    `model` is a path, the file's bytes, a stream or, for ONNX, a `ModelProto`. `shapes` gives whole shapes of inputs,
    `dims` values of symbolic dimensions. `target` is the chip; `portable` asks `cpu` for code that any CPU can execute
    (until there is machine code, it always does). `kmodel` and `runtime` pick the file's version and the vendor's
    runtime that it is for. `input_type` to `letterbox_value` say how the float32 inputs are made from what the kmodel
    shall be given, such as a camera's bytes: see `frontends.preprocess.Preprocessing`.
    `dump_ir` names a folder for one numbered `.mlir` per pass that changed something.

    Raises `KpucError`: `OptionError` for choices that cannot be had, `ModelError` for files that cannot be read,
    `UnsupportedError` for networks that the target cannot compute.
    """
    options = CompileOptions(
        target=target,
        shapes={name: tuple(shape) for name, shape in (shapes or {}).items()},
        dims=dict(dims or {}),
        portable=portable,
        kmodel=kmodel,
        runtime=runtime,
        preprocessing=Preprocessing.of(
            input_type=input_type,
            input_range=input_range,
            input_layout=input_layout,
            model_layout=model_layout,
            swap_rb=swap_rb,
            mean=mean,
            std=std,
            letterbox=letterbox,
            letterbox_value=letterbox_value,
        ),
    )
    from .dialects import mlir
    from .passes.pipeline import parse_pipeline

    start = process_time()
    with mlir.context():
        module = _import(model, options)
        imported = process_time()
        dumper = IrDumper(Path(dump_ir)) if dump_ir is not None else None
        if dumper is not None:
            dumper.write("import", module)
        passes: list[dict[str, Any]] = []
        for text in pipelines(options):
            pipeline = parse_pipeline(text)
            if dumper is not None:
                pipeline.after = dumper.after
            pipeline.run(module)
            passes += _timings(pipeline)
        data = _emit(options, module)
    report = {
        "target": options.target,
        "kmodel": options.version,
        "bytes": len(data),
        "seconds": {"import": imported - start, "total": process_time() - start},
        "passes": passes,
    }
    return KModel(data, report)


def _import(model: Any, options: CompileOptions) -> Any:
    """The network as `nn`, by the frontend that its first bytes ask for, with its preprocessing."""
    from .frontends.preprocess_ops import insert_preprocessing

    if is_tflite(model):
        from .frontends.tflite import import_tflite

        module, layout = import_tflite(model, shapes=options.shapes, dims=options.dims), "NHWC"
    else:
        from .frontends.onnx import import_onnx

        module, layout = import_onnx(model, shapes=options.shapes, dims=options.dims), "NCHW"
    insert_preprocessing(module, options.preprocessing, layout)
    return module


def is_tflite(model: Any) -> bool:
    """Whether a path, bytes or stream holds a TFLite file; a path that cannot be read is judged by its suffix."""
    if isinstance(model, bytes):
        return model[4:8] == b"TFL3"
    if isinstance(model, str | Path):
        return Path(model).suffix == ".tflite"
    return Path(str(getattr(model, "name", ""))).suffix == ".tflite"


def pipelines(options: CompileOptions) -> tuple[str, ...]:
    """What a network goes through between import and emission, as text that `nn-opt` runs."""
    if options.version == 7:
        return PIPELINE, STACKVM_PIPELINE
    return PIPELINE, BASIC_PIPELINE if options.dialect == "1.6" else EARLY_PIPELINE


def _emit(options: CompileOptions, module: Any) -> bytes:
    if options.version == 5:
        from .backends.stackvm.emit5 import emit5

        return emit5(module, PRODUCER, options.dialect)
    from .backends.stackvm.emit7 import emit7

    return emit7(module, PRODUCER)


def _timings(pipeline: "Pipeline") -> list[dict[str, Any]]:
    pairs = zip(pipeline.passes, pipeline.seconds, strict=True)
    return [{"pass": item.name, "seconds": round(seconds, 4)} for item, seconds in pairs]


@dataclass
class IrDumper:
    """Writes the IR into numbered files of a folder, after each pass that changed something."""

    folder: Path
    count: int = 0

    def __post_init__(self) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OptionError("K0705", where=str(self.folder), cause=f"cannot be created: {error.strerror}") from error

    def write(self, name: str, module: Any) -> None:
        """Write one file; large constants are elided."""
        path = self.folder / f"{self.count:03}_{name}.mlir"
        write_file(path, module.operation.get_asm(large_elements_limit=16, enable_debug_info=True) + "\n")
        self.count += 1

    def after(self, number: int, item: Any, module: Any, changed: bool) -> None:
        """A pipeline's hook."""
        if changed:
            self.write(item.name.split("{")[0].replace("/", "_"), module)
