"""Networks of one operation or a few, computed by native kernels and by numpy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from native_harness import X86_64_V4_VNNI, logical, run_groups
from single_operation import Case

from kpuc.backends.native import generators
from kpuc.backends.native.buffer import Buffer, plain_buffer
from kpuc.backends.native.group import Group
from kpuc.dialects import nn
from kpuc.dialects.evaluate import evaluate
from kpuc.dialects.function import entry_function
from kpuc.dialects.mlir import ir

assert generators, "importing them registers them"


@dataclass(frozen=True)
class Trial:
    """`write` makes a network from the values of the inputs; what it returns is stored. `layout` gives the buffers of
    inputs and results."""

    name: str
    write: Callable[..., Any]
    inputs: tuple[np.ndarray, ...]
    layout: Callable[[ir.Value], Buffer] = plain_buffer


@dataclass(frozen=True)
class Job:
    """A network, what it is given, and the buffers of its inputs and results."""

    name: str
    module: ir.Module
    inputs: Sequence[np.ndarray]
    layout: Callable[[ir.Value], Buffer]


@dataclass(frozen=True)
class Outcome:
    """What kernels and numpy computed."""

    name: str
    ours: list[np.ndarray]
    numpy: list[np.ndarray]


def images(rng: np.random.Generator, lanes: int = 16) -> Callable[[ir.Value], Buffer]:
    """A layout of values of rank 4 as images with random halos, about half of them."""

    def layout(value: ir.Value) -> Buffer:
        plain = plain_buffer(value)
        if len(plain.shape) != 4 or rng.random() < 0.3:
            return plain
        halo = rng.integers(0, 3, 4).tolist() if rng.random() < 0.7 else (0, 0, 0, 0)
        return Buffer.image(plain.element, plain.shape, lanes, halo, fill=float(rng.integers(0, 3)))

    return layout


def compute(trials: Sequence[Trial], lower: Callable[..., Any], spec: Any = X86_64_V4_VNNI) -> list[Outcome]:
    """What each network gives, compiled together."""
    made = [(trial, Case(trial.name, trial.write, trial.inputs, 0.0).module()) for trial in trials]
    return finish([Job(trial.name, module, trial.inputs, trial.layout) for trial, module in made], lower, spec)


def finish(jobs: Sequence[Job], lower: Callable[..., Any], spec: Any = X86_64_V4_VNNI) -> list[Outcome]:
    """What each network gives, compiled together. Halos must be filled, and nothing beside results be written."""
    runs = [_run(job) for job in jobs]
    outcomes = []
    for job, (group, buffers, _), blocks in zip(jobs, runs, run_groups(runs, lower, spec), strict=True):
        expected = evaluate(job.module, job.inputs)
        ours = []
        for value, array in zip(group.results, expected, strict=True):
            if array.size:
                buffer = buffers[value]
                block = blocks[value].reshape([buffer.extents[axis] for axis in buffer.order])
                check_halo(buffer, block, job.name)
                ours.append(logical(buffer, block).view(array.dtype))
            else:
                ours.append(array)
        outcomes.append(Outcome(job.name, ours, expected))
    return outcomes


def _run(job: Job) -> tuple[Group, dict[ir.Value, Buffer], dict[ir.Value, np.ndarray]]:
    block = entry_function(job.module).regions[0].blocks[0]
    *operations, end = block.operations
    operations = [op for op in operations if not isinstance(op, nn.Constant)]
    group = Group(operations[-1], operations, list(end.operation.operands))
    buffers = {value: job.layout(value) for value in [*block.arguments, *group.results]}
    stored = [array.view(np.int8) if array.dtype == bool else array for array in job.inputs]
    return group, buffers, dict(zip(block.arguments, stored, strict=True))


def check_halo(buffer: Buffer, block: np.ndarray, name: str) -> None:
    """What lies around an image is its fill value."""
    if buffer.order != (0, 2, 3, 1):
        return
    whole = np.array(block.transpose(0, 3, 1, 2), np.float64)[:, : buffer.shape[1]]
    top, left = buffer.before[2:]
    whole[:, :, top : top + buffer.shape[2], left : left + buffer.shape[3]] = buffer.fill
    assert (whole == buffer.fill).all(), f"{name}: the halo is not filled"


def assert_near(outcome: Outcome, relative: float = 0.0, absolute: float = 0.0) -> None:
    """Same values: integers exactly, floats within the bounds, NaN where NaN is."""
    for ours, expected in zip(outcome.ours, outcome.numpy, strict=True):
        assert ours.shape == expected.shape, outcome.name
        if expected.dtype.kind == "f":
            kinds = {"rtol": relative, "atol": absolute, "equal_nan": True}
            np.testing.assert_allclose(
                ours.astype(np.float64), expected.astype(np.float64), err_msg=outcome.name, **kinds
            )
        else:
            np.testing.assert_array_equal(ours, expected, err_msg=outcome.name)
