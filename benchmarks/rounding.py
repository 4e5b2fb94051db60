"""What the way in which weights are rounded is worth: the nearest numbers, SQuant and AdaRound.

Weights of 8 bits with data of 8 and of 16, and of 4 bits with data of 16, which leaves the error of the weights alone.
The table, in Markdown, has the signal to noise ratio of the outputs (dB, of the worst output) on other samples than
those that were calibrated with, for networks with a labelled data set the share of the test arrays that is right, and
the CPU seconds of compiling.

    python benchmarks/rounding.py MODELS_FOLDER NAME... [--samples 32] [--tests 100]
"""

from collections.abc import Iterator
from pathlib import Path
from time import process_time

from calibration import SHAPES, noise_ratio, parser, samples, share_right

import kpuc
from kpuc.dialects import mlir
from kpuc.dialects.evaluate import Program
from kpuc.frontends.onnx import import_onnx
from kpuc.options import ROUNDINGS
from kpuc.passes.pipeline import parse_pipeline
from kpuc.passes.quant.calibrate import network_inputs
from kpuc.pipelines import PIPELINE

TYPES = (("u8", "i8"), ("i16", "i8"), ("i16", "i4"))


def measure(path: Path, count: int, tests: int) -> Iterator[str]:
    """A row for each pair of types."""
    with mlir.context():
        module = import_onnx(path, shapes=SHAPES.get(path.stem, {}))
        parse_pipeline(PIPELINE).run(module)
        data = samples(path, network_inputs(module), count, tests)
        program = Program(module)
        expected = [program.run(list(sample.values())) for sample in data.others]
    for quant, weights in TYPES:
        row = f"| {path.stem} | {quant} | {weights} |"
        for rounding in ROUNDINGS:
            start = process_time()
            kmodel = kpuc.compile(
                path,
                shapes=SHAPES.get(path.stem, {}),
                quant=quant,
                quant_weights=weights,
                rounding=rounding,
                calibration=data.chosen,
                calibration_method="minmax",
            )
            seconds = process_time() - start
            simulator = kpuc.Simulator(kmodel)
            got = [list(simulator.run(sample).values()) for sample in data.others]
            right = share_right(got, data.labels)
            row += f" {noise_ratio(expected, got):.1f} dB{'' if right is None else f', {right:.1%}'}, {seconds:.0f} s |"
        yield row


def main() -> None:
    options = parser(__doc__, 32).parse_args()
    print(f"| network | data | weights | {' | '.join(ROUNDINGS)} |\n{'|---' * (3 + len(ROUNDINGS))}|")
    for name in options.names:
        for row in measure(options.folder / name, options.samples, options.tests):
            print(row, flush=True)


if __name__ == "__main__":
    main()
