"""What each calibration method costs, and what it leaves of a network's output.

For every network: CPU time of a calibration, and the signal to noise ratio of the outputs (dB, of the worst output)
on other samples when every float value is rounded to 8 bits within its measured range, weights left alone. Networks
with a labelled data set are calibrated with its calibration arrays and show the share of the test arrays that they
get right, too; other networks of images see the photos of the models folder, the rest noise.

    python benchmarks/calibration.py MODELS_FOLDER NAME... [--samples 16] [--tests 100]
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import process_time

import numpy as np

from kpuc.dialects import mlir
from kpuc.dialects.evaluate import Program
from kpuc.frontends.images import read_image
from kpuc.frontends.onnx import import_onnx
from kpuc.frontends.tflite import import_tflite
from kpuc.passes.pipeline import parse_pipeline
from kpuc.passes.quant.calibrate import network_inputs
from kpuc.passes.quant.choose import Rounding
from kpuc.passes.quant.methods import METHODS, measure_ranges
from kpuc.pipelines import PIPELINE
from kpuc.runtime import TensorInfo

SHAPES = {
    "ppocr_cls": {"x": (1, 3, 48, 192)},
    "ppocrv4_det": {"x": (1, 3, 320, 320)},
    "ppocrv4_rec": {"x": (1, 3, 48, 320)},
}
PIXELS = {"yolox_captcha_det", "mlsd_tiny_320", "mlperf_resnet8_fp32"}
"""Networks that take 0..255."""
UNIT = {"mp_face_landmark", "mp_hand_landmark_lite", "mp_palm_lite", "mp_selfie_seg", "mlperf_vww_fp32"}
"""Networks that take 0..1; others take -1..1, labelled ones their own."""
Sample = dict[str, np.ndarray]


@dataclass(frozen=True)
class Data:
    """What a network is calibrated with, what it is tested with, and the labels of the latter, if there are any."""

    chosen: list[Sample]
    others: list[Sample]
    labels: np.ndarray | None = None


@dataclass(frozen=True)
class Row:
    """What a method gave: the estimator that it took, CPU seconds, dB, the share that is right."""

    estimator: str
    seconds: float
    decibels: float
    right: float | None


def samples(path: Path, inputs: Sequence[TensorInfo], count: int, tests: int) -> Data:
    """At most `count` samples to calibrate with, and `tests` others, or as many as there are."""
    labelled = path.parent / "data" / f"{path.stem}_test.npz"
    if labelled.exists():
        return labelled_samples(labelled, inputs[0], count, tests)
    inputs = [TensorInfo(info.name, info.dtype, tuple(abs(n) for n in info.shape or ())) for info in inputs]
    shape = inputs[0].shape or ()
    if len(inputs) == 1 and inputs[0].dtype.kind == "f" and len(shape) == 4 and min(shape[1], shape[3]) in (3, 4):
        photos = sorted((path.parent / "photos").glob("*.jpg"))
        photos = photos[::2] + photos[1::2]  # neighbours are alike
        scale, shift = (255, 0) if path.stem in PIXELS else (1, 0) if path.stem in UNIT else (2, -1)
        images = [{inputs[0].name: photo(one, inputs[0]) * np.float32(scale) + np.float32(shift)} for one in photos]
        return Data(images[:count], images[count : count + tests])
    generator = np.random.default_rng(0)
    noisy = [{info.name: noise(generator, info) for info in inputs} for _ in range(2 * count)]
    return Data(noisy[:count], noisy[count:])


def noise(generator: np.random.Generator, info: TensorInfo) -> np.ndarray:
    """Normally distributed floats, or integers of every value that the type has."""
    if info.dtype.kind == "f":
        return generator.standard_normal(info.shape or ()).astype(info.dtype)
    limits = np.iinfo(info.dtype)
    return generator.integers(limits.min, limits.max, info.shape or (), info.dtype, endpoint=True)


def photo(path: Path, info: TensorInfo) -> np.ndarray:
    """A photo in 0..1; a fourth channel is 1/255, one of 255."""
    batch, *rest = info.shape or ()
    if 4 not in (rest[0], rest[2]):
        return np.asarray(read_image(path, info))
    image = read_image(path, TensorInfo(info.name, info.dtype, (batch, *rest[:2], 3)))
    return np.concatenate([image, np.full_like(image[..., :1], 1 / 255)], -1)


def labelled_samples(path: Path, info: TensorInfo, count: int, tests: int) -> Data:
    """Calibration and test arrays, in the network's layout."""
    with np.load(path) as arrays:
        parts = [arrays["calib"][:count], arrays["x"][:tests]]
        labels = arrays["y"][:tests]
    lists = []
    for part in parts:
        values = (part / 127.5 - 1 if part.dtype == np.uint8 else part).astype(np.float32)
        if values.ndim == 4 and (info.shape or ())[1] == 3:
            values = values.transpose(0, 3, 1, 2)
        lists.append([{info.name: one.reshape(info.shape or ())} for one in values])
    return Data(*lists, labels)


