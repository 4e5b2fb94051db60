"""Damaged, hostile and unsupported TFLite files."""

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import SHIPPED

from kpuc.dialects import mlir
from kpuc.errors import KpucError, ModelError, OptionError, UnsupportedError
from kpuc.frontends.tflite import import_tflite

DATA = (SHIPPED / "fsdd_kws_dscnn.tflite").read_bytes()


def load(source, **options):
    with mlir.context():
        import_tflite(source, **options)


@pytest.mark.parametrize("data", [b"", b"TFL3", b"\0\0\0\0TFL3", b"\xff" * 64, b"\x1c\0\0\0TFL3" + b"\xff" * 64])
def test_no_tflite(data):
    with pytest.raises(ModelError, match="K0140"):
        load(data)


def test_missing_file():
    with pytest.raises(ModelError, match="K0100"):
        load("nosuch.tflite")


def test_quantised_networks_are_refused_with_a_sentence():
    with pytest.raises(UnsupportedError, match=r"K0151.*fashion_dscnn_int8.tflite.*quantised"):
        load(SHIPPED / "fashion_dscnn_int8.tflite")


def test_shapes_that_do_not_fit():
    name = "serving_default_input:0"
    with pytest.raises(OptionError, match="K0105"):
        load(DATA, shapes={name: (1, 40, 50, 1)})
    with pytest.raises(OptionError, match="there is no input 'x'"):
        load(DATA, shapes={"x": (1, 40, 49, 1)})


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(8, len(DATA) - 1))
def test_truncation_is_an_error(size):
    with pytest.raises(KpucError):
        load(DATA[:size])


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(8, 4000), st.integers(0, 255))
def test_flipped_bytes_never_crash(at, value):
    damaged = bytearray(DATA)
    damaged[-at] = value
    with contextlib.suppress(KpucError):
        load(bytes(damaged))
