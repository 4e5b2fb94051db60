"""CPU seconds to start nn-opt on a one-op file, beside Python's own start; and of all lit tests in one process.

python benchmarks/startup.py
"""

import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

ONE_OP = 'func.func @f(%x: tensor<4xf32>) { %0 = "nn.relu"(%x) : (tensor<4xf32>) -> tensor<4xf32> return }'
TESTS = Path(__file__).parent.parent / "test"


def seconds(command: list[str]) -> float:
    """CPU time of a command and its children; it must succeed."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "one.mlir"
        path.write_text(ONE_OP)
        nn_opt = [sys.executable, "-c", "from kpuc.tools.nn_opt import entry; entry()", str(path)]
        rows = {
            "python -c pass": [sys.executable, "-c", "pass"],
            "nn-opt --help": [*nn_opt, "--help"],
            "nn-opt one.mlir": [*nn_opt, "--pass-pipeline=builtin.module(canonicalize)"],
        }
        pairs = {name: median(seconds(command) for _ in range(7)) for name, command in rows.items()}
    for name, value in pairs.items():
        print(f"{name:20} {value:6.3f} s   {value / pairs['python -c pass']:5.1f} x python's own start")
    lit = [sys.executable, "-m", "pytest", "-q", str(TESTS / "test_lit.py")]
    print(f"{'all lit tests':20} {seconds(lit):6.3f} s   ({len(list(TESTS.rglob('*.mlir')))} files)")


if __name__ == "__main__":
    main()
