"""Executes kmodels of version 4: nodes in order, each to its end.

Entry: a decoded kmodel, trusted or not. Exit: the outputs, or an error: KmodelError K0401 to K0404 for what is wrong
with the file, ExecutionError K0503 to K0505 with the node for what is wrong with the execution.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...errors import ExecutionError
from ..kmodel.bodies import Body
from ..kmodel.elements import numpy_dtype
from ..kmodel.fields4 import LOCATIONS
from ..kmodel.nodes4 import KpuConv2D, KpuUpload
from ..kmodel.v4 import Model
from ..kpu.layer import Layer
from ..machine import Array, Linker
from . import integers4  # noqa: F401  # registers its kernels
from .kernels4 import KERNELS, U8, Tensors
from .layer import prepared, run_layer
from .memory import Memories, located, main_memory


class Interpreter:
    """One kmodel; layers of the KPU are prepared when they first run."""

    def __init__(self, model: Model, link: Linker, _index: int) -> None:
        self.model, self.bodies, self._link = model, model.bodies(), link
        main_memory(model.main_memory)
        self._types = model.signature()[1]
        self._constants = np.frombuffer(model.constants, np.uint8)
        self._layers: dict[int, Layer] = {}

    def call(self, _function: int, arguments: Sequence[Array]) -> tuple[Array, ...]:
        """Outputs of the only function."""
        memories = Memories(main_memory(self.model.main_memory), self._constants)
        tensors = Tensors(memories)
        for declared, given in zip(self.model.inputs, arguments, strict=True):
            if declared.range.location == LOCATIONS["kpu"]:
                memories.upload(declared.range.start, given)
            else:
                tensors.target(declared.range, given.dtype, given.shape)[...] = given
        with np.errstate(all="ignore"):
            for index, body in enumerate(self.bodies):
                with located(f"node {index}, {body.kind.name}"), self._link.timed(body.kind.name):
                    self._step(tensors, index, body)
        return tuple(
            tensors.view(one, numpy_dtype(element), shape).copy()
            for one, (element, shape) in zip(self.model.outputs, self._types, strict=True)
        )

    def _step(self, tensors: Tensors, index: int, body: Body) -> None:
        if isinstance(body.fields, KpuConv2D):
            self._convolve(tensors, index, body)
        elif isinstance(body.fields, KpuUpload):
            _upload(tensors, body.fields)
        else:
            KERNELS[type(body.fields)](tensors, body.fields, *body.arrays.values())

    def _convolve(self, tensors: Tensors, index: int, body: Body) -> None:
        fields: KpuConv2D = body.fields
        if index not in self._layers:
            self._layers[index] = prepared(fields.arguments, body.arrays)
        results = run_layer(tensors.memories, self._layers[index], fields.batches)
        if fields.output.bytes:
            tensors.target(fields.output, U8, results.shape)[...] = results


def _upload(tensors: Tensors, it: KpuUpload) -> None:
    if it.output.location != LOCATIONS["kpu"]:
        raise ExecutionError("K0504", cause=f"{it.output} is not in KPU RAM")
    tensors.memories.upload(it.output.start, tensors.view(it.input, U8, it.shape))
