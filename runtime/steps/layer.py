"""Runs one KPU layer in KPU RAM."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..kpu.layer import Layer
from ..kpu.layout import LINE
from ..kpu.registers import LayerArguments
from ..kpu.tables import Activation, BatchNorm
from ..machine import Array
from .memory import Memories


def prepared(arguments: LayerArguments, arrays: Mapping[str, Array]) -> Layer:
    """A layer of `weights`, `batch_norm`, `activation` as files hold them; ExecutionError K0504: no KPU computes it."""
    norm, activation = (arrays[name].tobytes() for name in ("batch_norm", "activation"))
    return Layer.of(arguments, arrays["weights"], BatchNorm.unpack(norm), Activation.unpack(activation))


def run_layer(memories: Memories, layer: Layer, batches: int) -> Array:
    """The dense result (n, c, h, w), which is in KPU RAM too then."""
    arguments = layer.arguments
    given, source = memories.maps(arguments.image_src_addr * LINE, arguments.input_shape(batches))
    made, target = memories.maps(arguments.image_dst_addr * LINE, arguments.output_shape(batches))
    memories.spend(layer.work, batches)
    maps = given.load(source, 0)
    results = np.stack([layer.run(one) for one in maps])
    made.store(target, 0, results)
    return results
