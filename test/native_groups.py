"""Networks of one group, lowered to kernels by their anchor's generator, run, and compared with numpy."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from native_harness import X86_64_V4_VNNI, aligned, compile_kernels, logical, mlir_dtype, physical
from single_operation import Case

from kpuc.backends.native.buffer import Buffer, element_of, plain_buffer
from kpuc.backends.native.generators import LOWERINGS
from kpuc.backends.native.group import Group
from kpuc.backends.native.kernel import Scratch
from kpuc.backends.native.target import TargetSpec
from kpuc.dialects import mlir, nn
from kpuc.dialects.evaluate import evaluate
from kpuc.dialects.function import entry_function
from kpuc.dialects.mlir import ir
from kpuc.dialects.tensors import static_shape

HALO = (1, 2, 3, 1)
FILL = 0.5


@dataclass(frozen=True)
class Trial:
    """A network of one group. image: which of its tensors lie as images: inputs first, then results.

    error: how far results may be off, relative to the largest number of a result; 0: exactly.
    """

    name: str
    write: Callable[..., Any]
    inputs: tuple[np.ndarray, ...]
    error: float = 0.0
    image: tuple[int, ...] = ()
    anchor: type[Any] | None = None


def check(trials: Sequence[Trial], spec: TargetSpec = X86_64_V4_VNNI) -> None:
    """Compile the kernels of all trials together, run them, and compare."""
    with mlir.context():
        prepared = [_prepare(trial, spec) for trial in trials]
        kernels = [kernel for job in prepared for kernel in job.kernels]
        engine = compile_kernels(kernels, spec)
        first = 0
        for job in prepared:
            addresses = [engine.get_function_address(f"k{first + i}") for i in range(len(job.kernels))]
            first += len(job.kernels)
            job.compare(job.run(addresses))


@dataclass
class _Job:
    trial: Trial
    module: ir.Module
    values: list[ir.Value]
    group: Group
    buffers: dict[ir.Value, Buffer]
    kernels: list[Any]

    def run(self, addresses: list[int]) -> dict[ir.Value, np.ndarray]:
        """Each task alone, backwards."""
        arrays = [array.view(np.int8) if array.dtype == bool else array for array in self.trial.inputs]
        blocks = {
            value: aligned(physical(self.buffers[value], array))
            for value, array in zip(self.values, arrays, strict=True)
        }
        for value in self.group.results:
            buffer = self.buffers[value]
            blocks[value] = aligned(
                np.full([buffer.extents[axis] for axis in buffer.order], 99, mlir_dtype(buffer.element))
            )
        scratch: dict[int, np.ndarray] = {}
        for kernel, address in zip(self.kernels, addresses, strict=True):
            pointers, alive = [], []
            for argument in kernel.arguments:
                source = argument.source
                if isinstance(source, Scratch):
                    size = argument.buffer.bytes
                    block = scratch.setdefault(id(source), aligned(np.full(size, 0x7F, np.uint8)))
                    assert block.size == size
                else:
                    block = aligned(source) if isinstance(source, np.ndarray) else blocks[source]
                pointers.append(block.ctypes.data)
                alive.append(block)
            function = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * len(pointers), ctypes.c_long, ctypes.c_long)(address)
            for task in reversed(range(kernel.tasks)):
                function(*pointers, task, task + 1)
        return blocks

    def compare(self, blocks: dict[ir.Value, np.ndarray]) -> None:
        """With numpy, and the halo of images with its fill."""
        wanted = evaluate(self.module, self.trial.inputs)
        for value, array in zip(self.group.results, wanted, strict=True):
            buffer, block = self.buffers[value], blocks[value]
            got = logical(buffer, block)
            expected = array.view(np.int8) if array.dtype == bool else array
            if expected.dtype.kind == "u":
                got = got.view(expected.dtype)
            if self.trial.error == 0:
                np.testing.assert_array_equal(got, expected, self.trial.name)
            else:
                finite = np.abs(expected[np.isfinite(expected)])
                bound = self.trial.error * float(np.max(finite, initial=1e-30))
                np.testing.assert_allclose(got, expected, rtol=0, atol=bound, err_msg=self.trial.name)
            if not buffer.is_plain:
                top, left = buffer.before[2:]
                outside = block.copy()
                outside[:, top : top + buffer.shape[2], left : left + buffer.shape[3]] = FILL
                assert (outside == mlir_dtype(buffer.element).type(FILL)).all(), self.trial.name


def _prepare(trial: Trial, spec: TargetSpec) -> _Job:
    module = Case(trial.name, trial.write, trial.inputs, 0.0).module()
    block = entry_function(module).regions[0].blocks[0]
    *operations, end = block.operations
    computing = [op for op in operations if not isinstance(op, nn.Constant)]
    anchor = next(op for op in computing if type(op) in LOWERINGS and trial.anchor in (None, type(op)))
    group = Group(anchor, computing, list(end.operands))
    values = list(block.arguments)
    buffers = {}
    for number, value in enumerate([*values, *group.results]):
        buffers[value] = plain_buffer(value)
        if number in trial.image:
            lanes = spec.lanes(4)
            buffers[value] = Buffer.image(element_of(value), static_shape(value), lanes, HALO, FILL)
    return _Job(trial, module, values, group, buffers, LOWERINGS[type(anchor)](group, buffers, spec))
