"""Pieces of Python source that the writers of models share: headers, comments, annotations, literals.

Generated modules switch the formatter off, so what is written here is what stays.
"""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Collection, Iterable, Mapping

from api.model import Contract, Field, TypeRef

WIDTH = 110
SCALAR_ANNOTATIONS: Mapping[str, str] = {
    "string": "str",
    "int": "int",
    "uint": "UInt",
    "float": "float",
    "boolean": "bool",
    "UUID": "UUID",
    "any": "Any",
    "dict": "dict[str, Any]",
}
_IMPORTS: Mapping[str, Collection[str]] = {
    "collections.abc": ("Mapping",),
    "enum": ("IntEnum",),
    "types": ("MappingProxyType",),
    "typing": ("Annotated", "Any", "Literal"),
    "msgspec": ("UNSET", "Meta", "Struct", "UnsetType", "field", "to_builtins"),
    "vdsm.common.contract": ("Effect", "Method", "UnionMember", "UnionTable", "WireUnion"),
    "vdsm.models.wire": ("UUID", "OpenStruct", "UInt", "repr_without"),
}
_GROUPS = (("collections.abc", "enum", "types", "typing"), ("msgspec",), ("vdsm.common.contract", "vdsm.models.wire"))


def module(about: str, source: str, blocks: Iterable[str], imports: Mapping[str, Iterable[str]]) -> str:
    """A whole module: docstring, the imports that its blocks use, and the blocks, two lines apart.

    `imports` are names of other generated modules by module; the standard ones are found by name.
    """
    body = "\n\n\n".join(blocks)
    words = set(re.findall(r"[A-Za-z_]\w*", body))
    groups = ["from __future__ import annotations"]
    for group in _GROUPS:
        wanted = {name: [item for item in _IMPORTS[name] if item in words] for name in group}
        if "vdsm.common.contract" in group:
            wanted |= {name: list(items) for name, items in imports.items()}
        lines = [_import(name, items) for name, items in sorted(wanted.items()) if items]
        if lines:
            groups.append("\n".join(lines))
    head = f'"""{about}\n\nGenerated from {source} by api/generate.py; do not edit.\n"""\n\n# fmt: off\n'
    return head + "\n\n".join(groups) + "\n\n" + ("\n" if body.startswith("class") else "") + body + "\n"


def _import(name: str, items: list[str]) -> str:
    line = f"from {name} import {', '.join(items)}"
    if len(line) <= WIDTH:
        return line
    return f"from {name} import (\n" + "".join(f"    {item},\n" for item in items) + ")"


def docstring(about: str, indent: str = "    ") -> str:
    """A docstring in one line, or wrapped with the closing quotes on a line of their own."""
    text = about.replace("\\", "\\\\").replace('"""', "'''")
    if text.endswith('"'):
        text += " "
    if len(text) + len(indent) + 6 <= WIDTH:
        return f'{indent}"""{text}"""'
    wrapped = textwrap.fill(text, WIDTH - 3, initial_indent=indent, subsequent_indent=indent).lstrip()
    return f'{indent}"""{wrapped}\n{indent}"""'


def comment(text: str, indent: str = "    ") -> str:
    """A comment that documents what follows."""
    return textwrap.fill(text, WIDTH, initial_indent=f"{indent}#: ", subsequent_indent=f"{indent}#: ")


def field_text(field: Field) -> str:
    """All that the contract says about a field, in one paragraph."""
    parts = [field.about]
    if field.unit:
        parts.append(f"Unit: {field.unit}.")
    if field.source:
        parts.append(f"Source: {field.source}.")
    if field.deprecated:
        parts.append("Deprecated.")
    return " ".join(parts)


def annotation(contract: Contract, ref: TypeRef, *, incoming: bool) -> str:
    """The Python type of a use of a type; lists are tuples where callers send them, so that parameters stay frozen."""
    if ref.item is not None:
        item = annotation(contract, ref.item, incoming=incoming)
        if ref.kind == "map":
            return f"dict[str, {item}]"
        return f"tuple[{item}, ...]" if incoming else f"list[{item}]"
    return SCALAR_ANNOTATIONS[ref.name] if ref.kind == "scalar" else ref.name


def literal(value: object) -> str:
    """A value of YAML as Python source; texts in double quotes."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)


def names(values: Iterable[str]) -> str:
    """A tuple of texts as source."""
    items = [literal(value) for value in values]
    return f"({', '.join(items)}{',' if len(items) == 1 else ''})"
