"""Files of versions 3 and 4 as users meet them: simulator, command line, descriptions, and what is refused."""

from __future__ import annotations

import json
import struct
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner
from files34 import FULL, conv3, conv4, float4, run4, window

from kpuc.errors import ExecutionError, KmodelError
from kpuc.runtime import Simulator
from kpuc.runtime.kmodel import bodies, builder4, nodes4, read_kmodel, v3
from kpuc.runtime.kmodel.describe import describe
from kpuc.runtime.kmodel.fields4 import MemoryRange, place
from kpuc.tools.cli.main import cli

IMAGE = np.random.default_rng(3).integers(0, 256, (1, 3, 8, 8), np.uint8)


def kpuc(*arguments: object) -> str:
    done = CliRunner().invoke(cli, [str(one) for one in arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


@pytest.mark.parametrize("make", [conv3, conv4])
def test_the_command_runs_and_shows_them(make: object, tmp_path: object) -> None:
    path, output = tmp_path / "net.kmodel", tmp_path / "out.npz"
    path.write_bytes(make())
    np.save(tmp_path / "in.npy", IMAGE)
    kpuc("run", path, "--input", tmp_path / "in.npy", "--output", output)
    expected = Simulator(path).run(IMAGE)["output0"]
    assert expected.shape == (1, 5, 8, 8) and len(np.unique(expected)) > 20
    np.testing.assert_array_equal(np.load(output)["output0"], expected)
    text = kpuc("inspect", path)
    assert "conv" in text and "maps: [3, 8, 8], maps_out: [5, 8, 8], kernel: 3, depthwise: False, pool: none" in text
    assert "step: dequantize" in text
    facts = json.loads(kpuc("inspect", path, "--json"))
    assert [(one["element"], one["shape"]) for one in facts["inputs"]] == [("u8", [1, 3, 8, 8])]
    assert [(one["element"], one["shape"]) for one in facts["outputs"]] == [("f32", [1, 5, 8, 8])]
    assert facts["main_memory"] == 320 + 4 * 320
    assert facts["steps"][0]["registers"]["para_size"] == 5 * 3 * 9
    assert "para_size" not in text


def test_both_versions_of_a_network_compute_the_same() -> None:
    np.testing.assert_array_equal(*(Simulator(make()).run(IMAGE)["output0"] for make in (conv3, conv4)))


def test_shapes_are_found_through_nodes_that_do_not_state_them() -> None:
    """Concat finds its axis: the first one has the same number of blocks before it."""
    assert str(Simulator(float4()).outputs[0]) == "output0: float32 [1, 6, 2, 2]"


def test_runs_do_not_see_each_other() -> None:
    simulator = Simulator(conv4())
    first = simulator.run(IMAGE)["output0"]
    assert not np.array_equal(simulator.run(255 - IMAGE)["output0"], first)
    np.testing.assert_array_equal(simulator.run(IMAGE)["output0"], first)


@pytest.mark.parametrize("make", [conv3, conv4, float4])
def test_a_description_is_plain_data(make: object) -> None:
    described = describe(read_kmodel(make()))
    assert json.loads(json.dumps(described, allow_nan=False)) == described


def test_damage_is_described() -> None:
    model = read_kmodel(float4())
    broken = replace(model, steps=(bodies.Step(0x99, b""), *model.steps))
    described = describe(broken)
    damage = "node is of kind 0x99, which does not exist"
    assert described["steps"][0] == {"step": "node 0x99", "at": 136, "bytes": 0, "damage": damage}
    assert described["steps"][1]["step"] == "conv2d"
    assert "does not exist" in described["damage"]


def patched(data: bytes, at: int, value: int) -> bytes:
    return data[:at] + struct.pack("<I", value) + data[at + 4 :]


@pytest.mark.parametrize(("data", "message"), [
    (patched(conv4(), 20, 2**31), r"K0505.*asks for 2147483648 bytes"),
    (patched(conv4(), 104 + 8, 2**20), r"K0504.*node 0, kpu_conv2d.*do not lie in a memory"),
    (patched(conv4(), 104 + 24 + 8 + 4, 32767), r"K0504.*node 0.*2097152 bytes"),
    (patched(conv4(), 104 + 24 + 4 * 8, 5), r"K0402.*kernel type 5"),
    (patched(conv4(), 904, 7), r"K0504.*node 1, dequantize.*not in constants or main memory"),
    (patched(conv4(), 904 + 16 + 8, 2**31), r"K0504.*node 1"),
    (patched(conv4(), 40 + 4, 9), r"K0404.*code 9"),
    (patched(conv3(), 20, 2**31), r"K0505"),
    (patched(conv3(), 52 + 12, 2**31), r"K0401.*weights at 2147483648 .* outside of every body"),
    (patched(conv3(), 8, 1), r"K0402.*architecture is 0x1"),
    (patched(conv3(), 36, 3), r"K0402.*layer is of kind 0x3"),
])  # fmt: skip
def test_damaged_files_are_refused_with_their_place(data: bytes, message: str) -> None:
    with pytest.raises((KmodelError, ExecutionError), match=message):
        Simulator(data).run(IMAGE)


X = np.ones((1, 1, 4, 4), np.float32)
WIDE = {"shape": (1, 1, 4, 4), "operation": 0, "init": 0.0, **FULL}


@pytest.mark.parametrize(("fields", "arrays", "values", "code"), [
    (nodes4.ReduceWindow2D, (), {"window": window((1, 1), (2**30, 2**30), pad_h=(2**30, 0)), **WIDE}, "K0505"),
    (nodes4.ReduceWindow2D, (), {"window": window((1, 1), (0, 1)), **WIDE}, "K0402"),
    (nodes4.ReduceWindow2D, (), {"window": window(pad_h=(-1, 1)), **WIDE}, "K0504"),
    (nodes4.NnilUnary, (np.array([0x03], np.uint8),), {}, "K0504"),
    (nodes4.NnilUnary, (np.array([0x40, 0xA0], np.uint8),), {}, "K0504"),
    (nodes4.NnilUnary, (np.array([0x03, 0x06, 1], np.uint8),), {}, "K0504"),
    (nodes4.NnilUnary, (np.array([0x03] * 65, np.uint8),), {}, "K0504"),
    (nodes4.NnilUnary, (np.array([0x03, 0x77], np.uint8),), {}, "K0504"),
    (nodes4.StridedSlice, (),
     {"shape": (1, 1, 4, 4), "begin": (0, 0, 2, 0), "end": (1, 1, 5, 4), "strides": (1,) * 4}, "K0504"),
    (nodes4.Unary, (), {"operation": 10}, "K0504"),
])  # fmt: skip
def test_nodes_that_ask_for_what_cannot_be_are_refused(fields: type, arrays: tuple, values: dict, code: str) -> None:
    with pytest.raises((KmodelError, ExecutionError)) as caught:
        run4(fields, [X], "f32", 16, arrays, **values)
    assert caught.value.code == code


def test_constants_cannot_be_written() -> None:
    builder = builder4.Builder()
    builder.constant(np.zeros(4, np.float32))
    image = builder.input(place("main", "f32", 0, 4), (1, 1, 2, 2))
    builder.output(builder.add(nodes4.Unary(input=image, output=place("main", "f32", 16, 4), operation=0)))
    data = builder.write()
    at = data.rindex(MemoryRange(location=1, element=0, start=16, bytes=16).write())
    with pytest.raises(ExecutionError, match=r"K0504.*node 0, unary.*cannot be written"):
        Simulator(patched(patched(data, at, 0), at + 8, 0)).run(np.ones((1, 1, 2, 2), np.float32))


def test_an_output_that_nothing_writes_is_bytes() -> None:
    model = v3.read(conv3())
    simulator = Simulator(with_output(model, v3.Output(address=4, bytes=3)))
    assert [str(one) for one in simulator.outputs] == ["output0: float32 [1, 5, 8, 8]", "output1: uint8 [3]"]


def with_output(model: v3.Model, output: v3.Output) -> bytes:
    """The offsets in a convolution count from the start of the file, which grows by one output."""
    data = bytearray(v3.write(replace(model, outputs=(*model.outputs, output))))
    for at in range(60 + 8, 60 + 24, 4):
        struct.pack_into("<I", data, at, struct.unpack_from("<I", data, at)[0] + 8)
    return bytes(data)