def noise_ratio(expected: Sequence[Sequence[np.ndarray]], actual: Sequence[Sequence[np.ndarray]]) -> float:
    """Signal to noise ratio in dB of the output where it is worst."""
    ratios = []
    for wanted, got in zip(zip(*expected, strict=True), zip(*actual, strict=True), strict=True):
        if wanted[0].dtype.kind != "f" or any(a.shape != b.shape for a, b in zip(wanted, got, strict=True)):
            continue
        signal = sum(float(np.sum(np.square(a, dtype=np.float64))) for a in wanted)
        noise = sum(float(np.sum(np.square(a.astype(np.float64) - b))) for a, b in zip(wanted, got, strict=True))
        ratios.append(10 * np.log10(signal / max(noise, 1e-300)))
    return min(ratios)


def share_right(outputs: Sequence[Sequence[np.ndarray]], labels: np.ndarray | None) -> float | None:
    """How often the largest element of the only output is the label's."""
    if labels is None:
        return None
    return float(np.mean([int(one[0].argmax()) == label for one, label in zip(outputs, labels, strict=True)]))


def measure(path: Path, count: int, tests: int) -> Iterator[Row]:
    """Float, then a row a method."""
    importer = import_tflite if path.suffix == ".tflite" else import_onnx
    with mlir.context():
        module = importer(path, shapes=SHAPES.get(path.stem, {}))
        parse_pipeline(PIPELINE).run(module)
        data = samples(path, network_inputs(module), count, tests)
        program = Program(module)
        expected = [program.run(list(sample.values())) for sample in data.others]
        yield Row("float", 0, np.inf, share_right(expected, data.labels))
        for method in METHODS:
            start = process_time()
            calibration = measure_ranges(module, data.chosen, method)
            seconds = process_time() - start
            rounding = Rounding.of(program, calibration.ranges)
            actual = [rounding.run(list(sample.values())) for sample in data.others]
            ratio, right = noise_ratio(expected, actual), share_right(actual, data.labels)
            yield Row(calibration.estimator, seconds, ratio, right)


def parser(description: str | None, samples: int, tests: int = 100) -> argparse.ArgumentParser:
    """Reads a folder, names of networks in it, and how many samples to calibrate with and to test."""
    made = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("folder", type=Path)
    made.add_argument("names", nargs="+")
    made.add_argument("--samples", type=int, default=samples)
    made.add_argument("--tests", type=int, default=tests)
    return made


def main() -> None:
    options = parser(__doc__, 16).parse_args()
    print(f"{'network':24}" + "".join(f"{name:>18}" for name in METHODS) + "   auto took", flush=True)
    for name in options.names:
        path = options.folder / name
        reference, *rows = measure(path, options.samples, options.tests)
        cells = "".join(f"{row.decibels:10.1f} dB {row.seconds:4.1f}s" for row in rows)
        print(f"{path.name:24}{cells}   {rows[0].estimator.removeprefix('auto: ')}", flush=True)
        if reference.right is not None:
            cells = "".join(f"{row.right:18.2%}" for row in rows)
            print(f"{f'  right, float {reference.right:.2%}':24}{cells}", flush=True)


if __name__ == "__main__":
    main()
