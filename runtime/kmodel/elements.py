"""Element types of tensors: one row a type, with its code in each kmodel version and its numpy dtype."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...errors import KmodelError


@dataclass(frozen=True)
class Element:
    """`v5` and `v7` are the codes in those containers (None: the version has no such type); bf16 and utf8 have no numpy
    dtype."""

    name: str
    v5: int | None
    v7: int | None
    numpy: str | None


ELEMENTS = {
    row.name: row
    for row in (
        Element("bool", None, 0, "bool"),
        Element("utf8", None, 1, None),
        Element("i8", 0, 2, "int8"),
        Element("i16", 1, 3, "int16"),
        Element("i32", 2, 4, "int32"),
        Element("i64", 3, 5, "int64"),
        Element("u8", 4, 6, "uint8"),
        Element("u16", 5, 7, "uint16"),
        Element("u32", 6, 8, "uint32"),
        Element("u64", 7, 9, "uint64"),
        Element("f16", 8, 10, "float16"),
        Element("f32", 9, 11, "float32"),
        Element("f64", 10, 12, "float64"),
        Element("bf16", 11, 13, None),
    )
}
V5_CODES = {row.name: row.v5 for row in ELEMENTS.values() if row.v5 is not None}
V7_CODES = {row.name: row.v7 for row in ELEMENTS.values() if row.v7 is not None}
V5_NAMES = {code: name for name, code in V5_CODES.items()}
V7_NAMES = {code: name for name, code in V7_CODES.items()}
_BY_NUMPY = {row.numpy: row.name for row in ELEMENTS.values() if row.numpy is not None}


def numpy_dtype(name: str) -> np.dtype[Any]:
    """numpy's dtype of an element type; KmodelError K0404 for those that numpy lacks (bf16, utf8)."""
    numpy = ELEMENTS[name].numpy
    if numpy is None:
        raise KmodelError("K0404", cause=f"tensors of {name} have no numpy equivalent")
    return np.dtype(numpy)


def element_name(dtype: np.dtype[Any]) -> str:
    """Our name of a numpy dtype, e.g. "f32"; KmodelError K0404 for a dtype that kmodels cannot hold."""
    name = _BY_NUMPY.get(np.dtype(dtype).name)
    if name is None:
        raise KmodelError("K0404", cause=f"kmodels cannot hold tensors of {np.dtype(dtype).name}")
    return name


def element_bytes(name: str) -> int:
    """The size of an element of a type that has a fixed one."""
    return 2 if name == "bf16" else numpy_dtype(name).itemsize
