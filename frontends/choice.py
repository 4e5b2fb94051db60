"""Branches and rounds that only a run decides: all are computed, and the ones that count are selected.

Operations are pure, so that computing what is not taken changes nothing but time; what would fail there, such as an
index that is out of range, gets operands that do not.
"""

from collections.abc import Sequence

from ..dialects import nn
from ..dialects.mlir import ir
from ..dialects.tensors import dtype_of, is_static, shape_of
from .builder import NetworkBuilder, Unsupported

INDEXING = (nn.Gather, nn.GatherElements, nn.GatherNd, nn.ScatterElements, nn.ScatterNd)
"""What fails for indices out of range."""
DIVIDING = (nn.Div, nn.FloorDiv, nn.Mod, nn.Pow)
"""What some processors refuse for integers: a divisor of 0, a negative exponent."""
RESHAPING = (nn.DynamicExpand, nn.DynamicPad, nn.DynamicReshape, nn.DynamicTile, nn.ReverseSequence)
"""What fails for computed operands behind the first that do not fit, and has none that always do."""
MAKING = (nn.Fill, nn.Range)
"""The same for all operands."""


class Undecided(Exception):
    """Nothing known bounds the rounds of a loop."""


class Alternatives:
    """What one network computes although a run may not need it: `begin` starts such operations, `shield` ends them."""

    def __init__(self, builder: NetworkBuilder) -> None:
        self.builder = builder
        self.parts: list[tuple[int, ir.Value]] = []

    def begin(self, condition: ir.Value) -> None:
        """The operations from here on count where the condition holds, a scalar."""
        self.parts.append((len(self.builder.block.operations), condition))

    def shield(self) -> None:
        """Give operations that could fail operands that do not where their condition does not hold.

        Raises `Unsupported` when there are none.
        """
        operations = list(self.builder.block.operations)
        ends = [*(begin for begin, _ in self.parts[1:]), len(operations)]
        for (begin, condition), end in zip(self.parts, ends, strict=False):
            for op in operations[begin:end]:
                _shield(op.operation.opview, condition)


def _shield(op: ir.OpView, condition: ir.Value) -> None:
    operands = list(op.operation.operands)
    computed = [value for value in operands if nn.constant_value(value) is None]
    fitting = operands if isinstance(op, MAKING) else operands[1:] if isinstance(op, RESHAPING) else []
    if any(value in computed for value in fitting):
        name = op.operation.name
        raise Unsupported(
            f"{name} with computed operands could fail in a branch or round that is not taken",
            "fix the input shapes with --shape or --dim",
        )
    if isinstance(op, INDEXING) and op.indices in computed:
        _replace(op, 1, op.indices, condition, 0)
    if isinstance(op, DIVIDING) and op.rhs in computed and dtype_of(op.rhs).kind in "iu":
        _replace(op, 1, op.rhs, condition, 1)


def _replace(op: ir.OpView, place: int, value: ir.Value, condition: ir.Value, number: int) -> None:
    with op.operation.location, ir.InsertionPoint(op):
        harmless = nn.Constant(value=dtype_of(value).type(number)).output
        op.operation.operands[place] = nn.Where(condition, value, harmless).output


def scalar_condition(condition: ir.Value) -> ir.Value:
    """A condition of one element, whatever its rank, as a scalar."""
    if nn.known_product(shape_of(condition)) != 1:
        raise Unsupported(f"its condition is {condition.type}, not one boolean")
    return nn.Reshape(condition, shape=()).output if shape_of(condition) else condition


def select(condition: ir.Value, then: ir.Value, otherwise: ir.Value, what: str, remedy: str = "") -> ir.Value:
    """One of two values of the same known shape and type; raises `Unsupported`, `what` being what gives them."""
    if then.type != otherwise.type or not is_static(then):
        raise Unsupported(
            f"{what} {then.type} and {otherwise.type}; only one known shape and type is supported", remedy
        )
    return then if then == otherwise else nn.Where(condition, then, otherwise).output


def conjuncts(condition: ir.Value) -> Sequence[ir.Value]:
    """The conditions that have to hold all together."""
    op = condition.owner.opview if isinstance(condition, ir.OpResult) else None
    return [*conjuncts(op.lhs), *conjuncts(op.rhs)] if isinstance(op, nn.LogicalAnd) else [condition]


class Rounds:
    """The states of a loop whose end a run may decide.

    The loop goes on with its states as if it did not end, so that counters stay constants; `results` are the states
    behind the last round that counts, `alive` says whether the current one does (None: it is known to).
    """

    def __init__(self, builder: NetworkBuilder, states: Sequence[ir.Value]) -> None:
        self.results = list(states)
        self.alive: ir.Value | None = None
        self.alternatives = Alternatives(builder)

    def enter(self, condition: ir.Value, bounded: bool) -> bool:
        """Whether there may be one round more: not when any part of the condition is known not to hold.

        Raises `Undecided` when neither the caller nor a part of the condition bounds the rounds.
        """
        known = [nn.constant_value(part) for part in conjuncts(condition)]
        if any(array is not None and not array.all() for array in known):
            return False
        if any(array is None for array in known):
            if not bounded and all(array is None for array in known):
                raise Undecided
            scalar = scalar_condition(condition)
            self.alive = scalar if self.alive is None else nn.LogicalAnd(self.alive, scalar).output
        if self.alive is not None:
            self.alternatives.begin(self.alive)
        return True

    def leave(self, states: Sequence[ir.Value]) -> None:
        """The states behind a round."""
        if self.alive is None:
            self.results = list(states)
            return
        what = "how often it runs is decided by data, but a state changes between"
        pairs = zip(states, self.results, strict=True)
        self.results = [select(self.alive, new, old, what) for new, old in pairs]

    def finish(self) -> list[ir.Value]:
        """The states behind the last round; raises `Unsupported` where a round could fail that does not count."""
        self.alternatives.shield()
        return self.results
