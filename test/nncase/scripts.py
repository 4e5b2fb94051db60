"""Scripts as they are written for nncase, each a function of its module and a network's bytes that gives a kmodel's.

They need numpy only, so that the vendor's compilers run them as they are: `make_kmodels.py` has kept what those made.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

DATA = Path(__file__).parent / "data"
SCRIPTS: "dict[str, Script]" = {}


@dataclass(frozen=True)
class Script:
    """`line` is the nncase line that it is for, `network` a file in data, `inputs` (dtype, shape) of the kmodel.

    A size that is a range may vary.
    """

    run: Callable[[Any, bytes], bytes]
    line: str
    network: str
    inputs: tuple[tuple[str, tuple[int | range, ...]], ...]

    @property
    def model(self) -> bytes:
        """The network's bytes."""
        return (DATA / self.network).read_bytes()

    def feed(self, seed: int = 0) -> list[np.ndarray]:
        """Inputs for the kmodel, always the same."""
        random = np.random.RandomState(seed)
        shapes = [
            (dtype, [one[3 * seed % len(one)] if isinstance(one, range) else one for one in shape])
            for dtype, shape in self.inputs
        ]
        return [
            (random.uniform(-2, 2, shape) if dtype == "float32" else random.randint(-128, 384, shape)).astype(dtype)
            for dtype, shape in shapes
        ]


def script(network: str, *inputs: tuple[str, tuple[int | range, ...]], line: str = "2.x") -> Callable[[Any], Any]:
    """Register a function as a script."""

    def register(run: Any) -> Any:
        SCRIPTS[run.__name__] = Script(run, line, network, inputs)
        return run

    return register


def compiled(nncase: Any, options: Any, model: bytes, tflite: bool = False) -> bytes:
    """What all of them end with."""
    compiler = nncase.Compiler(options)
    import_options = nncase.ImportOptions()
    if tflite:
        compiler.import_tflite(model, import_options)
    else:
        compiler.import_onnx(model, import_options)
    compiler.compile()
    return compiler.gencode_tobytes()


def scheme_samples() -> "list[np.ndarray]":
    """What the kept quantisation scheme was measured on."""
    random = np.random.RandomState(0)
    return [random.uniform(-2, 2, (1, 3, 8, 8)).astype("float32") for _ in range(4)]


def options2(nncase: Any) -> Any:
    """Options of the 2.x line, with nothing dumped."""
    options = nncase.CompileOptions()
    options.target = "cpu"
    options.dump_asm = False
    return options


@script("image.onnx", ("float32", (1, 3, 8, 8)))
def plain_float(nncase, model):
    return compiled(nncase, options2(nncase), model)


@script("image.onnx", ("uint8", (1, 3, 8, 8)))
def bytes_in_a_range(nncase, model):
    options = options2(nncase)
    options.preprocess = True
    options.input_type = "uint8"
    options.input_shape = [1, 3, 8, 8]
    options.input_range = [0, 1]
    options.input_layout = "NCHW"
    return compiled(nncase, options, model)


@script("image.onnx", ("uint8", (1, 8, 8, 3)))
def camera(nncase, model):
    options = options2(nncase)
    options.preprocess = True
    options.swapRB = False
    options.input_type = "uint8"
    options.input_shape = [1, 8, 8, 3]
    options.input_range = [0, 255]
    options.input_layout = "NHWC"
    options.mean = [123.675, 116.28, 103.53]
    options.std = [58.395, 57.12, 57.375]
    return compiled(nncase, options, model)


@script("image.onnx", ("float32", (1, 3, 8, 8)))
def floats_with_mean_and_std(nncase, model):
    options = options2(nncase)
    options.preprocess = True
    options.input_type = "float32"
    options.input_shape = [1, 3, 8, 8]
    options.input_range = [0, 1]
    options.input_layout = "NCHW"
    options.mean = [0.485, 0.456, 0.406]
    options.std = [0.229, 0.224, 0.225]
    return compiled(nncase, options, model)


