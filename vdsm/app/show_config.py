"""The effective configuration as text: what `vdsmd --show-config` prints.

It shows every key with its value and the file it comes from, so that nobody has to guess which drop-in won.
Keys that nothing reads are listed by name alone: their values are nobody's business, and might be secrets.
"""

from __future__ import annotations

from typing import Any

import msgspec

from vdsm.app.config import DEFAULT_ORIGIN, LoadedConfig


def show_json(loaded: LoadedConfig) -> str:
    """`{files, unknown, sections: {section: {key: {value, origin}}}}`, indented."""
    document = {
        "files": [str(path) for path in loaded.files],
        "unknown": list(loaded.unknown),
        "sections": {
            section: {key: {"value": value, "origin": origin} for key, value, origin in rows}
            for section, rows in _rows(loaded)
        },
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"


def show_ini(loaded: LoadedConfig) -> str:
    """An INI file that gives this very configuration when it is read, with each origin as a comment."""
    lines = [f"# {name}: read by nothing" for name in loaded.unknown]
    for section, rows in _rows(loaded):
        lines.append(f"\n[{section}]")
        for key, value, origin in rows:
            lines += [f"# {origin}", f"{key} = {_ini_value(value)}".rstrip()]
    return "\n".join(lines).lstrip("\n") + "\n"


def _rows(loaded: LoadedConfig) -> list[tuple[str, list[tuple[str, Any, str]]]]:
    return [
        (
            section,
            [
                (key, value, str(loaded.origins.get((section, key), DEFAULT_ORIGIN)))
                for key, value in msgspec.structs.asdict(getattr(loaded.config, section)).items()
            ],
        )
        for section in loaded.config.__struct_fields__
    ]


def _ini_value(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ",".join(value)
    return str(value)
