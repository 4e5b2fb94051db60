"""What a field of nncase's option classes is: a name, a default, the values that it takes, and what it does.

A class of `Options` is its fields: writing them is checked here, and docs/coming-from-nncase.md is made of them.
"""

import warnings
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from os import PathLike, fspath
from typing import Any, ClassVar, Generic, TypeVar, overload

import numpy as np

from ..errors import OptionError, UnknownNameError, nearest

Value = TypeVar("Value")
Check = Callable[[Any], Any]
"""Gives the value as it is kept; raises `ValueError` with what was expected instead."""


class NoEffectWarning(UserWarning):
    """An option was set that does nothing."""


class Field(Generic[Value]):
    """One field.

    `does` says what it does here, `differs` what nncase does instead, if that is something else. `since` is the nncase
    line that has it: "1.9", "2.x", or both if empty. A field with `nothing` is accepted and warned of, because of that
    reason; one with `refused` takes no value but its default.
    """

    def __init__(
        self,
        default: Value,
        check: Check,
        does: str,
        *,
        differs: str = "",
        since: str = "",
        nothing: str = "",
        refused: str = "",
    ) -> None:
        self.default, self.check, self.does, self.differs, self.since = default, check, does, differs, since
        self.nothing, self.refused = nothing, refused

    def __set_name__(self, owner: type, name: str) -> None:
        self.name, self.place = name, f"{owner.__name__}.{name}"

    @overload
    def __get__(self, instance: None, owner: type) -> "Field[Value]": ...

    @overload
    def __get__(self, instance: "Options", owner: type) -> Value: ...

    def __get__(self, instance: "Options | None", owner: type) -> "Field[Value] | Value":
        if instance is None:
            return self
        values: dict[str, Any] = instance.__dict__
        value: Value = values.setdefault(self.name, copy(self.default))  # lists may be changed in place
        return value

    def __set__(self, instance: "Options", value: Any) -> None:
        try:
            kept = self.check(value)
        except ValueError as error:
            raise OptionError("K0731", cause=f"{self.place} is {value!r}, expected {error}") from None
        if kept != self.default and self.refused:
            raise OptionError("K0731", cause=f"{self.place} cannot be {value!r}: {self.refused}")
        if kept != self.default and self.nothing:
            warnings.warn(f"{self.place} has no effect: {self.nothing}", NoEffectWarning, stacklevel=2)
        instance.__dict__[self.name] = kept


class Options:
    """A class whose attributes are `Field`s; others are refused with the nearest name."""

    fields: ClassVar[dict[str, Field[Any]]] = {}

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        own = {name: one for name, one in vars(cls).items() if isinstance(one, Field)}
        cls.fields = {**cls.fields, **own}

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in self.fields:
            raise self._unknown(name)
        super().__setattr__(name, value)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name) if name.startswith("__") else self._unknown(name)

    def _unknown(self, name: str) -> UnknownNameError:
        cause = f"{type(self).__name__} has no attribute '{name}'"
        return UnknownNameError("K0730", cause=cause, remedy=nearest(name, self.fields) if self.fields else "")

    def given(self, name: str) -> bool:
        """Whether a field has another value than its default."""
        return bool(getattr(self, name) != self.fields[name].default)


def text(value: Any) -> str:
    """A text."""
    if not isinstance(value, str):
        raise ValueError("a text")
    return value


def path(value: Any) -> str:
    """A path, as text."""
    if not isinstance(value, str | PathLike):
        raise ValueError("a path")
    return str(fspath(value))


def flag(value: Any) -> bool:
    """True or False; 0 and 1 are taken, as in nncase."""
    if isinstance(value, bool | np.bool_) or (isinstance(value, int) and value in (0, 1)):
        return bool(value)
    raise ValueError("True or False")


def number(value: Any) -> float:
    """A finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.number) or not np.isfinite(value):
        raise ValueError("a finite number")
    return float(value)


def count(value: Any) -> int:
    """A number of things."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 0:
        raise ValueError("a whole number, 0 or more")
    return int(value)


def numbers(value: Any) -> list[float]:
    """Finite numbers: a list, a tuple or an array."""
    return [number(one) for one in _sequence(value, "a list of numbers")]


def sizes(value: Any) -> list[int]:
    """Dimensions of a shape."""
    found = [count(one) for one in _sequence(value, "a list of dimensions")]
    if 0 in found:
        raise ValueError("a list of dimensions, each at least 1")
    return found


def texts(value: Any) -> list[str]:
    """Texts."""
    return [text(one) for one in _sequence(value, "a list of texts")]


def one_of(*names: str, more: Mapping[str, str] | None = None) -> Check:
    """One of these texts, in this spelling; `more` are other spellings of them."""
    spellings = {**dict.fromkeys(names, ""), **(more or {})}

    def check(value: Any) -> str:
        if not isinstance(value, str) or value not in spellings:
            hint = f"; {nearest(value, spellings)}" if isinstance(value, str) else ""
            raise ValueError("one of " + ", ".join(map(repr, spellings)) + (hint if "mean" in hint else ""))
        return value

    return check


def layout(value: Any) -> str:
    """NCHW, NHWC, a permutation as text, or nothing."""
    from ..frontends.preprocess import check_layout

    name = text(value)
    if name:
        try:
            check_layout("", name)
        except OptionError:
            raise ValueError("'', 'NCHW', 'NHWC' or a permutation like '0,3,1,2'") from None
    return name


def ranges(value: Any) -> dict[str, list[int]]:
    """The least and the greatest size of dimensions, by their names."""
    found = {}
    for name, pair in _mapping(value).items():
        ends = sizes(pair)
        if len(ends) != 2 or ends[0] > ends[1]:
            raise ValueError(f"[least, greatest] for dimension {name!r}")
        found[name] = ends
    return found


def named_sizes(value: Any) -> dict[str, int]:
    """Sizes of dimensions, by their names."""
    return {name: sizes([size])[0] for name, size in _mapping(value).items()}


def _mapping(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
        raise ValueError("a dictionary by name of dimension")
    return value


def _sequence(value: Any, what: str) -> Sequence[Any]:
    if isinstance(value, np.ndarray) and value.ndim == 1:
        return list(value.tolist())
    if not isinstance(value, list | tuple):
        raise ValueError(what)
    return value
