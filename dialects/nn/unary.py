"""Element-wise functions of one tensor: y = f(x)."""

from ..ods import Bool, require
from ..tensors import dtype_of
from .base import ElementwiseOp, PredicateOp, kernels


class Abs(ElementwiseOp, name="abs"):
    """y = |x|.  Source: ONNX Abs-13."""

    evaluator = kernels.abs


class Acos(ElementwiseOp, name="acos"):
    """y = arccos(x), in radians.  Source: ONNX Acos-22."""

    evaluator = kernels.acos


class Acosh(ElementwiseOp, name="acosh"):
    """y = the inverse hyperbolic cosine of x.  Source: ONNX Acosh-22."""

    evaluator = kernels.acosh


class Asin(ElementwiseOp, name="asin"):
    """y = arcsin(x), in radians.  Source: ONNX Asin-22."""

    evaluator = kernels.asin


class Asinh(ElementwiseOp, name="asinh"):
    """y = the inverse hyperbolic sine of x.  Source: ONNX Asinh-22."""

    evaluator = kernels.asinh


class Atan(ElementwiseOp, name="atan"):
    """y = arctan(x), in radians.  Source: ONNX Atan-22."""

    evaluator = kernels.atan


class Atanh(ElementwiseOp, name="atanh"):
    """y = the inverse hyperbolic tangent of x.  Source: ONNX Atanh-22."""

    evaluator = kernels.atanh


class Ceil(ElementwiseOp, name="ceil"):
    """y = the smallest integer >= x.  Source: ONNX Ceil-13."""

    evaluator = kernels.ceil


class Cos(ElementwiseOp, name="cos"):
    """y = cos(x), x in radians.  Source: ONNX Cos-22."""

    evaluator = kernels.cos


class Cosh(ElementwiseOp, name="cosh"):
    """y = (e^x + e^-x) / 2.  Source: ONNX Cosh-22."""

    evaluator = kernels.cosh


class Erf(ElementwiseOp, name="erf"):
    """y = 2 / sqrt(pi) * integral of e^(-t^2) from 0 to x.  Source: ONNX Erf-13."""

    evaluator = kernels.erf


class Exp(ElementwiseOp, name="exp"):
    """y = e^x.  Source: ONNX Exp-13."""

    evaluator = kernels.exp


class Floor(ElementwiseOp, name="floor"):
    """y = the largest integer <= x.  Source: ONNX Floor-13."""

    evaluator = kernels.floor


class Log(ElementwiseOp, name="log"):
    """y = the natural logarithm of x.  Source: ONNX Log-13."""

    evaluator = kernels.log


class Neg(ElementwiseOp, name="neg"):
    """y = -x.  Source: ONNX Neg-13."""

    evaluator = kernels.neg


class Reciprocal(ElementwiseOp, name="reciprocal"):
    """y = 1 / x.  Source: ONNX Reciprocal-13."""

    evaluator = kernels.reciprocal


class Round(ElementwiseOp, name="round"):
    """y = the nearest integer, halves to the even one.  Source: ONNX Round-22."""

    evaluator = kernels.round


class Rsqrt(ElementwiseOp, name="rsqrt"):
    """y = 1 / sqrt(x).  Source: TFLite RSQRT."""

    evaluator = kernels.rsqrt


class Sign(ElementwiseOp, name="sign"):
    """y = -1, 0 or 1: the sign of x.  Source: ONNX Sign-13."""

    evaluator = kernels.sign


class Sin(ElementwiseOp, name="sin"):
    """y = sin(x), x in radians.  Source: ONNX Sin-22."""

    evaluator = kernels.sin


class Sinh(ElementwiseOp, name="sinh"):
    """y = (e^x - e^-x) / 2.  Source: ONNX Sinh-22."""

    evaluator = kernels.sinh


class Sqrt(ElementwiseOp, name="sqrt"):
    """y = the square root of x.  Source: ONNX Sqrt-13."""

    evaluator = kernels.sqrt


class Square(ElementwiseOp, name="square"):
    """y = x * x.  Source: TFLite SQUARE."""

    evaluator = kernels.square


class Tan(ElementwiseOp, name="tan"):
    """y = tan(x), x in radians.  Source: ONNX Tan-22."""

    evaluator = kernels.tan


class Tanh(ElementwiseOp, name="tanh"):
    """y = (e^x - e^-x) / (e^x + e^-x).  Source: ONNX Tanh-13."""

    evaluator = kernels.tanh


class LogicalNot(ElementwiseOp, name="logical_not"):
    """y = not x, on booleans.  Source: ONNX Not-1."""

    evaluator = kernels.logical_not

    def verify(self) -> None:
        require(dtype_of(self.input).kind == "b", f"needs booleans, got {self.input.type}")


class BitwiseNot(ElementwiseOp, name="bitwise_not"):
    """y = the bits of x inverted, on integers.  Source: ONNX BitwiseNot-18."""

    evaluator = kernels.bitwise_not

    def verify(self) -> None:
        require(dtype_of(self.input).kind in "iu", f"needs integers, got {self.input.type}")


class IsNan(PredicateOp, name="is_nan"):
    """y = whether x is not a number.  Source: ONNX IsNaN-20."""

    evaluator = kernels.is_nan


class IsInf(PredicateOp, name="is_inf"):
    """y = whether x is infinite, of a sign that is to be detected.  Source: ONNX IsInf-20."""

    detect_negative: Bool
    detect_positive: Bool

    evaluator = kernels.is_inf
