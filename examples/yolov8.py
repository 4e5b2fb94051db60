"""Compiles a detector whose output is YOLOv8's, and finds things in an image with it: nncase's guide, with one import
changed.

    python yolov8.py --target k230 --model yolov8n.onnx --dataset photos --image street.jpg --output found.png

The network takes one image (1, 3, height, width) in 0..1 and returns (1, 4 + classes, places): middle, width and height
of a box in pixels, and a score for each class. `--ptq_option` chooses types and calibration as in the guide; without it
the kmodel is a float one. The boxes that were found are printed and drawn. docs/yolov8.md says more.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from PIL import Image, ImageDraw

import kpuc.nncase as nncase

PTQ_OPTIONS = (
    ("NoClip", "uint8", "uint8"),
    ("NoClip", "int16", "uint8"),
    ("NoClip", "uint8", "int16"),
    ("Kld", "uint8", "uint8"),
    ("Kld", "int16", "uint8"),
    ("Kld", "uint8", "int16"),
)
"""calibrate_method, quant_type, w_quant_type"""
SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp"}
GREY = (114, 114, 114)
COLOURS = ("red", "lime", "deepskyblue", "yellow", "magenta", "orange")


@dataclass(frozen=True)
class Box:
    """A thing in an image: its class, how sure that is, and its place in pixels."""

    kind: int
    score: float
    left: float
    top: float
    right: float
    bottom: float

    def overlap(self, other: "Box") -> float:
        """Intersection over union."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.bottom, other.bottom) - max(self.top, other.top)
        shared = max(width, 0) * max(height, 0)
        return shared / (self.area + other.area - shared)

    @property
    def area(self) -> float:
        """In pixels."""
        return (self.right - self.left) * (self.bottom - self.top)


def simplified(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model without what can be computed now, if onnxsim is installed; kpuc's own passes leave that out, too."""
    try:
        import onnxsim
    except ImportError:
        return model
    model, sound = onnxsim.simplify(model)
    if not sound:
        raise SystemExit("onnxsim changed what the model computes")
    return model


def image_of(model: onnx.ModelProto) -> onnx.ValueInfoProto:
    """The model's one input."""
    constants = {one.name for one in model.graph.initializer}
    (value,) = [one for one in model.graph.input if one.name not in constants]
    return value


def set_size(model: onnx.ModelProto, size: tuple[int, int]) -> None:
    """Fix the dimensions of the image of a model that leaves them open."""
    for dim, extent in zip(image_of(model).type.tensor_type.shape.dim, (1, 3, *size), strict=True):
        dim.dim_value = extent


def input_size(model: onnx.ModelProto) -> tuple[int, int]:
    """Height and width of the model's image."""
    dims = [dim.dim_value for dim in image_of(model).type.tensor_type.shape.dim]
    if 0 in dims:
        raise SystemExit("the model leaves the size of its image open: give it with --size HEIGHT,WIDTH")
    return dims[2], dims[3]


def framed(image: Image.Image, size: tuple[int, int]) -> tuple[np.ndarray, float, int, int]:
    """An image in the middle of a grey frame, as bytes (1, 3, height, width); its scale, left and top in there."""
    height, width = size
    scale = min(height / image.height, width / image.width)
    scaled = image.resize((round(image.width * scale), round(image.height * scale)), Image.Resampling.BILINEAR)
    left, top = (width - scaled.width) // 2, (height - scaled.height) // 2
    frame = Image.new("RGB", (width, height), GREY)
    frame.paste(scaled, (left, top))
    return np.ascontiguousarray(np.asarray(frame).transpose(2, 0, 1)[None]), scale, left, top


def samples(folder: Path, size: tuple[int, int], count: int) -> list[list[np.ndarray]]:
    """The first images of a folder, as `set_tensor_data` takes them: a list for the one input."""
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)[:count]
    return [[framed(Image.open(path).convert("RGB"), size)[0] for path in files]]


