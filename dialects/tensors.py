"""Tensor types, shapes and constants between MLIR and numpy.

Signed integers are signless in MLIR (`i8`), unsigned ones are `ui8`, booleans `i1`. A dimension that is not known is
None here and `?` in the IR. Quantised element types (`!quant.uniform`) have the numpy dtype of their storage.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from .mlir import ir, quant

DYNAMIC = ir.ShapedType.get_dynamic_size()
"""What MLIR has in the place of a dimension that is not known."""
Dim = int | None
Shape = tuple[Dim, ...]
Array = np.ndarray[Any, np.dtype[Any]]

_NAMES = {
    "bool": "i1",
    "int8": "i8",
    "int16": "i16",
    "int32": "i32",
    "int64": "i64",
    "uint8": "ui8",
    "uint16": "ui16",
    "uint32": "ui32",
    "uint64": "ui64",
    "float16": "f16",
    "float32": "f32",
    "float64": "f64",
}
_DTYPES = {text: name for name, text in _NAMES.items()}


def element_type(dtype: Any) -> ir.Type:
    """The MLIR element type of a numpy dtype; raises TypeError when there is none."""
    name = np.dtype(dtype).name
    if name not in _NAMES:
        raise TypeError(f"tensors of {name} are not supported")
    return ir.Type.parse(_NAMES[name])


def dtype_of(type_: ir.Type | ir.Value) -> np.dtype[Any]:
    """The numpy dtype of an element type, tensor type or value (of the storage, for quantised types)."""
    if isinstance(type_, ir.Value):
        type_ = type_.type
    if isinstance(type_, ir.ShapedType):
        type_ = type_.element_type
    if isinstance(type_, quant.QuantizedType):
        return np.dtype(f"{'int' if type_.is_signed else 'uint'}{type_.storage_type_integral_width}")
    name = _DTYPES.get(str(type_))
    if name is None:
        raise TypeError(f"{type_} has no numpy dtype")
    return np.dtype(name)


def has_dtype(type_: ir.Type) -> bool:
    """Whether numpy has the elements of an element type or tensor type."""
    elements = type_.element_type if isinstance(type_, ir.ShapedType) else type_
    return isinstance(elements, quant.QuantizedType) or str(elements) in _DTYPES


def shape_of(value: ir.Value | ir.Type) -> Shape:
    """The shape of a tensor value or type, None for each dimension that is not known."""
    type_ = value.type if isinstance(value, ir.Value) else value
    return tuple([None if dim == DYNAMIC else dim for dim in type_.shape])


def static_shape(value: ir.Value | ir.Type) -> tuple[int, ...]:
    """The shape of a value that has no unknown dimensions."""
    return tuple(dim or 0 for dim in shape_of(value))


def is_static(value: ir.Value | ir.Type) -> bool:
    """Whether every dimension is known."""
    return None not in shape_of(value)


def tensor_type(shape: Sequence[Dim], like: Any) -> ir.RankedTensorType:
    """The tensor type of `shape`; `like` is a value or type with the same elements, or a numpy dtype."""
    if isinstance(like, ir.Value):
        like = like.type
    if isinstance(like, ir.ShapedType):
        like = like.element_type
    elements = like if isinstance(like, ir.Type) else element_type(like)
    dims = [DYNAMIC if dim is None else int(dim) for dim in shape]
    return ir.RankedTensorType.get(dims, elements, loc=ir.Location.unknown(elements.context))


def elements_attribute(array: Any) -> ir.Attribute:
    """A dense attribute that holds a copy of `array`."""
    array = np.asarray(array)
    elements = element_type(array.dtype)
    if array.size == 0:
        return ir.Attribute.parse(f"dense<> : {ir.RankedTensorType.get(array.shape, elements)}")
    if array.dtype == np.bool_ and (array.all() or not array.any()):
        splat = ir.IntegerAttr.get(elements, int(array.flat[0]))
        return ir.DenseElementsAttr.get_splat(ir.RankedTensorType.get(array.shape, elements), splat)
    return ir.DenseElementsAttr.get(np.ascontiguousarray(array), type=elements, shape=list(array.shape))


def elements_to_numpy(attribute: Any) -> Array:
    """The elements as a read-only view of the attribute's memory, valid as long as the context lives."""
    shape, dtype = tuple(attribute.type.shape), dtype_of(attribute.type)
    if 0 in shape:
        return np.empty(shape, dtype)
    return np.asarray(attribute).reshape(shape)
