"""What a network remembers from one run to the next: variables become inputs and outputs of the same name.

A variable that no operator assigns is a constant. The first values are written down at the inputs: `nn.initial`.
"""

from collections.abc import Set
from dataclasses import dataclass, field

from ...dialects.mlir import ir
from ...dialects.tensors import Array, tensor_type
from ..builder import NetworkBuilder, Unsupported
from .loader import Tensor
from .quantization import quantise, stored


@dataclass
class States:
    """The variables of one network; `assigned` names those that its operators change.

    `taken` are the names of the inputs and outputs that the file declares.
    """

    builder: NetworkBuilder
    taken: Set[str] = frozenset()
    assigned: set[str] = field(default_factory=set)
    initial: dict[str, Array] = field(default_factory=dict)
    values: dict[str, ir.Value] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    """What the inputs and outputs are called, in their order."""

    def declare(self, name: str, initial: Array) -> None:
        """A variable that the network changes, unless it is known already."""
        if name not in self.initial:
            self.initial[name] = initial
        self.assigned.add(name)

    def read(self, name: str, tensor: Tensor) -> ir.Value:
        """What a variable holds now; `tensor` says what it looks like."""
        if name in self.values:
            return self.values[name]
        initial = self.initial.get(name)
        if initial is None:
            raise Unsupported(f"variable '{name}' has no first value")
        if initial.dtype.name != tensor.dtype:
            raise Unsupported(f"variable '{name}' is of {initial.dtype} and of {tensor.dtype}")
        if name in self.assigned:
            self.labels[name] = self._label(name)
            plain = self.builder.add_input(self.labels[name], tensor_type(initial.shape, initial.dtype))
        else:
            plain = self.builder.constant(initial)
        self.values[name] = quantise(plain, tensor)
        return self.values[name]

    def write(self, name: str, value: ir.Value) -> None:
        """Give a variable another value."""
        self.values[name] = value

    def _label(self, name: str) -> str:
        while name in self.taken or name in self.labels.values():
            name += "_state"
        return name

    def outputs(self) -> list[tuple[str, ir.Value]]:
        """What the variables hold in the end, as plain integers or reals, in the order of the inputs."""
        with self.builder.node("states"):
            return [(label, stored(self.values[name])) for name, label in self.labels.items()]

    def first_values(self) -> dict[str, Array]:
        """What those variables hold in the beginning."""
        return {label: self.initial[name] for name, label in self.labels.items()}
