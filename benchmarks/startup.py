"""CPU seconds (user + system, children included) to start nn-opt on a one-op file, and of 300 lit files in one process.

    python benchmarks/startup.py [--repeats 21]

Beside nn-opt stand what it cannot do without (Python, numpy, the MLIR bindings) and, on a file of one upstream
operation, other compilers' tools: `xdsl-opt` when it is on PATH (a compiler framework in Python: pip install xdsl)
and `torch-mlir-opt` of our bindings' wheel (C++, no Python at all). Commands take turns, so that a machine whose speed
drifts slows all of them alike; medians are printed. The lit files are written to a temporary folder.
"""

import argparse
import importlib.util
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parent.parent
FILES = 300
NN_OPT = [sys.executable, "-c", "from kpuc.tools.nn_opt import entry; entry()"]
ONE_OP = 'func.func @f(%x: tensor<4xf32>) { %0 = "nn.relu"(%x) : (tensor<4xf32>) -> tensor<4xf32> return }'
ONE_UPSTREAM_OP = 'func.func @f(%x: i32) { %0 = "arith.addi"(%x, %x) : (i32, i32) -> i32 func.return }'

PASSING = """\
// RUN: nn-opt %s --pass-pipeline="builtin.module(nn-fuse-convolutions,canonicalize)" | filecheck %s

// CHECK-LABEL: func.func @relu_{n}
// CHECK:       "nn.conv"{{{{.*}}}}clamp = array<f64: 0.000000e+00, 0x7FF0000000000000>
// CHECK-NOT:   nn.relu
func.func @relu_{n}(%x: tensor<1x{n}x4x4xf32>, %w: tensor<1x{n}x1x1xf32>) -> tensor<1x1x4x4xf32> {{
  %0 = "nn.conv"(%x, %w) {{strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>,
    groups = 1 : i64}} : (tensor<1x{n}x4x4xf32>, tensor<1x{n}x1x1xf32>) -> tensor<1x1x4x4xf32>
  %1 = "nn.relu"(%0) : (tensor<1x1x4x4xf32>) -> tensor<1x1x4x4xf32>
  return %1 : tensor<1x1x4x4xf32>
}}
"""
REJECTED = """\
// RUN: nn-opt %s --split-input-file --verify-diagnostics

func.func @result(%x: tensor<{n}xf32>) {{
  // expected-error @below {{{{'nn.relu' op result type is tensor<2xi8>, inferred tensor<{n}xf32>}}}}
  %0 = "nn.relu"(%x) : (tensor<{n}xf32>) -> tensor<2xi8>
  return
}}

// -----

func.func @attribute(%x: tensor<{n}xf32>) {{
  // expected-error @below {{{{'nn.leaky_relu' op requires attribute 'alpha'}}}}
  %0 = "nn.leaky_relu"(%x) : (tensor<{n}xf32>) -> tensor<{n}xf32>
  return
}}
"""


def seconds(command: list[str]) -> float:
    """CPU time of a command and its children; it must succeed."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def commands(folder: Path) -> dict[str, list[str]]:
    """What is measured, by name."""
    ours, upstream = folder / "one.mlir", folder / "upstream.mlir"
    ours.write_text(ONE_OP)
    upstream.write_text(ONE_UPSTREAM_OP)
    rows = {
        "python -c pass": [sys.executable, "-c", "pass"],
        "import numpy": [sys.executable, "-c", "import numpy"],
        "import torch_mlir.ir": [sys.executable, "-c", "import torch_mlir.ir"],
        "nn-opt --help": [*NN_OPT, "--help"],
        "nn-opt one.mlir": [*NN_OPT, str(ours)],
        "nn-opt one.mlir, canonicalize": [*NN_OPT, str(ours), "--pass-pipeline=builtin.module(canonicalize)"],
    }
    if xdsl := shutil.which("xdsl-opt"):
        rows["xdsl-opt upstream.mlir, canonicalize"] = [xdsl, "-p", "canonicalize", str(upstream)]
    bindings = importlib.util.find_spec("torch_mlir")
    for place in (bindings and bindings.submodule_search_locations) or []:
        if (program := Path(place) / "_mlir_libs" / "torch-mlir-opt").exists():
            rows["torch-mlir-opt upstream.mlir, canonicalize"] = [str(program), "--canonicalize", str(upstream)]
    return rows


def lit_suite(folder: Path) -> list[str]:
    """The command that runs `FILES` generated lit files with our test module: in one process, under pytest."""
    (folder / "lit").mkdir()
    for name in ("test_lit.py", "lit_inprocess.py"):
        shutil.copy(ROOT / "test" / name, folder)
    for n in range(1, FILES + 1):
        (folder / "lit" / f"generated_{n:03}.mlir").write_text((REJECTED if n % 3 == 0 else PASSING).format(n=n))
    return [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--rootdir={folder}", str(folder)]


def main() -> None:
    parser = argparse.ArgumentParser(description="CPU time to start nn-opt.")
    parser.add_argument("--repeats", type=int, default=21)
    repeats = parser.parse_args().repeats
    with tempfile.TemporaryDirectory() as name:
        rows = commands(Path(name))
        times: dict[str, list[float]] = {row: [] for row in rows}
        for _ in range(repeats):
            for row, command in rows.items():
                times[row].append(seconds(command))
        suite = lit_suite(Path(name))
        lit = sorted(seconds(suite) for _ in range(3))
    cached = "without" if os.environ.get("PYTHONDONTWRITEBYTECODE") else "with"
    version = sys.version.split()[0]
    print(f"Python {version}, {os.cpu_count()} cores, {cached} bytecode files; median (least) of {repeats} runs")
    for row, values in times.items():
        print(f"{row:44} {median(values):6.3f} s  ({min(values):.3f})")
    print(f"{f'{FILES} lit files in one process':44} {median(lit):6.3f} s  ({lit[0]:.3f})")


if __name__ == "__main__":
    main()
