"""Quantised TFLite networks: what they are given, and what LiteRT makes of it, tensor by tensor."""

import importlib
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import tflite
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from PIL import Image
from tflite_writer import GraphSpec, OperatorSpec, TensorSpec, write

from kpuc.frontends.tflite.loader import load

RUNS = {100_000: 6, 600_000: 2}
"""How often files of up to so many bytes are run, states going on from one run to the next; larger ones once."""
PHOTOS = ("sk_astronaut", "coral_cat_720p")
SEQUENCES = ("lstm",)
"""Networks whose layers see a whole sequence, and start anew in every run."""
DATA = {"fashion": "fashion_dscnn", "fsdd": "fsdd_kws_dscnn", "cifar10": "cifar10_mbv2", "resnet8": "cifar10_mbv2"}
"""What networks were trained on, by a part of their names."""
PIXELS = ("mlperf_resnet8_int8",)
"""Networks whose inputs stand for pixels of 0 ... 255."""
QUIET = {"tflm_keyword_svdf": 0.1}
"""The loudness of noise: full noise makes sums overflow in LiteRT's 32 bits."""


@dataclass(frozen=True)
class Reference:
    """What LiteRT computes: for each run the inputs, the outputs, and, by its plain kernels, every tensor by number."""

    feeds: list[list[np.ndarray]]
    outputs: list[list[np.ndarray]]
    tensors: list[dict[int, np.ndarray]]


@cache
def reference(path: Path, kernels: OpResolverType = OpResolverType.BUILTIN_REF) -> Reference:
    """Run a network as often as `RUNS` says, on LiteRT's plain kernels, or those that are named."""
    plain = kernels == OpResolverType.BUILTIN_REF
    interpreter = Interpreter(
        model_content=readable(path.read_bytes()),
        experimental_op_resolver_type=kernels,
        experimental_preserve_all_tensors=plain,
    )
    interpreter.allocate_tensors()
    result = Reference([], [], [])
    size = path.stat().st_size
    for run in range(next((count for limit, count in RUNS.items() if size <= limit), 1)):
        if any(name in path.stem for name in SEQUENCES):
            interpreter.reset_all_variables()
        feed = [given(path, details, run) for details in interpreter.get_input_details()]
        for details, array in zip(interpreter.get_input_details(), feed, strict=True):
            interpreter.set_tensor(details["index"], array)
        interpreter.invoke()
        result.feeds.append(feed)
        result.outputs.append([interpreter.get_tensor(d["index"]) for d in interpreter.get_output_details()])
        if plain:
            result.tensors.append(_tensors(interpreter))
    return result


def _tensors(interpreter: Interpreter) -> dict[int, np.ndarray]:
    """The quantised tensors by number; to ask for handles of variables ends the process."""
    quantised = [d["index"] for d in interpreter.get_tensor_details() if d["quantization_parameters"]["scales"].size]
    return {index: interpreter.get_tensor(index) for index in quantised}


def given(path: Path, details: dict, run: int) -> np.ndarray:
    """A sample of the data that a network was trained on, a photo for colour images, or noise; as the input's type."""
    shape, dtype = tuple(details["shape"]), details["dtype"]
    sample = _sample(path, run)
    if sample is None and len(shape) == 4 and shape[3] == 3:
        sample = _photo(path, shape[2], shape[1], run)
    if sample is None and len(shape) == 4 and shape[1] == 3:
        sample = None if (photo := _photo(path, shape[3], shape[2], run)) is None else photo.transpose(2, 0, 1)
    if sample is None:
        sample = np.random.default_rng([run, *shape]).uniform(-1, 1, shape) * QUIET.get(path.stem, 1.0)
    reals = sample.reshape(shape).astype(np.float32)
    if dtype == np.float32:
        return reals
    info = np.iinfo(dtype)
    return np.rint((reals + 1) / 2 * (info.max - info.min) + info.min).astype(dtype)


def _sample(path: Path, run: int) -> np.ndarray | None:
    """An image in -1..1, or features as they are."""
    name = next((DATA[part] for part in DATA if part in path.stem), None)
    file = path.parent / "data" / f"{name}_test.npz"
    if name is None or not file.is_file():
        return None
    array = np.load(file)["x"][run]
    return array / 127.5 - 1 if array.dtype == np.uint8 else array


def labelled(path: Path, details: dict) -> tuple[np.ndarray, np.ndarray] | None:
    """Inputs of the test set of a network's data, as the input's type, a sample each; and their classes."""
    name = next((DATA[part] for part in DATA if part in path.stem), None)
    file = Path(os.environ.get("KPUC_MODELS", path.parent)) / "data" / f"{name}_test.npz"
    if name is None or not file.is_file():
        return None
    with np.load(file) as arrays:
        x, labels = arrays["x"], arrays["y"]
    reals = x / 127.5 - 1 if x.dtype == np.uint8 and path.stem not in PIXELS else x.astype(np.float64)
    if details["dtype"] == np.float32:
        return reals.reshape(-1, *details["shape"]).astype(np.float32), labels
    parameters, info = details["quantization_parameters"], np.iinfo(details["dtype"])
    steps = np.rint(reals / parameters["scales"][0]) + parameters["zero_points"][0]
    samples = np.clip(steps, info.min, info.max).astype(details["dtype"])
    return samples.reshape(-1, *details["shape"]), labels


def _photo(path: Path, width: int, height: int, run: int) -> np.ndarray | None:
    """A photo in -1..1, rows of pixels."""
    file = path.parent / "photos" / f"{PHOTOS[run]}.jpg"
    if not file.is_file():
        return None
    return np.asarray(Image.open(file).convert("RGB").resize((width, height)), np.float32) / 127.5 - 1


def readable(data: bytes) -> bytes:
    """The file with the dimensions of its biases' scales as LiteRT wants them; old converters gave the weights'."""
    patched, model = bytearray(data), tflite.Model.GetRootAs(data)
    for graph in (model.Subgraphs(i) for i in range(model.SubgraphsLength())):
        for tensor in (graph.Tensors(i) for i in range(graph.TensorsLength())):
            quantization = tensor.Quantization()
            if quantization is not None and tensor.ShapeLength() == 1 and quantization.QuantizedDimension():
                field = quantization._tab
                at = field.Pos + field.Offset(16)
                patched[at : at + 4] = bytes(4)
    return bytes(patched)


def float_twin(path: Path) -> bytes:
    """The network with what its quantised weights stand for in their place: LiteRT then computes in float32."""
    (graph,) = load(path).graphs
    tensors = [
        TensorSpec(one.name, one.dtype if one.quantization is None else "float32", one.shape, one.reals)
        for one in graph.tensors
    ]
    operators = [OperatorSpec(one.name, one.inputs, one.outputs, *_options(one.table)) for one in graph.operators]
    return write(GraphSpec(tensors, operators, graph.inputs, graph.outputs))


def _options(table: Any) -> tuple[str | None, dict[str, Any]]:
    """The name of an operator's option table, if it has one, and its scalar fields."""
    name = next(name for name, number in vars(tflite.BuiltinOptions).items() if number == table.BuiltinOptionsType())
    union = table.BuiltinOptions()
    if union is None:
        return None, {}
    options = getattr(tflite, name)()
    options.Init(union.Bytes, union.Pos)
    fields = [field[3:] for field in dir(importlib.import_module(f"tflite.{name}")) if field.startswith("Add")]
    return name, {one: getattr(options, one)() for one in fields if not hasattr(options, f"{one}AsNumpy")}
