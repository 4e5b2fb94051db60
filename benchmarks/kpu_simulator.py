"""CPU seconds to run each network's K210 kmodel, beside nncase 1.9's Simulator, and whether the outputs are equal.

    python benchmarks/kpu_simulator.py [--runs N] MODEL...

The kmodels are those that nncase 1.9 makes of the networks. Both simulators run them N times on one thread; the fastest
run counts, since other programs on the machine only make it slower. Loading is not measured, our first run is shown
apart (code is decoded and layers are prepared in it). nncase 1.9 is found or installed as in the tests.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

TEST = Path(__file__).parent.parent / "test"
sys.path[:0] = [str(TEST), str(TEST / "runtime")]

THEIRS = """
import json, sys, time
import nncase, numpy as np
simulator = nncase.Simulator()
simulator.load_model(open(sys.argv[1], "rb").read())
given = np.load(sys.argv[2])
simulator.set_input_tensor(0, nncase.RuntimeTensor.from_numpy(given))
seconds = []
for _ in range(int(sys.argv[3])):
    start = time.process_time()
    simulator.run()
    seconds.append(time.process_time() - start)
np.savez(sys.argv[4], *[simulator.get_output_tensor(i).to_numpy() for i in range(simulator.outputs_size)])
print(json.dumps(seconds), flush=True)
__import__("os")._exit(0)
"""
OURS = """
import json, sys, time
import numpy as np
from kpuc.runtime import Simulator
simulator = Simulator(sys.argv[1])
given = np.load(sys.argv[2])
seconds = []
for _ in range(int(sys.argv[3])):
    start = time.process_time()
    results = simulator.run(given)
    seconds.append(time.process_time() - start)
np.savez(sys.argv[4], *results.values())
print(json.dumps(seconds))
"""


def measure(python: str, code: str, *arguments: str) -> list[float]:
    """Seconds of each run."""
    one_thread = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    done = subprocess.run([python, "-c", code, *arguments], capture_output=True, text=True, check=True, env=one_thread)
    return [float(one) for one in json.loads(done.stdout.strip().splitlines()[-1])]


def main() -> None:
    import numpy as np
    from k210_models import vendor_kmodels
    from vendor19 import find_python

    from kpuc.runtime import Simulator

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", type=Path)
    parser.add_argument("--runs", type=int, default=20)
    options = parser.parse_args()
    python, reason = find_python()
    if python is None:
        parser.error(reason)
    ratios = []
    print(f"{'model':28} {'first ms':>9} {'ours ms':>9} {'nncase ms':>9} {'ratio':>6}  outputs")
    for model in options.models:
        (kmodel,) = vendor_kmodels([model])
        if isinstance(kmodel, str):
            print(f"{model.name:28} nncase 1.9 makes no kmodel of it")
            continue
        with tempfile.TemporaryDirectory() as folder:
            path, given = Path(folder) / "net.kmodel", Path(folder) / "given.npy"
            path.write_bytes(kmodel)
            (info,) = Simulator(kmodel).inputs
            np.save(given, np.random.default_rng(3).uniform(-1, 1, info.shape).astype(info.dtype))
            results = [Path(folder) / f"{who}.npz" for who in ("ours", "theirs")]
            arguments = [[str(path), str(given), str(options.runs), str(result)] for result in results]
            ours, theirs = measure(sys.executable, OURS, *arguments[0]), measure(python, THEIRS, *arguments[1])
            made = [np.load(result) for result in results]
            furthest = max(float(np.abs(made[0][key] - made[1][key]).max()) for key in made[1])
        ratios.append(min(ours) / min(theirs))
        columns = f"{1e3 * ours[0]:9.1f} {1e3 * min(ours):9.1f} {1e3 * min(theirs):9.1f} {ratios[-1]:6.2f}"
        print(f"{model.name:28} {columns}  {'equal' if furthest == 0 else f'differ by {furthest:.1g}'}", flush=True)
    print(f"{'geometric mean':57} {np.exp(np.mean(np.log(ratios))):6.2f}")


if __name__ == "__main__":
    main()
