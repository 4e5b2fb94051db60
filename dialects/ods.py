"""A declarative layer for dialects: one annotated class states everything about an operation.

    class LeakyRelu(ElementwiseOp, name="leaky_relu"):
        '''y = x if x >= 0 else alpha * x.  Source: ONNX LeakyRelu-16.'''
        input: Operand
        output: Result
        alpha: F64

Annotations name operands, results and attributes; reading one on an operation gives a Python value (`op.alpha` is a
float, `op.input` an `ir.Value`). From them come the constructor with result inference, the verifier with messages
that name op, field and values, the evaluator, and the reference page. `T | None` makes an operand or attribute
optional. Operands and results are tensors; a `BufferOperand` or `BufferResult` is a memref. Annotations are read when
the class is made, so a module that defines ops must not import `annotations` from `__future__`.

IRDL, through which ops reach MLIR, wants one type for all members of a variadic group. Ours differ (the operands of a
concatenation), so a variadic field is stated to it as `MEMBERS` optional ones; an op has at most one such field.
"""

import types
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Annotated, Any, ClassVar, Literal, Union, get_args, get_origin

import numpy as np

from ..errors import ShapeError
from .attributes import ENUM, KINDS, AttributeKind
from .mlir import describe, ext, ir
from .tensors import DYNAMIC, has_dtype

Operand = Annotated[ir.Value, "operand"]
Operands = Annotated[Sequence[ir.Value], "operand"]
Result = Annotated[ir.Value, "result"]
Results = Annotated[Sequence[ir.Value], "result"]
BufferOperand = Annotated[ir.Value, "operand", "buffer"]
BufferOperands = Annotated[Sequence[ir.Value], "operand", "buffer"]
BufferResult = Annotated[ir.Value, "result", "buffer"]
I64 = Annotated[int, KINDS["i64"]]
F64 = Annotated[float, KINDS["f64"]]
Bool = Annotated[bool, KINDS["bool"]]
Str = Annotated[str, KINDS["string"]]
I64Array = Annotated[tuple[int, ...], KINDS["array<i64>"]]
F64Array = Annotated[tuple[float, ...], KINDS["array<f64>"]]
StrArray = Annotated[tuple[str, ...], KINDS["array<string>"]]
ElementType = Annotated[ir.Type, KINDS["type"]]
Elements = Annotated[np.ndarray[Any, Any], KINDS["elements"]]

Pure = ext.Pure


class MemoryEffects:
    """Trait of operations on buffers: they write the last operand if that is their `target`, and read the others."""

    class _Effects(ir.MemoryEffectsOpInterface):  # type: ignore[misc]  # the bindings carry no types
        @staticmethod
        def get_effects(op: Any, effects: Any) -> None:
            fields = op.opview.operand_fields
            last = len(op.op_operands) - 1
            for number, operand in enumerate(op.op_operands):
                written = number == last and fields[-1].name == "target"
                effects.append(ir.MemoryEffect.Write if written else ir.MemoryEffect.Read, operand)

    @staticmethod
    def attach(name: str) -> None:
        """Called by the bindings when the dialect is loaded."""
        MemoryEffects._Effects.attach(name)


SEGMENTS = ("operandSegmentSizes", "resultSegmentSizes")
MEMBERS = 32


class Violation(ValueError):
    """An invariant of an operation does not hold; the text says which, with the actual values."""


def require(condition: bool, message: str) -> None:
    """Raise `Violation(message)` unless `condition`; for `verify` and `infer` of op classes.

    Messages are made each time: do not print constants or quantised types in them, which can be long.
    """
    if not condition:
        raise Violation(message)


