"""nn-opt's options, one by one."""

import io
import subprocess
import sys

import pytest

from kpuc.tools.nn_opt import Streams, main

NEG_NEG = """func.func @f(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "nn.neg"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %1 = "nn.neg"(%0) : (tensor<4xf32>) -> tensor<4xf32>
  return %1 : tensor<4xf32>
}
"""
CANONICALIZE = "--pass-pipeline=builtin.module(nn-canonicalize)"


@pytest.fixture
def nn_opt(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def run(text, *arguments):
        (tmp_path / "in.mlir").write_text(text)
        output, error = io.StringIO(), io.StringIO()
        code = main(["in.mlir", *arguments], Streams(io.StringIO(), output, error))
        return code, output.getvalue(), error.getvalue()

    return run


def test_pipeline_mixes_ours_and_upstream(nn_opt):
    code, text, _ = nn_opt(NEG_NEG, "--pass-pipeline=builtin.module(func.func(cse),nn-canonicalize,canonicalize)")
    assert code == 0
    assert "nn.neg" not in text


def test_single_dash_spelling(nn_opt):
    assert "nn.neg" not in nn_opt(NEG_NEG, "-pass-pipeline=nn-canonicalize")[1]


def test_split_input_file(nn_opt):
    text = nn_opt(NEG_NEG + "// -----\n" + NEG_NEG, "--split-input-file")[1]
    assert text.count("module {") == 2
    assert "// -----" in text


def test_print_ir_after_all_and_after_change(nn_opt):
    pipeline = "--pass-pipeline=nn-canonicalize,nn-fold-constants"
    assert nn_opt(NEG_NEG, pipeline, "--mlir-print-ir-after-all")[2].count("IR Dump After") == 2
    assert nn_opt(NEG_NEG, pipeline, "--mlir-print-ir-after-change")[2].count("IR Dump After nn-canonicalize") == 1


def test_timing(nn_opt):
    assert "nn-canonicalize" in nn_opt(NEG_NEG, CANONICALIZE, "--mlir-timing")[2]


def test_debug_info(nn_opt):
    assert 'loc("in.mlir":2' in nn_opt(NEG_NEG, "--mlir-print-debuginfo")[1]


def test_generic_form(nn_opt):
    assert '"func.return"' in nn_opt(NEG_NEG, "--mlir-print-op-generic")[1]


def test_elision(nn_opt):
    constant = '%0 = "nn.constant"() {value = dense<[1, 2, 3]> : tensor<3xi64>} : () -> tensor<3xi64>'
    text = f"func.func @f() {{ {constant} return }}"
    assert "dense<[1, 2, 3]>" in nn_opt(text)[1]
    assert "dense<[1, 2, 3]>" not in nn_opt(text, "--mlir-elide-elementsattrs-if-larger=2")[1]


def test_bytecode_out_and_in(nn_opt, tmp_path):
    assert nn_opt(NEG_NEG, "--emit-bytecode", "-o", "a.mlirbc")[0] == 0
    assert (tmp_path / "a.mlirbc").read_bytes().startswith(b"ML\xefR")
    output = io.StringIO()
    assert main(["a.mlirbc"], Streams(io.StringIO(), output, io.StringIO())) == 0
    assert output.getvalue().count("nn.neg") == 2


def test_verify_diagnostics(nn_opt):
    wrong = NEG_NEG.replace("-> tensor<4xf32>\n  %1", "-> tensor<5xf32>\n  %1").replace('"nn.neg"(%0)', '"nn.neg"(%x)')
    assert nn_opt(wrong, "--verify-diagnostics")[0] == 1
    announced = wrong.replace('  %0 = "', '  // expected-error @below {{inferred tensor<4xf32>}}\n  %0 = "')
    assert nn_opt(announced, "--verify-diagnostics")[0] == 0
    assert nn_opt(announced.replace("5xf32", "4xf32"), "--verify-diagnostics")[0] == 1


def test_errors_name_file_and_line(nn_opt):
    code, _, error = nn_opt(NEG_NEG.replace("nn.neg", "nn.nosuch"))
    assert code == 1
    assert error.startswith("in.mlir:2: error:")


def test_failing_pass_leaves_a_reproducer(nn_opt, tmp_path):
    code, _, error = nn_opt(NEG_NEG, "--pass-pipeline=cse,one-shot-bufferize,nn-canonicalize")
    assert code == 1
    assert "op was not bufferized" in error
    assert "replay with: nn-opt nn-opt-reproducer.mlir --pass-pipeline=" in error
    saved = (tmp_path / "nn-opt-reproducer.mlir").read_text()
    assert saved.startswith("// nn-opt nn-opt-reproducer.mlir")
    assert "one-shot-bufferize,nn-canonicalize" in saved.split("\n")[0]
    assert nn_opt(saved, "--pass-pipeline=builtin.module(one-shot-bufferize,nn-canonicalize)")[0] == 1


@pytest.mark.parametrize(
    ("pipeline", "words"),
    [
        ("nn-nosuch", "does not refer to a registered pass"),
        ("nn-fold-constants{nosuch=1}", "it has: limit"),
        ("nn-fold-constants{limit=many}", "expected int"),
        ("func.func(nn-canonicalize)", "cannot be nested"),
        ("cse)", "unbalanced brackets"),
    ],
)
def test_malformed_pipelines(nn_opt, pipeline, words):
    code, _, error = nn_opt(NEG_NEG, f"--pass-pipeline={pipeline}")
    assert code == 1
    assert "error[K0303]" in error
    assert words in error


def test_list_passes(nn_opt):
    text = nn_opt("", "--list-passes")[1]
    assert "--nn-fold-constants" in text
    assert "limit=<int> (default 16777216)" in text


def test_a_reader_that_has_seen_enough():
    command = [sys.executable, "-c", "from kpuc.tools.nn_opt import entry; entry()", "--list-passes"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        assert process.stderr.read() == b""


def test_files_that_cannot_be_read_or_written(nn_opt, tmp_path):
    (tmp_path / "latin.mlir").write_bytes(b"// caf\xe9")
    (tmp_path / "in.mlir").write_text(NEG_NEG)
    for arguments, sentence in (
        (["latin.mlir"], "latin.mlir: is neither text nor bytecode: byte 0xe9 at offset 6 is not UTF-8"),
        (["in.mlir", "-o", "nosuch/out.mlir"], "nosuch/out.mlir: cannot be written: No such file or directory"),
        (["in.mlir", "-o", "nosuch/out", "--emit-bytecode"], "nosuch/out: cannot be written: No such file"),
    ):
        error = io.StringIO()
        assert main(arguments, Streams(io.StringIO(), io.StringIO(), error)) == 1
        assert error.getvalue().startswith(f"error[K0705] {sentence}")


def test_a_reproducer_that_cannot_be_written(nn_opt):
    text = """func.func @f() -> tensor<2xi32> {
      %x = "nn.constant"() {value = dense<1> : tensor<2xi32>} : () -> tensor<2xi32>
      %0 = "nn.exp"(%x) : (tensor<2xi32>) -> tensor<2xi32>
      return %0 : tensor<2xi32> }"""
    code, _, error = nn_opt(text, "--pass-pipeline=nn-fold-constants", "--reproducer=nosuch/file.mlir")
    assert code == 1
    assert "error[K0503] in.mlir:3:12: 'nn.exp' is not defined on these types" in error
    assert "--reproducer: nosuch/file.mlir cannot be written: No such file or directory" in error
