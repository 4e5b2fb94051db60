"""Kmodels for the K210, kpuc's beside those of the vendor's last compiler for it, nncase 1.9.

    python benchmarks/k210.py MODELS_FOLDER [NAME...] [--samples 16] [--cache FOLDER]

For every network that both compile from the same calibration samples: the time that one cycle model predicts for both
files (constants that no board confirmed are in it, so only the ratio counts), the share of multiply-adds that the KPU
computes, calls of KPU functions, main memory (scratch, inputs and outputs) and KPU RAM at its peak, bytes of the file,
CPU seconds to compile (without what is imported: ours the second time in a process), CPU time of a run in either
simulator, each on its own file, and the signal to noise ratio against the float network over samples that were not
calibrated with, averaged over outputs. Cells are kpuc's / nncase's. What nncase made is kept in the cache folder, with
the seconds it took.

nncase needs Python 3.10 or older, see test/vendor19.py. ONNX networks that it refuses are simplified by the package
onnxsim, if that is installed, and tried again.
"""

import argparse
import hashlib
import json
import math
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from ai_edge_litert.interpreter import Interpreter
from calibration import SHAPES, Data, Sample, samples

import kpuc
from kpuc.dialects import mlir
from kpuc.errors import KpucError
from kpuc.frontends.onnx import import_onnx
from kpuc.frontends.tflite import import_tflite
from kpuc.lowering import is_tflite
from kpuc.passes.quant.calibrate import network_inputs
from kpuc.runtime.analysis import Analysis, analyze
from kpuc.runtime.kmodel import read_kmodel

sys.path.append(str(Path(__file__).parent.parent / "test"))
import vendor19

OURS = """
import json, sys, time
import numpy as np
import kpuc
model, data, shapes, output = sys.argv[1:]
with np.load(data) as arrays:
    calibration = dict(arrays)
try:
    for _ in range(2):
        start = time.process_time()
        kmodel = kpuc.compile(model, target="k210", calibration=calibration, shapes=json.loads(shapes))
except kpuc.KpucError as error:
    sys.exit(str(error))
print(time.process_time() - start)
kmodel.save(output)
"""
RUN = """
import sys, time
import numpy as np
from kpuc.runtime import Simulator
kmodel, data, runs = sys.argv[1:]
simulator = Simulator(kmodel)
with np.load(data) as arrays:
    inputs = {name: array[: (simulator.inputs[0].shape or (1,))[0]] for name, array in arrays.items()}
simulator.run(inputs)
start = time.process_time()
for _ in range(int(runs)):
    simulator.run(inputs)
print((time.process_time() - start) / int(runs))
"""
HEADER = "model", "ms", "ratio", "KPU share", "calls", "main KB", "KPU KB", "file KB", "compile s", "run ms", "SQNR dB"
HELD = 8
"""Samples that the noise is measured on; calibration has not seen them."""


@dataclass(frozen=True)
class Made:
    """A kmodel, CPU seconds to compile it and to run it, what is known about it, and the noise that it leaves in dB."""

    data: bytes
    compiling: float
    running: float
    analysis: Analysis
    noise_ratio: float

    def numbers(self) -> dict[str, float]:
        """What is compared."""
        analysis = self.analysis
        return {
            "ms": analysis.total().milliseconds,
            "KPU share": analysis.kpu_share or 0,
            "calls": analysis.calls,
            "main KB": sum(analysis.main_memory.values()) / 1024,
            "KPU KB": max(analysis.kpu_ram, default=0) / 1024,
            "file KB": len(self.data) / 1024,
            "compile s": self.compiling,
            "run ms": self.running * 1e3,
            "SQNR dB": self.noise_ratio,
        }


class Refused(Exception):
    """A compiler does not take a network; the text says why."""


def all_samples(path: Path, count: int) -> Data:
    """Those to calibrate with, the same for both compilers, and others."""
    importer = import_tflite if is_tflite(path) else import_onnx
    with mlir.context():
        inputs = network_inputs(importer(path, shapes=SHAPES.get(path.stem, {})))
    return samples(path, inputs, count, HELD)


