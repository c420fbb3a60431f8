"""The contract in memory: what the loader makes of the YAML files and every writer reads.

Nothing here knows YAML, Python source or Markdown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

SCALARS = frozenset({"string", "int", "uint", "float", "boolean", "UUID", "any", "dict"})


class SchemaError(Exception):
    """The schema is wrong; the text says where (`file: verb or type: field`) and what."""


@dataclass(frozen=True, slots=True)
class TypeRef:
    """A use of a type. `item` is the element of a list or the value of a map (keys are strings)."""

    kind: Literal["scalar", "list", "map", "name"]
    name: str = ""
    item: TypeRef | None = None

    def __str__(self) -> str:
        if self.kind == "list":
            return f"[{self.item}]"
        if self.kind == "map":
            return f"{{{self.item}}}"
        return self.name

    def names(self) -> Iterator[str]:
        """The declared types that this one mentions."""
        if self.kind == "name":
            yield self.name
        elif self.item is not None:
            yield from self.item.names()


@dataclass(frozen=True, slots=True)
class Field:
    """A parameter or a member of an object. `name` is the wire's, `python` ours; `secret` ones are never printed."""

    name: str
    python: str
    type: TypeRef
    about: str
    optional: bool = False
    has_default: bool = False
    default: Any = None
    unit: str = ""
    source: str = ""
    secret: bool = False
    deprecated: bool = False


@dataclass(frozen=True, slots=True)
class Member:
    """A member of a union and the wire keys that select it; none: it is what all the others are not."""

    type: str
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TypeDef:
    """A declared type: an object (fields), an enumeration (values), or a union (members).

    `labels` names the values of a numeric enumeration. `text_key`: a plain string stands for the object that
    holds the string under this key.
    """

    name: str
    home: str
    about: str
    shape: Literal["object", "enum", "union"]
    fields: tuple[Field, ...] = ()
    values: tuple[str | int, ...] = ()
    labels: Mapping[int, str] = field(default_factory=dict)
    members: tuple[Member, ...] = ()
    text_key: str = ""

    def mentions(self) -> Iterator[str]:
        """Names of the types that this one is made of."""
        for item in self.fields:
            yield from item.type.names()
        for member in self.members:
            yield member.type


@dataclass(frozen=True, slots=True)
class Verb:
    """One verb. `returns` is None where the wire's result is `true`; `errors` are kinds of `common/errors.py`."""

    class_name: str
    name: str
    about: str
    added: str
    effect: Literal["read", "change"]
    deadline: float
    params: tuple[Field, ...]
    returns: TypeRef | None
    returns_about: str
    errors: tuple[str, ...]
    deprecated: bool = False

    @property
    def full_name(self) -> str:
        """`<Class>.<verb>`, the method of the wire."""
        return f"{self.class_name}.{self.name}"


@dataclass(frozen=True, slots=True)
class ClassDef:
    """One class of verbs, which is one file of the schema."""

    name: str
    about: str
    verbs: tuple[Verb, ...]


@dataclass(frozen=True, slots=True)
class ErrorCode:
    """One code of the wire."""

    code: int
    name: str
    message: str


@dataclass(frozen=True, slots=True)
class Event:
    """One notification; its method is `|component|operation|id`.

    `id_name` names the last part, `fixed_id` is its value where it never varies. A `keyed` event carries its body under
    that id, others carry the body's fields themselves; `body` lists the types that it may have.
    """

    name: str
    about: str
    component: str
    operation: str
    id_name: str
    fixed_id: str
    keyed: bool
    body: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Contract:
    """Everything that the schema says."""

    classes: tuple[ClassDef, ...]
    types: Mapping[str, TypeDef]
    codes: tuple[ErrorCode, ...]
    kinds: Mapping[str, int]
    events: tuple[Event, ...]
    totals: Mapping[str, int]

    def verbs(self) -> Iterator[Verb]:
        """Every verb, class by class."""
        for class_def in self.classes:
            yield from class_def.verbs

    def types_of(self, home: str) -> list[TypeDef]:
        """The types that one file declares, in its order."""
        return [item for item in self.types.values() if item.home == home]

    def inputs(self) -> frozenset[str]:
        """Types that callers send."""
        return self._reachable(name for verb in self.verbs() for param in verb.params for name in param.type.names())

    def outputs(self) -> frozenset[str]:
        """Types that the agent sends."""
        roots = [name for verb in self.verbs() if verb.returns is not None for name in verb.returns.names()]
        return self._reachable([*roots, *(name for event in self.events for name in event.body)])

    def _reachable(self, roots: Iterator[str] | list[str]) -> frozenset[str]:
        found: set[str] = set()
        todo = list(roots)
        while todo:
            name = todo.pop()
            if name not in found:
                found.add(name)
                todo.extend(self.types[name].mentions())
        return frozenset(found)
