"""What all importers share: building a function of `nn` operations, naming places, and reporting problems at once.

A network becomes one function `@main`; its arguments and results carry their names in the attribute `nn.name`. Every
operation's location names the model file and the node it came from. What cannot be imported is collected, so that one
error names all of it.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np

from ..dialects import nn
from ..dialects.evaluate import fold
from ..dialects.function import set_names
from ..dialects.mlir import file_loc, func, ir
from ..dialects.tensors import Array
from ..errors import UnsupportedError

FOLD_LIMIT = 1024
"""Elements of the largest tensor that is computed during the import."""


@dataclass(frozen=True)
class Problem:
    """Why one node cannot be imported."""

    node: str
    operator: str
    reason: str
    remedy: str = ""


@dataclass
class NetworkBuilder:
    """Builds the module of one network; `model` is the file's name as errors shall print it.

    Use inside `with context, builder.node(...)`: operations are appended to the function body.
    """

    model: str
    problems: list[Problem] = field(default_factory=list)

    def start(self, inputs: Sequence[tuple[str, ir.Type]]) -> list[ir.Value]:
        """Create module and function; the values of the inputs, in order."""
        self.location = file_loc(self.model, "")
        self.module = ir.Module.create(self.location)
        with self.location, ir.InsertionPoint(self.module.body):
            self.function = func.FuncOp("main", ([type_ for _, type_ in inputs], []))
        self.block = self.function.add_entry_block()
        self.input_names = [name for name, _ in inputs]
        return list(self.block.arguments)

    @contextmanager
    def node(self, name: str) -> Iterator[None]:
        """Inside, operations are appended to the function with a location that names the node."""
        with file_loc(self.model, name), ir.InsertionPoint(self.block):
            yield

    def constant(self, array: Array) -> ir.Value:
        """A constant operation at the current place."""
        return nn.Constant(value=np.asarray(array)).output

    def folded(self, value: ir.Value) -> ir.Value:
        """The value as a constant, when known shapes and few constants decide it: shape arithmetic ends here."""
        if not isinstance(value, ir.OpResult):
            return value
        op = value.owner.opview
        results = fold(op, FOLD_LIMIT)
        return value if results is None else self.constant(results[value.result_number])

    def unsupported(self, node: str, operator: str, reason: str, remedy: str = "") -> None:
        """Remember that a node cannot be imported."""
        self.problems.append(Problem(node, operator, reason, remedy))

    def raise_problems(self, code: str) -> None:
        """Raise one `UnsupportedError` that lists every remembered problem, if there is any."""
        if not self.problems:
            return
        lines = [f"\n  {p.operator} at {p.node}: {p.reason}" for p in self.problems]
        remedies = dict.fromkeys(problem.remedy for problem in self.problems if problem.remedy)
        raise UnsupportedError(
            code,
            where=self.model,
            cause=f"{len(lines)} operator{'s' * (len(lines) > 1)} cannot be imported:{''.join(lines)}",
            remedy="; ".join(remedies),
        )

    def finish(self, outputs: Sequence[tuple[str, ir.Value]]) -> ir.Module:
        """Return the outputs from the function and give the verified module."""
        with self.node("outputs"):
            func.ReturnOp([value for _, value in outputs])
        arguments = [argument.type for argument in self.block.arguments]
        results = [value.type for _, value in outputs]
        self.function.attributes["function_type"] = ir.TypeAttr.get(ir.FunctionType.get(arguments, results))
        set_names(self.function, self.input_names, [name for name, _ in outputs])
        self.module.operation.verify()
        return self.module
