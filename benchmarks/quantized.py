"""What 8 bits leave of a network: ours for target cpu, and onnxruntime's own quantisation of the same model.

Both calibrate with the extremes of the same samples, unsigned data over their ranges, signed weights with a scale an
output channel. Shown are the signal to noise ratio of the outputs (dB, of the worst output) on other samples, and for
networks with a labelled data set the share of the test arrays that each gets right. Ours runs in the evaluator, whose
arithmetic is exact but for the last rounding: what machine code computes.

    python benchmarks/quantized.py MODELS_FOLDER NAME... [--samples 16] [--tests 100]
"""

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from calibration import SHAPES, Sample, noise_ratio, parser, samples, share_right
from onnx import version_converter
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from kpuc.dialects import mlir
from kpuc.dialects.evaluate import Program
from kpuc.frontends.onnx import import_onnx
from kpuc.passes.pipeline import parse_pipeline
from kpuc.passes.quant.calibrate import network_inputs
from kpuc.passes.quant.calibration import annotate
from kpuc.passes.quant.methods import measure_ranges
from kpuc.pipelines import PIPELINE, QUANTIZE_PIPELINES

PER_CHANNEL = 13
"""The version of ONNX's operators that can dequantise with a scale a channel."""
Outputs = list[list[np.ndarray]]


class Reader(CalibrationDataReader):
    """Hands samples to onnxruntime, once."""

    def __init__(self, chosen: Sequence[Sample]) -> None:
        self.left = iter(chosen)

    def get_next(self) -> Sample | None:
        return next(self.left, None)


def quantised_by_onnxruntime(model: bytes, chosen: Sequence[Sample]) -> bytes:
    """The int8 model that onnxruntime makes of a float one: QDQ, u8 data, i8 weights with a scale a channel."""
    with tempfile.TemporaryDirectory() as folder:
        given, prepared, made = (Path(folder) / name for name in ("float.onnx", "prepared.onnx", "int8.onnx"))
        given.write_bytes(_with_scales_a_channel(model))
        quant_pre_process(given, prepared, skip_symbolic_shape=True)
        quantize_static(
            prepared,
            made,
            Reader(chosen),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.MinMax,
        )
        return made.read_bytes()


def _with_scales_a_channel(model: bytes) -> bytes:
    """The model with operators of version 13 at least, the first that have a scale a channel."""
    proto = onnx.load_model_from_string(model)
    if all(one.domain or one.version >= PER_CHANNEL for one in proto.opset_import):
        return model
    return bytes(version_converter.convert_version(proto, PER_CHANNEL).SerializeToString())


def run_onnxruntime(model: bytes, given: Sequence[Sample]) -> Outputs:
    """The outputs for each sample."""
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    return [list(session.run(None, sample)) for sample in given]


def measure(path: Path, count: int, tests: int) -> str:
    """A row of the table."""
    with mlir.context():
        module = import_onnx(path, shapes=SHAPES.get(path.stem, {}))
        parse_pipeline(PIPELINE).run(module)
        data = samples(path, network_inputs(module), count, tests)
        expected = run_onnxruntime(path.read_bytes(), data.others)
        annotate(module, measure_ranges(module, data.chosen, "minmax"))
        parse_pipeline(QUANTIZE_PIPELINES["u8"]).run(module)
        program = Program(module)
        ours = [program.run(list(sample.values())) for sample in data.others]
    theirs = run_onnxruntime(quantised_by_onnxruntime(path.read_bytes(), data.chosen), data.others)
    row = f"{path.stem:20}" + "".join(f"{noise_ratio(expected, one):8.1f} dB" for one in (ours, theirs))
    if data.labels is not None:
        row += "".join(f"{share_right(one, data.labels):9.2%}" for one in (expected, ours, theirs))
    return row


def main() -> None:
    options = parser(__doc__, 16).parse_args()
    onnxruntime.set_default_logger_severity(3)
    print(f"{'network':20}{'ours':>11}{'onnxruntime':>11}{'float':>9}{'ours':>9}{'ort':>9}")
    for name in options.names:
        print(measure(options.folder / name, options.samples, options.tests), flush=True)


if __name__ == "__main__":
    main()
