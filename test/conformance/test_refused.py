"""Networks with custom, compiled or sparse content: refused with one message that says what to do, or computed."""

import subprocess
import sys

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter
from networks import find_refused, relative_error

import kpuc
from kpuc.errors import UnsupportedError

PROGRAM = "end the network before its custom operators and compute them in your program"
SAID = {
    "mp_face_attention": (
        "11 operators",
        "CUSTOM TransformLandmarks at transform_landmarks_v2 and 4 other nodes",
        PROGRAM,
    ),
    "posenet_custom": ("1 operator", "CUSTOM PosenetDecoderOp at poses", PROGRAM),
    "tflm_audio_preproc": ("9 operators", "CUSTOM SignalRfft at signal_rfft", PROGRAM),
    "tflm_vela": ("1 operator", "CUSTOM ethos-u at MobilenetV1/", "compile the file that it was made from"),
}
"""How many operators cannot be imported, one of them with its node, and the remedy."""
COMPUTED = {"mp_pose_det_sparse"}
PATHS = find_refused()


def parameters(computed):
    return [pytest.param(path, id=path.stem) for path in PATHS if (path.stem in COMPUTED) == computed]


def test_every_network_is_here():
    assert not PATHS or {path.stem for path in PATHS} == {*SAID, *COMPUTED}


@pytest.mark.parametrize("target", ["cpu", "k210"])
@pytest.mark.parametrize("path", parameters(computed=False))
def test_one_message_says_what_to_do(path, target, tmp_path):
    count, operator, remedy = SAID[path.stem]
    with pytest.raises(UnsupportedError) as caught:
        kpuc.compile(path, target=target)
    error = caught.value
    assert (error.code, error.where) == ("K0150", path.name)
    assert error.cause.startswith(f"{count} cannot be imported:\n")
    assert operator in error.cause and "does not say what it computes" in error.cause
    assert remedy in error.remedy
    program = "from kpuc.tools.cli.main import main; main()"
    command = [
        sys.executable,
        "-c",
        program,
        "compile",
        str(path),
        "-o",
        str(tmp_path / "net.kmodel"),
        "--target",
        target,
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"{error}\n")
    assert len(done.stderr) < 2000 and max(map(len, done.stderr.splitlines())) < 250
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("target", ["cpu", "k210"])
@pytest.mark.parametrize("path", parameters(computed=True))
def test_sparse_weights_are_computed_with(path, target):
    interpreter = Interpreter(str(path))
    interpreter.allocate_tensors()
    (taken,), given = interpreter.get_input_details(), interpreter.get_output_details()
    image = np.random.default_rng(0).random(taken["shape"], np.float32)
    interpreter.set_tensor(taken["index"], image)
    interpreter.invoke()
    found = kpuc.Simulator(kpuc.compile(path, target=target)).run(image)
    assert list(found) == [details["name"] for details in given]
    for details, actual in zip(given, found.values(), strict=True):
        assert relative_error(interpreter.get_tensor(details["index"]), actual) < 1e-5


def test_problems_of_a_kind_share_a_line_and_many_kinds_are_cut_short():
    from kpuc.errors import MOST_LISTED, listed

    assert listed([("Foo", "a", "it is odd")]) == "\n  Foo at a: it is odd"
    assert listed([("Foo", n, "it is odd") for n in "ab"]) == "\n  Foo at a: it is odd\n  Foo at b: it is odd"
    three = [("Foo", node, "it is odd") for node in "abc"]
    assert listed([*three, ("Foo", "d", "it is even")]) == (
        "\n  Foo at a and 2 other nodes: it is odd\n  Foo at d: it is even"
    )
    lines = listed([(f"Foo{number}", "a", "") for number in range(MOST_LISTED + 3)]).splitlines()
    assert lines[-1] == "  and 3 other problems" and len(lines) == 1 + MOST_LISTED + 1