@script("image.onnx", ("uint8", (1, 3, 8, 8)))
def swapped(nncase, model):
    options = options2(nncase)
    options.preprocess = True
    options.swapRB = True
    options.input_type = "uint8"
    options.input_shape = [1, 3, 8, 8]
    options.input_range = [0, 1]
    options.input_layout = "NCHW"
    options.mean = [0.1, 0.2, 0.3]
    options.std = [0.4, 0.5, 0.6]
    return compiled(nncase, options, model)


@script("image.onnx", ("uint8", (1, 5, 7, 3)))
def letterbox_of_a_small_image(nncase, model):
    options = options2(nncase)
    options.preprocess = True
    options.input_type = "uint8"
    options.input_shape = [1, 5, 7, 3]
    options.input_range = [0, 1]
    options.input_layout = "NHWC"
    options.letterbox_value = 0.45
    options.mean = [0.1, 0.2, 0.3]
    options.std = [0.4, 0.5, 0.6]
    return compiled(nncase, options, model)


@script("image.onnx", ("uint8", (1, 3, 20, 11)))
def letterbox_of_a_tall_image(nncase, model):
    options = options2(nncase)
    options.preprocess = True
    options.swapRB = True
    options.input_type = "uint8"
    options.input_shape = [1, 3, 20, 11]
    options.input_range = [0, 255]
    options.input_layout = "NCHW"
    options.letterbox_value = 114.0
    options.mean = [0, 0, 0]
    options.std = [255, 255, 255]
    return compiled(nncase, options, model)


@script("image.onnx", ("uint8", (1, 8, 8, 3)))
def layout_as_a_permutation(nncase, model):
    options = options2(nncase)
    options.preprocess = True
    options.input_type = "uint8"
    options.input_shape = [1, 8, 8, 3]
    options.input_range = [0, 1]
    options.input_layout = "0,3,1,2"
    return compiled(nncase, options, model)


@script("image.onnx", ("int8", (1, 3, 8, 8)))
def signed_bytes(nncase, model):
    options = options2(nncase)
    options.preprocess = True
    options.input_type = "int8"
    options.input_shape = [1, 3, 8, 8]
    options.input_range = [-1, 1]
    options.input_layout = "NCHW"
    return compiled(nncase, options, model)


@script("map.onnx", ("float32", (1, 3, 6, 5)))
def outputs_channels_last(nncase, model):
    options = options2(nncase)
    options.preprocess = True
    options.input_type = "float32"
    options.input_shape = [1, 3, 6, 5]
    options.input_range = [0, 1]
    options.input_layout = "NCHW"
    options.output_layout = "NHWC"
    return compiled(nncase, options, model)


@script("map.onnx", ("float32", (1, 3, 6, 5)))
def outputs_in_another_order(nncase, model):
    options = options2(nncase)
    options.preprocess = True
    options.input_type = "float32"
    options.input_shape = [1, 3, 6, 5]
    options.input_range = [0, 1]
    options.input_layout = "NCHW"
    options.output_layout = "0,1,3,2"
    return compiled(nncase, options, model)


@script("two_inputs.onnx", ("uint8", (1, 3, 6, 6)), ("uint8", (1, 3, 6, 6)))
def two_inputs(nncase, model):
    options = options2(nncase)
    options.preprocess = True
    options.input_type = "uint8"
    options.input_shape = [1, 3, 6, 6]
    options.input_range = [0, 1]
    options.input_layout = "NCHW"
    options.mean = [0.5, 0.5, 0.5]
    options.std = [0.25, 0.25, 0.25]
    return compiled(nncase, options, model)


@script("two_inputs.onnx", ("float32", (1, 3, 6, 6)), ("float32", (1, 3, 6, 6)))
def two_float_inputs(nncase, model):
    return compiled(nncase, options2(nncase), model)


@script("two_outputs.onnx", ("uint8", (1, 3, 6, 6)))
def two_outputs(nncase, model):
    options = options2(nncase)
    options.preprocess = True
    options.input_type = "uint8"
    options.input_shape = [1, 3, 6, 6]
    options.input_range = [0, 1]
    options.input_layout = "NCHW"
    return compiled(nncase, options, model)


