"""How many verbs are implemented."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from api import verbs
from api.loader import load


def table(*names: str) -> ModuleType:
    """What the program says about itself."""
    module = ModuleType(verbs.TABLE)
    module.__dict__["implemented"] = lambda: frozenset(names)
    return module


def test_the_program_is_asked(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, verbs.TABLE, table("Host.ping2", "VM.create", "VM.destroy"))
    assert verbs.main() == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["Host", "1", "/", "52"]
    assert lines[1].split() == ["VM", "2", "/", "60"]
    assert lines[-1].split() == ["in", "all", "3", "/", "205"]


def test_a_verb_of_no_class_is_told() -> None:
    assert verbs.report({"Host": 52}, frozenset({"Hots.ping"})).splitlines()[-1] == "not of this API: Hots.ping"


def test_without_a_table_it_says_so(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(verbs, "TABLE", "vdsm.verbs.no_such_table")
    assert verbs.main() == 1
    assert "cannot tell which verbs are implemented" in capsys.readouterr().err


def test_totals() -> None:
    totals = load(verbs.SCHEMA).totals
    assert sum(totals.values()) == 205
    assert len(totals) == 13
