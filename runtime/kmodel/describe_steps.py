"""Kmodels of versions 3 and 4 as plain data.

Entry: a decoded model. Exit: dicts, lists, strings and numbers only; what is damaged is described, never an error.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from ...errors import KmodelError
from ..kpu.pooling import POOLS
from ..kpu.registers import LayerArguments
from . import nodes4, v3, v4
from .bodies import Body
from .elements import element_name
from .fields4 import MemoryRange, nodes
from .layers3 import layers
from .struct import Record

OPERATIONS: Mapping[type[Record], tuple[str, ...]] = {
    nodes4.Unary: nodes4.UNARIES,
    nodes4.Binary: nodes4.BINARIES,
    nodes4.QuantizedBinary: nodes4.BINARIES,
    nodes4.Reduce: nodes4.REDUCTIONS,
    nodes4.ReduceWindow2D: nodes4.REDUCTIONS,
    nodes4.CpuReduceWindow2D: nodes4.REDUCTIONS,
}
"""What the numbers in a node's field `operation` stand for."""


def describe_steps(model: v3.Model | v4.Model) -> dict[str, Any]:
    """Version, memory, inputs, outputs, and the steps with their fields and arrays."""
    described: dict[str, Any] = {"version": model.version, "flags": model.flags, "main_memory": model.main_memory}
    if isinstance(model, v4.Model):
        described["target"] = v4.TARGET_NAMES.get(model.target, str(model.target))
        described["constant_bytes"] = len(model.constants)
        places = [str(one.range) for one in model.inputs], [str(one) for one in model.outputs]
    else:
        described["kpu_lines"] = model.kpu_lines
        places = ["first layer"], [f"main[{one.address}:{one.address + one.bytes}]" for one in model.outputs]
    try:
        signature = model.signature()
        for name, types, memory in zip(("inputs", "outputs"), signature, places, strict=True):
            described[name] = [
                {"element": element, "shape": list(shape), "memory": place}
                for (element, shape), place in zip(types, memory, strict=True)
            ]
    except KmodelError as error:
        described |= {"inputs": [], "outputs": [], "damage": error.cause}
    described["trailing_bytes"] = len(model.trailing)
    described["steps"] = _steps(model)
    return described


def _steps(model: v3.Model | v4.Model) -> list[dict[str, Any]]:
    catalogue = nodes if isinstance(model, v4.Model) else layers
    described, at = [], model.position()
    for step in model.steps:
        facts: dict[str, Any] = {"step": catalogue.name(step.opcode), "at": at, "bytes": len(step.body)}
        try:
            body = catalogue.read(step.opcode, step.body, at)
            if isinstance(model, v3.Model):
                body = model.resolved(body)
            facts |= _facts(body)
        except KmodelError as error:
            facts["damage"] = error.cause
        described.append(facts)
        at += len(step.body)
    return described


def _facts(body: Body) -> dict[str, Any]:
    """Fields by name, in the order of the file, and what arrays there are."""
    facts = _fields(body.fields)
    for name, array in body.arrays.items():
        if name == "registers":
            facts |= _layer([int(word) for word in array])
        else:
            facts[name] = f"{element_name(array.dtype)}{list(array.shape)}"
    return facts


def _fields(record: Record) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    for one in record.places:
        value = getattr(record, one.name)
        if isinstance(value, MemoryRange):
            facts[one.name] = str(value) if value.bytes else "none"
        elif isinstance(value, Record):
            facts |= _fields(value)
        elif one.name == "registers":
            facts |= _layer(value)
        elif one.name == "operation":
            names = OPERATIONS[type(record)]
            facts[one.name] = names[value] if value < len(names) else value
        elif not one.name.startswith("reserved"):
            facts[one.name] = _plain(value)
    return facts


def _plain(value: Any) -> Any:
    """What JSON can hold."""
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, bytes):
        return value.hex()
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _layer(words: Any) -> Mapping[str, Any]:
    """What the registers of a KPU layer say: what matters most, and all."""
    it = LayerArguments.unpack(words)
    pool = POOLS[it.pool_type].name if it.pool_type < len(POOLS) else f"type {it.pool_type}"
    return {
        "source_line": it.image_src_addr,
        "target_line": it.image_dst_addr,
        "maps": list(it.input_shape(1)[1:]),
        "maps_out": list(it.output_shape(1)[1:]),
        "kernel": {0: 1, 1: 3}.get(it.kernel_type, f"type {it.kernel_type}"),
        "depthwise": bool(it.depth_wise_layer),
        "pool": pool,
        "pad_value": it.pad_value,
        "registers": asdict(it),
    }
