"""The contract that the agent serves."""

from __future__ import annotations

from vdsm.app.contract import contract_methods, contract_text_keys, contract_unions
from vdsm.models.vm import DriveSpec
from vdsm.verbs.table import implemented


def test_every_handler_has_a_verb_and_every_verb_a_deadline() -> None:
    methods = contract_methods()
    names = {method.name for method in methods}
    assert len(names) == len(methods)
    assert implemented() <= names
    assert all(method.deadline > 0 for method in methods)


def test_unions_and_their_text_forms() -> None:
    assert DriveSpec in contract_unions()
    assert contract_text_keys()[DriveSpec] == "path"