@script("rows.onnx", ("uint8", (2, 7)))
def rows_of_bytes(nncase, model):
    options = options2(nncase)
    options.preprocess = True
    options.input_type = "uint8"
    options.input_shape = [2, 7]
    options.input_range = [-1, 1]
    options.mean = [0.25]
    options.std = [0.5]
    return compiled(nncase, options, model)


@script("image.tflite", ("uint8", (1, 6, 5, 3)))
def tflite_camera(nncase, model):
    options = options2(nncase)
    options.preprocess = True
    options.input_type = "uint8"
    options.input_shape = [1, 6, 5, 3]
    options.input_range = [0, 255]
    options.input_layout = "NHWC"
    options.mean = [127.5, 127.5, 127.5]
    options.std = [127.5, 127.5, 127.5]
    return compiled(nncase, options, model, tflite=True)


@script("image.tflite", ("uint8", (1, 3, 6, 5)))
def tflite_channels_first(nncase, model):
    options = options2(nncase)
    options.preprocess = True
    options.swapRB = True
    options.input_type = "uint8"
    options.input_shape = [1, 3, 6, 5]
    options.input_range = [0, 1]
    options.input_layout = "NCHW"
    options.output_layout = "NCHW"
    options.mean = [0.1, 0.2, 0.3]
    options.std = [0.4, 0.5, 0.6]
    return compiled(nncase, options, model, tflite=True)


@script("image.onnx", ("uint8", (1, 11, 6, 3)))
def all_at_once(nncase, model):
    options = options2(nncase)
    options.preprocess = True
    options.swapRB = True
    options.input_type = "uint8"
    options.input_shape = [1, 11, 6, 3]
    options.input_range = [0, 1]
    options.input_layout = "NHWC"
    options.output_layout = ""
    options.letterbox_value = 0.3
    options.mean = [0.485, 0.456, 0.406]
    options.std = [0.229, 0.224, 0.225]
    return compiled(nncase, options, model)


@script("map.onnx", ("uint8", (1, 6, 5, 3)))
def channels_last_in_and_out(nncase, model):
    options = options2(nncase)
    options.preprocess = True
    options.swapRB = True
    options.input_type = "uint8"
    options.input_shape = [1, 6, 5, 3]
    options.input_range = [-0.5, 1.5]
    options.input_layout = "NHWC"
    options.output_layout = "NHWC"
    return compiled(nncase, options, model)


@script("image.onnx", ("float32", (1, 8, 8, 3)))
def floats_channels_last(nncase, model):
    options = options2(nncase)
    options.preprocess = True
    options.swapRB = True
    options.input_type = "float32"
    options.input_shape = [1, 8, 8, 3]
    options.input_range = [0, 1]
    options.input_layout = "NHWC"
    options.mean = [0.1, 0.2, 0.3]
    options.std = [0.4, 0.5, 0.6]
    return compiled(nncase, options, model)


@script("image.onnx", ("float32", (1, 3, 4, 6)))
def letterbox_of_floats(nncase, model):
    options = options2(nncase)
    options.preprocess = True
    options.input_type = "float32"
    options.input_shape = [1, 3, 4, 6]
    options.input_range = [0, 1]
    options.input_layout = "NCHW"
    options.letterbox_value = 0.5
    options.mean = [0.5, 0.5, 0.5]
    options.std = [0.5, 0.5, 0.5]
    return compiled(nncase, options, model)


@script("two_outputs.onnx", ("float32", (1, 3, 6, 6)))
def two_outputs_of_floats(nncase, model):
    return compiled(nncase, options2(nncase), model)


@script("image.tflite", ("float32", (1, 6, 5, 3)))
def tflite_float(nncase, model):
    return compiled(nncase, options2(nncase), model, tflite=True)


@script("image.tflite", ("uint8", (1, 9, 5, 3)))
def tflite_letterbox(nncase, model):
    options = options2(nncase)
    options.preprocess = True
    options.swapRB = True
    options.input_type = "uint8"
    options.input_shape = [1, 9, 5, 3]
    options.input_range = [0, 1]
    options.input_layout = "NHWC"
    options.output_layout = "NHWC"
    options.letterbox_value = 0.25
    options.mean = [0.1, 0.2, 0.3]
    options.std = [0.4, 0.5, 0.6]
    return compiled(nncase, options, model, tflite=True)


