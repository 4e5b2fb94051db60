"""KPU code as text: what `kpuc inspect` shows.

Entry: code from an untrusted file. Exit: one line a command, or all that the registers say; damaged code ends with a
line that says why.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from ...errors import KmodelError
from ..kmodel.k210 import Command, Conv2d, Copy, commands
from ..kmodel.struct import Buffer
from ..kmodel.v5 import LOCATION_NAMES, MemoryRange
from .layout import LINE
from .pooling import POOLS
from .registers import LayerArguments

SHOWN = ("arg_x", "shr_x", "arg_w", "shr_w", "arg_add", "pad_value")
"""Registers that lines show, besides addresses and shapes."""


def disassemble(text: Buffer) -> list[str]:
    """Lines "offset  NAME ...". Never raises for damaged code."""
    lines, at = [], 0
    try:
        for one in commands(text):
            lines.append(f"{at:06x}  {_line(one)}")
            at += one.size
    except KmodelError as error:
        lines.append(f"        ({error.where}: {error.cause})")
    return lines


def layers(text: Buffer) -> list[dict[str, Any]]:
    """Batches and all registers of each layer; of damaged code, what comes before the damage."""
    found: list[dict[str, Any]] = []
    try:
        found.extend(
            {"batches": one.batches, **asdict(one.arguments)} for one in commands(text) if isinstance(one, Conv2d)
        )
    except KmodelError:
        return found
    return found


def _line(one: Command) -> str:
    name = type(one).__name__.upper()
    if isinstance(one, Conv2d):
        return f"{name} {_layer(one)}"
    moved = f"{name} {_place(one.source)} -> {_place(one.target)} {_shape(one.shape)}"
    if isinstance(one, Copy):
        return f"{moved} strides {_shape(one.source_strides)} -> {_shape(one.target_strides)}"
    return moved


def _layer(one: Conv2d) -> str:
    stated = one.arguments
    kernel = {0: "1x1", 1: "3x3"}.get(stated.kernel_type, f"kernel type {stated.kernel_type}")
    pool = POOLS[stated.pool_type].name if stated.pool_type < len(POOLS) else f"type {stated.pool_type}"
    maps = f"kpu+{stated.image_src_addr * LINE} {_shape(stated.input_shape(one.batches))}"
    maps += f" -> kpu+{stated.image_dst_addr * LINE} {_shape(stated.output_shape(one.batches))}"
    if one.output.bytes:
        maps += f" and {_place(one.output)}"
    tables = f"weights={_place(one.weights)} norm={_place(one.batch_norm)} activation={_place(one.activation)}"
    shown = " ".join(f"{name}={getattr(stated, name)}" for name in SHOWN)
    kind = f"depthwise {kernel}" if stated.depth_wise_layer else kernel
    return f"{kind} pool={pool} {maps} {tables} {_loads(stated)} {shown}"


def _loads(stated: LayerArguments) -> str:
    return f"loads={stated.load_time + 1}x{stated.o_ch_num_coef + 1}ch,{stated.para_size}B"


def _place(place: MemoryRange) -> str:
    return f"{LOCATION_NAMES.get(place.location, f'location {place.location}')}+{place.start}"


def _shape(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape))
