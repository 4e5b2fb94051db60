"""What executes a network, and which operations of `nn` each computes: directly, or after they were decomposed."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from types import CodeType
from typing import Any

from ..dialects import nn
from ..dialects.ods import Op
from ..passes.buffers.plan import ALIASES
from ..passes.kpu.rules import LAYERS
from ..passes.nn import basic, basic_indexing, decompose, integer_lstm, integers, nodes, unroll
from ..passes.rewriter import Pattern
from .k210 import layers3, nodes4
from .native.decompose import machine_code
from .stackvm import nms7, operators5

RICH: tuple[Pattern[Any], ...] = (*decompose.PATTERNS, *unroll.PATTERNS)
MINIMAL: tuple[Pattern[Any], ...] = (
    *(item for item in decompose.PATTERNS if item not in integers.BITS),
    *unroll.PLAIN,
    *basic.PATTERNS,
)
"""What is left for machines that do not compute with integers."""
LOGIC = (
    basic.logical_and,
    basic.logical_or,
    basic.logical_xor,
    basic.logical_not,
    basic.cast_to_bool,
    basic.bitcast_to_bool,
)
"""What has to do with booleans, which version 4 does not store."""
PLACES = (basic_indexing.gather_elements, basic_indexing.trilu)
"""What gathers from many places, which version 4 does not."""
WIDE = (integer_lstm.unroll_integer_lstm_as_floats,)
"""What stores integers of 16 bits, which version 4 does not."""
OLD: tuple[Pattern[Any], ...] = (*MINIMAL, basic.sigmoid, basic.softmax, *nodes.PATTERNS)


@dataclass(frozen=True)
class Engine:
    """One way to execute networks: its short name, what is compiled for it, with which types, and what it computes.

    `integers`: whether it adds and multiplies integers, too.
    """

    name: str
    compiled: str
    types: str
    computes: Callable[[type[Op]], bool]
    integers: bool = False


class Emitted:
    """What is computed where some operations have emitters, and patterns express others through them."""

    def __init__(self, emitted: Collection[type[Op]], patterns: Sequence[Pattern[Any]] = ()) -> None:
        self.patterns = patterns
        self.known: dict[type[Op], bool] = dict.fromkeys((nn.Constant, *ALIASES, *emitted), True)

    def __call__(self, op: type[Op]) -> bool:
        if op not in self.known:
            self.known[op] = False  # what is expressed through itself only
            found = (item for item in self.patterns if issubclass(op, item.op))
            self.known[op] = any(all(map(self, _named(item.apply.__code__))) for item in found)
        return self.known[op]


def _named(code: CodeType) -> set[type[Op]]:
    """The operations of `nn` that a function names: those that a pattern builds."""
    inner = [_named(constant) for constant in code.co_consts if isinstance(constant, CodeType)]
    named = (getattr(nn, name, None) for name in code.co_names)
    return {op for op in named if isinstance(op, type) and issubclass(op, Op)}.union(*inner) & set(nn.NN.operations)


ENGINES = (
    Engine("evaluator", "nothing: calibration and tests run it", "every element type", lambda op: True, integers=True),
    Engine(
        "machine code",
        "`cpu`",
        "every element type; f16 is computed in f32",
        lambda op: op is nn.Constant or op in ALIASES or machine_code(op),
        integers=True,
    ),
    Engine(
        "v7",
        "`k230`, and `cpu` with `--portable`",
        "every element type",
        Emitted(nms7.EMITTERS, RICH),
        integers=True,
    ),
    Engine(
        "v5",
        "`k210` (what the KPU does not compute), `k510`, and `cpu` with `--kmodel 5`",
        "f32; other element types it moves, compares and converts. The runtimes 1.1.0 and 1.0.0-beta2 have fewer "
        "functions than 1.6 to 1.9 (no comparisons, for one): a network that needs more is refused",
        Emitted(operators5.EMITTERS, MINIMAL),
    ),
    Engine(
        "v4",
        "`k210` with `--kmodel 4` (what the KPU does not compute)",
        "f32; reductions but those by multiplication, powers of constant exponents only",
        Emitted(nodes4.EMITTERS, [item for item in OLD if item not in (*LOGIC, *PLACES, *WIDE)]),
    ),
    Engine(
        "v3",
        "`k210` with `--kmodel 3` (what the KPU does not compute)",
        "f32; a network begins with a layer of the KPU or a product",
        Emitted(layers3.EMITTERS),
    ),
    Engine(
        "KPU",
        "`k210`, with `--calibration`",
        "8 bits; each operation as part of a layer: see [the K210](k210.md)",
        lambda op: op in LAYERS,
    ),
)
