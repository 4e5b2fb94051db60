"""Machine code beside onnxruntime, or LiteRT for TFLite networks: time of a run, alternating in one process.

    python benchmarks/cpu.py [--threads 2] [--seconds 2] [--int8] [--shape MODEL:NAME=1,3,224,224] MODEL...

A model is a path, or the name of a network with random weights (`networks.py`). With one thread the time is this
thread's CPU time, so that other processes do not count; with more it is wall-clock time in processes of their own, best
looked at on a quiet machine. `--int8` first lets onnxruntime quantise ONNX networks (over noise, since speed is what
counts); both then run the same quantised network. Each figure is a median. `agree` is the largest difference of an
output, relative to its largest element. `MiB` is the peak of resident memory of a process that only loads and runs the
network.
"""

import argparse
import math
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from networks import NETWORKS

import kpuc
from kpuc.tools.cli.run import npz

Feed = dict[str, Any]
ROUNDS = 3
"""Turns that each engine takes with more than one thread."""


def rival_onnx(model: bytes, threads: int) -> Callable[[Feed], list[Any]]:
    """A run of onnxruntime."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    return lambda feed: list(session.run(None, feed))


def rival_tflite(model: bytes, threads: int) -> Callable[[Feed], list[Any]]:
    """A run of LiteRT with its default delegate, XNNPACK, which keeps what the network remembers itself."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=model, num_threads=threads)
    interpreter.allocate_tensors()
    details = {one["name"]: one["index"] for one in interpreter.get_input_details()}
    outputs = [one["index"] for one in interpreter.get_output_details()]

    def run(feed: Feed) -> list[Any]:
        for name, index in details.items():
            interpreter.set_tensor(index, feed[name])
        interpreter.invoke()
        return [interpreter.get_tensor(index) for index in outputs]

    return run


def sizes_of(info: kpuc.TensorInfo) -> tuple[int, ...]:
    """The shape of an input, which has to be known."""
    shape = info.shape or ()
    if min(shape, default=0) < 0:
        raise SystemExit(f"input '{info.name}' has open dimensions; give its shape, as --help says")
    return shape


def random_feed(simulator: kpuc.Simulator) -> Feed:
    """Inputs of each kind of element; states as they are at first."""
    random = np.random.default_rng(0)
    feed: Feed = {}
    for info in simulator.inputs:
        shape = sizes_of(info)
        if info.dtype.kind == "f":
            feed[info.name] = (random.random(shape) * 2 - 1).astype(info.dtype)
        else:
            limits = np.iinfo(info.dtype)
            feed[info.name] = random.integers(max(limits.min, -128), min(limits.max, 255), shape).astype(info.dtype)
    return {**feed, **simulator.states}


def alternate(runs: list[Callable[[], Any]], seconds: float) -> list[float]:
    """The median CPU time of each in this thread, taking turns for so long."""
    for run in runs:
        run()
        run()
    times: list[list[float]] = [[] for _ in runs]
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(times[0]) < 5:
        for run, taken in zip(runs, times, strict=True):
            start = time.thread_time()
            run()
            taken.append(time.thread_time() - start)
    return [float(np.median(taken)) for taken in times]


def quantised(model: bytes, shapes: dict[str, list[int]]) -> bytes:
    """The network as onnxruntime quantises it."""
    from quantized import quantised_by_onnxruntime

    infos = kpuc.Simulator(kpuc.compile(model, portable=True, shapes=shapes)).inputs
    random = np.random.default_rng(1)
    noise = [
        {info.name: (random.random(sizes_of(info)) * 2 - 1).astype(info.dtype) for info in infos} for _ in range(4)
    ]
    return quantised_by_onnxruntime(model, noise)


OURS = """
import sys
import numpy as np
from kpuc.runtime import Simulator
simulator = Simulator(sys.argv[1], threads=int(sys.argv[3]))
run, feed = simulator.run, dict(np.load(sys.argv[2]))
"""
ONNX = """
import sys
import numpy as np
import onnxruntime
onnxruntime.set_default_logger_severity(3)
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = int(sys.argv[3])
session = onnxruntime.InferenceSession(sys.argv[1], options)
run, feed = lambda feed: session.run(None, feed), dict(np.load(sys.argv[2]))
"""
TFLITE = """
import sys
import numpy as np
from ai_edge_litert.interpreter import Interpreter
interpreter = Interpreter(sys.argv[1], num_threads=int(sys.argv[3]))
interpreter.allocate_tensors()
feed = dict(np.load(sys.argv[2]))
def run(feed):
    for one in interpreter.get_input_details():
        interpreter.set_tensor(one["index"], feed[one["name"]])
    interpreter.invoke()
"""
TIME = """
import time
for _ in range(5):
    run(feed)
times, end = [], time.perf_counter() + float(sys.argv[4])
while time.perf_counter() < end or len(times) < 5:
    start = time.perf_counter()
    run(feed)
    times.append(time.perf_counter() - start)
print(float(np.median(times)))
"""
PEAK = """
for _ in range(3):
    run(feed)
with open("/proc/self/status") as status:  # getrusage counts the process that started this one as well
    print(next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM")))
"""


