"""Runs and makes kmodels of version 5 with the vendor's last compilers for the K210 and K510, PyPI nncase 1.x.

They exist for Python 3.10 and older only, so they live in an environment of their own, made at first use from an older
Python that is found in the PATH or among pyenv's. `KPUC_NNCASE19_PYTHON` names an interpreter that has nncase 1.9
instead. Every job runs in another process, because malformed code makes the vendor's runtime crash.

Started as a program, under the old Python: reads pickled jobs from the file it is given, and writes one pickled result
after another to its standard output. Arrays travel as (dtype, shape, bytes), because pickles of numpy 2 cannot be read
by numpy 1.
"""

import fcntl
import io
import os
import pickle
import subprocess
import sys
import tempfile
import time
from pathlib import Path

RELEASES = {
    "1.9": ("1.9.0.20230322", ("3.10", "3.9", "3.8", "3.7")),
    "1.1": ("1.1.0.20211203", ("3.9", "3.8", "3.7")),
}
"""Release -> (version on PyPI, Pythons that it has wheels for)."""
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "kpuc-test"


def find_python(release="1.9"):
    """An interpreter that can import the vendor's package, or None and the reason why there is none."""
    given = os.environ.get("KPUC_NNCASE19_PYTHON")
    if given and release == "1.9":
        return given, ""
    version, pythons = RELEASES[release]
    made = CACHE / ("nncase-" + version)
    interpreter = made / "bin" / "python"
    if (made / "complete").exists() and interpreter.exists():
        return str(interpreter), ""
    base = next(filter(None, map(_base_python, pythons)), None)
    if base is None:
        return None, "nncase {} needs one of Python {}, and none is here".format(version, ", ".join(pythons))
    CACHE.mkdir(parents=True, exist_ok=True)
    with Path(f"{made}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another test run may be making it; closing the file unlocks
        reason = "" if (made / "complete").exists() else _install(base, made, version)
    return (None, reason) if reason else (str(interpreter), "")


def skip_without(release="1.9"):
    """Skip the test that calls this, with the reason, when the vendor's package cannot be had."""
    import pytest  # which the old Python does not have

    python, reason = find_python(release)
    if python is None:
        pytest.skip(reason)


def _install(base, made, version):
    """Make an environment with the vendor's package; why that failed, or nothing."""
    for command in (
        [base, "-m", "venv", "--clear", str(made)],
        [str(made / "bin" / "python"), "-m", "pip", "install", "-q", "nncase==" + version, "numpy"],
    ):
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        if done.returncode != 0:
            return f"nncase {version} cannot be installed: {done.stdout.decode()[-300:]}"
    (made / "complete").touch()
    return ""


def _base_python(version):
    """The path of a Python X.Y that runs, or None."""
    candidates = ["python" + version]
    candidates += map(str, sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python")))
    for candidate in candidates:
        try:
            code = "import sys, venv; print(sys.executable if '%d.%d' % sys.version_info[:2] == '{}' else '')"
            done = subprocess.run([candidate, "-c", code.format(version)], capture_output=True, check=False)
        except OSError:
            continue
        if done.returncode == 0 and done.stdout.strip():
            return done.stdout.decode().strip()
    return None


def simulate(jobs, release="1.9", seconds=1800):
    """Results of kmodels: `jobs` are (kmodel bytes, list of input arrays); a result is a list of arrays, or a str that
    says why there is none. After a crash, or when a process needs more than `seconds`, a new process goes on behind the
    job that caused it."""
    packed = [("simulate", data, [_packed(array) for array in inputs]) for data, inputs in jobs]
    return _run_all(packed, release, seconds)


def compile_models(jobs, release="1.9"):
    """kmodels that the vendor makes: `jobs` are (model bytes, options), a result is bytes or a str as above.

    options: "format" ("onnx" or "tflite"), "calibration" (array, samples along the first axis, optional), and any
    attribute of the vendor's CompileOptions, e.g. target="k210", quant_type="uint8".
    """
    packed = []
    for data, options in jobs:
        options = dict(options)
        if options.get("calibration") is not None:
            options["calibration"] = _packed(options["calibration"])
        packed.append(("compile", data, options))
    return _run_all(packed, release)


def compile_timed(data, options, release="1.9"):
    """What `compile_models` gives for one model, and the CPU seconds that this took, without imports."""
    (result,) = compile_models([(data, {**options, "timed": True})], release)
    return result if isinstance(result, tuple) else (result, None)


def time_run(data, inputs, runs, release="1.9"):
    """CPU seconds of a run of a loaded kmodel: the mean of `runs`, after one that does not count. A str as above."""
    return _run_all([("time", data, ([_packed(array) for array in inputs], runs))], release)[0]


def _run_all(jobs, release, seconds=1800):
    python, reason = find_python(release)
    if python is None:
        raise RuntimeError(reason)
    results = []
    while len(results) < len(jobs):
        output, problem = _run(python, jobs[len(results) :], seconds)
        stream = io.BytesIO(output)
        while stream.tell() < len(output):
            kind, value = pickle.load(stream)
            results.append([_unpacked(one) for one in value] if kind == "arrays" else value)
        if problem:
            results.append(problem)
    return results


def _run(python, jobs, seconds):
    """What a process wrote, and why it did not come to its end, or nothing."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "jobs"
        path.write_bytes(pickle.dumps(jobs, protocol=4))
        command = [python, __file__, str(path)]
        try:
            done = subprocess.run(command, capture_output=True, cwd=folder, timeout=seconds, check=False)
        except subprocess.TimeoutExpired as error:
            return error.stdout or b"", f"the process did not end within {seconds} s"
    end = f"the process ended with {done.returncode}: {done.stderr.decode()[-200:]}"
    return done.stdout, end if done.returncode != 0 else ""


def _packed(array):
    import numpy as np

    array = np.ascontiguousarray(array).reshape(np.shape(array))
    return array.dtype.str, array.shape, array.tobytes()


def _unpacked(packed):
    import numpy as np

    dtype, shape, data = packed
    return np.frombuffer(data, dtype).reshape(shape)


def _loaded(data, inputs):
    import nncase

    simulator = nncase.Simulator()
    simulator.load_model(data)
    arrays = [_unpacked(packed) for packed in inputs]
    for index, array in enumerate(arrays):
        simulator.set_input_tensor(index, nncase.RuntimeTensor.from_numpy(array))
    return simulator


def _simulate(data, inputs):
    simulator = _loaded(data, inputs)
    simulator.run()
    results = [simulator.get_output_tensor(index).to_numpy() for index in range(simulator.outputs_size)]
    return [_packed(result) for result in results]


def _time(data, inputs_and_runs):
    inputs, runs = inputs_and_runs
    simulator = _loaded(data, inputs)
    simulator.run()
    start = time.process_time()
    for _ in range(runs):
        simulator.run()
    return (time.process_time() - start) / runs


def _compile(data, options):
    import nncase

    timed, start = options.pop("timed", False), time.process_time()
    kind, calibration = options.pop("format", "onnx"), options.pop("calibration", None)
    compile_options = nncase.CompileOptions()
    for name, value in options.items():
        setattr(compile_options, name, value)
    compiler = nncase.Compiler(compile_options)
    getattr(compiler, "import_" + kind)(data, nncase.ImportOptions())
    if calibration is not None:
        array = _unpacked(calibration)
        ptq = nncase.PTQTensorOptions()
        ptq.samples_count = len(array)
        ptq.set_tensor_data(array.tobytes())
        compiler.use_ptq(ptq)
    compiler.compile()
    kmodel = compiler.gencode_tobytes()
    return (kmodel, time.process_time() - start) if timed else kmodel


JOBS = {"simulate": ("arrays", _simulate), "compile": ("bytes", _compile), "time": ("seconds", _time)}
"""Kind of job -> kind of result, what does it."""


def _main():
    """The vendor prints to standard output, so results go to a copy of it, and it to standard error."""
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    for job, data, rest in pickle.loads(Path(sys.argv[1]).read_bytes()):
        kind, do = JOBS[job]
        try:
            result = (kind, do(data, rest))
        except RuntimeError as error:
            result = ("error", str(error))
        out.write(pickle.dumps(result, protocol=4))
        out.flush()
    os._exit(0)


if __name__ == "__main__":
    _main()
