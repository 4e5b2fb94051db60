"""CPU seconds and peak memory to compile each network, beside nncase 1.9's compiler where it takes the network.

    python benchmarks/compile.py [--target k510] [--rival PYTHON] MODEL...

`--target` is what kpuc compiles for: k230 (version 7, the default) or k510 (version 5, which nncase 1.9 makes, too).
`--rival` is a Python interpreter (3.7 to 3.10) that has the package nncase 1.9; without it only kpuc is measured.
Every measurement is a process of its own, so that its memory is its own.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

OURS = """
import json, resource, sys, time
import kpuc
start = time.process_time()
kmodel = kpuc.compile(sys.argv[1], target=sys.argv[3], shapes=json.loads(sys.argv[2]))
seconds = time.process_time() - start
print(json.dumps([seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, len(kmodel.data)]))
"""
RIVAL = """
import json, resource, sys, time
import nncase
data = open(sys.argv[1], "rb").read()
start = time.process_time()
options = nncase.CompileOptions()
options.target = "cpu"
compiler = nncase.Compiler(options)
importer = compiler.import_onnx if sys.argv[1].endswith(".onnx") else compiler.import_tflite
importer(data, nncase.ImportOptions())
compiler.compile()
size = len(compiler.gencode_tobytes())
seconds = time.process_time() - start
print(json.dumps([seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, size]))
"""


def measure(python: str, code: str, *arguments: str) -> list[float] | None:
    """CPU seconds, peak MiB and bytes of the kmodel; None when the compiler refuses the network or crashes."""
    with tempfile.TemporaryDirectory() as folder:  # where nncase leaves a file
        command = [python, "-c", code, *arguments]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    lines = done.stdout.strip().splitlines()
    return json.loads(lines[-1]) if done.returncode == 0 and lines else None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", type=Path)
    parser.add_argument("--target", default="k230", help="what kpuc compiles for")
    parser.add_argument("--rival", help="a Python interpreter with nncase 1.9")
    parser.add_argument("--shape", action="append", default=[], help="MODEL:NAME=1,3,224,224 where dims are open")
    options = parser.parse_args()
    rival = options.rival and str(Path(shutil.which(options.rival) or options.rival).absolute())
    shapes: dict[str, dict[str, list[int]]] = {}
    for text in options.shape:
        model, _, rest = text.partition(":")
        name, _, dims = rest.partition("=")
        shapes.setdefault(model, {})[name] = [int(dim) for dim in dims.split(",")]
    print(f"{'model':24} {'kpuc s':>8} {'MiB':>6} {'bytes':>10} {'nncase s':>9} {'MiB':>6} {'time ratio':>10}")
    for model in map(Path.resolve, options.models):
        ours = measure(sys.executable, OURS, str(model), json.dumps(shapes.get(model.stem, {})), options.target)
        theirs = measure(rival, RIVAL, str(model)) if rival else None
        left = f"{ours[0]:8.2f} {ours[1]:6.0f} {ours[2]:10}" if ours else f"{'refused':>26}"
        right = f"{theirs[0]:9.2f} {theirs[1]:6.0f}" if theirs else f"{'-':>9} {'-':>6}"
        ratio = f"{ours[0] / theirs[0]:10.1f}" if ours and theirs and theirs[0] else f"{'-':>10}"
        print(f"{model.name:24} {left} {right} {ratio}", flush=True)


if __name__ == "__main__":
    main()
