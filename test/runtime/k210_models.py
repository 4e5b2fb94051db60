"""Kmodels that the vendor's last K210 compiler makes of the networks of the tests, from random calibration data."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from networks import SHAPES
from vendor19 import compile_models

SAMPLES = 4
ACCEPTED = {
    "blazeface_back.onnx", "blazeface_front.onnx", "cifar10_mbv2.onnx", "cifar10_mbv2.tflite", "fashion_dscnn.onnx",
    "fashion_dscnn.tflite", "fsdd_kws_dscnn.onnx", "fsdd_kws_dscnn.tflite", "mlperf_resnet8_fp32.tflite",
    "mlperf_vww_fp32.tflite", "yolox_captcha_det.onnx",
}  # fmt: skip
"""Networks that the vendor takes. The others end with an error, a crash, or do not fit in KPU RAM."""
BYTES_OUT = {
    "cifar10_mbv2.onnx", "cifar10_mbv2.tflite", "fashion_dscnn.onnx", "fashion_dscnn.tflite", "fsdd_kws_dscnn.onnx",
    "fsdd_kws_dscnn.tflite",
}  # fmt: skip
"""Those whose outputs it can quantise."""


def vendor_kmodels(paths: list[Path], bytes_in: bool = False) -> list[bytes | str]:
    """A kmodel for the K210 each, or a sentence that says why the vendor makes none. Networks with one input only.

    `bytes_in`: with uint8 inputs, channels first; outputs are uint8 too if the network ends with what it can quantise.
    """
    return compile_models([job(path, bytes_in) for path in paths])


def job(path: Path, bytes_in: bool) -> tuple[bytes, dict[str, object]]:
    """What `compile_models` takes."""
    data, shape = (onnx_model if path.suffix == ".onnx" else tflite_model)(path)
    options: dict[str, object] = {"target": "k210", "format": path.suffix[1:]}
    rng = np.random.default_rng(1)
    if not bytes_in:
        return data, {**options, "calibration": rng.uniform(-1, 1, (SAMPLES, *shape)).astype(np.float32)}
    if path.suffix == ".tflite":
        shape = shape[0], shape[3], shape[1], shape[2]
    options |= {"preprocess": True, "input_type": "uint8", "input_shape": list(shape), "input_range": [-1, 1]}
    options |= {"mean": [0] * shape[1], "std": [1] * shape[1]}
    if path.name in BYTES_OUT:
        options["output_type"] = "uint8"
    return data, {**options, "calibration": rng.integers(0, 256, (SAMPLES, *shape)).astype(np.uint8)}


def onnx_model(path: Path) -> tuple[bytes, tuple[int, ...]]:
    """With shapes of everything, which the vendor's importer asks for."""
    import onnx

    model = onnx.load(path)
    names = {one.name for one in model.graph.initializer}
    (given,) = (one for one in model.graph.input if one.name not in names)
    dims = given.type.tensor_type.shape.dim
    shape = SHAPES.get(path.stem, {}).get(given.name) or tuple(one.dim_value or 1 for one in dims)
    for dim, size in zip(dims, shape, strict=True):
        dim.dim_value = size
    return onnx.shape_inference.infer_shapes(model, data_prop=True).SerializeToString(), shape


def tflite_model(path: Path) -> tuple[bytes, tuple[int, ...]]:
    import tflite

    data = path.read_bytes()
    graph = tflite.Model.GetRootAs(data).Subgraphs(0)
    shape = graph.Tensors(graph.Inputs(0)).ShapeAsNumpy()
    return data, tuple(int(dim) for dim in shape)
