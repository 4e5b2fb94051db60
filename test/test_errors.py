"""Errors as values."""

import pickle

import pytest

from kpuc.errors import UnsupportedError
from kpuc.onnx_backend import NotSupportedError


@pytest.mark.parametrize("kind", [UnsupportedError, NotSupportedError])
def test_they_go_from_process_to_process(kind):
    error = kind("K0602", cause="it has no such function", where="a.onnx: /x", remedy="see kpuc ops")
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is kind
    assert again.as_json() == error.as_json()
    assert str(again) == str(error)
