"""Running a function of operations with numpy."""

import numpy as np
import pytest

from kpuc.dialects import mlir
from kpuc.dialects.evaluate import Program
from kpuc.dialects.mlir import ir
from kpuc.errors import ExecutionError

SUM = """
func.func @main(%x: tensor<2xf32>) -> (tensor<2xf32>, tensor<2xf32>) {
  %0 = "nn.constant"() {value = dense<[1.0, 2.0]> : tensor<2xf32>} : () -> tensor<2xf32>
  %1 = "nn.add"(%x, %0) : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %2 = "nn.neg"(%x) : (tensor<2xf32>) -> tensor<2xf32>
  %3 = "nn.mul"(%1, %1) : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  return %3, %0 : tensor<2xf32>, tensor<2xf32>
}
"""


@pytest.fixture(autouse=True)
def context():
    with mlir.context():
        yield


def test_programs_run_often():
    program = Program(ir.Module.parse(SUM))
    for x in ([0, 0], [3, -1]):
        result, constant = program.run([np.float32(x)])
        assert result.tolist() == [(x[0] + 1) ** 2, (x[1] + 2) ** 2]
        assert constant.tolist() == [1, 2]


def test_observers_see_and_replace_results():
    seen = []

    def observe(op, results):
        seen.append(op.operation.name)
        return [np.float32([5, 6])] if op.operation.name == "nn.add" else None

    result, _ = Program(ir.Module.parse(SUM)).run([np.float32([0, 0])], observe)
    assert seen == ["nn.add", "nn.neg", "nn.mul"]
    assert result.tolist() == [25, 36]


def test_foreign_operations_are_refused():
    module = ir.Module.parse(SUM.replace('"nn.neg"(%x) :', '"builtin.unrealized_conversion_cast"(%x) :'))
    with pytest.raises(ExecutionError, match=r"K0503.*'builtin.unrealized_conversion_cast' cannot be evaluated"):
        Program(module)
