"""Version 5 code of conversions from and to float16 and float64, whose bits are taken apart by integer instructions.

What is rounded is rounded once, halves to even. A float64 becomes an integer through 64 bits, as in C.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...dialects.tensors import dtype_of
from .integers5 import BITS, elementwise
from .writer5 import Writer, stored


@dataclass(frozen=True)
class Format:
    """A binary float: how many bits exponent and fraction have."""

    exponent: int
    fraction: int

    @property
    def sign(self) -> int:
        """The place of the sign's bit."""
        return self.exponent + self.fraction

    @property
    def bias(self) -> int:
        """What is added to exponents."""
        return (1 << self.exponent - 1) - 1

    @property
    def infinity(self) -> int:
        """The bits of infinity; those of NaN are more."""
        return ((1 << self.exponent) - 1) << self.fraction


FORMATS = {"f16": Format(5, 10), "f32": Format(8, 23), "f64": Format(11, 52)}

_ROUND = """
    v = n s SHR_U
    v = v  n  1 s SHL 1 SUB  AND  v 1 AND  ADD  1 s 1 SUB SHL  CGT  ADD
"""
"""v is n / 2^s, rounded half to even; s is 1 to 63."""


def _widened(source: Format, target: Format, result: str = "result") -> str:
    """The same number with more bits. Denormal ones are made normal by float32, as integers."""
    more = target.fraction - source.fraction
    biases = target.bias - source.bias
    small = target.bias - 127 + 1 - source.bias - source.fraction
    return f"""
        m = a {(1 << source.sign) - 1} AND
        e = m {source.fraction} SHR_U
        e 0 CEQ IF
            x:R4 = m CONV_R4
            v = x:U4 {target.fraction - 23} SHL  {small << target.fraction} ADD  m 0 CNE  MUL
        ELSE
            v = m {more} SHL  {biases << target.fraction}  1  e {(1 << source.exponent) - 1} CEQ  ADD  MUL  ADD
        END
        {result} = v  a {source.sign} SHR_U 1 AND {target.sign} SHL  OR
    """


def _narrowed(source: Format, target: Format, a: str = "a") -> str:
    """The nearest number with fewer bits."""
    fewer = source.fraction - target.fraction
    biases = source.bias - target.bias
    return f"""
        m = {a} {(1 << source.sign) - 1} AND
        n = m {biases << source.fraction} SUB
        s = {fewer}
        m {biases + 1 << source.fraction} CLT IF
            n = m {(1 << source.fraction) - 1} AND {1 << source.fraction} OR
            s = {fewer + biases + 1}  m {source.fraction} SHR_U  SUB
            s = s 63 SUB  s 63 CLT  MUL 63 ADD
        END
        {_ROUND}
        v = v {target.infinity} SUB  v {target.infinity} CLT  MUL {target.infinity} ADD
        v = v  m {source.infinity} CGT {target.fraction - 1} SHL  OR
        result = v  {a} {source.sign} SHR_U 1 AND {target.sign} SHL  OR
    """


def _from_integer(signed: bool) -> str:
    """The nearest float64. float32 tells the place p of the leading 1, or one more, if it rounds up."""
    f64 = FORMATS["f64"]
    return f"""
        minus = {"a 0 CLT" if signed else "0"}
        m = a  1 minus 2 MUL SUB  MUL
        h = m 1 SHR_U
        x:R4 = h CONV_R4
        p = x:U4 23 SHR_U 126 SUB
        p 1 CLT IF
            p = 0
        ELSE
            p = p  h  p 1 SUB  SHR_U  0 CEQ  SUB
        END
        p 53 CLT IF
            v = m  52 p SUB  SHL
        ELSE
            n = m
            s = p 52 SUB
            {_ROUND}
        END
        v = v  p {f64.bias - 1} ADD 52 SHL  ADD  m 0 CNE  MUL
        result = v  minus 63 SHL  OR
    """


_TO_INTEGER = """
    e = a 52 SHR_U 2047 AND 1075 SUB
    m = a 4503599627370495 AND 4503599627370496 OR
    e 0 CLT IF
        s = e NEG
        m = m  s 63 SUB  s 63 CLT  MUL 63 ADD  SHR_U
    ELSE
        m = m e SHL  e 64 CLT  MUL
    END
    result = m  1  a 0 CLT 2 MUL  SUB  MUL
"""


def convert(w: Writer, op: Any) -> None:
    """Write a conversion from or to float16 or float64."""
    source, target = stored(op.input).element, stored(op.output).element
    if source in FORMATS and target in FORMATS:
        wider = FORMATS[target].fraction > FORMATS[source].fraction
        text = (_widened if wider else _narrowed)(FORMATS[source], FORMATS[target])
    elif target == "f64":
        text = _from_integer(source.startswith("i"))
    elif target == "f16":
        least = "a" if source.startswith("i") else "a 65536 SUB  a 65536 CLT_U  MUL 65536 ADD"
        text = f"x:R4 = {least} CONV_R4\n" + _narrowed(FORMATS["f32"], FORMATS["f16"], "x:U4")
    elif dtype_of(op.output) == np.bool_:
        text = "result = a 1 SHL 65535 AND 0 CNE" if source == "f16" else "result = a 1 SHL 0 CNE"
    elif source == "f64":
        text = _TO_INTEGER
    else:
        text = _widened(FORMATS["f16"], FORMATS["f32"], "y") + "result = y:R4 CONV_I"
    elementwise(w, op, text, BITS, a=op.input)


def _parts(value: str, exponent: str, fraction: str) -> str:
    """A float32 as an integer times a power of 2."""
    return f"""
        {exponent} = {value} 23 SHR 255 AND
        {fraction} = {value} 8388607 AND
        {exponent} 0 CEQ IF
            {exponent} = 1
        ELSE
            {fraction} = {fraction} 8388608 OR
        END
    """


REMAINDER = f"""
    {_parts("a", "e", "m")}
    {_parts("b", "f", "d")}
    v = a 2147483647 AND
    d = d d 0 CEQ ADD
    e f CLT 0 CEQ IF
        n = e f SUB
        DO
            s = n 38 SUB  n 38 CLT  MUL 38 ADD
            m = m s SHL
            m = m  m d DIV d MUL  SUB
            n = n s SUB
        n WHILE
        x:R4 = m CONV_R4
        e = x:U4 23 SHR  f ADD 150 SUB
        e 1 CLT IF
            v = m  f 1 SUB  SHL
        ELSE
            v = x:U4  f 150 SUB 23 SHL  ADD  m 0 CNE  MUL
        END
    END
    c = b 2147483647 AND
    a 2147483647 AND 2139095039 CGT  c 2139095040 CGT  OR  c 0 CEQ  OR IF
        v = 2143289344
    END
    result = v  a 2147483648 AND  OR
"""
"""The exact remainder of two float32, as bits, with the sign of the dividend; not a number by 0, and of infinities."""
