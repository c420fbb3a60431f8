"""Turns `api/privileged.yaml` into the typed operations of the privileged helper and their reference page.

It only renders text: `api/generate.py` writes the files, or compares them. A specification that makes no sense
stops it with SpecError, which names the place.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

MODELS_PATH = Path("vdsm/models/privileged.py")
REFERENCE_PATH = Path("docs/reference/privileged.md")
DEFAULT_SIZE = 4096
_PLAIN_TYPES = {"text": "str", "int": "int", "flag": "bool"}
_FIELD_KEYS = frozenset({"type", "about", "optional", "min", "max", "pattern", "max_length", "enum"})
_OPERATION_KEYS = frozenset(
    {"about", "notes", "deadline", "idempotent", "subject", "fds", "params", "result", "max_request", "max_reply"}
)
_NAME = re.compile(r"[a-z][a-z0-9_]*\Z")

_HEADER = '''"""Operations of the privileged helper: parameters, results and limits.

Generated from api/privileged.yaml by api/generate.py; do not edit.
"""

# fmt: off
from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, ClassVar, Generic, Literal, TypeVar

import msgspec

VERSION = {version}
ResultT_co = TypeVar("ResultT_co", bound=msgspec.Struct, covariant=True)


class OperationSpec(msgspec.Struct, frozen=True, kw_only=True):
    """Limits of one operation: seconds, bytes of JSON, descriptors in the reply; `subject`: audited parameters."""

    name: str
    deadline: float
    idempotent: bool
    fds: int
    max_request: int
    max_reply: int
    subject: tuple[str, ...]


class Operation(msgspec.Struct, Generic[ResultT_co], frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One call of the helper; the fields are its parameters."""

    spec: ClassVar[OperationSpec]
    result_type: ClassVar[type[msgspec.Struct]]
