"""What the contract in memory can tell."""

from __future__ import annotations

from pathlib import Path

from api.model import TypeRef
from tests.unit.api import schemas


def test_type_as_text_and_its_names() -> None:
    ref = TypeRef("list", item=TypeRef("map", item=TypeRef("name", "Thing")))
    assert str(ref) == "[{Thing}]"
    assert list(ref.names()) == ["Thing"]
    assert list(TypeRef("scalar", "string").names()) == []


def test_directions_of_types(tmp_path: Path) -> None:
    contract = schemas.contract(tmp_path)
    assert contract.inputs() == {"How", "ByKey", "ByForce"}
    assert contract.outputs() == {"Content", "Colour", "Reason", "Place"}


def test_verbs_and_types(tmp_path: Path) -> None:
    contract = schemas.contract(tmp_path)
    assert [verb.full_name for verb in contract.verbs()] == ["Box.open", "Box.shake"]
    assert [item.name for item in contract.types_of("events")] == ["Place"]