def expected(path: Path, sample: Sample) -> list[np.ndarray]:
    """What onnxruntime or LiteRT computes with the float network."""
    if not is_tflite(path):
        onnxruntime.set_default_logger_severity(3)
        return list(onnxruntime.InferenceSession(str(path)).run(None, sample))
    interpreter = Interpreter(str(path))
    interpreter.allocate_tensors()
    for details, array in zip(interpreter.get_input_details(), sample.values(), strict=True):
        interpreter.set_tensor(details["index"], array)
    interpreter.invoke()
    return [interpreter.get_tensor(details["index"]) for details in interpreter.get_output_details()]


def noise_ratio(path: Path, data: bytes, held: list[Sample]) -> float:
    """Signal to noise over samples that calibration has not seen, in dB: the mean over outputs."""
    simulator = kpuc.Simulator(data)
    signal: dict[int, float] = {}
    noise: dict[int, float] = {}
    for sample in held:
        results = simulator.run(*sample.values()).values()
        for number, (wanted, got) in enumerate(zip(expected(path, sample), results, strict=True)):
            real = wanted.astype(np.float64)
            signal[number] = signal.get(number, 0) + float(np.sum(real**2))
            noise[number] = noise.get(number, 0) + float(np.sum((real - got.reshape(wanted.shape)) ** 2))
    return float(np.mean([10 * math.log10(signal[number] / max(noise[number], 1e-30)) for number in signal]))


