"""Writes `docs/reference/*.md`: verbs and types of each class, events, errors."""

from __future__ import annotations

from api.model import ClassDef, Contract, Event, Field, TypeDef, TypeRef, Verb

_NOTE = "Generated from `api/schema/{name}.yaml`; do not edit."


def render_class_page(contract: Contract, class_def: ClassDef) -> str:
    """The page of one class."""
    lines = [f"# {class_def.name}", "", class_def.about, "", _NOTE.format(name=class_def.name), ""]
    lines += ["| verb | effect | what it does |", "|---|---|---|"]
    lines += [
        f"| [{verb.name}](#{verb.name.lower()}) | {verb.effect} | {_cell(verb.about)} |" for verb in class_def.verbs
    ]
    for verb in class_def.verbs:
        lines += ["", *_verb(contract, class_def.name, verb)]
    lines += ["", "# Types", *_types(contract, class_def.name)]
    return "\n".join(lines) + "\n"


def render_events_page(contract: Contract) -> str:
    """The page of events."""
    lines = [
        "# Events",
        "",
        "Notifications to everyone who subscribed the event queue.",
        "",
        _NOTE.format(name="events"),
    ]
    for event in contract.events:
        lines += ["", *_event(contract, event)]
    lines += ["", "# Types", *_types(contract, "events")]
    return "\n".join(lines) + "\n"


def render_errors_page(contract: Contract) -> str:
    """The page of errors."""
    kinds: dict[int, list[str]] = {}
    for kind, code in contract.kinds.items():
        kinds.setdefault(code, []).append(kind)
    lines = [
        "# Errors",
        "",
        _NOTE.format(name="errors"),
        "",
        "| code | name | message | raised as |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| {item.code} | {item.name} | {_cell(item.message)} | {', '.join(kinds.get(item.code, []))} |"
        for item in contract.codes
    ]
    return "\n".join(lines) + "\n"


def _verb(contract: Contract, home: str, verb: Verb) -> list[str]:
    lines = [f"## {verb.name}", "", verb.about, ""]
    if verb.deprecated:
        lines += ["Deprecated.", ""]
    if verb.params:
        lines += ["| parameter | type | | meaning |", "|---|---|---|---|"]
        lines += [_row(contract, home, param) for param in verb.params]
        lines.append("")
    result = "" if verb.returns is None else f" ({_link(contract, home, verb.returns)})"
    lines.append(f"Returns{result}: {verb.returns_about}")
    by_code = {item.code: item.message for item in contract.codes}
    if verb.errors:
        codes = sorted({contract.kinds[kind] for kind in verb.errors})
        lines += ["", "Errors: " + ", ".join(f"{code} ({by_code[code]})" for code in codes) + "."]
    lines += ["", f"Since {verb.added}; {verb.effect}; deadline {verb.deadline:g} s."]
    return lines


def _event(contract: Contract, event: Event) -> list[str]:
    last = event.fixed_id or f"<{event.id_name}>"
    lines = [f"## {event.name}", "", event.about, "", f"Method: `|{event.component}|{event.operation}|{last}`."]
    bodies = " or ".join(_link(contract, "events", TypeRef("name", name)) for name in event.body)
    if event.keyed:
        shape = f"`{{<{event.id_name}>: body, notify_time}}`, where body is {bodies}"
    elif event.body:
        shape = f"the fields of {bodies}, and `notify_time`"
    else:
        shape = "`notify_time` alone"
    return [*lines, "", f"Parameters: {shape}."]


def _types(contract: Contract, home: str) -> list[str]:
    lines: list[str] = []
    for item in sorted(contract.types_of(home), key=lambda found: found.name):
        lines += ["", f"## {item.name}", "", item.about, "", *_type(contract, home, item)]
    return lines


def _type(contract: Contract, home: str, item: TypeDef) -> list[str]:
    if item.shape == "enum":
        return [
            ", ".join(
                f"`{value}` {item.labels.get(int(value))}" if item.labels else f"`{value}`" for value in item.values
            )
        ]
    if item.shape == "union":
        lines = ["The first that fits:", ""]
        for member in item.members:
            chosen = " and ".join(f"`{key}`" for key in member.keys)
            rule = f"when it has {chosen}" if chosen else "otherwise"
            lines.append(f"- {_link(contract, home, TypeRef('name', member.type))} {rule}")
        if item.text_key:
            lines.append(f"- a plain text, which stands for `{item.text_key}`")
        return lines
    rows = [_row(contract, home, field) for field in item.fields]
    return ["| field | type | | meaning |", "|---|---|---|---|", *rows]


def _row(contract: Contract, home: str, field: Field) -> str:
    need = "required"
    if field.has_default:
        need = f"default `{field.default!r}`"
    elif field.optional:
        need = "optional"
    meaning = field.about
    for label, value in (("Unit", field.unit), ("Source", field.source)):
        meaning += f" {label}: {value}." if value else ""
    if field.deprecated:
        meaning += " Deprecated."
    return f"| {field.name} | {_link(contract, home, field.type)} | {need} | {_cell(meaning)} |"


def _link(contract: Contract, home: str, ref: TypeRef) -> str:
    if ref.item is not None:
        inner = _link(contract, home, ref.item)
        return f"list of {inner}" if ref.kind == "list" else f"map to {inner}"
    if ref.kind == "scalar":
        return ref.name
    other = contract.types[ref.name].home
    return f"[{ref.name}]({'' if other == home else other + '.md'}#{ref.name.lower()})"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