@dataclass(frozen=True)
class Field:
    """One operand, result or attribute of an op class; `kind` is None for operands and results.

    `buffer`: whether its values are memrefs, not tensors.
    """

    name: str
    role: Literal["operand", "result", "attribute"]
    optional: bool = False
    variadic: bool = False
    kind: AttributeKind | None = None
    choices: tuple[str, ...] = ()
    buffer: bool = False

    @property
    def single(self) -> bool:
        return not (self.optional or self.variadic)

    def members(self) -> list[tuple[str, str]]:
        """The values that IRDL is told of, and how often each occurs."""
        if self.variadic:
            return [(f"{self.name}_{i}", "optional") for i in range(MEMBERS)]
        return [(self.name, "optional" if self.optional else "single")]

    def encode(self, value: Any) -> ir.Attribute:
        """The MLIR attribute for a Python value."""
        assert self.kind is not None
        return self.kind.write(value)

    def check(self, attribute: Any) -> None:
        """Raise `Violation` unless `attribute` has this field's kind and, for enums, one of its values."""
        assert self.kind is not None
        fits = isinstance(attribute, self.kind.attribute)
        if not fits:  # only then a message: the text of a large constant takes long
            raise Violation(f"attribute '{self.name}' must be of kind {self.kind.name}, got {attribute}")
        if self.choices:
            value = self.kind.read(attribute)
            if value not in self.choices:
                raise Violation(f"attribute '{self.name}' is '{value}', expected {', '.join(self.choices)}")
        if self.kind.name in ("type", "elements"):
            type_ = attribute.type if self.kind.name == "elements" else attribute.value
            if not has_dtype(type_):
                raise Violation(f"attribute '{self.name}' is of type {type_}, which numpy does not have")

    def check_type(self, type_: ir.Type) -> None:
        """Raise `Violation` unless values of this type can be this operand or result."""
        if not isinstance(type_, ir.MemRefType if self.buffer else ir.RankedTensorType):
            raise Violation(f"{self.role} must be a {'memref' if self.buffer else 'ranked tensor'}, got {type_}")
        if not has_dtype(type_):
            raise Violation(f"{self.role} is {type_}, whose elements numpy does not have")


def _field(name: str, annotation: Any) -> Field | None:
    """The field that `name: annotation` declares, or None for class variables."""
    if isinstance(annotation, str):
        raise TypeError(f"the annotation of '{name}' is text: do not import annotations from __future__")
    optional = False
    if get_origin(annotation) in (Union, types.UnionType):
        annotation, none = get_args(annotation)
        optional = none is type(None)
    if get_origin(annotation) is Literal:
        return Field(name, "attribute", optional, kind=ENUM, choices=get_args(annotation))
    if get_origin(annotation) is not Annotated:
        return None
    base, role, *rest = get_args(annotation)
    if isinstance(role, AttributeKind):
        return Field(name, "attribute", optional, kind=role)
    return Field(name, role, optional, variadic=get_origin(base) is Sequence, buffer="buffer" in rest)


def _getter(field: Field) -> property:
    """The accessor that turns IR into a Python value."""
    name, kind = field.name, field.kind

    def attribute(op: "Op") -> Any:
        assert kind is not None
        attributes = op.attributes
        return kind.read(attributes[name]) if name in attributes else None

    def value(op: "Op") -> Any:
        return op.field_values(field)

    return property(attribute if kind else value, doc=f"The {field.role} `{name}`.")


def _places(fields: Sequence[Field]) -> dict[str, int | slice]:
    """Where each field's values are among all of their role, as far as every operation has them at the same place."""
    varying = [position for position, field in enumerate(fields) if not field.single]
    first = varying[0] if varying else len(fields)
    places: dict[str, int | slice] = {field.name: position for position, field in enumerate(fields[:first])}
    if len(varying) == 1:
        behind = len(fields) - first - 1
        places[fields[first].name] = slice(first, -behind or None)
        places.update((field.name, number - behind) for number, field in enumerate(fields[first + 1 :]))
    return places


class Draft:
    """An op that is about to be made: what `infer` may look at, before there is an operation in the IR."""

    def __init__(self, cls: type["Op"], values: dict[str, Any]) -> None:
        self.__dict__.update(values)
        self._class = cls

    def __getattr__(self, name: str) -> Any:
        member = getattr(self._class, name)
        if isinstance(member, property) and member.fget is not None:
            return member.fget(self)
        return types.MethodType(member, self) if isinstance(member, types.FunctionType) else member