def python(code: str, *arguments: Any) -> str:
    """What code prints in a process of its own, where BLAS has one thread; Refused when it fails."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Refused(f"kpuc: {done.stderr}")
    return done.stdout


def ours(path: Path, chosen: list[Sample], folder: Path) -> tuple[bytes, float]:
    """Our kmodel."""
    np.savez(folder / "samples.npz", **{name: np.concatenate([one[name] for one in chosen]) for name in chosen[0]})
    shapes = json.dumps(SHAPES.get(path.stem, {}))
    seconds = python(OURS, path, folder / "samples.npz", shapes, folder / "ours.kmodel")
    return (folder / "ours.kmodel").read_bytes(), float(seconds)


def theirs(path: Path, chosen: list[Sample], cache: Path) -> tuple[bytes, float]:
    """Their kmodel, from the cache if it is there."""
    if len(chosen[0]) > 1:
        raise Refused("several inputs cannot be calibrated here")
    (name,) = chosen[0]
    array = np.concatenate([one[name] for one in chosen])
    key = hashlib.sha256(path.read_bytes() + array.tobytes()).hexdigest()[:24]
    kept, facts = cache / f"{path.stem}-{key}.kmodel", cache / f"{path.stem}-{key}.json"
    if not facts.exists():
        result, seconds = _compiled(path, array)
        if isinstance(result, bytes):
            kept.write_bytes(result)
        facts.write_text(json.dumps({"seconds": seconds, "refused": result if isinstance(result, str) else ""}))
    known = json.loads(facts.read_text())
    if known["refused"]:
        raise Refused(known["refused"])
    return kept.read_bytes(), known["seconds"]


def _compiled(path: Path, array: np.ndarray) -> tuple[bytes | str, float | None]:
    options = {"target": "k210", "calibration": array, "format": "tflite" if is_tflite(path) else "onnx"}
    if is_tflite(path):
        return vendor19.compile_timed(path.read_bytes(), options)
    model = onnx.load(path)
    for value in model.graph.input:
        dims = SHAPES.get(path.stem, {}).get(value.name, ())
        for dim, size in zip(value.type.tensor_type.shape.dim, dims, strict=False):
            dim.dim_value = size
    result = vendor19.compile_timed(_with_shapes(model), options)
    if isinstance(result[0], bytes):
        return result
    try:
        from onnxsim import simplify
    except ImportError:
        return result
    try:
        simplified = simplify(model)[0]
    except (RuntimeError, ValueError):  # what onnxsim raises for networks that it cannot simplify
        return result
    return vendor19.compile_timed(_with_shapes(simplified), options)


def _with_shapes(model: onnx.ModelProto) -> bytes:
    """The network with the shape of every value; outputs may state open dimensions, which follow from the inputs."""
    closed = onnx.ModelProto()
    closed.CopyFrom(model)
    for value in closed.graph.output:
        value.type.tensor_type.ClearField("shape")
    return onnx.shape_inference.infer_shapes(closed).SerializeToString()


def measured(path: Path, count: int, cache: Path, folder: Path) -> tuple[Made, Made]:
    """Both kmodels of a network; Refused when there are not two."""
    try:
        data = all_samples(path, count)
    except KpucError as error:
        raise Refused(f"kpuc: {error}") from error
    chosen = data.chosen
    try:
        their_data, their_seconds = theirs(path, chosen, cache)
    except Refused as error:
        raise Refused(f"nncase: {error}") from error
    our_data, our_seconds = ours(path, chosen, folder)
    analyses = [analyze(read_kmodel(data)) for data in (our_data, their_data)]
    runs = 20 if sum(analyses[1].macs.values()) < 5e7 else 3
    running = float(python(RUN, folder / "ours.kmodel", folder / "samples.npz", runs))
    their_running = vendor19.time_run(their_data, list(chosen[0].values()), runs)
    if isinstance(their_running, str):
        print(f"  {path.name}: nncase's simulator: {their_running[-150:]}")
        their_running = math.nan
    return (
        Made(our_data, our_seconds, running, analyses[0], noise_ratio(path, our_data, data.others[:HELD])),
        Made(their_data, their_seconds, their_running, analyses[1], noise_ratio(path, their_data, data.others[:HELD])),
    )


def row(cells: Any) -> str:
    """A line of the table."""
    name, *others = cells
    return f"{name:24}" + "".join(f"{one:>{7 if i == 1 else 19}}" for i, one in enumerate(others))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("names", nargs="*", help="files in the folder; all of them by default")
    parser.add_argument("--samples", type=int, default=16)
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "kpuc-nncase19")
    options = parser.parse_args()
    options.cache.mkdir(parents=True, exist_ok=True)
    os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
    names = options.names or sorted(p.name for s in ("*.onnx", "*.tflite") for p in options.folder.glob(s))
    print(row(HEADER), flush=True)
    pairs, refused = [], []
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            try:
                both = measured(options.folder / name, options.samples, options.cache, Path(folder))
            except Refused as error:
                refused.append(f"  {name}: {' '.join(str(error).split())[:160]}")
                continue
        mine, other = (one.numbers() for one in both)
        cells = {key: f"{mine[key]:.4g} / {other[key]:.4g}" for key in mine}
        cells["KPU share"] = f"{mine['KPU share']:.1%} / {other['KPU share']:.1%}"
        cells |= {"model": name, "ratio": f"{mine['ms'] / other['ms']:.3f}"}
        print(row(cells[key] for key in HEADER), flush=True)
        pairs.append((mine, other))
    if pairs:
        print(row(["geomean of the ratios", *geomeans(pairs)]))
    print("\nnot compiled by both:", *refused, sep="\n")


def geomeans(pairs: list[tuple[dict[str, float], dict[str, float]]]) -> list[str]:
    """Of ours over theirs, by column; a network where one side is 0 or unknown does not count."""
    cells = []
    for key in HEADER[1:]:
        ratios = [mine[key] / other[key] for mine, other in pairs if key in mine and mine[key] > 0 and other[key] > 0]
        cells.append("" if key in ("KPU share", "ratio", "SQNR dB") else f"{math.exp(np.mean(np.log(ratios))):.3f}")
    cells[1], cells[0] = cells[0], ""
    return cells


if __name__ == "__main__":
    main()
