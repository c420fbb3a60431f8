"""Source of the models of one class: it compiles, and its structs behave as the contract says."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import pytest

from api.models_writer import foreign_types, params_name, render_class
from tests.unit.api import schemas


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The generated module of class Box."""
    contract = schemas.contract(tmp_path)
    module = ModuleType("generated_box")
    monkeypatch.setitem(__import__("sys").modules, "generated_box", module)
    exec(compile(render_class(contract, contract.classes[0]), "box.py", "exec"), module.__dict__)
    return module


def decode_union(box: ModuleType, declared: type, value: Any) -> Any:
    """What the reader of the wire does with unions."""
    if isinstance(value, str):
        value = {box.TEXT_KEYS[declared]: value}
    member = next(item.type for item in box.UNIONS[declared] if item.keys <= value.keys())
    return msgspec.convert(value, member, strict=False)


def open_params(box: ModuleType, how: object) -> Any:
    """Parameters of Box.open from the wire."""
    raw = {"boxID": "3f2a0000-1111-2222-3333-444455556666", "how": how}
    return msgspec.convert(raw, box.BoxOpenParams, dec_hook=lambda kind, value: decode_union(box, kind, value))


def test_defaults_and_absence(box: ModuleType) -> None:
    params = open_params(box, {"keyID": "k"})
    assert (params.tries, params.tags, params.limits, params.note) == (3, (), {}, None)
    with pytest.raises(AttributeError):
        params.tries = 4


def test_union_members_are_chosen_by_their_keys(box: ModuleType) -> None:
    assert open_params(box, {"keyID": "k"}).how == box.ByKey(key_id="k")
    assert open_params(box, "k").how == box.ByKey(key_id="k")
    assert open_params(box, {"strength": "7"}).how == box.ByForce(strength=7)
    assert open_params(box, {}).how == box.ByForce()


def test_inputs_are_open_and_results_are_not(box: ModuleType) -> None:
    assert box.ByForce().extra == {}
    assert not hasattr(box.Content(name="a"), "extra")


def test_a_result_leaves_out_what_is_absent(box: ModuleType) -> None:
    assert msgspec.json.encode(box.Content(name="a")) == b'{"name":"a"}'
    assert (
        msgspec.json.encode(box.Content(name="a", colour="blue", reason=1))
        == b'{"name":"a","colour":"blue","reason":1}'
    )


def test_enumerations_refuse_other_values(box: ModuleType) -> None:
    for wrong in ({"name": "a", "colour": "green"}, {"name": "a", "reason": 2}):
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert(wrong, box.Content)


def test_methods(box: ModuleType) -> None:
    opened, shaken = box.METHODS
    assert (opened.name, opened.params, opened.effect.value, opened.deadline) == (
        "Box.open",
        box.BoxOpenParams,
        "change",
        5,
    )
    assert opened.order == ("boxID", "how", "tries", "tags", "limits", "note", "pin")
    assert (shaken.name, shaken.order, shaken.effect.value) == ("Box.shake", (), "read")


def test_secrets_are_not_shown(box: ModuleType) -> None:
    params = msgspec.structs.replace(open_params(box, "k"), pin="1234")
    assert "1234" not in repr(params)


def test_names(tmp_path: Path) -> None:
    contract = schemas.contract(tmp_path)
    assert [params_name(verb) for verb in contract.verbs()] == ["BoxOpenParams", "BoxShakeParams"]
    assert foreign_types(contract, "Shelf", ["Content", "Place"]) == {
        "vdsm.models.box": ["Content"],
        "vdsm.models.events": ["Place"],
    }