class Dialect(ext.Dialect, name=""):  # type: ignore[misc,call-arg]  # the bindings carry no types
    """Base class of our dialects, which consist of `Op` classes."""

    @classmethod
    def _emit_module(cls) -> ir.Module:
        """The dialect as IRDL: parsing text takes a third of the time of building operations, in every context."""
        return ir.Module.parse(cls._irdl())

    @classmethod
    @cache
    def _irdl(cls) -> str:
        members = "\n".join(member.irdl() for member in (*cls.attributes, *cls.operations))
        return f"irdl.dialect @{cls.DIALECT_NAMESPACE} {{\n{members}\n}}"


def _text(attribute: "Attribute", number: int) -> str:
    """The text that is a parameter of an attribute."""
    return str(ir.StringAttr(attribute.params[number]).value)


class Attribute(ext.Attribute):  # type: ignore[misc]  # the bindings carry no types
    """Base class of the attributes of our dialects: `name: Literal["a", "b"]` is a parameter, one of these texts.

    IRDL has no assembly formats: a parameter is printed and read as the attribute that it is, a text in quotes.
    """

    choices: ClassVar[dict[str, tuple[str, ...]]] = {}

    def __init_subclass__(cls, *, name: str, dialect: type[Dialect]) -> None:
        super().__init_subclass__(name=name, dialect=dialect)
        cls.choices = {key: get_args(literal) for key, literal in cls.__annotations__.items()}
        for number, key in enumerate(cls.choices):
            setattr(cls, key, property(partial(_text, number=number)))

    @classmethod
    def irdl(cls) -> str:
        """What MLIR has to know of the attribute."""
        lines = [f"irdl.attribute @{cls._name} {{"]
        for key, texts in cls.choices.items():
            members = [f"%{key}_{number}" for number in range(len(texts))]
            lines += [f'{member} = irdl.is "{text}"' for member, text in zip(members, texts, strict=True)]
            lines.append(f"%{key} = irdl.any_of({', '.join(members)})")
        return "\n".join([*lines, f"irdl.parameters({', '.join(f'{key}: %{key}' for key in cls.choices)})", "}"])


