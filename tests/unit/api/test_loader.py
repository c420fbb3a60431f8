"""The schema's files are read, and what is wrong in them is told with its place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from api.loader import load, parse_type
from api.model import SchemaError
from tests.unit.api import schemas
from tests.unit.api.schemas import Schema, field

Spoil = Callable[[Schema], Any]


def test_a_verb_as_it_was_written(tmp_path: Path) -> None:
    verb = next(schemas.contract(tmp_path).verbs())
    assert (verb.effect, verb.deadline, verb.errors, str(verb.returns)) == ("change", 5.0, ("NoSuchBox",), "[Content]")
    params = {param.name: param for param in verb.params}
    assert params["boxID"].python == "box_id"
    assert not params["boxID"].optional
    assert (params["tries"].optional, params["tries"].has_default, params["tries"].default) == (True, True, 3)
    assert (params["note"].optional, params["note"].has_default) == (True, False)
    assert params["pin"].secret


def test_a_verb_without_result_returns_true(tmp_path: Path) -> None:
    shake = list(schemas.contract(tmp_path).verbs())[1]
    assert shake.returns is None
    assert shake.deadline == 1.5


@pytest.mark.parametrize("text", ["string", "[UUID]", "{[int]}", "Thing", "{{Thing}}"])
def test_types_as_text(text: str) -> None:
    assert str(parse_type(text, "x")) == text


@pytest.mark.parametrize("text", ["", "[string", "{int]", "two words", ["string"], None])
def test_what_is_no_type(text: object) -> None:
    with pytest.raises(SchemaError, match=r"^Box\.yaml: open: how: "):
        parse_type(text, "Box.yaml: open: how")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda s: s["Box"].update(colour=1), r"Box\.yaml: unknown key 'colour'"),
        (lambda s: s["Box"].update({"class": "Bag"}), r"Box\.yaml: declares class Bag"),
        (lambda s: s["Box"].pop("about"), r"Box\.yaml: 'about' must be a text"),
        (lambda s: s["Box"].pop("verbs"), r"Box\.yaml: verbs: expected a mapping"),
        (lambda s: s["Box"]["verbs"]["open"].update(effect="maybe"), r"Box\.yaml: open: effect is 'read' or 'change'"),
        (lambda s: s["Box"]["verbs"]["open"].update(deadline=0), r"Box\.yaml: open: deadline is a number"),
        (lambda s: s["Box"]["verbs"]["open"].update(deadline=True), r"Box\.yaml: open: deadline is a number"),
        (lambda s: s["Box"]["verbs"]["open"].update(params={}), r"Box\.yaml: open: fields and parameters are a list"),
        (lambda s: s["Box"]["verbs"]["open"]["params"].append(field("x", kind=1)), r"open: x: unknown key 'kind'"),
        (lambda s: s["Box"]["verbs"]["open"]["params"].append({"name": "x"}), r"open: x: the type must be a text"),
        (
            lambda s: s["Box"]["verbs"]["open"]["params"].append(field("x", default=1, optional=True)),
            "open: x: a default",
        ),
        (lambda s: s["Box"]["types"]["ByKey"].update(enum=["a"]), r"ByKey: exactly one of fields, enum and union"),
        (
            lambda s: s["Box"]["types"].update(Bad={"about": "x", "enum": [False]}),
            r"Bad: an enumeration is a list of texts",
        ),
        (lambda s: s["Box"]["types"].update(Bad={"about": "x", "enum": {"a": 1}}), r"Bad: .* numbers as values"),
        (lambda s: s["Box"]["types"].update({"no name": {"about": "x", "fields": []}}), r"no name: not a name"),
        (
            lambda s: s["events"]["types"].update(ByKey={"about": "x", "fields": []}),
            r"events\.yaml: ByKey: declared in Box",
        ),
        (lambda s: s["events"]["events"]["moved"].pop("id"), r"events\.yaml: moved: either id"),
        (
            lambda s: s["errors"]["codes"].append({"code": "1", "name": "X", "message": "x"}),
            r"errors\.yaml: X: the code",
        ),
        (lambda s: s.update(totals=[]), r"totals\.yaml: expected a mapping, found list"),
    ],
)
def test_a_mistake_is_told_with_its_place(tmp_path: Path, spoil: Spoil, message: str) -> None:
    content = schemas.small()
    spoil(content)
    with pytest.raises(SchemaError, match=message):
        load(schemas.write(tmp_path, content))


def test_a_file_that_is_missing_or_not_yaml(tmp_path: Path) -> None:
    schemas.write(tmp_path, schemas.small())
    (tmp_path / "Box.yaml").write_text("class: [", encoding="utf-8")
    with pytest.raises(SchemaError, match=r"^Box\.yaml: not YAML"):
        load(tmp_path)
    (tmp_path / "Box.yaml").unlink()
    (tmp_path / "events.yaml").unlink()
    with pytest.raises(SchemaError, match=r"^events\.yaml: cannot be read"):
        load(tmp_path)
