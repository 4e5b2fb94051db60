"""examples/yolov8.py on small detectors: it finds the things in an image, however it is compiled, and draws them."""

import os
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from detector import NAMES, SIZE, detector
from faces import SIZE as FACE_SIZE
from faces import faces
from PIL import Image

from kpuc.errors import OptionError

EXAMPLES = Path(__file__).parent.parent.parent / "examples"
PHOTOS = EXAMPLES / "photos"
MODELS = Path(os.environ.get("KPUC_MODELS", "nowhere"))
BLAZEFACE = MODELS / "blazeface_front.onnx"
THINGS = [(0, (12, 10, 40, 42)), (2, (90, 50, 120, 80)), (1, (100, 8, 128, 32))]
"""Class, and left, top, right, bottom in the picture."""
COLOURS = np.uint8([(220, 30, 30), (30, 210, 40), (30, 40, 220)])
FACES = ("coral_face", "coral_grace_hopper", "sk_astronaut")
CALIBRATION = (*FACES, "sk_coffee", "sk_chelsea", "sk_rocket", "coral_pets", "coral_hot_dog")
OVERLAPS = {"NoClip": 0.8, "Kld": 0.7}
"""Kld cuts rare large numbers off: here those that move and widen a box."""


@pytest.fixture(scope="module")
def yolov8():
    sys.path.insert(0, str(EXAMPLES))
    import yolov8

    return yolov8


