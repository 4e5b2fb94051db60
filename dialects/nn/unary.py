"""Element-wise functions of one tensor: y = f(x)."""

from ..ods import Bool, require
from ..tensors import dtype_of
from .base import ElementwiseOp, PredicateOp


class Abs(ElementwiseOp, name="abs"):
    """y = |x|.  Source: ONNX Abs-13."""


class Acos(ElementwiseOp, name="acos"):
    """y = arccos(x), in radians.  Source: ONNX Acos-22."""


class Acosh(ElementwiseOp, name="acosh"):
    """y = the inverse hyperbolic cosine of x.  Source: ONNX Acosh-22."""


class Asin(ElementwiseOp, name="asin"):
    """y = arcsin(x), in radians.  Source: ONNX Asin-22."""


class Asinh(ElementwiseOp, name="asinh"):
    """y = the inverse hyperbolic sine of x.  Source: ONNX Asinh-22."""


class Atan(ElementwiseOp, name="atan"):
    """y = arctan(x), in radians.  Source: ONNX Atan-22."""


class Atanh(ElementwiseOp, name="atanh"):
    """y = the inverse hyperbolic tangent of x.  Source: ONNX Atanh-22."""


class Ceil(ElementwiseOp, name="ceil"):
    """y = the smallest integer >= x.  Source: ONNX Ceil-13."""


class Cos(ElementwiseOp, name="cos"):
    """y = cos(x), x in radians.  Source: ONNX Cos-22."""


class Cosh(ElementwiseOp, name="cosh"):
    """y = (e^x + e^-x) / 2.  Source: ONNX Cosh-22."""


class Erf(ElementwiseOp, name="erf"):
    """y = 2 / sqrt(pi) * integral of e^(-t^2) from 0 to x.  Source: ONNX Erf-13."""


class Exp(ElementwiseOp, name="exp"):
    """y = e^x.  Source: ONNX Exp-13."""


class Floor(ElementwiseOp, name="floor"):
    """y = the largest integer <= x.  Source: ONNX Floor-13."""


class Log(ElementwiseOp, name="log"):
    """y = the natural logarithm of x.  Source: ONNX Log-13."""


class Neg(ElementwiseOp, name="neg"):
    """y = -x.  Source: ONNX Neg-13."""


class Reciprocal(ElementwiseOp, name="reciprocal"):
    """y = 1 / x.  Source: ONNX Reciprocal-13."""


class Round(ElementwiseOp, name="round"):
    """y = the nearest integer, halves to the even one.  Source: ONNX Round-22."""


class Rsqrt(ElementwiseOp, name="rsqrt"):
    """y = 1 / sqrt(x).  Source: TFLite RSQRT."""


class Sign(ElementwiseOp, name="sign"):
    """y = -1, 0 or 1: the sign of x.  Source: ONNX Sign-13."""


class Sin(ElementwiseOp, name="sin"):
    """y = sin(x), x in radians.  Source: ONNX Sin-22."""


class Sinh(ElementwiseOp, name="sinh"):
    """y = (e^x - e^-x) / 2.  Source: ONNX Sinh-22."""


class Sqrt(ElementwiseOp, name="sqrt"):
    """y = the square root of x.  Source: ONNX Sqrt-13."""


class Square(ElementwiseOp, name="square"):
    """y = x * x.  Source: TFLite SQUARE."""


class Tan(ElementwiseOp, name="tan"):
    """y = tan(x), x in radians.  Source: ONNX Tan-22."""


class Tanh(ElementwiseOp, name="tanh"):
    """y = (e^x - e^-x) / (e^x + e^-x).  Source: ONNX Tanh-13."""


class LogicalNot(ElementwiseOp, name="logical_not"):
    """y = not x, on booleans.  Source: ONNX Not-1."""

    def verify(self) -> None:
        require(dtype_of(self.input).kind == "b", f"needs booleans, got {self.input.type}")


class BitwiseNot(ElementwiseOp, name="bitwise_not"):
    """y = the bits of x inverted, on integers.  Source: ONNX BitwiseNot-18."""

    def verify(self) -> None:
        require(dtype_of(self.input).kind in "iu", f"needs integers, got {self.input.type}")


class IsNan(PredicateOp, name="is_nan"):
    """y = whether x is not a number.  Source: ONNX IsNaN-20."""


class IsInf(PredicateOp, name="is_inf"):
    """y = whether x is infinite, of a sign that is to be detected.  Source: ONNX IsInf-20."""

    detect_negative: Bool
    detect_positive: Bool
