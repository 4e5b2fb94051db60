"""Machine code for other machines, executed by qemu: linked by their own linker, and by ours."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest
from foreign import CPUS, compiler, qemu, run_elsewhere
from native_networks import (
    ARENA,
    COLUMNS,
    ROWS,
    WEIGHTS,
    network_inputs,
    network_kmodel,
    network_object,
    network_result,
)

from kpuc.runtime.native.symbols import POOL_BYTES

DRIVER = Path(__file__).with_name("driver.c")
SIZES = {"WEIGHTS": WEIGHTS.nbytes, "ARENA": ARENA, "POOL": POOL_BYTES, "INPUT": ROWS * COLUMNS * 4,
         "OUTPUT": COLUMNS * 4}  # fmt: skip


@pytest.mark.parametrize("cpu", CPUS)
def test_code_linked_by_the_machines_linker(cpu: str, tmp_path: Path) -> None:
    tool, inputs = compiler(cpu), network_inputs()
    (tmp_path / "network.o").write_bytes(network_object(cpu))
    (tmp_path / "weights").write_bytes(WEIGHTS.tobytes())
    (tmp_path / "inputs").write_bytes(b"".join(one.tobytes() for one in inputs))
    macros = [f"-D{name}={value}" for name, value in SIZES.items()]
    command = [tool, "-static", "-O1", *macros, str(DRIVER), "network.o", "-lm", "-lpthread", "-o", "program"]
    subprocess.run(command, check=True, cwd=tmp_path)
    done = subprocess.run([*qemu(cpu), "program", "weights", "inputs"], capture_output=True, timeout=60, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    np.testing.assert_allclose(np.frombuffer(done.stdout, np.float32), network_result(*inputs), rtol=1e-5)


@pytest.mark.parametrize("cpu", CPUS)
def test_kmodels_linked_by_ours(cpu: str) -> None:
    inputs = network_inputs()
    kmodel = network_kmodel("x86-64-v3", *CPUS)
    (alone,) = run_elsewhere(cpu, kmodel, inputs)
    (together,) = run_elsewhere(cpu, kmodel, inputs, threads=3, runs=50)
    np.testing.assert_allclose(alone, network_result(*inputs), rtol=1e-5)
    assert alone.tobytes() == together.tobytes()
