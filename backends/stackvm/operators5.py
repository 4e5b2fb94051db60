"""How each `nn` operation is called on the version 5 stack machine: one function an op, which reads operands and writes
results where the memory plan put them."""

from . import elementwise5, images5, integers5, movement5, reductions5  # noqa: F401  # each registers its emitters
from .writer5 import EMITTERS, Writer, stored

__all__ = ["EMITTERS", "Writer", "stored"]
