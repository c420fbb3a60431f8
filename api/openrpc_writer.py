"""Writes `api/openrpc.json`: the contract as an OpenRPC 1.2.6 document, for tools that other people have."""

from __future__ import annotations

import json
from typing import Any

from api.model import Contract, ErrorCode, Field, TypeDef, TypeRef, Verb

_SCALARS: dict[str, dict[str, Any]] = {
    "string": {"type": "string"},
    "int": {"type": "integer"},
    "uint": {"type": "integer", "minimum": 0},
    "float": {"type": "number"},
    "boolean": {"type": "boolean"},
    "UUID": {"type": "string", "pattern": "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"},
    "any": {},
    "dict": {"type": "object"},
}


def render_openrpc(contract: Contract, version: str) -> str:
    """The document as JSON; `version` is the agent's."""
    document = {
        "openrpc": "1.2.6",
        "info": {
            "title": "vdsm",
            "version": version,
            "description": "JSON-RPC API of a virtualization host, for its manager. Unknown parameters are ignored.",
        },
        "methods": [_method(contract, verb) for verb in contract.verbs()],
        "components": {
            "schemas": {name: _schema(item) for name, item in sorted(contract.types.items())},
            "errors": {item.name: _error(item) for item in contract.codes},
        },
    }
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _method(contract: Contract, verb: Verb) -> dict[str, Any]:
    by_code = {item.code: item.name for item in contract.codes}
    codes = sorted({contract.kinds[kind] for kind in verb.errors})
    result = {"type": "boolean", "const": True} if verb.returns is None else _use(verb.returns)
    method: dict[str, Any] = {
        "name": verb.full_name,
        "summary": verb.about,
        "tags": [{"name": verb.class_name}],
        "paramStructure": "either",
        "params": [_param(param) for param in verb.params],
        "result": {"name": "result", "description": verb.returns_about, "schema": result},
        "errors": [{"$ref": f"#/components/errors/{by_code[code]}"} for code in codes],
        "x-added": verb.added,
        "x-effect": verb.effect,
        "x-deadline-seconds": verb.deadline,
    }
    if verb.deprecated:
        method["deprecated"] = True
    return method


def _param(param: Field) -> dict[str, Any]:
    return {
        "name": param.name,
        "description": param.about,
        "required": not param.optional,
        "schema": _field_schema(param, described=False),
    }


def _error(item: ErrorCode) -> dict[str, Any]:
    return {"code": item.code, "message": item.message}


def _schema(item: TypeDef) -> dict[str, Any]:
    if item.shape == "enum":
        if item.labels:
            meanings = ", ".join(f"{value} {label}" for value, label in item.labels.items())
            return {"description": f"{item.about} {meanings}.", "type": "integer", "enum": list(item.values)}
        return {"description": item.about, "type": "string", "enum": list(item.values)}
    if item.shape == "union":
        options: list[dict[str, Any]] = [_reference(member.type) for member in item.members]
        if item.text_key:
            options.append(
                {"type": "string", "description": f"Stands for an object with this text as {item.text_key}."}
            )
        return {"description": item.about, "anyOf": options}
    schema: dict[str, Any] = {
        "description": item.about,
        "type": "object",
        "properties": {field.name: _field_schema(field, described=True) for field in item.fields},
    }
    required = [field.name for field in item.fields if not field.optional]
    if required:
        schema["required"] = required
    return schema


def _field_schema(field: Field, *, described: bool) -> dict[str, Any]:
    schema = _use(field.type)
    if "$ref" in schema and (described or field.has_default):
        schema = {"allOf": [schema]}  # JSON Schema ignores what stands beside a $ref
    if described:
        schema["description"] = field.about
    if field.has_default:
        schema["default"] = field.default
    if field.deprecated:
        schema["deprecated"] = True
    if field.unit:
        schema["x-unit"] = field.unit
    return schema


def _use(ref: TypeRef) -> dict[str, Any]:
    if ref.item is not None:
        if ref.kind == "list":
            return {"type": "array", "items": _use(ref.item)}
        return {"type": "object", "additionalProperties": _use(ref.item)}
    return dict(_SCALARS[ref.name]) if ref.kind == "scalar" else _reference(ref.name)


def _reference(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}
