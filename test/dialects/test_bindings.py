"""The contract with the MLIR bindings: every behaviour that kpuc relies on. Runs first."""

import gc
import sys

import numpy as np
import pytest

from kpuc.dialects import mlir, nn
from kpuc.dialects.mlir import func, ir, passmanager, quant, rewrite
from kpuc.errors import PassError

RELU = """
func.func @f(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "nn.relu"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
"""


@pytest.fixture
def context():
    with mlir.context() as made, ir.Location.unknown():
        yield made


def test_dialect_loads_in_many_contexts():
    for _ in range(5):
        with mlir.context(), ir.Location.unknown():
            assert "nn.relu" in str(ir.Module.parse(RELU))
    gc.collect()


def test_dialects_load_in_threads():
    import threading

    failures = []

    def load():
        try:
            mlir.context()
        except Exception as error:  # noqa: BLE001  # whatever happens in a thread is a failure of the test
            failures.append(error)

    threads = [threading.Thread(target=load) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_operations_come_back_as_our_classes(context):
    module = ir.Module.parse(RELU)
    op = module.body.operations[0].regions[0].blocks[0].operations[0]
    assert isinstance(op, nn.Relu)
    assert op.input == op.operation.operands[0]


def test_operations_are_met_without_searching_for_modules(context, monkeypatch):
    searched = []

    class Finder:
        def find_spec(self, name, path=None, target=None):
            searched.append(name)

    module = ir.Module.parse(RELU)
    monkeypatch.setattr(sys, "meta_path", [Finder(), *sys.meta_path])
    assert module.operation.verify()
    assert isinstance(module.body.operations[0].regions[0].blocks[0].operations[0], nn.Relu)
    assert not searched


def test_text_and_bytecode_round_trip(context):
    module = ir.Module.parse(RELU)
    assert str(ir.Module.parse(str(module))) == str(module)
    import io

    buffer = io.BytesIO()
    module.operation.write_bytecode(buffer)
    assert str(ir.Module.parse(buffer.getvalue())) == str(module)


@pytest.mark.parametrize(
    "dtype",
    ["bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float16", "float32", "float64"],
)
@pytest.mark.parametrize("shape", [(), (1,), (2, 3), (0, 3)])
def test_constants_round_trip(context, dtype, shape):
    array = (np.arange(np.prod(shape, dtype=int)).reshape(shape) % 2).astype(dtype)
    module = ir.Module.create()
    with ir.InsertionPoint(module.body):
        constant = nn.Constant(value=array)
    assert constant.value.dtype == array.dtype
    np.testing.assert_array_equal(constant.value, array)


def test_constants_are_views_that_outlive_the_module():
    with mlir.context(), ir.Location.unknown():
        module = ir.Module.create()
        with ir.InsertionPoint(module.body):
            value = nn.Constant(value=np.arange(1000, dtype=np.float32)).value
    del module
    gc.collect()
    assert value[999] == 999.0
    assert not value.flags.writeable


def test_variadic_operands_may_differ_in_type(context):
    text = """func.func @f(%x: tensor<2x1xf32>, %y: tensor<2x3xf32>) -> tensor<2x4xf32> {
      %0 = "nn.concat"(%x, %y) {axis = 1 : i64, operandSegmentSizes = array<i32: 1, 1, REST>}
        : (tensor<2x1xf32>, tensor<2x3xf32>) -> tensor<2x4xf32>
      return %0 : tensor<2x4xf32> }"""
    assert ir.Module.parse(text.replace("REST", ", ".join("0" * 30))).operation.verify()


def test_verifier_errors_are_located(context):
    wrong = RELU.replace("-> tensor<4xf32>\n  return %0", "-> tensor<5xf32>\n  return %x")
    with pytest.raises(ir.MLIRError) as caught:
        ir.Operation.parse("module {" + wrong + "}", source_name="a.mlir")
    (diagnostic, *_) = caught.value.error_diagnostics
    assert mlir.describe(diagnostic.location) == "a.mlir:3:8"
    assert "'nn.relu' op result type is tensor<5xf32>, inferred tensor<4xf32>" in diagnostic.message


def test_dead_pure_operations_disappear(context):
    module = ir.Module.parse(RELU.replace("return %0", "return %x"))
    passmanager.PassManager.parse("builtin.module(canonicalize)").run(module.operation)
    assert "nn.relu" not in str(module)


def test_equal_pure_operations_are_merged(context):
    line = '  %1 = "nn.relu"(%x) : (tensor<4xf32>) -> tensor<4xf32>\n  return'
    module = ir.Module.parse(RELU.replace("  return", line))
    passmanager.PassManager.parse("builtin.module(cse)").run(module.operation)
    assert str(module).count("nn.relu") == 1


def test_runaway_patterns_are_stopped(context):
    patterns = rewrite.RewritePatternSet()
    patterns.add(nn.Relu, lambda op, rewriter: rewriter.replace_op(op, _another_relu(op, rewriter)))
    module = ir.Module.parse(RELU)
    with pytest.raises(RuntimeError, match="converge"):
        config = mlir.greedy_config()
        config.max_num_rewrites = 100
        rewrite.apply_patterns_and_fold_greedily(module.operation, patterns.freeze(), config)


def _another_relu(op, rewriter):
    with rewriter.ip, op.location:
        return [nn.Relu(op.input).output]


def test_used_operations_are_not_erased(context):
    module = ir.Module.parse(RELU)
    op = module.body.operations[0].regions[0].blocks[0].operations[0]
    with pytest.raises(PassError, match="K0301"):
        mlir.safe_erase(op.operation)


def test_type_converters_keep_their_callbacks(context):
    converter = mlir.TypeConverter(lambda type_: type_)
    gc.collect()
    assert converter.converter.convert_type(ir.F32Type.get()) == ir.F32Type.get()


def test_name_locations_survive_passes_and_print(context):
    with mlir.file_loc("model.onnx", "/conv"):
        location = ir.Location.current
    assert mlir.describe(location) == "model.onnx: /conv"
    assert mlir.describe(ir.Location.fused([ir.Location.unknown(), location])) == "model.onnx: /conv"


def test_quantised_types_state_their_parameters(context):
    type_ = ir.Type.parse("!quant.uniform<u8:f32, 5.0e-02:128>")
    assert isinstance(type_, quant.UniformQuantizedType)
    assert (type_.scale, type_.zero_point, type_.is_signed) == (0.05, 128, False)


def test_function_types_can_be_replaced(context):
    module = ir.Module.parse(RELU)
    function = module.body.operations[0]
    assert isinstance(function, func.FuncOp)
    f64 = ir.RankedTensorType.get([4], ir.F64Type.get())
    function.attributes["function_type"] = ir.TypeAttr.get(ir.FunctionType.get([f64], [f64]))
    assert [str(type_) for type_ in function.type.inputs] == ["tensor<4xf64>"]


def test_upstream_pass_errors_carry_the_reason():
    with pytest.raises(ValueError, match="does not refer to a registered pass"), mlir.context():
        passmanager.PassManager.parse("builtin.module(no-such-pass)")
