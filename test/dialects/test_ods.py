"""The declarative layer for dialects."""

import pytest

from kpuc.dialects import kpu, mlir, nn
from kpuc.dialects.mlir import ir, passmanager
from kpuc.dialects.ods import Op
from kpuc.runtime import kernels


@pytest.mark.parametrize("op", nn.NN.operations, ids=lambda op: op.OPERATION_NAME)
def test_every_operation_can_be_evaluated(op):
    kernel = op.OPERATION_NAME.removeprefix("nn.")
    assert op.evaluator is not nn.NNOp.evaluator or callable(getattr(kernels, kernel))


@pytest.mark.parametrize("op", kpu.KPU.operations, ids=lambda op: op.OPERATION_NAME)
def test_every_operation_of_the_kpu_can_be_evaluated(op):
    """A buffer is where the memories say."""
    assert (op.evaluator is Op.evaluator) == (op is kpu.Buffer)


def test_fields_are_inherited_before_own_ones():
    names = [field.name for field in nn.MaxPoolWithIndices.attribute_fields]
    assert names == [*(field.name for field in nn.PoolOp.attribute_fields), "storage_order"]
    assert [field.name for field in nn.Prelu.operand_fields] == ["input", "slope"]


def test_annotations_that_are_text_are_refused():
    with pytest.raises(TypeError, match="annotation of 'input' is text"):
        type("Textual", (nn.NNOp,), {"__annotations__": {"input": "Operand"}})


def test_irdl_tells_members_and_required_attributes():
    assert nn.LeakyRelu.irdl().split("\n") == [
        "irdl.operation @leaky_relu {",
        *("%input = irdl.any", "%output = irdl.any", "%alpha = irdl.any"),
        *("irdl.operands(input: single %input)", "irdl.results(output: single %output)"),
        *('irdl.attributes {"alpha" = %alpha}', "}"),
    ]
    assert "bias: optional %bias" in nn.Conv.irdl()
    assert '"clamp"' not in nn.Conv.irdl()


def test_an_attribute_is_one_of_its_texts():
    with mlir.context(), ir.Location.unknown():
        made = kpu.buffer_type((1, 4, 8, 8), "uint8", "ram")
        assert str(made) == 'memref<1x4x8x8xui8, #kpu.mem<"ram">>'
        read = ir.Type.parse(str(made))
        assert read == made and read.memory_space.space == "ram"
        for text in ('#kpu.mem<"rom">', "#kpu.mem<1>", "#kpu.mem", "#kpu.mem<ram>"):
            with pytest.raises(ir.MLIRError):
                ir.Attribute.parse(text)


def test_upstream_dialects_are_loaded_when_needed():
    text = """func.func @f(%x: tensor<?xf32>) -> index {
      %0 = arith.constant 0 : index
      %1 = tensor.dim %x, %0 : tensor<?xf32>
      return %1 : index }"""
    with mlir.context() as context, ir.Location.unknown():
        assert not context.is_dialect_loaded("tensor")
        module = ir.Module.parse(text)
        pipeline = "builtin.module(convert-tensor-to-linalg,func.func(linalg-fuse-elementwise-ops))"
        passmanager.PassManager.parse(pipeline).run(module.operation)
        assert module.operation.verify()
        assert context.is_dialect_loaded("tensor")
        assert context.is_dialect_loaded("linalg")
