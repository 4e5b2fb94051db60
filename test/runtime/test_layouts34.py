"""Where each field of versions 3 and 4 lies, against offsets written down from the formats' descriptions, and whole
files against bytes assembled by hand."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from files34 import conv3, conv4, float4
from hypothesis import given
from hypothesis import strategies as st

from kpuc.runtime.kmodel import bodies, builder4, read_kmodel, v3, v4
from kpuc.runtime.kmodel.fields4 import MemoryRange, nodes, place
from kpuc.runtime.kmodel.layers3 import layers
from kpuc.runtime.kmodel.nodes4 import Dequantize
from kpuc.runtime.kmodel.struct import Inner, Record

WINDOW = "pad_h 8 pad_w 8 kernel 8 strides 8 dilations 8"
RESCALE = "input_offset 4 weights_offset 4 factor 4 shift 4 output_offset 4"
CLAMP = "low 4 high 4"
RANGES = "input 16 output 16"
THREE = "input_a 16 input_b 16 output 16"
NODES = {
    0x00: f"{THREE} operation 4 shape_a 16 shape_b 16 shape 16 {CLAMP}",
    0x01: "output 16 inner 4 outer 4 count 4 | inputs 16 dims 4",
    0x02: f"{RANGES} shape 16 groups 4 channels 4 {WINDOW} {CLAMP} | weights 4 bias 4",
    0x03: f"{RANGES} zero_point 4 scale 4",
    0x04: f"{THREE} rows 4 inner 4 columns 4 {CLAMP} | bias 4",
    0x05: f"{RANGES} shape 16 padding 32 value_element 4 value 4",
    0x06: f"{RANGES} zero_point 4 scale 4",
    0x07: f"{RANGES} operation 4 shape 16 shape_out 16 init 4",
    0x08: f"{RANGES} operation 4 shape 16 {WINDOW} init 4 {CLAMP}",
    0x09: RANGES,
    0x0A: f"{RANGES} shape 16 height 4 width 4 mode 4 align_corners 1 reserved 3",
    0x0B: f"{RANGES} inner 4 outer 4 beta 4",
    0x0C: f"{RANGES} shape 16 permutation 16",
    0x0D: f"{RANGES} shape 16 begin 16 end 16 strides 16 begin_mask 4 end_mask 4 ellipsis_mask 4 new_axis_mask 4 "
          "shrink_axis_mask 4",
    0x0E: f"{RANGES} operation 4",
    0x0F: f"{RANGES} shape 16 groups 4 channels 4 {WINDOW} {RESCALE} | bias 4 weights 1",
    0x10: f"{THREE} rows 4 inner 4 columns 4 offset_a 4 offset_b 4 factor 4 shift 4 output_offset 4 | bias 4",
    0x11: f"{THREE} operation 4 shape_a 16 shape_b 16 shape 16 offset_a 4 factor_a 4 shift_a 4 offset_b 4 factor_b 4 "
          "shift_b 4 output_offset 4 output_factor 4 output_shift 4",
    0x12: "input 16 table 16 output 16",
    0x13: f"{RANGES} shape 16 shape_out 16 groups 4 {WINDOW} {CLAMP} | weights 4 bias 4",
    0x14: f"{RANGES} | program 1",
    0x1001: f"{RANGES} shape 16 channels 4 {WINDOW} {CLAMP} | weights 4 bias 4",
    0x1002: f"{RANGES} shape 16 {WINDOW} {CLAMP} | weights 4 bias 4",
    0x1003: f"{RANGES} operation 4 shape 16 {WINDOW} init 4 {CLAMP}",
    0x1004: f"{RANGES} shape 16 channels 4 {WINDOW} {RESCALE} | weights 1 bias 4",
    0x1005: f"{RANGES} shape 16 {WINDOW} {RESCALE} | weights 1 bias 4",
    0x2001: f"{RANGES} shape 16",
    0x2002: "output 16 batches 4 reserved 4 registers 96 | batch_norm 8 activation 1 weights 1",
}  # fmt: skip
ADDRESSES = "flags 4 input 4 output 4"
POOL = f"{ADDRESSES} shape 12 shape_out 12 kernel 8 strides 8 padding 8"
LAYERS = {
    1: "flags 4 input_a 4 input_b 4 output 4 count 4",
    2: "flags 4 input_a 4 input_b 4 output 4 count 4 offset_a 4 factor_a 4 shift_a 4 offset_b 4 factor_b 4 shift_b 4 "
       "output_offset 4 output_factor 4 output_shift 4",
    5: f"{ADDRESSES} kernel_size 4 channels 4",
    8: POOL,
    9: f"{POOL} activation 4",
    11: f"{ADDRESSES} count 4 scale 4 bias 4",
    12: f"{ADDRESSES} count 4 scale 4 bias 4",
    13: f"{ADDRESSES} count 4 | table 1",
    14: f"{ADDRESSES} channels 4",
    15: f"{ADDRESSES} channels 4",
    16: "flags 4 output 4 count 4 | inputs 8",
    17: "flags 4 output 4 count 4 | inputs 8",
    18: f"{ADDRESSES} inputs 4 outputs 4 activation 4 | weights 4 bias 4",
    20: f"{ADDRESSES} shape 12",
    22: f"{ADDRESSES} shape 12 width 4 height 4 align_corners 4",
    23: f"{ADDRESSES} shape 12 width 4 height 4 align_corners 4",
    24: f"{ADDRESSES} channels 4 channel_size 4 | parameters 8",
    25: f"{ADDRESSES} channels 4",
    10240: "flags 4 output 4 registers_at 4 weights_at 4 batch_norm_at 4 activation_at 4",
    10241: "flags 4 input 4 kpu_output 4 channels 4",
    10242: f"{ADDRESSES} channels 4",
    10243: "flags 4 input 4 kpu_output 4 width 4 height 4 channels 4",
}  # fmt: skip


def places(record: type[Record], base: int = 0) -> list[tuple[str, int]]:
    """(field, offset), fields of windows and rescaling in place."""
    found = []
    for one in record.places:
        if isinstance(one.coding, Inner) and one.coding.record.size != 16:
            found += places(one.coding.record, base + one.offset)
        else:
            found.append((one.name, base + one.offset))
    return found


@pytest.mark.parametrize(("catalogue", "expected"), [(nodes, NODES), (layers, LAYERS)], ids=["v4", "v3"])
def test_fields_lie_where_the_format_has_them(catalogue: object, expected: dict[int, str]) -> None:
    assert sorted(catalogue.kinds) == sorted(expected)
    for code, line in expected.items():
        kind = catalogue.kinds[code]
        fixed, _, tail = line.partition(" | ")
        words, offsets, at = fixed.split(), [], 0
        for name, size in zip(words[::2], map(int, words[1::2]), strict=True):
            offsets.append((name, at))
            at += size
        assert (places(kind.fields), kind.fields.size) == (offsets, at), kind.name
        assert [one.name for one in kind.tails] == tail.split()[::2], kind.name


def test_a_version_4_file_is_what_its_description_says() -> None:
    """40 bytes of header, ranges, a shape, 8 bytes of constants, a node: assembled by hand."""
    source, target = struct.pack("<4I", 1, 1, 0, 6), struct.pack("<4I", 1, 0, 8, 24)
    body = source + target + struct.pack("<if", 3, 2.0)
    header = b"LDMK" + struct.pack("<9I", 4, 0, 1, 8, 32, 1, 1, 1, 0)
    expected = header + source + struct.pack("<4i", 1, 1, 2, 3) + target + b"12345678"[:5] + bytes(3)
    expected += struct.pack("<2I", 3, 40) + body
    builder = builder4.Builder()
    builder.constant(np.frombuffer(b"12345", np.uint8))
    image = builder.input(place("main", "u8", 0, 6), (1, 1, 2, 3))
    result = place("main", "f32", 8, 6)
    builder.output(builder.add(Dequantize(input=image, output=result, zero_point=3, scale=2.0)))
    assert builder.write() == expected


def test_a_version_3_file_begins_as_its_description_says() -> None:
    data = conv3()
    version, flags, arch, count, lines, main, outputs, address, size = struct.unpack_from("<9I", data)
    assert (version, flags, arch, count, outputs, address, size) == (3, 1, 0, 2, 1, 320, 1280)
    assert (lines, main) == (32, 1600)
    (kind, first), (then, second) = struct.unpack_from("<2I", data, 36), struct.unpack_from("<2I", data, 44)
    assert (kind, then) == (10240, 12)
    assert len(data) == 52 + first + second
    offsets = struct.unpack_from("<6I", data, 52)
    assert offsets[:3] == (1, 0, 76)
    assert [at % 128 for at in offsets[3:]] == [0, 0, 0]
    assert offsets[5] % 256 == 0
    words = struct.unpack_from("<12Q", data, 76)
    assert words[2] & 0x3FF == 2 and words[2] >> 32 & 0x3FF == 4
    assert (words[4] >> 32, words[5] >> 32, words[7] >> 32) == (0, 0, 0)
    assert words[11] & 1 == 1


def test_tables_of_a_version_4_layer_are_aligned_in_the_file() -> None:
    data = conv4()
    start = 40 + 16 + 16 + 16 + 2 * 8
    words = struct.unpack_from("<12Q", data, start + 24)
    assert words[11] & 1 == 1
    at = start + 120
    for word, size in ((4, 5 * 8), (7, 144), (5, 5 * 27)):
        at += words[word] >> 32
        assert at % 256 == 0
        at += size
    assert len(data) == (at + 7) // 8 * 8 + 40


@pytest.mark.parametrize("make", [conv4, conv3, float4])
def test_reading_and_writing_are_inverse(make: object) -> None:
    data = make()
    model = read_kmodel(data)
    container = v4 if model.version == 4 else v3
    assert container.write(model) == data
    assert container.read(data + b"tail").trailing == b"tail"
    for step, body in zip(model.steps, model.bodies(), strict=True):
        if step.opcode not in (10240,):
            catalogue = nodes if model.version == 4 else layers
            written = catalogue.write(body.fields, *body.arrays.values())
            assert bytes(step.body[: len(written)]) == written


U32 = st.integers(0, 2**32 - 1)
STEPS = st.lists(st.tuples(U32, st.binary(max_size=40)), max_size=4)
RANGES = st.builds(MemoryRange, location=U32, element=U32, start=U32, bytes=U32)


SHAPES = st.tuples(*[st.integers(0, 2**31 - 1)] * 4)


@given(STEPS, st.lists(st.tuples(RANGES, SHAPES), max_size=3), st.lists(RANGES, max_size=3),
       st.tuples(U32, U32, U32, U32), st.binary(max_size=20), st.binary(max_size=9))  # fmt: skip
def test_version_4_models_are_inverse(
    steps: list, inputs: list, outputs: list, numbers: tuple, constants: bytes, trailing: bytes
) -> None:
    """Whatever the nodes hold: bodies are not looked into."""
    target, main, flags, reserved = numbers
    made = v4.Model(target, tuple(v4.Input(*one) for one in inputs), tuple(outputs), constants,
                    tuple(bodies.Step(*one) for one in steps), main, flags, reserved, trailing)  # fmt: skip
    assert v4.read(v4.write(made)) == made


@given(STEPS, st.lists(st.builds(v3.Output, address=U32, bytes=U32), max_size=3), st.tuples(U32, U32, U32),
       st.binary(max_size=9))  # fmt: skip
def test_version_3_models_are_inverse(steps: list, outputs: list, numbers: tuple, trailing: bytes) -> None:
    made = v3.Model(tuple(outputs), tuple(bodies.Step(*one) for one in steps), *numbers, trailing)
    assert v3.read(v3.write(made)) == made


def test_padding_that_a_file_lacks_at_its_end_is_restored() -> None:
    data = float4()
    assert v4.write(v4.read(data[:-4])) == data


def test_constants_are_not_copied() -> None:
    data = conv4()
    weights = read_kmodel(data).bodies()[0].arrays["weights"]
    assert np.shares_memory(weights, np.frombuffer(data, np.uint8))