class Op(ext.Operation):  # type: ignore[misc]  # the bindings carry no types
    """Base class of the operations of all our dialects.

    Its own attributes are not annotated: the bindings would take annotations for fields.
    """

    operand_fields = tuple[Field, ...]()
    result_fields = tuple[Field, ...]()
    attribute_fields = tuple[Field, ...]()
    known_attributes = frozenset[str]()
    places = _places(())

    def __init_subclass__(cls, *, name: str | None = None, traits: list[type] | None = None, **options: Any) -> None:
        own, cls.__annotations__ = cls.__annotations__, {}
        super().__init_subclass__(name=name, traits=traits, **options)
        cls.__annotations__ = own
        declared = [field for key, annotation in own.items() if (field := _field(key, annotation))]
        inherited = (*cls.operand_fields, *cls.result_fields, *cls.attribute_fields)
        fields = {field.name: field for field in (*inherited, *declared)}.values()
        cls.operand_fields = tuple(field for field in fields if field.role == "operand")
        cls.result_fields = tuple(field for field in fields if field.role == "result")
        cls.attribute_fields = tuple(field for field in fields if field.role == "attribute")
        cls.places = {**_places(cls.operand_fields), **_places(cls.result_fields)}
        cls.known_attributes = frozenset({field.name for field in cls.attribute_fields} | set(SEGMENTS))
        for field in declared:
            setattr(cls, field.name, _getter(field))

    @classmethod
    def _generate_init_method(cls, fields: Any) -> None:
        """Keep our constructor instead of the one that the bindings would write."""

    @classmethod
    def irdl(cls) -> str:
        """What MLIR has to know of the op: counts and required attributes; our verifier checks the rest.

        Every member has a constraint of its own: those that share one would have to be of one type.
        """
        operands = [member for field in cls.operand_fields for member in field.members()]
        results = [member for field in cls.result_fields for member in field.members()]
        required = [field.name for field in cls.attribute_fields if not field.optional]
        lines = [f"irdl.operation @{cls._op_name} {{"]
        lines += [f"%{name} = irdl.any" for name in (*dict(operands), *dict(results), *required)]
        for keyword, members in (("operands", operands), ("results", results)):
            if members:
                lines.append(f"irdl.{keyword}({', '.join(f'{name}: {count} %{name}' for name, count in members)})")
        if required:
            lines.append("irdl.attributes {" + ", ".join(f'"{name}" = %{name}' for name in required) + "}")
        return "\n".join([*lines, "}"])

    def __init__(
        self,
        *operands: ir.Value | Sequence[ir.Value] | None,
        results: Sequence[ir.Type] | None = None,
        loc: ir.Location | None = None,
        ip: ir.InsertionPoint | None = None,
        **fields: Any,
    ) -> None:
        """Make the operation at the insertion point.

        Operands come in the order of their declaration or by name, attributes by name as Python values; result types
        are inferred unless `results` gives them. Raises `ShapeError` K0201 when they do not fit together.
        """
        cls = type(self)
        named = dict(zip((field.name for field in cls.operand_fields), operands, strict=False))
        values = {field.name: fields.pop(field.name, named.get(field.name)) for field in cls.operand_fields}
        attributes = {field.name: fields.pop(field.name, None) for field in cls.attribute_fields}
        if fields or len(operands) > len(cls.operand_fields):
            raise TypeError(f"{cls.OPERATION_NAME} has no operand or attribute {', '.join(fields) or operands[-1]}")
        if results is None:
            results = cls._infer_types({**values, **attributes}, loc)
        groups = [_group(value) for value in values.values()]
        encoded = {f.name: f.encode(attributes[f.name]) for f in cls.attribute_fields if attributes[f.name] is not None}
        encoded.update(_segments(SEGMENTS[0], cls.operand_fields, [len(group) for group in groups]))
        variadic_results = len(results) - len(cls.result_fields) + 1
        counts = [variadic_results if field.variadic else 1 for field in cls.result_fields]
        encoded.update(_segments(SEGMENTS[1], cls.result_fields, counts))
        operation = ir.Operation.create(
            cls.OPERATION_NAME,
            results=list(results),
            operands=[value for group in groups for value in group],
            attributes=encoded,
            loc=loc,
            ip=ip,
        )
        ir.OpView.__init__(self, operation)

    @classmethod
    def _infer_types(cls, values: dict[str, Any], loc: ir.Location | None) -> Sequence[ir.Type]:
        try:
            types_ = cls.infer(Draft(cls, values))  # type: ignore[arg-type]  # a draft quacks like the op
        except Violation as violation:
            place = loc or ir.Location.current
            raise ShapeError(
                "K0201", where=describe(place) if place else "", cause=f"'{cls.OPERATION_NAME}' op {violation}"
            ) from None
        return types_ if isinstance(types_, Sequence) else [types_]

    def field_values(self, field: Field) -> Any:
        """The operand or result values of `field`: one value, None, or a list of them."""
        values = self.operation.operands if field.role == "operand" else self.operation.results
        place = self.places.get(field.name)
        if place is None:
            place = self._segment(field)
        if isinstance(place, int):
            return values[place]
        group = list(values[place])
        return group if field.variadic else next(iter(group), None)

    def _segment(self, field: Field) -> slice:
        """Where the values of a field are, which an attribute says when two fields or more can vary."""
        fields = self.operand_fields if field.role == "operand" else self.result_fields
        sizes = self._segment_sizes(field.role)
        position = fields.index(field)
        start = sum(sizes[:position])
        return slice(start, start + sizes[position])

    def _segment_sizes(self, role: str) -> list[int]:
        """How many values each field holds, in an op of which two fields or more can vary."""
        name = SEGMENTS[0] if role == "operand" else SEGMENTS[1]
        require(name in self.attributes, f"requires attribute '{name}'")
        return list(self.attributes[name])

    def infer(self) -> ir.Type | Sequence[ir.Type]:
        """The result types that operands and attributes imply; raises `Violation`."""
        require(not self.result_fields, "cannot infer its result types: state them")
        return []

    def verify(self) -> None:
        """Check what inference does not; raises `Violation`."""

    @property
    def evaluator(self) -> Callable[..., Any]:
        """The function that computes the results from numpy operands and, by keyword, `evaluator_arguments`."""
        raise TypeError(f"{self.OPERATION_NAME} has no evaluator")

    @property
    def evaluator_arguments(self) -> dict[str, Any]:
        """What the evaluator is given beside operands: the attributes, unless an op says otherwise."""
        return {field.name: getattr(self, field.name) for field in self.attribute_fields}

    def rebuild(self, *operands: Any, **changes: Any) -> Any:
        """The same operation on other operands, with some attributes changed; result types are inferred anew."""
        attributes = {field.name: getattr(self, field.name) for field in self.attribute_fields}
        return type(self)(*operands, **{**attributes, **changes})

    def evaluate(self, *operands: Any) -> Any:
        """Compute the results from numpy operands (None for an absent one): an array, or a tuple of arrays."""
        return self.evaluator(*operands, **self.evaluator_arguments)

    def verify_invariants(self) -> bool:
        """Called by MLIR: fields, then inferred result types, then `verify`; failures become located diagnostics."""
        try:
            self._verify_fields()
            self._verify_results()
            self.verify()
        except Violation as violation:
            self.location.emit_error(f"'{self.OPERATION_NAME}' op {violation}")
            return False
        return True

    def _verify_fields(self) -> None:
        attributes = self.attributes
        for attribute in attributes:
            name = attribute if isinstance(attribute, str) else attribute.name
            if name not in self.known_attributes and "." not in name:
                known = ", ".join(field.name for field in self.attribute_fields) or "none"
                raise Violation(f"has no attribute '{name}'; it has: {known}")
        for field in self.attribute_fields:
            if field.name in attributes:
                field.check(attributes[field.name])
            else:
                require(field.optional, f"requires attribute '{field.name}'")
        varying = sum(not field.single for field in self.operand_fields)
        count, least = len(self.operation.operands), sum(field.single for field in self.operand_fields)
        require(count >= least and (varying > 0 or count == least), f"has {count} operands, expected {least}")
        if varying > 1:
            sizes = self._segment_sizes("operand")
            require(sum(sizes) == count, f"has {count} operands, operandSegmentSizes adds up to {sum(sizes)}")
        for declared in (*self.operand_fields, *self.result_fields):
            for value in _group(self.field_values(declared)):
                declared.check_type(value.type)

    def inferred_types(self) -> Sequence[ir.Type] | None:
        """What `infer` gives, as a sequence; None for ops that cannot infer."""
        if type(self).infer is Op.infer:
            return None
        inferred = self.infer()
        return inferred if isinstance(inferred, Sequence) else [inferred]

    def _verify_results(self) -> None:
        inferred = self.inferred_types()
        if inferred is None:
            return
        actual = [value.type for value in self.operation.results]
        require(len(inferred) == len(actual), f"has {len(actual)} results, expected {len(inferred)}")
        for expected, got in zip(inferred, actual, strict=True):
            if not compatible(expected, got):
                raise Violation(f"result type is {got}, inferred {expected}")


