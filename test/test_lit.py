"""The lit tests: one pytest test a file, run in this process.

With KPUC_LIT_EXTERNAL=1 every file is run by lit itself, which starts nn-opt and filecheck as commands.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from lit_inprocess import Unsupported, run, run_lines

ROOT = Path(__file__).parent / "lit"
FILES = sorted(ROOT.rglob("*.mlir"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_lit(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # a failing pipeline leaves its reproducer there
    lines = run_lines(path)
    assert lines, "no RUN line"
    if os.environ.get("KPUC_LIT_EXTERNAL"):
        run_by_lit(path)
        return
    for line in lines:
        try:
            failure = run(line)
        except Unsupported:
            run_by_lit(path)
            return
        assert not failure, f"{line}\n{failure}"


def run_by_lit(path):
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    command = [sys.executable, "-c", "from lit.main import main; main()", "-v", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
