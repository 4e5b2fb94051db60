"""The registries of converters: for each operator of a format how it becomes `nn`, and what users have to know."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, NamedTuple, TypeAlias, TypeVar

from ..dialects.ods import Op

Convert = TypeVar("Convert", bound=Callable[..., Any])
Function = TypeVar("Function", bound=Callable[..., Any])


class Form(NamedTuple):
    """An operation in a form that engines compute which do not compute others, or the other way round."""

    op: type[Op]
    how: str


Made: TypeAlias = type[Op] | Form
Ops: TypeAlias = Made | tuple[Made, ...]


def operations(made: Iterable[Made]) -> set[type[Op]]:
    """The operations, in whatever form they are."""
    return {one.op if isinstance(one, Form) else one for one in made}


def _text(made: Made) -> str:
    """An operation's name, with that of its form behind it."""
    return f"{made.op.OPERATION_NAME} {made.how}" if isinstance(made, Form) else str(made.OPERATION_NAME)


@dataclass(frozen=True)
class Converter(Generic[Convert]):
    """How one operator is imported.

    `builds` are the operations of `nn` that its usual form becomes; `forms` says which other ones some forms become;
    `integers` that they add or multiply integers.
    """

    operator: str
    convert: Convert
    builds: tuple[Made, ...] = ()
    forms: Mapping[str, tuple[Made, ...]] = field(default_factory=dict)
    integers: bool = False

    def row(self) -> dict[str, Any]:
        """The operator as data; its note, what users have to know of it, is the converter's docstring."""
        return {
            "operator": self.operator,
            "note": " ".join((self.convert.__doc__ or "").split()),
            "builds": [_text(made) for made in self.builds],
            "integers": self.integers,
            "forms": {text: [_text(made) for made in ops] for text, ops in self.forms.items()},
        }


class Registry(dict[str, Converter[Convert]]):
    """The converters of a format by their operators' names."""

    def converter(
        self,
        *operators: str,
        builds: Mapping[str, Ops] | Ops = (),
        forms: Mapping[str, Ops] | None = None,
        integers: bool = False,
    ) -> Callable[[Function], Function]:
        """Register a converter; `builds` may tell operators apart."""

        def register(convert: Function) -> Function:
            for operator in operators:
                made = builds[operator] if isinstance(builds, Mapping) else builds
                others = {text: _tuple(ops) for text, ops in (forms or {}).items()}
                self[operator] = Converter(operator, convert, _tuple(made), others, integers)  # type: ignore[arg-type]
            return convert

        return register


def _tuple(ops: Ops) -> tuple[Made, ...]:
    return ops if isinstance(ops, tuple) and not isinstance(ops, Form) else (ops,)
