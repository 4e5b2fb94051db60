"""Whole files of version 5 and 7: exact bytes, round trips, what other files are."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from models import RELU, conv5, loop7

from kpuc.errors import KmodelError
from kpuc.runtime.kmodel import read_kmodel, v5, v7
from kpuc.runtime.kmodel.describe import describe
from kpuc.runtime.kmodel.names import Names, attach, names_of
from kpuc.runtime.kmodel.section import Section
from kpuc.runtime.kmodel.types7 import (
    QUANT_PARAM,
    AnyType,
    InvalidType,
    PointerType,
    TensorType,
    TupleType,
    read_type,
    write_type,
)  # fmt: skip
from kpuc.runtime.stackvm import pool


def test_relu_is_the_reference_byte_for_byte() -> None:
    """kmodel v7, complete smallest example: 320 bytes that the vendor's runtime executes."""
    shape = "020b0101010000000104000000ff"
    words = [
        "4c444d4b 07000000 00000000 08000000 01000000 00000000 00000000 00000000",
        b"stackvm".ljust(16, b"\0").hex() + "01000000 03000000 01000000 00000000 2001000000000000",
        "01000000 00000000 0000000000000000 0700000000000000 4000000000000000",
        shape + shape + "00000000",
        b".text".ljust(16, b"\0").hex() + "00" * 8 + "4000000000000000" + "00" * 8 + "0700000000000000" * 2,
        "270000 643d00 5d 00",
        b".rdata".ljust(16, b"\0").hex() + "00" * 8 + "3800000000000000" + "00" * 24,
        b".custom_calls".ljust(16, b"\0").hex() + "00" * 8 + "4000000000000000" + "00" * 8 + "0400000000000000" * 2,
        "00" * 8,
    ]
    expected = bytes.fromhex("".join(words))
    assert len(expected) == 320
    assert expected == RELU
    assert v7.write(v7.read(expected)) == expected


TYPES = st.recursive(
    st.just(AnyType()) | st.just(InvalidType())
    | st.builds(
        TensorType,
        st.sampled_from(["f32", "u8", "bf16", PointerType("i8"), QUANT_PARAM]),
        st.lists(st.none() | st.integers(0, 2**31 - 1), max_size=6).map(tuple),
    ),
    lambda inner: st.lists(inner, max_size=3).map(lambda fields: TupleType(tuple(fields))),
    max_leaves=8,
)  # fmt: skip


@given(TYPES)
def test_type_signatures_are_inverse(made: object) -> None:
    data = write_type(made)
    assert read_type(b"?" + data, 1) == (made, len(data) + 1)


@given(
    st.lists(st.tuples(st.binary(max_size=40), st.sampled_from(["stackvm", "native", "k230"])), min_size=1, max_size=3),
    st.lists(TYPES, max_size=3), st.sampled_from([8, 64, 256]), st.binary(max_size=9),
)  # fmt: skip
def test_v7_models_are_inverse(bodies: list, types: list, alignment: int, trailing: bytes) -> None:
    modules = tuple(
        v7.Module(kind, (v7.Function(tuple(types), AnyType(), 0, len(body), (Section(".desc", b"12345"),)),),
                  (Section(".text", body), Section(".rdata", body[::-1], memory_size=99)))
        for body, kind in bodies
    )  # fmt: skip
    data = v7.write(v7.Model(modules, (0, 0), alignment, 3, trailing))
    again = v7.read(data)
    assert v7.write(again) == data
    assert [bytes(one.section(".text")) for one in again.modules] == [body for body, _ in bodies]
    assert again.modules[0].functions[0].parameters == tuple(types)
    assert (again.flags, bytes(again.trailing)) == (3, trailing)


def test_v5_models_are_inverse_and_aligned() -> None:
    data = conv5()
    model = v5.read(data)
    assert v5.write(model) == data
    stackvm, k210 = model.modules
    assert (stackvm.kind, k210.kind, model.entry) == ("stackvm", "k210", (0, 0))
    assert data.index(b"KPU-TEXT") % 256 == 0
    assert bytes(k210.text(k210.functions[0])) == b"KPU-TEXT"
    assert (k210.pool("kpu"), k210.pool("rdata"), k210.pool("data")) == (2097152, 400, 0)
    entry = model.entry_function()
    assert [(one.element, one.shape) for one in (*entry.inputs, *entry.outputs)] == [
        ("f32", (1, 3, 4, 4)), ("f32", (1, 4, 4, 4)),
    ]  # fmt: skip


