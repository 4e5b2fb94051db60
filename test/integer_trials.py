"""Groups of quantised operations, computed by native kernels and by numpy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from native_harness import logical, run_groups

from kpuc.backends.native.assign_layouts import zero_of
from kpuc.backends.native.buffer import Buffer, plain_buffer
from kpuc.backends.native.form_groups import ALIASES
from kpuc.backends.native.generators import LOWERINGS
from kpuc.backends.native.group import Group
from kpuc.backends.native.kernels.pointwise import lower_pointwise
from kpuc.backends.native.tabulate import tabulated
from kpuc.dialects import mlir, nn
from kpuc.dialects.evaluate import evaluate
from kpuc.dialects.mlir import ir
from kpuc.dialects.tensors import tensor_type
from kpuc.frontends.builder import NetworkBuilder

MOST_OFF = 1e-3
"""Of all elements, how many may be off by one step: those that are within float error of a half."""


@dataclass(frozen=True)
class Stored:
    """Integers that stand for (q - zero_point) * scale."""

    array: np.ndarray
    scale: float | Sequence[float]
    zero_point: int
    axis: int = -1

    def cast(self, value: ir.Value) -> ir.Value:
        """The value of these integers under its quantised type."""
        scale = np.atleast_1d(self.scale)
        zeros = np.broadcast_to(self.zero_point, scale.shape).tolist()
        type_ = nn.quantized_tensor_type(self.array.shape, scale.tolist(), zeros, self.axis, self.array.dtype)
        return nn.StorageCast(value, results=[type_]).output

    def constant(self) -> ir.Value:
        """The numbers, as an operation inside a group."""
        return nn.Dequantize(self.cast(nn.Constant(value=self.array).output)).output


@dataclass(frozen=True)
class Trial:
    """A group over quantised inputs. write: from their quantised values to the one that is stored.

    layouts: of inputs, then of the result: None is row-major, else the halo of an image.
    """

    name: str
    inputs: Sequence[Stored]
    write: Callable[..., ir.Value]
    layouts: Sequence[tuple[int, int, int, int] | None]


def quantize(value: ir.Value, scale: float, zero_point: int, dtype: str = "int8", ties: str = "away") -> ir.Value:
    """Quantised to a type with one scale."""
    type_ = nn.quantized_tensor_type(value.type.shape, (scale,), (zero_point,), -1, dtype)
    return nn.Quantize(value, ties=ties, results=[type_]).output


def check(trials: Sequence[Trial], spec: Any, families: set[str] | None = None) -> None:
    """Run all and compare. families: what the kernels must be."""
    with mlir.context():
        made = [_make(trial, spec) for trial in trials]
        kernels: set[str] = set()

        def lower(group: Group, buffers: Any, spec: Any) -> Any:
            written = LOWERINGS.get(type(group.anchor), lower_pointwise)(tabulated(group, spec), buffers, spec)
            kernels.update(kernel.family for kernel in written)
            return written

        blocks = run_groups([run for _, run in made], lower, spec, surrounded)
        assert families is None or kernels == families
        for trial, (module, (group, buffers, _)), written in zip(trials, made, blocks, strict=True):
            (expected,) = evaluate(module, [one.array for one in trial.inputs])
            (value,) = group.results
            buffer = buffers[value]
            block = written[value].reshape([buffer.extents[axis] for axis in buffer.order])
            check_filled(buffer, block)
            ours = logical(buffer, block.view(expected.dtype))
            if expected.dtype.kind == "f":
                np.testing.assert_allclose(ours, expected, rtol=1e-5, atol=1e-5 * np.abs(expected).max())
                continue
            off = np.abs(ours.astype(int) - expected.astype(int))
            assert off.max(initial=0) <= 1, trial.name
            assert (off > 0).sum() <= max(1, MOST_OFF * off.size), trial.name


def _make(trial: Trial, spec: Any) -> Any:
    builder = NetworkBuilder("test")
    with ir.Location.unknown():
        types = [tensor_type(one.array.shape, one.array.dtype) for one in trial.inputs]
        arguments = builder.start([(f"x{i}", type_) for i, type_ in enumerate(types)])
    with builder.node("op"):
        values = [one.cast(argument) for one, argument in zip(trial.inputs, arguments, strict=True)]
        stored = trial.write(*values)
        quantised = nn.quantization_parameters(stored.type) is not None
        result = nn.StorageCast(stored).output if quantised else stored
    operations = [op for op in builder.block.operations if not isinstance(op, (nn.Constant, *ALIASES))]
    module = builder.finish([("y", result)])
    anchor = next((op for op in operations if type(op) in LOWERINGS), operations[-1])
    group = Group(anchor, operations, [stored])
    buffers = {
        value: _buffer(value, layout, spec.lanes(4))
        for value, layout in zip([*values, stored], trial.layouts, strict=True)
    }
    return module, (group, buffers, dict(zip(values, (one.array for one in trial.inputs), strict=True)))


def _buffer(value: ir.Value, layout: Any, lanes: int) -> Buffer:
    plain = plain_buffer(value)
    if layout is None:
        return plain
    return Buffer.image(plain.element, plain.shape, lanes, layout, fill=zero_of(value))


def surrounded(buffer: Buffer, array: np.ndarray) -> np.ndarray:
    """The array in its block of memory as a producer leaves it: the halo filled, noise in other unused elements."""
    block = np.random.default_rng(0).integers(-99, 99, buffer.extents).astype(array.dtype)
    if array.ndim == 4:
        block[:, : buffer.before[1] + buffer.shape[1]] = fill_of(buffer, array.dtype)
    block[tuple(slice(b, b + s) for b, s in zip(buffer.before, buffer.shape, strict=True))] = array
    return np.ascontiguousarray(block.transpose(buffer.order)) if buffer.order else block


def check_filled(buffer: Buffer, block: np.ndarray) -> None:
    """What lies around an image is its fill."""
    if buffer.surrounded:
        whole = block.transpose(np.argsort(buffer.order))[:, : buffer.shape[1]].copy()
        top, left = buffer.before[2:]
        whole[:, :, top : top + buffer.shape[2], left : left + buffer.shape[3]] = fill_of(buffer, block.dtype)
        assert (whole == fill_of(buffer, block.dtype)).all()


def fill_of(buffer: Buffer, dtype: Any) -> Any:
    """The fill as memory holds it."""
    return np.array(int(buffer.fill)).astype(dtype)
