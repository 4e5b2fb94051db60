"""Every record of both containers: writing and reading are inverse, and nothing outside a buffer is read."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kpuc.errors import KmodelError
from kpuc.runtime.kmodel import bodies, fields4, k210, v3, v4, v5, v7
from kpuc.runtime.kmodel.layers3 import layers
from kpuc.runtime.kmodel.struct import Inner, Many, Raw, Record, Scalar, Text

RECORDS = [
    v7.ModelHeader, v7.ModuleHeader, v7.FunctionHeader, v7.SectionHeader,
    v5.ModelHeader, v5.ModuleHeader, v5.FunctionHeader, v5.SectionHeader, v5.MempoolDesc, v5.MemoryRange,
    v4.ModelHeader, v3.ModelHeader, v3.Output, bodies.StepHeader,
    *(one.fields for one in (*fields4.nodes.kinds.values(), *layers.kinds.values())),
    *k210.COMMANDS,
]  # fmt: skip


def values_of(coding: Scalar | Text | Raw | Many | Inner) -> st.SearchStrategy:
    if isinstance(coding, Inner):
        return instances(coding.record)
    if isinstance(coding, Many):
        return st.tuples(*[values_of(Scalar(coding.letter))] * coding.count)
    if isinstance(coding, Scalar) and coding.letter == "f":
        return st.floats(width=32, allow_nan=False)
    if isinstance(coding, Scalar) and coding.letter == "i":
        return st.integers(-(2**31), 2**31 - 1)
    if isinstance(coding, Scalar):
        return st.integers(0, 2 ** {"B": 8, "H": 16, "I": 32, "Q": 64}[coding.letter] - 1)
    if isinstance(coding, Raw):
        return st.binary(min_size=coding.size, max_size=coding.size)
    return st.text(st.characters(min_codepoint=1, max_codepoint=127), max_size=coding.size - 1)


def instances(record: type[Record]) -> st.SearchStrategy:
    return st.builds(record, **{one.name: values_of(one.coding) for one in record.places if one.const is None})


@pytest.mark.parametrize("record", RECORDS, ids=lambda one: f"{one.__module__[-2:]}-{one.__name__}")
@settings(max_examples=30)
@given(data=st.data())
def test_write_and_read_are_inverse(record: type[Record], data: st.DataObject) -> None:
    made = data.draw(instances(record))
    written = made.write()
    assert len(written) == record.size
    assert record.read(b"\xff" * 3 + written, 3) == made
    with pytest.raises(KmodelError, match=record.__name__):
        record.read(written[:-1])
    with pytest.raises(KmodelError):
        record.read(written, -1)


def test_a_wrong_constant_names_byte_and_field() -> None:
    data = bytearray(v7.ModelHeader(modules=1, entry_module=0, entry_function=0).write())
    data[4] = 9
    with pytest.raises(KmodelError, match=r"K0402.*byte 4.*ModelHeader.version is 0x9, expected 0x7"):
        v7.ModelHeader.read(data)


@pytest.mark.parametrize("name", ["sixteen letters!", "ä", "a\0b"])
def test_a_name_that_does_not_fit_is_not_written(name: str) -> None:
    header = v7.ModuleHeader(kind=name, sections=0, functions=0, bytes=40)
    with pytest.raises(KmodelError, match="K0408"):
        header.write()


def test_a_number_that_does_not_fit_is_not_written() -> None:
    with pytest.raises(KmodelError, match="K0408"):
        dataclasses.replace(v5.MempoolDesc(location=1, bytes=0), bytes=2**32).write()
