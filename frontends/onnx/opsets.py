"""Which opsets have which operators, by onnx's own schemas."""

from functools import cache

import onnx

OLDEST, NEWEST = 7, 28
"""The opsets that are imported."""
CONVERT = "convert it with onnx.version_converter.convert_version"
CONTRIB = "com.microsoft"
"""The domain of onnxruntime's own operators, which has no opsets; their names are written `com.microsoft.FusedConv`."""
PREVIEW = "ai.onnx.preview"
"""The domain of operators that may join the standard, all of version 1; named like `ai.onnx.preview.FlexAttention`."""

MISPLACED = ("SimplifiedLayerNormalization",)
"""What onnxruntime puts into the standard's domain, although the standard does not have it."""


def full_name(node: onnx.NodeProto) -> str:
    """A node's operator as it is registered: behind its domain, unless it is the standard's."""
    own = node.op_type in MISPLACED
    standard = node.domain in ("", "ai.onnx")
    return str(node.op_type) if standard and not own else f"{CONTRIB if standard else node.domain}.{node.op_type}"


def is_standard(operator: str) -> bool:
    """Whether an operator belongs to the standard's opsets."""
    return "." not in operator


@cache
def opsets(operator: str) -> tuple[int, int]:
    """The first and the last opset in which an operator can be imported; of onnxruntime's own, the domain's version."""
    if not is_standard(operator):
        return 1, 1
    schema = onnx.defs.get_schema(operator)
    version = int(schema.since_version)
    last = version - 1 if schema.deprecated else NEWEST
    while version > 1 and onnx.defs.has(operator, version - 1):
        version = int(onnx.defs.get_schema(operator, version - 1).since_version)
    return max(version, OLDEST), last


def schema_of(operator: str, opset: int) -> onnx.defs.OpSchema | None:
    """The schema that describes an operator in an opset; onnxruntime's own have none.

    GroupNormalization was deprecated by the very opset 18 that introduced it; files have it, and it has the form of 21.
    """
    domain, _, name = operator.rpartition(".")
    if domain:
        return onnx.defs.get_schema(name, 1, domain) if domain == PREVIEW else None
    return onnx.defs.get_schema(name, max(opset, 21) if name == "GroupNormalization" and opset >= 18 else opset)


TYPES = {
    "float16": "f16", "float": "f32", "double": "f64",
    "int8": "i8", "int16": "i16", "int32": "i32", "int64": "i64",
    "uint8": "u8", "uint16": "u16", "uint32": "u32", "uint64": "u64",
    "bool": "bool",
}  # fmt: skip
"""The element types that `nn` has, by the standard's names."""


@cache
def element_types(operator: str) -> list[str]:
    """The types of the first input that the newest schema allows and `nn` has; of an operator without inputs, those of
    its result. Onnxruntime's own operators have no schema here: none are stated."""
    found = schema_of(operator, opsets(operator)[1])
    if found is None:
        return []
    first = (*found.inputs, *found.outputs)[0]
    return [ours for theirs, ours in TYPES.items() if f"tensor({theirs})" in first.types]
