"""A small schema on disk for the tests of the generator."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from api.loader import load
from api.model import Contract

Schema = dict[str, Any]

ROOT = Path(__file__).resolve().parents[3]


def field(name: str, type_: str = "string", **more: Any) -> Schema:
    """A field with a sentence."""
    return {"name": name, "type": type_, "about": f"The {name}.", **more}


def small() -> Schema:
    """File name to content: one class with one verb and one of each kind of type, one event, two errors."""
    return {
        "Box": {
            "class": "Box",
            "about": "A box.",
            "verbs": {
                "open": {
                    "about": "Open it.",
                    "added": "4.5",
                    "effect": "change",
                    "deadline": 5,
                    "params": [
                        field("boxID", "UUID"),
                        field("how", "How"),
                        field("tries", "uint", default=3),
                        field("tags", "[string]", default=[]),
                        field("limits", "{int}", default={}),
                        field("note", optional=True),
                        field("pin", secret=True, optional=True),
                    ],
                    "returns": {"type": "[Content]", "about": "What is in it."},
                    "errors": ["NoSuchBox"],
                },
                "shake": {"about": "Shake it.", "added": "4.5", "effect": "read", "deadline": 1.5},
            },
            "types": {
                "Colour": {"about": "A colour.", "enum": ["dark red", "blue"]},
                "Reason": {"about": "Why.", "enum": {0: "success", 1: "lost key"}},
                "How": {
                    "about": "A way.",
                    "union": [{"type": "ByKey", "keys": ["keyID"]}, {"type": "ByForce", "keys": []}],
                    "text": "keyID",
                },
                "ByKey": {"about": "A key.", "fields": [field("keyID")]},
                "ByForce": {"about": "Force.", "fields": [field("strength", "int", optional=True, unit="N")]},
                "Content": {
                    "about": "A thing.",
                    "fields": [
                        field("name"),
                        field("colour", "Colour", optional=True, source="its label"),
                        field("reason", "Reason", optional=True),
                    ],
                },
            },
        },
        "events": {
            "about": "Events.",
            "events": {
                "opened": {
                    "about": "It was opened.", "component": "box", "operation": "opened", "id": "box_id",
                    "keyed": True, "body": ["Content"],
                },
                "moved": {
                    "about": "It was moved.", "component": "box", "operation": "moved", "id": "box_id",
                    "body": ["Place"],
                },
                "all_gone": {"about": "None left.", "component": "box", "operation": "gone", "fixed_id": "no_id"},
            },
            "types": {"Place": {"about": "A place.", "fields": [field("shelfID"), field("row", "int", optional=True)]}},
        },
        "errors": {
            "codes": [
                {"code": 1, "name": "NO_SUCH_BOX", "message": "No such box"},
                {"code": 100, "name": "GENERAL", "message": "General | failure"},
            ],
            "kinds": {"BoxError": 100, "NoSuchBox": 1},
        },
        "totals": {"Box": 7, "Shelf": 2},
    }  # fmt: skip


def write(folder: Path, content: Schema) -> Path:
    """Write the files of a schema; the folder itself."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, part in content.items():
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(part, sort_keys=False), encoding="utf-8")
    return folder


def contract(folder: Path) -> Contract:
    """The small schema, loaded."""
    return load(write(folder, small()))