def painted(random, photo, size, things):
    """A photo with things in it."""
    picture = np.array(Image.open(PHOTOS / f"{photo}.jpg").convert("RGB").resize(size))
    for kind, (left, top, right, bottom) in things:
        picture[top:bottom, left:right] = COLOURS[kind] + random.integers(-20, 20, (bottom - top, right - left, 1))
    return Image.fromarray(picture)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The network, a picture, and a folder of pictures to calibrate with."""
    made = tmp_path_factory.mktemp("detector")
    (made / "net.onnx").write_bytes(detector())
    (made / "open.onnx").write_bytes(detector(is_open=True))
    random = np.random.default_rng(0)
    painted(random, "chelsea", (144, 90), THINGS).save(made / "street.png")
    (made / "photos").mkdir()
    for path in sorted(PHOTOS.glob("*.jpg")):
        places = [(kind, random.integers(0, SIZE - 24, 2)) for kind in random.permutation(3)[:2]]
        sizes = random.integers(10, 22, (2, 2))
        things = [(kind, (x, y, x + w, y + h)) for (kind, (x, y)), (w, h) in zip(places, sizes, strict=True)]
        painted(random, path.stem, (SIZE, SIZE), things).save(made / "photos" / f"{path.stem}.png")
    return made


def run(yolov8, folder, tmp_path, *arguments, model="net.onnx"):
    command = ["--model", folder / model, "--image", folder / "street.png", "--output", tmp_path / "found.png"]
    command += ["--dataset", folder / "photos", "--dump_dir", tmp_path / "tmp", "--names", NAMES, *arguments]
    return yolov8.main([str(part) for part in command])


def assert_found(yolov8, boxes, least):
    """Each thing is found once, at its place: the least overlap."""
    assert sorted(box.kind for box in boxes) == sorted(kind for kind, _ in THINGS)
    for kind, place in THINGS:
        (box,) = [box for box in boxes if box.kind == kind]
        assert box.overlap(yolov8.Box(kind, 1, *place)) > least, box


@pytest.mark.parametrize("target", ["cpu", "k210", "k230", "k510"])
def test_what_is_found_is_drawn(yolov8, folder, tmp_path, target):
    boxes = run(yolov8, folder, tmp_path, "--target", target, "--kmodel", tmp_path / "net.kmodel")
    assert_found(yolov8, boxes, 0.9)
    before, after = (np.asarray(Image.open(path)) for path in (folder / "street.png", tmp_path / "found.png"))
    assert after.shape == before.shape
    (box,) = [box for box in boxes if box.kind == 1]
    assert after[round(box.top) + 5, round(box.left)].tolist() == [0, 255, 0]  # lime, its left edge
    assert (before[60:, :60] == after[60:, :60]).all()  # where nothing is
    assert (tmp_path / "net.kmodel").read_bytes()[:4] == b"LDMK"


@pytest.mark.parametrize("target", ["cpu", "k230", "k510"])
@pytest.mark.parametrize("option", range(6))
def test_all_ptq_options(yolov8, folder, tmp_path, target, option):
    assert_found(yolov8, run(yolov8, folder, tmp_path, "--target", target, "--ptq_option", option), 0.75)


@pytest.mark.parametrize("option", range(6))
def test_all_ptq_options_for_the_k210(yolov8, folder, tmp_path, option):
    """Its KPU has 8 bits: others are refused with a sentence."""
    if "int16" in yolov8.PTQ_OPTIONS[option]:
        with pytest.raises(OptionError, match="cannot be quantised to i16 for target k210, only to u8"):
            run(yolov8, folder, tmp_path, "--target", "k210", "--ptq_option", option)
    else:
        assert_found(yolov8, run(yolov8, folder, tmp_path, "--target", "k210", "--ptq_option", option), 0.75)


def test_a_model_that_leaves_its_size_open(yolov8, folder, tmp_path, monkeypatch):
    """As exported: with onnxsim, and without it, when kpuc computes what is known of the shapes."""
    with pytest.raises(SystemExit, match="--size HEIGHT,WIDTH"):
        run(yolov8, folder, tmp_path, model="open.onnx")
    monkeypatch.setitem(sys.modules, "onnxsim", None)  # importing it fails
    assert_found(yolov8, run(yolov8, folder, tmp_path, "--size", f"{SIZE},{SIZE}", model="open.onnx"), 0.9)
    monkeypatch.undo()
    simplify = pytest.importorskip("onnxsim").simplify
    kinds = []

    def watched(model):
        simple, sound = simplify(model)
        kinds.extend({node.op_type for node in graph.graph.node} for graph in (model, simple))
        return simple, sound

    monkeypatch.setattr("onnxsim.simplify", watched)
    assert_found(yolov8, run(yolov8, folder, tmp_path, "--size", f"{SIZE},{SIZE}", model="open.onnx"), 0.9)
    assert ["Shape" in found for found in kinds] == [True, False]


@pytest.fixture(scope="module")
def portraits(yolov8, tmp_path_factory):
    """BlazeFace, photos to calibrate with, and the box of each face as onnxruntime finds it in floats."""
    if not BLAZEFACE.exists():
        pytest.skip("KPUC_MODELS names no folder with blazeface_front.onnx")
    made = tmp_path_factory.mktemp("faces")
    (made / "faces.onnx").write_bytes(faces(BLAZEFACE))
    (made / "photos").mkdir()
    for name in CALIBRATION:
        (made / "photos" / f"{name}.jpg").symlink_to(MODELS / "photos" / f"{name}.jpg")
    session = onnxruntime.InferenceSession(made / "faces.onnx")
    expected = {}
    for name in FACES:
        frame, *place = yolov8.framed(photo(name), (FACE_SIZE, FACE_SIZE))
        (rows,) = session.run(None, {"image": frame / np.float32(255)})
        expected[name] = yolov8.boxes_of(rows, *place)[0]
    return made, expected


def photo(name):
    return Image.open(MODELS / "photos" / f"{name}.jpg").convert("RGB")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("target", "option"), [*(("cpu", option) for option in range(6)), ("k210", 0), ("k230", 1), ("k510", 2)]
)
def test_a_trained_detector(yolov8, portraits, tmp_path, target, option):
    folder, expected = portraits
    kmodel = yolov8.compiled(folder / "faces.onnx", target, folder / "photos", option, tmp_path)
    least = OVERLAPS[yolov8.PTQ_OPTIONS[option][0]]
    for name in FACES:
        assert expected[name].score > 0.9
        best = yolov8.detect(kmodel, photo(name))[0]
        assert best.overlap(expected[name]) > least, (name, best)
        assert best.score == pytest.approx(expected[name].score, abs=0.06)
