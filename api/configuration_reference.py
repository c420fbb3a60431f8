"""Writes `docs/reference/configuration.md` from the sections of `vdsm/app/config.py`: keys, forms, defaults.

The docstring of a section says what it is for and in which units its keys are; nothing is written twice.
"""

from __future__ import annotations

import inspect
from typing import Any

import msgspec

from vdsm.app.config import DROP_IN_FOLDERS, MAIN_FILE, Config, Section

_WORDS = "names separated by commas"


def render_configuration() -> str:
    """The page."""
    folders = ", ".join(f"`/{folder}/`" for folder in DROP_IN_FOLDERS)
    lines = [
        "# Configuration",
        "",
        f"`/{MAIN_FILE}`, then `*.conf` in {folders}",
        "by base name, and of equal names in this order of folders; the later wins, key by key.",
        "`vdsmd --show-config` prints what is in force, and which file each value is from.",
        "",
        "Generated from `vdsm/app/config.py`; do not edit.",
    ]
    for field in msgspec.structs.fields(Config):
        lines += _section(field.name, field.default)
    return "\n".join(lines) + "\n"


def _section(name: str, section: Section) -> list[str]:
    about = (inspect.getdoc(type(section)) or "").removeprefix(f"`[{name}]`").lstrip(",: ")
    about = about[:1].upper() + about[1:]
    rows = [
        f"| {field.encode_name} | {_form(msgspec.inspect.type_info(field.type))} | {_value(field.default)} |"
        for field in msgspec.structs.fields(section)
    ]
    return ["", f"## {name}", "", about, "", "| key | form | default |", "|---|---|---|", *rows]


def _form(kind: msgspec.inspect.Type) -> str:
    match kind:
        case msgspec.inspect.BoolType():
            return "true or false"
        case msgspec.inspect.IntType() | msgspec.inspect.FloatType():
            limits = ((" > ", kind.gt), (" >= ", kind.ge), (" <= ", kind.le))
            word = "whole number" if isinstance(kind, msgspec.inspect.IntType) else "number"
            return word + ",".join(f"{sign}{limit:g}" for sign, limit in limits if limit is not None)
        case msgspec.inspect.StrType(pattern=pattern):
            return _text_form(pattern)
        case _:
            return _WORDS


def _text_form(pattern: str | None) -> str:
    if pattern is None:
        return "text"
    if pattern == "^/":
        return "absolute path"
    return pattern.strip("^()$").replace("|", ", ")


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    text = ",".join(value) if isinstance(value, tuple) else str(value)
    return f"`{text}`" if text else "empty"
