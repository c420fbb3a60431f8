"""Reads `api/schema/*.yaml` into a `Contract` and refuses what is not well formed.

Each mistake is told with its file, the verb or type, and the field. Whether the parts fit together (types that exist,
unions that can be told apart) is `checks`' business.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import yaml

from api.checks import check
from api.model import SCALARS, ClassDef, Contract, ErrorCode, Event, Field, Member, SchemaError, TypeDef, TypeRef, Verb
from api.naming import snake_case

_NAME = re.compile(r"^[A-Za-z_]\w*$")
_NOT_CLASSES = frozenset({"errors.yaml", "events.yaml", "totals.yaml"})
_FIELD_KEYS = frozenset({
    "name", "python", "type", "about", "optional", "default", "unit", "source", "secret", "deprecated",
})  # fmt: skip
_VERB_KEYS = frozenset({"about", "added", "effect", "deadline", "params", "returns", "errors", "deprecated"})
_TYPE_KEYS = frozenset({"about", "fields", "enum", "union", "text"})
_EVENT_KEYS = frozenset({"about", "component", "operation", "id", "fixed_id", "keyed", "body"})


def load(folder: Path) -> Contract:
    """The contract of one schema folder.

    Raises: SchemaError.
    """
    classes: list[ClassDef] = []
    types: dict[str, TypeDef] = {}
    for path in sorted(folder.glob("*.yaml")):
        if path.name not in _NOT_CLASSES:
            content = _read(path, {"class", "about", "verbs", "types"})
            classes.append(_class(path, content))
            _add_types(types, path.name, classes[-1].name, content)
    events = _read(folder / "events.yaml", {"about", "events", "types"})
    _add_types(types, "events.yaml", "events", events)
    errors = _read(folder / "errors.yaml", {"codes", "kinds"})
    contract = Contract(
        classes=tuple(classes),
        types=types,
        codes=tuple(_code(item) for item in errors["codes"]),
        kinds=dict(errors["kinds"]),
        events=tuple(_event(name, item) for name, item in events["events"].items()),
        totals=_read(folder / "totals.yaml", None),
    )
    check(contract)
    return contract


def parse_type(text: object, where: str) -> TypeRef:
    """`string`, `UUID`, `[T]` (list), `{T}` (map of string to T) or the name of a declared type.

    Raises: SchemaError.
    """
    if not isinstance(text, str) or not text:
        raise SchemaError(f"{where}: the type must be a text, not {text!r}; quote [T] and {{T}}")
    for opening, closing in ("[]", "{}"):
        if text[0] == opening:
            if text[-1] != closing:
                raise SchemaError(f"{where}: {text!r} lacks its {closing!r}")
            return TypeRef("list" if opening == "[" else "map", item=parse_type(text[1:-1].strip(), where))
    if text in SCALARS:
        return TypeRef("scalar", text)
    if not _NAME.match(text):
        raise SchemaError(f"{where}: {text!r} is not the name of a type")
    return TypeRef("name", text)


def _read(path: Path, known: Collection[str] | None) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SchemaError(f"{path.name}: cannot be read: {error.strerror}") from error
    except yaml.YAMLError as error:
        raise SchemaError(f"{path.name}: not YAML: {error}") from error
    return _mapping(content, path.name, known)


def _mapping(content: object, where: str, known: Collection[str] | None) -> dict[str, Any]:
    if not isinstance(content, dict):
        raise SchemaError(f"{where}: expected a mapping, found {type(content).__name__}")
    unknown = sorted(set(content) - set(known)) if known is not None else []
    if unknown:
        raise SchemaError(f"{where}: unknown key {unknown[0]!r}")
    return content


def _text(content: Mapping[str, Any], key: str, where: str) -> str:
    value = content.get(key)
    if not isinstance(value, str) or not value.strip():
        raise SchemaError(f"{where}: {key!r} must be a text that says something")
    return value.strip()


def _class(path: Path, content: dict[str, Any]) -> ClassDef:
    name = _text(content, "class", path.name)
    if name != path.stem:
        raise SchemaError(f"{path.name}: declares class {name}; one file per class, named after it")
    verbs = _mapping(content.get("verbs"), f"{path.name}: verbs", None)
    return ClassDef(
        name=name,
        about=_text(content, "about", path.name),
        verbs=tuple(_verb(name, verb, f"{path.name}: {verb}", spec) for verb, spec in verbs.items()),
    )


def _verb(class_name: str, name: str, where: str, content: object) -> Verb:
    spec = _mapping(content, where, _VERB_KEYS)
    effect = spec.get("effect")
    if effect not in {"read", "change"}:
        raise SchemaError(f"{where}: effect is 'read' or 'change', not {effect!r}")
    deadline = spec.get("deadline")
    if isinstance(deadline, bool) or not isinstance(deadline, int | float) or deadline <= 0:
        raise SchemaError(f"{where}: deadline is a number of seconds, not {deadline!r}")
    returns = spec.get("returns", True)
    if returns is not True:
        returns = _mapping(returns, f"{where}: returns", {"type", "about"})
    return Verb(
        class_name=class_name,
        name=name,
        about=_text(spec, "about", where),
        added=_text(spec, "added", where),
        effect=effect,
        deadline=float(deadline),
        params=_fields(spec.get("params", []), where),
        returns=None if returns is True else parse_type(returns.get("type"), f"{where}: returns"),
        returns_about="Always `true`." if returns is True else _text(returns, "about", f"{where}: returns"),
        errors=tuple(spec.get("errors", ())),
        deprecated=bool(spec.get("deprecated", False)),
    )


def _fields(content: object, where: str) -> tuple[Field, ...]:
    if not isinstance(content, list):
        raise SchemaError(f"{where}: fields and parameters are a list")
    return tuple(_field(item, where) for item in content)


def _field(content: object, where: str) -> Field:
    spec = _mapping(content, where, None)
    name = _text(spec, "name", where)
    place = f"{where}: {name}"
    _mapping(spec, place, _FIELD_KEYS)
    has_default = "default" in spec
    if has_default and "optional" in spec:
        raise SchemaError(f"{place}: a default makes it optional already")
    return Field(
        name=name,
        python=spec.get("python", snake_case(name)),
        type=parse_type(spec.get("type"), place),
        about=_text(spec, "about", place),
        optional=bool(spec.get("optional", False)) or has_default,
        has_default=has_default,
        default=spec.get("default"),
        unit=str(spec.get("unit", "")),
        source=str(spec.get("source", "")),
        secret=bool(spec.get("secret", False)),
        deprecated=bool(spec.get("deprecated", False)),
    )


def _add_types(types: dict[str, TypeDef], file: str, home: str, content: dict[str, Any]) -> None:
    for name, spec in _mapping(content.get("types", {}), f"{file}: types", None).items():
        where = f"{file}: {name}"
        if name in types:
            raise SchemaError(f"{where}: declared in {types[name].home} already")
        if not _NAME.match(name):
            raise SchemaError(f"{where}: not a name")
        types[name] = _type(name, home, where, _mapping(spec, where, _TYPE_KEYS))


def _type(name: str, home: str, where: str, spec: dict[str, Any]) -> TypeDef:
    about = _text(spec, "about", where)
    shapes = [key for key in ("fields", "enum", "union") if key in spec]
    if len(shapes) != 1:
        raise SchemaError(f"{where}: exactly one of fields, enum and union says what it is")
    if shapes == ["fields"]:
        return TypeDef(name, home, about, "object", fields=_fields(spec["fields"], where))
    if shapes == ["union"]:
        members = tuple(_member(item, where) for item in spec["union"])
        return TypeDef(name, home, about, "union", members=members, text_key=str(spec.get("text", "")))
    values = spec["enum"]
    if isinstance(values, dict):
        if not all(isinstance(value, int) for value in values):
            raise SchemaError(f"{where}: an enumeration with labels has numbers as values")
        return TypeDef(name, home, about, "enum", values=tuple(values), labels=values)
    if not isinstance(values, list) or not values or not all(isinstance(value, str) for value in values):
        raise SchemaError(f"{where}: an enumeration is a list of texts (quote them), or a map of numbers to labels")
    return TypeDef(name, home, about, "enum", values=tuple(values))


def _member(content: object, where: str) -> Member:
    spec = _mapping(content, f"{where}: union", {"type", "keys"})
    return Member(_text(spec, "type", f"{where}: union"), tuple(spec.get("keys", ())))


def _code(content: object) -> ErrorCode:
    spec = _mapping(content, "errors.yaml: codes", {"code", "name", "message"})
    where = f"errors.yaml: {spec.get('name')}"
    if not isinstance(spec.get("code"), int):
        raise SchemaError(f"{where}: the code must be a number")
    return ErrorCode(spec["code"], _text(spec, "name", where), _text(spec, "message", where))


def _event(name: str, content: object) -> Event:
    where = f"events.yaml: {name}"
    spec = _mapping(content, where, _EVENT_KEYS)
    if ("id" in spec) == ("fixed_id" in spec):
        raise SchemaError(f"{where}: either id (what it names) or fixed_id (its one value)")
    return Event(
        name=name,
        about=_text(spec, "about", where),
        component=_text(spec, "component", where),
        operation=_text(spec, "operation", where),
        id_name=spec.get("id", ""),
        fixed_id=spec.get("fixed_id", ""),
        keyed=bool(spec.get("keyed", False)),
        body=tuple(spec.get("body", ())),
    )