def _group(value: Any) -> list[ir.Value]:
    if value is None:
        return []
    return list(value) if isinstance(value, Sequence | ir.OpResultList) else [value]


def _segments(name: str, fields: Sequence[Field], sizes: list[int]) -> dict[str, ir.Attribute]:
    """The attribute that IRDL needs when more than one of the members it knows can be absent."""
    entries: list[int] = []
    for field, size in zip(fields, sizes, strict=True):
        if size > MEMBERS:
            raise TypeError(f"{size} values for '{field.name}', at most {MEMBERS} are possible")
        entries += [1] * size + [0] * (MEMBERS - size) if field.variadic else [size]
    flexible = sum(MEMBERS if field.variadic else not field.single for field in fields)
    return {name: ir.DenseI32ArrayAttr.get(entries)} if flexible > 1 else {}


def compatible(first: ir.Type, second: ir.Type) -> bool:
    """Whether two tensor types agree in element type, rank, and every dimension that both know."""
    if first == second:
        return True
    if not (isinstance(first, ir.RankedTensorType) and isinstance(second, ir.RankedTensorType)):
        return False
    return (
        first.element_type == second.element_type
        and first.rank == second.rank
        and all(a == b or DYNAMIC in (a, b) for a, b in zip(first.shape, second.shape, strict=True))
    )
