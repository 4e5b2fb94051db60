"""The networks that tests run: those in test/models, and those in the folder that KPUC_MODELS names."""

import os
from pathlib import Path

import numpy as np

SHIPPED = Path(__file__).parent / "models"

SHAPES = {
    "ppocr_cls": {"x": (1, 3, 48, 192)},
    "ppocrv4_det": {"x": (1, 3, 320, 320)},
    "ppocrv4_rec": {"x": (1, 3, 48, 320)},
    "silero_vad_op15": {"input": (1, 576)},
}
"""Shapes for networks that leave them open."""

QUANTISED = ("_int8", "_int16x8", "_uint8", "_hybrid", "mww_", "tflm_", "coral_")
FLOAT = {"tflm_mnist_lstm"}


def find_models(suffix: str) -> list[Path]:
    """Every float network with this suffix, each name once."""
    return [path for path in [*_find(suffix), *_sparse(suffix)] if is_float(path)]


def find_quantised() -> list[Path]:
    """Every TFLite network that is quantised, at least in its weights."""
    return [path for path in _find(".tflite") if not is_float(path)]


def find_refused() -> list[Path]:
    """TFLite networks that hold what is custom."""
    folder = os.environ.get("KPUC_MODELS")
    paths = sorted((Path(folder) / "unsupported").glob("*.tflite")) if folder else []
    return [path for path in paths if path not in _sparse(".tflite")]


def _sparse(suffix: str) -> list[Path]:
    """Networks with sparse constants, which lie among those that some compilers refuse."""
    folder = os.environ.get("KPUC_MODELS")
    return sorted((Path(folder) / "unsupported").glob(f"*_sparse{suffix}")) if folder else []


def _find(suffix: str) -> list[Path]:
    folders = [SHIPPED, *([Path(os.environ["KPUC_MODELS"])] if os.environ.get("KPUC_MODELS") else [])]
    found = {path.name: path for folder in reversed(folders) for path in sorted(folder.glob(f"*{suffix}"))}
    return list(found.values())


def is_float(path: Path) -> bool:
    """Whether a network computes in floating point, by its file's name."""
    return path.stem in FLOAT or not any(part in path.stem for part in QUANTISED)


def relative_error(expected: np.ndarray, actual: np.ndarray) -> float:
    """The largest difference, relative to the largest magnitude that is expected."""
    scale = max(float(np.abs(expected).max(initial=0)), 1e-9)
    return float(np.abs(expected.astype(np.float64) - actual.astype(np.float64)).max(initial=0)) / scale
