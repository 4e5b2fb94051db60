"""Operands that are computed into memory of their own first, for generators that read them often, and from memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ....dialects.mlir import ir
from ..buffer import Buffer
from ..group import Group
from ..kernel import Kernel
from ..target import TargetSpec
from .pointwise import lower_pointwise


def computed_ahead(
    group: Group, buffers: Mapping[ir.Value, Buffer], spec: TargetSpec, value: ir.Value, buffer: Buffer
) -> tuple[list[Kernel], Group, dict[ir.Value, Buffer]]:
    """What computes a value inside of the group into a buffer; the group without it; and all buffers."""
    before = _computing(group, value)
    placed = {**buffers, value: buffer}
    first = lower_pointwise(Group(before[-1], before, [value]), placed, spec)
    rest = [op for op in group.operations if op not in before]
    return first, Group(group.anchor, rest, group.results), placed


def _computing(group: Group, value: ir.Value) -> list[Any]:
    """The operations of a group that compute a value, in order."""
    wanted, found = {value}, []
    for op in reversed(group.operations):
        if wanted & set(op.operation.results):
            wanted.update(op.operation.operands)
            found.append(op)
    return found[::-1]
