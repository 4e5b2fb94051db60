"""What all importers share: building a function of `nn` operations, naming places, and reporting problems at once.

A network becomes one function `@main`; its arguments and results carry their names in the attribute `nn.name`. Every
operation's location names the model file and the node it came from. What cannot be imported is collected, so that one
error names all of it.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import numpy as np

from ..dialects import nn
from ..dialects.evaluate import fold
from ..dialects.function import set_names
from ..dialects.mlir import error_from, file_loc, func, ir
from ..dialects.tensors import Array, Dim, shape_of, tensor_type
from ..errors import ExecutionError, ModelError, OptionError, UnsupportedError, listed

FOLD_LIMIT = 1024
"""Elements of the largest tensor that is computed during the import."""
ROUNDS = 4096
"""The most rounds of a loop that are unrolled."""
UNROLLED_NODES = 1 << 15
"""The most nodes that the graphs which control flow runs may add up to, each as often as it runs."""
DEPTH = 16
"""How deep graphs may run graphs."""


class Unsupported(Exception):
    """Raised by a converter: this node cannot be imported, for this reason."""

    def __init__(self, reason: str, remedy: str = "") -> None:
        super().__init__(reason)
        self.reason, self.remedy = reason, remedy


@dataclass(frozen=True)
class InputSpec:
    """An input as the file declares it: a dimension is a number, or the symbol that stands for it ("" if none)."""

    name: str
    shape: tuple[int | str, ...]
    elements: ir.Type

    def names(self) -> list[str]:
        """What dimensions that are no numbers are called: their symbols, and "x[0]" where the file has none.

        Exporters write "?" for what they do not know, which is no symbol either.
        """
        return [
            dim if any(map(str.isalnum, dim)) else f"{self.name}[{axis}]"
            for axis, dim in enumerate(self.shape)
            if isinstance(dim, str)
        ]

    def naming(self, dims: Mapping[str, Dim]) -> "InputSpec":
        """The same, with names of dimensions for symbols where `dims` has them."""
        names = iter(self.names())
        shape = [dim if isinstance(dim, int) or (name := next(names)) not in dims else name for dim in self.shape]
        return replace(self, shape=tuple(shape))


def resolve_inputs(
    specs: Sequence[InputSpec], shapes: Mapping[str, Sequence[Dim]], dims: Mapping[str, Dim], model: str
) -> list[tuple[str, ir.Type]]:
    """Names and types of the inputs, with the caller's whole `shapes` and values of symbolic `dims` applied, in which
    None is for what shall stay open, or for what the other one says.

    Raises `OptionError` K0105 for names that do not exist and for shapes that do not fit.
    """
    specs = [spec.naming(dims) for spec in specs]
    symbols = {dim for spec in specs for dim in (*spec.shape, *spec.names()) if isinstance(dim, str) and dim}
    inputs = [spec.name for spec in specs]
    for given, valid, what in ((shapes, inputs, "input"), (dims, sorted(symbols), "symbolic dimension")):
        unknown = next((name for name in given if name not in valid), None)
        if unknown is not None:
            cause = f"there is no {what} '{unknown}'; there are: {', '.join(valid) or 'none'}"
            raise OptionError("K0105", where=model, cause=cause)
    for symbol, size in dims.items():
        if size is not None and size < 1:
            raise OptionError("K0105", where=model, cause=f"dimension '{symbol}' cannot be {size}")
    types = []
    for spec in specs:
        shape: list[Dim] = [dims.get(dim) if isinstance(dim, str) else dim for dim in spec.shape]
        if spec.name in shapes:
            shape = _fitting(spec, shape, shapes[spec.name], model)
        types.append((spec.name, tensor_type(shape, spec.elements)))
    return types


def _fitting(spec: InputSpec, declared: list[Dim], given: Sequence[Dim], model: str) -> list[Dim]:
    """The shape that is given; a symbol that it leaves open is what is said of the symbol."""
    # some exporters write 0 for a size that is open
    fits = len(declared) == len(given) and all(
        d in (None, 0, g) or (g is None and isinstance(dim, str))
        for dim, d, g in zip(spec.shape, declared, given, strict=True)
    )
    if not fits or any(g is not None and g < 1 for g in given):
        wanted, text = (",".join("?" if dim is None else str(dim) for dim in dims) for dims in (given, declared))
        cause = f"shape {wanted} does not fit input '{spec.name}' ({text})"
        raise OptionError("K0105", where=model, cause=cause)
    return [d if g is None else g for d, g in zip(declared, given, strict=True)]


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
    unrolled: int = 0
    dims: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """What dimensions of inputs that stay open are called, by input."""

    def start(self, inputs: Sequence[tuple[str, ir.Type]]) -> list[ir.Value]:
        """Create module and function; the values of the inputs, in order."""
        self.location = file_loc(self.model, "")
        self.module = ir.Module.create(self.location)
        with self.location, ir.InsertionPoint(self.module.body):
            self.function = func.FuncOp("main", ([type_ for _, type_ in inputs], []))
        self.block = self.function.add_entry_block()
        self.input_names = [name for name, _ in inputs]
        return list(self.block.arguments)

    def name_dimensions(self, specs: Sequence[InputSpec], dims: Mapping[str, Dim]) -> None:
        """Remember what open dimensions of inputs are called, by the model or in `dims`; `start` comes first."""
        for spec, argument in zip(specs, self.block.arguments, strict=True):
            pairs = zip(spec.naming(dims).shape, shape_of(argument), strict=True)
            self.dims[spec.name] = tuple(str(dim) if known is None else "" for dim, known in pairs)

    def add_input(self, name: str, type_: ir.Type) -> ir.Value:
        """One more input, behind those there are."""
        self.input_names.append(name)
        return self.block.add_argument(type_, self.location)

    @contextmanager
    def node(self, name: str) -> Iterator[None]:
        """Inside, operations are appended to the function with a location that names the node."""
        with file_loc(self.model, name), ir.InsertionPoint(self.block):
            yield

    def constant(self, array: Array) -> ir.Value:
        """A constant operation at the current place."""
        return nn.Constant(value=np.asarray(array)).output

    def folded(self, value: ir.Value) -> ir.Value:
        """The value as a constant, when known shapes and few constants decide it: shape arithmetic ends here.

        Raises `MLIRError` when the operation that is to be computed is not valid, `ModelError` K0104 when its operands
        are values that it cannot compute, such as an index that is out of range.
        """
        if not isinstance(value, ir.OpResult):
            return value
        op = value.owner.opview
        if isinstance(op, nn.Dequantize) and len(shape_of(value)) > 1:
            return value  # a weight, which a target may want as integers
        if all(nn.constant_value(operand) is not None for operand in op.operation.operands):
            op.operation.verify()
        try:
            results = fold(op, FOLD_LIMIT)
        except ExecutionError as error:
            raise ModelError("K0104", where=error.where, cause=error.cause) from error
        return value if results is None else self.constant(results[value.result_number])

    def origin(self, value: ir.Value) -> str:
        """What decides a value that is not constant, as in "depends on input 'x'"."""
        pending, seen = [value], {value}
        shapes = []
        while pending:
            current = pending.pop()
            if isinstance(current, ir.BlockArgument):
                return f"input '{self.input_names[current.arg_number]}'"
            op = current.owner.opview
            if isinstance(op, nn.RandomNormal | nn.RandomUniform):
                return "random numbers"
            if isinstance(op, nn.ShapeOf | nn.Size):
                shapes.append(op.input)
                continue
            added = [operand for operand in op.operation.operands if operand not in seen]
            pending += added
            seen.update(added)
        if shapes:
            return self.shape_origin(shapes[0])
        return f"a computation on more than {FOLD_LIMIT} constants"

    def shape_origin(self, value: ir.Value) -> str:
        """What decides the shape of a value that is not known."""
        computed = "" if isinstance(value, ir.BlockArgument) else "what is computed from "
        return f"the shape of {computed}{self.origin(value)}"

    def count_nodes(self, count: int) -> None:
        """Nodes of a graph that control flow runs once more; raises `Unsupported` when they are too many in all."""
        self.unrolled += count
        if self.unrolled > UNROLLED_NODES:
            raise Unsupported(f"the unrolled loops of the network have more than {UNROLLED_NODES} nodes")

    def unsupported(self, node: str, operator: str, reason: str, remedy: str = "") -> None:
        """Remember that a node cannot be imported."""
        self.problems.append(Problem(node, operator, reason, remedy))

    def raise_problems(self, code: str) -> None:
        """Raise one `UnsupportedError` that lists every remembered problem, if there is any."""
        if not self.problems:
            return
        count = len(self.problems)
        lines = listed((problem.operator, problem.node, problem.reason) for problem in self.problems)
        remedies = dict.fromkeys(problem.remedy for problem in self.problems if problem.remedy)
        raise UnsupportedError(
            code,
            where=self.model,
            cause=f"{count} operator{'s' * (count > 1)} cannot be imported:{lines}",
            remedy="; ".join(remedies),
        )

    def tell(self, found: dict[str, ir.Value], values: Mapping[str, ir.Value]) -> None:
        """Put into `found` those of the values that are computed."""
        for name, value in values.items():
            if isinstance(value, ir.OpResult) and nn.constant_value(value) is None:
                found[name] = value

    def finish(self, outputs: Sequence[tuple[str, ir.Value]], initial: Mapping[str, Array] | None = None) -> ir.Module:
        """Return the outputs from the function and give the verified module; raises `ModelError` K0104.

        `initial` are the first values of states, by name.
        """
        with self.node("outputs"):
            func.ReturnOp([value for _, value in outputs])
        arguments = [argument.type for argument in self.block.arguments]
        results = [value.type for _, value in outputs]
        self.function.attributes["function_type"] = ir.TypeAttr.get(ir.FunctionType.get(arguments, results))
        set_names(self.function, self.input_names, [name for name, _ in outputs], initial, self.dims)
        try:
            self.module.operation.verify()
        except ir.MLIRError as error:
            found = error_from(error, "K0104", "the network is not valid")
            raise ModelError("K0104", where=found.where, cause=found.cause) from error
        return self.module
