"""Source of the modules of errors and events."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from api.models_writer import render_class
from api.tables_writer import render_errors, render_events
from tests.unit.api import schemas


def test_errors(tmp_path: Path) -> None:
    scope: dict[str, Any] = {"__name__": "generated_errors"}
    exec(compile(render_errors(schemas.contract(tmp_path)), "errors.py", "exec"), scope)
    assert scope["Code"].NO_SUCH_BOX == 1
    assert dict(scope["CODES"]) == {"BoxError": 100, "NoSuchBox": 1}
    assert scope["MESSAGES"][100] == "General | failure"


def test_events(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    contract = schemas.contract(tmp_path)
    for name, source in [
        ("vdsm.models.box", render_class(contract, contract.classes[0])),
        ("generated_events", render_events(contract)),
    ]:
        module = ModuleType(name)
        monkeypatch.setitem(sys.modules, name, module)
        exec(compile(source, name, "exec"), module.__dict__)
    events: Any = sys.modules["generated_events"]
    content: Any = sys.modules["vdsm.models.box"]
    body = content.Content(name="a")
    assert events.opened_method("7") == "|box|opened|7"
    assert events.opened_params("7", body) == {"7": body}
    assert events.moved_params(events.Place(shelf_id="s")) == {"shelfID": "s"}
    assert events.all_gone_method() == "|box|gone|no_id"
    assert not hasattr(events, "all_gone_params")