def measured(code: str, model: bytes, feed: Feed, *arguments: float) -> float:
    """The last line that a process prints which loads a network and does something with it."""
    with tempfile.TemporaryDirectory() as folder:
        path, inputs = Path(folder) / "model", Path(folder) / "inputs.npz"
        path.write_bytes(model)
        inputs.write_bytes(npz(feed))
        command = [sys.executable, "-c", code, str(path), str(inputs), *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(done.stdout.splitlines()[-1])


def in_turn(codes: list[str], models: list[bytes], feed: Feed, threads: int, seconds: float) -> list[float]:
    """The median time of each engine, in processes of their own that take turns: threads of one that wait busily would
    take the CPU from those of the other."""
    times: list[list[float]] = [[] for _ in codes]
    for _ in range(ROUNDS):
        for code, model, taken in zip(codes, models, times, strict=True):
            taken.append(measured(code + TIME, model, feed, threads, seconds / ROUNDS))
    return [float(np.median(taken)) for taken in times]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=2.0, help="how long a network is measured")
    parser.add_argument("--int8", action="store_true", help="compare quantised networks")
    parser.add_argument("--cpu", help="the CPU that code is made for")
    parser.add_argument("--shape", action="append", default=[], help="MODEL:NAME=1,3,224,224 where dims are open")
    options = parser.parse_args()
    shapes: dict[str, dict[str, list[int]]] = {}
    for text in options.shape:
        model, _, rest = text.partition(":")
        name, _, dims = rest.partition("=")
        shapes.setdefault(model, {})[name] = [int(dim) for dim in dims.split(",")]
    heads = f"{'ours ms':>9} {'theirs ms':>9} {'ratio':>6} {'agree':>8} {'compile s':>9} {'MiB ours, theirs':>16}"
    print(f"{'model':24} {heads}")
    ratios = []
    for one in options.models:
        name = Path(one).stem
        model = NETWORKS[one]().SerializeToString() if one in NETWORKS else Path(one).read_bytes()
        if options.int8 and model[4:8] != b"TFL3":
            model = quantised(model, shapes.get(name, {}))
        try:
            kmodel = kpuc.compile(model, cpu=options.cpu, shapes=shapes.get(name, {}))
        except kpuc.KpucError as error:
            print(f"{name:24} {str(error).splitlines()[0][:90]}", flush=True)
            continue
        simulator = kpuc.Simulator(kmodel.data, threads=options.threads)
        feed = random_feed(simulator)
        is_tflite = model[4:8] == b"TFL3"
        rival = (rival_tflite if is_tflite else rival_onnx)(model, options.threads)
        wanted, given = rival(feed), list(simulator.run(feed).values())
        if is_tflite:
            given = given[: len(wanted)]  # states follow the outputs
        agree = max(difference(a, b) for a, b in zip(given, wanted, strict=True))
        codes, models = [OURS, TFLITE if is_tflite else ONNX], [kmodel.data, model]
        if options.threads == 1:
            ours, theirs = alternate([lambda: simulator.run(feed), lambda: rival(feed)], options.seconds)  # noqa: B023
        else:
            ours, theirs = in_turn(codes, models, feed, options.threads, options.seconds)
        ratios.append(theirs / ours)
        seconds = kmodel.report["seconds"]["total"]
        line = f"{name:24} {ours * 1e3:9.3f} {theirs * 1e3:9.3f} {ratios[-1]:6.2f} {agree:8.1e} {seconds:9.2f}"
        memory = [measured(code + PEAK, one, feed, 1) for code, one in zip(codes, models, strict=True)]
        print(f"{line} {memory[0]:8.0f} {memory[1]:7.0f}", flush=True)
    if ratios:
        mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
        print(f"geometric mean of {len(ratios)} ratios: {mean:.2f}, the least {min(ratios):.2f}")


def difference(a: Any, b: Any) -> float:
    """The largest difference, relative to the largest element of `b`."""
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    return float(np.abs(a - b).max() / max(np.abs(b).max(), 1e-30)) if b.size else 0.0


if __name__ == "__main__":
    main()