'''


class SpecError(Exception):
    """The specification is wrong at the named place."""


def render(spec_path: Path) -> dict[Path, str]:
    """Contents of every generated file by its path in the repository.

    Raises: SpecError.
    """
    spec = yaml.safe_load(spec_path.read_text(encoding="utf-8"))
    _check(spec)
    return {MODELS_PATH: _render_models(spec), REFERENCE_PATH: _render_reference(spec)}


def _check(spec: Mapping[str, Any]) -> None:
    records = spec.get("records", {})
    for name, record in records.items():
        _check_fields(f"records.{name}", record["fields"], spec)
    for name, operation in spec["operations"].items():
        where = f"operations.{name}"
        if not _NAME.match(name):
            raise SpecError(f"{where}: an operation is named in lower case with underscores")
        unknown = set(operation) - _OPERATION_KEYS
        if unknown:
            raise SpecError(f"{where}: unknown keys {sorted(unknown)}")
        missing = {"about", "deadline", "idempotent", "result"} - set(operation)
        if missing:
            raise SpecError(f"{where}: missing keys {sorted(missing)}")
        _check_fields(f"{where}.params", operation.get("params", {}), spec)
        _check_fields(f"{where}.result", operation["result"], spec)
        strangers = set(operation.get("subject", [])) - set(operation.get("params", {}))
        if strangers:
            raise SpecError(f"{where}.subject: no such parameters {sorted(strangers)}")


def _check_fields(where: str, fields: Mapping[str, Any], spec: Mapping[str, Any]) -> None:
    for name, field in fields.items():
        place = f"{where}.{name}"
        unknown = set(field) - _FIELD_KEYS
        if unknown or not _NAME.match(name):
            raise SpecError(f"{place}: bad name or unknown keys {sorted(unknown)}")
        if "about" not in field:
            raise SpecError(f"{place}: about is missing")
        base = field["type"].strip("[]")
        if base not in _PLAIN_TYPES and base not in spec.get("records", {}):
            raise SpecError(f"{place}: unknown type {base}")
        if "pattern" in field and field["pattern"] not in spec.get("patterns", {}):
            raise SpecError(f"{place}: unknown pattern {field['pattern']}")


def _camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


def _annotation(field: Mapping[str, Any], patterns: Mapping[str, str]) -> str:
    base = field["type"].strip("[]")
    if "enum" in field:
        text = f"Literal[{', '.join(_quoted(value) for value in field['enum'])}]"
    else:
        text = _PLAIN_TYPES.get(base, base)
    limits = []
    if "min" in field:
        limits.append(f"ge={field['min']}")
    if "max" in field:
        limits.append(f"le={field['max']}")
    if "max_length" in field:
        limits.append(f"max_length={field['max_length']}")
    if "pattern" in field:
        limits.append(f'pattern=r"\\A(?:{patterns[field["pattern"]]})\\Z"')
    if limits:
        text = f"Annotated[{text}, msgspec.Meta({', '.join(limits)})]"
    if field["type"].startswith("["):
        text = f"tuple[{text}, ...]"
    return f"{text} | None = None" if field.get("optional") else text


def _quoted(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)


def _field_lines(fields: Mapping[str, Any], patterns: Mapping[str, str]) -> Iterable[str]:
    for name, field in fields.items():
        yield f"    {name}: {_annotation(field, patterns)}"


def _struct(name: str, about: str, fields: Mapping[str, Any], patterns: Mapping[str, str]) -> str:
    lines = [f"class {name}(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):", f'    """{about}"""']
    body = list(_field_lines(fields, patterns))
    return "\n".join([*lines, *([""] if body else []), *body])


def _operation(name: str, operation: Mapping[str, Any], patterns: Mapping[str, str]) -> str:
    result = f"{_camel(name)}Result"
    subject = "".join(f'"{item}", ' for item in operation.get("subject", []))
    subject = subject.rstrip() if subject.count(",") == 1 else subject.rstrip(", ")
    lines = [
        f"class {_camel(name)}(",
        f"    Operation[{result}], frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True",
        "):",
        f'    """{operation["about"]}"""',
        "",
        "    spec: ClassVar[OperationSpec] = OperationSpec(",
        f'        name="{name}",',
        f"        deadline={float(operation['deadline'])},",
        f"        idempotent={bool(operation['idempotent'])},",
        f"        fds={operation.get('fds', 0)},",
        f"        max_request={operation.get('max_request', DEFAULT_SIZE)},",
        f"        max_reply={operation.get('max_reply', DEFAULT_SIZE)},",
        f"        subject=({subject}),",
        "    )",
        f"    result_type: ClassVar[type[msgspec.Struct]] = {result}",
    ]
    body = list(_field_lines(operation.get("params", {}), patterns))
    return "\n".join([*lines, *([""] if body else []), *body])


def _render_models(spec: Mapping[str, Any]) -> str:
    patterns = spec.get("patterns", {})
    blocks = [_HEADER.format(version=spec["version"]).rstrip("\n")]
    blocks.extend(
        _struct(name, record["about"], record["fields"], patterns) for name, record in spec.get("records", {}).items()
    )
    for name, operation in spec["operations"].items():
        blocks.extend(
            (
                _struct(f"{_camel(name)}Result", f"Answer of {name}.", operation["result"], patterns),
                _operation(name, operation, patterns),
            )
        )
    names = "".join(f'        "{name}": {_camel(name)},\n' for name in spec["operations"])
    table = f"OPERATIONS: Mapping[str, type[Operation[msgspec.Struct]]] = MappingProxyType(\n    {{\n{names}    }}\n)"
    return "\n\n\n".join([*blocks, table]) + "\n"


def _render_reference(spec: Mapping[str, Any]) -> str:
    lines = [
        "# Operations of the privileged helper",
        "",
        "Generated from `api/privileged.yaml`; do not edit. This list is closed: the helper does nothing else.",
        "",
    ]
    for name, operation in spec["operations"].items():
        lines += [f"## {name}", "", operation["about"], ""]
        if operation.get("notes"):
            lines += [operation["notes"].strip(), ""]
        again = "may be repeated" if operation["idempotent"] else "is never repeated by the client"
        limits = (
            f"Deadline {operation['deadline']} s; {again}; descriptors in the reply: {operation.get('fds', 0)}; "
            f"request up to {operation.get('max_request', DEFAULT_SIZE)} bytes, "
            f"reply up to {operation.get('max_reply', DEFAULT_SIZE)} bytes."
        )
        lines += [limits, ""]
        lines += _field_table("Parameter", operation.get("params", {}), spec)
        lines += _field_table("Result", operation["result"], spec)
    lines += ["# Records", ""]
    for name, record in spec.get("records", {}).items():
        lines += [f"## {name}", "", record["about"], "", *_field_table("Field", record["fields"], spec)]
    return "\n".join(lines).rstrip("\n") + "\n"


def _field_table(title: str, fields: Mapping[str, Any], spec: Mapping[str, Any]) -> list[str]:
    if not fields:
        return []
    lines = [f"| {title} | type | limits | meaning |", "|---|---|---|---|"]
    for name, field in fields.items():
        limits = [f"{key} {field[key]}" for key in ("min", "max", "max_length") if key in field]
        if "enum" in field:
            limits.append("one of " + ", ".join(f"`{value}`" for value in field["enum"]))
        if "pattern" in field:
            limits.append("matches `" + spec["patterns"][field["pattern"]].replace("|", "\\|") + "`")
        kind = field["type"] + ("?" if field.get("optional") else "")
        lines.append(f"| {name} | {kind} | {'; '.join(limits)} | {field['about']} |")
    return [*lines, ""]
