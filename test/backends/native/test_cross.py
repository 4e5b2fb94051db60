"""Machine code for other machines, executed by qemu: linked by their own linker, and by ours."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from native_networks import (
    ARENA,
    COLUMNS,
    ROWS,
    WEIGHTS,
    network_inputs,
    network_object,
    network_result,
)

from kpuc.backends.native.target import SPECS
from kpuc.runtime.native.elf import read_object
from kpuc.runtime.native.link import Image
from kpuc.runtime.native.symbols import CREATE, DESTROY, POOL_BYTES, RUN

DRIVER = Path(__file__).with_name("driver.c")
CPUS = {
    "riscv64": "rv64,v=false",
    "riscv64-v": "rv64,v=true,vlen=128,vext_spec=v1.0",
    "aarch64": "cortex-a53",
    "aarch64-dot": "max",
}
"""What qemu is told to be."""
ADDRESS = 0x5000_0000
PAGE = 4096
SIZES = {"WEIGHTS": WEIGHTS.nbytes, "ARENA": ARENA, "POOL": POOL_BYTES, "INPUT": ROWS * COLUMNS * 4,
         "OUTPUT": COLUMNS * 4}  # fmt: skip


def tools(cpu: str) -> tuple[str, list[str]]:
    """The compiler, and the command that runs what it makes."""
    machine = SPECS[cpu].machine
    compiler, qemu = f"{machine}-linux-gnu-gcc", f"qemu-{machine}"
    for tool in (compiler, qemu):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")
    return compiler, [qemu, "-cpu", CPUS[cpu]]


def build(compiler: str, folder: Path, objects: list[str], **defined: int) -> Path:
    """The driver, with everything inside, at fixed addresses."""
    program = folder / "program"
    macros = [f"-D{name}={value}" for name, value in {**SIZES, **defined}.items()]
    command = [compiler, "-static", "-no-pie", "-O1", *macros, str(DRIVER), *objects, "-lm", "-lpthread"]
    subprocess.run([*command, "-o", str(program)], check=True)
    return program


def check(command: list[str], folder: Path, *more: str) -> None:
    inputs = network_inputs()
    (folder / "weights").write_bytes(WEIGHTS.tobytes())
    (folder / "inputs").write_bytes(b"".join(one.tobytes() for one in inputs))
    paths = [str(folder / "weights"), str(folder / "inputs"), *more]
    done = subprocess.run([*command, *paths], capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr
    np.testing.assert_allclose(np.frombuffer(done.stdout, np.float32), network_result(*inputs), rtol=1e-5)


@pytest.mark.parametrize("cpu", CPUS)
def test_code_linked_by_the_machines_linker(cpu: str, tmp_path: Path) -> None:
    compiler, qemu = tools(cpu)
    (tmp_path / "network.o").write_bytes(network_object(cpu))
    program = build(compiler, tmp_path, [str(tmp_path / "network.o")])
    check([*qemu, str(program)], tmp_path)


@pytest.mark.parametrize("cpu", CPUS)
def test_code_linked_by_ours(cpu: str, tmp_path: Path) -> None:
    compiler, qemu = tools(cpu)
    image = Image(read_object(network_object(cpu)), PAGE)
    places = {name: image.offset(image.object.functions[name]) for name in (RUN, CREATE, DESTROY)}
    program = build(
        compiler, tmp_path, [], IMAGE=ADDRESS, SIZE=image.size, EXECUTABLE=image.executable, RUN=places[RUN],
        CREATE=places[CREATE], DESTROY=places[DESTROY],
    )  # fmt: skip
    names = subprocess.run(
        [compiler.replace("-gcc", "-nm"), str(program)], check=True, capture_output=True, text=True
    ).stdout
    addresses = {line.split()[2]: int(line.split()[0], 16) for line in names.splitlines() if line[0] != " "}
    (tmp_path / "image").write_bytes(image.link(ADDRESS, addresses.__getitem__))
    check([*qemu, str(program)], tmp_path, str(tmp_path / "image"))
