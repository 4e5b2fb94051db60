"""Version 5 code of what is done to each integer, and of selections: by loops, to the bit as numpy does it.

Integers are loaded into 64 bits, and storing them cuts off what their type does not hold. Dividing by 0 gives 0; the
machine would end there, and also where it divides the least number of 64 bits by -1.
"""

from collections.abc import Mapping
from typing import Any

from ...dialects import nn
from ...dialects.mlir import ir
from ...dialects.ods import Op
from ...dialects.tensors import dtype_of, static_shape
from ...runtime.stackvm.memory5 import dense
from ..unsupported import Unsupported, floats
from .loops5 import INTEGERS, Elements, Loops
from .writer5 import Ints, Writer, emits, joined, stored

BITS = {"f16": "u16", "f32": "u32", "f64": "u64"}
"""Floats as the integers of the same bits."""
_DIVISOR = {
    "i": """
        t = b 1 SUB b 1 ADD 2 CLT_U MUL
        d = b t SUB
        q = a d DIV
    """,
    "u": """
        t = b 1 SUB b 0 CEQ MUL
        d = b t SUB
        q = a d DIV_U
    """,
}
"""d is the divisor, or 1 in the place of 0 and -1, q the quotient by it. t is b - d, so that a / b is q * (1 + t)."""

_SIGNED: dict[type[Op], str] = {
    nn.Abs: "result = a 1 a 0 CLT 2 MUL SUB MUL",
    nn.Neg: "result = a NEG",
    nn.Sign: "result = a 0 CGT a 0 CLT SUB",
    nn.Square: "result = a a MUL",
    nn.BitwiseNot: "result = a NOT",
    nn.Add: "result = a b ADD",
    nn.Sub: "result = a b SUB",
    nn.Mul: "result = a b MUL",
    nn.Div: _DIVISOR["i"] + "result = q 1 t ADD MUL",
    nn.FloorDiv: _DIVISOR["i"]
    + """
        q = q 1 t ADD MUL
        result = q  q b MUL a CNE  a b XOR 0 CLT  AND  b 0 CNE  AND  SUB
    """,
    nn.Minimum: "result = a b SUB  a b CLT  MUL b ADD",
    nn.Maximum: "result = a b SUB  a b CGT  MUL b ADD",
    nn.BitwiseAnd: "result = a b AND",
    nn.BitwiseOr: "result = a b OR",
    nn.BitwiseXor: "result = a b XOR",
    nn.ShiftLeft: "result = a b SHL  b 64 CLT_U  MUL",
    nn.ShiftRight: "result = a  b 63 SUB  b 63 CLT_U  MUL 63 ADD  SHR",
    nn.Equal: "result = a b CEQ",
    nn.NotEqual: "result = a b CNE",
    nn.Less: "result = a b CLT",
    nn.LessEqual: "result = a b CLE",
    nn.Greater: "result = a b CGT",
    nn.GreaterEqual: "result = a b CGE",
    nn.Pow: """
        n = b
        power = 1
        b 0 CLT IF
            n = b 1 AND
            power = a 1 ADD 3 CLT_U  a 0 CNE  AND
        END
        x = a
        DO
            power = power  x 1 SUB  n 1 AND  MUL 1 ADD  MUL
            x = x x MUL
            n = n 1 SHR_U
        n WHILE
        result = power
    """,
}
"""What is done to `a`, or to `a` and `b`, if they have a sign. A power of a negative exponent is 0, but of 1 and -1."""
_UNSIGNED: dict[type[Op], str] = _SIGNED | {
    nn.Abs: "result = a",
    nn.Sign: "result = a 0 CNE",
    nn.Div: _DIVISOR["u"] + "result = q 1 t ADD MUL",
    nn.FloorDiv: _DIVISOR["u"] + "result = q 1 t ADD MUL",
    nn.ShiftRight: "result = a b SHR_U  b 64 CLT_U  MUL",
    nn.Minimum: "result = a b SUB  a b CLT_U  MUL b ADD",
    nn.Maximum: "result = a b SUB  a b CGT_U  MUL b ADD",
    nn.Less: "result = a b CLT_U",
    nn.LessEqual: "result = a b CLE_U",
    nn.Greater: "result = a b CGT_U",
    nn.GreaterEqual: "result = a b CGE_U",
    nn.Pow: _SIGNED[nn.Pow].replace("b 0 CLT IF", "0 IF"),
}
"""The same without a sign."""
_OPPOSITE = "result = r  r 0 CNE  r b XOR 0 CLT  AND  b MUL  ADD"
"""A remainder with the sign of the divisor."""


def computed(w: Writer, op: Any) -> bool:
    """Write an operation on elements other than float32, if it is one of integers, or a selection."""
    if isinstance(op, nn.Where):
        if stored(op.output).element == "f32" and w.code.has("ternary"):
            return False
        elementwise(w, op, "result = a b SUB  c 0 CNE  MUL b ADD", BITS, c=op.condition, a=op.x, b=op.y)
        return True
    operands = dict(zip("ab", op.operation.operands, strict=False))
    if stored(op.operation.operands[0]).element not in INTEGERS:
        return False
    text = (_SIGNED if dtype_of(op.operation.operands[0]).kind == "i" else _UNSIGNED).get(type(op))
    if text is None:
        raise Unsupported("integers have no such function")
    elementwise(w, op, text, **operands)
    return True


def remainder(kind: str, fmod: bool) -> str:
    """Lines for the remainder of integers with the sign of the dividend if `fmod`, else of the divisor."""
    rest = _DIVISOR[kind] + "r = a q d MUL SUB\n"
    return rest + (_OPPOSITE if kind == "i" and not fmod else "result = r")


def compare_in_loops(w: Writer, op: Any) -> None:
    """Write a comparison of any numbers."""
    if not computed(w, op):
        floats(op.lhs)
        elementwise(w, op, _SIGNED[type(op)], a=op.lhs, b=op.rhs)


@emits(nn.BitwiseNot, nn.BitwiseAnd, nn.BitwiseOr, nn.BitwiseXor, nn.ShiftLeft, nn.ShiftRight, nn.FloorDiv)
def of_integers(w: Writer, op: Any) -> None:
    if not computed(w, op):
        raise Unsupported(f"it computes with {op.operation.operands[0].type}, only integers are supported")


def elementwise(w: Writer, op: Any, text: str, seen: Mapping[str, str] | None = None, /, **operands: ir.Value) -> None:
    """Do what `text` says for each element of the result; `operands`, by name, are broadcast.

    `seen` says which element types are taken for others.
    """
    shapes = joined(**{name: static_shape(value) for name, value in operands.items()}, result=static_shape(op.output))
    walks = {
        name: elements(w, value, shapes[f"rshape_{name}"], seen)
        for name, value in (operands | {"result": op.output}).items()
    }
    Loops(w, shapes["rshape_result"], walks).each(text)


def elements(w: Writer, value: ir.Value, shape: Ints, seen: Mapping[str, str] | None = None) -> Elements:
    """A dense operand of this shape in a loop, repeated along axes that it has one element of."""
    steps = tuple(0 if size == 1 else stride for size, stride in zip(shape, dense(shape), strict=True))
    element = stored(value).element
    return Elements(w.place(value), (seen or {}).get(element, element), steps)
