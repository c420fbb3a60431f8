"""Names of the wire to names of Python: `vmID` -> `vm_id`, `supportedENGINEs` -> `supported_engines`."""

from __future__ import annotations

import keyword
import re

_WORD_END = re.compile(r"([a-z0-9])([A-Z])")
_ACRONYM_END = re.compile(r"([A-Z]+)([A-Z][a-z])")
_PLURAL_ACRONYM = re.compile(r"([A-Z]{2,})s(?![a-z])")
_NOT_NAME = re.compile(r"[^0-9A-Za-z]+")

# Names that annotations of the generated modules use: as a field's name they would hide the type.
RESERVED = frozenset(
    {"Any", "Literal", "bool", "dict", "extra", "field", "float", "int", "list", "str", "to_builtins", "tuple"}
)


def snake_case(wire: str) -> str:
    """The Python name of a wire name: lower case, words joined by underscores, never a keyword."""
    name = _PLURAL_ACRONYM.sub(lambda found: found.group(1).capitalize() + "s", wire)
    name = _ACRONYM_END.sub(r"\1_\2", name)
    name = _WORD_END.sub(r"\1_\2", name)
    name = _NOT_NAME.sub("_", name).strip("_").lower()
    return name + "_" if keyword.iskeyword(name) else name


def capitalised(verb: str) -> str:
    """A verb's name as part of a class name: `setTicket` -> `SetTicket`, `start_backup` -> `StartBackup`."""
    return "".join(part[:1].upper() + part[1:] for part in verb.split("_"))