def test_v5_headers_are_where_the_reference_dump_has_them() -> None:
    """kmodel v5, annotated file: module 1 at 0x260, its rdata at 0x400, its text at 0x600, 0x6f0 bytes in all."""
    data = conv5(text_size=349, kpu_text_size=240)
    assert len(data) == 0x6F0
    assert data[0x260:0x264] == b"k210"
    assert int.from_bytes(data[0x278:0x27C], "little") == 1168
    assert data[0x400] == 0xAA
    assert data[0x600:0x608] == b"KPU-TEXT"


@pytest.mark.parametrize(("module", "make"), [(v5, conv5), (v7, loop7)])
def test_a_merged_section_is_found_in_rdata(module: object, make: object) -> None:
    model = module.read(make())
    one = model.modules[0]
    sections = [Section(".rdata", b"0123456789"), Section(".text", b"345", merged_at=3)]
    merged = type(one)(one.kind, one.functions, tuple(sections))
    data = module.write(type(model)((merged,), (0, 0)))
    again = module.read(data)
    assert bytes(again.modules[0].section(".text")) == b"345"
    assert module.write(again) == data


def test_constants_are_not_copied() -> None:
    data = loop7()
    rdata = np.frombuffer(read_kmodel(data).modules[0].section(".rdata"), np.uint8)
    assert np.shares_memory(rdata, np.frombuffer(data, np.uint8))


@pytest.mark.parametrize(("data", "message"), [
    (b"", "0 bytes"),
    (b"LDMK\6\0\0\0" + bytes(40), "version 6, expected 3, 4, 5 or 7"),
    (b"LDMK\3\0\0\0" + bytes(40), "version 3, expected 3, 4, 5 or 7"),
    (b"LDMK\5\0\0\0" + bytes(40), "pre-release of version 5"),
    (b"\x1c\0\0\0TFL3" + bytes(40), "a TFLite model"),
    (b"\x08\x07" + bytes(40), "not a kmodel"),
])  # fmt: skip
def test_other_files_are_named(data: bytes, message: str) -> None:
    with pytest.raises(KmodelError, match=message) as caught:
        read_kmodel(data)
    assert caught.value.code == "K0403"


def test_a_missing_file_is_an_error_of_ours(tmp_path: object) -> None:
    with pytest.raises(KmodelError, match=r"K0403.*none.kmodel.*cannot be read"):
        read_kmodel(tmp_path / "none.kmodel")
    with pytest.raises(KmodelError, match="int is not a kmodel"):
        read_kmodel(7)


@pytest.mark.parametrize("data", [RELU, conv5()], ids=["v7", "v5"])
def test_names_survive(data: bytes) -> None:
    sizes = {"dims": {"image": ("", "größe")}, "ranges": {"größe": (1, 9)}}
    names = Names(("image",), ("Übel",), "kpuc 0.1", states={"image": [0.5, 1, 2, 3]}, **sizes)
    model = attach(attach(read_kmodel(data), Names((), ())), names)
    written = v7.write(model) if isinstance(model, v7.Model) else v5.write(model)
    assert names_of(read_kmodel(written)) == names
    assert names_of(read_kmodel(data)) is None


def test_damaged_names_are_an_error() -> None:
    for body in (
        b"{",
        b"[]",
        b'{"inputs": 3}',
        b'{"inputs": [1], "outputs": []}',
        b'{"inputs": [], "outputs": [], "states": {"x": [[1]]}}',
        b'{"inputs": [], "outputs": [], "dims": ["x"]}',
        b'{"inputs": [], "outputs": [], "dims": {"x": [1]}}',
        b'{"inputs": [], "outputs": [], "ranges": {"n": [1]}}',
        b'{"inputs": [], "outputs": [], "ranges": {"n": [1, "9"]}}',
    ):
        model = read_kmodel(RELU)
        one = model.modules[0]
        broken = v7.Module(one.kind, one.functions, (*one.sections, Section(".kpuc.io", body)))
        with pytest.raises(KmodelError, match="K0402"):
            names_of(v7.Model((broken,)))


@pytest.mark.parametrize("data", [RELU, loop7(), conv5()], ids=["relu", "loop", "v5"])
def test_a_description_is_plain_data(data: bytes) -> None:
    described = describe(read_kmodel(data))
    assert json.loads(json.dumps(described)) == described
    assert described["version"] in (5, 7)
    if data == RELU:
        (function,) = described["modules"][0]["functions"]
        assert function["code"] == ["000000  LDARG index=0", "000003  TENSOR.relu  ; input=arg0", "000006  RET"]
        assert function["inputs"] == [{"kind": "tensor", "element": "f32", "shape": [1, 4]}]


def test_constants_beyond_what_code_can_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "LIMIT", 100)
    constants = pool.ConstantPool()
    assert (constants.add(bytes(60)), constants.add(bytes(range(36)))) == (0, 64)
    with pytest.raises(KmodelError, match=r"K0408.* more than 100 bytes"):
        constants.add(b"x")