def options19(nncase: Any) -> Any:
    """Options of the 1.9 line."""
    options = nncase.CompileOptions()
    options.target = "cpu"
    return options


@script("image.onnx", ("float32", (1, 3, 8, 8)), line="1.9")
def plain_float_19(nncase, model):
    options = options19(nncase)
    options.input_type = "float32"
    return compiled(nncase, options, model)


@script("image.onnx", ("uint8", (1, 8, 8, 3)), line="1.9")
def camera_19(nncase, model):
    options = options19(nncase)
    options.preprocess = True
    options.input_type = "uint8"
    options.input_shape = [1, 8, 8, 3]
    options.input_layout = "NHWC"
    options.output_layout = "NCHW"
    options.mean = [0.5, 0.4, 0.3]
    options.std = [0.25, 0.5, 0.75]
    return compiled(nncase, options, model)


@script("image.onnx", ("uint8", (1, 3, 5, 7)), line="1.9")
def letterbox_19(nncase, model):
    options = options19(nncase)
    options.preprocess = True
    options.swapRB = True
    options.input_type = "uint8"
    options.input_shape = [1, 3, 5, 7]
    options.input_range = [0, 1]
    options.input_layout = "NCHW"
    options.letterbox_value = 0.25
    return compiled(nncase, options, model)


@script("image.tflite", ("uint8", (1, 6, 5, 3)), line="1.9")
def tflite_19(nncase, model):
    options = options19(nncase)
    options.preprocess = True
    options.input_type = "uint8"
    options.input_shape = [1, 6, 5, 3]
    options.input_range = [0, 255]
    options.input_layout = "NHWC"
    options.output_layout = "NHWC"
    options.model_layout = "NHWC"
    options.mean = [127.5, 127.5, 127.5]
    options.std = [127.5, 127.5, 127.5]
    return compiled(nncase, options, model, tflite=True)


@script("two_inputs.onnx", ("uint8", (1, 3, 6, 6)), ("uint8", (1, 3, 6, 6)), line="1.9")
def two_inputs_19(nncase, model):
    options = options19(nncase)
    options.preprocess = True
    options.input_type = "uint8"
    options.input_shape = [1, 3, 6, 6]
    options.input_layout = "NCHW"
    options.mean = [0.5, 0.5, 0.5]
    options.std = [0.25, 0.25, 0.25]
    return compiled(nncase, options, model)


@script("two_outputs.onnx", ("float32", (1, 3, 6, 6)), line="1.9")
def two_outputs_19(nncase, model):
    options = options19(nncase)
    options.input_type = "float32"
    return compiled(nncase, options, model)


@script("map.onnx", ("float32", (1, 6, 5, 3)), line="1.9")
def channels_last_in_and_out_19(nncase, model):
    options = options19(nncase)
    options.preprocess = True
    options.swapRB = True
    options.input_type = "float32"
    options.input_shape = [1, 6, 5, 3]
    options.input_layout = "NHWC"
    options.output_layout = "NHWC"
    options.mean = [0.1, 0.2, 0.3]
    options.std = [0.4, 0.5, 0.6]
    return compiled(nncase, options, model)


@script("any_rows.onnx", ("float32", (range(1, 9), 7)))
def shape_bucket(nncase, model):
    options = options2(nncase)
    options.shape_bucket_enable = True
    options.shape_bucket_range_info = {"n": [1, 8]}
    options.shape_bucket_segments_count = 2
    options.shape_bucket_fix_var_map = {}
    return compiled(nncase, options, model)


@script("any_width.onnx", ("float32", (1, 3, 8, range(7, 13))))
def shape_bucket_of_images(nncase, model):
    """The second convolution sees what the first one makes of the padding, up to width 12."""
    options = options2(nncase)
    options.shape_bucket_enable = True
    options.shape_bucket_range_info = {"w": [1, 12]}
    options.shape_bucket_segments_count = 2
    options.shape_bucket_fix_var_map = {}
    return compiled(nncase, options, model)
