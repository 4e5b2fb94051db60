"""Runs kmodels in the vendor's own runtime, in another process, because malformed code makes it crash.

Started as a program: reads a pickled list of (kmodel, inputs, number of outputs) from the file it is given, and writes
one pickled result after another to its standard output.
"""

from __future__ import annotations

import io
import os
import pickle
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

Job = tuple[bytes, list[np.ndarray], int]
Result = list[np.ndarray] | str
"""Outputs, or why there are none."""


def run_in_vendor_runtime(jobs: list[Job]) -> list[Result]:
    """The vendor's results; after a crash a new process goes on behind the job that caused it."""
    results: list[Result] = []
    while len(results) < len(jobs):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "jobs"
            path.write_bytes(pickle.dumps(jobs[len(results) :]))
            command = [sys.executable, __file__, str(path)]
            done = subprocess.run(command, capture_output=True, timeout=60, check=False, cwd=folder)
        stream = io.BytesIO(done.stdout)
        while stream.tell() < len(done.stdout):
            results.append(pickle.load(stream))
        if done.returncode != 0:
            results.append(f"the process ended with {done.returncode}: {done.stderr.decode()[-200:]}")
    return results


def _run(kmodel: bytes, inputs: list[np.ndarray], outputs: int, kept: list[object]) -> Result:
    """`kept` holds what must live as long as the process: freeing some of the vendor's objects ends it."""
    import _nncase

    simulator = _nncase.Simulator()
    kept.append(simulator)
    try:
        simulator.load_model(kmodel)
        for index, array in enumerate(inputs):
            tensor = _nncase.RuntimeTensor.from_numpy(array)
            kept += [array, tensor]
            simulator.set_input_tensor(index, tensor)
        simulator.run()
        results = [simulator.get_output_tensor(index) for index in range(outputs)]
        kept += results
        return [result.to_numpy().copy() for result in results]
    except RuntimeError as error:
        return str(error)


if __name__ == "__main__":
    alive: list[object] = []
    results_file = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # the vendor's runtime prints what went wrong to the standard output
    for job in pickle.loads(Path(sys.argv[1]).read_bytes()):
        results_file.write(pickle.dumps(_run(*job, alive)))
        results_file.flush()
    os._exit(0)
