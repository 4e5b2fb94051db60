"""Runs kmodels of machine code for other machines under qemu, loaded as our runtime loads them."""

from __future__ import annotations

import math
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from kpuc.backends.native.target import SPECS
from kpuc.runtime.kmodel import Source, read_kmodel
from kpuc.runtime.kmodel.elements import numpy_dtype
from kpuc.runtime.kmodel.native import KIND, read_native
from kpuc.runtime.native.elf import read_object
from kpuc.runtime.native.link import Image
from kpuc.runtime.native.relocations import STUBS
from kpuc.runtime.native.symbols import ALLOWED, CREATE, DESTROY, POOL_BYTES, RUN

CPUS = {
    "riscv64": "rv64,v=false",
    "riscv64-v": "rv64,v=true,vlen=128,vext_spec=v1.0",
    "aarch64": "cortex-a53",
    "aarch64-dot": "max",
}
"""What qemu is told to be."""
ADDRESS = 0x5000_0000
PAGE = 4096
FUNCTIONS = sorted(ALLOWED)
TEST = Path(__file__).parent


def compiler(cpu: str) -> str:
    """The C compiler for a kind of CPU; tests are skipped where it or qemu is missing."""
    machine = SPECS[cpu].machine
    tool = f"{machine}-linux-gnu-gcc"
    for name in (tool, f"qemu-{machine}"):
        if shutil.which(name) is None:
            pytest.skip(f"{name} is not installed")
    return tool


def qemu(cpu: str) -> list[str]:
    """The command that executes programs for a kind of CPU."""
    return [f"qemu-{SPECS[cpu].machine}", "-cpu", CPUS[cpu]]


@cache
def runner(tool: str) -> tuple[Path, tempfile.TemporaryDirectory[str]]:
    """The program that runs jobs, and the folder that is deleted after the last use of it."""
    folder = tempfile.TemporaryDirectory()
    Path(folder.name, "functions.h").write_text("".join(f"F({name})\n" for name in FUNCTIONS))
    program = Path(folder.name, "runner")
    command = [tool, "-static", "-O1", f"-I{folder.name}", f"-DADDRESS={ADDRESS}", str(TEST / "foreign.c")]
    subprocess.run([*command, "-lm", "-lpthread", "-o", str(program)], check=True)
    return program, folder


def run_elsewhere(
    cpu: str, kmodel: Source, inputs: Sequence[np.ndarray], threads: int = 1, runs: int = 1
) -> list[np.ndarray]:
    """The outputs of the code that a kmodel has for `cpu`, after some runs."""
    tool = compiler(cpu)
    (module,) = (one for one in read_kmodel(kmodel).modules if one.kind == KIND)
    native = read_native(module)
    (code,) = (one.code for one in native.objects if one.cpu == cpu)
    image = Image(read_object(code), PAGE)
    places = [image.offset(image.object.functions[name]) for name in (RUN, CREATE, DESTROY)]
    slot = len(bytes.fromhex(STUBS[image.object.machine]))
    calls = [(at + slot, FUNCTIONS.index(name)) for name, at in image.stubs.items()]
    outputs = [(one.shape, numpy_dtype(one.element)) for one in native.functions[0].outputs]
    sizes = [one.nbytes for one in inputs] + [math.prod(shape) * dtype.itemsize for shape, dtype in outputs]
    numbers = [image.size, image.executable, *places, len(native.weights), native.arena, POOL_BYTES, threads, runs,
               len(calls), len(inputs), len(outputs), *sum(calls, ()), *sizes]  # fmt: skip
    linked = image.link(ADDRESS, lambda name: 0)
    job = [np.array(numbers, np.int64).tobytes(), linked, native.weights, *(one.tobytes() for one in inputs)]
    with tempfile.NamedTemporaryFile() as file:
        file.write(b"".join(job))
        file.flush()
        done = subprocess.run([*qemu(cpu), str(runner(tool)[0]), file.name], capture_output=True, timeout=300)
    assert done.returncode == 0, f"{done.returncode}: {done.stderr.decode()}"
    results, at = [], 0
    for shape, dtype in outputs:
        count = math.prod(shape)
        results.append(np.frombuffer(done.stdout, dtype, count, at).reshape(shape))
        at += count * dtype.itemsize
    return results