def compiled(
    model: Path,
    target: str,
    dataset: Path | None,
    ptq_option: int | None,
    dump_dir: str,
    size: tuple[int, int] | None = None,
) -> bytes:
    """The kmodel's bytes."""
    network = onnx.load(model)
    if size is not None:
        set_size(network, size)
    network = simplified(network)
    height, width = input_size(network)

    compile_options = nncase.CompileOptions()
    compile_options.target = target
    compile_options.preprocess = True
    compile_options.swapRB = False
    compile_options.input_shape = [1, 3, height, width]
    compile_options.input_type = "uint8"
    compile_options.input_range = [0, 1]
    compile_options.mean = [0, 0, 0]
    compile_options.std = [1, 1, 1]
    compile_options.input_layout = "NCHW"
    compile_options.dump_dir = dump_dir

    compiler = nncase.Compiler(compile_options)
    compiler.import_onnx(network.SerializeToString(), nncase.ImportOptions())

    if ptq_option is not None:
        if dataset is None:
            raise SystemExit("--ptq_option needs a folder of images: --dataset")
        data = samples(dataset, (height, width), 20)
        ptq_options = nncase.PTQTensorOptions()
        ptq_options.calibrate_method, ptq_options.quant_type, ptq_options.w_quant_type = PTQ_OPTIONS[ptq_option]
        ptq_options.samples_count = len(data[0])
        ptq_options.set_tensor_data(data)
        compiler.use_ptq(ptq_options)

    compiler.compile()
    return compiler.gencode_tobytes()


def detect(kmodel: bytes, image: Image.Image) -> list[Box]:
    """What is in an image, surest first."""
    simulator = nncase.Simulator()
    simulator.load_model(kmodel)
    _, _, height, width = simulator.get_input_shape(0)
    frame, *place = framed(image, (height, width))
    simulator.set_input_tensor(0, nncase.RuntimeTensor.from_numpy(frame))
    simulator.run()
    return boxes_of(simulator.get_output_tensor(0).to_numpy(), *place)


def boxes_of(
    output: np.ndarray, scale: float, left: int, top: int, threshold: float = 0.5, most_overlap: float = 0.5
) -> list[Box]:
    """The boxes in the network's output, in pixels of the image that was framed; of those that overlap, the surest."""
    boxes = []
    for x, y, w, h, *scores in output[0].T.tolist():
        if max(scores) >= threshold:
            corners = (x - w / 2 - left, y - h / 2 - top, x + w / 2 - left, y + h / 2 - top)
            boxes.append(Box(scores.index(max(scores)), max(scores), *(corner / scale for corner in corners)))
    kept: list[Box] = []
    for box in sorted(boxes, key=lambda box: -box.score):
        if all(box.kind != other.kind or box.overlap(other) < most_overlap for other in kept):
            kept.append(box)
    return kept


def drawn(image: Image.Image, boxes: list[Box], names: list[str]) -> Image.Image:
    """A copy of the image with boxes and their names."""
    result = image.copy()
    pen = ImageDraw.Draw(result)
    for box in boxes:
        colour = COLOURS[box.kind % len(COLOURS)]
        name = names[box.kind] if box.kind < len(names) else str(box.kind)
        pen.rectangle((box.left, box.top, box.right, box.bottom), outline=colour, width=2)
        pen.text((box.left + 3, box.top + 2), f"{name} {box.score:.2f}", fill=colour)
    return result


def numbers(text: str) -> tuple[int, int]:
    """Two numbers with a comma between them."""
    height, width = text.split(",")
    return int(height), int(width)


def main(arguments: list[str] | None = None) -> list[Box]:
    """Compile, run and draw; what was found."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--target", default="cpu", choices=["cpu", "k210", "k230", "k510"])
    parser.add_argument("--model", type=Path, required=True, help="the ONNX file")
    parser.add_argument("--size", type=numbers, help="HEIGHT,WIDTH of the image, if the model leaves it open")
    parser.add_argument("--dataset", type=Path, help="a folder of images to calibrate with")
    parser.add_argument("--ptq_option", type=int, choices=range(len(PTQ_OPTIONS)))
    parser.add_argument("--kmodel", type=Path, help="where to write the kmodel")
    parser.add_argument("--dump_dir", default="tmp")
    parser.add_argument("--image", type=Path, required=True)
    parser.add_argument("--output", type=Path, default=Path("found.png"), help="the image with boxes")
    parser.add_argument("--names", default="", help="NAME,NAME,... of the classes")
    given = parser.parse_args(arguments)
    kmodel = compiled(given.model, given.target, given.dataset, given.ptq_option, given.dump_dir, given.size)
    if given.kmodel is not None:
        given.kmodel.write_bytes(kmodel)
    image = Image.open(given.image).convert("RGB")
    boxes = detect(kmodel, image)
    for box in boxes:
        print(f"{box.kind} {box.score:.2f} {box.left:.0f},{box.top:.0f} {box.right:.0f},{box.bottom:.0f}")
    drawn(image, boxes, given.names.split(",") if given.names else []).save(given.output)
    return boxes


if __name__ == "__main__":
    main()
