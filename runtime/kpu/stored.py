"""A KPU layer as kmodels of versions 3 and 4 store it: registers, weights, batch norm and activation table, as arrays.

Entry: registers of any origin for `weights_shape`; a layer to be written for `stored`. Exit: shapes, arrays, or
KmodelError: K0402 for what a file cannot hold, K0408 for a layer that the chip would not compute as its registers say.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from ...errors import KmodelError
from .pooling import POOLS
from .registers import LayerArguments, layer_arguments
from .tables import Activation, BatchNorm

Array = np.ndarray[Any, np.dtype[Any]]
FREE = frozenset({"pad_value", "shr_w", "shr_x", "arg_w", "arg_x", "arg_add", "send_data_out"})
"""Registers that do not follow from shapes and addresses."""


def weights_shape(arguments: LayerArguments) -> tuple[int, int, int, int]:
    """(outputs, inputs or 1, k, k); KmodelError K0402 for a kernel that does not exist."""
    if arguments.kernel_type > 1:
        raise KmodelError("K0402", cause=f"kernel type {arguments.kernel_type} is not 0 or 1")
    taps = 3 if arguments.kernel_type else 1
    return arguments.o_ch_num + 1, 1 if arguments.depth_wise_layer else arguments.i_ch_num + 1, taps, taps


def stored(
    arguments: LayerArguments, weights: Array, batch_norm: BatchNorm, activation: Activation, batches: int
) -> tuple[Array, Array, Array]:
    """Batch norm (uint64), activation (144 bytes) and weights (uint8) of a layer that the chip computes as stated."""
    _check_registers(arguments, batches)
    shape = weights_shape(arguments)
    if weights.dtype != np.uint8 or weights.size != np.prod(shape):
        raise _refused(f"weights are {weights.dtype.name}{list(weights.shape)}, expected uint8{list(shape)}")
    norm = np.frombuffer(batch_norm.pack(), "<u8")
    if len(norm) != shape[0]:
        raise _refused(f"{len(norm)} rows of batch norm for {shape[0]} channels")
    return norm, np.frombuffer(activation.pack(), np.uint8), np.ascontiguousarray(weights).reshape(shape)


def _check_registers(arguments: LayerArguments, batches: int) -> None:
    """That sizes, addresses and strides in the registers belong together, and maps lie in KPU RAM."""
    if arguments.pool_type >= len(POOLS):
        raise _refused(f"pool type {arguments.pool_type} is not 0 to {len(POOLS) - 1}")
    outputs, _, kernel, _ = weights_shape(arguments)
    source, target = arguments.image_src_addr * 64, arguments.image_dst_addr * 64
    expected = layer_arguments(
        source, target, arguments.input_shape(batches), outputs, kernel=kernel,
        depthwise=bool(arguments.depth_wise_layer), pool=POOLS[arguments.pool_type].name,
    )  # fmt: skip
    given = asdict(arguments)
    for name, value in asdict(expected).items():
        if name not in FREE and given[name] != value:
            raise _refused(f"register {name} is {given[name]}, expected {value}")


def _refused(cause: str) -> KmodelError:
    return KmodelError("K0408", where="KPU layer", cause=cause)
