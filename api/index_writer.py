"""Writes `vdsm/models/methods.json`: what the command line client needs to know about verbs, without the models."""

from __future__ import annotations

import json
from typing import Any

from api.model import Contract, Field, TypeRef, Verb


def render_index(contract: Contract) -> str:
    """`{class: {verb: {about, params, returns, effect}}}`; an object has a `template`: its fields."""
    index = {
        class_def.name: {verb.name: _verb(contract, verb) for verb in class_def.verbs} for class_def in contract.classes
    }
    return json.dumps(index, sort_keys=True, ensure_ascii=False, separators=(",", ":")) + "\n"


def _verb(contract: Contract, verb: Verb) -> dict[str, Any]:
    return {
        "about": verb.about,
        "effect": verb.effect,
        "params": [_param(contract, param) for param in verb.params],
        "returns": None if verb.returns is None else str(verb.returns),
    }


def _param(contract: Contract, param: Field) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "about": param.about,
        "name": param.name,
        "optional": param.optional,
        "type": str(param.type),
    }
    if param.has_default:
        entry["default"] = param.default
    template = _template(contract, param.type)
    if template:
        entry["template"] = template
    return entry


def _template(contract: Contract, ref: TypeRef) -> dict[str, str]:
    item = contract.types.get(ref.name) if ref.kind == "name" else None
    if item is None or item.shape != "object":
        return {}
    return {field.name: str(field.type) + (" (optional)" if field.optional else "") for field in item.fields}
