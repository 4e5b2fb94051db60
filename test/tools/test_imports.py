"""What commands import: start-up time is imports, and one careless line at the top of a file brings a package back."""

import subprocess
import sys
from pathlib import Path

import pytest

MODELS = Path(__file__).parent.parent / "models"
ONE_OP = 'func.func @f(%x: tensor<4xf32>) { %0 = "nn.relu"(%x) : (tensor<4xf32>) -> tensor<4xf32> return }'
HEAVY = {"torch_mlir", "numpy", "onnx", "tflite", "rich", "PIL"}
SUBCOMMANDS = ("compile", "run", "inspect", "analyze", "ops", "doctor")
NN_OPT = "from kpuc.tools.nn_opt import main; assert main(sys.argv[1:]) == 0"
KPUC = "from kpuc.tools.cli.main import cli; cli(sys.argv[1:], standalone_mode=False)"
NN_OPT_HELP = """
from kpuc.tools.nn_opt import main
try:
    main(["--help"])
except SystemExit as done:
    assert done.code == 0
"""


def imported(code, *arguments):
    """The modules that a process imports by running code."""
    code = f"import sys\n{code}\nprint('imported', *sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)], capture_output=True, text=True, check=True
    )
    return set(done.stdout.split("\n")[-2].split()[1:])


def packages(modules):
    return {module.split(".")[0] for module in modules}


@pytest.fixture
def one_op(tmp_path):
    path = tmp_path / "one.mlir"
    path.write_text(ONE_OP)
    return path


def test_help_of_nn_opt_needs_only_the_standard_library():
    modules = imported(NN_OPT_HELP)
    assert not packages(modules) & (HEAVY | {"click"})


@pytest.mark.parametrize("arguments", [[], *([name] for name in SUBCOMMANDS)], ids=" ".join)
def test_help_of_kpuc_needs_only_click(arguments):
    assert not packages(imported(KPUC, *arguments, "--help")) & HEAVY


def test_nn_opt_imports_what_the_pipeline_needs(one_op):
    modules = imported(NN_OPT, one_op, "--pass-pipeline=builtin.module(nn-canonicalize)")
    assert "kpuc.passes.nn.canonicalize" in modules
    assert "kpuc.passes.nn.fuse_convolutions" not in modules
    assert not packages(modules) & {"click", "rich", "onnx", "tflite", "PIL"}
    assert not any(module.startswith(("kpuc.runtime", "kpuc.frontends", "kpuc.backends")) for module in modules)


@pytest.mark.parametrize(("suffix", "other"), [("onnx", "tflite"), ("tflite", "onnx")])
def test_compiling_imports_one_frontend_and_no_more_than_it_needs(tmp_path, suffix, other):
    modules = imported(KPUC, "compile", MODELS / f"fsdd_kws_dscnn.{suffix}", "-o", tmp_path / "net.kmodel")
    assert f"kpuc.frontends.{suffix}" in modules
    assert not packages(modules) & {other, "rich", "PIL", "scipy", "onnxruntime"}
    assert not any(module.startswith(("onnx.reference", "onnx.backend")) for module in modules)
    assert f"kpuc.frontends.{other}" not in modules
    assert "kpuc.runtime.stackvm.interpreter5" not in modules


@pytest.mark.parametrize(("given", "threads"), [({}, "1"), ({"OPENBLAS_NUM_THREADS": "3"}, "3")])
def test_compiling_has_one_thread_for_blas_unless_more_are_asked_for(tmp_path, monkeypatch, given, threads):
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    code = f"{KPUC}; import os; assert os.environ['OPENBLAS_NUM_THREADS'] == '{threads}'"
    imported(code, "compile", MODELS / "fsdd_kws_dscnn.onnx", "-o", tmp_path / "net.kmodel")


@pytest.mark.parametrize("code", ["from kpuc.runtime import Simulator", "from kpuc.runtime.analysis import analyze"])
def test_the_runtime_imports_no_compiler(code):
    modules = imported(code)
    assert not packages(modules) & {"torch_mlir", "onnx", "tflite", "click", "rich", "PIL"}
