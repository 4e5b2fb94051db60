"""examples/yolov8.py on a small detector: it finds the things in an image, however it is compiled, and draws them."""

import sys
from pathlib import Path

import numpy as np
import pytest
from detector import NAMES, SIZE, detector
from PIL import Image

from kpuc.errors import OptionError

EXAMPLES = Path(__file__).parent.parent.parent / "examples"
THINGS = [(0, (12, 10, 40, 42)), (2, (90, 50, 120, 80)), (1, (100, 8, 128, 32))]
"""Class, and left, top, right, bottom in the picture."""
COLOURS = np.uint8([(220, 30, 30), (30, 210, 40), (30, 40, 220)])


@pytest.fixture(scope="module")
def yolov8():
    sys.path.insert(0, str(EXAMPLES))
    import yolov8

    return yolov8


def painted(random, width, height, things):
    """A noisy grey picture with things in it."""
    picture = random.integers(80, 140, (height, width, 1)).astype(np.uint8).repeat(3, 2)
    for kind, (left, top, right, bottom) in things:
        picture[top:bottom, left:right] = COLOURS[kind] + random.integers(-20, 20, (bottom - top, right - left, 1))
    return Image.fromarray(picture)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The network, the picture, and a folder of pictures to calibrate with."""
    made = tmp_path_factory.mktemp("detector")
    (made / "net.onnx").write_bytes(detector())
    random = np.random.default_rng(0)
    painted(random, 144, 90, THINGS).save(made / "street.png")
    (made / "photos").mkdir()
    for number in range(6):
        places = [(kind, random.integers(0, SIZE - 24, 2)) for kind in random.permutation(3)[:2]]
        sizes = random.integers(10, 22, (2, 2))
        things = [(kind, (x, y, x + w, y + h)) for (kind, (x, y)), (w, h) in zip(places, sizes, strict=True)]
        painted(random, SIZE, SIZE, things).save(made / "photos" / f"{number}.png")
    return made


def run(yolov8, folder, tmp_path, *arguments):
    command = ["--model", folder / "net.onnx", "--image", folder / "street.png", "--output", tmp_path / "found.png"]
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
