"""Where values are and what is done in which order, as `kpu-bufferize` has written it."""

from typing import Any

from ..dialects import kpu, nn
from ..dialects.mlir import ir
from ..passes.buffers.plan import ALIASES, root
from ..passes.rewriter import producer, users

SILENT = (nn.Constant, kpu.Constant, kpu.Buffer, kpu.Load, *ALIASES)
"""Operations that only say where something is."""


def source_of(value: ir.Value) -> ir.Value:
    """The buffer that a value is, is loaded from or is stored into; of a constant, the value of its `nn.constant`."""
    constant = producer(value, kpu.Constant)
    if constant is not None:
        return root(constant.value)
    if isinstance(value.type, ir.MemRefType):
        return value
    load = producer(value, kpu.Load)
    if load is not None:
        return load.source
    source = root(value)
    return source if nn.constant_value(source) is not None else store_of(value).target


def store_of(value: ir.Value) -> kpu.Store:
    """The store of what an operation of the host computes."""
    (store,) = (user for user in users(value) if isinstance(user, kpu.Store))
    return store


def is_copy(store: kpu.Store) -> bool:
    """Whether a store moves bytes that are elsewhere already."""
    return bool(source_of(store.value) != store.target)


def address_of(buffer: ir.Value) -> int:
    """The byte of its memory at which a buffer begins."""
    offset = kpu.offset_of(buffer)
    assert offset is not None, f"{buffer} has no offset"
    return offset


def steps_of(block: ir.Block) -> list[Any]:
    """What is done, in order: operations of the host and of the KPU, and stores that are copies."""
    *body, _ = block.operations
    return [op for op in body if not isinstance(op, SILENT) and not (isinstance(op, kpu.Store) and not is_copy(op))]
