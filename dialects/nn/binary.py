"""Element-wise functions of two or three tensors, with numpy broadcasting."""

from ..mlir import ir
from ..ods import Bool, Operand, Result, require
from ..tensors import dtype_of, shape_of, tensor_type
from .base import BinaryOp, CompareOp, NNOp, broadcast, require_same_elements


class Add(BinaryOp, name="add"):
    """z = x + y.  Source: ONNX Add-14."""


class Sub(BinaryOp, name="sub"):
    """z = x - y.  Source: ONNX Sub-14."""


class Mul(BinaryOp, name="mul"):
    """z = x * y.  Source: ONNX Mul-14."""


class Div(BinaryOp, name="div"):
    """z = x / y; on integers truncated toward zero.  Source: ONNX Div-14."""


class FloorDiv(BinaryOp, name="floor_div"):
    """z = floor(x / y).  Source: TFLite FLOOR_DIV."""


class Pow(BinaryOp, name="pow"):
    """z = x^y.  Source: ONNX Pow-15."""


class Maximum(BinaryOp, name="maximum"):
    """z = the larger of x and y.  Source: ONNX Max-13."""

    on_storage = True


class Minimum(BinaryOp, name="minimum"):
    """z = the smaller of x and y.  Source: ONNX Min-13."""

    on_storage = True


class SquaredDifference(BinaryOp, name="squared_difference"):
    """z = (x - y)^2.  Source: TFLite SQUARED_DIFFERENCE."""


class Atan2(BinaryOp, name="atan2"):
    """z = the angle of the point (y, x) above the x axis, from -pi to pi; y is `lhs`, and -0 counts as 0.

    Source: TFLite ATAN2.
    """

    def verify(self) -> None:
        require(dtype_of(self.lhs).kind == "f", f"needs floats, got {self.lhs.type}")


class BitwiseAnd(BinaryOp, name="bitwise_and"):
    """z = x & y, on integers.  Source: ONNX BitwiseAnd-18."""

    def verify(self) -> None:
        require(dtype_of(self.lhs).kind in "iu", f"needs integers, got {self.lhs.type}")


class BitwiseOr(BinaryOp, name="bitwise_or"):
    """z = x | y, on integers.  Source: ONNX BitwiseOr-18."""

    def verify(self) -> None:
        require(dtype_of(self.lhs).kind in "iu", f"needs integers, got {self.lhs.type}")


class BitwiseXor(BinaryOp, name="bitwise_xor"):
    """z = x ^ y, on integers.  Source: ONNX BitwiseXor-18."""

    def verify(self) -> None:
        require(dtype_of(self.lhs).kind in "iu", f"needs integers, got {self.lhs.type}")


class ShiftLeft(BinaryOp, name="shift_left"):
    """z = x << y, on integers.  Source: ONNX BitShift-11."""

    def verify(self) -> None:
        require(dtype_of(self.lhs).kind in "iu", f"needs integers, got {self.lhs.type}")


class ShiftRight(BinaryOp, name="shift_right"):
    """z = x >> y, on integers.  Source: ONNX BitShift-11."""

    def verify(self) -> None:
        require(dtype_of(self.lhs).kind in "iu", f"needs integers, got {self.lhs.type}")


class LogicalAnd(BinaryOp, name="logical_and"):
    """z = x and y, on booleans.  Source: ONNX And-7."""

    def verify(self) -> None:
        require(dtype_of(self.lhs).kind == "b", f"needs booleans, got {self.lhs.type}")


class LogicalOr(BinaryOp, name="logical_or"):
    """z = x or y, on booleans.  Source: ONNX Or-7."""

    def verify(self) -> None:
        require(dtype_of(self.lhs).kind == "b", f"needs booleans, got {self.lhs.type}")


class LogicalXor(BinaryOp, name="logical_xor"):
    """z = x xor y, on booleans.  Source: ONNX Xor-7."""

    def verify(self) -> None:
        require(dtype_of(self.lhs).kind == "b", f"needs booleans, got {self.lhs.type}")


class Equal(CompareOp, name="equal"):
    """z = x == y.  Source: ONNX Equal-19."""


class NotEqual(CompareOp, name="not_equal"):
    """z = x != y.  Source: TFLite NOT_EQUAL."""


class Less(CompareOp, name="less"):
    """z = x < y.  Source: ONNX Less-13."""


class LessEqual(CompareOp, name="less_equal"):
    """z = x <= y.  Source: ONNX LessOrEqual-16."""


class Greater(CompareOp, name="greater"):
    """z = x > y.  Source: ONNX Greater-13."""


class GreaterEqual(CompareOp, name="greater_equal"):
    """z = x >= y.  Source: ONNX GreaterOrEqual-16."""


class Mod(BinaryOp, name="mod"):
    """z = the remainder of x / y: with the sign of y, or with `fmod` of x.  Source: ONNX Mod-13."""

    fmod: Bool


class Where(NNOp, name="where"):
    """z = x where the condition holds, else y; all three broadcast.  Source: ONNX Where-16."""

    on_storage = True

    condition: Operand
    x: Operand
    y: Operand
    output: Result

    def infer(self) -> ir.Type:
        require_same_elements(self.x, self.y)
        require(dtype_of(self.condition).kind == "b", f"condition must be booleans, got {self.condition.type}")
        return tensor_type(broadcast(*(shape_of(value) for value in (self.condition, self.x, self.y))), self.x)
