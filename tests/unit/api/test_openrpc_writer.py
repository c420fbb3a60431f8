"""The OpenRPC document: of a small schema in detail, of the real one in structure."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api.openrpc_writer import render_openrpc
from tests.unit.api import schemas

Draft7Validator: Any = importlib.import_module("jsonschema").Draft7Validator  # it has no type stubs


@pytest.fixture(scope="module")
def document() -> Any:
    """The committed document."""
    return json.loads((schemas.ROOT / "api" / "openrpc.json").read_bytes())


def references(value: object) -> Iterator[str]:
    """Every $ref below `value`."""
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"]
        for item in value.values():
            yield from references(item)
    elif isinstance(value, list):
        for item in value:
            yield from references(item)


def test_method(tmp_path: Path) -> None:
    opened, shaken = json.loads(render_openrpc(schemas.contract(tmp_path), "1.2"))["methods"]
    assert [(param["name"], param["required"]) for param in opened["params"]][:3] == [
        ("boxID", True),
        ("how", True),
        ("tries", False),
    ]
    assert opened["params"][2]["schema"] == {"type": "integer", "minimum": 0, "default": 3}
    assert opened["result"]["schema"] == {"type": "array", "items": {"$ref": "#/components/schemas/Content"}}
    assert opened["errors"] == [{"$ref": "#/components/errors/NO_SUCH_BOX"}]
    assert shaken["result"]["schema"] == {"type": "boolean", "const": True}


def test_schemas(tmp_path: Path) -> None:
    parts = json.loads(render_openrpc(schemas.contract(tmp_path), "1.2"))["components"]["schemas"]
    assert parts["Content"]["required"] == ["name"]
    assert parts["Content"]["properties"]["colour"]["allOf"] == [{"$ref": "#/components/schemas/Colour"}]
    assert parts["Reason"]["enum"] == [0, 1]
    assert [option.get("type") for option in parts["How"]["anyOf"]] == [None, None, "string"]
    assert parts["ByForce"]["properties"]["strength"]["x-unit"] == "N"


def test_document_is_an_openrpc_document(document: Any) -> None:
    assert document["openrpc"] == "1.2.6"
    assert {"title", "version"} <= document["info"].keys()
    names = [method["name"] for method in document["methods"]]
    assert len(names) == len(set(names))
    for method in document["methods"]:
        assert {"name", "params", "result"} <= method.keys(), method["name"]
        required = [param["required"] for param in method["params"]]
        assert required == sorted(required, reverse=True), f"{method['name']}: optional parameters come last"
        for part in [*method["params"], method["result"]]:
            assert {"name", "schema"} <= part.keys()
            Draft7Validator.check_schema(part["schema"])
    for error in document["components"]["errors"].values():
        assert isinstance(error["code"], int)
        assert error["message"]


def test_every_reference_leads_somewhere(document: Any) -> None:
    for name, schema in document["components"]["schemas"].items():
        Draft7Validator.check_schema(schema)
        assert schema["description"], name
    found = set(references(document))
    known = {f"#/components/{part}/{name}" for part, items in document["components"].items() for name in items}
    assert found
    assert found <= known


def test_parameters_of_a_manager_are_valid(document: Any) -> None:
    schema = {"$ref": "#/components/schemas/VmParameters", "components": document["components"]}
    validator = Draft7Validator(schema)
    sent = {"vmId": "3f2a0000-1111-2222-3333-444455556666", "xml": "<domain/>", "unheardOf": [1]}
    assert validator.is_valid(sent)
    assert not validator.is_valid({**sent, "vmId": "x"})
