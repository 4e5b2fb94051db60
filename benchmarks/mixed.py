"""What keeping sensitive layers out of the 8 bits is worth, and what it takes.

For every network and target, in Markdown: the signal to noise ratio of the outputs (dB, of the worst output) on other
samples than those that were calibrated with, without and with kept layers; how many layers are kept; the CPU seconds of
compiling; and for `k210` the predicted milliseconds of a run.

    python benchmarks/mixed.py MODELS_FOLDER NAME... [--samples 32] [--tests 20] [--decibels 30] [--targets cpu,k210]
"""

from pathlib import Path
from time import process_time
from typing import Any

from calibration import SHAPES, noise_ratio, parser, samples

import kpuc
from kpuc.compiler import PIPELINE
from kpuc.dialects import mlir
from kpuc.dialects.evaluate import Program
from kpuc.frontends.onnx import import_onnx
from kpuc.passes.pipeline import parse_pipeline
from kpuc.passes.quant.calibrate import network_inputs
from kpuc.runtime.analysis import analyze
from kpuc.runtime.kmodel import read_kmodel


def measure(path: Path, target: str, options: Any) -> str:
    """A row."""
    shapes = SHAPES.get(path.stem, {})
    with mlir.context():
        module = import_onnx(path, shapes=shapes)
        parse_pipeline(PIPELINE).run(module)
        data = samples(path, network_inputs(module), options.samples, options.tests)
        program = Program(module)
        expected = [program.run(list(sample.values())) for sample in data.others]
    row = f"| {path.stem} | {target} |"
    for mixed in (None, options.decibels):
        start = process_time()
        kmodel = kpuc.compile(
            path, target, shapes=shapes, calibration=data.chosen, calibration_method="minmax", mixed=mixed
        )
        seconds = process_time() - start
        simulator = kpuc.Simulator(kmodel)
        got = [list(simulator.run(sample).values()) for sample in data.others]
        row += f" {noise_ratio(expected, got):.1f} dB, {seconds:.0f} s"
        if target == "k210":
            row += f", {analyze(read_kmodel(kmodel.data)).total().milliseconds:.1f} ms"
        row += " |"
    report = kmodel.report["mixed"]
    return f"{row} {len(report['kept'])} of {report['layers']} |"


def main() -> None:
    arguments = parser(__doc__, 32, tests=20)
    arguments.add_argument("--decibels", type=float, default=30.0)
    arguments.add_argument("--targets", default="cpu,k210")
    options = arguments.parse_args()
    print("| network | target | without | with | kept |\n|---|---|---|---|---|")
    for name in options.names:
        for target in options.targets.split(","):
            print(measure(options.folder / name, target, options), flush=True)


if __name__ == "__main__":
    main()
