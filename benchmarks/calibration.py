"""What each range estimator costs, and what it leaves of a network's output.

For every network: CPU time of a calibration, and the signal to noise ratio of the outputs (dB, over all outputs, worst
of them) on other samples when every float value is rounded to 8 bits within its measured range, weights left alone.
Networks of images see the photos of the models folder, others noise; labelled ones their own calibration data.

    python benchmarks/calibration.py MODELS_FOLDER [NAME...] [--samples 8]
"""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from time import process_time

import numpy as np

from kpuc.compiler import PIPELINE
from kpuc.dialects import mlir
from kpuc.dialects.evaluate import evaluate
from kpuc.frontends.images import read_image
from kpuc.frontends.onnx import import_onnx
from kpuc.frontends.tflite import import_tflite
from kpuc.passes.pipeline import parse_pipeline
from kpuc.passes.quant.calibrate import calibrate, network_inputs
from kpuc.passes.quant.choose import choose_ranges, evaluate_rounded
from kpuc.passes.quant.ranges import ESTIMATORS
from kpuc.runtime import TensorInfo

SHAPES = {
    "ppocr_cls": {"x": (1, 3, 48, 192)},
    "ppocrv4_det": {"x": (1, 3, 320, 320)},
    "ppocrv4_rec": {"x": (1, 3, 48, 320)},
}
PIXELS = {"yolox_captcha_det", "mlsd_tiny_320"}
"""Networks that take 0..255; others take -1..1, labelled ones their own."""
Sample = dict[str, np.ndarray]


def samples(path: Path, inputs: Sequence[TensorInfo], count: int) -> list[Sample]:
    """Twice `count` samples: the first half to calibrate with, the second to measure."""
    labelled = path.parent / "data" / f"{path.stem}_test.npz"
    if labelled.exists():
        return labelled_samples(labelled, inputs[0], count)[0]
    inputs = [
        TensorInfo(info.name, info.dtype, tuple(1 if n == -1 else n for n in info.shape or ())) for info in inputs
    ]
    shape = inputs[0].shape or ()
    if len(inputs) == 1 and len(shape) == 4 and min(shape[1], shape[3]) in (3, 4):
        photos = sorted((path.parent / "photos").glob("*.jpg"))[: 2 * count]
        scale, shift = (255, 0) if path.stem in PIXELS else (2, -1)
        return [{inputs[0].name: photo(one, inputs[0]) * np.float32(scale) + np.float32(shift)} for one in photos]
    generator = np.random.default_rng(0)
    return [
        {info.name: generator.standard_normal(info.shape or ()).astype(info.dtype) for info in inputs}
        for _ in range(2 * count)
    ]


def photo(path: Path, info: TensorInfo) -> np.ndarray:
    """A photo in 0..1; a fourth channel is 1/255, one of 255."""
    batch, *rest = info.shape or ()
    if 4 not in (rest[0], rest[2]):
        return np.asarray(read_image(path, info))
    image = read_image(path, TensorInfo(info.name, info.dtype, (batch, *rest[:2], 3)))
    return np.concatenate([image, np.full_like(image[..., :1], 1 / 255)], -1)


def labelled_samples(path: Path, info: TensorInfo, count: int) -> tuple[list[Sample], np.ndarray]:
    """Calibration, then test arrays, `count` of either, in the network's layout; and the labels of the latter."""
    with np.load(path) as arrays:
        parts, labels = [arrays["calib"][:count], arrays["x"][:count]], arrays["y"][:count]
    batch = np.concatenate(parts)
    values = (batch / 127.5 - 1 if batch.dtype == np.uint8 else batch).astype(np.float32)
    if values.ndim == 4 and (info.shape or ())[1] == 3:
        values = values.transpose(0, 3, 1, 2)
    return [{info.name: one.reshape(info.shape or ())} for one in values], labels


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


def measure(path: Path, count: int) -> Iterator[tuple[str, float, float]]:
    """Estimator, CPU seconds of its calibration, dB."""
    importer = import_tflite if path.suffix == ".tflite" else import_onnx
    with mlir.context():
        module = importer(path, shapes=SHAPES.get(path.stem, {}))
        parse_pipeline(PIPELINE).run(module)
        everything = samples(path, network_inputs(module), count)
        chosen, others = everything[:count], everything[count:]
        expected = [evaluate(module, list(sample.values())) for sample in others]
        for name in ("auto", *ESTIMATORS):
            start = process_time()
            calibration = (
                choose_ranges(module, chosen).calibration
                if name == "auto"
                else calibrate(module, chosen, ESTIMATORS[name])
            )
            seconds = process_time() - start
            actual = [evaluate_rounded(module, list(sample.values()), calibration.ranges) for sample in others]
            yield calibration.estimator, seconds, noise_ratio(expected, actual)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--samples", type=int, default=8)
    options = parser.parse_args()
    print(f"{'network':24}" + "".join(f"{name:>18}" for name in ("auto", *ESTIMATORS)) + "   auto took", flush=True)
    for name in options.names:
        path = options.folder / name
        rows = list(measure(path, options.samples))
        cells = "".join(f"{ratio:10.1f} dB {seconds:4.1f}s" for _, seconds, ratio in rows)
        print(f"{path.stem:24}{cells}   {rows[0][0].removeprefix('auto: ')}", flush=True)


if __name__ == "__main__":
    main()
