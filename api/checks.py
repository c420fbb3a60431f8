"""Do the parts of the contract fit together? Called by the loader on every load.

Types that are named exist, Python names do not collide, unions can be told apart, errors and events point at
something. Raises SchemaError with the place.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from graphlib import CycleError, TopologicalSorter

from api.model import Contract, Event, Field, SchemaError, TypeDef, Verb
from api.naming import RESERVED


def check(contract: Contract) -> None:
    """Raises: SchemaError for the first part that does not fit."""
    for item in contract.types.values():
        _check_type(contract, item)
    for verb in contract.verbs():
        _check_verb(contract, verb)
    for event in contract.events:
        _check_event(contract, event)
    _check_errors(contract)
    _check_totals(contract)
    _check_homes(contract)
    _check_used(contract)


def _check_type(contract: Contract, item: TypeDef) -> None:
    where = f"{item.home}.yaml: {item.name}"
    for name in item.mentions():
        _check_named(contract, name, where)
    _check_fields(item.fields, where)
    _refuse_repeats(map(str, item.values), f"{where}: value")
    if item.shape == "union":
        _check_union(contract, item, where)


def _check_named(contract: Contract, name: str, where: str) -> None:
    if name not in contract.types:
        raise SchemaError(f"{where}: type {name} is declared nowhere")


def _check_fields(fields: tuple[Field, ...], where: str) -> None:
    _refuse_repeats((field.name for field in fields), f"{where}: field")
    _refuse_repeats((field.python for field in fields), f"{where}: Python name")
    for field in fields:
        if field.python in RESERVED or not field.python.isidentifier() or field.python.startswith("_"):
            raise SchemaError(
                f"{where}: {field.name}: {field.python!r} cannot be a field's name in Python; give `python:`"
            )
        if field.has_default:
            _check_default(field, f"{where}: {field.name}")


def _check_default(field: Field, where: str) -> None:
    expected: dict[str, type | tuple[type, ...]] = {
        "string": str, "UUID": str, "int": int, "uint": int, "float": (int, float), "boolean": bool,
    }  # fmt: skip
    wanted = expected.get(field.type.name, object) if field.type.kind == "scalar" else object
    if field.type.kind == "list":
        wanted = list
    if field.type.kind == "map":
        wanted = dict
    if not isinstance(field.default, wanted) or (isinstance(field.default, bool) and field.type.name != "boolean"):
        raise SchemaError(f"{where}: default {field.default!r} is not a {field.type}")
    if field.type.kind in {"list", "map"} and field.default:
        raise SchemaError(f"{where}: only an empty list or map can be a default")


def _check_union(contract: Contract, union: TypeDef, where: str) -> None:
    seen: list[frozenset[str]] = []
    for member in union.members:
        item = contract.types[member.type]
        if item.shape != "object":
            raise SchemaError(f"{where}: member {member.type} is not an object")
        for key in member.keys:
            if key not in {field.name for field in item.fields}:
                raise SchemaError(f"{where}: member {member.type} has no field {key!r} to be selected by")
        keys = frozenset(member.keys)
        if any(earlier <= keys for earlier in seen):
            raise SchemaError(f"{where}: member {member.type} is never selected, an earlier one matches first")
        seen.append(keys)
    if union.text_key and all(
        union.text_key not in {field.name for field in contract.types[member.type].fields} for member in union.members
    ):
        raise SchemaError(f"{where}: no member has the field {union.text_key!r} that a plain text stands for")


def _check_verb(contract: Contract, verb: Verb) -> None:
    where = f"{verb.class_name}.yaml: {verb.name}"
    _check_fields(verb.params, where)
    for field in verb.params:
        for name in field.type.names():
            _check_named(contract, name, f"{where}: {field.name}")
    for name in verb.returns.names() if verb.returns is not None else ():
        _check_named(contract, name, f"{where}: returns")
    for kind in verb.errors:
        if kind not in contract.kinds:
            raise SchemaError(f"{where}: error {kind} is no kind of errors.yaml")


def _check_event(contract: Contract, event: Event) -> None:
    where = f"events.yaml: {event.name}"
    for name in event.body:
        _check_named(contract, name, f"{where}: body")
    if event.keyed and not event.body:
        raise SchemaError(f"{where}: a keyed event needs a body")
    if event.body and not event.id_name:
        raise SchemaError(f"{where}: an event with a body needs an id")


def _check_errors(contract: Contract) -> None:
    _refuse_repeats((str(item.code) for item in contract.codes), "errors.yaml: code")
    _refuse_repeats((item.name for item in contract.codes), "errors.yaml: name")
    known = {item.code for item in contract.codes}
    for kind, code in contract.kinds.items():
        if code not in known:
            raise SchemaError(f"errors.yaml: {kind}: code {code!r} is not in the table")


def _check_totals(contract: Contract) -> None:
    for class_def in contract.classes:
        total = contract.totals.get(class_def.name)
        if not isinstance(total, int) or len(class_def.verbs) > total:
            raise SchemaError(
                f"totals.yaml: {class_def.name} has {len(class_def.verbs)} verbs, the table says {total!r}"
            )


def _check_homes(contract: Contract) -> None:
    """Each file becomes a module that imports the others whose types it uses, so they may not go in circles."""
    uses: dict[str, set[str]] = {}
    mentions = [(item.home, name) for item in contract.types.values() for name in item.mentions()]
    mentions += [(verb.class_name, name) for verb in contract.verbs() for name in _names_of(verb)]
    mentions += [("events", name) for event in contract.events for name in event.body]
    for home, name in mentions:
        uses.setdefault(home, set()).update({contract.types[name].home} - {home})
    try:
        TopologicalSorter(uses).prepare()
    except CycleError as error:
        circle = " -> ".join(error.args[1])
        raise SchemaError(f"the types of these files use each other: {circle}; move what all need into one") from error


def _names_of(verb: Verb) -> Iterable[str]:
    for param in verb.params:
        yield from param.type.names()
    if verb.returns is not None:
        yield from verb.returns.names()


def _check_used(contract: Contract) -> None:
    unused = sorted(set(contract.types) - contract.inputs() - contract.outputs())
    if unused:
        raise SchemaError(f"{contract.types[unused[0]].home}.yaml: {unused[0]}: nothing uses this type")


def _refuse_repeats(names: Iterable[str], what: str) -> None:
    for name, count in Counter(names).items():
        if count > 1:
            raise SchemaError(f"{what} {name} is there {count} times")
